"""When an option has an effect: said once in the schema, for the form, the manual and the check."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from src.core.config.fields import Option


@dataclass(frozen=True)
class Condition:
    """What another option must be, or must not be, for an option to have an effect.

    Attributes:
        key: The other option. In the schema: its name in the section of the option or in one around it, the nearest
            first, with dots where it lies in a section of its own there. In an `Option`: its full dotted name.
        values: The values in question; empty stands for every value but "", None, 0, False and an empty list.
        wanted: True where the option needs one of the values, False where each of them takes its effect away.
        because: What decides instead, as the end of a sentence ("the split files decide"); may be empty.
        optional: Not every schema that takes the option in has the other one; where it is not, nothing depends on it.
    """

    key: str
    values: tuple[Any, ...] = ()
    wanted: bool = True
    because: str = ""
    optional: bool = False

    def holds(self, value: Any) -> bool:
        """Whether an option under this condition has an effect while the other one has this value."""
        met = value in self.values if self.values else bool(value)
        return met == self.wanted

    def sentence(self, label: str, words: Callable[[Any], str]) -> str:
        """Why the option does nothing now: what decides instead, or what the other option must be."""
        if self.because:
            return f"Does nothing: {self.because}."
        return f"{'Used only' if self.wanted else 'Does nothing'} while {self.where(label, words)}."

    def rule(self, label: str, words: Callable[[Any], str]) -> str:
        """The same for a manual, which does not know the value of the other option."""
        because = f": {self.because}" if self.because and not self.wanted else ""
        return f"{'Used only' if self.wanted else 'Does nothing'} while {self.where(label, words)}{because}."

    def way_back(self, label: str) -> str:
        """What gives the option its effect back, as the end of a sentence: ``set training.device to “cuda”``."""
        values = " or ".join(f"“{value}”" for value in self.values)
        if self.wanted:
            return f"set {label} to {values}" if values else f"set {label}"
        return f"set {label} to something other than {values}" if values else f"leave {label} empty"

    def where(self, label: str, words: Callable[[Any], str]) -> str:
        """``Schedule is “Cosine” or “Constant”``, ``Split files is set``; ``words`` puts a value into words."""
        if not self.values:
            return f"{label} is set"
        return f"{label} is {' or '.join(words(value) for value in self.values)}"


def when(key: str, *values: Any, because: str = "", optional: bool = False) -> Condition:
    """The option has an effect only while another one has one of the values (without values: while it is set)."""
    return Condition(key, values, True, because, optional)


def unless(key: str, *values: Any, because: str = "", optional: bool = False) -> Condition:
    """The option has no effect while another one has one of the values (without values: while it is set)."""
    return Condition(key, values, False, because, optional)


def bound(conditions: Iterable[Condition], key: str, known: Collection[str]) -> tuple[Condition, ...]:
    """The conditions of the option ``key`` with full names; one that speaks of the option itself is left
    out, and an optional one that speaks of an option that is not there.

    Raises:
        ValueError: Neither the section of the option nor one around it has an option of that name.
    """
    found = []
    for condition in conditions:
        parts = key.split(".")[:-1]
        places = [".".join([*parts[:depth], condition.key]) for depth in range(len(parts), -1, -1)]
        full = next((place for place in places if place in known), None)
        if full is None and condition.optional:
            continue
        if full is None:
            raise ValueError(f"{key} depends on {condition.key}, and there is no such option around it.")
        if full != key:
            found.append(replace(condition, key=full))
    return tuple(found)


def without_effect(found: Iterable[Option], values: Mapping[str, Any]) -> dict[str, Condition]:
    """The options that do nothing, each with the condition that takes its effect away.

    An option that does nothing counts at its default for those that depend on it.

    Args:
        found: Options of a schema, with those that their conditions speak of.
        values: Dotted key to value; what is missing is at its default.
    """
    by_key = {o.key: o for o in found}
    idle: dict[str, Condition | None] = {}

    def broken(key: str) -> Condition | None:
        if key not in idle:
            idle[key] = None  # two options that depend on each other both keep their effect
            idle[key] = next((c for c in by_key[key].conditions if not c.holds(effective(c.key))), None)
        return idle[key]

    def effective(key: str) -> Any:
        default = by_key[key].default
        return default if broken(key) else values.get(key, default)

    return {key: condition for key in by_key if (condition := broken(key)) is not None}

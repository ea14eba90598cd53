"""What a search varies: numbers between bounds and choices, each checked against the schema of the configuration."""

from __future__ import annotations

import contextlib
import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from src.core.config import ConfigError, Layer, Option, Resolved, nest, options, resolve, without_effect
from src.core.config.layers import nearest

if TYPE_CHECKING:
    from src.core.task_info import TaskInfo

#: Options that do not change what is learnt, or by which trials could no longer be compared with each other.
_FIXED = {
    "task": "all trials of a search have the same task",
    "monitoring.": "it does not change what the model learns",
    "data.split.": "with other validation images the trials could not be compared with each other",
    "data.masks.": "the truth would not be the same in all trials",
    "training.device": "it does not change what the model learns",
}
#: A grid of more combinations is no grid any more; every process would hold it in memory.
MOST_COMBINATIONS = 100_000
#: Of more combinations it is not counted which ones are the same because an option does nothing in them.
_COUNTED = 1_000
_RANGE = re.compile(r"^\s*(?P<low>[^:]+?)\s*\.\.\s*(?P<high>[^:]+?)\s*(?P<rest>(:[^:]*)*)$")


@dataclass(frozen=True)
class Dimension:
    """One option that a search varies.

    Attributes:
        key: Dotted, as in the configuration.
        kind: ``int``, ``float`` or ``choice``.
        low, high: Bounds of a number, both included.
        log: Numbers are drawn evenly over their orders of magnitude.
        step: Distance between two numbers; None for any number (``float``) or each one (``int``).
        points: How many numbers of a range a grid takes; None for each one.
        choices: The values of a ``choice``.
    """

    key: str
    kind: str
    low: float = 0
    high: float = 0
    log: bool = False
    step: float | None = None
    points: int | None = None
    choices: tuple[Any, ...] = ()

    def values(self) -> list[Any] | None:
        """The values of a grid, rising; None where a range has no end of them."""
        if self.kind == "choice":
            return list(self.choices)
        if self.points is not None:
            ends = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
            steps = [ends[0] + (ends[1] - ends[0]) * n / (self.points - 1) for n in range(self.points)]
            found = [min(max(math.exp(s) if self.log else s, self.low), self.high) for s in steps]
            return sorted({round(v) for v in found}) if self.kind == "int" else found
        if self.kind == "float" and self.step is None:
            return None
        step = self.step or 1
        count = math.floor((self.high - self.low) / step + 1e-9) + 1
        if count > MOST_COMBINATIONS:
            return None
        found = [self.low + n * step for n in range(count)]
        return [round(v) for v in found] if self.kind == "int" else found

    def suggest(self, trial: Any) -> Any:
        """A value for a trial of Optuna."""
        if self.kind == "choice":
            return trial.suggest_categorical(self.key, self.choices)
        if self.kind == "int":
            step = 1 if self.step is None else int(self.step)
            return trial.suggest_int(self.key, int(self.low), int(self.high), step=step, log=self.log)
        return trial.suggest_float(self.key, self.low, self.high, step=self.step, log=self.log)

    def as_yaml(self) -> Any:
        """As it is written in ``search.yaml``."""
        if self.kind == "choice":
            return list(self.choices)
        written: dict[str, Any] = {"low": self.low, "high": self.high}
        written |= {"log": True} if self.log else {}
        written |= {"step": self.step} if self.step is not None else {}
        return written | ({"points": self.points} if self.points is not None else {})

    def __str__(self) -> str:
        if self.kind == "choice":
            return ", ".join(map(str, self.choices))
        words = f"{self.low:g} … {self.high:g}"
        return words + (", logarithmic" if self.log else "") + (f", step {self.step:g}" if self.step else "")


def searchable(task: TaskInfo) -> list[Option]:
    """The options of a task that a search can vary, in the order of its schema."""
    return [o for o in options(task.config) if not _unsearchable(o)]


def _unsearchable(option: Option) -> str:
    """Why an option cannot be searched, as the end of a sentence; empty where it can."""
    for prefix, reason in _FIXED.items():
        if option.key == prefix or (prefix.endswith(".") and option.key.startswith(prefix)):
            return reason
    if option.kind in ("int", "float", "bool", "choice") or option.choices_from:
        return ""
    return "it is neither a number nor a choice"


def parse_word(word: str) -> tuple[str, Any]:
    """``key=low..high[:log][:step=S][:points=N]`` or ``key=a,b,c`` as an entry of a space.

    Raises:
        ConfigError: It is neither.
    """
    key, equals, text = word.partition("=")
    key = key.strip()
    if not equals or not key or not text.strip():
        raise ConfigError([("space", f"“{word}” is no part of a space. {_HOW}")])
    found = _RANGE.match(text)
    if not found:
        return key, [_scalar(part) for part in _parts(text)]
    entry: dict[str, Any] = {"low": _scalar(found["low"]), "high": _scalar(found["high"])}
    for part in filter(None, (p.strip() for p in found["rest"].split(":"))):
        name, has_value, value = part.partition("=")
        if name == "log" and not has_value:
            entry["log"] = True
        elif name in ("step", "points") and has_value:
            entry[name] = _scalar(value)
        else:
            raise ConfigError([(key, f"“:{part}” is not known behind a range. {_HOW}")])
    return key, entry


_HOW = "Write key=low..high, key=low..high:log, key=low..high:step=2, or key=a,b,c."


def _parts(text: str) -> list[str]:
    return [part for part in text.strip().removeprefix("[").removesuffix("]").split(",") if part.strip()]


def _scalar(text: str) -> Any:
    value: Any = text.strip()
    with contextlib.suppress(yaml.YAMLError):
        value = yaml.safe_load(value)
    if isinstance(value, str):  # YAML 1.1 reads 1e-3 as text; people mean a number
        with contextlib.suppress(ValueError):
            value = float(value)
    return value


def read_space(entries: Mapping[str, Any], task: TaskInfo, base: Resolved[Any]) -> list[Dimension]:
    """Check a space against the schema; the dimensions come in an order in which each follows those it depends on.

    Args:
        entries: Dotted key to ``{low, high, log, step, points}`` or a list of choices, as in YAML.
        task: Whose schema has the options.
        base: The configuration that all trials share; every value is tried out in it.

    Raises:
        ConfigError: All faults at once: unknown keys with the nearest names, values out of bounds, ranges upside down.
    """
    if not entries:
        raise ConfigError([("space", f"There is nothing to search: name at least one option. {_HOW}")])
    known = {o.key: o for o in options(task.config)}
    names = [o.key for o in searchable(task)]
    found: list[Dimension] = []
    problems: list[tuple[str, str]] = []
    for key, entry in entries.items():
        try:
            if key not in known:
                raise _Fault(f"There is no option of this name.{nearest(key, names)}")
            if reason := _unsearchable(known[key]):
                raise _Fault(f"This option cannot be searched: {reason}.{nearest(key, names)}")
            dimension = _dimension(known[key], entry, task)
            _try_out(dimension, task, base)
            found.append(dimension)
        except _Fault as fault:
            problems.append((key, str(fault)))
    if problems:
        raise ConfigError(problems)
    return _ordered(found, known)


class _Fault(ValueError):
    """What is wrong with one entry."""


def _dimension(option: Option, entry: Any, task: TaskInfo) -> Dimension:
    if isinstance(entry, str):
        entry = parse_word(f"{option.key}={entry}")[1]
    if isinstance(entry, Mapping):
        return _range(option, entry)
    if isinstance(entry, Sequence):
        return _choice(option, list(entry), task)
    raise _Fault(f"{entry!r} is neither a range nor a list of choices. {_HOW}")


def _range(option: Option, entry: Mapping[str, Any]) -> Dimension:
    if option.kind not in ("int", "float"):
        raise _Fault("A range needs a number; write the choices one by one: key=a,b,c.")
    unknown = set(entry) - {"low", "high", "log", "step", "points"}
    if unknown or not {"low", "high"} <= set(entry):
        said = f"“{sorted(unknown)[0]}” is not known in a range" if unknown else "A range needs low and high"
        raise _Fault(f"{said}. {_HOW}")
    numbers = {n: entry[n] for n in ("low", "high", "step", "points") if entry.get(n) is not None}
    for name, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise _Fault(f"{name} must be a number, not {value!r}.")
        if (option.kind == "int" or name == "points") and value != int(value):
            raise _Fault(f"{name} must be a whole number, not {value!r}.")
    low, high, step, points = (numbers.get(n) for n in ("low", "high", "step", "points"))
    assert low is not None and high is not None
    log = entry.get("log", False)
    if not isinstance(log, bool):
        raise _Fault(f"log must be true or false, not {log!r}.")
    if not low < high:
        raise _Fault(f"The lower end {low:g} must lie below the upper end {high:g}.")
    if log and low <= 0:
        raise _Fault(f"A logarithmic range must begin above 0, not at {low:g}.")
    if log and step is not None:
        raise _Fault("A logarithmic range has no step; leave one of the two out.")
    if step is not None and not 0 < step <= high - low:
        raise _Fault(f"The step {step:g} must be above 0 and no longer than the range.")
    if points is not None and (points < 2 or step is not None):
        raise _Fault("points must be at least 2, and stands in place of a step.")
    kind = int if option.kind == "int" else float
    return Dimension(
        option.key, option.kind, kind(low), kind(high), log,
        None if step is None else kind(step), None if points is None else int(points),
    )  # fmt: skip


def _choice(option: Option, values: list[Any], task: TaskInfo) -> Dimension:
    if option.kind == "float":
        values = [float(v) if isinstance(v, int) and not isinstance(v, bool) else v for v in values]
    if option.kind == "int":
        values = [int(v) if isinstance(v, float) and v == int(v) else v for v in values]
    if any(v is not None and not isinstance(v, (str, int, float, bool)) for v in values):
        raise _Fault("A choice is a word, a number, or true and false.")
    if len(values) < 2 or len(set(map(repr, values))) < len(values):
        raise _Fault(
            "Choose at least two different values; what stays the same belongs into the configuration."
        )
    named = dict(task.choices(option.choices_from)) if option.choices_from else {}
    for value in values:
        if named and value is not None and value not in named and not option.path:
            raise _Fault(f"There is no “{value}”.{nearest(str(value), [str(n) for n in named])}")
    return Dimension(option.key, "choice", choices=tuple(values))


def _try_out(dimension: Dimension, task: TaskInfo, base: Resolved[Any]) -> None:
    """Validate the ends or choices as the schema does."""
    for value in dimension.choices or (dimension.low, dimension.high):
        try:
            resolve(task.config, [Layer("default", nest(base.flat() | {dimension.key: value}))])
        except ConfigError as error:
            text = " ".join(said for key, said in error.problems if key in ("", dimension.key))
            raise _Fault(f"{value!r} is not possible: {text or error}") from None


def _ordered(found: list[Dimension], known: Mapping[str, Option]) -> list[Dimension]:
    keys = {d.key for d in found}
    placed: list[Dimension] = []
    left = list(found)
    while left:
        done = {d.key for d in placed}
        free = [d for d in left if {c.key for c in known[d.key].conditions} & keys <= done] or left[:1]
        placed += free
        left = [d for d in left if d not in free]
    return placed


def in_effect(
    dimension: Dimension, chosen: Mapping[str, Any], flat: Mapping[str, Any], task: TaskInfo
) -> bool:
    """Whether an option does anything beside the values chosen so far (momentum does nothing with AdamW)."""
    idle = without_effect(options(task.config), dict(flat) | dict(chosen))
    return dimension.key not in idle


def combinations(space: Sequence[Dimension], flat: Mapping[str, Any], task: TaskInfo) -> int | None:
    """How many different trials a space has; None where there is no end of them, or more than a grid may have."""
    values = [d.values() for d in space]
    if any(v is None for v in values) or math.prod(len(v) for v in values if v) > MOST_COMBINATIONS:
        return None
    depend = {o.key for o in options(task.config) if o.conditions}
    most = math.prod(len(v) for v in values if v)
    if most > _COUNTED or not depend & {d.key for d in space}:
        return most
    return len(set(_distinct(space, [v for v in values if v], flat, task)))


def _distinct(
    space: Sequence[Dimension], values: Sequence[Sequence[Any]], flat: Mapping[str, Any], task: TaskInfo
) -> Iterator[tuple[tuple[str, Any], ...]]:
    for drawn in itertools.product(*values):
        chosen: dict[str, Any] = {}
        for dimension, value in zip(space, drawn, strict=True):
            if in_effect(dimension, chosen, flat, task):
                chosen[dimension.key] = value
        yield tuple(chosen.items())

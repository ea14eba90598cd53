"""Whether each option that a search varies does anything in any of its trials."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from src.core.config import Option, without_effect
from src.core.config.conditions import Condition
from src.core.config.idle import idle_notice
from src.core.search.space import Dimension


def never_acting(
    space: Sequence[Dimension], flat: Mapping[str, Any], known: Iterable[Option]
) -> list[tuple[str, str]]:
    """The options that would never be drawn, each with the reason and its cure in a sentence each.

    One that only some trials use, such as the momentum beside a choice of optimisers, is none of them.

    Args:
        space: What is varied.
        flat: The configuration that all trials share: dotted key to value.
        known: The options of the task.
    """
    options = {o.key: o for o in known}
    varied = {d.key: d for d in space}
    idle = without_effect(options.values(), flat)

    def fixed(condition: Condition) -> bool:
        """Whether no trial can meet a condition."""
        key = condition.key
        if key in varied:
            values = varied[key].values()
            return values is not None and not any(condition.holds(value) for value in values)
        return not any(
            _reaches(inner.key, varied, options) for inner in options[key].conditions
        ) and not condition.holds(
            options[key].default if key in idle else flat.get(key, options[key].default)
        )

    found = []
    for key in varied:
        broken = next((c for c in options[key].conditions if fixed(c)), None)
        if broken is not None:
            notice = idle_notice(broken, [key], flat)
            found.append((key, f"{notice.message} {notice.cure}"))
    return found


def _reaches(key: str, varied: Mapping[str, Dimension], options: Mapping[str, Option]) -> bool:
    """Whether an option is varied, or depends on one that is."""
    seen: set[str] = set()
    left = [key]
    while left:
        key = left.pop()
        if key in varied:
            return True
        if key not in seen:
            seen.add(key)
            left += [c.key for c in options[key].conditions]
    return False

"""What a person decides about a data set in its window: kept in the workspace, with a way back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from src.core.config import ConfigError, Layer, Resolved, nest, resolve
from src.core.dataset.findings import IMAGE, Noun
from src.core.dataset.memory import DatasetMemory, MemoryDamagedError
from src.core.run import workspace
from src.ui.text import count


class Decisions:
    """Excluded samples and settings of one data set, whose samples are called ``noun``.

    Attributes:
        problem: Why nothing can be kept; empty when it can.
    """

    def __init__(self, source: Path, noun: Noun = IMAGE) -> None:
        self._noun = noun
        self.problem = ""
        self._memory: DatasetMemory | None = None
        self._back: list[tuple[str, Callable[[], None]]] = []
        try:
            self._memory = DatasetMemory(workspace(), source)
        except (MemoryDamagedError, OSError) as error:
            self.problem = f"What was decided about this data set cannot be used. {error}"

    @property
    def excluded(self) -> Mapping[str, str]:
        """Ids that are left out, with the reason."""
        return self._memory.excluded if self._memory else {}

    @property
    def can_undo(self) -> bool:
        """Whether there is something to take back."""
        return bool(self._back)

    def exclude(self, ids: Iterable[str], reason: str) -> int:
        """Leave samples out; returns how many were not left out before.

        Raises:
            OSError: it cannot be kept.
        """
        memory = self._memory
        fresh = [i for i in ids if i not in self.excluded]
        if memory is None or not fresh:
            return 0
        memory.exclude(fresh, reason)
        self._back.append(
            (f"{count(len(fresh), *self._noun)} taken in again.", lambda: memory.include(fresh))
        )
        return len(fresh)

    def include(self, ids: Iterable[str]) -> int:
        """Take samples in again; returns how many were left out.

        Raises:
            OSError: it cannot be kept.
        """
        memory = self._memory
        out = {i: self.excluded[i] for i in ids if i in self.excluded}
        if memory is None or not out:
            return 0
        memory.include(out)

        def back() -> None:
            for reason in set(out.values()):
                memory.exclude([i for i, r in out.items() if r == reason], reason)

        self._back.append((f"{count(len(out), *self._noun)} left out again.", back))
        return len(out)

    def remember(self, settings: Mapping[str, Any]) -> None:
        """Keep options.

        Raises:
            OSError: it cannot be kept.
        """
        memory = self._memory
        if memory is None:
            return
        before = {k: memory.settings[k] for k in settings if k in memory.settings}
        fresh = [k for k in settings if k not in before]
        memory.remember(settings)

        def back() -> None:
            memory.forget(fresh)
            memory.remember(before)

        self._back.append((f"{', '.join(settings)}: as before.", back))

    def undo(self) -> str:
        """Take the last decision back; returns what that means, or nothing where there is none.

        Raises:
            OSError: it cannot be kept.
        """
        if not self._back:
            return ""
        words, back = self._back.pop()
        back()
        return words

    def overrides(self) -> dict[str, Any]:
        """The options that the decisions mean."""
        return self._memory.overrides() if self._memory else {}

    def applied(self, resolved: Resolved[Any]) -> Resolved[Any]:
        """A configuration with the decisions laid over it; where they cannot be used, as it was, and `problem` says
        why."""
        overrides = self.overrides()
        if not overrides:
            return resolved
        try:
            both = resolve(type(resolved.config), [Layer("dialog", nest({**resolved.flat(), **overrides}))])
        except ConfigError as error:
            self.problem = f"What was decided about this data set does not fit its configuration. {error}"
            return resolved
        origins = {
            k: "dialog" if k in overrides else resolved.origins.get(k, "default") for k in both.origins
        }
        return Resolved(both.config, origins)

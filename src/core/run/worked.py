"""How long and how fast a run worked: one answer for the header of a run and for the comparison of runs. Torch-free."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from typing import Any

from src.core.run.events import Event


class WorkingTime:
    """How long processes worked on a run, told one event after the other in the order of the log.

    The pauses between processes do not count. The warnings of a process may come before its start, and the ending of one that
    disappeared was written by whoever noticed it, maybe days later: neither counts, nor does an attempt to resume that
    ended before it began.
    """

    def __init__(self) -> None:
        self._done, self._began, self._until = 0.0, 0.0, 0.0
        self._begun, self._over = False, True

    def take(self, event: Event) -> None:
        """Fold one event in."""
        if event.type == "run_started":
            self._done += max(0.0, self._until - self._began)
            self._began = self._until = event.time
            self._begun, self._over = True, False
        elif not self._over and event.type not in ("warning", "stage"):
            self._over = event.type == "run_ended"
            if not (self._over and event.get("status") == "killed"):
                self._until = event.time

    @property
    def seconds(self) -> float | None:
        """Altogether; None before the first start."""
        return self._done + max(0.0, self._until - self._began) if self._begun else None


def working_time(events: Iterable[Event]) -> float | None:
    """Seconds that processes worked on a run whose whole log this is; None before the first start."""
    time = WorkingTime()
    for event in events:
        time.take(event)
    return time.seconds


def usual_speed(epochs: Iterable[Mapping[str, Any]]) -> float | None:
    """Median of the training images a second over completed epochs; None before the first."""
    speeds = [e.get("images_per_second") for e in epochs]
    numbers = [float(v) for v in speeds if isinstance(v, (int, float))]
    return statistics.median(numbers) if numbers else None

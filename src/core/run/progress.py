"""Progress that is told seldom enough: work may say how far it is as often as it likes."""

from __future__ import annotations

import time
from collections.abc import Callable

from src.core.run.events import EventWriter

#: Seconds between two ``stage`` events.
STAGE_EVERY_S = 0.2


class Seldom:
    """Passes progress on at most once in so many seconds; the end and another kind of work at once."""

    def __init__(self, say: Callable[[int, int, str], None], every_s: float) -> None:
        self._say, self._every, self._due, self._what = say, every_s, 0.0, ""

    def __call__(self, done: int, total: int, what: str) -> None:
        """So much of so much is done (``total`` 0: not known)."""
        now = time.monotonic()
        if now >= self._due or what != self._what or done == total:
            self._due, self._what = now + self._every, what
            self._say(done, total, what)


def stages(writer: EventWriter) -> Seldom:
    """Progress as ``stage`` events, at most five a second."""

    def say(done: int, total: int, what: str) -> None:
        writer.write("stage", what=what, done=done, total=total)

    return Seldom(say, STAGE_EVERY_S)

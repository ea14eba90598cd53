"""When Python looks for cyclic garbage: between two events, in the window's thread, and in small portions.

Left to itself it does so at any moment in any thread, and a full search while a long history is read holds
the window up for more than 100 ms (`benchmarks/event_loop_pause.py`). Plain objects are freed at once by
their count, as always.
"""

from __future__ import annotations

import gc
import time

from PyQt5.QtCore import QObject, QTimer

_EVERY_MS = 1000
_FULL_EVERY_S = 300.0


class GarbageKeeper(QObject):
    """Takes over from Python's automatic search until `stop`."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        self._full_at = time.monotonic()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look)
        self._timer.start(_EVERY_MS)

    def settle(self) -> None:
        """The program is loaded: what it consists of never becomes garbage and is not looked at again."""
        gc.collect()
        gc.freeze()

    def stop(self) -> None:
        """Give it back to Python."""
        self._timer.stop()
        gc.unfreeze()
        gc.enable()

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._full_at >= _FULL_EVERY_S:
            self._full_at = now
            gc.collect()
        else:
            gc.collect(1)

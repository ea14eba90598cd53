"""Reads pictures in a thread of its own, the newest wish first, so that scrolling and sliders never wait
for a disk."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

from PyQt5.QtCore import QObject, QThread, pyqtSignal


class ImageLoader(QThread):
    """One thread that carries out reading jobs.

    Signals:
        loaded(object, object): Key of the job and what it returned; None where it failed.
    """

    loaded = pyqtSignal(object, object)

    def __init__(self, parent: QObject | None = None, most: int = 400) -> None:
        super().__init__(None)
        self._most = most
        self._jobs: OrderedDict[Hashable, Callable[[], Any]] = OrderedDict()
        self._wake = threading.Condition()
        self._ending = False
        if parent is not None:
            parent.destroyed.connect(self._end)

    def ask(self, key: Hashable, job: Callable[[], Any]) -> None:
        """Have ``job`` carried out; what was asked last comes first, and the oldest wishes are dropped when
        many wait."""
        with self._wake:
            self._jobs[key] = job
            self._jobs.move_to_end(key)
            while len(self._jobs) > self._most:
                self._jobs.popitem(last=False)
            self._wake.notify()
        if not self.isRunning() and not self._ending:
            self.start(QThread.LowPriority)

    def forget(self) -> None:
        """Drop what waits."""
        with self._wake:
            self._jobs.clear()

    def _end(self) -> None:
        with self._wake:
            self._ending = True
            self._jobs.clear()
            self._wake.notify()

    def stop(self) -> None:
        """End the thread and wait for it (at most for one picture)."""
        self._end()
        self.wait()

    def run(self) -> None:
        """Body of the thread."""
        while True:
            with self._wake:
                while not self._jobs and not self._ending:
                    self._wake.wait()
                if self._ending:
                    return
                key, job = self._jobs.popitem(last=True)
            try:
                result = job()
            except Exception:  # a damaged file is shown as damaged; why it is, the check of the data set says
                result = None
            if not self._ending:
                self.loaded.emit(key, result)

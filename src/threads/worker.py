"""What all workers share: they can be asked to end, and none is destroyed while it runs."""

from __future__ import annotations

import atexit
import logging
import threading
from collections.abc import Callable

from PyQt5.QtCore import QCoreApplication, QObject, QThread

log = logging.getLogger(__name__)

#: Workers that run now. The reference keeps Python from destroying a running QThread, which would end the
#: program.
_running: set[Worker] = set()
_QUIT_WAIT_MS = 5000


class Worker(QThread):
    """A thread with a flag that asks it to end. Subclasses write `work` and look at `ending` at least every
    100 ms.

    The parent is not made the Qt owner, because an owner deletes its children whether they run or not; when
    the parent is destroyed the worker is asked to end instead.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(None)
        self._end = threading.Event()
        self.finished.connect(self._forget)
        if parent is not None:
            parent.destroyed.connect(self._end.set)

    @property
    def ending(self) -> bool:
        """Whether the worker was asked to end."""
        return self._end.is_set()

    def start(self, priority: QThread.Priority = QThread.Priority.InheritPriority) -> None:
        """Start the thread; it is kept alive until it has ended, whoever forgets it."""
        _running.add(self)
        _stop_when_the_program_ends()
        super().start(priority)

    def stop(self) -> None:
        """Ask the thread to end; returns at once. Safe to call twice and before the start."""
        self._end.set()

    def release(self) -> None:
        """Ask the thread to end because the program ends."""
        self._end.set()

    def pause_for(self, seconds: float) -> bool:
        """Sleep, but no longer than until `stop`; returns whether to go on."""
        return not self._end.wait(seconds)

    def run(self) -> None:
        """Body of the thread; a fault in it is logged and told, never lost with the thread."""
        try:
            self.work()
        except Exception as error:
            log.exception("The worker %s failed", type(self).__name__)
            self.crashed(error)

    def work(self) -> None:
        """What the worker does."""
        raise NotImplementedError

    def crashed(self, error: Exception) -> None:
        """Tell whoever waits that the worker failed by a fault of the program."""

    def _forget(self) -> None:
        self.wait()
        _running.discard(self)


_hooked: list[Callable[[], None]] = []


def _stop_when_the_program_ends() -> None:
    application = QCoreApplication.instance()
    if application is not None and application.property("lathe_workers") is None:
        application.setProperty("lathe_workers", True)
        application.aboutToQuit.connect(stop_all)
    if not _hooked:
        _hooked.append(stop_all)
        atexit.register(stop_all)


def stop_all() -> None:
    """Ask all workers to end and wait for them. Runs that train go on: they are processes of their own.

    At the very end of the program Qt may be gone before this is called; then so are the threads.
    """
    workers = list(_running)
    for worker in workers:
        worker.release()
    for worker in workers:
        try:
            ended = worker.wait(_QUIT_WAIT_MS)
        except RuntimeError:  # Qt has deleted it
            ended = True
        if ended:
            _running.discard(worker)

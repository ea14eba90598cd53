"""Reads pictures in threads of its own, so that scrolling and sliders never wait for a disk."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from typing import Any

from PyQt5.QtCore import QObject, QThread, pyqtSignal

from src.threads.worker import Worker

Job = Callable[[], Any]


class _Wishes:
    """What shall be read, in order; shared by the threads of one loader."""

    def __init__(self) -> None:
        self.jobs: OrderedDict[Hashable, Job] = OrderedDict()
        self.working: set[Hashable] = set()
        self.wake = threading.Condition()
        self.ending = False

    def end(self) -> None:
        with self.wake:
            self.ending = True
            self.jobs.clear()
            self.wake.notify_all()


class _Reader(Worker):
    """One thread of a loader."""

    read = pyqtSignal(object, object)

    def __init__(self, wishes: _Wishes) -> None:
        super().__init__(None)
        self._wishes = wishes

    def stop(self) -> None:
        super().stop()
        self._wishes.end()

    def release(self) -> None:
        """The program ends."""
        self.stop()

    def work(self) -> None:
        """Take the first wish, again and again."""
        wishes = self._wishes
        while True:
            with wishes.wake:
                while not wishes.jobs and not wishes.ending:
                    wishes.wake.wait()
                if wishes.ending:
                    return
                key, job = wishes.jobs.popitem(last=False)
                wishes.working.add(key)
            try:
                result = job()
            except Exception:  # a damaged file is shown as damaged; why it is, the check of the data set says
                result = None
            with wishes.wake:
                wishes.working.discard(key)
            if not wishes.ending:
                self.read.emit(key, result)
            del job, result


class ImageLoader(QObject):
    """Carries out reading jobs, the most wanted first. The threads start with the first job.

    Signals:
        loaded(object, object): Key of the job and what it returned; None where it failed.
    """

    loaded = pyqtSignal(object, object)

    def __init__(self, parent: QObject | None = None, most: int = 400, threads: int = 1) -> None:
        super().__init__(None)
        self._most, self._threads = most, threads
        self._wishes = _Wishes()
        self._readers: list[_Reader] = []
        if parent is not None:
            parent.destroyed.connect(self._wishes.end)

    def ask(self, key: Hashable, job: Job) -> None:
        """Have ``job`` carried out; what was asked last comes first, and the oldest wishes are dropped when
        many wait."""
        with self._wishes.wake:
            self._wishes.jobs[key] = job
            self._wishes.jobs.move_to_end(key, last=False)
            while len(self._wishes.jobs) > self._most:
                self._wishes.jobs.popitem(last=True)
            self._wishes.wake.notify()
        self._start()

    def want(self, wishes: Iterable[tuple[Hashable, Job]]) -> None:
        """Read just these from now on, in this order; what waited and is not among them is dropped."""
        with self._wishes.wake:
            working = self._wishes.working
            self._wishes.jobs = OrderedDict((key, job) for key, job in wishes if key not in working)
            self._wishes.wake.notify_all()
            some = bool(self._wishes.jobs)
        if some:
            self._start()

    def waiting(self) -> list[Hashable]:
        """The keys that are not begun, the next first."""
        with self._wishes.wake:
            return list(self._wishes.jobs)

    def forget(self) -> None:
        """Drop what waits."""
        with self._wishes.wake:
            self._wishes.jobs.clear()

    def stop(self) -> None:
        """End the threads and wait for them (at most for one picture each)."""
        self._wishes.end()
        for reader in self._readers:
            reader.wait()
        self._readers = []

    def end(self) -> None:
        """End the threads without waiting; a picture that is being read is read to its end and thrown away."""
        self._wishes.end()
        for reader in self._readers:
            reader.read.disconnect(self.loaded)
        self._readers = []

    def _start(self) -> None:
        while len(self._readers) < self._threads and not self._wishes.ending:
            reader = _Reader(self._wishes)
            reader.read.connect(self.loaded)
            self._readers.append(reader)
            reader.start(QThread.LowPriority)

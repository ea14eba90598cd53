"""Supervises one job with a trained model (evaluate, predict, export, …) in a child process."""

from __future__ import annotations

import time
from typing import Any

from PyQt5.QtCore import QObject, pyqtSignal

from src.core.config import ConfigError, Resolved
from src.core.job import JobInfo
from src.core.run import ChildProcess, Event, ModelError, RunFolder, RunFolderError, create_job
from src.core.run.process import explain
from src.threads.tail import PieceTail
from src.threads.worker import Worker

_EVERY_S = 0.05
#: As `JobThread.patience_s`, where nobody waits for the thread any more.
_LAST_PATIENCE_S = 1.5


class JobThread(Worker):
    """One job from its folder to its end. After `start`, exactly one of `done` and `failed` is emitted, unless the
    thread was told to `stop` first: then the job is asked to end and nobody is told.

    Attributes:
        folder: Where its results go, once it was made.
        verb: Of the job's process.
        patience_s: Seconds from being asked to end to being terminated, and from there to being killed.

    Signals:
        created(object): The `RunFolder`, before the process is started.
        progress(int, int, str, float): Done, total (0: not known), what, seconds left (negative: not known).
        told(object): Any other `Event` of the job.
        done(dict): What came of it: ``status`` (``completed`` or ``stopped``), ``folder``, ``said`` (sentences), and
            what the job itself adds.
        failed(str): What happened and what to do about it.
    """

    created = pyqtSignal(object)
    progress = pyqtSignal(int, int, str, float)
    told = pyqtSignal(object)
    done = pyqtSignal(dict)
    failed = pyqtSignal(str)
    verb = "work"
    patience_s = 15.0

    def __init__(self, resolved: Resolved[Any], info: JobInfo | None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder: RunFolder | None = None
        self._resolved, self._info = resolved, info
        self._cancel = False
        self._asked_at = 0.0
        self._what, self._since = "", 0.0

    def cancel(self) -> None:
        """Ask the job to end; what is complete is kept. Asked again, or after a while, it is ended more firmly."""
        self._cancel = True

    def work(self) -> None:
        """Make the folder, start the child, follow it until it ended."""
        try:
            self.folder = self.make_folder()
        except (ConfigError, ModelError, RunFolderError, OSError) as error:
            self.failed.emit(" ".join(filter(None, (str(error), getattr(error, "cure", "")))))
            return
        self.created.emit(self.folder)
        child = ChildProcess(self.folder, self.verb, detached=False)
        tail = PieceTail(self.folder.events)
        tail.skip_to_end()
        try:
            child.start()
        except OSError as error:
            self.failed.emit(
                f"The job could not be started: {error.strerror or error}. Free memory or disk space."
            )
            return
        ended = self._follow(child, tail)
        if not self.ending:
            self._finish(child, ended)

    def make_folder(self) -> RunFolder:
        """The folder of the job, with its configuration."""
        assert self._info is not None, "only a thread with a folder of its own does without"
        return create_job(self._resolved, self._info)

    def found(self) -> dict[str, Any]:
        """What goes into `done` beside the facts of the last event."""
        return {}

    def _follow(self, child: ChildProcess, tail: PieceTail) -> Event | None:
        ended: Event | None = None
        while True:
            gone = child.poll() is not None  # before reading: what it wrote last is then read for certain
            for event in tail.read():
                if event.type == "run_ended":
                    ended = event
                elif event.type == "stage":
                    self._advance(event)
                else:
                    self.told.emit(event)
            if gone:
                return ended
            self._press(child)
            time.sleep(_EVERY_S)

    def _press(self, child: ChildProcess) -> None:
        """Where somebody wants it to end: ask, then terminate, then kill."""
        if not (self._cancel or self.ending):
            return
        now = time.monotonic()
        if not self._asked_at:
            self._asked_at = now
            child.ask("stop")
        patience = _LAST_PATIENCE_S if self.ending else self.patience_s
        if now - self._asked_at > 2 * patience:
            child.kill()
        elif now - self._asked_at > patience:
            child.terminate()

    def _advance(self, event: Event) -> None:
        what, done, total = str(event["what"]), int(event["done"]), int(event["total"])
        now = time.monotonic()
        if what != self._what:
            self._what, self._since = what, now
        spent = now - self._since
        left = spent / done * (total - done) if done and total and spent > 1 else -1.0
        self.progress.emit(done, total, what, left)

    def _finish(self, child: ChildProcess, ended: Event | None) -> None:
        assert self.folder is not None
        if ended is None:
            cause, cure = explain(child.poll() or 0, self.folder.log)
            self.failed.emit(f"{cause} {cure}".strip())
        elif ended["status"] in ("completed", "stopped"):
            self.done.emit({**ended.data, **self.found(), "folder": str(self.folder.path)})
        else:
            self.failed.emit(f"{ended.get('cause') or 'The job failed.'} {ended.get('cure') or ''}".strip())
        child.settle()

    def crashed(self, error: Exception) -> None:
        """A fault of this thread itself must not look like silence."""
        self.failed.emit(
            f"Following the job failed by a fault of the program ({type(error).__name__}: {error})."
        )

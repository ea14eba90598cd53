"""Supervises one measurement (learning rate, batch size, machine, compiling) in a child process."""

from __future__ import annotations

import contextlib
import shutil
from typing import Any

from PyQt5.QtCore import QObject

from src.core.config import Resolved
from src.core.run import ChildProcess, Event, RunFolder, summarise
from src.core.run.tuned import create_tuning
from src.core.task_info import TaskInfo
from src.threads.job_thread import JobThread


class TuneThread(JobThread):
    """As `JobThread`; ``done`` has the whole result too (``result.json`` of the job). `told` brings its ``measured`` events:
    each row of the result as soon as it is known.

    Everything that is worth keeping is told, so the folder is taken away when the measurement has ended or was cancelled;
    it stays after a failure, for the log that is in it.
    """

    patience_s = 4.0

    def __init__(
        self, resolved: Resolved[Any], info: TaskInfo, kind: str, parent: QObject | None = None
    ) -> None:
        super().__init__(resolved, None, parent)
        self.verb = f"tune-{kind}"
        self._task, self._kind = info, kind

    def make_folder(self) -> RunFolder:
        """In the workspace, among the measurements."""
        return create_tuning(self._resolved, self._task, self._kind)

    def found(self) -> dict[str, Any]:
        """The curves and the values that follow from them."""
        assert self.folder is not None
        return self.folder.read_json(self.folder.path / "result.json")

    def work(self) -> None:
        """As any job; then the folder goes."""
        super().work()
        if self.folder is None:
            return
        wanted = self._cancel or self.ending
        if wanted or summarise(self.folder).state not in ("failed", "killed"):
            shutil.rmtree(self.folder.path, ignore_errors=True)
            with contextlib.suppress(OSError):  # other measurements lie beside it
                self.folder.path.parent.rmdir()

    def _finish(self, child: ChildProcess, ended: Event | None) -> None:
        """A measurement that was cancelled is no failure, however firmly its process had to be ended."""
        if self._cancel and (ended is None or ended["status"] == "failed"):
            self.done.emit({"status": "stopped"})
            child.settle()
        else:
            super()._finish(child, ended)

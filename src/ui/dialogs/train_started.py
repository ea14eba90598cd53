"""The run that the train dialog started, as long as it is the dialog's own business."""

from __future__ import annotations

from typing import Any

from PyQt5.QtCore import QObject, pyqtSignal

from src.core.config import Resolved
from src.core.run import RunFolder
from src.threads.training_thread import TrainingThread


class StartedRun(QObject):
    """Starts a training and listens to it until it is let go; what an earlier one still says is not passed on.

    Attributes:
        thread: Of the run that was started last; None before that, when it was let go and when it has ended.

    Signals:
        created(object): The `RunFolder`, before its process is started.
        failed(str): The training could not be started, or failed.
        ended(): The thread has nothing more to say.
    """

    created = pyqtSignal(object)
    failed = pyqtSignal(str)
    ended = pyqtSignal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.thread: TrainingThread | None = None

    @property
    def folder(self) -> RunFolder | None:
        """Of the run that is started, once it was made."""
        return self.thread.folder if self.thread is not None else None

    def start(self, resolved: Resolved[Any]) -> None:
        """Begin.

        Raises:
            ConfigError: A value cannot be used.
        """
        thread = TrainingThread(resolved)
        self.thread = thread
        thread.run_created.connect(self._created)
        thread.training_failed.connect(self._failed)
        thread.finished.connect(self._finished)
        thread.start()

    def let_go(self) -> None:
        """Listen no more; the run goes on."""
        if self.thread is not None:
            self.thread.detach()
            self.thread = None

    def _created(self, folder: RunFolder) -> None:
        if self.sender() is self.thread:
            self.created.emit(folder)

    def _failed(self, sentence: str) -> None:
        if self.sender() is self.thread:
            self.failed.emit(sentence)

    def _finished(self) -> None:
        if self.sender() is self.thread:
            self.thread = None
            self.ended.emit()

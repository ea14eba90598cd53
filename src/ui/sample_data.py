"""Makes the sample data in a child process of this program."""

from __future__ import annotations

from pathlib import Path

from PyQt5.QtCore import QObject, QProcess, pyqtSignal


class SampleDataJob(QObject):
    """One call of ``app.py sample-data``.

    Signals:
        done(object): The folder that was made.
        failed(str): Why not.
    """

    done = pyqtSignal(object)
    failed = pyqtSignal(str)

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder = folder
        self._process = QProcess(self)
        self._process.setProcessChannelMode(QProcess.MergedChannels)
        self._process.finished.connect(self._ended)
        self._process.errorOccurred.connect(self._refused)

    def start(self) -> None:
        """Start it."""
        from src.core.run.process import program

        first, *words = [*program(), "sample-data", str(self._folder)]
        self._process.start(first, words)

    def stop(self) -> None:
        """End it without a word."""
        self.blockSignals(True)
        self._process.kill()
        self._process.waitForFinished(2000)

    def _ended(self, code: int) -> None:
        said = bytes(self._process.readAll()).decode("utf-8", "replace").strip().splitlines()
        if code == 0:
            self.done.emit(self._folder)
        else:
            self.failed.emit(
                f"The sample data could not be made in {self._folder}. {said[-1] if said else ''}".strip()
            )

    def _refused(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.FailedToStart:
            self.failed.emit(
                f"The program that makes the sample data could not be started: {self._process.errorString()}."
            )

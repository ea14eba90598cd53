"""Keeps what is known of the data up to date while the person edits."""

from __future__ import annotations

from typing import Any

from PyQt5.QtCore import QObject, QTimer, pyqtSignal

from src.core.config import Resolved, dump_yaml
from src.core.dataset.findings import Finding
from src.threads.scan_thread import ScanThread

_DELAY_MS = 600


class DataScan(QObject):
    """The check of the data set in the background.

    Attributes:
        state: ``none`` (nothing to check yet), ``waiting``, ``running``, ``done`` or ``failed``.
        description: The data set as the last check found it; kept while a new one runs.
        findings: Of the last check.
        reason: Why the last check has no answer.

    Signals:
        changed(): Any of these changed.
        progress(int, int, str): Done, total, what.
    """

    changed = pyqtSignal()
    progress = pyqtSignal(int, int, str)

    def __init__(self, parent: QObject | None = None, delay_ms: int = _DELAY_MS) -> None:
        super().__init__(parent)
        self.state = "none"
        self.description: dict[str, Any] | None = None
        self.findings: list[Finding] = []
        self.detected: dict[str, Any] = {}
        self.reason = ""
        self._key: Any = None
        self._resolved: Resolved[Any] | None = None
        self._thread: ScanThread | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(delay_ms)
        self._timer.timeout.connect(self._start)

    @property
    def busy(self) -> bool:
        """Whether an answer is on its way."""
        return self.state in ("waiting", "running")

    @property
    def again(self) -> bool:
        """Whether the data were checked before, and nothing in them forbade to start."""
        return self.description is not None and all(f.severity != "error" for f in self.findings)

    def update(self, resolved: Resolved[Any]) -> None:
        """Check again where something changed that the answer depends on."""
        flat = resolved.flat()
        key = {
            k: v for k, v in flat.items() if k.startswith("data.") and not k.startswith("data.augmentation.")
        }
        key["training.batch_size"] = flat.get("training.batch_size")
        if key == self._key:
            return
        self._key = key
        self._resolved = resolved
        self._cancel()
        self._set("waiting")
        self._timer.start()

    def forget(self) -> None:
        """There is nothing that could be checked; an answer that is on its way does not count."""
        if self._key is None and self.state == "none":
            return
        self._cancel()
        self._key = None
        self.description, self.findings, self.detected = None, [], {}
        self._set("none")

    def close(self) -> None:
        """End what runs in the background."""
        self._cancel()
        if self.busy:
            self._key = None
            self.state = "none"

    def _cancel(self) -> None:
        self._timer.stop()
        if self._thread is not None:
            thread, self._thread = self._thread, None
            for signal in (thread.progress, thread.done, thread.failed):
                signal.disconnect()
            thread.cancel()

    def _start(self) -> None:
        assert self._resolved is not None, "the timer was started with it"
        thread = self._thread = ScanThread(dump_yaml(self._resolved))  # not at every letter that is typed
        thread.progress.connect(self.progress)
        thread.done.connect(self._done)
        thread.failed.connect(self._failed)
        self._set("running")
        thread.start()

    def _done(self, answer: dict[str, Any]) -> None:
        self._thread = None
        self.description = answer.get("description")
        self.findings = [Finding.from_dict(f) for f in answer.get("findings", [])]
        self.detected = dict(answer.get("resolved") or {})
        self._set("done")

    def _failed(self, reason: str) -> None:
        self._thread = None
        self.description, self.findings, self.detected = None, [], {}
        self.reason = reason
        self._set("failed")

    def _set(self, state: str) -> None:
        self.state = state
        self.changed.emit()

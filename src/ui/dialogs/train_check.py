"""What is known about the configuration now: at once what can be said at once, later what the data say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PyQt5.QtCore import QObject, pyqtSignal

from src.core.config import Resolved, RunConfig
from src.core.dataset.findings import Finding
from src.ui.dialogs.train_scan import DataScan
from src.ui.dialogs.train_setup import Checked, TrainSetup, in_order, key_of
from src.ui.dialogs.train_state import StartState, start_state


class TrainCheck(QObject):
    """Checks every edit and keeps the check of the data up to date.

    Attributes:
        labels: Key to label of every option.
        scan: The check of the data in the background.

    Signals:
        changed(): Something else is known than before.
        progressed(): Only the progress of the check of the data changed.
    """

    changed = pyqtSignal()
    progressed = pyqtSignal()

    def __init__(self, setup: TrainSetup, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.labels = setup.labels()
        self.scan = DataScan(self)
        self._setup = setup
        self._checked = Checked(None)
        self._progress: tuple[int, int, str] | None = None
        self.scan.changed.connect(self._scan_changed)
        self.scan.progress.connect(self._scan_progress)

    @property
    def resolved(self) -> Resolved[Any] | None:
        """The configuration with the origin of its values; None while a value cannot be used."""
        return self._checked.resolved

    @property
    def config(self) -> RunConfig | None:
        """The configuration; None while a value cannot be used."""
        return self._checked.resolved.config if self._checked.resolved else None

    @property
    def description(self) -> dict[str, Any] | None:
        """The data set, as far as it was read."""
        return self.scan.description

    def update(self, changes: Mapping[str, Any], faults: Mapping[str, str]) -> None:
        """After an edit."""
        self._checked = self._setup.check(changes, faults)
        resolved = self._checked.resolved
        if resolved is None:
            self.scan.close()
        elif any(key_of(f, self.labels).startswith("data.") for f in self._checked.errors):
            self.scan.forget()
        else:
            self.scan.update(resolved)
        self.changed.emit()

    def findings(self) -> list[Finding]:
        """All that is known to be wrong or worth knowing, the worst first."""
        mine = self._checked.findings
        if self._checked.resolved is None or self.scan.state != "done":
            return mine
        return in_order([*mine, *self.scan.findings])

    def start_state(self) -> StartState:
        """Whether the training can start."""
        return start_state(self.findings(), self.scan.state, self._progress, self.labels, self.scan.again)

    def scan_note(self) -> tuple[str, tuple[int, int] | None]:
        """A line on the check of the data, and how far it is while it runs."""
        if self.scan.state == "failed":
            return f"The data could not be checked. {self.scan.reason}", None
        if not self.scan.busy or self._checked.resolved is None:
            return "", None
        done, total, what = self._progress or (0, 0, "")
        return f"Checking the data: {what}" if what else "Checking the data…", (done, total)

    def _scan_changed(self) -> None:
        if self.scan.state != "running":
            self._progress = None
        self.changed.emit()

    def _scan_progress(self, done: int, total: int, what: str) -> None:
        self._progress = (done, total, what)
        self.progressed.emit()

"""Findings in a place of their own that is no higher than they need, and no higher than a quarter of a window."""

from __future__ import annotations

from collections.abc import Mapping

from PyQt5.QtCore import pyqtSignal
from PyQt5.QtGui import QResizeEvent
from PyQt5.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from src.core.dataset.findings import Finding
from src.ui.dialogs.train_findings import FindingCard, FindingsList

_MOST_HEIGHT = 190


class NotesArea(QScrollArea):
    """Hidden while there are none.

    Signals:
        chosen(str): The person wants to see the option of this key.
    """

    chosen = pyqtSignal(str)

    def __init__(self, labels: Mapping[str, str] | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.list = FindingsList(labels or {})
        self.list.chosen.connect(self.chosen)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.NoFrame)
        page = QWidget()
        inside = QVBoxLayout(page)
        inside.setContentsMargins(16, 6, 16, 8)
        inside.addWidget(self.list)
        inside.addStretch(1)
        self.setWidget(page)
        self.hide()

    def show_findings(self, findings: list[Finding]) -> None:
        """Replace what is shown."""
        self.list.show_findings(findings)
        self.setVisible(bool(findings))
        self._fit()

    def cards(self) -> list[FindingCard]:
        """The cards that are shown."""
        return self.list.cards()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width, another height."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        page = self.widget()
        page.layout().activate()
        wide = self.viewport().width()
        needed = (
            page.layout().heightForWidth(wide)
            if page.layout().hasHeightForWidth()
            else page.sizeHint().height()
        )
        self.setFixedHeight(min(max(needed, 1), _MOST_HEIGHT))

"""What is shown while a data set is read: what is done, how far, and a way to end it."""

from __future__ import annotations

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget


class WaitPage(QWidget):
    """Words, a bar and a button in the middle.

    Signals:
        cancelled(): The person does not want to wait.
    """

    cancelled = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.what = QLabel()
        self.what.setTextFormat(Qt.PlainText)
        self.what.setAlignment(Qt.AlignCenter)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(360)
        self.bar.setAccessibleName("Progress of the check")
        cancel = QPushButton("&Cancel")
        cancel.clicked.connect(self.cancelled)
        column = QVBoxLayout(self)
        column.setSpacing(10)
        column.addStretch(1)
        for widget in (self.what, self.bar, cancel):
            column.addWidget(widget, 0, Qt.AlignHCenter)
        column.addStretch(2)

    def begin(self, what: str) -> None:
        """Nothing is known yet of how long it takes."""
        self.what.setText(what)
        self.bar.setRange(0, 0)

    def show_progress(self, done: int, total: int, what: str) -> None:
        """So far."""
        self.bar.setRange(0, total)
        self.bar.setValue(done)
        self.what.setText(f"{what}: {done:,} of {total:,}" if total else what)

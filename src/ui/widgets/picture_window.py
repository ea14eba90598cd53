"""One picture large, with what lies over it."""

from __future__ import annotations

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QKeySequence, QPixmap
from PyQt5.QtWidgets import QHBoxLayout, QLabel, QPushButton, QShortcut, QVBoxLayout, QWidget

from src.ui.widgets.image_view import ImageView


class PictureWindow(QWidget):
    """A window with zoom; Escape closes it.

    Attributes:
        view: The picture.
        row: Layout of the buttons below it.
    """

    def __init__(self, parent: QWidget, title: str) -> None:
        super().__init__(parent, Qt.Window)
        self.setAttribute(Qt.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.view = ImageView()
        self._scale = QLabel()
        self._scale.setProperty("role", "muted")
        self._scale.setMinimumWidth(self.fontMetrics().horizontalAdvance("10,000 %"))
        self.view.scaled.connect(lambda value: self._scale.setText(f"{value:.0%}"))
        self.row = QHBoxLayout()
        self.row.setContentsMargins(12, 8, 12, 8)
        self.row.setSpacing(8)
        for text, slot, tip in (
            ("&Fit", self.view.fit, "Show the whole picture (0)"),
            ("&1:1", self.view.actual, "One pixel of the picture for one of the screen (1)"),
        ):
            button = QPushButton(text)
            button.setToolTip(tip)
            button.setAutoDefault(False)
            button.clicked.connect(slot)
            self.row.addWidget(button)
        self.row.addWidget(self._scale)
        self.row.addStretch(1)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(0)
        self.column.addWidget(self.view, 1)
        self.column.addLayout(self.row)
        QShortcut(QKeySequence(Qt.Key_Escape), self, activated=self.close)
        screen = parent.screen().availableGeometry() if parent.screen() else None
        if screen:
            self.resize(min(1000, screen.width() - 80), min(760, screen.height() - 120))
        self.view.setFocus()

    @classmethod
    def open_pixmap(cls, parent: QWidget, title: str, pixmap: QPixmap) -> PictureWindow:
        """Show a picture without a mask."""
        window = cls(parent, title)
        window.view.set_pixmap(pixmap)
        window.show()
        return window

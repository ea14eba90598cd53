"""One picture large, with what lies over it."""

from __future__ import annotations

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QKeySequence, QPixmap
from PyQt5.QtWidgets import QHBoxLayout, QLabel, QPushButton, QShortcut, QSlider, QVBoxLayout, QWidget

from src.ui.widgets.image_view import ImageView


class PictureWindow(QWidget):
    """A window with zoom; Escape closes it."""

    def __init__(self, parent: QWidget, title: str, overlay: bool) -> None:
        super().__init__(parent, Qt.Window)
        self.setAttribute(Qt.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.view = ImageView()
        self._scale = QLabel()
        self._scale.setProperty("role", "muted")
        self.view.scaled.connect(lambda value: self._scale.setText(f"{value:.0%}"))
        row = QHBoxLayout()
        row.setContentsMargins(12, 8, 12, 8)
        for text, slot in (("&Fit", self.view.fit), ("&Actual size", self.view.actual)):
            button = QPushButton(text)
            button.clicked.connect(slot)
            row.addWidget(button)
        row.addWidget(self._scale)
        row.addStretch(1)
        self.opacity = QSlider(Qt.Horizontal)
        self.opacity.setRange(0, 100)
        self.opacity.setFixedWidth(160)
        self.opacity.setAccessibleName("Opacity of the mask")
        self.opacity.valueChanged.connect(lambda v: self.view.set_opacity(1, v / 100))
        if overlay:
            label = QLabel("&Mask")
            label.setBuddy(self.opacity)
            row.addWidget(label)
            row.addWidget(self.opacity)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.view, 1)
        column.addLayout(row)
        QShortcut(QKeySequence(Qt.Key_Escape), self, activated=self.close)
        screen = parent.screen().availableGeometry() if parent.screen() else None
        if screen:
            self.resize(min(1000, screen.width() - 80), min(760, screen.height() - 120))
        self.view.setFocus()

    @classmethod
    def open_pixmap(cls, parent: QWidget, title: str, pixmap: QPixmap) -> PictureWindow:
        """Show a picture without a mask."""
        window = cls(parent, title, overlay=False)
        window.view.set_layer(0, pixmap)
        window.show()
        return window

"""Takes widgets away one at a time: to delete a page full of them at once would hold the window up."""

from __future__ import annotations

from collections.abc import Iterable

from PyQt5.QtCore import QObject, QTimer
from PyQt5.QtWidgets import QWidget


class Discard(QObject):
    """Hides widgets at once and deletes them in later turns of the event loop; they stay children of their parent,
    so that none outlives it.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._left: list[QWidget] = []
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._some)

    def take(self, widgets: Iterable[QWidget]) -> None:
        """These are not needed any more."""
        for widget in widgets:
            widget.hide()
            self._left.append(widget)
        if self._left:
            self._timer.start()

    def _some(self) -> None:
        self._left.pop().deleteLater()
        if not self._left:
            self._timer.stop()

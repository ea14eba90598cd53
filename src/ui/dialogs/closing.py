"""A dialog that ends what it runs in the background, however it is closed."""

from __future__ import annotations

from PyQt5.QtGui import QCloseEvent
from PyQt5.QtWidgets import QDialog


class ClosingDialog(QDialog):
    """Base of dialogs with work in the background; they write `let_go`, which may be called twice."""

    def let_go(self) -> None:
        """End what this window runs in the background."""
        raise NotImplementedError

    def done(self, result: int) -> None:
        """Close, and end what runs in the background."""
        self.let_go()
        super().done(result)

    def closeEvent(self, event: QCloseEvent) -> None:
        """As `done`, also for a window that was never shown."""
        self.let_go()
        super().closeEvent(event)

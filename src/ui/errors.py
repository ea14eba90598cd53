"""What happens to an error that nobody caught: written to a log, shown with details to copy, and the window
lives on."""

from __future__ import annotations

import logging
import logging.handlers
import platform
import sys
import threading
import traceback
from pathlib import Path
from types import TracebackType

from PyQt5.QtCore import PYQT_VERSION_STR, QT_VERSION_STR, QObject, Qt, pyqtSignal
from PyQt5.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QLabel,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from src.ui.theme import fixed_font

log = logging.getLogger("lathe")


def log_file() -> Path:
    """Where errors are written."""
    from src.core.run import workspace

    return workspace() / "logs" / "lathe.log"


class ErrorDialog(QDialog):
    """Says that something went wrong, and lets the details be copied for whoever mends it."""

    def __init__(self, summary: str, details: str, written: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WA_DeleteOnClose)
        self.setWindowTitle("Something went wrong")
        self.setWindowFlags(self.windowFlags() & ~Qt.WindowContextHelpButtonHint)
        label = QLabel(
            f"Lathe made a mistake of its own: {summary}\n\nRuns that train are not touched by it, "
            "and the window can be used further. If it happens again, send the text below to whoever "
            f"looks after Lathe.\n{written}"
        )
        label.setTextFormat(Qt.PlainText)
        label.setWordWrap(True)
        self.details = QPlainTextEdit(details)
        self.details.setReadOnly(True)
        self.details.setFont(fixed_font())
        self.details.setLineWrapMode(QPlainTextEdit.NoWrap)
        self.details.setAccessibleName("Details")
        buttons = QDialogButtonBox(QDialogButtonBox.Close)
        copy = buttons.addButton("&Copy details", QDialogButtonBox.ActionRole)
        copy.clicked.connect(lambda: QApplication.clipboard().setText(self.details.toPlainText()))
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 18, 18, 14)
        column.setSpacing(12)
        column.addWidget(label)
        column.addWidget(self.details, 1)
        column.addWidget(buttons)
        self.resize(720, 420)


class ErrorCatcher(QObject):
    """Takes over ``sys.excepthook`` and ``threading.excepthook`` while the desktop runs.

    Attributes:
        dialog: The dialog that is shown now, or None; further errors only go to the log meanwhile.
    """

    _caught = pyqtSignal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self.dialog: ErrorDialog | None = None
        self._before = sys.excepthook, threading.excepthook
        self._handler: logging.Handler | None = None
        self._caught.connect(self._show)
        sys.excepthook = self._take
        threading.excepthook = self._take_of_thread

    def restore(self) -> None:
        """Give the hooks back."""
        sys.excepthook, threading.excepthook = self._before
        if self._handler:
            log.removeHandler(self._handler)
            self._handler.close()
            self._handler = None

    def _take_of_thread(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            self._take(args.exc_type, args.exc_value, args.exc_traceback)

    def _take(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QApplication.quit()
            return
        details = "".join(traceback.format_exception(kind, error, trace))
        versions = f"Python {platform.python_version()}, Qt {QT_VERSION_STR}, PyQt {PYQT_VERSION_STR}"
        details += f"\n{versions}, {platform.platform()}\n"
        self._write(details)
        self._caught.emit(f"{kind.__name__}: {error}" if str(error) else kind.__name__, details)

    def _write(self, details: str) -> None:
        print(details, file=sys.stderr)
        try:
            if self._handler is None:
                log_file().parent.mkdir(parents=True, exist_ok=True)
                self._handler = logging.handlers.RotatingFileHandler(
                    log_file(), maxBytes=1 << 20, backupCount=2, encoding="utf-8"
                )
                self._handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
                log.addHandler(self._handler)
                log.propagate = False
            log.error(details)
        except OSError:
            pass  # the dialog holds the same text

    def _show(self, summary: str, details: str) -> None:
        if self.dialog is not None:
            return
        written = f"It was also written to {log_file()}." if self._handler else ""
        self.dialog = ErrorDialog(summary, details, written, QApplication.activeWindow())
        self.dialog.destroyed.connect(self._closed)
        self.dialog.show()

    def _closed(self) -> None:
        self.dialog = None

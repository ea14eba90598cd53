"""Files shown by the programs of the system."""

from __future__ import annotations

import sys
from pathlib import Path

from PyQt5.QtCore import QDir, QProcess, QUrl
from PyQt5.QtGui import QDesktopServices


def open_file(path: str) -> None:
    """Open a file with the program that the system has for it."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(path))


def show_in_folder(path: str) -> None:
    """Show a file among its neighbours; where the system cannot mark it, its folder."""
    if sys.platform == "win32":
        QProcess.startDetached("explorer", ["/select,", QDir.toNativeSeparators(path)])
    elif sys.platform == "darwin":
        QProcess.startDetached("open", ["-R", path])
    else:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(Path(path).parent)))

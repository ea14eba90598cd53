"""Starts the desktop. What is imported here is imported before the window is on the screen: as little as
possible."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt5.QtCore import QCoreApplication, Qt, QTimer
from PyQt5.QtGui import QGuiApplication
from PyQt5.QtWidgets import QApplication

from src.ui.errors import ErrorCatcher
from src.ui.garbage import GarbageKeeper
from src.ui.main_window import MainWindow
from src.ui.settings import Settings
from src.ui.theme import MODES, Mode, apply_theme
from src.ui.theme import theme as current_theme

if TYPE_CHECKING:
    from src.core.run import RunFolder


def make_application(arguments: Sequence[str]) -> QApplication:
    """The application object, sharp at every scale from 100 % to 200 % and more."""
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    if sys.platform.startswith("linux") and not os.environ.get("XDG_RUNTIME_DIR"):
        # Qt warns and makes a folder of its own; without one of the session that is just what is needed.
        os.environ["XDG_RUNTIME_DIR"] = _runtime_folder()
    QCoreApplication.setAttribute(Qt.AA_EnableHighDpiScaling)
    QCoreApplication.setAttribute(Qt.AA_UseHighDpiPixmaps)
    QGuiApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
    app = QApplication([sys.argv[0], *arguments])
    app.setApplicationName("Lathe")
    app.setApplicationDisplayName("")
    app.setOrganizationName("Lathe")
    app.setDesktopFileName("lathe")
    return app


def _runtime_folder() -> str:
    import tempfile

    folder = Path(tempfile.gettempdir()) / f"lathe-runtime-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return str(folder)


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="app.py desktop", description="Open the desktop.")
    parser.add_argument("--theme", choices=MODES, help="light, dark, or as the system says")
    parser.add_argument("--run", type=Path, metavar="FOLDER", help="show this run")
    parser.add_argument("--dataset", type=Path, metavar="FOLDER", help="show this data set")
    return parser.parse_args(list(argv))


def _no_screen() -> str:
    """Why no window can be shown here; empty when one can."""
    platform = os.environ.get("QT_QPA_PLATFORM", "")
    if not sys.platform.startswith("linux") or platform not in ("", "xcb", "wayland"):
        return ""
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return ""
    return (
        "There is no screen here (neither DISPLAY nor WAYLAND_DISPLAY is set). "
        "Everything works from the command line, too: see “app.py --help”."
    )


def run_desktop(
    argv: Sequence[str] = (),
    open_run: RunFolder | None = None,
    open_dataset: Path | str | None = None,
    theme: Mode | None = None,
    on_shown: Callable[[MainWindow], Any] | None = None,
) -> int:
    """Open the main window and stay until it is closed.

    Args:
        argv: Words after ``app.py desktop``.
        open_run: A run to show at once.
        open_dataset: A folder to show at once.
        theme: ``light``, ``dark`` or ``system``; otherwise what was chosen the last time.
        on_shown: Called with the window when it is on the screen.

    Returns:
        The exit code of the process.
    """
    options = _parse(argv)
    if reason := _no_screen():
        print(reason, file=sys.stderr)
        return 2
    app = make_application(())
    settings = Settings()
    mode = theme or options.theme or settings.text("theme", "system")
    apply_theme(app, mode if mode in MODES else "system", settings.number("zoom", 1.0))
    catcher = ErrorCatcher()
    garbage = GarbageKeeper()
    window = MainWindow()
    window.warmup.finished.connect(garbage.settle)
    app.applicationStateChanged.connect(lambda state: _follow_system(app, state))
    window.painted.connect(
        lambda: QTimer.singleShot(0, lambda: _first_shown(window, options, open_run, open_dataset, on_shown))
    )
    window.show()
    try:
        return int(app.exec_())
    finally:
        window.stop_following()
        garbage.stop()
        catcher.restore()


def _first_shown(
    window: MainWindow,
    options: argparse.Namespace,
    run: RunFolder | None,
    dataset: Path | str | None,
    on_shown: Callable[[MainWindow], Any] | None,
) -> None:
    if on_shown:
        on_shown(window)
    if dataset or options.dataset:
        window.show_dataset(Path(dataset or options.dataset).resolve())
    if run is not None:
        window.show_run(run)
    elif options.run:
        window.open_run_path(options.run.resolve())


def _follow_system(app: QApplication, state: Qt.ApplicationState) -> None:
    """Somebody may have switched the system to dark while another window was in front."""
    if state == Qt.ApplicationActive and current_theme().mode == "system":
        apply_theme(app, "system")

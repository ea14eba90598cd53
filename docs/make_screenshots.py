"""Makes the pictures of the documents from the real window: a data set and a run, light and dark, two sizes.

    python docs/make_screenshots.py --run RUN_FOLDER --dataset FOLDER --out FOLDER [--no-dialog]

Works without a screen (QT_QPA_PLATFORM=offscreen) and with one; ``QT_SCALE_FACTOR=2`` gives pictures for
sharp screens.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
SIZES = ((1280, 800), (1920, 1080))
PAGES = ("curves", "previews", "classes", "log", "settings")
PATIENCE_S = 60.0


def wait(seconds: float) -> None:
    """Let the window work."""
    from PyQt5.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(int(1000 * seconds), loop.quit)
    loop.exec_()


def wait_until(done: Callable[[], bool]) -> None:
    """Let the window work until something is so, at most a minute."""
    end = time.monotonic() + PATIENCE_S
    while not done() and time.monotonic() < end:
        wait(0.1)
    wait(0.7)


class Photographer:
    """Takes pictures of one window.

    Attributes:
        taken: Files that were written.
    """

    def __init__(self, window: Any, folder: Path) -> None:
        self.window = window
        self.folder = folder
        self.taken: list[Path] = []
        folder.mkdir(parents=True, exist_ok=True)

    def take(self, name: str, widget: Any = None) -> None:
        """One picture in both sizes (of a dialog: in its own)."""
        from src.ui.theme import theme

        mode = "dark" if theme().dark else "light"
        for width, height in SIZES if widget is None else ((0, 0),):
            if widget is None:
                self.window.resize(width, height)
            wait(0.5)
            path = self.folder / (
                f"{name}-{mode}-{width}x{height}.png" if widget is None else f"{name}-{mode}.png"
            )
            if not (widget or self.window).grab().save(str(path)):
                raise OSError(f"{path} cannot be written.")
            self.taken.append(path)

    def tour(self, run: Path, dataset: Path | None, dialog: bool) -> None:
        """Everything in the colours of now."""
        self.take("welcome")
        if dataset:
            self.window.show_dataset(dataset)
            view = self.window.tabs.dataset_view()
            wait_until(lambda: view.pages.currentIndex() != 1)
            wait(2.5)
            self.take("dataset")
            if dialog:
                self.photograph_dialog()
        self.window.open_run_path(run)
        view = self.window.tabs.run_view()
        wait_until(lambda: bool(view.data.epochs) or bool(view.data.ending))
        for index, page in enumerate(PAGES):
            view.tabs.setCurrentIndex(index)
            wait(0.8)
            self.take(f"run-{page}")
        self.window.tabs.close_all()
        self.window.tabs_changed()

    def photograph_dialog(self) -> None:
        """The tabs of the training dialog."""
        self.window.train_model()
        found = self.window._dialog
        wait(3.0)
        for index in range(found.tabs.count()):
            found.tabs.setCurrentIndex(index)
            wait(0.6)
            self.take(f"dialog-{found.tabs.tabText(index).replace('&', '').lower()}", found)
        found.close()
        wait(0.3)


def main() -> int:
    """Read the words, take the pictures, close the window."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, required=True, help="folder of a run")
    parser.add_argument("--dataset", type=Path, help="folder of images and masks")
    parser.add_argument("--out", type=Path, required=True, help="where the pictures go")
    parser.add_argument("--no-dialog", action="store_true", help="leave the training dialog out")
    options = parser.parse_args()
    for path in (options.run, options.dataset):
        if path is not None and not path.is_dir():
            parser.error(f"{path} is not a folder")
    os.environ["LATHE_SETTINGS"] = str(Path(tempfile.mkdtemp()) / "settings.ini")
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from src.threads.worker import stop_all
    from src.ui.application import make_application
    from src.ui.main_window import MainWindow
    from src.ui.theme import MODES, apply_theme

    app = make_application([])
    apply_theme(app, "light")
    window = MainWindow(options.run.resolve().parent)
    window.show()
    wait_until(lambda: window.runs.model.rowCount() > 0)
    photographer = Photographer(window, options.out)
    for mode in (m for m in MODES if m != "system"):
        apply_theme(app, mode)
        photographer.tour(
            options.run.resolve(), options.dataset and options.dataset.resolve(), not options.no_dialog
        )
    window.close()
    stop_all()
    print(f"{len(photographer.taken)} pictures in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

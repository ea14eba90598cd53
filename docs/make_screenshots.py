"""Makes the pictures of the documents from the real window.

    python app.py sample-data FOLDER
    python app.py train FOLDER/lathe.yaml training.epochs=30
    python docs/make_screenshots.py --run RUN_FOLDER --dataset FOLDER

writes docs/images. With ``--tour PLACE`` every page is written there, light and dark, in two sizes: to look at, not for
the documents.

Works without a screen (QT_QPA_PLATFORM=offscreen) and with one; ``QT_SCALE_FACTOR=2`` gives pictures for
sharp screens.
"""

from __future__ import annotations

import argparse
import io
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
IMAGES = Path(__file__).resolve().parent / "images"
#: Bytes; a larger picture gets a palette.
LARGE = 150_000
COLOURS = 160


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


def save_small(pixmap: Any, path: Path) -> None:
    """Write a picture; one that would be large because of photographs in it gets a palette."""
    from PIL import Image
    from PyQt5.QtCore import QBuffer, QByteArray, QIODevice

    store = QByteArray()
    buffer = QBuffer(store)
    buffer.open(QIODevice.WriteOnly)
    pixmap.save(buffer, "PNG")
    with Image.open(io.BytesIO(bytes(store))) as image:
        plain = image.convert("RGB")
    plain.save(path, optimize=True)
    if path.stat().st_size > LARGE:
        plain.quantize(palette=palette_of(plain), dither=Image.Dither.FLOYDSTEINBERG).save(
            path, optimize=True
        )


def palette_of(image: Any) -> Any:
    """Some colours: the most frequent of the window and of its signs as they are, the rest for the photographs."""
    from PIL import Image

    counted = sorted(image.getcolors(image.width * image.height), reverse=True)
    bright = [c for _, c in counted if max(c) - min(c) > 60]
    kept = list(dict.fromkeys([c for _, c in counted[:48]] + bright[:80]))
    rest = image.quantize(COLOURS - len(kept), Image.Quantize.MEDIANCUT).getpalette()
    found = Image.new("P", (1, 1))
    found.putpalette([v for c in kept for v in c] + rest[: 3 * (COLOURS - len(kept))])
    return found


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

    def small(self, name: str, widget: Any = None) -> None:
        """One picture for the documents."""
        wait(0.6)
        path = self.folder / f"{name}.png"
        save_small((widget or self.window).grab(), path)
        self.taken.append(path)

    def open_dataset(self, dataset: Path) -> None:
        """Show a data set and wait for its thumbnails."""
        self.window.show_dataset(dataset)
        view = self.window.tabs.dataset_view()
        wait_until(lambda: view.pages.currentIndex() != 1)
        wait(2.5)

    def open_run(self, run: Path) -> Any:
        """Show a run and wait for its curves."""
        self.window.open_run_path(run)
        view = self.window.tabs.run_view()
        wait_until(lambda: bool(view.data.epochs) or bool(view.data.ending))
        return view

    def guide(self, run: Path, dataset: Path, dark: Callable[[bool], None]) -> None:
        """The pictures of the documents."""
        from src.core.run import RunFolder

        self.window.resize(*SIZES[0])
        self.open_dataset(dataset)
        self.small("main_window_light")
        self.window.train_model()
        dialog = self.window._dialog
        dialog.resize(*SIZES[0])
        wait_until(lambda: not dialog.check.scan.busy)
        for index, name in enumerate(("train_model", "train_training", "train_data")):
            dialog.tabs.setCurrentIndex(index)
            wait(1.5)
            self.small(name, dialog)
        dialog.attach(RunFolder(run))
        wait_until(lambda: bool(dialog.monitoring.view.data.epochs))
        self.small("train_monitoring", dialog)
        dialog.close()
        view = self.open_run(run)
        self.small("run_view_light", view)
        self.small("main_window")
        dark(True)
        self.small("main_window_dark")
        dark(False)
        view.tabs.setCurrentIndex(PAGES.index("previews"))
        wait(1.0)
        self.small("previews")

    def tour(self, run: Path, dataset: Path, dialog: bool) -> None:
        """Everything in the colours of now."""
        self.take("welcome")
        self.open_dataset(dataset)
        self.take("dataset")
        if dialog:
            self.photograph_dialog()
        view = self.open_run(run)
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
    parser.add_argument("--dataset", type=Path, required=True, help="folder of images and masks")
    parser.add_argument("--tour", type=Path, metavar="PLACE", help="every page, written there, to look at")
    parser.add_argument("--no-dialog", action="store_true", help="leave the training dialog out of the tour")
    options = parser.parse_args()
    for path in (options.run, options.dataset):
        if not path.is_dir():
            parser.error(f"{path} is not a folder")
    run, dataset = options.run.resolve(), options.dataset.resolve()
    os.environ["LATHE_SETTINGS"] = str(Path(tempfile.mkdtemp()) / "settings.ini")
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from src.threads.worker import stop_all
    from src.ui.application import make_application
    from src.ui.main_window import MainWindow
    from src.ui.theme import MODES, apply_theme

    app = make_application([])
    apply_theme(app, "light")
    window = MainWindow(run.parent)
    window.show()
    wait_until(lambda: window.runs.model.rowCount() > 0)
    photographer = Photographer(window, options.tour or IMAGES)
    if options.tour:
        for mode in (m for m in MODES if m != "system"):
            apply_theme(app, mode)
            photographer.tour(run, dataset, not options.no_dialog)
    else:
        photographer.guide(run, dataset, lambda on: apply_theme(app, "dark" if on else "light"))
    window.close()
    stop_all()
    print(f"{len(photographer.taken)} pictures in {photographer.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

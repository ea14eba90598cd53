"""Makes the pictures of the documents from the real window.

    python app.py sample-data FOLDER
    python app.py train FOLDER/lathe.yaml training.epochs=30
    python app.py export-data FOLDER COCO_FOLDER --format coco
    python docs/make_screenshots.py --run RUN_FOLDER --dataset FOLDER --import COCO_FOLDER

writes docs/images. ``--live RUN_FOLDER`` takes only the pictures of a training that goes on: of a run that works now.
With ``--tour PLACE`` every page is written there, light and dark, in two sizes: to look at, not for the documents.

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
BESIDE = (1000, 640)
PATIENCE_S = 60.0
#: What belongs together in the sample data.
GROUPS = r"(part\d+)_"
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

    def guide(self, run: Path, dataset: Path, annotations: Path | None, dark: Callable[[bool], None]) -> None:
        """The pictures of the documents but for those of a training that goes on."""
        self.window.resize(*SIZES[0])
        self.open_dataset(dataset)
        self.small("main_window_light")
        self.browser(dark)
        if annotations is not None:
            self.import_preview(annotations)
        self.dialog_tabs()
        view = self.open_run(run)
        self.small("run_view_light", view)
        dark(True)
        self.small("main_window_dark")
        dark(False)
        view.tabs.setCurrentIndex(PAGES.index("previews"))
        wait(1.0)
        self.small("previews")

    def browser(self, dark: Callable[[bool], None]) -> None:
        """Findings and statistics of the data set that is shown, and the augmentation of an image."""
        from src.ui.widgets.thumbnail_model import SAMPLE

        view = self.window.tabs.dataset_view()
        view.tabs.setCurrentIndex(1)
        wait_until(lambda: len(view.findings.cards) == len(view.findings.found))
        self.small("data_findings")
        view.tabs.setCurrentIndex(2)
        wait(2.0)
        self.small("data_statistics")
        dark(True)
        view.tabs.setCurrentIndex(0)
        self.small("data_browser_dark")
        dark(False)
        first = view.thumbnails.samples.index(0)
        view.show_augmentation(first.data(SAMPLE))
        self.top_window("AugmentWindow", "data_augmentation")

    def top_window(self, kind: str, name: str) -> None:
        """A window that stands beside the main one: its picture, then it is closed."""
        from PyQt5.QtWidgets import QApplication

        found = next(w for w in QApplication.topLevelWidgets() if type(w).__name__ == kind)
        found.resize(*BESIDE)
        wait(2.5)
        self.small(name, found)
        found.close()
        wait(0.3)

    def import_preview(self, annotations: Path) -> None:
        """What the import says before anything is written."""
        from src.ui.dialogs.import_dialog import ImportDialog

        dialog = ImportDialog(annotations, self.window)
        dialog.resize(*SIZES[0])
        dialog.show()
        wait_until(lambda: dialog.plan is not None)
        wait(1.0)
        self.small("import_preview", dialog)
        dialog.close()
        dialog.deleteLater()
        wait(0.3)

    def dialog_tabs(self) -> None:
        """The settings of a training."""
        self.window.train_model()
        dialog = self.window._dialog
        dialog.resize(*SIZES[0])
        wait_until(lambda: not dialog.check.scan.busy)
        for index, name in enumerate(("train_model", "train_training", "train_data")):
            dialog.tabs.setCurrentIndex(index)
            wait(1.5)
            self.small(name, dialog)
        form = dialog.forms["Data"]
        for key, value in (("data.split.group_by", "pattern"), ("data.split.group_pattern", GROUPS)):
            editor = form.fields[key].editor
            editor.set_value(value)
            editor.edited.emit()
        wait_until(lambda: dialog.groups.answer is not None and not dialog.check.scan.busy)
        form.ensureWidgetVisible(form.fields["data.split.group_by"].editor, 20, 400)
        form.ensureWidgetVisible(dialog.groups)
        self.small("train_split", dialog)
        dialog.close()
        wait(0.3)

    def live(self, run: Path) -> None:
        """A training that goes on, in the dialog and in the main window."""
        from src.core.run import RunFolder

        self.window.resize(*SIZES[0])
        self.window.train_model()
        dialog = self.window._dialog
        dialog.resize(*SIZES[0])
        dialog.attach(RunFolder(run))
        wait_until(lambda: bool(dialog.monitoring.view.data.epochs))
        self.small("train_monitoring", dialog)
        dialog.close()
        self.open_run(run)
        self.small("main_window")

    def tour(self, run: Path, dataset: Path, dialog: bool) -> None:
        """Everything in the colours of now."""
        self.take("welcome")
        self.open_dataset(dataset)
        data = self.window.tabs.dataset_view()
        for index, page in enumerate(("dataset", "findings", "statistics")):
            data.tabs.setCurrentIndex(index)
            wait(2.0)
            self.take(page)
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
    parser.add_argument("--run", type=Path, help="folder of a run")
    parser.add_argument("--dataset", type=Path, help="folder of images and masks")
    parser.add_argument(
        "--import", dest="annotations", type=Path, help="folder of annotations, for the import"
    )
    parser.add_argument("--live", type=Path, help="folder of a run that works now: only its pictures")
    parser.add_argument("--tour", type=Path, metavar="PLACE", help="every page, written there, to look at")
    parser.add_argument("--no-dialog", action="store_true", help="leave the training dialog out of the tour")
    options = parser.parse_args()
    wanted = (options.live,) if options.live else (options.run, options.dataset)
    for path in wanted:
        if path is None or not path.is_dir():
            parser.error(f"{path or '--run and --dataset'}: a folder is needed")
    run, dataset = (wanted[0].resolve(), wanted[-1].resolve())
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
    elif options.live:
        photographer.live(run)
    else:
        photographer.guide(
            run, dataset, options.annotations, lambda on: apply_theme(app, "dark" if on else "light")
        )
    window.close()
    stop_all()
    print(f"{len(photographer.taken)} pictures in {photographer.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Longest pause of the window's event loop while a data set of 100,000 images arrives, is filtered, sorted and
scrolled, and while the train dialog opens: a timer of 5 ms, and the largest gap between two of its ticks. Other work on
the same cores lengthens the pauses: the load at the start is written beside them.

The check job is played by a process that prints what the job would print, for generated samples that share a few real
files. The window, the thread that listens, thumbnails and their cache are the real ones.

    python benchmarks/browser_pause.py [--images 100000]
"""

from __future__ import annotations

import argparse
import csv
import importlib
import json
import os
import platform
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
FILES = 24
CLASSES = ["background", *(f"defect {k}" for k in range(1, 12))]
GROUP = 7


def make_files(folder: Path) -> None:
    """A few photographs and masks, hard-linked under as many names as there are files to be read."""
    import cv2
    import numpy as np

    draw = np.random.default_rng(0)
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True)
    for k in range(FILES):
        noise = draw.integers(0, 255, (60, 80, 3), np.uint8)
        cv2.imwrite(str(folder / "images" / f"{k}.jpg"), cv2.resize(noise, (1280, 960)))
        mask = np.zeros((960, 1280), np.uint8)
        for number in range(1 + k % 4):
            cv2.circle(mask, (200 + 250 * number, 300 + 20 * k), 90, 1 + (k + number) % 11, -1)
        cv2.imwrite(str(folder / "masks" / f"{k}.png"), mask)


def rows(folder: Path, images: int) -> Iterator[tuple[str, list[list[Any]]]]:
    """Samples in portions, as the job sends them."""
    from src.jobs.check import SAMPLES_A_LINE

    draw = random.Random(1)
    for first in range(0, images, SAMPLES_A_LINE):
        part = ("train", "train", "val", "test")[first // SAMPLES_A_LINE % 4]
        portion = []
        for k in range(first, min(images, first + SAMPLES_A_LINE)):
            name = f"line {k % 40:02d}/part {k:06d}.jpg"
            real = k % FILES
            classes = sorted({0, *draw.choices(range(1, 12), k=k % 3)})
            share = draw.random() / 5 if len(classes) > 1 else 0.0
            portion.append(
                [name, str(folder / "images" / f"{real}.jpg"), str(folder / "masks" / f"{real}.png"),
                 f"group {k // GROUP}", classes, 1280 + 16 * (k % 30), 960, 120.0, k % 3, share,
                 f"part {k - k % 40:06d}.jpg" if k % 40 < 3 else None]
            )  # fmt: skip
        yield part, portion


def play_job(folder: Path, images: int) -> None:
    """Print what the check job prints."""
    for part, portion in rows(folder, images):
        print(json.dumps({"samples": part, "rows": portion}), flush=True)
    for k in range(40):
        ids = [f"line {i % 40:02d}/part {i:06d}.jpg" for i in range(k, images, 20 + k)][:10_000]
        finding = {
            "severity": ("error", "warning", "notice")[k % 3],
            "code": f"made.up{k}",
            "message": f"Finding {k} names {len(ids):,} images.",
            "cure": "Leave them out.",
            "where": ids[:20],
            "actions": [{"kind": "exclude", "label": "Leave them out", "settings": {}, "ids": ids}],
        }
        print(json.dumps({"finding": finding}), flush=True)
    masks = {"kind": "index", "classes": CLASSES, "values": list(range(12)), "threshold": 127,
             "foreground": "bright", "ignore_value": None}  # fmt: skip
    shares = dict.fromkeys(CLASSES, 1 / 12)
    description = {"summary": f"{images:,} images.", "classes": CLASSES, "class_share": shares, "masks": masks,
                   "sizes": {"median": [1280, 960]}, "statistics": statistics(), "root": ""}  # fmt: skip
    print(json.dumps({"description": description, "resolved": {}}), flush=True)


def statistics() -> dict[str, Any]:
    """Numbers for every plot."""
    parts = ("train", "val", "test")

    def histogram(label: str, unit: str, scale: str) -> dict[str, Any]:
        edges = [10 ** (k / 8) if scale == "log" else 10.0 * k for k in range(33)]
        counts = {p: [100 + (k * 37) % 60 for k in range(32)] for p in parts}
        return {"label": label, "unit": unit, "scale": scale, "edges": edges, "counts": counts}

    each = {p: [5000 + 100 * k for k in range(12)] for p in parts}
    return {
        "parts": {p: {"images": 20000, "objects": 9000, "groups": 900, "empty": 10} for p in parts},
        "classes": CLASSES,
        "class_pixels": each,
        "class_images": each,
        "class_objects": each,
        "histograms": {
            "width": histogram("Image width", "px", "linear"),
            "height": histogram("Image height", "px", "linear"),
            "brightness": histogram("Mean brightness", "grey level", "linear"),
            "contrast": histogram("Contrast", "grey level", "linear"),
            "object_area": histogram("Object area", "px²", "log"),
            "object_side": histogram("Object side", "px", "log"),
            "objects_per_image": histogram("Objects on an image", "", "linear"),
            "group_size": histogram("Images in a group", "", "linear"),
        },
        "small_objects": {"image_size": 256, "share": 0.03, "under": 3},
    }


class Player:
    """The window with the data set, and the pauses of each thing that is done with it.

    Attributes:
        found: Situation, longest pause and 99th percentile in ms.
    """

    def __init__(self, folder: Path, images: int) -> None:
        from event_loop_pause import Watch, wait

        from src.ui.widgets.dataset_view import DatasetView

        self.images, self.wait, self._watch = images, wait, Watch
        self.found: list[tuple[str, float, float]] = []
        self.view = DatasetView()
        self.view.resize(1400, 900)
        self.view.show()
        self.folder = folder
        wait(1.0)

    def measure(self, name: str, act: Callable[[], None]) -> None:
        """The pauses while this is done, the first event after it included."""
        watch = self._watch()
        watch.start()
        act()
        self.wait(0.25)
        self.found.append((name, *watch.result()))

    def arrive(self) -> None:
        """From the first line of the job to the first thumbnails."""
        self.view.show_folder(self.folder)
        deadline = time.monotonic() + 180
        while self.view.pages.currentIndex() != 2 and time.monotonic() < deadline:
            self.wait(0.05)
        if self.view.pages.currentIndex() != 2:
            raise SystemExit(f"the data set did not arrive: {self.view.empty._text.text()}")
        self.wait(2.0)

    def scroll(self) -> None:
        """Pages, jumps and the way back."""
        bar = self.view.thumbnails.verticalScrollBar()
        for _ in range(60):
            bar.setValue(bar.value() + 130)
            self.wait(0.016)
        for k in range(40):
            bar.setValue((k * 7919 * 1000) % max(1, bar.maximum()))
            self.wait(0.04)
        bar.setValue(0)

    def type_words(self) -> None:
        """A name, letter by letter."""
        field = self.view.images.filters.name
        for end in range(1, len("part 0777") + 1):
            field.setText("part 0777"[:end])
            self.wait(0.2)
        field.clear()
        self.wait(0.3)

    def filter(self) -> None:
        """All kinds of filters, alone and together."""
        from src.core.dataset.sample_filter import ALIKE, SampleFilter

        bar = self.view.images.filters
        every = [
            SampleFilter(part="val"),
            SampleFilter(part="val", class_number=3),
            SampleFilter(class_number=3, content="object", size=2),
            SampleFilter(content="empty"),
            SampleFilter(group="group 77"),
            SampleFilter(alike=ALIKE),
            SampleFilter(alike="part 000400.jpg"),
            SampleFilter(rows=tuple(self.view.findings.found[0][1])),
            SampleFilter(name="part", group="group 1", content="kept"),
            SampleFilter(),
        ]
        for wanted in every:
            bar.set(wanted)
            self.wait(0.15)

    def sort(self) -> None:
        """Every order, both ways."""
        bar = self.view.images.filters
        for index in (1, 2, 3, 0):
            bar.sort.setCurrentIndex(index)
            self.wait(0.1)
            bar.descending.toggle()
            self.wait(0.1)

    def select(self) -> None:
        """Everything, then leave out ten thousand and take them in again."""
        grid = self.view.thumbnails
        grid.selectAll()
        self.wait(0.1)
        grid.clearSelection()
        view = self.view.images.filters.view
        assert view is not None
        self.view.act({"kind": "exclude", "label": "", "ids": view.table.ids[:10_000]})
        self.wait(0.1)
        self.view.undo()
        self.wait(0.1)

    def draw(self) -> None:
        """Sliders, outlines, classes on and off, other sizes."""
        bar = self.view.images.bar
        for value in range(0, 100, 8):
            bar.opacity.setValue(value)
            self.wait(0.02)
        for on in (True, False):
            bar.outlines.setChecked(on)
            bar.classes.set_hidden(frozenset({1, 2}) if on else frozenset())
            self.wait(0.1)
        for side in (80, 120, 200, 256, 148):
            self.view.images.thumb_size.setValue(side)
            self.wait(0.2)

    def pages(self) -> None:
        """Findings with their pictures, then statistics."""
        for index in (1, 2, 0):
            self.view.tabs.setCurrentIndex(index)
            self.wait(1.5)

    def all(self) -> list[tuple[str, float, float]]:
        """Everything, one after the other."""
        for name, act in (
            ("arrive", self.arrive), ("scroll", self.scroll), ("type a name", self.type_words),
            ("filter", self.filter), ("sort", self.sort), ("select and leave out", self.select),
            ("draw masks and sizes", self.draw), ("findings and statistics", self.pages),
        ):  # fmt: skip
            self.measure(name, act)
        self.measure("close", self.view.close_data)
        self.view.close()
        return self.found


def viewer(folder: Path) -> tuple[str, float, float]:
    """An image and mask of 10,000 x 10,000 pixels are opened, zoomed and moved."""
    import cv2
    import numpy as np
    from event_loop_pause import Watch, wait

    from src.core.dataset.masks import MaskMeaning
    from src.core.dataset.sample_filter import SampleFilter, SampleView
    from src.core.dataset.sample_table import SampleTable
    from src.ui.widgets.sample_window import SampleWindow
    from src.ui.widgets.thumbnail_model import Reading
    from src.ui.widgets.thumbnails import Thumbnails

    tile = np.random.default_rng(0).integers(0, 255, (1000, 1000, 3), np.uint8)
    image, mask = folder / "large.jpg", folder / "large.png"
    cv2.imwrite(str(image), np.tile(tile, (10, 10, 1)))
    labels = np.zeros((10_000, 10_000), np.uint8)
    cv2.circle(labels, (5000, 5000), 3000, 1, -1)
    cv2.imwrite(str(mask), labels)
    table = SampleTable.from_parts(
        {
            "train": [
                {"id": "large.jpg", "image": str(image), "mask": str(mask), "width": 10_000, "height": 10_000}
            ]
        }
    )
    reading = Reading(MaskMeaning("index", ("background", "object"), (0, 1)))
    grid = Thumbnails()
    view = SampleView(table)
    grid.thumbs.put(view, reading)
    grid.samples.put(view, view.rows(SampleFilter()))
    grid.show()
    window = SampleWindow(grid, grid, reading, ["background", "object"])
    watch = Watch()
    watch.start()
    window.show_row(grid.samples.index(0))
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        wait(0.1)
        if window.view.picture is not None and window.view.picture.first == 1.0:
            break
    for factor in (1.3, 1.3, 1.3, 2, 2, 4, 0.3, 0.3):
        window.view.zoom_by(factor)
        wait(0.05)
        for _ in range(5):
            window.view.move_by(0.05, 0.05)
            wait(0.02)
    result = watch.result()
    window.close()
    grid.thumbs.close()
    grid.close()
    return ("10,000 x 10,000 image", *result)


def train_dialog(folder: Path) -> tuple[str, float, float]:
    """The train dialog is opened from the main window, closed and opened again."""
    from event_loop_pause import Watch, wait

    from src.ui.main_window import MainWindow

    window = MainWindow(folder / "workspace" / "runs")
    window.resize(1400, 900)
    window.show()
    wait(1.0)
    watch = Watch()
    watch.start()
    for _ in range(2):
        window.train_model()
        wait(1.0)
        window._dialog.close()
        wait(0.5)
    result = watch.result()
    window.close()
    return ("train dialog", *result)


def main() -> None:
    """Measure and write the CSV."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--play", type=Path, help=argparse.SUPPRESS)
    options, _ = parser.parse_known_args()  # what the window adds to the command of its job is of no use here
    if options.play:
        play_job(options.play, options.images)
        return
    os.environ.setdefault(
        "QT_QPA_PLATFORM", "" if os.environ.get("DISPLAY") or os.name == "nt" else "offscreen"
    )
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        measure(Path(place), options.images)


def measure(place: Path, images: int) -> None:
    """Play everything in a workspace of its own."""
    os.environ["LATHE_WORKSPACE"] = str(place / "workspace")
    os.environ["LATHE_SETTINGS"] = str(place / "settings.ini")
    from PyQt5.QtCore import QT_VERSION_STR

    from src.core.run import process
    from src.threads.worker import stop_all
    from src.ui.application import make_application
    from src.ui.garbage import GarbageKeeper
    from src.ui.theme import apply_theme
    from src.ui.warmup import FIRST, THEN

    app = make_application([])
    apply_theme(app, "light")
    for name in (*FIRST, *THEN):  # as the window does in the background
        importlib.import_module(name)
    garbage = GarbageKeeper()
    garbage.settle()
    folder = place / "data"
    make_files(folder)
    process.program = lambda: [sys.executable, __file__, "--images", str(images), "--play", str(folder)]  # type: ignore[assignment]
    load = f"{os.getloadavg()[0] / (os.cpu_count() or 1):.1f}" if hasattr(os, "getloadavg") else ""
    found = [*Player(folder, images).all(), viewer(place), train_dialog(place)]
    garbage.stop()
    stop_all()
    machine = f"{platform.system()}-{platform.machine()}-{os.cpu_count()}cores"
    target = ROOT / "benchmarks" / "results" / f"browser_pause_{machine}_qt{QT_VERSION_STR}.csv"
    target.parent.mkdir(exist_ok=True)
    with target.open("w", newline="", encoding="utf-8") as handle:
        table = csv.writer(handle)
        table.writerow(["situation", "longest_pause_ms", "p99_ms", "images", "load_average_per_core"])
        for situation, longest, usual in found:
            table.writerow([situation, f"{longest:.1f}", f"{usual:.1f}", images, load])
            print(f"{situation:26s} longest {longest:8.1f} ms   99 % {usual:6.1f} ms")
    print(f"written to {target.relative_to(ROOT)}")


if __name__ == "__main__":
    main()

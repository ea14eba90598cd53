"""One sample of a data set large, an image with its mask over it down to its pixels; keys go to the next."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PyQt5.QtCore import QModelIndex, Qt
from PyQt5.QtGui import QCloseEvent, QImage
from PyQt5.QtWidgets import QFrame, QLabel, QWidget

from src.core.dataset.contract import IMAGES_WITH_MASKS, Look, Thumbnail
from src.core.dataset.masks import IGNORE_INDEX
from src.ui.widgets.image_loader import ImageLoader, Job
from src.ui.widgets.overlay_bar import OverlayBar
from src.ui.widgets.picture_window import PictureWindow
from src.ui.widgets.pyramid import Pyramid, read_pyramid
from src.ui.widgets.sample_steps import step_buttons
from src.ui.widgets.thumbnail_model import SAMPLE, SPLIT_TITLES, Reading, Thumb
from src.ui.widgets.thumbnails import Thumbnails

#: Longest side in pixels of a sample that is drawn.
_DRAWN_SIDE = 1600


class SampleWindow(PictureWindow):
    """Shows the samples of a `Thumbnails` grid one at a time.

    Attributes:
        words: What is under the pointer, or how large the image is.
    """

    def __init__(
        self,
        parent: QWidget,
        thumbnails: Thumbnails,
        reading: Reading,
        classes: list[str],
        look: Look = IMAGES_WITH_MASKS,
    ) -> None:
        super().__init__(parent, "")
        self._thumbnails, self._reading, self._classes, self._look = thumbnails, reading, classes, look
        self._position, self._row, self._said = -1, -1, ""
        self._sample: dict[str, Any] = {}
        self._loader = ImageLoader(self)
        self._loader.loaded.connect(self._loaded)
        self.bar = OverlayBar()
        self.bar.put(classes, {}, reading.meaning is not None and reading.meaning.ignore_value is not None)
        self.bar.classes.hide()
        self.bar.changed.connect(self.view.set_overlay)
        self.bar.opacity_changed.connect(self.view.set_opacity)
        self.bar.follow(thumbnails.cells.overlay)
        self.bar.opacity.setValue(round(thumbnails.cells.opacity * 100))
        self.view.set_overlay(self.bar.overlay)
        self.view.set_opacity(thumbnails.cells.opacity)
        self.bar.setVisible(len(classes) > 0 and look.masks)
        for place, button in enumerate(step_buttons(self, look.noun.one, self.step)):
            self.row.insertWidget(place, button)
        self.row.addWidget(self.bar)
        line = QFrame()
        line.setProperty("role", "line")
        self.words = QLabel()
        self.words.setTextFormat(Qt.PlainText)
        self.words.setContentsMargins(12, 5, 12, 6)
        self.words.setAccessibleName("Pixel under the pointer")
        self.column.insertWidget(1, self.words)
        self.column.insertWidget(1, line)
        self.view.pointed.connect(self._pointed)
        self.view.setToolTip("Wheel, + and − zoom; drag or arrow keys move; 0 fits, 1 shows 1:1")

    def show_row(self, index: QModelIndex) -> None:
        """Show this sample: at once as small as it is known, then whole."""
        self._sample = sample = index.data(SAMPLE)
        self._position, self._row = index.row(), sample["row"]
        many = self._thumbnails.samples.rowCount()
        title = f"{sample['id']} – {SPLIT_TITLES[sample['split']]}, {self._position + 1:,} of {many:,}"
        self.setWindowTitle(title)
        self.view.set_picture(self._preview(sample))
        self._say(f"Reading {sample['id']}…")
        reading = self._reading
        job: Job = partial(
            read_pyramid, sample["file"], sample.get("mask"), reading.meaning, reading.intensity_range
        )
        if reading.draw is not None:
            job = partial(_drawn, reading.draw, sample)
        self._loader.want([(self._row, job)])
        self.show()
        self.raise_()

    def _preview(self, sample: dict[str, Any]) -> Pyramid | None:
        thumb = self._thumbnails.thumbs.find(sample["row"])
        if not isinstance(thumb, Thumb) or not sample.get("width") or not sample.get("height"):
            return None
        pixels = _array(thumb.picture)
        return Pyramid.preview(pixels, thumb.labels, sample["width"], sample["height"])

    def step(self, step: int) -> None:
        """Show the image that stands so many places further in the grid."""
        index = self._thumbnails.samples.index(self._position + step)
        if index.isValid():
            self._thumbnails.setCurrentIndex(index)
            self.show_row(index)

    def _loaded(self, row: int, picture: Pyramid | None) -> None:
        if row != self._row:
            return
        self.view.set_picture(picture)
        if picture is None:
            self._say(self._why(self._sample["file"]))
            return
        if self._reading.draw is not None:
            view = self._thumbnails.samples.view
            known = view.table.words(row) if view is not None else []
            self._say("    ".join(f"{column.title} {words}" for column, words in known))
            return
        words = f"{picture.width:,} × {picture.height:,} px"
        if self._reading.meaning is not None and not picture.labels:
            words += ", no mask that can be shown"
        self._say(words)

    def _why(self, file: str) -> str:
        """Why there is no picture of the file."""
        if not Path(file).exists():
            return f"{file} has gone. Put it back where it was, then check the data again."
        return f"This {self._look.noun.one} cannot be read; the findings of the data set say why."

    def _say(self, words: str) -> None:
        self._said = words
        self.words.setText(words)

    def _pointed(self, x: int, y: int) -> None:
        picture = (
            self.view.picture if self._reading.draw is None else None
        )  # pixels of a drawing mean nothing
        found = picture.at(x, y) if picture is not None and x >= 0 else None
        if found is None:
            self.words.setText(self._said)
            return
        values, number = found
        words = f"x {x:,}  y {y:,}    value {', '.join(f'{v:g}' for v in _short(values))}"
        if number is not None:
            words += f"    class {self._class(number)}"
        self.words.setText(words)

    def _class(self, number: int) -> str:
        if number == IGNORE_INDEX:
            return "ignored"
        return f"{number} {self._classes[number]}" if number < len(self._classes) else str(number)

    def closeEvent(self, event: QCloseEvent) -> None:
        self._loader.end()
        super().closeEvent(event)


def _drawn(draw: Thumbnail, sample: dict[str, Any]) -> Pyramid:
    """A sample that is no image, as large as a screen."""
    return Pyramid.of(draw(sample, _DRAWN_SIDE), None)


def _short(values: tuple[float, ...]) -> tuple[float, ...]:
    """One number for grey."""
    return values[:1] if len(set(values)) == 1 else values


def _array(picture: QImage) -> np.ndarray:
    """``H×W×3`` uint8 of its own memory."""
    image = picture.convertToFormat(QImage.Format_RGB888)
    bits = image.constBits()
    bits.setsize(image.sizeInBytes())
    rows = np.frombuffer(bits, np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()

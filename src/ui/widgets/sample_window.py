"""One image of a data set large, with its mask over it; arrow keys go to the next."""

from __future__ import annotations

from functools import partial
from typing import Any

from PyQt5.QtCore import QModelIndex, Qt
from PyQt5.QtGui import QCloseEvent, QImage, QKeySequence, QPixmap
from PyQt5.QtWidgets import QLabel, QPushButton, QShortcut, QWidget

from src.ui.widgets.image_loader import ImageLoader
from src.ui.widgets.picture_window import PictureWindow
from src.ui.widgets.thumbnails import SAMPLE, SPLIT_TITLES, Thumbnails, read_layers


class SampleWindow(PictureWindow):
    """Shows the samples of a `Thumbnails` list one at a time."""

    def __init__(
        self, parent: QWidget, thumbnails: Thumbnails, meaning: Any, colours: list[tuple[int, int, int]]
    ) -> None:
        super().__init__(parent, "", overlay=True)
        self._thumbnails, self._meaning, self._colours = thumbnails, meaning, colours
        self._row = -1
        self._loader = ImageLoader(self)
        self._loader.loaded.connect(self._loaded)
        self.opacity.setValue(round(thumbnails.opacity * 100))
        row = self.layout().itemAt(1).layout()
        self._words = QLabel()
        self._words.setTextFormat(Qt.PlainText)
        row.insertWidget(3, self._words)
        for text, step, key in (("Pre&vious", -1, Qt.Key_PageUp), ("&Next", 1, Qt.Key_PageDown)):
            button = QPushButton(text)
            button.clicked.connect(partial(self._step, step))
            row.insertWidget(0 if step < 0 else 1, button)
            QShortcut(QKeySequence(key), self, activated=partial(self._step, step))

    def show_row(self, index: QModelIndex) -> None:
        """Show this sample."""
        sample = index.data(SAMPLE)
        self._row = index.row()
        self.setWindowTitle(f"{sample['id']} – {SPLIT_TITLES.get(sample['split'], sample['split'])}")
        self._words.setText(f"Reading {sample['id']}…")
        self._loader.forget()
        self._loader.ask(
            self._row,
            partial(read_layers, sample["image"], sample["mask"], self._meaning, self._colours, None),
        )
        self.show()
        self.raise_()

    def _step(self, step: int, _: bool = False) -> None:
        index = self._thumbnails.samples.index(self._row + step)
        if index.isValid():
            self._thumbnails.setCurrentIndex(index)
            self.show_row(index)

    def _loaded(self, row: int, result: tuple[QImage, QImage] | None) -> None:
        if row != self._row:
            return
        if result is None:
            self.view.set_layer(0, QPixmap())
            self.view.set_layer(1, QPixmap())
            self._words.setText("This image cannot be read; the findings of the data set say why.")
            return
        image, mask = result
        self.view.set_layer(0, QPixmap.fromImage(image))
        self.view.set_layer(1, QPixmap.fromImage(mask))
        self.view.set_opacity(1, self.opacity.value() / 100)
        self._words.setText(f"{image.width():,} × {image.height():,} px")

    def closeEvent(self, event: QCloseEvent) -> None:
        self._loader.stop()
        super().closeEvent(event)

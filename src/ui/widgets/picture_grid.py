"""Pictures of files side by side, each with a line of words; read in the background, opened large by a double click."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from PyQt5.QtCore import QModelIndex, QSize, Qt
from PyQt5.QtGui import QIcon, QImage, QPixmap, QStandardItem, QStandardItemModel
from PyQt5.QtWidgets import QListView, QWidget

from src.ui.theme import colour, theme
from src.ui.widgets.image_loader import ImageLoader
from src.ui.widgets.overlay import to_image
from src.ui.widgets.picture_window import PictureWindow

#: Longest side of a small picture, and of a large one, in pixels.
_SIDE, _LARGE = 176, 2400
_LINES = 2.4
#: Width of the words below a picture, in widths of the letter m.
_LEAST_EM = 13


@dataclass(frozen=True)
class GridEntry:
    """One picture: its file, the words below it, what the tooltip says more."""

    path: str
    words: str
    tip: str = ""


class PictureGrid(QListView):
    """A grid that is walked through with keys; Enter or a double click opens a picture large."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self._model = QStandardItemModel(self)
        self.setModel(self._model)
        self.setViewMode(QListView.IconMode)
        self.setResizeMode(QListView.Adjust)
        self.setMovement(QListView.Static)
        self.setUniformItemSizes(True)
        self.setWordWrap(True)
        self.setSpacing(6)
        self.setSelectionMode(QListView.ExtendedSelection)
        self.setIconSize(QSize(_SIDE, _SIDE))
        self._entries: list[GridEntry] = []
        self._generation = 0
        self._loader = ImageLoader(self, most=10_000)
        self._loader.loaded.connect(self._loaded)
        self.activated.connect(self._open)
        theme().changed.connect(self._dress)
        self._dress()

    def _dress(self) -> None:
        height = _SIDE + round(_LINES * self.fontMetrics().lineSpacing()) + 8
        width = max(_SIDE, round(_LEAST_EM * self.fontMetrics().horizontalAdvance("m")))
        self.setGridSize(QSize(width + 18, height + 8))
        for row in range(self._model.rowCount()):
            self._model.item(row).setSizeHint(QSize(width + 8, height))

    def show_entries(self, entries: Sequence[GridEntry]) -> None:
        """Show these; the pictures follow one after the other."""
        if list(entries) == self._entries:
            return
        self._entries = list(entries)
        self._generation += 1
        self._model.clear()
        blank = QPixmap(_SIDE, _SIDE)
        blank.fill(colour("hover"))
        for entry in self._entries:
            item = QStandardItem(QIcon(blank), entry.words)
            item.setToolTip(entry.tip or entry.path)
            item.setEditable(False)
            item.setTextAlignment(Qt.AlignHCenter | Qt.AlignTop)
            self._model.appendRow(item)
        self._dress()
        generation = self._generation
        self._loader.want(
            ((generation, row), partial(_small, entry.path)) for row, entry in enumerate(self._entries)
        )

    def chosen(self) -> list[GridEntry]:
        """The marked pictures; all where none is marked."""
        rows = sorted({index.row() for index in self.selectedIndexes()})
        return [self._entries[row] for row in rows] or list(self._entries)

    def _loaded(self, key: Any, image: QImage | None) -> None:
        kind, row = key
        if kind == "large":
            if image is not None:
                PictureWindow.open_pixmap(self.window(), self._entries[row].words, QPixmap.fromImage(image))
        elif kind == self._generation and image is not None:
            self._model.item(row).setIcon(QIcon(QPixmap.fromImage(image)))
        elif kind == self._generation:
            item = self._model.item(row)
            item.setText(f"{self._entries[row].words}\ncannot be read")

    def _open(self, index: QModelIndex) -> None:
        entry = self._entries[index.row()]
        self._loader.ask(("large", index.row()), partial(_large, entry.path))

    def close_loader(self) -> None:
        """End the reading in the background."""
        self._loader.end()


def _small(path: str) -> QImage:
    """A small picture from the store of thumbnails, on a square so that all stand in line."""
    from src.core.dataset.files.thumbnails import ThumbnailStore, reduced
    from src.core.run import workspace

    pixels, _ = ThumbnailStore(workspace() / "cache" / "thumbnails").pair(path, None, None)
    return to_image(reduced(pixels, _SIDE)).scaled(_SIDE, _SIDE, Qt.KeepAspectRatio, Qt.SmoothTransformation)


def _large(path: str) -> QImage:
    from src.core.dataset.files.thumbnails import read_pair

    return to_image(read_pair(path, None, None, _LARGE)[0])

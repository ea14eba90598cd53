"""The images of a data set as a list model; small pictures of them come from a cache, in the background."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from PyQt5.QtCore import QAbstractListModel, QModelIndex, QObject, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QImage

from src.core.dataset.findings import IMAGE, Noun
from src.ui.widgets.image_loader import ImageLoader
from src.ui.widgets.overlay import Overlay, to_image

if TYPE_CHECKING:
    from src.core.dataset.contract import Thumbnail
    from src.core.dataset.files.thumbnails import ThumbnailStore
    from src.core.dataset.masks import MaskMeaning
    from src.core.dataset.sample_filter import SampleView
    from src.core.dataset.views import Views

SAMPLE = Qt.UserRole + 1
EXCLUDED = Qt.UserRole + 2
SPLIT_TITLES = {"train": "Training", "val": "Validation", "test": "Test", "out": "Left out"}
#: Bytes of all pictures that are kept in memory.
MOST_BYTES = 160 << 20
_THREADS = 2


@dataclass
class Thumb:
    """One small picture, at the size at which it is shown.

    Attributes:
        picture: RGB.
        labels: ``H×W`` class numbers, or None without a usable mask.
        overlay: The labels as drawn at last, by which `Overlay`.
    """

    picture: QImage
    labels: np.ndarray | None
    overlay: QImage | None = None
    drawn_by: Overlay | None = None

    def drawn(self, way: Overlay) -> QImage | None:
        """The labels drawn this way; None where there are none."""
        if self.labels is None:
            return None
        if self.overlay is None or self.drawn_by != way:
            self.overlay, self.drawn_by = way.draw(self.labels), way
        return self.overlay

    @property
    def size(self) -> int:
        """Bytes in memory, with the drawn labels."""
        return self.picture.sizeInBytes() + (0 if self.labels is None else 5 * self.labels.size)


@dataclass(frozen=True)
class Reading:
    """How the files of a data set are read.

    Attributes:
        meaning: Of the mask values, or None while it is not known.
        intensity_range: See `read_image`.
        draw: Makes pictures of samples that are no images (``contract.Thumbnail``), or None.
        task: Whose samples these are; pictures in the cache are told apart by it.
        views: What can be looked at in a sample, or None where its picture is all.
    """

    meaning: MaskMeaning | None = None
    intensity_range: tuple[float, float] | None = None
    draw: Thumbnail | None = None
    task: str = ""
    views: Views | None = None


class Thumbs(QObject):
    """Small pictures by row of the table: those in memory, and a queue for those that are wanted.

    Attributes:
        loader: Reads them.

    Signals:
        loaded(int): The picture of this row came, or cannot be read.
    """

    loaded = pyqtSignal(int)

    def __init__(self, parent: QObject | None = None, most_bytes: int = MOST_BYTES) -> None:
        super().__init__(parent)
        self._most = most_bytes
        self._kept: OrderedDict[int, Thumb | None] = OrderedDict()
        self._sides: dict[int, int] = {}
        self._bytes = 0
        self._generation = 0
        self._view: SampleView | None = None
        self._reading = Reading()
        self._store: ThumbnailStore | None = None
        self.loader: ImageLoader | None = None

    def put(self, view: SampleView | None, reading: Reading) -> None:
        """Another data set."""
        self._view, self._reading = view, reading
        self._generation += 1
        self._kept.clear()
        self._sides.clear()
        self._bytes = 0
        if self.loader:
            self.loader.forget()

    @property
    def noun(self) -> Noun:
        """What a sample of the data set is called."""
        return self._view.table.look.noun if self._view is not None else IMAGE

    def close(self) -> None:
        """End the reading threads; they start again when they are needed."""
        if self.loader:
            self.loader.end()
            self.loader = None

    def find(self, row: int) -> Thumb | str | None:
        """The picture, None when it cannot be read, or ``"waiting"``."""
        if row not in self._kept:
            return "waiting"
        self._kept.move_to_end(row)
        return self._kept[row]

    def want(self, rows: Sequence[int], side: int) -> None:
        """Have these read for ``side`` pixels, the first first; all other wishes are dropped."""
        if self._view is None:
            return
        missing = [row for row in rows if self._sides.get(row, -1) != side]
        if self.loader is None:
            if not missing:
                return
            self.loader = ImageLoader(self, threads=_THREADS)
            self.loader.loaded.connect(self._take)
        if self._store is None:
            self._store = _store()
        self.loader.want(((self._generation, row, side), self._job(row, side)) for row in missing)

    def _job(self, row: int, side: int) -> Any:
        assert self._view is not None and self._store is not None
        table = self._view.table
        if self._reading.draw is not None:
            return partial(_draw, self._store, table.sample(row), self._reading, side)
        return partial(_read, self._store, table.files[row], table.masks[row], self._reading, side)

    def _take(self, key: tuple[int, int, int], result: tuple[QImage, np.ndarray | None] | None) -> None:
        generation, row, side = key
        if generation != self._generation:
            return
        self._drop(row)
        thumb = Thumb(*result) if result else None
        self._kept[row], self._sides[row] = thumb, side
        self._bytes += thumb.size if thumb else 0
        while self._bytes > self._most and len(self._kept) > 1:
            self._drop(next(iter(self._kept)))
        self.loaded.emit(row)

    def _drop(self, row: int) -> None:
        thumb = self._kept.pop(row, None)
        self._sides.pop(row, None)
        self._bytes -= thumb.size if thumb else 0

    @property
    def kept_bytes(self) -> int:
        """Of the pictures in memory."""
        return self._bytes


def _store() -> ThumbnailStore:
    from src.core.dataset.files.thumbnails import ThumbnailStore
    from src.core.run import workspace

    return ThumbnailStore(workspace() / "cache" / "thumbnails")


def _read(
    store: ThumbnailStore, image: str, mask: str | None, reading: Reading, side: int
) -> tuple[QImage, np.ndarray | None]:
    from src.core.dataset.files.thumbnails import reduced, reduced_labels

    pixels, labels = store.pair(image, mask, reading.meaning, reading.intensity_range)
    pixels = reduced(pixels, side)
    if labels is not None:
        labels = reduced_labels(labels, pixels.shape[1], pixels.shape[0])
    return to_image(pixels), labels


def _draw(
    store: ThumbnailStore, sample: dict[str, Any], reading: Reading, side: int
) -> tuple[QImage, np.ndarray | None]:
    from src.core.dataset.files.thumbnails import reduced

    assert reading.draw is not None
    pixels = store.drawn(sample["file"], f"{reading.task} {sample['id']}", partial(reading.draw, sample))
    return to_image(reduced(pixels, side)), None


class ThumbnailModel(QAbstractListModel):
    """The rows of a table that pass a filter, in an order."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.view: SampleView | None = None
        self.rows = np.zeros(0, np.int64)

    def put(self, view: SampleView | None, rows: np.ndarray) -> None:
        """Show these rows of a table."""
        self.beginResetModel()
        self.view, self.rows = view, rows
        self.endResetModel()

    def position(self, row: int) -> int:
        """Where a row of the table stands in the list; -1 where it is not."""
        found = np.flatnonzero(self.rows == row)
        return int(found[0]) if len(found) else -1

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: QModelIndex, role: int = Qt.DisplayRole) -> Any:
        if not index.isValid() or self.view is None:
            return None
        row = int(self.rows[index.row()])
        if role == Qt.DisplayRole:
            return self.view.table.ids[row]
        if role == EXCLUDED:
            return bool(self.view.excluded[row])
        if role not in (SAMPLE, Qt.AccessibleTextRole, Qt.ToolTipRole):
            return None
        sample = self.view.table.sample(row)
        if role == SAMPLE:
            return sample
        words = SPLIT_TITLES[sample["split"]]
        if self.view.excluded[row]:
            words += ", left out"
        return f"{sample['id']}, {words}" if role == Qt.AccessibleTextRole else _tip(self.view, sample, words)


def _tip(view: SampleView, sample: dict[str, Any], words: str) -> str:
    lines = [f"{words}: {sample['file']}"]
    if view.table.look.masks:
        lines.append(sample["mask"] or "no mask: nothing is on it")
        size = QSize(sample["width"], sample["height"])
        if not size.isEmpty():
            lines.append(f"{size.width():,} × {size.height():,} px")
        if sample["share"] == sample["share"]:
            lines[-1] += f", objects cover {sample['share']:.2%}"
    else:
        lines += [f"{column.title}: {known}" for column, known in view.table.words(sample["row"])]
    if sample["group"] and sample["group"] != sample["id"]:
        lines.append(f"Belongs to {sample['group']}")
    return "\n".join(lines)

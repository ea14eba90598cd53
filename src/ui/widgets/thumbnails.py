"""Thumbnails of a data set as a virtual list: only what is on the screen is read, in a thread."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import Any

from PyQt5.QtCore import QAbstractListModel, QModelIndex, QRect, QSize, Qt
from PyQt5.QtGui import QFontMetrics, QImage, QPainter, QPixmap
from PyQt5.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from src.ui.theme import colour, sized_font
from src.ui.widgets.image_loader import ImageLoader

SAMPLE = Qt.UserRole + 1
#: Side of a stored thumbnail; they are scaled when painted.
SIDE = 256
_KEPT = 1500
SPLIT_TITLES = {"train": "Training", "val": "Validation", "test": "Test"}


def read_layers(
    image: str, mask: str | None, meaning: Any, colours: list[tuple[int, int, int]], side: int | None
) -> tuple[QImage, QImage]:
    """An image and its mask as a coloured, transparent layer. Runs outside the window's thread.

    Args:
        meaning: `MaskMeaning`, or None when it is not known: then there is no layer.
        side: Longest side of the result in pixels; None keeps the size.

    Raises:
        Exception: The image cannot be read. A mask that cannot be read gives an empty layer.
    """
    import cv2
    import numpy as np

    from src.core.dataset.images import UnreadableImageError, read_image, read_mask
    from src.core.dataset.masks import IGNORE_INDEX, MaskValueError
    from src.core.dataset.palette import IGNORED

    pixels = read_image(image, 3, None, (side, side) if side else None)
    height, width = pixels.shape[:2]
    if side and max(height, width) > side:
        scale = side / max(height, width)
        width, height = max(1, round(width * scale)), max(1, round(height * scale))
        pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    pixels = np.ascontiguousarray(pixels)
    picture = QImage(pixels.data, width, height, 3 * width, QImage.Format_RGB888).copy()
    if not mask or meaning is None:
        return picture, QImage()
    try:
        labels = meaning.encode(read_mask(mask))
    except (UnreadableImageError, MaskValueError):
        return picture, QImage()
    labels = cv2.resize(labels, (width, height), interpolation=cv2.INTER_NEAREST)
    table = np.zeros((256, 4), np.uint8)
    table[1 : len(colours), :3] = colours[1:]
    table[1 : len(colours), 3] = 255
    table[IGNORE_INDEX] = (*IGNORED, 255)
    layer = np.ascontiguousarray(table[labels])
    return picture, QImage(layer.data, width, height, 4 * width, QImage.Format_RGBA8888).copy()


class ThumbnailModel(QAbstractListModel):
    """The samples of a data set; thumbnails arrive later."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._samples: list[dict[str, Any]] = []
        self._meaning: Any = None
        self._colours: list[tuple[int, int, int]] = []
        self._layers: OrderedDict[str, tuple[QPixmap, QPixmap] | None] = OrderedDict()
        self._asked: set[str] = set()
        self._loader: ImageLoader | None = None

    def put(self, samples: list[dict[str, Any]], meaning: Any, colours: list[tuple[int, int, int]]) -> None:
        """Show these samples; each has ``image``, ``mask``, ``id`` and ``split``."""
        self.beginResetModel()
        if (meaning, colours) != (self._meaning, self._colours):
            self._layers.clear()
        self._samples, self._meaning, self._colours = samples, meaning, colours
        if self._loader:
            self._loader.forget()
        self._asked.clear()
        self.endResetModel()

    def close_loader(self) -> None:
        """End the reading thread; it starts again when it is needed."""
        if self._loader:
            self._loader.stop()
            self._loader = None

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._samples)

    def data(self, index: QModelIndex, role: int = Qt.DisplayRole) -> Any:
        if not index.isValid():
            return None
        sample = self._samples[index.row()]
        if role == SAMPLE:
            return sample
        if role == Qt.DisplayRole:
            return sample["id"]
        if role == Qt.AccessibleTextRole:
            return f"{sample['id']}, {SPLIT_TITLES.get(sample['split'], sample['split'])}"
        if role == Qt.ToolTipRole:
            group = (
                f"\nBelongs to {sample['group']}"
                if sample.get("group") and sample["group"] != sample["id"]
                else ""
            )
            mask = sample["mask"] or "no mask: nothing is on it"
            return f"{SPLIT_TITLES.get(sample['split'], sample['split'])}: {sample['image']}\n{mask}{group}"
        return None

    def layers(self, index: QModelIndex) -> tuple[QPixmap, QPixmap] | str | None:
        """Picture and mask layer, None when unreadable, or ``"waiting"``."""
        sample = self._samples[index.row()]
        key = sample["image"]
        if key in self._layers:
            self._layers.move_to_end(key)
            return self._layers[key]
        if key not in self._asked:
            self._asked.add(key)
            if self._loader is None:
                self._loader = ImageLoader(self)
                self._loader.loaded.connect(self._loaded)
            job = partial(read_layers, key, sample["mask"], self._meaning, self._colours, SIDE)
            self._loader.ask((key, id(self._samples)), job)
            if (
                len(self._asked) > 300
            ):  # what was scrolled past was dropped by the loader; it may be asked for again
                self._asked.clear()
        return "waiting"

    def _loaded(self, key: tuple[str, int], result: tuple[QImage, QImage] | None) -> None:
        name, owner = key
        if owner != id(self._samples):
            return
        self._asked.discard(name)
        self._layers[name] = (QPixmap.fromImage(result[0]), QPixmap.fromImage(result[1])) if result else None
        while len(self._layers) > _KEPT:
            self._layers.popitem(last=False)
        view = self.parent()
        if isinstance(view, QListView):
            view.viewport().update()


class _Delegate(QStyledItemDelegate):
    def __init__(self, view: Thumbnails) -> None:
        super().__init__(view)
        self._view = view

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        return self._view.cell()

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        model, area = self._view.samples, option.rect.adjusted(4, 4, -4, -4)
        small = sized_font(self._view, 0.85)
        line = QFontMetrics(small).height()
        place = QRect(area.left(), area.top(), area.width(), area.height() - line - 4)
        painter.save()
        painter.setRenderHint(QPainter.SmoothPixmapTransform)
        layers = model.layers(index)
        painter.fillRect(place, colour("window"))
        if isinstance(layers, tuple):
            self._pictures(painter, place, layers)
        else:
            painter.setPen(colour("muted"))
            painter.setFont(small)
            painter.drawText(place, Qt.AlignCenter, "cannot be read" if layers is None else "…")
        sample = index.data(SAMPLE)
        self._words(painter, QRect(area.left(), place.bottom() + 4, area.width(), line), sample, small)
        if option.state & (QStyle.State_Selected | QStyle.State_MouseOver):
            painter.setPen(colour("accent" if option.state & QStyle.State_Selected else "border_strong"))
            painter.drawRect(option.rect.adjusted(1, 1, -2, -2))
            if option.state & QStyle.State_Selected:
                painter.drawRect(option.rect.adjusted(2, 2, -3, -3))
        painter.restore()

    def _pictures(self, painter: QPainter, place: QRect, layers: tuple[QPixmap, QPixmap]) -> None:
        picture, mask = layers
        size = picture.size().scaled(place.size(), Qt.KeepAspectRatio)
        target = QRect(0, 0, size.width(), size.height())
        target.moveCenter(place.center())
        painter.drawPixmap(target, picture)
        if not mask.isNull() and self._view.opacity > 0:
            painter.setOpacity(self._view.opacity)
            painter.setRenderHint(QPainter.SmoothPixmapTransform, False)
            painter.drawPixmap(target, mask)
            painter.setOpacity(1.0)

    @staticmethod
    def _words(painter: QPainter, place: QRect, sample: dict[str, Any], font: Any) -> None:
        metrics = QFontMetrics(font)
        split = {"train": "Train", "val": "Val", "test": "Test"}.get(sample["split"], sample["split"])
        wide = metrics.horizontalAdvance(split)
        painter.setFont(font)
        painter.setPen(colour({"val": "warn", "test": "good"}.get(sample["split"], "accent")))
        painter.drawText(place, Qt.AlignRight | Qt.AlignVCenter, split)
        painter.setPen(colour("muted"))
        name = metrics.elidedText(sample["id"].rsplit("/", 1)[-1], Qt.ElideMiddle, place.width() - wide - 8)
        painter.drawText(place, Qt.AlignLeft | Qt.AlignVCenter, name)


class Thumbnails(QListView):
    """The list itself.

    Attributes:
        opacity: Of the mask layer, 0 to 1.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.opacity = 0.45
        self._side = 148
        self.samples = ThumbnailModel(self)
        self.setModel(self.samples)
        self.setItemDelegate(_Delegate(self))
        self.setViewMode(QListView.IconMode)
        self.setResizeMode(QListView.Adjust)
        self.setMovement(QListView.Static)
        self.setUniformItemSizes(True)
        self.setLayoutMode(QListView.Batched)
        self.setBatchSize(500)
        self.setMouseTracking(True)
        self.setSpacing(3)
        self.setSelectionRectVisible(False)
        self.setVerticalScrollMode(QListView.ScrollPerPixel)
        self.setAccessibleName("Images of the data set")

    def cell(self) -> QSize:
        """Size of one thumbnail with its words."""
        room = self.viewport().width() - 12
        columns = max(1, room // (self._side + 14))
        wide = room // columns - 4
        return QSize(wide, wide - 8 + QFontMetrics(sized_font(self, 0.85)).height() + 12)

    def set_side(self, side: int) -> None:
        """Larger or smaller thumbnails."""
        self._side = side
        self.doItemsLayout()

    def set_opacity(self, opacity: float) -> None:
        """Show the masks stronger or weaker."""
        self.opacity = opacity
        self.viewport().update()

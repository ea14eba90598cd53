"""The objects on one predicted image as a table that is sorted by any column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PyQt5.QtCore import QAbstractTableModel, QModelIndex, Qt, pyqtSignal
from PyQt5.QtGui import QColor, QIcon, QPixmap
from PyQt5.QtWidgets import QAbstractItemView, QLabel, QTableView, QVBoxLayout, QWidget

from src.core.dataset.palette import BACKGROUND, class_colours
from src.ui.text import count
from src.ui.widgets.tables import table

Array = np.ndarray[Any, Any]
#: Heading, what it means, field, part of the field, format.
_COLUMNS: tuple[tuple[str, str, str, int, str], ...] = (
    ("No.", "Number of the object in objects.csv", "", 0, ","),
    ("Class", "", "class", 0, ""),
    ("Area, px", "Pixels of the object", "area", 0, ","),
    ("Score", "Mean probability over the object", "score_mean", 0, ".3f"),
    ("Highest", "Highest probability on the object", "score_max", 0, ".3f"),
    ("Centre x", "Centroid, in pixels; the first pixel's centre is 0", "centroid", 0, ",.1f"),
    ("Centre y", "Centroid, in pixels; the first pixel's centre is 0", "centroid", 1, ",.1f"),
    ("Left", "Of the box around it, in pixels", "box", 0, ","),
    ("Top", "Of the box around it, in pixels", "box", 1, ","),
    ("Width", "Of the box around it, in pixels", "box", 2, ","),
    ("Height", "Of the box around it, in pixels", "box", 3, ","),
    ("At the side", "It touches the side of the image and may go on outside", "at_border", 0, ""),
)
_CLASS, _SIDE = 1, 11


class ObjectsModel(QAbstractTableModel):
    """Structured array of `prediction_files.Shown` as a table.

    Attributes:
        objects: What is shown, as read.
        order: Indices of the objects in the order of the lines.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.objects: Array = np.zeros(0)
        self.order: Array = np.zeros(0, np.int64)
        self._classes: Sequence[str] = ()
        self._swatches: list[QIcon] = []
        self._sorted = (0, Qt.AscendingOrder)

    def put(self, objects: Array, classes: Sequence[str]) -> None:
        """Show the objects of another image, in the order that was chosen."""
        self.beginResetModel()
        self.objects = objects
        if list(classes) != list(self._classes):
            self._classes = list(classes)
            self._swatches = [_swatch(rgb) for rgb in class_colours(max(2, len(classes)))]
        self._arrange()
        self.endResetModel()

    def _values(self, column: int) -> Array:
        _, _, name, part, _ = _COLUMNS[column]
        if not name:
            return np.arange(1, len(self.objects) + 1)
        values = self.objects[name]
        return values[:, part] if values.ndim == 2 else values

    def _arrange(self) -> None:
        column, direction = self._sorted
        if not len(self.objects):
            self.order = np.zeros(0, np.int64)
            return
        values = self._values(column).astype(np.float64)
        self.order = np.argsort(values if direction == Qt.AscendingOrder else -values, kind="stable")

    def sort(self, column: int, order: Qt.SortOrder = Qt.AscendingOrder) -> None:
        """By a column; the header asks for it."""
        self.beginResetModel()
        self._sorted = (max(0, column), order)
        self._arrange()
        self.endResetModel()

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.order)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(_COLUMNS)

    def data(self, index: QModelIndex, role: int = Qt.DisplayRole) -> Any:
        if not index.isValid():
            return None
        number, column = int(self.order[index.row()]), index.column()
        kind = int(self.objects["class"][number])
        if role == Qt.DecorationRole and column == _CLASS and 0 <= kind < len(self._swatches):
            return self._swatches[kind]
        if role == Qt.TextAlignmentRole and column not in (_CLASS, _SIDE):
            return int(Qt.AlignRight | Qt.AlignVCenter)
        if role != Qt.DisplayRole:
            return None
        if column == _CLASS:
            return self._classes[kind] if 0 <= kind < len(self._classes) else str(kind)
        value = self._values(column)[number]
        if column == _SIDE:
            return "yes" if value else ""
        return format(value.item(), _COLUMNS[column][-1])

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.DisplayRole) -> Any:
        if orientation == Qt.Horizontal and role in (Qt.DisplayRole, Qt.ToolTipRole):
            return _COLUMNS[section][int(role == Qt.ToolTipRole)] or None
        return None


class ObjectsPanel(QWidget):
    """The table with a line above it.

    Attributes:
        view: The table.
        objects: Its model.

    Signals:
        chosen(int): The index of the object that a person went to; -1 for none.
    """

    chosen = pyqtSignal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.objects = ObjectsModel(self)
        self.view: QTableView = table("Objects on the image")
        self.view.setModel(self.objects)
        self.view.setToolTip("A click on a line goes to the object; a click on the image goes to the line")
        self.view.setSelectionMode(QAbstractItemView.SingleSelection)
        self.view.horizontalHeader().setSortIndicator(0, Qt.AscendingOrder)
        self.view.setSortingEnabled(True)
        self.about = QLabel()
        self.about.setProperty("role", "muted")
        self.about.setWordWrap(True)
        self.about.setAlignment(Qt.AlignLeft | Qt.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.about)
        column.addWidget(self.view, 1)
        self._by_program = False
        self.view.selectionModel().currentRowChanged.connect(lambda now, _: self._tell(now))
        self.view.clicked.connect(self._tell)
        self._fit()

    def put(self, objects: Array, classes: Sequence[str], listed: bool, found: int) -> None:
        """Show the objects of an image; ``listed``: the job wrote tables; ``found``: how many it counted."""
        self._by_program = True
        self.objects.put(objects, classes)
        self._by_program = False
        self._fit()
        words = count(found, "object") if found else "No object was found on this image."
        if found and not len(objects):
            words += ", but their table cannot be read."
        elif len(objects) < found:
            words += f", of which the {len(objects):,} largest are listed."
        self.about.setText(words if listed else "The job was asked to list no objects.")
        self.view.setVisible(bool(len(objects)))

    def say(self, words: str) -> None:
        """There is nothing to list, for this reason."""
        self.put(self.objects.objects[:0], (), True, 0)
        self.about.setText(words)

    def select(self, number: int) -> None:
        """Mark the line of an object; nothing is emitted."""
        found = np.flatnonzero(self.objects.order == number)
        self._by_program = True
        if len(found):
            index = self.objects.index(int(found[0]), 0)
            self.view.setCurrentIndex(index)
            self.view.scrollTo(index)
        else:
            self.view.clearSelection()
            self.view.setCurrentIndex(QModelIndex())
        self._by_program = False

    def _tell(self, index: QModelIndex) -> None:
        if not self._by_program and index.isValid():
            self.chosen.emit(int(self.objects.order[index.row()]))

    def _fit(self) -> None:
        metrics = self.view.fontMetrics()
        for column, (head, *_) in enumerate(_COLUMNS):
            shown = [
                str(self.objects.index(r, column).data() or "")
                for r in range(min(30, self.objects.rowCount()))
            ]
            wide = max(metrics.horizontalAdvance(text) for text in [head + "  ", *shown])
            self.view.setColumnWidth(column, wide + (36 if column == _CLASS else 14))
        self.view.horizontalHeader().setStretchLastSection(True)


def _swatch(rgb: tuple[int, int, int]) -> QIcon:
    pixmap = QPixmap(16, 16)
    pixmap.fill(QColor(*rgb) if rgb != BACKGROUND else Qt.transparent)
    swatch = QIcon(pixmap)
    swatch.addPixmap(pixmap, QIcon.Selected)  # not tinted: the colour is what it says
    return swatch

"""The images of an evaluation, the worst first: by class, by kind of error, by the cell of the matrix they are behind."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from src.core.report.text import DASH, count, percent
from src.threads.errand import Errand
from src.ui.widgets.evaluation_data import SCORES, EvaluationData, figure
from src.ui.widgets.evaluation_list import Column, ImageList
from src.ui.widgets.evaluation_pictures import small_path

Array = np.ndarray[Any, Any]
ALL, MISSED, ALARMS, LOST, FALSE = range(5)
_SHOWN = ("All images", "Missed by the image decision", "False alarms of the image decision", "With missed objects",
          "With false objects")  # fmt: skip
_TITLES = {"iou": "IoU", "dice": "Dice", "precision": "Precision", "recall": "Recall"}


class ImagesPage(QWidget):
    """Filters and the list; opening an image shows it large beside truth, prediction and errors."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._data: EvaluationData | None = None
        self._cell: tuple[int, int] | None = None
        self._behind: tuple[Array, Array, int] | None = None
        self._errand: Errand | None = None
        self._window: Any = None
        self.which, self.of, self.find = QComboBox(), QComboBox(), QLineEdit()
        for box in (self.which, self.of):  # long words must not make the page wider than the window
            box.setSizeAdjustPolicy(QComboBox.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(12)
        self.which.setAccessibleName("Which images")
        self.of.setAccessibleName("Scores of")
        self.of.setToolTip("Scores of one class, on the images where it is or was predicted")
        self.find.setPlaceholderText("Find an image or a group")
        self.find.setAccessibleName("Find an image or a group")
        self.find.setClearButtonEnabled(True)
        self.many = QLabel()
        self.many.setProperty("role", "muted")
        self.open = QPushButton("&Open")
        self.open.setToolTip("Image, truth, prediction and errors side by side (Enter)")
        self.open.clicked.connect(lambda: self._open(self.list.currentIndex().row()))
        self.list: ImageList = ImageList("Images, the worst first", self._path_of)
        self.list.opened.connect(self._open)
        self.which.currentIndexChanged.connect(self._choose)
        self.of.currentIndexChanged.connect(self._show)
        self.find.textChanged.connect(self._show)
        row = QHBoxLayout()
        row.setSpacing(10)
        self._of_label = QLabel("&Scores of")
        for label, widget in ((QLabel("S&how"), self.which), (self._of_label, self.of)):
            label.setBuddy(widget)
            row.addWidget(label)
            row.addWidget(widget, 1)
        row.addWidget(self.find, 1)
        row.addWidget(self.many)
        row.addWidget(self.open)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 16)
        column.setSpacing(10)
        column.addLayout(row)
        column.addWidget(self.list, 1)

    # ---- what is shown

    def put(self, data: EvaluationData) -> None:
        """Show the images of an evaluation."""
        self._data, self._cell, self._behind = data, None, None
        self.list.pictures.forget()
        self._close_window()
        for box, words in ((self.which, _SHOWN), (self.of, ("all classes together", *data.document.classes))):
            box.blockSignals(True)
            box.clear()
            box.addItems(list(words))
            box.blockSignals(False)
        for widget in (self.of, self._of_label):
            widget.setVisible(not data.document.binary)
        self._show()

    def show_kind(self, kind: int) -> None:
        """Show the images of one kind, `ALL` to `FALSE`."""
        self.which.setCurrentIndex(kind)
        self.list.setFocus()

    def show_cell(self, true: int, predicted: int) -> None:
        """Show the images behind a cell of the confusion matrix, those with most of its pixels first."""
        data = self._data
        if data is None:
            return
        self._cell, self._behind = (true, predicted), data.behind(true, predicted)
        names = data.document.classes
        words = f"{names[true]} taken for {names[predicted]}" if true != predicted else f"{names[true]} found"
        self.which.blockSignals(True)
        if self.which.count() > len(_SHOWN):
            self.which.removeItem(len(_SHOWN))
        self.which.addItem(words)
        self.which.setCurrentIndex(len(_SHOWN))
        self.which.blockSignals(False)
        self._show()
        self.list.sortByColumn(1, Qt.DescendingOrder)
        self.list.setFocus()
        if self._behind[2] > len(self._behind[0]):
            self._ask_for_all(data, true, predicted)

    def _ask_for_all(self, data: EvaluationData, true: int, predicted: int) -> None:
        """The document names only the first images of a large cell."""
        from src.core.evaluation import images_behind

        self.stop_errand()
        self._errand = Errand(partial(images_behind, data.folder, true, predicted), self)
        self._errand.done.connect(partial(self._take_all, data, (true, predicted)))
        self._errand.failed.connect(lambda words: self.many.setText(words))
        self._errand.start()

    def _take_all(self, data: EvaluationData, cell: tuple[int, int], pairs: list[tuple[int, int]]) -> None:
        if data is not self._data or cell != self._cell:
            return
        both = np.asarray([p for p in pairs if 0 <= p[0] < len(data)], np.int64).reshape(-1, 2)
        self._behind = (both[:, 0], both[:, 1], len(both))
        self._show()

    def _choose(self) -> None:
        self._show()
        if self.which.currentIndex() < len(_SHOWN):
            self.list.sortByColumn(1, Qt.AscendingOrder)

    def _show(self) -> None:
        data = self._data
        if data is None:
            return
        number = self.of.currentIndex() - 1
        scores = data.scores if number < 0 or data.document.binary else data.class_scores(number)
        rows = self._rows(data)
        if number >= 0 and not data.document.binary:
            there = (data.counts[:, 1, number] + data.counts[:, 2, number]) > 0
            rows = rows[there[rows]]
        wanted = self.find.text().strip().casefold()
        if wanted:
            images = data.document.images
            rows = np.array([i for i in rows if wanted in images[i].id.casefold()
                             or wanted in images[i].group.casefold()], np.int64)  # fmt: skip
        columns = [*self._cell_column(data), *_columns(data, scores)]
        self.list.put(_Ids(data), data.by_name, columns, rows, data.order)
        self.many.setText(f"{len(rows):,} of {count(len(data), 'image')}" if len(rows) != len(data)
                          else count(len(data), "image"))  # fmt: skip
        self.open.setEnabled(len(rows) > 0)
        if len(rows):
            self.list.go_to(0)

    def _rows(self, data: EvaluationData) -> Array:
        kind, decision = self.which.currentIndex(), data.document.decision
        inside = {MISSED: decision.missed, ALARMS: decision.false_alarms}
        if kind in inside:
            rows = np.asarray(inside[kind], np.int64)
            return rows[(rows >= 0) & (rows < len(data))]
        if kind == LOST:
            return np.flatnonzero(data.objects[:, 1] < data.objects[:, 0])
        if kind == FALSE:
            return np.flatnonzero(data.objects[:, 2] > 0)
        if kind == len(_SHOWN) and self._behind is not None:
            return self._behind[0]
        return np.arange(len(data))

    def _cell_column(self, data: EvaluationData) -> list[Column]:
        if self.which.currentIndex() != len(_SHOWN) or self._behind is None:
            return []
        pixels = np.zeros(len(data), np.int64)
        pixels[self._behind[0]] = self._behind[1]
        title = f"Pixels {self.which.currentText()}"
        return [Column(title, pixels, lambda i: f"{pixels[i]:,}")]

    # ---- one image large

    def _path_of(self, index: int, kind: str) -> Any:
        if self._data is None:
            return None
        return small_path(self._data.folder, self._data.document.images[index], kind)

    def _open(self, line: int) -> None:
        if self._data is None or not 0 <= line < len(self.list.images.rows):
            return
        from src.ui.widgets.evaluation_window import EvaluationWindow

        if self._window is None:
            self._window = EvaluationWindow(self)
            self._window.stepped.connect(self.list.go_to)
            self._window.closed.connect(self._forget_window)
        self._window.show_line(self._data, self.list.images.rows, line)

    def _forget_window(self) -> None:
        self._window = None

    def _close_window(self) -> None:
        if self._window is not None:
            self._window.close()

    def stop_errand(self) -> None:
        """Forget what was asked for."""
        if self._errand is not None:
            self._errand.stop()
            self._errand = None

    def stop(self) -> None:
        """The page is closed."""
        self.stop_errand()
        self._close_window()
        self.list.stop()


class _Ids(Sequence[str]):
    """The names of the images, without a list of them."""

    def __init__(self, data: EvaluationData) -> None:
        self._images = data.document.images

    def __getitem__(self, index: Any) -> Any:
        return self._images[index].id

    def __len__(self) -> int:
        return len(self._images)


def _columns(data: EvaluationData, scores: Array) -> list[Column]:
    images = data.document.images

    def scored(place: int) -> Column:
        values = scores[:, place]
        return Column(_TITLES[SCORES[place]], values, lambda i: figure(float(values[i])))

    share = data.wrong / np.maximum(data.pixels, 1)
    return [
        *map(scored, range(len(SCORES))),
        Column("Wrong pixels", data.wrong, lambda i: f"{data.wrong[i]:,}  ({percent(float(share[i]))})"),
        Column("Objects found", _rate(data), lambda i: _found(data, i)),
        Column("False objects", data.objects[:, 2], lambda i: f"{data.objects[i, 2]:,}"),
        Column(
            "Image score", data.score, lambda i: figure(float(data.score[i])), data.document.decision.score
        ),
        Column("Group", data.by_group, lambda i: images[i].group),
    ]


def _rate(data: EvaluationData) -> Array:
    true = data.objects[:, 0]
    return np.where(true > 0, data.objects[:, 1] / np.maximum(true, 1), np.nan)


def _found(data: EvaluationData, i: int) -> str:
    return f"{data.objects[i, 1]:,} of {data.objects[i, 0]:,}" if data.objects[i, 0] else DASH

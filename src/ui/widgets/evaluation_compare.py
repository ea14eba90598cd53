"""Two evaluations on the same images: paired differences, how sure they are, and where they differ most."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PyQt5.QtCore import Qt
from PyQt5.QtGui import QFont, QStandardItem, QStandardItemModel
from PyQt5.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSplitter,
    QStackedLayout,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from src.core.report.text import DASH, count, metric_title
from src.threads.errand import Errand
from src.ui.theme import sized_font
from src.ui.widgets.choice import Choice
from src.ui.widgets.evaluation_data import EvaluationData, figure, ranks
from src.ui.widgets.evaluation_list import Column, ImageList
from src.ui.widgets.evaluation_others import OthersPage
from src.ui.widgets.evaluation_pictures import small_path
from src.ui.widgets.tables import table

#: From here on a difference is called one that may be chance; the customary 5 %.
_CHANCE = 0.05


class Comparison:
    """This evaluation and another one on the same images. Made in a thread.

    Attributes:
        this, other: Both.
        result: What `src.core.evaluation.compare(other, this)` says.
        ids, groups: Of the images that both have, N, in the order of its rows; by_name, by_group are their ranks.
        scores, others: IoU of each in this and the other evaluation, N; nan where not defined.
        places, other_places: Where each stands in the two documents.
    """

    def __init__(self, this: EvaluationData, other: EvaluationData) -> None:
        """Raises ValueError, in sentences for people, where they cannot be compared."""
        from src.core.evaluation import compare

        self.this, self.other = this, other
        self.result: dict[str, Any] = compare(other.document, this.document)
        rows = self.result["rows"]
        self.ids: list[str] = [row["id"] for row in rows]
        self.groups: list[str] = [row["group"] for row in rows]
        self.by_name, self.by_group = ranks(self.ids), ranks(self.groups)
        self.scores, self.others = (
            np.array([np.nan if r[k] is None else r[k] for r in rows], np.float64) for k in "ba"
        )
        self.places, self.other_places = (_places(data, self.ids) for data in (this, other))


def _places(data: EvaluationData, ids: list[str]) -> list[int]:
    known = {image.id: place for place, image in enumerate(data.document.images)}
    return [known[name] for name in ids]


class ComparePage(QWidget):
    """A list of other evaluations, then the comparison.

    Attributes:
        comparison: What is shown; None while another evaluation is chosen.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._data: EvaluationData | None = None
        self.comparison: Comparison | None = None
        self._errand: Errand | None = None
        self._window: Any = None
        self.others = OthersPage()
        self.others.chosen.connect(self.compare_with)
        self.heading, self.words, self.notes = QLabel(), QLabel(), QLabel()
        for label in (self.heading, self.words, self.notes):
            label.setWordWrap(True)
            label.setTextFormat(Qt.PlainText)
        self.words.setFont(sized_font(self, 1.15, QFont.DemiBold))
        self.notes.setProperty("role", "muted")
        self.back = QPushButton("Compare with &another…")
        self.back.clicked.connect(self._choose_again)
        self.model = QStandardItemModel(self)
        self.measures = table("Measures of both")
        self.measures.setModel(self.model)
        self.which = Choice("Images", ["All images", "This one is worse", "This one is better"])
        self.which.changed.connect(lambda _: self._show_images())
        self.list = ImageList("Images where the two differ most", self._path_of)
        self.list.opened.connect(self._open)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.others)
        self._stack.addWidget(self._result_page())

    def _result_page(self) -> QWidget:
        page, upper, lower = QWidget(), QWidget(), QWidget()
        row = QHBoxLayout()
        row.addWidget(self.heading, 1)
        row.addWidget(self.back, 0, Qt.AlignTop)
        above = QVBoxLayout(upper)
        above.setContentsMargins(0, 0, 0, 8)
        for item in (self.words, self.measures, self.notes):
            above.addWidget(item, int(item is self.measures))
        below = QVBoxLayout(lower)
        below.setContentsMargins(0, 8, 0, 0)
        head = QHBoxLayout()
        title = QLabel("Where they differ most (IoU of each image)")
        title.setWordWrap(True)
        title.setFont(sized_font(self, 1.1, QFont.DemiBold))
        head.addWidget(title, 1)
        head.addWidget(self.which)
        below.addLayout(head)
        below.addWidget(self.list, 1)
        parts = QSplitter(Qt.Vertical)
        parts.setChildrenCollapsible(False)
        parts.addWidget(upper)
        parts.addWidget(lower)
        parts.setSizes([420, 380])
        column = QVBoxLayout(page)
        column.setContentsMargins(16, 14, 16, 16)
        column.setSpacing(8)
        column.addLayout(row)
        column.addWidget(parts, 1)
        return page

    # ---- which

    def put(self, data: EvaluationData) -> None:
        """Another evaluation is shown; nothing is compared yet."""
        self._data = data
        self._choose_again()

    def _choose_again(self) -> None:
        self._stop_own()
        self.comparison = None
        self._stack.setCurrentIndex(0)
        if self._data is not None:
            self.others.put(self._data)

    def compare_with(self, path: Path) -> None:
        """Compare with the evaluation in this folder."""
        if self._data is None:
            return
        self._stop_own()
        self.others.stop()
        data = self._data
        self.others.words.setText("Comparing…")
        self._errand = Errand(lambda: Comparison(data, EvaluationData.read(Path(path))), self)
        self._errand.done.connect(self._show)
        self._errand.failed.connect(self._failed)
        self._errand.start()

    def _failed(self, words: str) -> None:
        self._stop_own()
        self.others.words.setText(words)

    # ---- what is shown

    def _show(self, comparison: Comparison) -> None:
        if comparison.this is not self._data:
            return
        self.comparison = comparison
        result, this = comparison.result, comparison.this.document
        self._stack.setCurrentIndex(1)
        self.heading.setText(
            f"This: {_named(comparison.this)}. Other: {_named(comparison.other)}. {count(result['images'], 'image')} that both have, "
            f"{count(result['groups'], 'group')}."
        )
        primary = [m for m in result["measures"] if m["name"] == this.metrics.primary]
        self.words.setText(" ".join(f"{_title(m)}: {verdict(m)}." for m in primary))
        self.notes.setText(" ".join([*result["notes"], f"Difference: this minus other, with 95 % interval by drawing groups "
                                     f"anew. p: {result['test']}."]))  # fmt: skip
        fill_measures(self.measures, self.model, result, "IoU")
        self._show_images()

    def _show_images(self) -> None:
        if self.comparison is None or self._data is None:
            return
        both = self.comparison
        this, other = both.scores, both.others
        difference = this - other
        columns = [
            Column("Difference", -np.abs(difference), lambda i: _signed(float(difference[i])),
                   "This minus other; ordered by how large it is"),
            Column("This", this, lambda i: figure(float(this[i]))),
            Column("Other", other, lambda i: figure(float(other[i]))),
            Column("Group", both.by_group, lambda i: both.groups[i]),
        ]  # fmt: skip
        shown = {0: np.ones(len(this), bool), 1: difference < 0, 2: difference > 0}[self.which.index]
        self.list.pictures.forget()
        self.list.put(both.ids, both.by_name, columns, np.flatnonzero(shown), np.arange(len(this)))

    def _path_of(self, line: int, kind: str) -> Path | None:
        if self._data is None or self.comparison is None:
            return None
        return small_path(self._data.folder, self._data.document.images[self.comparison.places[line]], kind)

    def _open(self, line: int) -> None:
        if self.comparison is None or not 0 <= line < len(self.list.images.rows):
            return
        from src.ui.widgets.evaluation_sheet import pair_sheet
        from src.ui.widgets.evaluation_window import EvaluationWindow

        comparison, rows = self.comparison, [int(i) for i in self.list.images.rows]
        if self._window is None:
            self._window = EvaluationWindow(self)
            self._window.stepped.connect(self.list.go_to)
            self._window.closed.connect(self._forget_window)

        def sheet(at: int) -> Any:
            row = comparison.result["rows"][rows[at]]
            words = f"IoU: this {figure(row['b'])}, other {figure(row['a'])}, difference {_signed(row['difference'])}"
            place, other_place = comparison.places[rows[at]], comparison.other_places[rows[at]]
            return pair_sheet(comparison.this, place, comparison.other, other_place, words)

        self._window.show_sheets(sheet, len(rows), line)

    def _forget_window(self) -> None:
        self._window = None

    def _stop_own(self) -> None:
        if self._errand is not None:
            self._errand.stop()
            self._errand = None

    def stop(self) -> None:
        """The page is closed."""
        self._stop_own()
        self.others.stop()
        if self._window is not None:
            self._window.close()
        self.list.stop()


def fill_measures(view: QTableView, model: QStandardItemModel, result: dict[str, Any], of_class: str) -> None:
    """The measures of both, their differences, and which one is better; ``of_class`` names the measure of the classes."""
    model.clear()
    titles = ["Measure", "This", "Other", "Difference", "95 % interval", "p", "Better"]
    model.setHorizontalHeaderLabels(titles)
    rows = [(_title(m), m) for m in result["measures"]]
    rows += [(f"{of_class} of {c['name']}", c) for c in result["classes"]]
    for title, row in rows:
        difference = row["difference"]
        interval = (f"{_signed(difference['low'])} to {_signed(difference['high'])}"
                    if difference["low"] is not None and difference["high"] is not None else DASH)  # fmt: skip
        cells = [title, figure(row["b"]), figure(row["a"]), _signed(difference["value"]), interval,
                 _chance(row["p"]), _better(row)]  # fmt: skip
        model.appendRow([QStandardItem(cell) for cell in cells])
    view.resizeColumnsToContents()
    header = view.horizontalHeader()
    for column in range(len(titles)):
        header.resizeSection(column, header.sectionSize(column) + 16)
    header.setStretchLastSection(True)


def _named(data: EvaluationData) -> str:
    return f"{data.document.model.name} (evaluation {data.folder.name})"


def _title(measure: dict[str, Any]) -> str:
    over = {"pooled": "all pixels together", "images": "mean over images"}
    return f"{measure.get('title') or metric_title(measure['name'])}, {over.get(measure['over'], measure['over'])}"


def _signed(value: float | None) -> str:
    return DASH if value is None or value != value else f"{value:+.3f}".replace("-", "−")


def _chance(p: float | None) -> str:
    return DASH if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def verdict(row: dict[str, Any]) -> str:
    """What a paired difference (other, this) means, in a sentence."""
    difference, p = row["difference"]["value"], row["p"]
    if difference is None:
        return "not defined for both"
    if difference == 0:
        return "no difference"
    better = f"{'this one' if difference > 0 else 'the other one'} is better by {abs(difference):.3f}"
    if p is None:
        return f"{better}; with one group nothing can be said about chance"
    return (
        f"{better}, but that may be chance (p {_chance(p)})" if p >= _CHANCE else f"{better} (p {_chance(p)})"
    )


def _better(row: dict[str, Any]) -> str:
    """The same in a word or two, for a line in which the numbers stand."""
    difference, p = row["difference"]["value"], row["p"]
    if not difference:
        return DASH if difference is None else "neither"
    who = "this" if difference > 0 else "other"
    return who if p is not None and p < _CHANCE else f"{who}, may be chance"

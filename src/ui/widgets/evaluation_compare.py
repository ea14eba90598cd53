"""Two evaluations on the same images: paired differences, how sure they are, and where they differ most."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PyQt5.QtCore import Qt
from PyQt5.QtGui import QFont
from PyQt5.QtWidgets import QHBoxLayout, QLabel, QSplitter, QVBoxLayout, QWidget

from src.ui.theme import sized_font
from src.ui.widgets.choice import Choice
from src.ui.widgets.evaluation_data import EvaluationData, figure, ranks
from src.ui.widgets.evaluation_list import Column, ImageList
from src.ui.widgets.evaluation_pictures import small_path
from src.ui.widgets.paired import PairedPage, measure_title, signed, verdict


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


class ComparePage(PairedPage):
    """A list of other evaluations, then the comparison.

    Attributes:
        comparison: What is shown; None while another evaluation is chosen.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(("image", "images"), parent)
        self.comparison: Comparison | None = None
        self._window: Any = None
        self.which = Choice("Images", ["All images", "This one is worse", "This one is better"])
        self.which.changed.connect(lambda _: self._show_images())
        self.list = ImageList("Images where the two differ most", self._path_of)
        self.list.opened.connect(self._open)
        self._stack.addWidget(self._result_page())

    def _result_page(self) -> QWidget:
        page, upper, lower = QWidget(), QWidget(), QWidget()
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
        column.addLayout(self.head())
        column.addWidget(parts, 1)
        return page

    # ---- what is shown

    def work(self, path: Path) -> Comparison:
        return Comparison(self._data, EvaluationData.read(path))

    def forget(self) -> None:
        self.comparison = None

    def show_found(self, found: Comparison) -> None:
        if found.this is not self._data:
            return
        self.comparison = found
        primary = [m for m in found.result["measures"] if m["name"] == found.this.document.metrics.primary]
        said = " ".join(f"{measure_title(m)}: {verdict(m)}." for m in primary)
        self.tell(found.other, found.result, said, "IoU")
        self._show_images()

    def _show_images(self) -> None:
        if self.comparison is None or self._data is None:
            return
        both = self.comparison
        this, other = both.scores, both.others
        difference = this - other
        columns = [
            Column("Difference", -np.abs(difference), lambda i: signed(float(difference[i])),
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
            words = f"IoU: this {figure(row['b'])}, other {figure(row['a'])}, difference {signed(row['difference'])}"
            place, other_place = comparison.places[rows[at]], comparison.other_places[rows[at]]
            return pair_sheet(comparison.this, place, comparison.other, other_place, words)

        self._window.show_sheets(sheet, len(rows), line)

    def _forget_window(self) -> None:
        self._window = None

    def stop(self) -> None:
        """The page is closed."""
        super().stop()
        if self._window is not None:
            self._window.close()
        self.list.stop()

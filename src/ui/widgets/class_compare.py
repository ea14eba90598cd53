"""Two evaluations of classifiers on the same samples: paired differences, and how sure they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QFont, QStandardItemModel
from PyQt5.QtWidgets import QHBoxLayout, QLabel, QPushButton, QStackedLayout, QVBoxLayout, QWidget

from src.core.report.text import count
from src.threads.errand import Errand
from src.ui.theme import sized_font
from src.ui.widgets.class_overview import ShownClasses
from src.ui.widgets.evaluation_compare import fill_measures, verdict
from src.ui.widgets.evaluation_others import OthersPage
from src.ui.widgets.tables import table


class ClassComparePage(QWidget):
    """A list of other evaluations, then the comparison.

    Attributes:
        result: What `src.core.evaluation.compare(other, this)` says; empty while another evaluation is chosen.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._data: ShownClasses | None = None
        self._errand: Errand | None = None
        self.result: dict[str, Any] = {}
        self.others = OthersPage(noun=("sample", "samples"))
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
        page = QWidget()
        row = QHBoxLayout()
        row.addWidget(self.heading, 1)
        row.addWidget(self.back, 0, Qt.AlignTop)
        column = QVBoxLayout(page)
        column.setContentsMargins(16, 14, 16, 16)
        column.setSpacing(8)
        column.addLayout(row)
        for widget in (self.words, self.measures, self.notes):
            column.addWidget(widget, int(widget is self.measures))
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.others)
        self._stack.addWidget(page)

    def put(self, data: ShownClasses) -> None:
        """Another evaluation is shown; nothing is compared yet."""
        self._data = data
        self._choose_again()

    def _choose_again(self) -> None:
        self.stop()
        self.result = {}
        self._stack.setCurrentIndex(0)
        if self._data is not None:
            self.others.put(self._data)

    def compare_with(self, path: Path) -> None:
        """Compare with the evaluation in this folder."""
        data = self._data
        if data is None:
            return
        self.stop()
        self.others.words.setText("Comparing…")

        def work() -> tuple[ShownClasses, dict[str, Any]]:
            from src.core.evaluation import compare

            other = ShownClasses.read(Path(path))
            return other, compare(other.document, data.document)

        self._errand = Errand(work, self)
        self._errand.done.connect(self._show)
        self._errand.failed.connect(self.others.words.setText)
        self._errand.start()

    def _show(self, found: tuple[ShownClasses, dict[str, Any]]) -> None:
        other, result = found
        if self._data is None:
            return
        self.result = result
        self._stack.setCurrentIndex(1)
        self.heading.setText(
            f"This: {_named(self._data)}. Other: {_named(other)}. {count(result['images'], *result['noun'])} that both have, "
            f"{count(result['groups'], 'group')}."
        )
        primary = [m for m in result["measures"] if m["name"] == "balanced_accuracy"]
        self.words.setText(" ".join(f"Balanced accuracy of {m['over']}: {verdict(m)}." for m in primary))
        self.notes.setText(" ".join([*result["notes"], f"Difference: this minus other, with 95 % interval by drawing groups "
                                     f"anew. p: {result['test']}."]))  # fmt: skip
        fill_measures(self.measures, self.model, result, "Recall")

    def stop(self) -> None:
        """The page is closed."""
        if self._errand is not None:
            self._errand.stop()
            self._errand = None
        self.others.stop()


def _named(data: ShownClasses) -> str:
    return f"{data.document.model.name} (evaluation {data.folder.name})"

"""Two evaluations of the same samples: which other one, paired differences, and how sure they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QFont, QStandardItem, QStandardItemModel
from PyQt5.QtWidgets import QHBoxLayout, QLabel, QPushButton, QStackedLayout, QTableView, QWidget

from src.core.report.text import DASH, count, metric_title
from src.threads.errand import Errand
from src.ui.theme import sized_font
from src.ui.widgets.evaluation_data import figure
from src.ui.widgets.evaluation_others import Evaluated, OthersPage
from src.ui.widgets.tables import table

#: From here on a difference is called one that may be chance; the customary 5 %.
_CHANCE = 0.05


class PairedPage(QWidget):
    """A list of other evaluations, then the comparison; subclasses lay the latter out and fill it.

    Attributes:
        others: The list.
        heading, words, notes, measures: Of the comparison.
    """

    def __init__(self, noun: tuple[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._data: Any = None
        self._errand: Errand | None = None
        self._noun = noun
        self.others = OthersPage(noun=noun)
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
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.others)

    def head(self) -> QHBoxLayout:
        """What is compared, and the way back to the list."""
        row = QHBoxLayout()
        row.addWidget(self.heading, 1)
        row.addWidget(self.back, 0, Qt.AlignTop)
        return row

    def work(self, path: Path) -> Any:
        """Compare with the evaluation in this folder, in a thread; what `show_found` takes.

        Raises:
            ValueError: They cannot be compared; a sentence for people.
        """
        raise NotImplementedError

    def show_found(self, found: Any) -> None:
        """Show what `work` has found."""
        raise NotImplementedError

    def forget(self) -> None:
        """Nothing is compared any more."""
        raise NotImplementedError

    def put(self, data: Evaluated) -> None:
        """Another evaluation is shown; nothing is compared yet."""
        self._data = data
        self._choose_again()

    def compare_with(self, path: Path) -> None:
        """Compare with the evaluation in this folder."""
        if self._data is None:
            return
        self._stop_own()
        self.others.stop()
        self.others.words.setText("Comparing…")
        self._errand = Errand(lambda: self.work(Path(path)), self)
        self._errand.done.connect(self.show_found)
        self._errand.failed.connect(self._failed)
        self._errand.start()

    def stop(self) -> None:
        """The page is closed."""
        self._stop_own()
        self.others.stop()

    def tell(self, other: Evaluated, result: dict[str, Any], said: str, of_class: str) -> None:
        """What `src.core.evaluation.compare` says: ``said`` in one line, the measures in the table; turns to the comparison."""
        self._stack.setCurrentIndex(1)
        self.heading.setText(
            f"This: {_named(self._data)}. Other: {_named(other)}. {count(result['images'], *self._noun)} that both have, "
            f"{count(result['groups'], 'group')}."
        )
        self.words.setText(said)
        self.notes.setText(" ".join([*result["notes"], f"Difference: this minus other, with 95 % interval by drawing groups "
                                     f"anew. p: {result['test']}."]))  # fmt: skip
        _fill(self.measures, self.model, result, of_class)

    def _choose_again(self) -> None:
        self._stop_own()
        self.forget()
        self._stack.setCurrentIndex(0)
        if self._data is not None:
            self.others.put(self._data)

    def _failed(self, words: str) -> None:
        self._stop_own()
        self.others.words.setText(words)

    def _stop_own(self) -> None:
        if self._errand is not None:
            self._errand.stop()
            self._errand = None


def _fill(view: QTableView, model: QStandardItemModel, result: dict[str, Any], of_class: str) -> None:
    """The measures of both, their differences, and which one is better; ``of_class`` names the measure of the classes."""
    model.clear()
    titles = ["Measure", "This", "Other", "Difference", "95 % interval", "p", "Better"]
    model.setHorizontalHeaderLabels(titles)
    rows = [(measure_title(m), m) for m in result["measures"]]
    rows += [(f"{of_class} of {c['name']}", c) for c in result["classes"]]
    for title, row in rows:
        difference = row["difference"]
        interval = (f"{signed(difference['low'])} to {signed(difference['high'])}"
                    if difference["low"] is not None and difference["high"] is not None else DASH)  # fmt: skip
        cells = [title, figure(row["b"]), figure(row["a"]), signed(difference["value"]), interval,
                 _chance(row["p"]), _better(row)]  # fmt: skip
        model.appendRow([QStandardItem(cell) for cell in cells])
    view.resizeColumnsToContents()
    header = view.horizontalHeader()
    for column in range(len(titles)):
        header.resizeSection(column, header.sectionSize(column) + 16)
    header.setStretchLastSection(True)


def _named(data: Evaluated) -> str:
    return f"{data.document.model.name} (evaluation {data.folder.name})"


def measure_title(measure: dict[str, Any]) -> str:
    """``IoU, all pixels together``."""
    over = {"pooled": "all pixels together", "images": "mean over images"}
    return f"{measure.get('title') or metric_title(measure['name'])}, {over.get(measure['over'], measure['over'])}"


def signed(value: float | None) -> str:
    """``+0.012``, with a true minus sign."""
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

"""The page on which it is measured what this machine computes and reads fastest."""

from __future__ import annotations

from typing import Any

from PyQt5.QtCore import pyqtSignal
from PyQt5.QtGui import QFont, QStandardItem, QStandardItemModel
from PyQt5.QtWidgets import QPushButton, QVBoxLayout, QWidget

from src.ui.dialogs.train_bars import button
from src.ui.dialogs.transfer_parts import sentence
from src.ui.text import DASH, duration
from src.ui.widgets.tables import table
from src.ui.widgets.tune_page import TunePage

_HEADS = ("What", "Way", "Samples a second", "A step takes", "Result")
_FORMATS = {"fp32": "32 bit", "bf16": "bfloat16", "fp16": "float16"}
_GROUPS = ("training.precision", "data.workers", "training.compile")


def what_and_way(row: dict[str, Any]) -> tuple[str, str]:
    """What was varied, and how it was in this row."""
    if "training.precision" in row:
        layout = "channels last" if row["training.channels_last"] else "channels first"
        return "Precision and layout", f"{_FORMATS[row['training.precision']]}, {layout}"
    if "data.workers" in row:
        workers = int(row["data.workers"])
        return "Reading the data", "no workers" if not workers else f"{workers} worker{'s' * (workers > 1)}"
    return "Compiled network", "compiled" if row["training.compile"] else "as it is"


class MachinePage(TunePage):
    """See `TunePage`. Two measurements share the page, for compiling takes minutes.

    Signals:
        kept(dict): The person keeps the results, as `src.core.run.tuned.keep` takes them, for this machine.
    """

    kept = pyqtSignal(dict)
    about = (
        "Measures on this machine which number format and memory layout a training step is fastest with, how many loader workers "
        "read fastest, and whether compiling the network is worth while. “Keep for this machine” lets every run use it whose "
        "settings leave these open."
    )

    def __init__(self, parent: QWidget | None = None) -> None:
        self.machine = ""
        self._rows: list[dict[str, Any]] = []
        self._results: dict[str, dict[str, Any]] = {}
        self.compiling = button(
            "Measure &compiling", "Compile the network and measure it: takes a minute or more"
        )
        self.keep = button("&Keep for this machine", "Nothing was measured yet")
        self.keep.setEnabled(False)
        super().__init__("machine", parent)
        self.measure.clicked.disconnect()
        for made, kind in ((self.measure, "machine"), (self.compiling, "compile")):
            made.clicked.connect(lambda _, kind=kind: self._ask(kind))
        self.keep.clicked.connect(lambda _: self.kept.emit(self.document()))

    def _ask(self, kind: str) -> None:
        self._results.pop(kind, None)
        self.start_asked.emit(kind)

    def measure_buttons(self) -> list[QPushButton]:
        """Two kinds."""
        return [self.measure, self.compiling]

    def build(self) -> QWidget:
        """A table, and what does not apply to this machine."""
        self.model = QStandardItemModel(self)
        self.model.setHorizontalHeaderLabels(_HEADS)
        self.view = table("What was measured on this machine")
        self.view.setModel(self.model)
        self.view.horizontalHeader().setStretchLastSection(True)
        self.missing = sentence("", "muted")
        both = QWidget()
        column_of = QVBoxLayout(both)
        column_of.setContentsMargins(0, 0, 0, 0)
        column_of.setSpacing(8)
        column_of.addWidget(self.view, 1)
        column_of.addWidget(self.missing)
        return both

    def choosers(self) -> list[QWidget]:
        """The other thing to do with the result."""
        return [self.keep]

    def document(self) -> dict[str, Any]:
        """Everything that was measured, for the machine's file."""
        parts = {
            k: v
            for result in self._results.values()
            for k, v in result.items()
            if k in ("computing", "reading", "compiling")
        }
        return {"machine": self.machine, "values": dict(self.values), **parts}

    def clear(self) -> None:
        """Back to what the other measurement found; nothing where there was none."""
        self._rows = [row for result in self._results.values() for row in self._rows_of(result)]
        self.values = {k: v for result in self._results.values() for k, v in result["values"].items()}
        self._fill()

    def add_row(self, row: dict[str, Any]) -> None:
        """One way more."""
        self._rows.append(row)
        self._fill()

    def show_found(self, result: dict[str, Any]) -> str:
        """The table with what is chosen."""
        self._results[str(result["kind"])] = result
        self.machine = str(result["machine"])
        self.clear()
        return self._words(result)

    def show_choice(self) -> None:
        """Whether there is something to apply or to keep."""
        super().show_choice()
        self.keep.setEnabled(bool(self.values))
        self.keep.setToolTip(
            f"Runs on {self.machine.replace(' | ', ', ')} use it where their settings leave it open"
            if self.values
            else "Nothing was measured yet"
        )

    def _words(self, result: dict[str, Any]) -> str:
        """What came of a measurement."""
        if result["kind"] == "compile":
            if not result["compiling"][1:]:
                return "The network stays as it is."
            share = 1 / float(result["gain"])
            seconds = float(result["compiling"][1]["compile_seconds"])
            return (
                f"Compiled, a step takes {share:.0%} of its time; compiling takes {duration(seconds)} at each start. "
                f"{'It is worth while for longer runs.' if self.values['training.compile'] else 'It is not worth while here.'}"
            )
        chosen = [what_and_way(row)[1] for row in self._rows_of(result) if self._is_chosen(row)]
        return f"Chosen: {'; '.join(chosen)}. Nothing else is faster by more than 5 %."

    def _is_chosen(self, row: dict[str, Any]) -> bool:
        return all(
            self.values.get(key) == row[key] for key in row if key.partition(".")[0] in ("training", "data")
        )

    @staticmethod
    def _rows_of(result: dict[str, Any]) -> list[dict[str, Any]]:
        return [*result.get("computing", ()), *result.get("reading", ()), *result.get("compiling", ())]

    def _fill(self) -> None:
        self.model.setRowCount(0)
        for row in self._rows:
            group = next(key for key in _GROUPS if key in row)
            same = [r for r in self._rows if group in r]
            chosen = self._is_chosen(row)
            self.model.appendRow(_cells(row, chosen, self.values and _gain(row, same)))
        header = self.view.horizontalHeader()
        for column in range(len(_HEADS) - 1):
            wide = max(self.view.sizeHintForColumn(column), header.sectionSizeHint(column))
            header.resizeSection(column, wide + self.fontMetrics().horizontalAdvance("m"))
        self.missing.setText(
            " ".join(t for result in self._results.values() for t in result.get("not_measured", ()))
        )
        self.missing.setVisible(bool(self.missing.text()))


def _gain(row: dict[str, Any], same: list[dict[str, Any]]) -> str:
    """How fast it is beside the fastest of its kind."""
    share = row["images_per_second"] / max(r["images_per_second"] for r in same)
    return "fastest" if share >= 1 else f"{share:.0%} of the fastest"


def _cells(row: dict[str, Any], chosen: bool, words: Any) -> list[QStandardItem]:
    step = f"{row['seconds'] * 1e3:,.1f} ms" if "seconds" in row else DASH
    preparing = row.get("compile_seconds") or 0
    result = [
        words or "",
        f"compiling took {preparing:.0f} s" if preparing else "",
        "chosen" if chosen else "",
    ]
    texts = (*what_and_way(row), f"{row['images_per_second']:,.1f}", step, ", ".join(filter(None, result)))
    cells = []
    for text in texts:
        item = QStandardItem(text)
        item.setEditable(False)
        if chosen:
            font = item.font()
            font.setWeight(QFont.DemiBold)
            item.setFont(font)
        cells.append(item)
    return cells

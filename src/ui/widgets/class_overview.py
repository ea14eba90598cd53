"""The first page of a classifier's evaluation: the numbers that count, the baselines, the classes, the matrix."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QFont, QResizeEvent, QStandardItem, QStandardItemModel
from PyQt5.QtWidgets import QBoxLayout, QFrame, QLabel, QScrollArea, QTableView, QVBoxLayout, QWidget

from src.core.evaluation.classified import MEASURES, TITLES, Baseline, ClassEvaluation, Level, samples_text
from src.core.report.text import DASH, count, duration
from src.ui.theme import sized_font, theme
from src.ui.widgets.choice import Choice
from src.ui.widgets.evaluation_data import PARTS, between, figure
from src.ui.widgets.evaluation_matrix import ConfusionView
from src.ui.widgets.evaluation_overview import day
from src.ui.widgets.evaluation_tiles import Number, Tiles, put_strips
from src.ui.widgets.tables import table
from src.ui.wording import in_words

#: Letters of the narrowest tables beside which the matrix stands.
_TABLE_LETTERS = 84


@dataclass(frozen=True)
class ShownClasses:
    """An evaluation and where it lies."""

    document: ClassEvaluation
    folder: Path

    @classmethod
    def read(cls, folder: Path) -> ShownClasses:
        """For a thread. Raises DocumentError."""
        from src.core.evaluation.document import DocumentError, read_any_evaluation

        document = read_any_evaluation(folder)
        if not isinstance(document, ClassEvaluation):
            raise DocumentError(f"{folder} is no evaluation of a classifier.", "Choose another folder.")
        return cls(document, folder)


class ClassOverview(QScrollArea):
    """Tiles, sentences, model and baselines, table of classes, confusion matrix."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.setAccessibleName("Overview")
        self._document: ClassEvaluation | None = None
        self.tiles, self.facts, self.notes = Tiles(), QLabel(), QLabel()
        for label in (self.facts, self.notes):
            label.setWordWrap(True)
            label.setTextFormat(Qt.PlainText)
            label.setTextInteractionFlags(Qt.TextSelectableByMouse)
        self.notes.setProperty("role", "muted")
        self.which = Choice("By", ["Parts", "Samples"])
        self.which.changed.connect(lambda _: self._fill_level())
        self.beside, self.classes = _Short("Model and baselines"), _Short("Classes")
        self.matrix = ConfusionView()
        tables = QVBoxLayout()
        tables.setSpacing(14)
        tables.addWidget(self.beside)
        tables.addWidget(self.which, 0, Qt.AlignLeft)
        tables.addWidget(self.classes)
        tables.addStretch(1)
        inner = QWidget()
        self._lower = QBoxLayout(QBoxLayout.LeftToRight)
        self._lower.setSpacing(24)
        self._lower.addLayout(tables, 1)
        self._lower.addWidget(self.matrix, 0, Qt.AlignTop)
        column = QVBoxLayout(inner)
        column.setContentsMargins(16, 14, 16, 16)
        column.setSpacing(14)
        self._strips = QVBoxLayout()
        column.addLayout(self._strips)
        column.addWidget(self.facts)
        column.addWidget(self.tiles)
        column.addLayout(self._lower)
        column.addWidget(self.notes)
        column.addStretch(1)
        self.setWidget(inner)

    def put(self, data: ShownClasses) -> None:
        """Show an evaluation."""
        self._document = document = data.document
        found = [n for n in document.notes if n.severity == "warning"]
        put_strips(self._strips, [("warn", in_words(f"{n.message} {n.cure}".strip())) for n in found])
        self.facts.setText(_about(document))
        self.tiles.put(_numbers(document))
        notes = [in_words(n.message) for n in document.notes if n.severity != "warning"]
        notes.append(document.interval.sentence)
        self.notes.setText("\n".join(notes))
        self.which.setVisible(len(document.levels) > 1)
        self.which.rename([level.many.capitalize() for level in document.levels])
        self.beside.fill(["", "Of", *(TITLES[key] for key in MEASURES)], _beside(document))
        self._fill_level()

    def _fill_level(self) -> None:
        if self._document is None:
            return
        document = self._document
        level = document.levels[min(self.which.index, len(document.levels) - 1)]
        self.classes.fill(
            ["Class", "True", "Predicted", "Recall", "Precision", "F1", "AUROC"], _classes(level)
        )
        self.matrix.setVisible(not document.several)
        if not document.several:
            about = (f"Rows: true class. Columns: predicted class. Share of the row’s {level.many}; a click or Enter chooses its "
                     f"{document.levels[-1].many}.")  # fmt: skip
            self.matrix.put(document.classes, level.matrix, {}, (level.one, level.many), about)
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        self.matrix.find_place(self._lower, self.viewport().width(), _TABLE_LETTERS)


class _Short(QWidget):
    """A heading and a table that is as high as its rows."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.heading = QLabel(title)
        self.model = QStandardItemModel(self)
        self.view: QTableView = table(title)
        self.view.setModel(self.model)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.heading)
        column.addWidget(self.view)
        theme().changed.connect(self._dress)
        self._dress()

    def fill(self, heads: list[str], rows: list[list[tuple[str, str]]]) -> None:
        """Rows of text and tooltip."""
        self.model.clear()
        self.model.setHorizontalHeaderLabels(heads)
        for cells in rows:
            items = [QStandardItem(text) for text, _ in cells]
            for item, (_, tip) in zip(items, cells, strict=True):
                item.setToolTip(tip)
            self.model.appendRow(items)
        self._dress()

    def _dress(self) -> None:
        self.heading.setFont(sized_font(self, 1.1, QFont.DemiBold))
        self.view.resizeColumnsToContents()
        header = self.view.horizontalHeader()
        for column in range(self.model.columnCount()):
            header.resizeSection(column, header.sectionSize(column) + 14)
        header.setStretchLastSection(True)
        bar = self.view.horizontalScrollBar().sizeHint().height()
        high = max(1, min(14, self.model.rowCount())) * self.view.verticalHeader().defaultSectionSize()
        self.view.setFixedHeight(header.sizeHint().height() + high + 4 + bar)


def _shown(value: Any) -> tuple[str, str]:
    words = between(value)
    return (f"{figure(value.value)}  ({words})" if words else figure(value.value), words)


def _beside(document: ClassEvaluation) -> list[list[tuple[str, str]]]:
    model = Baseline(name="This model", about="", levels=[level.measures for level in document.levels])
    rows = []
    for one in (model, *document.baselines):
        for level, measures in zip(document.levels, one.levels, strict=True):
            values = [_shown(measures[key]) if key in measures else (DASH, "") for key in MEASURES]
            rows.append([(one.name, one.about), (level.many, ""), *values])
    return rows


def _classes(level: Level) -> list[list[tuple[str, str]]]:
    return [
        [(c.name, c.name), (f"{c.true:,}", ""), (f"{c.predicted:,}", ""), *(_shown(x) for x in (c.recall, c.precision, c.f1, c.auroc))]
        for c in level.classes
    ]  # fmt: skip


def _numbers(document: ClassEvaluation) -> list[Number]:
    why, level_of = document.interval.reason, f"{document.interval.level:.0%}: "
    numbers = []
    for key in ("balanced_accuracy", "macro_f1", "auroc"):
        for level in document.levels:
            if (value := level.measures.get(key)) is not None:
                words = between(value)
                numbers.append(Number(f"{TITLES[key]} of {level.many}", figure(value.value),
                                      level_of + words if words else "no interval", f"of {level.count:,}", why))  # fmt: skip
    best = (
        max((b.levels[0]["balanced_accuracy"].value or 0.0, b.name) for b in document.baselines)
        if document.baselines
        else None
    )
    if best is not None:
        many = document.levels[0].many
        numbers.append(
            Number("Best baseline", f"{best[0]:.3f}", best[1], f"balanced accuracy of the same {many}")
        )
    if document.levels[0].calibration and (ece := document.levels[0].calibration[-1].ece) is not None:
        numbers.append(
            Number("Calibration error", figure(ece), "", "mean distance of probability and frequency")
        )
    return numbers


def _about(document: ClassEvaluation) -> str:
    data, model = document.data, document.model
    where = "the run’s data" if data.source == "run" else Path(data.source).name or data.source
    part = f"the {PARTS.get(data.part, data.part)} of {where}"
    speed = (
        f" at {document.parts_per_second:,.0f} {document.levels[0].many} a second"
        if document.parts_per_second
        else ""
    )
    return (f"{model.name} on {part} ({samples_text(document)}), {count(data.groups, 'group')}. Evaluated on "
            f"{day(document.created)} in {duration(float(document.seconds))}{speed}.")  # fmt: skip

"""Which other evaluations there are to compare with: those of all runs, those on the same images first."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Protocol

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtGui import QKeyEvent, QStandardItem, QStandardItemModel
from PyQt5.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from src.core.run.folder import default_runs_dir
from src.threads.errand import Errand
from src.threads.evaluation_files import Found, find_evaluations
from src.ui.widgets.evaluation_data import PARTS
from src.ui.widgets.evaluation_overview import day
from src.ui.widgets.tables import table

_FOLDER = Qt.UserRole + 2


class Evaluated(Protocol):
    """An evaluation that lies somewhere, of masks or of classes."""

    @property
    def document(self) -> Any: ...
    @property
    def folder(self) -> Path: ...


class OthersPage(QWidget):
    """A list, a button for the chosen one, a button for any folder.

    Signals:
        chosen(object): `Path` of an evaluation.
    """

    chosen = pyqtSignal(object)

    def __init__(self, parent: QWidget | None = None, noun: tuple[str, str] = ("image", "images")) -> None:
        super().__init__(parent)
        self._noun = noun
        self._data: Evaluated | None = None
        self._errand: Errand | None = None
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.model = QStandardItemModel(self)
        self.view: QTableView = table("Other evaluations")
        self.view.setModel(self.model)
        self.view.setSelectionMode(QTableView.SingleSelection)
        self.view.doubleClicked.connect(lambda _: self._choose())
        self.view.installEventFilter(self)
        self.compare, folder = QPushButton("&Compare"), QPushButton("Another &folder…")
        self.compare.setProperty("role", "primary")
        self.compare.clicked.connect(self._choose)
        folder.clicked.connect(self._ask)
        folder.setToolTip("The folder of an evaluation that is not in the list")
        self.view.selectionModel().selectionChanged.connect(lambda *_: self._enable())
        row = QHBoxLayout()
        row.addWidget(self.compare)
        row.addWidget(folder)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 16)
        column.setSpacing(10)
        column.addWidget(self.words)
        column.addWidget(self.view, 1)
        column.addLayout(row)

    def put(self, data: Evaluated) -> None:
        """List what there is to compare this evaluation with."""
        self.stop()
        self._data = data
        self.model.clear()
        self.words.setText("Looking for other evaluations…")
        run = data.document.model.run
        places = {default_runs_dir().resolve()} | ({Path(run).parent.resolve()} if run else set())
        self._errand = Errand(partial(_find, sorted(places), data.folder), self)
        self._errand.done.connect(self._show)
        self._errand.failed.connect(self.words.setText)
        self._errand.start()
        self._enable()

    def _show(self, found: list[Found]) -> None:
        data = self._data
        if data is None:
            return
        found = [one for one in found if one.format == data.document.format]
        one_noun, many = self._noun
        facts, classes = data.document.data, tuple(data.document.classes)
        told = []
        for one in found:
            same = bool(facts.fingerprint) and (one.data.get("fingerprint"), one.data.get("part")) == (
                facts.fingerprint, facts.part)  # fmt: skip
            told.append((2 if one.classes != classes else 0 if same else 1, one))
        words = (f"the same {many}", "other data or another part", "other classes: cannot be compared")
        self.model.setHorizontalHeaderLabels(
            ["Model", "Evaluation", "Evaluated on", many.capitalize(), "When"]
        )
        for rank, one in sorted(told, key=lambda t: t[0]):
            part = PARTS.get(str(one.data.get("part")), str(one.data.get("part")))
            cells = [one.model, one.folder.name, f"{part}, {words[rank]}",
                     f"{one.data.get('images') or one.data.get('samples') or 0:,}", day(one.created)]  # fmt: skip
            items = [QStandardItem(cell) for cell in cells]
            items[0].setData(str(one.folder), _FOLDER)
            for item in items:
                item.setEnabled(rank < 2)
                item.setToolTip(str(one.folder))
            self.model.appendRow(items)
        self.view.resizeColumnsToContents()
        header = self.view.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.Interactive)
        for column in range(4):
            header.resizeSection(column, header.sectionSize(column) + 16)
        header.setStretchLastSection(True)
        some = any(rank < 2 for rank, _ in told)
        self.words.setText(
            f"Choose another evaluation on the same {many}: the two models are then compared {one_noun} by {one_noun}."
            if some else "There is no other evaluation in the runs folder that this one can be compared with. Evaluate another "
            f"model on the same {many} (Tools > Evaluate…), or choose the folder of an evaluation."
        )  # fmt: skip
        if some:
            self.view.selectRow(0)
        self._enable()

    def _enable(self) -> None:
        self.compare.setEnabled(
            self.view.currentIndex().isValid() and self.view.selectionModel().hasSelection()
        )

    def _choose(self) -> None:
        index = self.view.currentIndex()
        if index.isValid() and self.model.item(index.row(), 0).isEnabled():
            self.chosen.emit(Path(self.model.item(index.row(), 0).data(_FOLDER)))

    def _ask(self) -> None:
        start = str(self._data.folder.parent) if self._data is not None else ""
        folder = QFileDialog.getExistingDirectory(self, "The folder of an evaluation", start)
        if folder:
            self.chosen.emit(Path(folder))

    def eventFilter(self, watched: object, event: object) -> bool:
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QKeyEvent.KeyPress
            and event.key() in (Qt.Key_Return, Qt.Key_Enter)
        ):
            self._choose()
            return True
        return False

    def stop(self) -> None:
        """Forget what was asked for."""
        if self._errand is not None:
            self._errand.stop()
            self._errand = None


def _find(places: list[Path], but: Path) -> list[Found]:
    return [one for place in places for one in find_evaluations(place, but)]

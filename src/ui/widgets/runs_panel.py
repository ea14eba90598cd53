"""The list of runs: what each is called, its state in a word and a shape, how far and how good it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from PyQt5.QtCore import QModelIndex, QPoint, Qt, pyqtSignal
from PyQt5.QtGui import QFont
from PyQt5.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListView,
    QMenu,
    QPushButton,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from src.ui.icons import icon
from src.ui.text import count
from src.ui.theme import set_role, sized_font, theme
from src.ui.widgets.note_bar import NoteBar
from src.ui.widgets.runs_list import SUMMARY, RunDelegate, RunsFilter, RunsModel, Wanted
from src.ui.widgets.runs_menus import FilterButton, run_menu, runs_menu

#: As many runs can be compared as there are colours that everybody tells apart.
MOST_COMPARED = 8


class RunsPanel(QWidget):
    """Heading, filter, list, and what can be done with several chosen runs.

    Attributes:
        note: Says what was done with a run, with the way back.

    Signals:
        opened(object): A `RunFolder` to be shown.
        ordered(object, str): A run and an order: ``stop``, ``pause``, ``finish_epoch``, ``resume``, ``folder``, ``queue``,
            ``unqueue``, ``clone``, ``reproduce``, ``star``, ``notes``, ``trash``, or ``job:`` and the id of a job with its model.
        compared(list): These `RunFolder` objects are to be compared.
        trash_asked(): Show what lies in the trash.
    """

    opened = pyqtSignal(object)
    ordered = pyqtSignal(object, str)
    compared = pyqtSignal(list)
    trash_asked = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = RunsModel(self)
        self._proxy = RunsFilter(self)
        self._proxy.setSourceModel(self.model)
        self._heading = QLabel("Runs")
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Find by name, state or #tag")
        self.filter.setAccessibleName("Find a run by name, state, tag or note")
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(lambda _: self._search())
        self.which = FilterButton()
        self.which.changed.connect(self._search)
        self.which.trash_asked.connect(self.trash_asked)
        self._wanted = QLabel()
        self._wanted.setProperty("role", "muted")
        self._wanted.setWordWrap(True)
        self._wanted.setTextFormat(Qt.RichText)
        self._wanted.linkActivated.connect(lambda _: self.which.want(Wanted()))
        self.note = NoteBar()
        self.note.check.hide()
        self.compare = QPushButton()
        self.compare.setToolTip("Show their curves, settings and results side by side")
        self.compare.clicked.connect(lambda _: self._order_all("compare"))
        self.compare.hide()
        self._make_list()
        self._lay_out()
        theme().changed.connect(self._dress)
        self._dress()
        self._say()

    def _make_list(self) -> None:
        self.list = QListView()
        self.list.setModel(self._proxy)
        self.list.setItemDelegate(RunDelegate(self.list))
        self.list.setMouseTracking(True)
        self.list.setAccessibleName("Runs")
        self.list.setToolTip("Ctrl or Shift and a click choose several runs")
        self.list.setSelectionMode(QListView.ExtendedSelection)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.list.setContextMenuPolicy(Qt.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._menu)
        self.list.clicked.connect(lambda index: self._open(index) if len(self.all_chosen()) == 1 else None)
        self.list.activated.connect(self._open)
        self.list.selectionModel().selectionChanged.connect(lambda *_: self._show_compare())

    def _lay_out(self) -> None:
        self._none = QLabel()
        self._none.setProperty("role", "muted")
        self._none.setWordWrap(True)
        self._none.setAlignment(Qt.AlignTop)
        self._none.setMargin(8)
        holder = QWidget()
        self._stack = QStackedLayout(holder)
        self._stack.addWidget(self.list)
        self._stack.addWidget(self._none)
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.filter, 1)
        row.addWidget(self.which)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 10, 10, 10)
        column.setSpacing(8)
        column.addWidget(self._heading)
        column.addLayout(row)
        column.addWidget(self._wanted)
        column.addWidget(self.note)
        column.addWidget(holder, 1)
        column.addWidget(self.compare)
        self.setMinimumWidth(200)

    def _dress(self) -> None:
        self._heading.setFont(sized_font(self, 1.05, QFont.DemiBold))
        self.compare.setIcon(icon("compare", "accent_text"))
        set_role(self.compare, "primary")
        self.list.doItemsLayout()
        self._say()

    def put(self, runs: list[Any]) -> None:
        """The runs now."""
        chosen = [r.folder.path for r in self.all_chosen()]
        current = self.chosen()
        self.model.put(runs)
        self.which.tags = sorted({tag for r in runs for tag in r.said.tags}, key=str.casefold)
        live = sum(r.alive for r in runs)
        self._heading.setText(f"Runs · {live} running" if live else "Runs")
        if len(chosen) > 1:
            self._choose_all(chosen)
        elif current:
            self.choose(current.folder.path)
        self._say()

    def _search(self) -> None:
        self._proxy.want(replace(self.which.wanted, text=self.filter.text()))
        self._say()

    def _say(self) -> None:
        empty = self._proxy.rowCount() == 0
        self._stack.setCurrentIndex(int(empty))
        words = self.which.wanted.words()
        self._wanted.setText(f'{words} <a href="all">Show all</a>' if words else "")
        self._wanted.setVisible(bool(words))
        if words:
            self._none.setText("No run fits what is asked for above.")
        elif self.filter.text():
            self._none.setText(f"No run has “{self.filter.text()}” in its name, state, tags or notes.")
        else:
            self._none.setText("No runs yet. Tools > Train Model… starts the first one.")

    # ---- which are chosen

    def chosen(self) -> Any:
        """Summary of the chosen run, or None."""
        index = self.list.currentIndex()
        return index.data(SUMMARY) if index.isValid() else None

    def all_chosen(self) -> list[Any]:
        """Summaries of all chosen runs, as they are listed."""
        rows = sorted(self.list.selectionModel().selectedIndexes(), key=QModelIndex.row)
        return [index.data(SUMMARY) for index in rows]

    def choose(self, path: Path) -> None:
        """Mark a run without opening it."""
        for row in range(self._proxy.rowCount()):
            index = self._proxy.index(row, 0)
            if index.data(SUMMARY).folder.path == path:
                if len(self.all_chosen()) < 2:  # whoever chooses several is not disturbed
                    self.list.setCurrentIndex(index)
                return
        self.list.clearSelection()

    def _choose_all(self, paths: list[Path]) -> None:
        model = self.list.selectionModel()
        model.clearSelection()
        for row in range(self._proxy.rowCount()):
            index = self._proxy.index(row, 0)
            if index.data(SUMMARY).folder.path in paths:
                model.select(index, model.Select)

    def _show_compare(self) -> None:
        number = len(self.all_chosen())
        self.compare.setVisible(number > 1)
        self.compare.setEnabled(number <= MOST_COMPARED)
        self.compare.setText(
            f"&Compare {count(number, 'run')}" if number <= MOST_COMPARED else f"At most {MOST_COMPARED} runs"
        )

    # ---- what is done with them

    def _open(self, index: QModelIndex) -> None:
        self.opened.emit(index.data(SUMMARY).folder)

    def _menu(self, place: QPoint) -> None:
        index = self.list.indexAt(place)
        if not index.isValid():
            return
        several = self.all_chosen()
        menu = (
            runs_menu(self, len(several), self._order_all)
            if len(several) > 1
            else self.menu_of(index.data(SUMMARY))
        )
        menu.popup(self.list.viewport().mapToGlobal(place))

    def menu_of(self, run: Any) -> QMenu:
        """The context menu of a run: only what can be done with it now."""
        return run_menu(self, run, lambda order: self._order(run.folder, order))

    def _order(self, folder: Any, order: str) -> None:
        self.opened.emit(folder) if order == "open" else self.ordered.emit(folder, order)

    def _order_all(self, order: str) -> None:
        """An order to all chosen runs."""
        folders = [run.folder for run in self.all_chosen()]
        if order == "compare":
            self.compared.emit(folders[:MOST_COMPARED])
            return
        for folder in folders:
            self.ordered.emit(folder, order)

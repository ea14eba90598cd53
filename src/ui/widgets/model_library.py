"""The model library: the models of all runs and of files, with what was done with them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PyQt5.QtCore import QModelIndex, QPoint, Qt, QUrl, pyqtSignal
from PyQt5.QtGui import QDesktopServices, QShowEvent
from PyQt5.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QMenu,
    QMessageBox,
    QSplitter,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from src.core.run.library import ModelRecord, list_models
from src.core.run.library_care import LibraryError, add_file, remove, restore, set_star
from src.ui.dialogs.train_bars import button
from src.ui.dialogs.transfer_parts import heading
from src.ui.icons import icon
from src.ui.text import count, run_title
from src.ui.theme import theme
from src.ui.widgets.empty import EmptyState
from src.ui.widgets.image_loader import ImageLoader
from src.ui.widgets.job_menu import model_menu
from src.ui.widgets.model_details import ModelDetails
from src.ui.widgets.model_table import RECORD, ModelFilter, ModelTable
from src.ui.widgets.note_bar import NoteBar
from src.ui.widgets.tables import table

_FILES = "Models (*.safetensors *.pth *.pt);;All files (*)"
#: Width of each column in widths of the letter m; the last takes what is left.
_WIDTHS = (2.4, 15, 8, 9, 8, 11, 7, 12)


class ModelLibrary(QWidget):
    """Table, filter and details.

    Signals:
        job_asked(str, str): A job (its id) with a model (run folder or file).
        train_asked(str): A new training that begins from this model.
        run_asked(object), result_asked(object): Show the run, or the job, in this folder (`Path`).
        failed(str): Something could not be done; cause and cure.
    """

    job_asked = pyqtSignal(str, str)
    train_asked = pyqtSignal(str)
    run_asked = pyqtSignal(object)
    result_asked = pyqtSignal(object)
    failed = pyqtSignal(str)

    def __init__(self, runs_dir: Path | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runs_dir = runs_dir
        self._trashed: Path | None = None
        self.models = ModelTable(self)
        self.proxy = ModelFilter(self)
        self.proxy.setSourceModel(self.models)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Find by name, data set, network, class or note")
        self.filter.setAccessibleName("Find a model")
        self.filter.setClearButtonEnabled(True)
        self.starred = QCheckBox("&Starred")
        self.starred.setToolTip("Show the marked models alone")
        self.add = button("&Add file…", "Take the file of a model into the list; it stays where it is")
        self.again = QToolButton()
        self.again.setToolTip("Read the runs again (F5)")
        self.again.setAccessibleName("Read the runs again")
        self.again.setShortcut("F5")
        self.note = NoteBar()
        self.view = table("Models")
        self.view.setModel(self.proxy)
        self.view.setSortingEnabled(True)
        self.view.setContextMenuPolicy(Qt.CustomContextMenu)
        self.view.setSelectionMode(self.view.SingleSelection)
        self.details = ModelDetails()
        self.empty = EmptyState("library", "Looking for models…", "")
        self._loader = ImageLoader(self)
        self._loader.loaded.connect(self._listed)
        self._lay_out()
        self._connect()
        theme().changed.connect(self._dress)
        self._dress()

    def _lay_out(self) -> None:
        self._heading = heading("Models", 1.25)
        bar = QHBoxLayout()
        bar.setSpacing(8)
        bar.addWidget(self._heading)
        bar.addSpacing(8)
        bar.addWidget(self.filter, 1)
        for widget in (self.starred, self.add, self.again):
            bar.addWidget(widget)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(16, 12, 8, 16)
        column.setSpacing(10)
        column.addLayout(bar)
        column.addWidget(self.note)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.empty)
        self.stack.addWidget(self.view)
        column.addWidget(self.stack, 1)
        self.splitter = QSplitter(Qt.Horizontal)
        self.splitter.addWidget(left)
        self.splitter.addWidget(self.details)
        self.splitter.setStretchFactor(0, 1)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setSizes([1000, 340])
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.splitter)
        header = self.view.horizontalHeader()
        em = self.fontMetrics().horizontalAdvance("m")
        for index, width in enumerate(_WIDTHS):
            header.resizeSection(index, round(width * em))
        header.setSectionResizeMode(0, QHeaderView.Fixed)
        header.setStretchLastSection(True)
        header.setMinimumSectionSize(round(2 * em))
        self.view.sortByColumn(3, Qt.DescendingOrder)

    def _connect(self) -> None:
        self.filter.textChanged.connect(self.proxy.look_for)
        self.filter.textChanged.connect(lambda _: self._say())
        self.starred.toggled.connect(self.proxy.only_starred)
        self.starred.toggled.connect(lambda _: self._say())
        self.add.clicked.connect(lambda _: self._ask_file())
        self.again.clicked.connect(lambda _: self.refresh())
        self.view.clicked.connect(self._clicked)
        self.view.activated.connect(lambda index: self._show_run() if index.column() else None)
        self.view.customContextMenuRequested.connect(self._menu)
        self.view.selectionModel().currentRowChanged.connect(lambda *_: self._chosen())
        self.note.undo_asked.connect(self._bring_back)
        self.note.check.hide()
        details = self.details
        details.job_asked.connect(lambda job: self._order(f"job:{job}"))
        details.train_asked.connect(lambda: self._order("train"))
        details.run_asked.connect(self._show_run)
        details.folder_asked.connect(lambda: self._order("folder"))
        details.remove_asked.connect(lambda: self._order("remove"))
        details.result_asked.connect(self.result_asked)
        details.changed.connect(self.refresh)
        details.failed.connect(self.failed)

    def _dress(self) -> None:
        self.again.setIcon(icon("reset"))
        self.add.setIcon(icon("import"))
        self.view.viewport().update()

    # -- the list -------------------------------------------------------------------------------
    def refresh(self) -> None:
        """Read the runs again, in the background."""
        self._loader.ask("models", lambda: list_models(self._runs_dir))

    def showEvent(self, event: QShowEvent) -> None:
        """What was done meanwhile is listed."""
        super().showEvent(event)
        self.refresh()

    def _listed(self, _key: object, records: list[ModelRecord] | None) -> None:
        chosen = self.record
        self.models.put(records or [])
        if chosen is None or not self.choose(chosen.path):
            self.view.selectRow(0)
        self._chosen()
        self._say()

    def choose(self, path: Path) -> bool:
        """Mark the model of this run folder or file; returns whether it is listed."""
        for row in range(self.proxy.rowCount()):
            if self.proxy.index(row, 0).data(RECORD).path == path:
                self.view.selectRow(row)
                return True
        return False

    def _say(self) -> None:
        shown, all_of_them = self.proxy.rowCount(), len(self.models.rows())
        self._heading.setText("Models" if not all_of_them else f"{count(shown, 'model')}")
        self.stack.setCurrentIndex(int(shown > 0))
        self.details.setVisible(shown > 0)
        if all_of_them and not shown:
            self.empty.set_text(
                "No model fits", "Take words out of the filter, or show those without a star too."
            )
        elif not shown:
            self.empty.set_text(
                "No models yet", "Each run that completes an epoch has one: Tools > Train Model… starts the first. "
                "A model from elsewhere can be added as a file."
            )  # fmt: skip
        if shown and self.record is None:
            self.view.selectRow(0)

    @property
    def record(self) -> ModelRecord | None:
        """The chosen model."""
        index = self.view.currentIndex()
        return index.data(RECORD) if index.isValid() else None

    def _chosen(self) -> None:
        self.details.show_record(self.record)

    # -- what is done with a model --------------------------------------------------------------
    def _clicked(self, index: QModelIndex) -> None:
        if index.column() == 0:
            self._order("star")

    def _show_run(self) -> None:
        record = self.record
        if record is not None and record.run is not None:
            self.run_asked.emit(record.path)

    def _menu(self, place: QPoint) -> None:
        index = self.view.indexAt(place)
        if index.isValid():
            self.view.selectRow(index.row())
            self.menu_of(index.data(RECORD)).popup(self.view.viewport().mapToGlobal(place))

    def menu_of(self, record: ModelRecord) -> QMenu:
        """What can be done with a model."""
        return model_menu(self, self._order, record.run is not None, not record.problem, record.starred)

    def _order(self, order: str) -> None:
        record = self.record
        if record is None:
            return
        kind, _, job = order.partition(":")
        if kind == "job":
            self.job_asked.emit(job, str(record.path))
        elif kind == "train":
            self.train_asked.emit(str(record.path))
        elif kind == "run":
            self.run_asked.emit(record.path)
        elif kind == "folder":
            folder = record.path if record.run else record.path.parent
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
        elif kind == "star":
            self._star(record)
        else:
            self.remove(record)

    def _star(self, record: ModelRecord) -> None:
        try:
            set_star(record, not record.starred)
        except LibraryError as error:
            self.failed.emit(str(error))
            return
        marked = replace(record, starred=not record.starred)
        self.models.put([marked if r.path == record.path else r for r in self.models.rows()])
        self._chosen()

    def remove(self, record: ModelRecord) -> None:
        """Ask, then move a run to the trash folder; a file only leaves the list."""
        self.details.keep_notes()
        if record.run is not None and not self._may_remove(record):
            return
        try:
            self._trashed = remove(record)
        except LibraryError as error:
            self.failed.emit(str(error))
            return
        self.details.record = None
        name = run_title(record.name)
        if self._trashed is not None:
            self.note.tell(f"{name} lies in {self._trashed.parent} now; nothing was deleted.", undo=True)
        else:
            self.note.tell(f"{name} is off the list; the file stays where it is.")
        self.models.put([r for r in self.models.rows() if r.path != record.path])
        self._say()
        self.refresh()

    def _may_remove(self, record: ModelRecord) -> bool:
        more = " and its results" if record.jobs else ""
        text = f"Move the run {record.name} with its model{more} into the folder trash? Nothing is deleted."
        answer = QMessageBox.question(
            self, "Remove the model?", text, QMessageBox.Yes | QMessageBox.Cancel, QMessageBox.Cancel
        )
        return bool(answer == QMessageBox.Yes)

    def _bring_back(self) -> None:
        trashed, self._trashed = self._trashed, None
        if trashed is None:
            return
        try:
            restore(trashed)
        except LibraryError as error:
            self.failed.emit(str(error))
            return
        self.note.hide()
        self.refresh()

    def _ask_file(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, "Add the file of a model", str(Path.home()), _FILES)
        if chosen:
            self.add_file(Path(chosen))

    def add_file(self, path: Path) -> None:
        """Take a file into the list."""
        try:
            add_file(path)
        except LibraryError as error:
            self.failed.emit(str(error))
            return
        self.refresh()

    def close_library(self) -> None:
        """The tab goes: keep the notes, end what reads in the background."""
        self.details.keep_notes()
        self.details.record = None
        self._loader.end()

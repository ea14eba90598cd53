"""The runs in the trash, and the way back."""

from __future__ import annotations

from pathlib import Path

from PyQt5.QtCore import Qt, QUrl, pyqtSignal
from PyQt5.QtGui import QDesktopServices, QStandardItem, QStandardItemModel
from PyQt5.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from src.core.run.run_care import LibraryError, Trashed, list_trash, restore
from src.ui.dialogs.train_bars import button
from src.ui.dialogs.transfer_parts import heading, sentence
from src.ui.text import count, moment, run_title
from src.ui.widgets.tables import table


class RunTrashDialog(QDialog):
    """Lists what was moved to the trash of a folder of runs.

    Signals:
        restored(object): The folder (`Path`) of a run that was brought back.
    """

    restored = pyqtSignal(object)

    def __init__(self, runs_dir: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runs_dir = runs_dir
        self._listed: list[Trashed] = []
        self.setWindowTitle("Trash of the runs")
        self.setWindowFlags(self.windowFlags() & ~Qt.WindowContextHelpButtonHint)
        self.model = QStandardItemModel(0, 2, self)
        self.view = table("Runs in the trash")
        self.view.setModel(self.model)
        self.about = sentence("", "muted")
        self.back = button("&Bring back", "Put the chosen runs back among the others")
        self.folder = button("Open &folder", "Show the files; what is deleted there is gone")
        closing = button("&Close", "Close this window")
        self.back.clicked.connect(lambda _: self.bring_back())
        self.folder.clicked.connect(self._open_folder)
        closing.clicked.connect(self.reject)
        self.view.selectionModel().selectionChanged.connect(lambda *_: self._enable())
        row = QHBoxLayout()
        row.addWidget(self.folder)
        row.addStretch(1)
        row.addWidget(closing)
        row.addWidget(self.back)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(10)
        column.addWidget(heading("Trash of the runs", 1.15))
        column.addWidget(self.about)
        column.addWidget(self.view, 1)
        column.addLayout(row)
        em = self.fontMetrics().horizontalAdvance("m")
        self.resize(42 * em, 22 * self.fontMetrics().height())
        self.view.horizontalHeader().setStretchLastSection(True)
        self.fill()
        self.view.setColumnWidth(0, 28 * em)

    def fill(self) -> None:
        """Read the trash again."""
        self._listed = list_trash(self._runs_dir)
        self.model.clear()
        self.model.setHorizontalHeaderLabels(["Run", "Begun"])
        for run in self._listed:
            self.model.appendRow([QStandardItem(run_title(run.name)), QStandardItem(moment(run.time))])
        place = self._runs_dir / "trash"
        if self._listed:
            number = count(len(self._listed), "run")
            self.about.setText(
                f"{number} in {place}. Lathe deletes nothing: to free the space, delete folders there."
            )
        else:
            self.about.setText("The trash is empty.")
        self.view.setVisible(bool(self._listed))
        self.folder.setVisible(bool(self._listed))
        self._enable()

    def _enable(self) -> None:
        self.back.setEnabled(bool(self.view.selectionModel().selectedRows()))

    def bring_back(self) -> None:
        """The chosen runs go back; the first that cannot says why."""
        for row in sorted(index.row() for index in self.view.selectionModel().selectedRows()):
            try:
                folder = restore(self._listed[row].path)
            except LibraryError as error:
                self.fill()
                self.about.setText(str(error))
                return
            self.restored.emit(folder)
        self.fill()

    def _open_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._runs_dir / "trash")))

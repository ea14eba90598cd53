"""What a person says of a run: star, tags, notes."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import (
    QCheckBox,
    QCompleter,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLineEdit,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from src.core.run import RunFolder
from src.core.run.run_care import LibraryError, keep_said
from src.core.run.said import read_said
from src.ui.dialogs.transfer_parts import heading, sentence
from src.ui.text import run_title


class RunNotesDialog(QDialog):
    """Edits what is said of one run; `accept` keeps it.

    Attributes:
        folder: The run.
    """

    def __init__(
        self, folder: RunFolder, known_tags: Sequence[str] = (), parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.folder = folder
        self.setWindowTitle("Tags and notes")
        self.setWindowFlags(self.windowFlags() & ~Qt.WindowContextHelpButtonHint)
        said = read_said(folder)
        self.star = QCheckBox("&Starred")
        self.star.setChecked(said.starred)
        self.tags = QLineEdit(" ".join(said.tags))
        self.tags.setPlaceholderText("For example: baseline night-run")
        self.tags.setAccessibleName("Tags")
        if known_tags:
            completer = QCompleter(list(known_tags), self)
            completer.setCaseSensitivity(Qt.CaseInsensitive)
            self.tags.setCompleter(completer)
        self.notes = QPlainTextEdit(said.notes)
        self.notes.setPlaceholderText("What was tried, what came of it")
        self.notes.setAccessibleName("Notes")
        self.notes.setTabChangesFocus(True)
        self.fault = sentence("", "error")
        self.fault.hide()
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.AllNonFixedFieldsGrow)
        form.addRow("&Tags", self.tags)
        form.addRow("&Notes", self.notes)
        form.addRow("", self.star)
        buttons = QDialogButtonBox(QDialogButtonBox.Save | QDialogButtonBox.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(10)
        column.addWidget(heading(run_title(folder.name), 1.15))
        column.addLayout(form, 1)
        column.addWidget(self.fault)
        column.addWidget(buttons)
        self.resize(30 * self.fontMetrics().averageCharWidth() * 2, 22 * self.fontMetrics().height())

    def accept(self) -> None:
        """Keep it; where that is not possible the window stays, with the reason."""
        try:
            keep_said(
                self.folder,
                starred=self.star.isChecked(),
                notes=self.notes.toPlainText(),
                tags=self.tags.text(),
            )
        except LibraryError as error:
            self.fault.setText(str(error))
            self.fault.show()
            return
        super().accept()

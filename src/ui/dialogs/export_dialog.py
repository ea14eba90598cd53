"""Export of the data set that is open: masks, COCO or YOLO, written by a child process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PyQt5.QtCore import Qt, QUrl, pyqtSignal
from PyQt5.QtGui import QDesktopServices
from PyQt5.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QVBoxLayout,
    QWidget,
)

from src.core.config import Resolved, dump_yaml
from src.core.dataset.findings import Finding
from src.threads.data_session import DataSession
from src.ui.dialogs.closing import ClosingDialog
from src.ui.dialogs.train_bars import button, line
from src.ui.dialogs.train_findings import FindingsList
from src.ui.dialogs.transfer_parts import Working, heading, sentence
from src.ui.text import count
from src.ui.widgets.form_editors import guard_wheel
from src.ui.widgets.form_path import DropLine
from src.ui.widgets.message_bar import MessageBar
from src.ui.wording import in_words

#: Form to its title, a sentence, and why images cannot be left where they are (empty: they can).
FORMS = {
    "masks": (
        "Index masks",
        "A PNG of class numbers for each image, a table, and a configuration that Lathe opens. Nothing is lost.",
        "",
    ),
    "coco": (
        "COCO JSON",
        "One JSON file a part; each connected piece of a class is an object, as run lengths, so that no pixel is lost.",
        "",
    ),
    "yolo": (
        "YOLO segmentation",
        "A text file of polygons for each image, and a data.yaml. Ignored pixels become background.",
        "YOLO looks for labels beside the images.",
    ),
}


class ExportDialog(ClosingDialog):
    """Chooses form and folder, writes the data set, and says what the form could not hold.

    The data set is only read; a folder that holds something is refused.

    Signals:
        exported(object): The `Path` of what was written.
    """

    exported = pyqtSignal(object)

    def __init__(self, resolved: Resolved[Any], name: str, parent: QWidget | None = None) -> None:
        """
        Args:
            resolved: The configuration that describes the data set.
            name: Of the data set.
            parent: As in Qt.
        """
        super().__init__(parent)
        self._text, self._name = dump_yaml(resolved), name
        self._request, self._works = 0, False
        self._written: Path | None = None
        self._proposed = ""
        self.setWindowTitle("Export data set")
        self.setWindowFlags(self.windowFlags() & ~Qt.WindowContextHelpButtonHint)
        self.session = DataSession(self)
        self.session.progress.connect(self._progress)
        self.session.answered.connect(self._answered)
        self.session.failed.connect(self._failed)
        self.session.start()
        self._build()
        self.form.currentIndexChanged.connect(lambda _: self._form_changed())
        self.target.textChanged.connect(lambda _: self._show_start())
        self._form_changed()
        self.resize(660, 420)

    def _build(self) -> None:
        self.form = QComboBox()
        guard_wheel(self.form)
        for key, (title, _, _) in FORMS.items():
            self.form.addItem(title, key)
        self.about = sentence("", "muted")
        self.about.setMinimumHeight(2 * self.fontMetrics().lineSpacing())
        self.reference = QCheckBox("Leave the i&mages where they are")
        self.target = DropLine(folder=True)
        self.target.dropped.connect(self.target.setText)
        self.choose = button("&Change…", "Choose the folder in which it is made")
        self.choose.clicked.connect(lambda _: self._choose())
        place = QHBoxLayout()
        place.setSpacing(8)
        place.addWidget(self.target, 1)
        place.addWidget(self.choose)
        rows = QFormLayout()
        rows.setHorizontalSpacing(12)
        rows.setVerticalSpacing(8)
        rows.addRow("&Write as", self.form)
        rows.addRow("", self.about)
        rows.addRow("", self.reference)
        rows.addRow("&Goes to", place)
        rows.labelForField(place).setBuddy(self.target)  # type: ignore[union-attr]
        self.message, self.working = MessageBar(), Working()
        self.working.cancelled.connect(self.cancel)
        self.findings = FindingsList({})
        self.start_button = button("&Export", "")
        self.start_button.setDefault(True)
        self.start_button.clicked.connect(lambda _: self.start())
        self.show_button = button("&Open folder", "Show what was written")
        self.show_button.clicked.connect(lambda _: self._open_folder())
        self.show_button.hide()
        self.close_button = button("Clos&e", "Close this window")
        self.close_button.clicked.connect(self.close)
        bar = QHBoxLayout()
        bar.setContentsMargins(16, 10, 16, 12)
        bar.addStretch(1)
        for widget in (self.show_button, self.close_button, self.start_button):
            bar.addWidget(widget)
        body = QVBoxLayout()
        body.setContentsMargins(16, 14, 16, 14)
        body.setSpacing(12)
        body.addWidget(heading(f"Export {self._name}", 1.15))
        body.addLayout(rows)
        for part in (self.working, self.message, self.findings):
            body.addWidget(part)
        body.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(body, 1)
        column.addWidget(line())
        column.addLayout(bar)

    # -- what is chosen -------------------------------------------------------------------------
    def _form_changed(self) -> None:
        key = self.form.currentData()
        _, about, reason = FORMS[key]
        self.about.setText(about)
        self.reference.setEnabled(not reason)
        self.reference.setToolTip(reason or "Name them by their paths instead of copying them")
        if reason:
            self.reference.setChecked(False)
        if self.target.text().strip() == self._proposed:
            self._proposed = str(Path.home() / f"{self._name}-{key}")
            self.target.setText(self._proposed)
        self._show_start()

    def _choose(self) -> None:
        start = str(Path(self.target.text() or self._proposed).parent)
        chosen = QFileDialog.getExistingDirectory(self, "Folder in which the export is made", start)
        if chosen:
            self.target.setText(str(Path(chosen) / f"{self._name}-{self.form.currentData()}"))

    def _show_start(self) -> None:
        ready = bool(self.target.text().strip()) and not self._works
        self.start_button.setEnabled(ready)
        self.start_button.setToolTip(
            "Write it" if ready else "Wait for the end." if self._works else "Choose a folder."
        )
        for widget in (self.form, self.target, self.choose):
            widget.setEnabled(not self._works)
        self.reference.setEnabled(not self._works and not FORMS[self.form.currentData()][2])

    # -- the work -------------------------------------------------------------------------------
    def start(self) -> None:
        """Write it."""
        if not self.start_button.isEnabled():
            return
        self._works = True
        self.message.hide()
        self.show_button.hide()
        self.findings.show_findings([])
        self._request = self.session.ask(
            "export",
            config=self._text,
            form=self.form.currentData(),
            to=self.target.text().strip(),
            images="reference" if self.reference.isChecked() else "copy",
        )
        self.working.begin("Reading the data set")
        self._show_start()

    def cancel(self) -> None:
        """End it; nothing is left behind."""
        self.session.cancel()
        self._end()
        self.message.tell("Cancelled; nothing was left behind.", "info")

    def _end(self) -> None:
        self._works = False
        self.working.hide()
        self._show_start()

    def _progress(self, number: int, done: int, total: int, what: str) -> None:
        if number == self._request and self._works:
            self.working.tell(done, total, what)

    def _answered(self, number: int, answer: dict[str, Any]) -> None:
        if number != self._request:
            return
        self._end()
        self._written = Path(answer["folder"])
        objects = f" with {count(answer['objects'], 'object')}" if answer["objects"] else ""
        self.message.tell(f"Written: {count(answer['images'], 'image')}{objects} in {self._written}.", "good")
        self.findings.show_findings([Finding.from_dict(f) for f in answer["findings"]])
        self.show_button.show()
        self.exported.emit(self._written)

    def _failed(self, number: int, reason: str, findings: list[dict[str, Any]]) -> None:
        if number != self._request:
            return
        self._end()
        errors = [Finding.from_dict(f) for f in findings if f["severity"] == "error"]
        text = in_words(f"{errors[0].message} {errors[0].cure}".strip() if errors else reason)
        self.message.tell(f"It was not exported. {text}")

    def _open_folder(self) -> None:
        if self._written is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._written)))

    # -- closing --------------------------------------------------------------------------------
    def let_go(self) -> None:
        """End what works in the background."""
        self.session.cancel()
        self.session.stop()

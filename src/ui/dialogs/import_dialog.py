"""Import of a data set: what lies there is recognised and shown before anything is written."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from PyQt5.QtCore import pyqtSignal
from PyQt5.QtGui import QDragEnterEvent, QDropEvent
from PyQt5.QtWidgets import QFileDialog, QWidget

from src.core.dataset.findings import Finding
from src.threads.data_session import DataSession
from src.ui.dialogs.import_window import ImportWindow
from src.ui.widgets.form_path import dropped_path
from src.ui.wording import in_words

_FILES = "Annotations and tables (*.json *.yaml *.yml *.csv *.tsv *.txt);;All files (*)"


class ImportDialog(ImportWindow):
    """Chooses a folder or a file, shows what was understood, imports it into the workspace.

    Reading and writing are done by a child process; nothing is written before Import is pressed.

    Attributes:
        plan: What is shown, as the data job gave it; None where there is nothing to import.

    Signals:
        imported(object, str): The `Path` of the new data set, and a sentence about it.
    """

    imported = pyqtSignal(object, str)

    def __init__(self, path: Path | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.plan: dict[str, Any] | None = None
        self._proposed = ""
        self._request = 0
        self._does = ""
        self._pictures = tempfile.TemporaryDirectory(prefix="lathe-import-", ignore_cleanup_errors=True)
        self.session = DataSession(self)
        self.session.progress.connect(self._progress)
        self.session.answered.connect(self._answered)
        self.session.failed.connect(self._failed)
        self.session.start()
        self.setAcceptDrops(True)
        self.folder_button.clicked.connect(lambda _: self._choose(folder=True))
        self.file_button.clicked.connect(lambda _: self._choose(folder=False))
        self.target_button.clicked.connect(lambda _: self._choose_target())
        self.path.dropped.connect(lambda text: self.look_at(Path(text)))
        self.path.editingFinished.connect(self._typed)
        self.format.activated.connect(lambda _: self._look(self.format.currentIndex(), ""))
        self.merge.activated.connect(
            lambda _: self._look(self.format.currentIndex(), self.merge.currentData())
        )
        self.start_button.clicked.connect(lambda _: self.start())
        self.close_button.clicked.connect(self.close)
        self.working.cancelled.connect(self.cancel)
        self._looked_at = ""
        self._show_start()
        if path is not None:
            self.look_at(path)

    # -- looking --------------------------------------------------------------------------------
    def look_at(self, path: Path) -> None:
        """Recognise what lies there and show it."""
        self.path.setText(str(path))
        self._looked_at = str(path)
        self.format.clear()
        self._look(0, "")

    def _typed(self) -> None:
        text = self.path.text().strip()
        if text and text != self._looked_at:
            self.look_at(Path(text).expanduser())

    def _look(self, choice: int, merge: str) -> None:
        self.session.cancel()
        self._does = "look"
        self.plan = None
        self._request = self.session.ask(
            "look", path=self._looked_at, choice=choice, merge=merge, pictures=self._pictures.name
        )
        self.working.begin("Looking at the files")
        self.say_nothing("", "")
        self._show_start()

    def _choose(self, folder: bool) -> None:
        start = self._looked_at or str(Path.home())
        if folder:
            chosen = QFileDialog.getExistingDirectory(self, "Import: choose a folder", start)
        else:
            chosen, _ = QFileDialog.getOpenFileName(self, "Import: choose a file", start, _FILES)
        if chosen:
            self.look_at(Path(chosen))

    def _choose_target(self) -> None:
        start = str(Path(self.target.text() or self._proposed or Path.home()).parent)
        chosen = QFileDialog.getExistingDirectory(self, "Folder in which the data set is made", start)
        if chosen:
            self.target.setText(str(Path(chosen) / Path(self._proposed or "data").name))

    # -- importing ------------------------------------------------------------------------------
    def start(self) -> None:
        """Import what is shown."""
        if self.plan is None or not self.start_button.isEnabled():
            return
        target = self.target.text().strip()
        self._does = "carry_out"
        self._request = self.session.ask("carry_out", to="" if target == self._proposed else target)
        self.working.begin("Importing")
        self._show_start()

    def cancel(self) -> None:
        """End what is worked on; nothing half-written is left."""
        self.session.cancel()
        was, self._does = self._does, ""
        self.working.hide()
        if was == "look":
            self.say_nothing("Cancelled", "Choose a folder or a file, or drop it here.")
        else:
            self.tell("Cancelled; nothing was left behind.", "info")
        self._show_start()

    # -- answers --------------------------------------------------------------------------------
    def _progress(self, number: int, done: int, total: int, what: str) -> None:
        if number == self._request and self._does:
            self.working.tell(done, total, what)

    def _answered(self, number: int, answer: dict[str, Any]) -> None:
        if number != self._request:
            return
        was, self._does = self._does, ""
        self.working.hide()
        if was == "look":
            self.plan = answer["plan"]
            self._proposed = answer["folder"]
            self.show_plan(answer)
            self._show_start()
            return
        folder = Path(answer["folder"])
        if answer["unchanged"]:
            said = (
                f"The same import was made before, and nothing has changed since: it is opened from {folder}."
            )
        else:
            said = f"Imported into {folder}. The original was not changed."
        self.imported.emit(folder, said)
        self.accept()

    def _failed(self, number: int, reason: str, findings: list[dict[str, Any]]) -> None:
        if number != self._request:
            return
        was, self._does = self._does, ""
        self.working.hide()
        first = Finding.from_dict(findings[0]) if findings else None
        text = in_words(f"{first.message} {first.cure}".strip() if first else reason)
        if was == "look":
            self.say_nothing("Nothing to import", text)
        else:
            self.tell(f"It was not imported. {text}")
        self._show_start()

    def _show_start(self) -> None:
        errors = sum(f["severity"] == "error" for f in (self.plan or {}).get("findings", []))
        ready = self.plan is not None and not errors and not self._does
        self.start_button.setEnabled(ready)
        why = "Write the data set and open it"
        if errors:
            why = "The errors on the left keep it from being imported."
        elif not ready:
            why = "Wait until the work has ended." if self._does else "Choose a folder or a file first."
        self.start_button.setToolTip(why)
        for widget in (self.format, self.merge, self.target, self.target_button):
            widget.setEnabled(self._does != "carry_out")

    # -- dropping and closing -------------------------------------------------------------------
    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """A folder or a file may be dropped anywhere."""
        if dropped_path(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Look at what was dropped."""
        if path := dropped_path(event.mimeData()):
            event.acceptProposedAction()
            self.look_at(Path(path))

    def let_go(self) -> None:
        """End what works in the background."""
        self.session.cancel()
        self.session.stop()
        self._pictures.cleanup()

"""Which page shows the results of which job. Pages are imported when they are needed."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, Protocol

from PyQt5.QtCore import QUrl
from PyQt5.QtGui import QDesktopServices, QFont
from PyQt5.QtWidgets import QHBoxLayout, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from src.tasks.catalog import TASKS
from src.ui.dialogs.train_bars import button
from src.ui.dialogs.transfer_parts import sentence
from src.ui.icons import icon
from src.ui.theme import sized_font

#: Job, or ``JobInfo.page`` where a job has another one, to the class of the page.
PAGES = {
    "classes": "src.ui.widgets.class_page:ClassPage",
    "evaluate": "src.ui.widgets.evaluation_page:EvaluationPage",
    "predict": "src.ui.widgets.prediction_page:PredictionPage",
    "export": "src.ui.widgets.export_page:ExportPage",
    "rank": "src.ui.widgets.rank_page:RankPage",
    "pseudo_label": "src.ui.widgets.pseudo_page:PseudoPage",
}
#: Files of a job's folder that are the machinery's own.
_MACHINERY = ("config.yaml", "events.jsonl", "train.log", "command.json", "job.json", ".lock")


class ResultPage(Protocol):
    """What a page of results can do. It may have signals ``dataset_asked(object)``, ``failed(str)`` a method
    ``close_page()`` that ends what it reads in the background, and ``shows_said = True`` (``shows_notes = True``) where it
    shows the sentences (the warnings) of the job itself; ``shows_figures = True`` where it counts what the job's ``figures``
    count.
    """

    def open_folder(self, path: Path) -> None:
        """Show the results in the folder of a job, finished or not; called again when it has ended."""

    def tell(self, event: Any) -> None:
        """An event of the job while it works."""


def make_page(task: str, job: str) -> QWidget:
    """The page for the results of a job; a list of its files where no page was made for it."""
    look = TASKS[task].look if task in TASKS else None
    if job == "predict" and look is not None and look.views is not None and look.views.predicted:
        from src.ui.widgets.said_page import SaidPage

        return SaidPage(task, look)
    info = TASKS[task].jobs.get(job) if task in TASKS else None
    named = PAGES.get((info.page if info else "") or job)
    if named is None:
        return FilesPage()
    module, _, name = named.partition(":")
    made: QWidget = getattr(importlib.import_module(module), name)()
    return made


def result_files(folder: Path) -> list[Path]:
    """What a job wrote, without what belongs to the machinery; folders last."""
    try:
        found = [p for p in folder.iterdir() if p.name not in _MACHINERY and not p.name.startswith(".")]
    except OSError:
        return []
    return sorted(found, key=lambda p: (p.is_dir(), p.name.lower()))


def size_text(path: Path) -> str:
    """``12.3 MB`` of a file; nothing of a folder."""
    try:
        size = float(path.stat().st_size)
    except OSError:
        return ""
    if path.is_dir():
        return ""
    for unit in ("bytes", "KB", "MB"):
        if size < 1000:
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} GB"


class FilesList(QListWidget):
    """The files of a folder; Enter or a double click opens one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Files that were written")
        self.itemActivated.connect(self._open)

    def show_folder(self, folder: Path) -> None:
        """List what a job wrote there."""
        self.clear()
        for path in result_files(folder):
            size = size_text(path)
            item = QListWidgetItem(icon("folder" if path.is_dir() else "report", "muted"),
                                   f"{path.name}   {size}" if size else path.name)  # fmt: skip
            item.setToolTip(str(path))
            self.addItem(item)

    @staticmethod
    def _open(item: QListWidgetItem) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(item.toolTip()))


class FilesPage(QWidget):
    """The files that a job wrote."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder: Path | None = None
        self._title = sentence("Files")
        self._title.setFont(sized_font(self, 1.05, QFont.DemiBold))
        self.files = FilesList()
        self._again = button("&Look again", "List the files again")
        self._again.clicked.connect(lambda _: self._folder and self.open_folder(self._folder))
        row = QHBoxLayout()
        row.addWidget(self._title, 1)
        row.addWidget(self._again)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 10, 16, 16)
        column.setSpacing(8)
        column.addLayout(row)
        column.addWidget(self.files, 1)

    def open_folder(self, path: Path) -> None:
        """List what is there."""
        self._folder = path
        self.files.show_folder(path)

    def tell(self, event: Any) -> None:
        """Nothing is shown while the job works."""

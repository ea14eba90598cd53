"""What can be done with a trained model, as a menu."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QMenu, QWidget

from src.ui.icons import icon

#: Id of a job to its words in a menu and its icon; jobs that are not here have their title and a plain one.
JOB_WORDS = {
    "evaluate": ("&Evaluate…", "evaluate"),
    "predict": ("&Predict…", "predict"),
    "rank": ("Label &Next…", "rank"),
    "pseudo_label": ("Pseudo-La&bels…", "pseudo-label"),
    "export": ("E&xport…", "export"),
}


def has_model(folder: Any) -> bool:
    """Whether a run has a model that can be used."""
    return bool(
        (folder.checkpoints / "index.json").is_file() or (folder.path / "model.safetensors").is_file()
    )


def add_jobs(menu: QMenu, do: Callable[[str], None]) -> None:
    """Put all jobs into a menu; ``do`` is called with the id."""
    for job, (text, picture) in JOB_WORDS.items():
        action = menu.addAction(icon(picture), text)
        action.setObjectName(f"job:{job}")
        action.triggered.connect(lambda _=False, job=job: do(job))


class JobMenu(QMenu):
    """The jobs, with icons in the colours of the theme."""

    def __init__(self, do: Callable[[str], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        add_jobs(self, do)
        self.aboutToShow.connect(self._dress)

    def _dress(self) -> None:
        for action in self.actions():
            action.setIcon(icon(JOB_WORDS[action.objectName().removeprefix("job:")][1]))


def model_menu(
    parent: QWidget, do: Callable[[str], None], of_run: bool, usable: bool, starred: bool
) -> QMenu:
    """What can be done with a model of the library; ``do`` is called with ``train``, ``run``, ``job:evaluate``, …."""
    menu = QMenu(parent)
    menu.setAttribute(Qt.WA_DeleteOnClose)

    def entry(order: str, text: str, picture: str) -> None:
        action = menu.addAction(icon(picture), text)
        action.setObjectName(order)
        action.triggered.connect(lambda _=False: do(order))

    if usable:
        entry("train", "&Train from It…", "train")
        add_jobs(menu, lambda job: do(f"job:{job}"))
        menu.addSeparator()
    if of_run:
        entry("run", "&Show Run", "run-folder")
    entry("folder", "Open &Folder", "folder")
    entry("star", "Remove Sta&r" if starred else "Sta&r", "star")
    entry("remove", "Re&move…" if of_run else "Take Off the &List", "trash")
    return menu

"""What can be done with predictions as a whole: open what was written, make a data set of what was accepted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PyQt5.QtCore import pyqtSignal
from PyQt5.QtWidgets import QHBoxLayout, QMenu, QWidget

from src.ui.dialogs.train_bars import button
from src.ui.files import open_file
from src.ui.text import count

if TYPE_CHECKING:
    from src.core.prediction.datasets import Made
    from src.threads.predictions_tail import DecisionKeeper

#: Words and the file or folder, relative to the results.
FILES = (
    ("&Report", "report/index.html"),
    ("&Objects as a table (objects.csv)", "objects.csv"),
    ("&COCO file (coco.json)", "coco.json"),
    ("&Masks", "masks"),
    ("O&verlays", "overlays"),
    ("&Probabilities", "probabilities"),
    ("&Folder of the results", "."),
)


class PredictionActions(QWidget):
    """Two buttons.

    Signals:
        dataset_asked(): Make a data set of the accepted images.
    """

    dataset_asked = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder = Path()
        self.make = button("Make a &data set of the accepted", "")
        self.make.clicked.connect(lambda _: self.dataset_asked.emit())
        self.files = button("Open fi&les", "Open what the job wrote: report, tables, masks")
        self.menu = QMenu(self.files)
        self.menu.setToolTipsVisible(True)
        self.menu.aboutToShow.connect(self._look)
        self.files.setMenu(self.menu)
        for words, name in FILES:
            action = self.menu.addAction(words)
            action.setData(name)
            action.triggered.connect(lambda _, name=name: open_file(str((self._folder / name).resolve())))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.make)
        row.addWidget(self.files)
        self.show_accepted(0, False)

    def put(self, folder: Path) -> None:
        """The results are in this folder."""
        self._folder = folder

    @property
    def lists_objects(self) -> bool:
        """Whether the job lists objects."""
        return (self._folder / "objects.jsonl").is_file()

    def show_accepted(self, accepted: int, works: bool) -> None:
        """How many images are accepted; ``works``: a data set is being made."""
        self.make.setEnabled(accepted > 0 and not works)
        self.make.setText("Making the &data set…" if works else "Make a &data set of the accepted")
        self.make.setToolTip(
            f"Make a data set of {count(accepted, 'accepted image')} with their masks, marked as made by a model, and open it"
            if accepted
            else "Accept some images first"
        )

    def _look(self) -> None:
        """Only what is there can be opened."""
        for action in self.menu.actions():
            there = (self._folder / str(action.data())).exists()
            action.setEnabled(there)
            action.setToolTip("" if there else "The job has not written it, or was not asked to")


def make_dataset(folder: Path, keeper: DecisionKeeper | None) -> Made:
    """Make a data set of the accepted images in the workspace; for a thread.

    Raises:
        ValueError, OSError: a sentence says why there is none.
    """
    from src.core.dataset.formats.writing import ImportFailedError
    from src.core.prediction.datasets import export_accepted, free_folder
    from src.core.prediction.decisions import DecisionsError

    if keeper is not None:
        keeper.wait_kept()
    try:
        return export_accepted(folder, free_folder(f"{folder.name}_accepted"))
    except (ImportFailedError, DecisionsError) as error:
        raise ValueError(str(error)) from None

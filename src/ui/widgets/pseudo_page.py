"""What came of making pseudo-labels: in sentences, with pictures, and the way to the data set that was made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PyQt5.QtCore import pyqtSignal
from PyQt5.QtWidgets import QFrame, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from src.core.run.library_work import ending
from src.ui.dialogs.train_bars import button
from src.ui.dialogs.transfer_parts import heading, sentence
from src.ui.theme import set_role
from src.ui.widgets.empty import EmptyState
from src.ui.widgets.picture_grid import GridEntry, PictureGrid

_MOST_PICTURES = 60
_HONEST = (
    "These labels are the model's own opinion and are kept apart from those of people. Pixels of which it was not sure are "
    "ignored in training. Measure a model that was trained on them on images that people labelled."
)


class PseudoPage(QWidget):
    """The data sets that were made, and what they look like.

    Signals:
        dataset_asked(object): The person wants to see this folder (`Path`) as a data set.
    """

    dataset_asked = pyqtSignal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._made: list[Path] = []
        self.honest = QFrame()
        set_role(self.honest, "info")
        box = QVBoxLayout(self.honest)
        box.setContentsMargins(12, 8, 12, 8)
        box.addWidget(sentence(_HONEST))
        self.open_made = button(
            "Open as &data set", "Look at the images with their pseudo-labels, and train on them"
        )
        self.open_combined = button(
            "Open the &combined data set",
            "The pseudo-labels together with the labels of people, each marked as such",
        )
        self.open_made.clicked.connect(lambda _: self._ask(0))
        self.open_combined.clicked.connect(lambda _: self._ask(1))
        set_role(self.open_made, "primary")
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.open_made)
        row.addWidget(self.open_combined)
        row.addStretch(1)
        self.pictures_title = heading("What was labelled")
        self.grid = PictureGrid("Images with their pseudo-labels")
        full = QWidget()
        column = QVBoxLayout(full)
        column.setContentsMargins(16, 8, 16, 16)
        column.setSpacing(10)
        column.addWidget(self.honest)
        column.addLayout(row)
        column.addWidget(self.pictures_title)
        column.addWidget(self.grid, 1)
        self.empty = EmptyState(
            "pseudo-label",
            "No data set yet",
            "It is made when all images are labelled; stopped before that, none is made.",
        )
        self.stack = QStackedWidget()
        self.stack.addWidget(self.empty)
        self.stack.addWidget(full)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.stack)

    # -- ResultPage -----------------------------------------------------------------------------
    def open_folder(self, path: Path) -> None:
        """Show what was made by the job in this folder."""
        ended = ending(path)
        named = [str(ended.get(key) or "") for key in ("dataset", "combined")]
        self._made = [Path(name) if name else Path() for name in named]
        for made, widget, name in zip(self._made, (self.open_made, self.open_combined), named, strict=True):
            widget.setVisible(bool(name))
            there = bool(name) and made.is_dir()
            widget.setEnabled(there)
            if name and not there:
                widget.setToolTip(f"{made} is not there any more.")
        self.stack.setCurrentIndex(int(bool(named[0])))
        overlays = sorted((path / "overlays").rglob("*.jpg"))[:_MOST_PICTURES]
        self.pictures_title.setVisible(bool(overlays))
        self.grid.setVisible(bool(overlays))
        self.grid.show_entries([GridEntry(str(p), p.stem, str(p)) for p in overlays])

    def tell(self, event: Any) -> None:
        """Nothing is shown before the data set is complete."""

    def _ask(self, which: int) -> None:
        self.dataset_asked.emit(self._made[which])

    def close_page(self) -> None:
        """End what reads in the background."""
        self.grid.close_loader()

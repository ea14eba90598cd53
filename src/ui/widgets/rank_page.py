"""Which images to label next: small pictures in their order, with what speaks for each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PyQt5.QtWidgets import QApplication, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from src.ui.dialogs.train_bars import button
from src.ui.dialogs.transfer_parts import sentence
from src.ui.files import show_in_folder
from src.ui.text import count, number
from src.ui.widgets.empty import EmptyState
from src.ui.widgets.picture_grid import GridEntry, PictureGrid

_DOCUMENT, _TABLE = "ranking.json", "ranking.csv"
_MOST_SHOWN = 500
#: An image that likeness to one above it costs more than a tenth of its worth says so.
_MUCH_LESS = 0.9


class RankPage(QWidget):
    """The suggestions of a ranking."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder: Path | None = None
        self.about = sentence("", "muted")
        self.copied = sentence("", "muted")
        self.copied.setWordWrap(False)
        self.copy = button("&Copy list", "Copy the paths of the marked images (of all, where none is marked)")
        self.reveal = button("&Show table", f"Show {_TABLE}, which holds all images with their numbers")
        self.copy.clicked.connect(lambda _: self.copy_list())
        self.reveal.clicked.connect(lambda _: self._reveal())
        self.grid = PictureGrid("Images to label next")
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.about, 1)
        row.addWidget(self.copied)
        row.addWidget(self.copy)
        row.addWidget(self.reveal)
        full = QWidget()
        column = QVBoxLayout(full)
        column.setContentsMargins(16, 8, 16, 16)
        column.setSpacing(8)
        column.addLayout(row)
        column.addWidget(self.grid, 1)
        self.empty = EmptyState(
            "rank", "No order yet", "When all images are measured, those to label first stand here."
        )
        self.stack = QStackedWidget()
        self.stack.addWidget(self.empty)
        self.stack.addWidget(full)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.stack)

    # -- ResultPage -----------------------------------------------------------------------------
    def open_folder(self, path: Path) -> None:
        """Show the suggestions in the folder of a ranking."""
        self._folder = path
        document = _read(path / _DOCUMENT)
        suggested = [row for row in document.get("suggested") or [] if isinstance(row, dict)]
        self.stack.setCurrentIndex(int(bool(suggested)))
        self.reveal.setEnabled((path / _TABLE).is_file())
        more = f" (the first {_MOST_SHOWN} are shown)" if len(suggested) > _MOST_SHOWN else ""
        alike = " An image that is like one above it stands lower, however unsure the model is of it."
        self.about.setText(
            f"{count(len(suggested), 'image')} of {int(document.get('images') or len(suggested)):,} to label next, "
            f"the most valuable first{more}.{alike if document.get('diversity') else ''} What the numbers mean is in the report."
        )
        places = {row.get("image"): row.get("rank") for row in suggested}
        self.grid.show_entries(
            [_entry(place, row, places) for place, row in enumerate(suggested[:_MOST_SHOWN], 1)]
        )

    def tell(self, event: Any) -> None:
        """There is no order before all images are measured."""

    # -- what is done with it -------------------------------------------------------------------
    def copy_list(self) -> None:
        """The paths to the clipboard, a line each."""
        chosen = self.grid.chosen()
        QApplication.clipboard().setText("\n".join(entry.path for entry in chosen))
        self.copied.setText(f"{count(len(chosen), 'path')} copied")

    def _reveal(self) -> None:
        if self._folder is not None:
            show_in_folder(str(self._folder / _TABLE))

    def close_page(self) -> None:
        """End what reads in the background."""
        self.grid.close_loader()


def _entry(place: int, row: dict[str, Any], places: dict[Any, Any]) -> GridEntry:
    """``places`` has the rank of each image by its name."""
    name = Path(str(row.get("image") or row.get("path") or "")).name
    parts = [f"unsure {number(row.get('uncertainty'), 2)}"]
    if row.get("novelty") is not None:
        parts.append(f"new {number(row['novelty'], 2)}")
    worth, gain = row.get("worth"), row.get("gain")
    if worth and gain is not None and gain < _MUCH_LESS * worth and places.get(row.get("most_like")):
        parts.append(f"like {places[row['most_like']]}.")
    like = f"\nMost like {row['most_like']}, which comes before it." if row.get("most_like") else ""
    words = f"{row.get('rank') or place}.\u00a0{name}\n{' · '.join(parts)}"
    return GridEntry(str(row.get("path") or ""), words, f"{row.get('path')}\n{', '.join(parts)}{like}")


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}

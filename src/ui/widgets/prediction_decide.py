"""What a person decides about predicted images: the buttons, and how it is kept."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PyQt5.QtCore import QObject, pyqtSignal
from PyQt5.QtWidgets import QCheckBox, QPushButton, QWidget

from src.threads.predictions_tail import ACCEPTED, REJECTED, UNDECIDED, DecisionKeeper
from src.ui.dialogs.train_bars import button
from src.ui.icons import icon
from src.ui.widgets.flow import FlowLayout
from src.ui.widgets.prediction_table import Array, ImageTable


class Decisions(QObject):
    """Decides about the images of a table; what is decided is written beside the window's thread.

    Attributes:
        keeper: Writes; None before the first decision.
        broken: The file of the decisions is damaged: nothing can be decided.

    Signals:
        changed(): Verdicts of the table are others.
        failed(str): Decisions could not be kept; the table says again what counts.
    """

    changed = pyqtSignal()
    failed = pyqtSignal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.keeper: DecisionKeeper | None = None
        self.broken = False
        self._table, self._folder = ImageTable(), Path()

    def put(self, table: ImageTable, folder: Path) -> None:
        """Decide about these images from now on."""
        self.stop()
        self.broken, self._table, self._folder = False, table, folder

    def decide(self, rows: Array, verdict: int) -> bool:
        """Accept, reject or leave open; whether there was something to decide."""
        if self.broken:
            return False
        names, sources = self._table.decide(rows, verdict)
        if not names:
            return False
        if self.keeper is None:
            self.keeper = DecisionKeeper(self._folder)
            self.keeper.failed.connect(self._not_kept)
        self.keeper.decide(verdict, names, sources)
        self.changed.emit()
        return True

    def verdict(self, row: int) -> int | None:
        """Of an image; None where there is nothing to decide."""
        if row < 0 or row in self._table.errors or self.broken:
            return None
        return int(self._table.column("verdict")[row])

    def stop(self) -> None:
        """End; what was decided is written."""
        if self.keeper is not None:
            self.keeper.failed.disconnect(self._not_kept)
            self.keeper.stop()
            self.keeper = None

    def _not_kept(self, words: str, verdicts: list[tuple[str, int]]) -> None:
        for name, verdict in verdicts:
            row = self._table.row(name)
            if row is not None:
                self._table.column("verdict")[row] = verdict
        self.changed.emit()
        self.failed.emit(words)


class DecisionBar(QWidget):
    """Accept, reject, undecided.

    Signals:
        decided(int): The number of a verdict.
    """

    decided = pyqtSignal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = FlowLayout(self, 8)
        self.buttons: dict[int, QPushButton] = {}
        for verdict, text, key, look in (
            (ACCEPTED, "Accept", "A", ("state-completed", "good")),
            (REJECTED, "Reject", "R", ("close", "bad")),
            (UNDECIDED, "Undecided", "U", None),
        ):
            made = button(f"{text} ({key})", f"{text}: the selected images ({key})")
            made.setAccessibleName(text)
            made.setCheckable(True)
            if look:
                made.setIcon(icon(*look))
            made.clicked.connect(partial(self._decide, verdict))
            self.buttons[verdict] = made
            row.addWidget(made)
        self.go_on = QCheckBox("Go o&n")
        self.go_on.setToolTip("Show the next image after each decision about a single one")
        self.go_on.setChecked(True)
        row.addWidget(self.go_on)
        self._verdict: int | None = None

    def show_verdict(self, verdict: int | None) -> None:
        """The state of the shown image; None where there is nothing to decide."""
        self._verdict = verdict
        for number, made in self.buttons.items():
            made.setEnabled(verdict is not None)
            made.setChecked(number == verdict)

    def _decide(self, verdict: int, _: bool = False) -> None:
        self.show_verdict(self._verdict)  # the owner says what became of it
        self.decided.emit(verdict)

"""The result of a prediction: its images with masks, objects and probabilities, and what a person decides about them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtGui import QKeySequence
from PyQt5.QtWidgets import QShortcut, QStackedLayout, QWidget

from src.threads.errand import Errand
from src.threads.predictions_tail import ACCEPTED, REJECTED, UNDECIDED, FolderTail
from src.ui.dialogs.transfer_parts import heading
from src.ui.text import count
from src.ui.widgets.elided import ElidedLabel
from src.ui.widgets.empty import EmptyState
from src.ui.widgets.message_bar import MessageBar
from src.ui.widgets.prediction_actions import PredictionActions, make_dataset
from src.ui.widgets.prediction_decide import Decisions
from src.ui.widgets.prediction_files import Head, Shown
from src.ui.widgets.prediction_filter import PredictionFilter
from src.ui.widgets.prediction_layout import arranged
from src.ui.widgets.prediction_list import PredictionList
from src.ui.widgets.prediction_objects import ObjectsPanel
from src.ui.widgets.prediction_table import Filter, ImageTable, Rate
from src.ui.widgets.prediction_viewer import PredictionViewer

if TYPE_CHECKING:
    from src.core.prediction.datasets import Made


class PredictionPage(QWidget):
    """Shows a folder of predictions, also while it grows.

    Attributes:
        head: What the predictions are of; None before it is known.
        table: The images.
        decisions: About the images.
        list, filters, viewer, objects, actions, message, counts, about: The parts.
        shows_figures: How many images and objects there are, and how fast it went, stands here already.

    Signals:
        dataset_asked(object): The person wants to see this folder (`Path`) as a data set.
        caught_up(bool): All that is in the folder is shown; whether a process goes on.
    """

    dataset_asked = pyqtSignal(object)
    caught_up = pyqtSignal(bool)
    shows_figures = True

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.head: Head | None = None
        self.folder: Path | None = None
        self.table = ImageTable()
        self._tail: FolderTail | None = None
        self._errand: Errand | None = None
        self._row = -1
        self._dirty = self._complete = self._closed = self._again = False
        self._speed: float | None = None
        self._geometry = ""
        self._rate = Rate()
        self.decisions = Decisions(self)
        self.list, self.filters, self.viewer = PredictionList(), PredictionFilter(), PredictionViewer()
        self.objects, self.actions, self.message = ObjectsPanel(), PredictionActions(), MessageBar()
        self.counts, self.about = heading(""), ElidedLabel()
        self.about.setProperty("role", "muted")
        self._empty = EmptyState(
            "predict", "No image is done yet", "Each image appears here as soon as it is predicted."
        )
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self._empty)
        self._stack.addWidget(arranged(self))
        self._connect()

    def _connect(self) -> None:
        self.list.wanted.connect(self._show_row)
        self.filters.changed.connect(self._filter)
        self.viewer.loaded.connect(self._loaded)
        self.viewer.picked.connect(self._picked)
        self.viewer.decisions.decided.connect(self.decide)
        self.viewer.step_asked.connect(self.list.step)
        self.decisions.changed.connect(self._show_decisions)
        self.decisions.failed.connect(self.message.tell)
        self.objects.chosen.connect(lambda number: self.viewer.mark(number, True))
        self.actions.dataset_asked.connect(self._make_dataset)
        for place in (self.list, self.viewer, self.objects):
            self._keys(place, (("A", partial(self.decide, ACCEPTED)), ("R", partial(self.decide, REJECTED)),
                               ("U", partial(self.decide, UNDECIDED)), ("N", partial(self.list.step, 1)),
                               ("P", partial(self.list.step, -1))))  # fmt: skip
        pages = (("PgDown", partial(self.list.step, 1)), ("PgUp", partial(self.list.step, -1)))
        self._keys(self.viewer, pages)
        self._keys(self, (("Ctrl+F", self.filters.text.setFocus),))

    @staticmethod
    def _keys(place: QWidget, keys: tuple[tuple[str, Any], ...]) -> None:
        for key, slot in keys:
            made = QShortcut(QKeySequence(key), place, context=Qt.WidgetWithChildrenShortcut)
            made.activated.connect(slot)

    # ---- ResultPage

    def open_folder(self, path: Path) -> None:
        """Show the predictions in this folder, finished or not; called again it reads what was added."""
        path = Path(path)
        if path != self.folder:
            self._leave()
            self.folder, self.head, self.table = path, None, ImageTable()
            self._row, self._speed, self._geometry, self._complete, self._rate = -1, None, "", False, Rate()
            self.decisions.put(self.table, path)
            self.message.hide()
            self.list.show_table(self.table, path)
            self.viewer.show_nothing()
            self._stack.setCurrentIndex(0)
            self._empty.set_text("Reading the predictions…", "")
        self._follow()

    def tell(self, event: Any) -> None:
        """The job of this folder has said something: it works."""
        self._follow()

    def close_page(self) -> None:
        """End what works in the background; what was decided is kept."""
        self._closed = True
        self._leave()
        self.viewer.stop()
        self.list.stop()

    def _leave(self) -> None:
        if self._tail is not None:
            tail = self._tail
            tail.stop()
            for signal in (tail.begun, tail.rows, tail.told, tail.caught_up, tail.failed):
                signal.disconnect()  # what is under way does not come any more, too
            tail.finished.disconnect(self._ended)
        self.decisions.stop()
        if self._errand is not None:
            self._errand.stop()
        self._tail = self._errand = None

    def _follow(self) -> None:
        if self.folder is None or self._closed:
            return
        if self._tail is not None and self._tail.isRunning():
            self._again = True  # it may just be ending
            return
        tail = self._tail = FolderTail(self.folder, self._tail)
        tail.begun.connect(self._begun)
        tail.rows.connect(self._take)
        tail.told.connect(self._told)
        tail.caught_up.connect(self._caught_up)
        tail.failed.connect(self._failed)
        tail.finished.connect(self._ended)
        tail.start()

    def _ended(self) -> None:
        if self._again:
            self._again = False
            self._follow()

    # ---- what comes from the folder

    def _begun(self) -> None:
        if self.head is not None or self.folder is None:
            return
        try:
            self.head = Head.read(self.folder)
        except ValueError as error:
            self._leave()
            self._stack.setCurrentIndex(0)
            self._empty.set_text("These predictions cannot be shown", str(error))
            return
        self.viewer.put(self.head)
        self.filters.put(self.head.classes, self.head.background)
        self.actions.put(self.folder)
        self._show_about()

    def _take(self, rows: list[Any]) -> None:
        if self.head is None:
            return
        first = len(self.table)
        again = self.table.add(rows)
        if again:
            self.list.forget_pictures()
            if self._row in again:
                self._show_row(self._row)
        self._dirty |= not self.list.images.append(first)
        if self._complete:
            self._rate.note(len(self.table))
        self._stack.setCurrentIndex(1)
        if not self.list.currentIndex().isValid() and len(self.list.images.rows):
            self.list.go_to(0)
        self._show_counts()

    def _told(self, kind: str, value: Any) -> None:
        if kind == "geometry":
            self._geometry = str(value)
            self._show_about()
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            self._speed = float(value)
        self._show_counts()

    def _caught_up(self, alive: bool) -> None:
        if self._dirty:
            self._dirty = False
            self.list.show_only(self.filters.wanted)
        if not self._complete:
            self._complete = True
            self._rate.note(len(self.table))
        if self._stack.currentIndex() == 0 and self.folder is not None:
            if alive:
                title = "No image is done yet" if self.head else "The job begins"
                self._empty.set_text(title, "Each image appears here as soon as it is predicted.")
            elif self.head is None:
                self._empty.set_text(
                    "There are no predictions yet", "They appear here when the job has loaded its model."
                )
            else:
                self._empty.set_text(
                    "No image was predicted", "The job ended before its first image. Start it again to go on."
                )
        self._show_counts(alive)
        self.caught_up.emit(alive)

    def _failed(self, words: str) -> None:
        self.decisions.broken |= "decisions.json" in words
        self._show_decisions()
        self.message.tell(words)

    def _show_about(self) -> None:
        if self.head is not None:
            self.about.setText(f"{self.head.words} {self._geometry}".strip())

    def _show_counts(self, alive: bool = True) -> None:
        totals = self.table.totals()
        parts = [count(totals["images"], "image"), count(totals["objects"], "object")]
        parts += [f"{totals['failed']:,} failed"] * bool(totals["failed"])
        parts += [f"{totals['accepted']:,} accepted"] * bool(totals["accepted"])
        parts += [f"{totals['rejected']:,} rejected"] * bool(totals["rejected"])
        speed = self._rate.value if self._speed is None and alive else self._speed
        parts += [f"{speed:.3g} images/s"] if speed else []
        self.counts.setText(" · ".join(parts))
        self.actions.show_accepted(totals["accepted"], self._errand is not None)
        self.filters.show_count(len(self.list.images.rows), len(self.table))

    # ---- which image, which object

    def _filter(self, wanted: Filter) -> None:
        self.list.show_only(wanted)
        self._show_counts()

    def _show_row(self, row: int) -> None:
        self._row = row
        self.objects.say("Reading…" if row >= 0 else "")
        if row < 0:
            self.viewer.show_nothing()
            self.objects.say("No image passes the filters." if len(self.table) else "")
            return
        self.viewer.show_image(self.table.names[row], int(self.table.column("begins")[row]))
        self.viewer.decisions.show_verdict(self.decisions.verdict(row))

    def _loaded(self, shown: Shown) -> None:
        found = shown.prediction
        if self.head is None or found is None or found.error:
            self.objects.say("There is no prediction of this image.")
            return
        self.objects.put(shown.objects, self.head.classes, self.actions.lists_objects, found.objects)

    def _picked(self, number: int) -> None:
        self.viewer.mark(number, False)
        self.objects.select(number)

    # ---- decisions

    def decide(self, verdict: int) -> None:
        """Accept, reject or leave open the selected images; kept in their folder at once."""
        rows = self.list.chosen()
        if (
            self.decisions.decide(rows, verdict)
            and len(rows) == 1
            and self.viewer.decisions.go_on.isChecked()
        ):
            self.list.step(1)

    def _show_decisions(self) -> None:
        self.list.viewport().update()
        self.viewer.decisions.show_verdict(self.decisions.verdict(self._row))
        self._show_counts()

    def _make_dataset(self) -> None:
        if self.folder is None or self._errand is not None:
            return
        self._errand = Errand(partial(make_dataset, self.folder, self.decisions.keeper), self)
        self._errand.done.connect(self._made)
        self._errand.failed.connect(self._not_made)
        self._errand.start()
        self._show_counts()

    def _made(self, made: Made) -> None:
        self._errand = None
        more = " ".join(f"{finding.message} {finding.cure}" for finding in made.findings)
        self.message.tell(f"A data set of {count(made.images, 'accepted image')} was made: {made.folder}. {more}".strip(),
                          "warn" if more else "good")  # fmt: skip
        self._show_counts()
        self.dataset_asked.emit(made.folder)

    def _not_made(self, words: str) -> None:
        self._errand = None
        self.message.tell(words)
        self._show_counts()

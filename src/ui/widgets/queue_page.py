"""The queue of runs: its order, what it does now, and the buttons that change it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PyQt5.QtCore import QModelIndex, Qt, pyqtSignal
from PyQt5.QtGui import QResizeEvent
from PyQt5.QtWidgets import QWidget

from src.core.run.queue import RunQueue
from src.threads.errand import Errand
from src.threads.queue_watcher import QueueRow, QueueWatcher, hold, rows_of
from src.ui import queueing
from src.ui.dialogs.train_bars import button
from src.ui.dialogs.transfer_parts import heading
from src.ui.icons import icon
from src.ui.text import count
from src.ui.theme import theme
from src.ui.widgets.elided import ElidedLabel
from src.ui.widgets.empty import EmptyState
from src.ui.widgets.note_bar import NoteBar
from src.ui.widgets.queue_table import QueueTable
from src.ui.widgets.rows_table import ROW, lay_out_list
from src.ui.widgets.tables import table

#: The columns that share what the others leave, and the share of the first.
_RUN, _CAUSE, _SHARE = 1, 6, 0.5


def _watch() -> Any:
    return QueueWatcher()


class QueuePage(QWidget):
    """Table and buttons. The queue goes on when this is closed.

    Attributes:
        watcher: Makes the object that watches the queue; replaced in tests.
        tool_icon: Of its tab.

    Signals:
        run_asked(object): Show the run in this folder (`Path`).
        failed(str): Something could not be done; cause and cure.
    """

    run_asked = pyqtSignal(object)
    failed = pyqtSignal(str)
    watcher: Callable[[], Any] = staticmethod(_watch)
    tool_icon = "queue"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.paused = False
        self._watcher: Any = None
        self._keep_chosen = 0
        self._heading = heading("Queue", 1.25)
        self._about = ElidedLabel()
        self._about.setProperty("role", "muted")
        self.hold = button("&Pause queue", "Start nothing further; what runs goes on")
        self.up = button("&Up", "Start it earlier (Alt+Up)")
        self.down = button("&Down", "Start it later (Alt+Down)")
        self.out = button("&Take out", "Take it off the queue (Delete)")
        self.clear = button("&Clear ended", "Take all that have ended off this list; the runs stay")
        self.up.setShortcut("Alt+Up")
        self.down.setShortcut("Alt+Down")
        self.out.setShortcut("Del")
        self.note = NoteBar()
        self.model = QueueTable(self)
        self.view = table("Queue")
        self.view.setSelectionMode(self.view.SingleSelection)
        self.view.setModel(self.model)
        self.view.setWordWrap(False)
        self.view.setTextElideMode(Qt.ElideMiddle)  # the number at the end tells runs apart
        self.empty = EmptyState(
            "queue", "Nothing is queued", "In the training window, “Add to queue” puts a run here. Runs start one after the "
            "other, one on each device, also when this window is closed.",
        )  # fmt: skip
        self._lay_out()
        self._connect()
        theme().changed.connect(self._dress)
        self._dress()
        self._show_buttons()

    def _lay_out(self) -> None:
        bar = (self._heading, self._about, self.up, self.down, self.out, self.clear, self.hold)
        self.stack = lay_out_list(self, bar, self.note, self.empty, self.view)
        self.view.horizontalHeader().setStretchLastSection(True)

    def _connect(self) -> None:
        self.hold.clicked.connect(lambda _: self.pause_or_go())
        self.up.clicked.connect(lambda _: self.move(-1))
        self.down.clicked.connect(lambda _: self.move(1))
        self.out.clicked.connect(lambda _: self.take_out())
        self.clear.clicked.connect(lambda _: self._do(lambda: RunQueue().clear_ended()))
        self.view.activated.connect(self._open)
        self.view.selectionModel().currentRowChanged.connect(lambda *_: self._show_buttons())
        self.model.modelReset.connect(self._choose_again)

    def _dress(self) -> None:
        for widget, name in (
            (self.up, "up"),
            (self.down, "down"),
            (self.out, "close"),
            (self.clear, "reset"),
        ):
            widget.setIcon(icon(name))
        self.hold.setIcon(icon("resume" if self.paused else "pause"))
        self.view.viewport().update()

    # ---- what is shown

    def follow(self) -> None:
        """Watch the queue from now on."""
        if self._watcher is None:
            self._watcher = self.watcher()
            self._watcher.shown.connect(self.show_queue)
            self._watcher.failed.connect(self.failed)
            self._watcher.start()

    def show_queue(self, rows: list[QueueRow], paused: bool, carried_out: bool) -> None:
        """The queue now."""
        self.paused = paused
        self._keep_chosen = self._keep_chosen or (self.chosen.entry.id if self.chosen else 0)
        self.model.put(rows)
        self._keep_chosen = 0
        self.stack.setCurrentIndex(int(bool(rows)))
        waiting, running = (sum(r.entry.state == state for r in rows) for state in ("waiting", "running"))
        parts = [
            f"{count(running, 'run')} training" if running else "",
            f"{waiting:,} waiting" if waiting else "",
        ]
        words = ", ".join(filter(None, parts))
        if paused and rows:
            words = f"Paused: nothing further is started. {words}".strip()
        elif waiting and not running and carried_out:
            words += ": the device is in use by a run that was started by hand"
        self._about.setText(words)
        self._fit_columns()
        self.hold.setText("&Go on" if paused else "&Pause queue")
        self.hold.setToolTip("Start what waits" if paused else "Start nothing further; what runs goes on")
        self._dress()
        self._show_buttons()

    def _fit_columns(self) -> None:
        """Short texts whole; the name of the run and what happened share the rest."""
        header = self.view.horizontalHeader()
        left = self.view.viewport().width()
        for column in range(self.model.columnCount()):
            if column not in (_RUN, _CAUSE):
                wide = max(self.view.sizeHintForColumn(column), header.sectionSizeHint(column)) + 10
                header.resizeSection(column, wide)
                left -= wide
        header.resizeSection(_RUN, max(12 * self.fontMetrics().horizontalAdvance("m"), round(_SHARE * left)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """More room, or less."""
        super().resizeEvent(event)
        self._fit_columns()

    @property
    def chosen(self) -> QueueRow | None:
        """The row that is marked."""
        index = self.view.currentIndex()
        return index.data(ROW) if index.isValid() else None

    def choose(self, number: int) -> None:
        """Mark an entry."""
        for row, found in enumerate(self.model.rows()):
            if found.entry.id == number:
                self.view.selectRow(row)

    def _choose_again(self) -> None:
        if self._keep_chosen:
            self.choose(self._keep_chosen)

    def _show_buttons(self) -> None:
        row, rows = self.chosen, self.model.rows()
        waiting = sum(r.entry.state == "waiting" for r in rows)
        moves = row is not None and row.entry.state == "waiting"
        self.up.setEnabled(bool(moves and row and row.place > 1))
        self.down.setEnabled(bool(moves and row and row.place < waiting))
        self.out.setEnabled(row is not None and row.entry.state != "running")
        self.clear.setEnabled(any(r.entry.state == "ended" for r in rows))
        self.hold.setEnabled(bool(rows) or self.paused)

    # ---- what is done

    def move(self, by: int) -> None:
        """Start the marked run earlier (-1) or later (1)."""
        row = self.chosen
        if row is not None and row.entry.state == "waiting":
            number, place = row.entry.id, row.place + by
            self._do(lambda: RunQueue().move(number, place), number)

    def take_out(self) -> None:
        """Take the marked run off the queue."""
        row = self.chosen
        if row is not None:
            number = row.entry.id
            self._do(lambda: queueing.take_out(number), say=True)

    def pause_or_go(self) -> None:
        """Start nothing further, or go on."""
        paused = self.paused
        self._do(lambda: hold(RunQueue().go()) if paused else RunQueue().pause())

    def _do(self, work: Callable[[], Any], number: int = 0, say: bool = False) -> None:
        """Carry out in the background, for another process may hold the queue; then show how it stands."""

        def done_and_read() -> tuple[int, str, tuple[list[QueueRow], bool, bool]]:
            result = work()
            queue = RunQueue()
            state = queue.state()
            return number, str(result) if say else "", (rows_of(state), state.paused, queue.runner_alive)

        errand = Errand(done_and_read, self)
        errand.done.connect(self._done)
        errand.failed.connect(self.failed)
        errand.start()

    def _done(self, found: tuple[int, str, tuple[list[QueueRow], bool, bool]]) -> None:
        self._keep_chosen, said, shown = found
        self.show_queue(*shown)
        if said:
            self.note.tell(said)

    def _open(self, index: QModelIndex) -> None:
        run: Path = index.data(ROW).entry.run
        if index.data(ROW).state != "gone":
            self.run_asked.emit(run)

    def close_tool(self) -> None:
        """The tab goes; the queue goes on."""
        if self._watcher is not None:
            self._watcher.shown.disconnect(self.show_queue)
            self._watcher.stop()
            self._watcher = None

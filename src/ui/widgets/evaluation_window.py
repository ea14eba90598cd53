"""One evaluated image large: image, truth, prediction and errors side by side, zoomed and moved together."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from PyQt5.QtCore import QPointF, Qt, pyqtSignal
from PyQt5.QtGui import QCloseEvent, QFont, QKeySequence, QResizeEvent
from PyQt5.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QShortcut, QVBoxLayout, QWidget

from src.ui.theme import sized_font
from src.ui.widgets.evaluation_data import EvaluationData
from src.ui.widgets.evaluation_sheet import Panel, Sheet, sheet_of
from src.ui.widgets.image_loader import ImageLoader
from src.ui.widgets.image_view import ImageView
from src.ui.widgets.overlay import Overlay
from src.ui.widgets.pyramid import Pyramid

_THREADS = 2


class LinkedView(ImageView):
    """A picture that says where it is looked at, and follows others.

    Signals:
        moved(): It was zoomed or moved.
    """

    moved = pyqtSignal()

    def fit(self) -> None:
        super().fit()
        self.moved.emit()

    def zoom_by(self, factor: float, at: QPointF | None = None) -> None:
        super().zoom_by(factor, at)
        self.moved.emit()

    def move_by(self, across: float, down: float) -> None:
        super().move_by(across, down)
        self.moved.emit()

    def follow(self, other: LinkedView) -> None:
        """Look at the same place at the same scale."""
        self._fitted = other._fitted
        self._scale, self._centre = other._scale, QPointF(other._centre)
        self._tell()


class _Pane(QWidget):
    """A title, a picture, and words instead of it where there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title, self.note, self.view = QLabel(), QLabel(), LinkedView()
        self.title.setFont(sized_font(self, 1.0, QFont.DemiBold))
        self.title.setContentsMargins(8, 5, 8, 3)
        self.note.setWordWrap(True)
        self.note.setAlignment(Qt.AlignCenter)
        self.note.setProperty("role", "muted")
        self.note.setContentsMargins(16, 16, 16, 16)
        self.view.setToolTip(
            "Wheel, + and − zoom; drag or arrow keys move; 0 fits, 1 shows 1:1; all pictures move together"
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.title)
        column.addWidget(self.view, 1)
        column.addWidget(self.note, 1)

    def put(self, panel: Panel, classes: int) -> None:
        """Show this; its picture comes later."""
        self.title.setText(panel.title)
        self.view.setAccessibleName(panel.title)
        self.view.set_overlay(Overlay.of(classes))
        self.say(panel.note if panel.job is None else "")

    def say(self, words: str) -> None:
        """Words in the place of the picture; empty shows the picture."""
        self.note.setText(words)
        self.note.setVisible(bool(words))
        self.view.setVisible(not words)


class EvaluationWindow(QWidget):
    """A window over the page; Page up and Page down go to other images, Escape closes it.

    Attributes:
        panes: The pictures.

    Signals:
        stepped(int): Another line of the list is shown.
        closed(): It is closed, and will be gone.
    """

    stepped = pyqtSignal(int)
    closed = pyqtSignal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.Window)
        self.setAttribute(Qt.WA_DeleteOnClose)
        self._sheet_of: Callable[[int], Sheet] = lambda _: Sheet("", "", (), (1, 1))
        self._many, self._line, self._shown = 0, -1, 0
        self._sheet = self._sheet_of(0)
        self._following = False
        self._loader = ImageLoader(self, threads=_THREADS)
        self._loader.loaded.connect(self._loaded)
        self.panes = [_Pane() for _ in range(4)]
        self._grid = QGridLayout()
        self._grid.setSpacing(4)
        for pane in self.panes:
            pane.view.moved.connect(partial(self._follow, pane.view))
        self.words, self.legend, self._scale = QLabel(), QLabel(), QLabel()
        self.words.setTextFormat(Qt.PlainText)
        self.words.setWordWrap(True)
        self.words.setContentsMargins(12, 6, 12, 0)
        self.legend.setTextFormat(Qt.RichText)
        self._scale.setProperty("role", "muted")
        self._scale.setMinimumWidth(self.fontMetrics().horizontalAdvance("10,000 %"))
        self.panes[0].view.scaled.connect(lambda value: self._scale.setText(f"{value:.0%}"))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self._grid, 1)
        column.addWidget(self.words)
        column.addLayout(self._buttons())
        QShortcut(QKeySequence(Qt.Key_Escape), self, activated=self.close)
        self._columns = 0
        self._arrange(2)
        screen = parent.screen().availableGeometry() if parent.screen() else None
        if screen:
            self.resize(min(1280, screen.width() - 80), min(860, screen.height() - 120))

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setContentsMargins(12, 6, 12, 8)
        row.setSpacing(8)
        first = self.panes[0].view
        self.previous, self.next = QPushButton("Pre&vious"), QPushButton("&Next")
        fit, actual = QPushButton("&Fit"), QPushButton("&1:1")
        for button, slot, tip in (
            (self.previous, partial(self.step, -1), "The image before this one (Page up or P)"),
            (self.next, partial(self.step, 1), "The image after this one (Page down or N)"),
            (fit, lambda: first.fit(), "Show the whole image (0)"),
            (actual, lambda: first.actual(), "One pixel of the image for one of the screen (1)"),
        ):
            button.setToolTip(tip)
            button.setAutoDefault(False)
            button.clicked.connect(slot)
            row.addWidget(button)
        for keys, step in (((Qt.Key_PageUp, Qt.Key_P), -1), ((Qt.Key_PageDown, Qt.Key_N), 1)):
            for key in keys:
                QShortcut(QKeySequence(key), self, activated=partial(self.step, step))
        row.addWidget(self._scale)
        row.addWidget(self.legend, 1)
        return row

    # ---- what is shown

    def show_line(self, data: EvaluationData, rows: Any, line: int) -> None:
        """Show an image of an evaluation; the other lines are those that the keys go to."""
        kept = [int(row) for row in rows]
        self.show_sheets(lambda place: sheet_of(data, kept[place]), len(kept), line)

    def show_sheets(self, sheet_of: Callable[[int], Sheet], many: int, line: int) -> None:
        """Show one of many sheets."""
        self._sheet_of, self._many = sheet_of, many
        self._show(line)
        self.show()
        self.raise_()

    def step(self, step: int, _: bool = False) -> None:
        """Go so many lines further."""
        if 0 <= self._line + step < self._many:
            self._show(self._line + step)
            self.stepped.emit(self._line)

    def _show(self, line: int) -> None:
        sheet = self._sheet = self._sheet_of(line)
        self._line = line
        self._shown += 1
        self.setWindowTitle(f"{sheet.title} – {line + 1:,} of {self._many:,}")
        self.words.setText(sheet.words)
        self.legend.setText(sheet.legend)
        self.previous.setEnabled(line > 0)
        self.next.setEnabled(line + 1 < self._many)
        wishes: list[tuple[tuple[int, int, int], Callable[[], Pyramid]]] = []
        for place, pane in enumerate(self.panes):
            pane.setVisible(place < len(sheet.panels))
            if place >= len(sheet.panels):
                continue
            panel = sheet.panels[place]
            pane.view.set_picture(None)
            pane.put(panel, sheet.classes)
            for stage, job in enumerate((panel.first, panel.job)):
                if job is not None:
                    wishes.append(((self._shown, place, stage), job))
        ordered = sorted(wishes, key=_whole_last)
        self._loader.want(ordered)
        self._best_arrangement()
        for pane in self.panes:
            pane.view.fit()
        self.panes[0].view.setFocus()

    def _loaded(self, key: tuple[int, int, int], picture: Pyramid | None) -> None:
        shown, place, stage = key
        if shown != self._shown:
            return
        pane, panel = self.panes[place], self._sheet.panels[place]
        if picture is None:
            if stage == 1 and pane.view.picture is None:
                pane.say("This picture cannot be read: the file is gone or damaged.")
            return
        if stage == 0 and pane.view.picture is not None:
            return  # the whole one came first
        if (
            stage == 1
            and panel.title == "Truth"
            and not picture.labels
            and panel.job is not None
            and panel.note
        ):
            pane.say(panel.note)
            return
        pane.say("")
        leader = next((p.view for p in self.panes if p is not pane and p.view.picture is not None), None)
        self._following = True  # a new picture does not move the others
        pane.view.set_picture(picture)
        if leader is not None:
            pane.view.follow(leader)
        self._following = False

    def _follow(self, leader: LinkedView) -> None:
        if self._following or leader.picture is None:
            return
        self._following = True
        for pane in self.panes:
            if pane.view is not leader:
                pane.view.follow(leader)
        self._following = False

    # ---- arrangement

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._best_arrangement()

    def _best_arrangement(self) -> None:
        """The number of columns, without a gap in the last line, in which the pictures are largest."""
        many = max(1, len(self._sheet.panels))
        width, height = self._sheet.size

        def scale(columns: int) -> float:
            rows = -(-many // columns)
            return min(self.width() / columns / max(1, width), (self.height() - 120) / rows / max(1, height))

        whole = [columns for columns in range(1, many + 1) if many % columns == 0]
        self._arrange(max(whole, key=lambda c: (scale(c), c)))

    def _arrange(self, columns: int) -> None:
        if columns == self._columns:
            return
        self._columns = columns
        for pane in self.panes:
            self._grid.removeWidget(pane)
        for place, pane in enumerate(self.panes):
            self._grid.addWidget(pane, place // columns, place % columns)
        for number in range(4):
            self._grid.setColumnStretch(number, int(number < columns))
            self._grid.setRowStretch(number, int(number < -(-len(self.panes) // columns)))

    def closeEvent(self, event: QCloseEvent) -> None:
        self._loader.end()
        self.closed.emit()
        super().closeEvent(event)


def _whole_last(wish: tuple[tuple[int, int, int], Callable[[], Pyramid]]) -> bool:
    """The whole image, which may be large, is the first pane's second wish: kept pictures of all panes come before it."""
    (_, place, stage), _ = wish
    return place == 0 and stage == 1

"""One view of a sample on a card: its options, the plot with a cursor, the values under it, what was done to make it."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from PyQt5.QtCore import QEvent, QPointF, Qt, pyqtSignal
from PyQt5.QtGui import QFont, QKeyEvent, QResizeEvent
from PyQt5.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from src.core.dataset.shown import Shown
from src.core.dataset.views import TIME, View
from src.ui.icons import icon
from src.ui.theme import colour, sized_font, theme
from src.ui.widgets.view_canvas import Canvas
from src.ui.widgets.view_drawing import ColourScale, items_of, words_at, y_range
from src.ui.widgets.view_marks import Marks
from src.ui.widgets.view_options import ViewOptions

#: Pixels around the pointer in which a mark or a point counts as meant.
_REACH_PX = 6.0
_ZOOM = 0.7


class ViewPlot(QFrame):
    """Shows what a child process computed of one view. Wheel, drag and keys move along the x axis.

    Attributes:
        view: What it shows.
        options: Its own options.
        shown: What is drawn, or None.
        by_hand: The person chose the stretch of the x axis; else it is the one that the view begins with.

    Signals:
        moved(float, float): The person looks at this stretch of the x axis.
        pointed(object): Position of the pointer on the x axis, or None when it left.
        changed(): The person chose another value of an option.
        resized(): It is so much wider or narrower than when it was drawn that its points fit no more.
        enlarge_asked(): This view is to have all the room, or to give it back.
    """

    moved = pyqtSignal(float, float)
    pointed = pyqtSignal(object)
    changed = pyqtSignal()
    resized = pyqtSignal()
    enlarge_asked = pyqtSignal()

    def __init__(self, view: View, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = view
        self.shown: Shown | None = None
        self.by_hand = False
        self._items: list[Any] = []
        self._extent, self._drawn_for = (0.0, 1.0), 1
        self._at: float | None = None
        self.setProperty("role", "card")
        self.setFocusPolicy(Qt.StrongFocus)
        self.setAccessibleName(view.title)
        self._build()
        self._dress()
        theme().changed.connect(self._dress)

    # ---- building

    def _build(self) -> None:
        self._heading = QLabel(self.view.title)
        self._heading.setToolTip(self.view.about)
        self.options = ViewOptions(self.view.options, self._heading)
        self.options.changed.connect(self.changed)
        self.scale = ColourScale()
        self._all, self._large = QToolButton(), QToolButton()
        for button, tip, slot in (
            (self._all, "Show the whole axis (Home)", self.show_all),
            (self._large, "Only this view, or all of them again (Enter)", self.enlarge_asked.emit),
        ):
            button.setToolTip(tip)
            button.setAccessibleName(f"{tip.partition(' (')[0]}: {self.view.title}")
            button.clicked.connect(lambda _, slot=slot: slot())
            button.setStyleSheet("QToolButton { padding: 2px 4px; }")
        self._plot = Canvas()
        self._plot.box.sigRangeChangedManually.connect(self._moved_by_hand)
        self._plot.scene().sigMouseMoved.connect(self._mouse_moved)
        self._plot.viewport().installEventFilter(self)
        self._cross, self._playing = pg.InfiniteLine(angle=90), pg.InfiniteLine(angle=90)
        for line in (self._cross, self._playing):
            line.setVisible(False)
            line.setZValue(20)
            self._plot.item.addItem(line, ignoreBounds=True)
        self.marks = Marks(self._plot, self)
        self.marks.grouped.connect(self._place_groups)
        self._groups = QWidget()
        self._groups.setLayout(QHBoxLayout())
        self._groups.layout().setContentsMargins(0, 0, 0, 0)
        self._groups.layout().setSpacing(0)
        self.options.flow.addWidget(self._groups)
        self.readout = QLabel()
        self.readout.setTextFormat(Qt.RichText)
        self.readout.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Preferred)  # never widens the window
        self.readout.setContentsMargins(12, 0, 12, 4)
        self.message = QLabel(self._plot)
        self.message.setWordWrap(True)
        self.message.setAlignment(Qt.AlignCenter)
        self.message.setMargin(16)
        self.message.hide()
        self._lay()

    def _lay(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(12, 6, 6, 0)
        head.addWidget(self.options, 1)
        for widget in (self.scale, self._all, self._large):
            head.addWidget(widget, 0, Qt.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 1, 1, 1)
        column.setSpacing(2)
        column.addLayout(head)
        column.addWidget(self._plot, 1)
        column.addWidget(self.readout)

    def _dress(self) -> None:
        self._plot.dress()
        self._heading.setFont(sized_font(self, 1.0, QFont.DemiBold))
        self.readout.setFont(sized_font(self, 0.88))
        self._cross.setPen(pg.mkPen(colour("border_strong"), width=1))
        self._playing.setPen(pg.mkPen(colour("bad"), width=2))
        self._all.setIcon(icon("fit"))
        self._large.setIcon(icon("zoom-in"))
        self._draw()
        self.marks.draw()

    def _place_groups(self, buttons: list[QToolButton]) -> None:
        for button in buttons:
            if button.parent() is not self._groups:
                self._groups.layout().addWidget(button)
                button.show()
        self._groups.adjustSize()
        self.options.updateGeometry()

    # ---- what is shown

    def put(self, shown: Shown) -> None:
        """Show this; the stretch of the x axis stays where a person chose it."""
        if self.shown is None or self.shown.x != shown.x:
            self.by_hand = False
        self.message.hide()
        self.shown, self._drawn_for = shown, self.columns
        self._set_extent(shown.extent)
        if not self.by_hand and self.view.axis != TIME:
            self.set_range(*(shown.focus or shown.extent))
        self._draw()
        self.marks.put(shown.marks, shown.x.unit)
        self.marks.place()
        self.readout.setToolTip("\n".join(shown.notes))
        self.set_cross(self._at)

    def refuse(self, reason: str) -> None:
        """Say why there is nothing to see."""
        self.shown = None
        self.marks.put((), "")
        self.readout.setToolTip("")
        self.readout.clear()
        self._draw()
        self.message.setText(reason)
        self.message.resize(self._plot.size())
        self.message.show()

    def begin(self, extent: tuple[float, float], span: tuple[float, float] | None = None) -> None:
        """Another sample: nothing is known of it but how long it is."""
        self.shown = None
        self.message.hide()
        if self.view.axis == TIME:
            self._set_extent(extent)
            self.set_range(*(span or extent))

    def _set_extent(self, extent: tuple[float, float]) -> None:
        self._extent = extent
        least = (extent[1] - extent[0]) * 1e-7
        self._plot.box.setLimits(xMin=extent[0], xMax=extent[1], minXRange=least)

    def _draw(self) -> None:
        item = self._plot.item
        for thing in self._items:
            item.removeItem(thing)
        self._items = []
        shown = self.shown
        self.scale.put(shown.picture if shown else None)
        self._plot.label(shown)
        if shown is None:
            return
        self._items = items_of(shown)
        for thing in self._items:
            item.addItem(thing, ignoreBounds=True)
        low, high = y_range(shown)
        self._plot.box.setYRange(low, high, padding=0)

    @property
    def range(self) -> tuple[float, float]:
        """The stretch of the x axis that is seen."""
        left, right = self._plot.box.viewRange()[0]
        return float(left), float(right)

    @property
    def columns(self) -> int:
        """Points across the plot: two a pixel, so that no column of the screen stays empty."""
        wide = self._plot.box.width() * self.devicePixelRatioF()
        return int(max(64, 2 * wide)) if self._plot.isVisible() else 1600

    def set_range(self, low: float, high: float) -> None:
        """Show a stretch by program; `moved` is not emitted."""
        low, high = max(low, self._extent[0]), min(high, self._extent[1])
        if high > low:
            self._plot.box.setXRange(low, high, padding=0)
            self.marks.place()

    def show_all(self) -> None:
        """The whole axis."""
        self.set_range(*self._extent)
        self._moved_by_hand()

    def _moved_by_hand(self, *_: object) -> None:
        self.by_hand = True
        self.marks.place()
        self.moved.emit(*self.range)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.message.resize(self._plot.size())
        self.marks.place()
        if self.shown is not None and not 0.8 < self.columns / self._drawn_for < 1.25:
            self.resized.emit()

    # ---- pointer and keys

    def set_cross(self, x: float | None, y: float | None = None) -> None:
        """Show the values at ``x``; None: none."""
        self._at = x
        self._cross.setVisible(x is not None and self.shown is not None)
        if x is not None:
            self._cross.setValue(x)
        words = self._words(x, y)
        self.readout.setText(words)
        self.setAccessibleDescription(words)

    def set_playing(self, x: float | None) -> None:
        """Where the sound is that plays now."""
        self._playing.setVisible(x is not None)
        if x is not None:
            self._playing.setValue(x)

    def _words(self, x: float | None, y: float | None) -> str:
        if self.shown is None:
            return ""
        box = self._plot.box
        reach = _REACH_PX * (self.range[1] - self.range[0]) / max(1.0, box.width())
        mark = None if x is None else self.marks.near(x, reach)
        words = words_at(self.shown, x, y, reach, mark)
        if x is not None:
            return words
        notes = "&nbsp; ".join(self.shown.notes)
        return (
            f'{words}&nbsp; <span style="color:{colour("muted").name()}">{notes}</span>' if words else notes
        )

    def _mouse_moved(self, place: QPointF) -> None:
        box = self._plot.box
        if box.sceneBoundingRect().contains(place):
            at = box.mapSceneToView(place)
            self.pointed.emit(float(at.x()))
            self.set_cross(float(at.x()), float(at.y()))
        else:
            self.pointed.emit(None)

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if event.type() == QEvent.Leave:
            self.pointed.emit(None)
        elif event.type() == QEvent.MouseButtonDblClick:
            self.show_all()
        elif event.type() == QEvent.MouseButtonPress:
            self.setFocus(Qt.MouseFocusReason)
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        (low, high), key = self.range, event.key()
        wide, middle = high - low, (low + high) / 2
        if key in (Qt.Key_Left, Qt.Key_Right):
            step = wide / 10 * (1 if key == Qt.Key_Right else -1)
            step = min(max(step, self._extent[0] - low), self._extent[1] - high)
            self.set_range(low + step, high + step)
        elif key in (Qt.Key_Plus, Qt.Key_Equal, Qt.Key_Minus):
            half = wide / 2 * (_ZOOM if key != Qt.Key_Minus else 1 / _ZOOM)
            self.set_range(middle - half, middle + half)
        elif key == Qt.Key_Home:
            self.set_range(*self._extent)
        elif key in (Qt.Key_Return, Qt.Key_Enter):
            self.enlarge_asked.emit()
            return
        else:
            super().keyPressEvent(event)
            return
        self._moved_by_hand()

    def focusInEvent(self, event: object) -> None:
        self._heading.setText(f"▸ {self.view.title}")

    def focusOutEvent(self, event: object) -> None:
        self._heading.setText(self.view.title)

"""How masks are drawn over images: strength, outlines, ignored pixels, and which classes are seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from PyQt5.QtCore import QEvent, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QColor, QIcon, QPixmap
from PyQt5.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QListView,
    QListWidget,
    QListWidgetItem,
    QSlider,
    QWidget,
)

from src.core.dataset import palette
from src.ui.style_sheet import ICONS
from src.ui.theme import colour, theme
from src.ui.widgets.overlay import Overlay

_IGNORED: tuple[tuple[Any, str], ...] = (
    ("hatched", "Ignored: hatched"),
    ("grey", "Ignored: grey"),
    ("none", "Ignored: as they are"),
)
_MOST_LINES = 2


def slider(name: str, tip: str, low: int, high: int, value: int) -> QSlider:
    """A horizontal slider with a name."""
    made = QSlider(Qt.Horizontal)
    made.setRange(low, high)
    made.setValue(value)
    made.setFixedWidth(made.fontMetrics().averageCharWidth() * 14)
    made.setAccessibleName(name)
    made.setToolTip(tip)
    return made


class ClassList(QListWidget):
    """The classes with their colours and shares; a tick says whether one is drawn.

    Signals:
        hidden_changed(object): A frozenset of the numbers that are switched off.
    """

    hidden_changed = pyqtSignal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFlow(QListView.LeftToRight)
        self.setWrapping(True)
        self.setResizeMode(QListView.Adjust)
        self.setSelectionMode(QAbstractItemView.SingleSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.setSpacing(1)
        self.setFrameShape(QListWidget.NoFrame)
        self.setAccessibleName("Classes")
        self.setToolTip("Tick the classes that are drawn; the share is of all training pixels")
        self.itemChanged.connect(lambda _: self.hidden_changed.emit(self.hidden_classes()))
        self._dress()
        theme().changed.connect(self._dress)

    def _dress(self) -> None:
        box = f"border: 1px solid {colour('border_strong').name()}; border-radius: 4px; background: {colour('surface').name()};"
        ticked = (
            f"background: {colour('accent_fill').name()}; image: url('{ICONS.as_posix()}/check-white.svg');"
        )
        self.setStyleSheet(
            f"QListView {{ background: {colour('window').name()}; border: 1px solid transparent; }}"
            f"QListView:focus {{ border-color: {colour('accent').name()}; }}"
            f"QListView::indicator {{ width: 13px; height: 13px; {box} }}"
            f"QListView::indicator:checked {{ {ticked} }}"
        )

    def put(self, classes: Sequence[str], shares: Mapping[str, float]) -> None:
        """Show these; all are drawn."""
        self.blockSignals(True)
        self.clear()
        for number, (name, rgb) in enumerate(
            zip(classes, palette.class_colours(max(2, len(classes))), strict=False)
        ):
            share = shares.get(name)
            item = QListWidgetItem(_swatch(rgb), f"{name}  {share:.1%}" if share is not None else name)
            item.setData(Qt.UserRole, number)
            if number:
                item.setFlags(Qt.ItemIsEnabled | Qt.ItemIsUserCheckable | Qt.ItemIsSelectable)
                item.setCheckState(Qt.Checked)
            else:
                item.setFlags(Qt.ItemIsEnabled)
                item.setToolTip("Background is never drawn")
            self.addItem(item)
        self.blockSignals(False)
        self._settle()

    def hidden_classes(self) -> frozenset[int]:
        """Numbers that are switched off."""
        items = [self.item(i) for i in range(1, self.count())]
        return frozenset(int(i.data(Qt.UserRole)) for i in items if i.checkState() != Qt.Checked)

    def set_hidden(self, numbers: frozenset[int]) -> None:
        """Switch classes off by program."""
        for i in range(1, self.count()):
            item = self.item(i)
            item.setCheckState(Qt.Unchecked if item.data(Qt.UserRole) in numbers else Qt.Checked)

    def resizeEvent(self, event: object) -> None:
        super().resizeEvent(event)
        self._settle()

    def _settle(self) -> None:
        """As high as the classes need, up to a few lines."""
        line = self.sizeHintForRow(0) if self.count() else 0
        lines = min(_MOST_LINES, -(-self.one_line() // max(1, self.width() - 20)))
        self.setFixedHeight(max(1, lines) * (line + 4) + 4)

    def one_line(self) -> int:
        """Width of all classes beside each other."""
        items = [self.item(i) for i in range(self.count())]
        return sum(self.sizeHintForIndex(self.indexFromItem(item)).width() + 4 for item in items)

    def sizeHint(self) -> QSize:
        return QSize(200, self.height())


def _swatch(rgb: tuple[int, int, int]) -> QIcon:
    pixmap = QPixmap(24, 24)
    pixmap.fill(QColor(*rgb) if rgb != palette.BACKGROUND else Qt.transparent)
    return QIcon(pixmap)


class OverlayBar(QWidget):
    """Slider, outlines and ignored pixels in a row; the classes are a list of their own, `classes`.

    Attributes:
        classes: The list, to be placed by the owner.
        opacity: The slider, 0 to 100.

    Signals:
        changed(object): The `Overlay` to draw with.
        opacity_changed(float): 0 to 1.
    """

    changed = pyqtSignal(object)
    opacity_changed = pyqtSignal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.overlay = Overlay()
        self.classes = ClassList()
        self.opacity = slider(
            "Opacity of the masks", "Opacity of the masks; 0 shows the image alone", 0, 100, 45
        )
        self.outlines = QCheckBox("&Outlines")
        self.outlines.setToolTip("Draw only the borders of objects, so that what is inside can be seen")
        self.ignored = QComboBox()
        self.ignored.setAccessibleName("Ignored pixels")
        self.ignored.setToolTip("How pixels are drawn that are left out of loss and metrics")
        for _, words in _IGNORED:
            self.ignored.addItem(words)
        label = QLabel("&Mask")
        label.setBuddy(self.opacity)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for widget in (label, self.opacity, self.outlines, self.ignored):
            row.addWidget(widget)
        self.opacity.valueChanged.connect(lambda value: self.opacity_changed.emit(value / 100))
        self.outlines.toggled.connect(lambda on: self._set(replace(self.overlay, outlines=on)))
        self.ignored.currentIndexChanged.connect(
            lambda index: self._set(replace(self.overlay, ignored=_IGNORED[index][0]))
        )
        self.classes.hidden_changed.connect(lambda hidden: self._set(replace(self.overlay, hidden=hidden)))

    def put(self, classes: Sequence[str], shares: Mapping[str, float], ignores: bool) -> None:
        """The classes of another data set, and whether there are pixels to be ignored."""
        self.classes.put(classes, shares)
        self.ignored.setVisible(ignores)
        fresh = Overlay.of(len(classes))
        self._set(replace(self.overlay, colours=fresh.colours, hidden=frozenset()))

    def follow(self, overlay: Overlay) -> None:
        """Show the state of an overlay that was made elsewhere."""
        self.outlines.setChecked(overlay.outlines)
        self.ignored.setCurrentIndex([key for key, _ in _IGNORED].index(overlay.ignored))
        self.classes.set_hidden(overlay.hidden)

    def _set(self, overlay: Overlay) -> None:
        if overlay != self.overlay:
            self.overlay = overlay
            self.changed.emit(overlay)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.FontChange:
            self.opacity.setFixedWidth(self.fontMetrics().averageCharWidth() * 14)

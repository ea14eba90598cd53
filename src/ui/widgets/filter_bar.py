"""Which images of a data set are shown, and in which order: filters that work together, each choice with its count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from PyQt5.QtCore import QEvent, QTimer, pyqtSignal
from PyQt5.QtWidgets import QComboBox, QLineEdit, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from src.core.dataset.sample_filter import ALIKE, ALIKE_ACROSS, SampleFilter, SampleView
from src.core.dataset.sample_table import PARTS
from src.ui.icons import icon
from src.ui.theme import set_role, theme
from src.ui.widgets.flow import FlowLayout
from src.ui.widgets.thumbnail_model import SPLIT_TITLES

_COUNT_AFTER_MS = 60
_TYPING_MS = 120
_MOST_GROUPS = 200
_CONTENTS = (
    ("object", "With an object"), ("empty", "Empty"), ("excluded", "Left out"), ("kept", "Not left out"),
)  # fmt: skip
#: Filters that are chosen from a list and named as in ``SampleFilter``.
_CHOSEN = ("part", "class_number", "content", "size", "alike")
_ORDERS = {"name": "By name", "size": "By size", "share": "By object share"}


class Facet(QComboBox):
    """One filter: everything, or one of some choices, each with the number of images that it would leave.

    Signals:
        chosen(object): The value, or the value of everything.
    """

    chosen = pyqtSignal(object)

    def __init__(self, name: str, tip: str, anything: str, default: Any) -> None:
        super().__init__()
        self._anything, self._default = anything, default
        self._choices: list[tuple[Any, str]] = []
        self.setAccessibleName(name)
        self.setToolTip(tip)
        self.setSizeAdjustPolicy(QComboBox.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(9)
        self.setMaxVisibleItems(20)
        self.activated.connect(lambda index: self.chosen.emit(self.value_at(index)))

    def put(self, choices: Sequence[tuple[Any, str]]) -> None:
        """Offer these."""
        self._choices = list(choices)
        self.clear()
        self.addItem(self._anything)
        for _, words in self._choices:
            self.addItem(words)
        self.setVisible(bool(self._choices))

    def value_at(self, index: int) -> Any:
        """What a line stands for."""
        return self._default if index <= 0 else self._choices[index - 1][0]

    def show_value(self, value: Any) -> None:
        """Follow a choice that was made elsewhere."""
        values = [v for v, _ in self._choices]
        self.setCurrentIndex(values.index(value) + 1 if value in values else 0)

    def count_with(self, count: Callable[[Any], int]) -> None:
        """Write the counts behind the words."""
        for index, (value, words) in enumerate(self._choices, start=1):
            self.setItemText(index, f"{words}  {count(value):,}")


class FilterBar(QWidget):
    """Filters and order of a `SampleView`.

    Attributes:
        view: The samples, or None.
        wanted: The filter now.
        order: Empty or one of ``SampleView.orders``; with ``descending``.

    Signals:
        changed(): Another filter or order; ask `rows`.
    """

    changed = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.wanted = SampleFilter()
        self.order: Any = ""
        self.view: SampleView | None = None
        self._classes = 0
        self._typing = self._after(_TYPING_MS, self._typed)
        self._counting = self._after(_COUNT_AFTER_MS, self.count)
        self._build()
        self._dress()
        theme().changed.connect(self._dress)

    def _after(self, ms: int, do: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(ms)
        timer.timeout.connect(do)
        return timer

    def _build(self) -> None:
        self.name = QLineEdit()
        self.name.setPlaceholderText("Name contains…")
        self.name.setAccessibleName("Name contains")
        self.name.setToolTip("Images whose path holds all these words (Ctrl+L)")
        self.name.setClearButtonEnabled(True)
        self.name.textChanged.connect(lambda _: self._typing.start())
        self.part = Facet("Part", "Part of the split", "All parts", "")
        self.class_number = Facet("Class", "Images on which this class is", "All classes", -1)
        self.content = Facet("Content", "With or without objects, left out or not", "Any content", "")
        self.size = Facet("Size of the image", "Size of the image in pixels", "All sizes", -1)
        self.finding = Facet("Finding", "Images that a finding names", "Any finding", None)
        self.group = Facet("Group", "What is physically one thing; type a part of its name", "", "")
        self.group.setEditable(True)
        self.group.setInsertPolicy(QComboBox.NoInsert)
        self.group.lineEdit().setPlaceholderText("All groups")
        self.group.lineEdit().textEdited.connect(lambda _: self._typing.start())
        self.group.setCompleter(None)
        self.alike = Facet("Near duplicates", "What seems to show one and the same thing", "Alike or not", "")
        self.sort = QComboBox()
        self.sort.setAccessibleName("Order")
        self.sort.addItem("As in the data set", "")
        for order, words in _ORDERS.items():
            self.sort.addItem(words, order)
        self.sort.currentIndexChanged.connect(self._sorted)
        self.descending = QToolButton()
        self.descending.setCheckable(True)
        self.descending.setToolTip("The largest or last first")
        self.descending.setAccessibleName("Reverse the order")
        self.descending.setText("↓")
        self.descending.toggled.connect(self._turned)
        self.clear = QPushButton("Show &all")
        set_role(self.clear, "link")
        self.clear.setToolTip("Take all filters away")
        self.clear.clicked.connect(lambda _: self.set(SampleFilter()))
        row = QWidget()
        flow = FlowLayout(row, 6)
        facets = (self.part, self.class_number, self.content, self.size, self.group, self.alike, self.finding)
        for widget in (self.name, *facets, self.sort, self.descending, self.clear):
            flow.addWidget(widget)
        policy = QSizePolicy(QSizePolicy.Preferred, QSizePolicy.Minimum)
        policy.setHeightForWidth(True)
        row.setSizePolicy(policy)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(row)
        for field in _CHOSEN:
            getattr(self, field).chosen.connect(
                lambda value, f=field: self.set(replace(self.wanted, **{f: value}))
            )
        self.group.chosen.connect(lambda value: self.set(replace(self.wanted, group=value)))
        self.finding.chosen.connect(lambda rows: self.set(replace(self.wanted, rows=rows)))

    def _dress(self) -> None:
        self.clear.setIcon(icon("reset", "accent"))
        self.name.setFixedWidth(self.fontMetrics().averageCharWidth() * 22)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.FontChange and hasattr(self, "name"):
            self._dress()

    # ---- what can be chosen

    def put(
        self, view: SampleView | None, classes: Sequence[str] = (), findings: Sequence[tuple[Any, str]] = ()
    ) -> None:
        """Another data set; all filters are taken away.

        Args:
            view: Its samples.
            classes: Names, background first.
            findings: Rows of each finding that names images, and short words for it.
        """
        self.view, self._classes = view, len(classes)
        self.wanted = SampleFilter()
        self.name.clear()
        self._typing.stop()
        if view is None:
            return
        self._put_words(view)
        parts = [p for i, p in enumerate(PARTS) if (view.table.part == i).any()]
        self.part.put([(p, SPLIT_TITLES[p]) for p in parts] if len(parts) > 1 else [])
        self.class_number.put(list(enumerate(classes)))
        self.content.put(_CONTENTS if view.table.look.masks else _CONTENTS[2:])
        labels = view.sizes.labels
        self.size.put(list(enumerate(labels)) if len(labels) > 1 else [])
        self._put_groups(view)
        self._put_alike(view)
        self.finding.put(findings)
        self._show_state()
        self.count()

    def _put_words(self, view: SampleView) -> None:
        """What the samples are called, and by what they can be ordered; the order stays where there still is one."""
        look = view.table.look
        many = look.noun.many
        self.name.setToolTip(f"{many.capitalize()} whose path holds all these words (Ctrl+L)")
        self.class_number.setToolTip(
            f"{many.capitalize()} {'on' if look.masks else 'in'} which this class is"
        )
        self.finding.setToolTip(f"{many.capitalize()} that a finding names")
        self.content.setToolTip(
            "With or without objects, left out or not" if look.masks else "Left out or not"
        )
        self.sort.setToolTip(f"Order of the {many}")
        titles = {column.key: f"By {column.title.lower()}" for column in look.columns}
        self.sort.blockSignals(True)
        self.sort.clear()
        self.sort.addItem("As in the data set", "")
        for order in view.orders:
            self.sort.addItem(_ORDERS.get(order) or titles[order], order)
        self.sort.setCurrentIndex(max(0, self.sort.findData(self.order)))
        self.order = self.sort.currentData()
        self.sort.blockSignals(False)

    def _put_groups(self, view: SampleView) -> None:
        names = view.table.groups
        counts = np.bincount(view.table.group, minlength=len(names))
        joined = bool(len(counts)) and int(counts.max(initial=0)) > 1
        first = np.argsort(-counts, kind="stable")[: _MOST_GROUPS if joined else 0]
        self._group_numbers = {names[i]: int(i) for i in first}
        self.group.put([(names[i], names[i]) for i in first])
        self.group.setEditText("")

    def _put_alike(self, view: SampleView) -> None:
        names = view.alike.names[:_MOST_GROUPS]
        choices = [(ALIKE, "All alike")] if names else []
        if view.alike.across.any():
            choices.append((ALIKE_ACROSS, "Alike across parts"))
        self.alike.put([*choices, *((name, f"Like {name}") for name in names)])
        self._alike_numbers = {name: number for number, name in enumerate(names)}

    def _count_alike(self, counts: np.ndarray, choice: str) -> int:
        if self.view is None or choice == ALIKE:
            return int(counts.sum())
        if choice == ALIKE_ACROSS:
            return int(counts[self.view.alike.across].sum())
        return int(counts[self._alike_numbers[choice]])

    def rows(self) -> np.ndarray:
        """The rows that are wanted, in their order."""
        if self.view is None:
            return np.zeros(0, np.int64)
        return self.view.rows(self.wanted, self.order, self.descending.isChecked())

    def set(self, wanted: SampleFilter) -> None:
        """Show what this filter leaves."""
        if wanted != self.wanted:
            self.wanted = wanted
            self._show_state()
            self.changed.emit()
            self._counting.start()
        else:
            self._show_state()

    def _show_state(self) -> None:
        for field in _CHOSEN:
            getattr(self, field).show_value(getattr(self.wanted, field))
        self.finding.show_value(self.wanted.rows)
        if self.group.currentText().strip() != self.wanted.group:
            self.group.setEditText(self.wanted.group)
        if self.name.text() != self.wanted.name:
            self.name.setText(self.wanted.name)
            self._typing.stop()
        self.clear.setEnabled(not self.wanted.empty)

    def _typed(self) -> None:
        group = self.group.currentText() if self.group.isVisibleTo(self) else ""
        self.set(replace(self.wanted, name=self.name.text(), group=group.strip()))

    def _sorted(self, index: int) -> None:
        self.order = self.sort.itemData(index)
        self.changed.emit()

    def _turned(self, on: bool) -> None:
        self.descending.setText("↑" if on else "↓")
        self.changed.emit()

    def count(self) -> None:
        """Write the counts; they follow the filters after a moment."""
        if self.view is None:
            return
        found = self.view.counts(self.wanted, self._classes)
        self.part.count_with(lambda part: int(found["part"][PARTS.index(part)]))
        self.class_number.count_with(lambda number: int(found["class_number"][number]))
        self.size.count_with(lambda kind: int(found["size"][kind]))
        kinds = [key for key, _ in _CONTENTS]
        self.content.count_with(lambda kind: int(found["content"][kinds.index(kind)]))
        self.alike.count_with(lambda choice: self._count_alike(found["alike"], choice))
        typed = self.group.currentText()
        self.group.count_with(lambda name: int(found["group"][self._group_numbers[name]]))
        self.group.setEditText(typed)
        self.finding.count_with(lambda rows: len(rows))

    def close_bar(self) -> None:
        """End what waits."""
        self._typing.stop()
        self._counting.stop()

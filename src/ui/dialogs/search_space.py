"""The options that a search varies: chosen from the schema, each with its range or its choices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import (
    QCheckBox,
    QComboBox,
    QCompleter,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from src.core.config import Option
from src.core.search import searchable
from src.core.task_info import TaskInfo
from src.ui.dialogs.train_bars import button
from src.ui.icons import icon
from src.ui.theme import set_role, theme
from src.ui.widgets.flow import FlowLayout
from src.ui.widgets.form_editors import guard_wheel

#: Choices of more values are typed, with suggestions, instead of ticked.
_TICKED = 12
#: So few choices are all tried unless the person takes some away.
_ALL_AT_FIRST = 3


def _read(text: str) -> Any:
    """A number where it is one, else the text, which the check of the space refuses in its own words."""
    try:
        number = float(text.strip().replace(",", "."))
    except ValueError:
        return text.strip() or None
    return int(number) if number == int(number) and "e" not in text.lower() and "." not in text else number


def first_range(option: Option, value: Any) -> tuple[float, float, bool]:
    """Where a range begins that a person has not thought about yet: around the present value, within the bounds."""
    low_end, high_end = option.minimum, option.maximum
    now = float(value) if isinstance(value, (int, float)) else float(option.default or 0)
    if option.kind == "int":
        low, high, log = max(now // 2, 1), max(now * 2, 2), False
    elif now > 0 and (high_end is None or high_end > 1.5 * now):
        low, high, log = now / 10, now * 10, True
    else:
        low, high, log = now / 2, now or 1.0, False
    if low_end is not None and low <= low_end:
        low = now / 2 if option.exclusive_minimum and now > low_end else low_end
    if high_end is not None and high >= high_end:  # an end that is no value itself is left well alone
        high = (now + high_end) / 2 if option.exclusive_maximum else high_end
    return low, high, log and low > 0


class SpaceRow(QFrame):
    """One option with its range or its choices.

    Signals:
        edited(): Something was changed.
        removed(): The person does not want it any more.
    """

    edited = pyqtSignal()
    removed = pyqtSignal()

    def __init__(
        self, option: Option, value: Any, named: Mapping[str, str], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.option = option
        self.setProperty("role", "card")
        self.name = QLabel(option.label + (f" ({option.unit})" if option.unit else ""))
        self.name.setToolTip(f"{option.help}\n{option.key}")
        self.name.setFixedWidth(self.fontMetrics().horizontalAdvance("m") * 9)
        self.name.setWordWrap(True)
        self.problem = QLabel()
        self.problem.setWordWrap(True)
        self.problem.setTextFormat(Qt.PlainText)
        set_role(self.problem, "error")
        self.problem.hide()
        self._off = QToolButton()
        self._off.setAutoRaise(True)
        self._off.setToolTip("Do not search this option")
        self._off.setAccessibleName(f"Do not search {option.label}")
        self._off.clicked.connect(lambda _: self.removed.emit())
        self._boxes: list[tuple[Any, QCheckBox]] = []
        self._low, self._high, self._names = QLineEdit(), QLineEdit(), QLineEdit()
        self.log = QCheckBox("by magnitude")
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.name, 0, Qt.AlignTop if option.kind not in ("int", "float") else Qt.AlignVCenter)
        if option.kind in ("int", "float"):
            self._numbers(row, value)
        else:
            self._choices(row, value, named)
        row.addWidget(self._off, 0, Qt.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 6, 6, 6)
        column.addLayout(row)
        column.addWidget(self.problem)
        theme().changed.connect(self._dress)
        self._dress()

    def _numbers(self, row: QHBoxLayout, value: Any) -> None:
        low, high, log = first_range(self.option, value)
        for words, editor, number in (("from", self._low, low), ("to", self._high, high)):
            editor.setText(f"{number:g}")
            editor.setFixedWidth(self.fontMetrics().horizontalAdvance("m") * 5)
            editor.setAccessibleName(f"{self.option.label} {words}")
            editor.textChanged.connect(lambda _: self.edited.emit())
            row.addWidget(QLabel(words))
            row.addWidget(editor)
        self.log.setChecked(log)
        self.log.setToolTip("As many trials from 0.001 to 0.01 as from 0.01 to 0.1: right for learning rates")
        self.log.toggled.connect(lambda _: self.edited.emit())
        row.addWidget(self.log)
        row.addStretch(1)

    def _choices(self, row: QHBoxLayout, value: Any, named: Mapping[str, str]) -> None:
        option = self.option
        values = [True, False] if option.kind == "bool" else list(option.choices or named)
        if len(values) > _TICKED:
            self._names.setText(f"{value or ''}, ")
            self._names.setPlaceholderText("names, with commas between them")
            self._names.setAccessibleName(option.label)
            self._names.textChanged.connect(lambda _: self.edited.emit())
            row.addWidget(self._names, 1)
            return
        boxes = QWidget()
        flow = FlowLayout(boxes, 10)
        labels: dict[Any, str] = {True: "Yes", False: "No"} if option.kind == "bool" else dict(named)
        labels |= option.choice_labels or {}
        for choice in values:
            box = QCheckBox(str(labels.get(choice, choice)).replace("&", "&&"))
            box.setChecked(choice == value or len(values) <= _ALL_AT_FIRST)
            box.toggled.connect(lambda _: self.edited.emit())
            self._boxes.append((choice, box))
            flow.addWidget(box)
        row.addWidget(boxes, 1)

    def _dress(self) -> None:
        self._off.setIcon(icon("close"))

    def entry(self) -> Any:
        """The range or the choices, as `read_space` takes them."""
        if self._boxes:
            return [choice for choice, box in self._boxes if box.isChecked()]
        if self.option.kind in ("int", "float"):
            found = {"low": _read(self._low.text()), "high": _read(self._high.text())}
            return found | ({"log": True} if self.log.isChecked() else {})
        return [name.strip() for name in self._names.text().split(",") if name.strip()]

    def tell(self, problem: str) -> None:
        """What is wrong with it; empty: nothing."""
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))


class SpaceEditor(QWidget):
    """The rows, and the box from which options are added.

    Attributes:
        rows: Key to row.

    Signals:
        edited(): An option was added, changed or taken away.
    """

    edited = pyqtSignal()

    def __init__(self, task: TaskInfo, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._task = task
        self._values: Mapping[str, Any] = {}
        self._known = {o.key: o for o in searchable(task)}
        self.rows: dict[str, SpaceRow] = {}
        self.box = QComboBox()
        self.box.setEditable(True)
        self.box.setInsertPolicy(QComboBox.NoInsert)
        self.box.setAccessibleName("Option to search")
        guard_wheel(self.box)
        for option in self._known.values():
            self.box.addItem(f"{option.label}  –  {option.key}", option.key)
            self.box.setItemData(self.box.count() - 1, option.help, Qt.ToolTipRole)
        completer = self.box.completer()
        if completer is not None:
            completer.setCompletionMode(QCompleter.PopupCompletion)
            completer.setFilterMode(Qt.MatchContains)
        self.add_button = button("&Add", "Search this option too")
        self.add_button.clicked.connect(lambda _: self.add(self.box.currentData()))
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(QLabel("Vary"))
        head.addWidget(self.box, 1)
        head.addWidget(self.add_button)
        page = QWidget()
        self._column = QVBoxLayout(page)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        self._column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        area.setWidget(page)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(area, 1)

    def load(self, values: Mapping[str, Any]) -> None:
        """Another configuration to begin with; what was chosen stays."""
        self._values = values

    def add(self, key: str | None) -> None:
        """Search one more option."""
        if not key or key not in self._known or key in self.rows:
            return
        option = self._known[key]
        named = self._task.choices(option.choices_from) if option.choices_from else {}
        row = SpaceRow(option, self._values.get(key, option.default), named)
        row.edited.connect(self.edited)
        row.removed.connect(lambda: self.remove(key))
        self.rows[key] = row
        self._column.insertWidget(self._column.count() - 1, row)
        self.edited.emit()

    def remove(self, key: str) -> None:
        """Search an option no more."""
        row = self.rows.pop(key)
        row.hide()
        row.deleteLater()
        self.edited.emit()

    def entries(self) -> dict[str, Any]:
        """The space, as `read_space` takes it."""
        return {key: row.entry() for key, row in self.rows.items()}

    def tell(self, problems: Mapping[str, str]) -> None:
        """What is wrong, by key."""
        for key, row in self.rows.items():
            row.tell(problems.get(key, ""))

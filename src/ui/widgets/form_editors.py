"""One editor for each kind of value; all have the same face: the form need not know which is which."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from PyQt5.QtCore import QEvent, QObject, Qt, pyqtSignal
from PyQt5.QtGui import QKeyEvent
from PyQt5.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QSpinBox,
    QWidget,
)

from src.core.config import Option
from src.ui.text import singular
from src.ui.wording import when_empty

_NUMBER_EM = 12
#: Letters that an empty field for a number has room for.
_SHORT = 10


class Editor(QWidget):
    """A widget that holds one value.

    Signals:
        edited(): The person changed it.
    """

    edited = pyqtSignal()

    def __init__(self, option: Option, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.option = option
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(0, 0, 0, 0)
        self.row.setSpacing(6)

    def value(self) -> Any:
        """The value as it goes into the configuration."""
        raise NotImplementedError

    def set_value(self, value: Any) -> None:
        """Show a value; `edited` is not emitted."""
        raise NotImplementedError

    def fault(self) -> str:
        """Why the text is not a value of this kind, or nothing."""
        return ""

    def suggest(self, entries: Mapping[str, str]) -> None:
        """Show further choices; only editors with a list of choices have a use for them."""

    def _make_room(self, widget: QWidget, beside: QWidget) -> None:
        """A number and what stands beside it are together as wide as any other number."""
        widget.setFixedWidth(widget.width() - beside.sizeHint().width() - self.row.spacing())

    def take(self, widget: QWidget, stretch: int = 1) -> None:
        """Make ``widget`` the one that has the focus."""
        self.row.addWidget(widget, stretch)
        self.setFocusProxy(widget)


def _fix_width(widget: QWidget) -> None:
    """Numbers are short: their fields have one width, so that they stand in line."""
    widget.setSizePolicy(QSizePolicy.Fixed, QSizePolicy.Fixed)
    widget.setFixedWidth(_NUMBER_EM * widget.fontMetrics().horizontalAdvance("m"))


class WheelGuard(QObject):
    """The mouse wheel scrolls the page over a field that was not clicked, instead of changing a number
    unseen.
    """

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Pass the wheel on to the page while the field has no focus."""
        if event.type() == QEvent.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return False


def guard_wheel(widget: QWidget) -> None:
    """Protect a spin box or a combo box against accidental scrolling."""
    widget.setFocusPolicy(Qt.StrongFocus)
    widget.installEventFilter(WheelGuard(widget))


def bounds_fault(option: Option, value: float) -> str:
    """A sentence for a number out of bounds, or nothing."""
    low, high = option.minimum, option.maximum
    if low is not None and (value < low or (option.exclusive_minimum and value == low)):
        return f"Must be {'more than' if option.exclusive_minimum else 'at least'} {number_text(low)}."
    if high is not None and (value > high or (option.exclusive_maximum and value == high)):
        return f"Must be {'less than' if option.exclusive_maximum else 'at most'} {number_text(high)}."
    return ""


def number_text(value: float) -> str:
    """The shortest text that is read back as the same number: ``0.001``, ``1e-5``, ``10``."""
    text = repr(float(value))
    if "e" not in text and 0 < abs(value) < 1e-3:
        text = f"{value:e}"
        mantissa, _, exponent = text.partition("e")
        text = f"{mantissa.rstrip('0').rstrip('.')}e{exponent}"
    text = re.sub(r"e([+-])0*(\d)", lambda m: f"e{'-' if m[1] == '-' else ''}{m[2]}", text)
    return text.removesuffix(".0")


def parse_number(text: str) -> float | None:
    """``0.001``, ``1e-3``, ``1E-3`` and ``0,001``; None for anything else, also for infinity and NaN."""
    text = text.strip().replace("\N{MINUS SIGN}", "-")
    if text.count(",") == 1 and "." not in text:
        text = text.replace(",", ".")
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


class BoolEditor(Editor):
    """A check box that carries the label itself."""

    def __init__(self, option: Option, parent: QWidget | None = None) -> None:
        super().__init__(option, parent)
        self.box = QCheckBox(option.label.replace("&", "&&"))
        self.box.setSizePolicy(QSizePolicy.Maximum, QSizePolicy.Fixed)
        self.box.toggled.connect(lambda _: self.edited.emit())
        self.take(self.box)
        self.row.addStretch(1)

    def value(self) -> bool:
        return self.box.isChecked()

    def set_value(self, value: Any) -> None:
        self.box.blockSignals(True)
        self.box.setChecked(bool(value))
        self.box.blockSignals(False)


class IntEditor(Editor):
    """A spin box; where None is a value, a check box before it says whether there is a number."""

    def __init__(self, option: Option, parent: QWidget | None = None) -> None:
        super().__init__(option, parent)
        self.spin = QSpinBox()
        low, high = option.minimum, option.maximum
        self.spin.setRange(
            int(low) if low is not None else -(2**31) + 1,
            min(int(high) if high is not None else 2**31 - 1, 2**31 - 1),
        )
        self.spin.setGroupSeparatorShown(False)
        self.spin.setCorrectionMode(QAbstractSpinBox.CorrectToNearestValue)
        self.spin.setStepType(
            QSpinBox.AdaptiveDecimalStepType if (high or 0) > 10_000 else QSpinBox.DefaultStepType
        )
        _fix_width(self.spin)
        guard_wheel(self.spin)
        self.spin.valueChanged.connect(self._set_unit)
        self.spin.valueChanged.connect(lambda _: self.edited.emit())
        self._set_unit()
        self.switch = QCheckBox("On") if option.optional else None
        if self.switch is not None:
            self.switch.setAccessibleName(f"{option.label}: use a value")
            self.switch.toggled.connect(self._switched)
            self.row.addWidget(self.switch)
            self._make_room(self.spin, self.switch)
        self.take(self.spin, 0)
        if self.switch is not None:
            self.setFocusProxy(self.switch)
        self.row.addStretch(1)

    def _set_unit(self) -> None:
        """``1 epoch``, ``2 epochs``."""
        unit = singular(self.option.unit) if self.spin.value() == 1 else self.option.unit
        self.spin.setSuffix(f" {unit}" if unit else "")

    def _switched(self, on: bool) -> None:
        self.spin.setEnabled(on)
        self.edited.emit()

    def value(self) -> int | None:
        if self.switch is not None and not self.switch.isChecked():
            return None
        return self.spin.value()

    def set_value(self, value: Any) -> None:
        self.spin.blockSignals(True)
        if value is not None:
            self.spin.setValue(int(value))
        self._set_unit()
        self.spin.blockSignals(False)
        if self.switch is not None:
            self.switch.blockSignals(True)
            self.switch.setChecked(value is not None)
            self.switch.blockSignals(False)
            self.spin.setEnabled(value is not None)


class TextEditor(Editor):
    """A line of text."""

    def __init__(self, option: Option, parent: QWidget | None = None) -> None:
        super().__init__(option, parent)
        self.line = QLineEdit()
        self.line.setPlaceholderText(when_empty(option))
        self.line.textEdited.connect(lambda _: self.edited.emit())
        self.take(self.line, 0 if option.kind == "float" else 1)

    def value(self) -> Any:
        text = self.line.text().strip()
        return None if self.option.optional and not text else text

    def set_value(self, value: Any) -> None:
        if value != self.value():
            self.line.setText("" if value is None else str(value))


class FloatEditor(TextEditor):
    """A number in either notation; the arrow keys step by a tenth of its size. Empty is None, where that is a value."""

    def __init__(self, option: Option, parent: QWidget | None = None) -> None:
        super().__init__(option, parent)
        _fix_width(self.line)
        if option.optional:
            words = when_empty(option).removeprefix("empty: ")
            self.line.setPlaceholderText(words if 0 < len(words) <= _SHORT else "automatic")
        if option.unit:
            unit = QLabel(option.unit)
            unit.setProperty("role", "muted")
            self.row.addWidget(unit)
            self._make_room(self.line, unit)
        self.row.addStretch(1)
        self.line.installEventFilter(self)

    def value(self) -> Any:
        number = parse_number(self.line.text())
        if self.option.optional and not self.line.text().strip():
            return None
        return self.line.text().strip() if number is None else number

    def set_value(self, value: Any) -> None:
        if value is None:
            self.line.clear()
        elif value != self.value() or not self.line.text():
            self.line.setText(number_text(value) if isinstance(value, (int, float)) else str(value))

    def fault(self) -> str:
        if self.value() is None:
            return ""
        number = parse_number(self.line.text())
        if number is None:
            return "Write a number, such as 0.001 or 1e-3."
        return bounds_fault(self.option, number)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Up and Down change the number, as in a spin box."""
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.KeyPress
            and event.key() in (Qt.Key_Up, Qt.Key_Down)
        ):
            self._step(1 if event.key() == Qt.Key_Up else -1)
            return True
        return False

    def _step(self, sign: int) -> None:
        number = parse_number(self.line.text())
        if number is None:
            return
        size = 10.0 ** math.floor(math.log10(abs(number))) if number else 0.1
        if sign < 0 and math.isclose(abs(number), size):  # from 0.001 down to 0.0009, not to 0
            size /= 10
        stepped = float(f"{number + sign * size:.12g}")
        if not bounds_fault(self.option, stepped):
            self.line.setText(number_text(stepped))
            self.edited.emit()

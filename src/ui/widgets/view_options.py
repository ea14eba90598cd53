"""The options of views as a row of small editors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PyQt5.QtCore import pyqtSignal
from PyQt5.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QHBoxLayout, QLabel, QSpinBox, QWidget

from src.core.dataset.views import ViewOption
from src.ui.widgets.flow import FlowLayout

_WIDEST = 29


class _NumberBox(QDoubleSpinBox):
    """Writes no more digits than a number has."""

    def textFromValue(self, value: float) -> str:
        return f"{value:,.4f}".rstrip("0").rstrip(".")

    def valueFromText(self, text: str) -> float:
        return float(super().valueFromText(text.replace(",", "")))


class ViewOptions(QWidget):
    """Editors in lines that break where the room ends, after a ``lead``; what has no meaning with the others' values is
    hidden.

    Attributes:
        flow: Their layout; others may stand in it too.

    Signals:
        changed(): The person chose another value.
    """

    changed = pyqtSignal()

    def __init__(
        self, options: Sequence[ViewOption], lead: QWidget | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._options = {option.key: option for option in options}
        self._editors: dict[str, Any] = {}
        self._cells: dict[str, QWidget] = {}
        self.flow = FlowLayout(self)
        self.flow.setContentsMargins(0, 0, 0, 0)
        self.flow.setSpacing(7)
        if lead is not None:
            self.flow.addWidget(lead)
        for option in options:
            self.flow.addWidget(self._cell(option))
        self._show_meant()

    def _cell(self, option: ViewOption) -> QWidget:
        cell = QWidget()
        row = QHBoxLayout(cell)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(5)
        editor = self._editors[option.key] = self._editor(option)
        editor.setToolTip(option.about)
        editor.setAccessibleName(option.title)
        if not isinstance(editor, QCheckBox):
            label = QLabel(option.title)
            label.setProperty("role", "muted")
            label.setBuddy(editor)
            row.addWidget(label)
        row.addWidget(editor)
        self._cells[option.key] = cell
        return cell

    def _editor(self, option: ViewOption) -> Any:
        widest = self.fontMetrics().averageCharWidth() * _WIDEST
        if isinstance(option.default, str):
            made = QComboBox()
            made.setSizeAdjustPolicy(QComboBox.AdjustToContents)
            made.setMaximumWidth(widest)
            for value, words in option.choices:
                made.addItem(words, value)
            made.setCurrentIndex(max(0, made.findData(option.default)))
            made.currentIndexChanged.connect(lambda _: self._edited())
            return made
        if isinstance(option.default, bool):
            box = QCheckBox(option.title)
            box.setChecked(option.default)
            box.toggled.connect(lambda _: self._edited())
            return box
        whole = isinstance(option.default, int)
        spin: Any = QSpinBox() if whole else _NumberBox()
        spin.setRange(
            int(option.low) if whole else option.low,
            int(min(option.high, 2**31 - 1)) if whole else option.high,
        )
        if not whole:
            spin.setDecimals(4)
            spin.setMaximumWidth(widest)
        spin.setGroupSeparatorShown(True)
        spin.setKeyboardTracking(False)
        spin.setSuffix(f" {option.unit}" if option.unit else "")
        spin.setSpecialValueText(option.zero)
        spin.setFixedWidth(self._room(option, spin))
        spin.setValue(option.default)
        spin.valueChanged.connect(lambda _: self._edited())
        return spin

    def _room(self, option: ViewOption, spin: Any) -> int:
        """For values of the usual size, not for the largest one that could be typed."""
        widest = max((f"{option.default:,}{spin.suffix()}", f"00,000{spin.suffix()}", option.zero), key=len)
        if isinstance(option.default, int):
            widest = f"00{spin.suffix()}"
        return int(self.fontMetrics().horizontalAdvance(widest)) + 44

    def _edited(self) -> None:
        self._show_meant()
        self.changed.emit()

    def _show_meant(self) -> None:
        values = self.values()
        for key, option in self._options.items():
            self._cells[key].setVisible(option.when is None or values.get(option.when[0]) == option.when[1])
        self.flow.invalidate()
        self.updateGeometry()

    # ---- values

    def values(self) -> dict[str, Any]:
        """Value of each option, by key."""
        found: dict[str, Any] = {}
        for key, editor in self._editors.items():
            if isinstance(editor, QComboBox):
                found[key] = editor.currentData()
            else:
                found[key] = editor.isChecked() if isinstance(editor, QCheckBox) else editor.value()
        return found

    def put(self, choices: Mapping[str, Sequence[Sequence[str]]], values: Mapping[str, Any]) -> None:
        """What a sample says of its options; `changed` is not emitted. Its choices join the option's own ones."""
        for key, pairs in choices.items():
            editor = self._editors.get(key)
            if editor is None:
                continue
            kept = editor.currentData()
            editor.blockSignals(True)
            editor.clear()
            for value, words in {
                **dict(self._options[key].choices),
                **{pair[0]: pair[1] for pair in pairs},
            }.items():
                editor.addItem(words, value)
            editor.setCurrentIndex(max(0, editor.findData(kept)))
            editor.blockSignals(False)
            self._cells[key].setEnabled(editor.count() > 1)
        for key, value in values.items():
            self.set_value(key, value)
        self._show_meant()

    def set_value(self, key: str, value: Any) -> None:
        """Another value by program; `changed` is not emitted."""
        editor = self._editors.get(key)
        if editor is None:
            return
        editor.blockSignals(True)
        if isinstance(editor, QComboBox):
            editor.setCurrentIndex(max(0, editor.findData(value)))
            editor.setToolTip(f"{self._options[key].about}\n{editor.currentText()}".strip())
        elif isinstance(editor, QCheckBox):
            editor.setChecked(bool(value))
        else:
            editor.setValue(type(self._options[key].default)(value))
        editor.blockSignals(False)
        self._show_meant()

"""The editor for a value out of a list, with or without a search in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QComboBox, QCompleter, QSizePolicy, QWidget

from src.core.config import Option
from src.core.config.layers import nearest
from src.ui.widgets.form_editors import Editor, guard_wheel


class ChoiceEditor(Editor):
    """A list of values with words for them. With ``free`` any other text may be typed too, and the list is
    searched.
    """

    def __init__(
        self, option: Option, entries: Mapping[Any, str], *, free: bool = False, strict: bool = True,
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(option, parent)
        self.free, self.strict = free, strict
        self.box = QComboBox()
        self.box.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Fixed)
        self.box.setSizeAdjustPolicy(QComboBox.AdjustToMinimumContentsLengthWithIcon)
        self.box.setMinimumContentsLength(12)
        self.box.setMaxVisibleItems(18)
        guard_wheel(self.box)
        for value, label in entries.items():
            self.box.addItem(label, value)
        if free:
            self._make_searchable()
        self.box.currentIndexChanged.connect(lambda _: self.edited.emit())
        self.take(self.box)

    def _make_searchable(self) -> None:
        self.box.setEditable(True)
        self.box.setInsertPolicy(QComboBox.NoInsert)
        completer = QCompleter(self.box.model(), self.box)
        completer.setFilterMode(Qt.MatchContains)
        completer.setCaseSensitivity(Qt.CaseInsensitive)
        completer.setCompletionMode(QCompleter.PopupCompletion)
        completer.setMaxVisibleItems(12)
        self.box.setCompleter(completer)
        line = self.box.lineEdit()
        line.textEdited.connect(lambda _: self.edited.emit())
        line.editingFinished.connect(self._tidy)
        line.setPlaceholderText("Type to search")
        guard_wheel(self.box)

    def _tidy(self) -> None:
        """Show the words of a value that was typed by its name."""
        index = self._index_of_text()
        if index >= 0 and self.box.currentIndex() != index:
            self.box.setCurrentIndex(index)
        elif index >= 0:
            self.box.setEditText(self.box.itemText(index))

    def _index_of_text(self) -> int:
        text = self.box.currentText().strip().lower()
        for index in range(self.box.count()):
            if text in (self.box.itemText(index).strip().lower(), str(self.box.itemData(index)).lower()):
                return index
        return -1

    def value(self) -> Any:
        if self.free:
            index = self._index_of_text()
            found = self.box.itemData(index) if index >= 0 else self.box.currentText().strip()
        else:
            found = self.box.currentData()
        return None if self.option.optional and found == "" else found

    def set_value(self, value: Any) -> None:
        wanted = "" if value is None else value
        if value == self.value() and self.box.currentIndex() >= 0 and not self.free:
            return
        self.box.blockSignals(True)
        index = next((i for i in range(self.box.count()) if self.box.itemData(i) == wanted), -1)
        self.box.setCurrentIndex(index)
        if index < 0 and self.free:
            self.box.setEditText(str(wanted))
        elif self.free:
            self.box.setEditText(self.box.itemText(index))
            self.box.lineEdit().setCursorPosition(0)
        self.box.blockSignals(False)

    def fault(self) -> str:
        if not self.free or not self.strict or self._index_of_text() >= 0:
            return ""
        text = self.box.currentText().strip()
        names = [str(self.box.itemData(i)) for i in range(self.box.count())]
        return f"There is no “{text}”.{nearest(text, names)}" if text else "Choose one from the list."

    def grey_out(self, reasons: Mapping[str, str]) -> None:
        """Values (as text) that cannot be chosen here stay in the list, grey, each with its reason."""
        for row in range(self.box.count()):
            if reason := reasons.get(str(self.box.itemData(row)), ""):
                self.box.model().item(row).setEnabled(False)  # type: ignore[attr-defined]
                self.box.setItemText(row, f"{self.box.itemText(row)} – not available here")
                self.box.setItemData(row, reason, Qt.ToolTipRole)

    def suggest(self, entries: Mapping[str, str]) -> None:
        have = {self.box.itemData(i) for i in range(self.box.count())}
        self.box.blockSignals(True)
        for value, label in entries.items():
            if value not in have:
                self.box.addItem(label, value)
        self.box.blockSignals(False)

"""One row of a form: label, editor, a way back, and the reason why a value cannot be used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PyQt5.QtCore import QObject, Qt, pyqtSignal
from PyQt5.QtWidgets import QGridLayout, QLabel, QToolButton, QWidget

from src.core.config import Option
from src.ui.icons import icon
from src.ui.theme import set_role
from src.ui.widgets.form_choice import ChoiceEditor
from src.ui.widgets.form_editors import (
    BoolEditor,
    Editor,
    FloatEditor,
    IntEditor,
    TextEditor,
    number_text,
)
from src.ui.widgets.form_list import NamesEditor, NumbersEditor
from src.ui.widgets.form_path import PathEditor, WeightsEditor
from src.ui.widgets.form_paths import PathsEditor

#: Where a value came from, as the tooltip says it.
ORIGINS = {
    "default": "the default",
    "preset": "the preset",
    "file": "the loaded file",
    "dialog": "what the dialog was opened with",
    "command line": "the command line",
    "detected": "the data",
}
_ROLE_OF = {"error": "error", "warning": "warning"}


def make_editor(option: Option, entries: Mapping[str, str], numbers: bool, free: bool) -> Editor:
    """The editor for an option; ``entries`` are the choices that are known only at run time."""
    if option.kind == "bool":
        return BoolEditor(option)
    if option.kind == "int":
        return IntEditor(option)
    if option.kind == "float":
        return FloatEditor(option)
    if option.kind == "choice":
        words = option.choice_labels or {}
        return ChoiceEditor(
            option, {v: words.get(str(v), str(v).replace("_", " ").capitalize()) for v in option.choices}
        )
    if option.kind == "list" and option.path:
        return PathsEditor(option)
    if option.kind == "list":
        return NumbersEditor(option) if numbers else NamesEditor(option)
    if option.path == "file_or_none" and entries:
        return WeightsEditor(option, entries)
    if option.path:
        return PathEditor(option)
    if entries:
        return ChoiceEditor(option, entries, free=free or len(entries) > 12, strict=not free)
    return TextEditor(option)


class Field(QObject):
    """One option in a form.

    Attributes:
        option: What it edits.
        editor: The widget with the value.

    Signals:
        edited(str): The person changed the value; the key.
    """

    edited = pyqtSignal(str)

    def __init__(self, option: Option, editor: Editor, parent: QObject) -> None:
        super().__init__(parent)
        self.option, self.editor = option, editor
        self._base: Any = option.default
        self._origin = "default"
        self._reason_disabled = ""
        self._severity = self._reason = ""
        self._show_help = False
        editor.setObjectName(option.key)
        self.label = QLabel("" if isinstance(editor, BoolEditor) else option.label.replace("&", "&&"))
        self.label.setWordWrap(True)
        self.label.setBuddy(_target(editor))
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.message.setTextInteractionFlags(Qt.TextSelectableByMouse)  # it may be a command to copy
        self.message.setVisible(False)
        self.message.setObjectName(f"{option.key}:message")
        self.reset = QToolButton()
        self.reset.setIcon(icon("reset"))
        self.reset.setAutoRaise(True)
        self._keep_place(True)
        self.reset.setVisible(False)
        self.reset.setAccessibleName(f"Reset {option.label}")
        self.reset.clicked.connect(self._back)
        editor.edited.connect(self._edited)
        self._name_it()

    def place(self, grid: QGridLayout, row: int) -> None:
        """Take two rows of a grid of three columns: label, editor, reset."""
        top = isinstance(self.editor, (NamesEditor, PathsEditor))
        alignment = Qt.AlignTop if top else Qt.AlignVCenter
        grid.addWidget(self.label, row, 0, alignment)
        grid.addWidget(self.editor, row, 1)
        grid.addWidget(self.reset, row, 2, alignment)
        grid.addWidget(self.message, row + 1, 1, 1, 2)

    @property
    def value(self) -> Any:
        """What the editor holds; for a text that is no number the text itself."""
        return self.editor.value()

    @property
    def changed(self) -> bool:
        """Whether the value differs from the one that preset, file or default give."""
        return bool(self.value != self._base)

    @property
    def enabled(self) -> bool:
        """Whether the option has an effect now."""
        return not self._reason_disabled

    def load(self, base: Any, origin: str, value: Any) -> None:
        """Show ``value``; ``base`` is what reset goes back to, and ``origin`` the layer that gave it."""
        self._base, self._origin = base, origin
        self.editor.set_value(value)
        self._mark()

    def set_shown(self, shown: bool) -> None:
        """Show or hide the whole row."""
        self.label.setVisible(shown)
        self.editor.setVisible(shown)
        self._keep_place(shown)
        self.reset.setVisible(shown and self.changed)
        self.message.setVisible(shown and bool(self.message.text()))

    def _keep_place(self, keep: bool) -> None:
        """The editor does not change its width when the reset button comes and goes."""
        policy = self.reset.sizePolicy()
        policy.setRetainSizeWhenHidden(keep)
        self.reset.setSizePolicy(policy)

    def set_enabled(self, reason: str) -> None:
        """Disable the editor for a reason, or enable it where there is none."""
        if reason == self._reason_disabled:
            return
        self._reason_disabled = reason
        self.editor.setEnabled(not reason)
        self.label.setEnabled(not reason)
        self._mark()
        self.show_message(self._severity, self._reason)

    def show_message(self, severity: str, text: str) -> None:
        """A reason below the editor; an empty text takes it away."""
        self._severity, self._reason = severity, text
        shown = text or self._reason_disabled or (self.option.help if self._show_help else "")
        self.message.setText(shown)
        set_role(self.message, _ROLE_OF.get(severity, "muted"))
        self.message.setVisible(bool(shown) and not self.editor.isHidden())
        self._name_it()

    def show_help(self, show: bool) -> None:
        """Show what the option does below it, or only in the tooltip."""
        if show != self._show_help:
            self._show_help = show
            self.show_message(self._severity, self._reason)

    def set_mnemonic(self, letter: str) -> None:
        """Underline a letter of the label; Alt and the letter go to the field."""
        text = self.option.label
        index = text.lower().find(letter) if letter else -1
        before, after = text[: max(index, 0)].replace("&", "&&"), text[max(index, 0) :].replace("&", "&&")
        marked = f"{before}&{after}" if index >= 0 else after
        if isinstance(self.editor, BoolEditor):
            self.editor.box.setText(marked)
        else:
            self.label.setText(marked)

    def _edited(self) -> None:
        self._mark()
        self.edited.emit(self.option.key)

    def _back(self) -> None:
        self.editor.set_value(self._base)
        self._edited()

    def _mark(self) -> None:
        self.reset.setVisible(self.changed and not self.editor.isHidden())
        self.reset.setToolTip(
            f"Go back to {self._shown(self._base)} ({ORIGINS.get(self._origin, self._origin)})"
        )
        self.label.setProperty("changed", self.changed)
        self._name_it()

    def _shown(self, value: Any) -> str:
        if value is None or value == "" or value == []:
            return "nothing"
        if isinstance(value, bool):
            return "on" if value else "off"
        if self.option.kind == "choice":
            return f"“{(self.option.choice_labels or {}).get(str(value), value)}”"
        text = number_text(value) if isinstance(value, float) else str(value)
        return f"{text} {self.option.unit}".strip() if isinstance(value, (int, float)) else f"“{text}”"

    def _name_it(self) -> None:
        """Tooltip and accessible names: what the option does, where its value is from, why it is disabled."""
        parts, origin = [self.option.help], ORIGINS.get(self._origin, self._origin)
        if self._reason_disabled:
            parts.insert(0, self._reason_disabled)
        if self.changed:
            parts.append(f"Changed here; it was {self._shown(self._base)} from {origin}.")
        elif self._origin != "default":
            parts.append(f"Set by {origin}.")
        tip = "<p>" + "</p><p>".join(_escape(p) for p in parts if p) + "</p>"
        for widget in (self.label, self.editor):
            widget.setToolTip(tip)
        target = _target(self.editor)
        target.setAccessibleName(self.option.label)
        target.setAccessibleDescription(" ".join([self._reason, *parts]).strip())
        target.setToolTip(tip)


def _target(editor: Editor) -> QWidget:
    """What has the focus of an editor; PyQt takes a list of choices without entries for false."""
    proxy = editor.focusProxy()
    return editor if proxy is None else proxy


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

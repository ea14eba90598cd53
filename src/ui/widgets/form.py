"""A form made from the schema: groups of fields in as many columns as there is room for."""

from __future__ import annotations

import types
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from PyQt5.QtCore import QEvent, QObject, Qt, pyqtSignal
from PyQt5.QtGui import QResizeEvent
from PyQt5.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from src.core.config import Condition, Option, options, without_effect
from src.core.config.libraries import ANY
from src.ui.theme import sized_font
from src.ui.widgets.form_choice import ChoiceEditor
from src.ui.widgets.form_field import Field, make_editor

# In widths of the letter m: a column is not made narrower or wider than this, and the widest label.
_COLUMN_EM, _WIDEST_EM, _LABEL_EM = 25, 48, 9
_MARGIN, _GAP = 16, 14
# Fields that are made in one go: a few milliseconds.
_AT_ONCE = 4


def item_kind(schema: type[BaseModel], key: str) -> Any:
    """The type of the items of a list option."""
    annotation: Any = schema
    for part in key.split("."):
        annotation = annotation.model_fields[part].annotation
        if get_origin(annotation) in (Union, types.UnionType):
            annotation = next(a for a in get_args(annotation) if a is not type(None))
    return get_args(annotation)[0] if get_args(annotation) else None


class Group(QFrame):
    """Fields under one heading, on a card."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.fields: list[Field] = []
        self.title = title
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 10, 8, 12)
        column.setSpacing(8)
        if title:
            heading = QLabel(title)
            heading.setFont(sized_font(heading, 1.0, 63))
            column.addWidget(heading)
        self.grid = QGridLayout()
        self.grid.setHorizontalSpacing(10)
        self.grid.setVerticalSpacing(6)
        self.grid.setColumnStretch(1, 1)
        column.addLayout(self.grid)

    def add(self, field: Field) -> None:
        """One more field at the end."""
        field.place(self.grid, 2 * len(self.fields))
        self.grid.setColumnMinimumWidth(0, round(_LABEL_EM * self.fontMetrics().horizontalAdvance("m")))
        field.label.setMaximumWidth(round(_LABEL_EM * self.fontMetrics().horizontalAdvance("m")))
        self.fields.append(field)


class SchemaForm(QScrollArea):
    """A scrolling form for some options of a schema.

    Attributes:
        fields: Key to field.

    Signals:
        edited(str): The person changed the option of this key.
    """

    edited = pyqtSignal(str)

    def __init__(
        self,
        schema: type[BaseModel],
        wanted: Callable[[Option], bool],
        choices: Callable[[str], Mapping[str, str]],
        suggestions: Mapping[str, Mapping[str, str]] | None = None,
        title: str = "",
        show_help: bool = False,
        parent: QWidget | None = None,
        breathe: Callable[[], None] | None = None,
        last: Collection[str] = (),
    ) -> None:
        """
        Args:
            schema: Where the options are.
            wanted: Chooses those of this form.
            choices: Lists that are known only at run time, by their name.
            suggestions: Values offered for an option that takes any text.
            title: Stands over options that have no group.
            show_help: Show below each field what it does; a wide form always does.
            parent: As in Qt.
            breathe: Called now and then while the fields are made.
            last: Keys of the options that stand at the end.
        """
        super().__init__(parent)
        self.fields: dict[str, Field] = {}
        self._groups: list[Group] = []
        self._options = {o.key: o for o in options(schema)}
        self._elsewhere: dict[str, Any] = {}
        self._unavailable: Mapping[str, Mapping[str, str]] = {}
        self._idle: Mapping[str, str] = {}
        self._title, self._show_help = title, show_help
        self._extra: list[tuple[str, QWidget]] = []
        self._all, self._columns = False, 0
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.NoFrame)
        self._page = QWidget()
        self._line = QHBoxLayout(self._page)
        self._line.setContentsMargins(_MARGIN, _GAP, _MARGIN, _MARGIN)
        self._line.setSpacing(_GAP)
        self.setWidget(self._page)
        for option in sorted(self._options.values(), key=lambda o: o.key in last):
            if wanted(option):
                self._add(option, schema, choices, suggestions or {})
                if breathe is not None and len(self.fields) % _AT_ONCE == 0:
                    breathe()
        self._assign_mnemonics()
        self._arrange()

    def _add(self, option: Option, schema: type[BaseModel], choices: Any, suggestions: Any) -> None:
        entries = suggestions.get(option.key) or (choices(option.choices_from) if option.choices_from else {})
        numbers = option.kind == "list" and item_kind(schema, option.key) is int
        field = Field(option, make_editor(option, entries, numbers, free=option.key in suggestions), self)
        field.edited.connect(self._edited)
        field.show_help(self._show_help)
        title = option.group or self._title
        group = next((g for g in self._groups if g.title == title), None)
        if group is None:
            group = Group(title, self._page)
            self._groups.append(group)
        group.add(field)
        self.fields[option.key] = field

    # -- values ---------------------------------------------------------------------------------
    def values(self) -> dict[str, Any]:
        """Key to what each field holds."""
        return {key: field.value for key, field in self.fields.items()}

    def changes(self) -> dict[str, Any]:
        """Key to value of the fields that differ from what was loaded; a text that is no value counts only
        where it would have an effect.
        """
        changed = {k: f for k, f in self.fields.items() if f.changed}
        return {k: f.value for k, f in changed.items() if f.enabled or not f.editor.fault()}

    def load(self, base: Mapping[str, Any], origins: Mapping[str, str], changes: Mapping[str, Any]) -> None:
        """Show ``base`` with ``changes`` over it."""
        for key, field in self.fields.items():
            field.load(base[key], origins.get(key, "default"), changes.get(key, base[key]))
        self.see({**base, **changes})
        self._update_shown()

    def see(self, values: Mapping[str, Any]) -> None:
        """Options that are not on this form have these values: some here may have no effect because of them."""
        self._elsewhere = {k: v for k, v in values.items() if k not in self.fields}
        self._update_dependents()

    def faults(self) -> dict[str, str]:
        """Key to the reason why the text of a field is no value; only of fields that have an effect."""
        return {k: reason for k, f in self.fields.items() if f.enabled and (reason := f.editor.fault())}

    def show_messages(self, messages: Mapping[str, tuple[str, str]]) -> None:
        """Key to ``(severity, sentence)`` below its field; fields that are not named show none."""
        for key, field in self.fields.items():
            field.show_message(*messages.get(key, ("", "")))

    # -- what is shown --------------------------------------------------------------------------
    def show_all(self, everything: bool) -> None:
        """Show the advanced options too; those that were changed are always shown."""
        self._all = everything
        self._update_shown()

    def set_read_only(self, read_only: bool) -> None:
        """Show the values without letting anybody change them."""
        self._page.setEnabled(not read_only)

    def add_widget(self, widget: QWidget, after: str = "") -> None:
        """A further card, behind the group of this title, else at the end."""
        widget.setParent(self._page)
        self._extra.append((after, widget))
        self._columns = 0
        self._arrange()

    def go_to(self, key: str) -> bool:
        """Bring a field into view and give it the focus; returns whether it is here."""
        field = self.fields.get(key)
        if field is None:
            return False
        field.set_shown(True)
        group = next(g for g in self._groups if field in g.fields)
        group.setVisible(True)
        self._page.layout().activate()
        self.ensureWidgetVisible(field.editor, 20, 60)
        field.editor.setFocus(Qt.OtherFocusReason)
        return True

    def _edited(self, key: str) -> None:
        self._update_dependents()
        self.edited.emit(key)

    def _update_dependents(self) -> None:
        idle = without_effect(self._options.values(), {**self._elsewhere, **self.values()})
        for key, field in self.fields.items():
            why = self._why(idle[key]) if key in idle else self._idle.get(key) or self._absent(key, field)
            field.set_enabled(why)

    def set_idle(self, reasons: Mapping[str, str]) -> None:
        """Options (by key) that do nothing whatever the other values are, each with the reason."""
        self._idle = reasons
        self._update_dependents()

    def grey_out(self, unavailable: Mapping[str, Mapping[str, str]]) -> None:
        """Values that cannot be chosen on this machine, with the reason (key to value to reason): they stay to be seen, grey."""
        self._unavailable = unavailable
        for key, reasons in unavailable.items():
            if key in self.fields and isinstance(editor := self.fields[key].editor, ChoiceEditor):
                editor.grey_out(reasons)
        self._update_dependents()

    def _absent(self, key: str, field: Field) -> str:
        """Why an option cannot leave its default here; one that has left it can go back."""
        return self._unavailable.get(key, {}).get(ANY, "") if field.value == field.option.default else ""

    def _why(self, condition: Condition) -> str:
        other = self._options[condition.key]
        words = other.choice_labels or {}
        return condition.sentence(other.label, lambda value: f"“{words.get(str(value), value)}”")

    def _update_shown(self) -> None:
        for group in self._groups:
            shown = [f for f in group.fields if self._all or not f.option.advanced or f.changed]
            for field in group.fields:
                field.set_shown(field in shown)
            group.setVisible(bool(shown))
        self._columns = 0
        self._arrange()

    # -- columns --------------------------------------------------------------------------------
    def resizeEvent(self, event: QResizeEvent) -> None:
        """Use the width that is there."""
        super().resizeEvent(event)
        self._arrange()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A card that is laid out for the first time may need less room than it said before."""
        used = super().eventFilter(watched, event)
        if watched is self.widget() and event.type() == QEvent.LayoutRequest:
            self._arrange()
        return bool(used)

    def changeEvent(self, event: QEvent) -> None:
        """A larger font needs wider columns."""
        super().changeEvent(event)
        if event.type() == QEvent.FontChange:
            self._columns = 0
            self._arrange()

    def _arrange(self) -> None:
        em = self.fontMetrics().horizontalAdvance("m")
        cards: list[QWidget] = []
        for group in self._groups:
            cards += [] if group.isHidden() else [group]
            cards += [w for title, w in self._extra if title == group.title]
        cards += [w for title, w in self._extra if title not in {g.title for g in self._groups}]
        least = max([_COLUMN_EM * em, *(card.minimumSizeHint().width() for card in cards)]) + _GAP
        count = max(1, min(3, len(cards), (self.viewport().width() - 2 * _MARGIN + _GAP) // least))
        if count == self._columns:
            return
        self._columns = count
        for field in self.fields.values():  # where there is room, nobody has to look for the tooltip
            field.show_help(self._show_help or count >= 3)
        while (item := self._line.takeAt(0)) is not None:
            if (layout := item.layout()) is not None:
                while layout.takeAt(0) is not None:
                    pass
                layout.deleteLater()
        for column in _spread(cards, count):
            box = QVBoxLayout()
            box.setSpacing(14)
            for card in column:
                card.setMaximumWidth(_WIDEST_EM * em)
                box.addWidget(card)
            box.addStretch(1)
            self._line.addLayout(box, _WIDEST_EM * em)
        self._line.addStretch(1)

    def _assign_mnemonics(self) -> None:
        taken = set("plvase")  # the dialog's own buttons
        for field in self.fields.values():
            letter = next(
                (c for c in field.option.label.lower() if c.isascii() and c.isalpha() and c not in taken), ""
            )
            taken.add(letter)
            field.set_mnemonic(letter)


def _spread(cards: Iterable[QWidget], count: int) -> list[list[QWidget]]:
    """Cards in reading order, column by column, so that the tallest column is as short as it can be."""
    found = list(cards)
    heights = [card.sizeHint().height() for card in found]
    limit = max([*heights, sum(heights) // max(1, count)], default=0)
    while True:
        columns: list[list[QWidget]] = [[]]
        filled = 0
        for card, height in zip(found, heights, strict=True):
            if columns[-1] and filled + height > limit:
                columns.append([])
                filled = 0
            columns[-1].append(card)
            filled += height
        if len(columns) <= count:
            return columns + [[] for _ in range(count - len(columns))]
        limit = limit * 21 // 20 + 1

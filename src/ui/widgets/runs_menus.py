"""The menus of the list of runs: what can be done with a run, and which runs are listed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import QMenu, QToolButton, QWidget

from src.ui.icons import icon
from src.ui.theme import theme
from src.ui.widgets.job_menu import add_jobs, has_model
from src.ui.widgets.runs_list import STATE_GROUPS, Wanted

_MOST_TAGS = 30


def orders_of(run: Any) -> list[tuple[str, str, str]]:
    """Order, words and icon of what can be done with a run now; an empty order is a line between groups."""
    found = [("open", "&Show", "run-folder"), ("folder", "Open &Folder", "folder")]
    if run.alive:
        found += [
            ("finish_epoch", "Finish This &Epoch", "finish"),
            ("pause", "&Pause", "pause"),
            ("stop", "S&top", "stop"),
        ]
    elif run.resumable:
        if run.state != "new":
            found.append(("resume", "&Resume", "resume"))
        found.append(
            ("unqueue", "Take Out of the &Queue", "queue")
            if run.queued
            else ("queue", "Add to &Queue", "queue")
        )
    found += [
        ("", "", ""),
        ("clone", "&Clone with Changes…", "clone"),
        ("reproduce", "Repro&duce…", "reproduce"),
    ]
    star = ("star", "Remove Sta&r", "star") if run.said.starred else ("star", "Sta&r", "star-full")
    found += [("", "", ""), star, ("notes", "Tags and &Notes…", "tag")]
    if not run.alive:
        found.append(("trash", "&Move to Trash…", "trash"))
    return found


def run_menu(parent: QWidget, run: Any, do: Callable[[str], None]) -> QMenu:
    """The context menu of a run: only what can be done with it now; ``do`` is called with the order."""
    menu = QMenu(parent)
    menu.setAttribute(Qt.WA_DeleteOnClose)
    for order, text, picture in orders_of(run):
        if not order:
            menu.addSeparator()
            continue
        action = menu.addAction(icon(picture), text)
        action.setObjectName(order)
        action.triggered.connect(lambda _=False, order=order: do(order))
    if has_model(run.folder):
        menu.addSeparator()
        add_jobs(menu, lambda job: do(f"job:{job}"))
    return menu


def runs_menu(parent: QWidget, number: int, do: Callable[[str], None]) -> QMenu:
    """The context menu of several runs."""
    menu = QMenu(parent)
    menu.setAttribute(Qt.WA_DeleteOnClose)
    for order, text, picture in (
        ("compare", f"&Compare {number} Runs", "compare"),
        ("star", "Sta&r", "star-full"),
        ("trash", "&Move to Trash…", "trash"),
    ):
        action = menu.addAction(icon(picture), text)
        action.setObjectName(order)
        action.triggered.connect(lambda _=False, order=order: do(order))
    return menu


class FilterButton(QToolButton):
    """Chooses states, tags and star; made anew whenever it opens.

    Attributes:
        wanted: What is asked for (its text is left alone).
        tags: All tags that there are.

    Signals:
        changed(): Something else is asked for.
        trash_asked(): Show what lies in the trash.
    """

    changed = pyqtSignal()
    trash_asked = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.wanted = Wanted()
        self.tags: list[str] = []
        self.setToolTip("Choose which runs are listed: state, tags, star; and the trash")
        self.setAccessibleName("Choose which runs are listed")
        self.setPopupMode(QToolButton.InstantPopup)
        self.menu_ = QMenu(self)
        self.menu_.aboutToShow.connect(self.fill)
        self.setMenu(self.menu_)
        theme().changed.connect(self._dress)
        self._dress()

    def _dress(self) -> None:
        self.setIcon(icon("filter", "accent" if self.wanted.words() else "text"))

    def want(self, wanted: Wanted) -> None:
        """Ask for this from now on."""
        self.wanted = wanted
        self._dress()
        self.changed.emit()

    def fill(self) -> None:
        """Build the menu from what there is now."""
        menu, wanted = self.menu_, self.wanted
        menu.clear()
        self._check("&Starred", wanted.starred, lambda: replace(self.wanted, starred=not self.wanted.starred))
        menu.addSeparator()
        for group in STATE_GROUPS:
            self._check(group, group in wanted.groups, partial(self._with_group, group))
        if self.tags:
            menu.addSeparator()
        for tag in self.tags[:_MOST_TAGS]:
            key = tag.casefold()
            self._check(f"#{tag}".replace("&", "&&"), key in wanted.tags, partial(self._with_tag, key))
        menu.addSeparator()
        everything = menu.addAction("Show &all")
        everything.setEnabled(bool(wanted.words()))
        everything.triggered.connect(lambda _=False: self.want(Wanted(self.wanted.text)))
        menu.addAction(icon("trash"), "&Trash…").triggered.connect(lambda _=False: self.trash_asked.emit())

    def _with_group(self, group: str) -> Wanted:
        return replace(self.wanted, groups=self.wanted.groups ^ {group})

    def _with_tag(self, tag: str) -> Wanted:
        return replace(self.wanted, tags=self.wanted.tags ^ {tag})

    def _check(self, text: str, on: bool, wanted: Callable[[], Wanted]) -> None:
        action = self.menu_.addAction(text)
        action.setCheckable(True)
        action.setChecked(on)
        action.triggered.connect(lambda _=False: self.want(wanted()))

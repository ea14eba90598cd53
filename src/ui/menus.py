"""Builds menus, toolbar and shortcuts of a window from the list of commands."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PyQt5.QtCore import QSize, Qt
from PyQt5.QtGui import QKeySequence
from PyQt5.QtWidgets import QAction, QActionGroup, QMainWindow, QMenu, QSizePolicy, QToolBar, QWidget

from src.ui.commands import COMMANDS, MENUS, RECENT, Command
from src.ui.icons import icon
from src.ui.settings import Settings


class Menus:
    """The actions of a window.

    Attributes:
        actions: Command id to its action.
        recent: The menu of folders opened before.
    """

    def __init__(
        self, window: QMainWindow, open_recent: Callable[[str, Path], None], settings: Settings
    ) -> None:
        self.actions: dict[str, QAction] = {}
        self._settings = settings
        self._open_recent = open_recent
        self._groups: dict[str, QActionGroup] = {}
        self.toolbar = QToolBar("Toolbar")
        self.toolbar.setObjectName("toolbar")
        self.toolbar.setMovable(False)
        self.toolbar.setIconSize(QSize(20, 20))
        self.toolbar.setToolButtonStyle(Qt.ToolButtonTextBesideIcon)
        self.toolbar.setContextMenuPolicy(Qt.PreventContextMenu)
        menus = {title: window.menuBar().addMenu(title) for title in MENUS}
        submenus: dict[str, QMenu] = {}
        self.recent = QMenu(RECENT, menus["&File"])
        self.recent.aboutToShow.connect(self._fill_recent)
        for command in COMMANDS:
            menu = menus[command.menu]
            if command.apart:
                menu.addSeparator()
            if command.submenu:
                menu = submenus.get(command.submenu) or menu.addMenu(command.submenu)
                submenus[command.submenu] = menu
            menu.addAction(self._action(window, command))
            if command.id == "open_run_dialog":
                menu.addMenu(self.recent)
        self._fill_toolbar()
        window.addToolBar(self.toolbar)
        self.dress()

    def _action(self, window: QMainWindow, command: Command) -> QAction:
        action = QAction(command.text, window)
        action.setObjectName(command.id)
        tip = command.tip
        if command.shortcut:
            action.setShortcut(QKeySequence(command.shortcut))
            tip += f" ({QKeySequence(command.shortcut).toString(QKeySequence.NativeText)})"
        action.setToolTip(tip)
        action.setStatusTip(command.tip)
        if command.check:
            action.setCheckable(True)
        if command.check and command.check != "toggle":
            group = self._groups.setdefault(command.check, QActionGroup(window))
            action.setActionGroup(group)
        if command.bar:
            action.setIconText(f" {command.bar}")
        if command.id == "quit":
            action.setMenuRole(QAction.QuitRole)
        elif command.id == "show_about":
            action.setMenuRole(QAction.AboutRole)
        method = getattr(window, command.id)
        action.triggered.connect(partial(self._call, method, command.check == "toggle"))
        self.actions[command.id] = action
        return action

    @staticmethod
    def _call(method: Callable[..., None], toggles: bool, on: bool = False) -> None:
        method(on) if toggles else method()

    def _fill_toolbar(self) -> None:
        on_bar = [c for c in COMMANDS if c.bar]
        for command in on_bar:
            if command.check == "toggle":
                spring = QWidget()
                spring.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Preferred)
                self.toolbar.addWidget(spring)
            self.toolbar.addAction(self.actions[command.id])

    def dress(self) -> None:
        """Icons in the colours of the theme."""
        for command in COMMANDS:
            if command.icon:
                self.actions[command.id].setIcon(icon(command.icon))
        self.recent.setIcon(icon("recent"))

    def _fill_recent(self) -> None:
        self.recent.clear()
        for kind, title in (("dataset", "Data sets"), ("run", "Runs")):
            found = self._settings.recent(kind)
            if found:
                self.recent.addSection(title)
            for path in found:
                action = self.recent.addAction(
                    icon("images" if kind == "dataset" else "run-folder"), path.replace("&", "&&")
                )
                action.triggered.connect(partial(self._recent_chosen, kind, path))
        if self.recent.isEmpty():
            self.recent.addAction("Nothing was opened yet").setEnabled(False)

    def _recent_chosen(self, kind: str, path: str, _: bool = False) -> None:
        self._open_recent(kind, Path(path))

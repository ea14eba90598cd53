"""Icons: our own SVG files, drawn in the colour of a role and again when the theme changes."""

from __future__ import annotations

import functools
from typing import Any

from PyQt5.QtCore import QByteArray, QPoint, QRect, QRectF, QSize, Qt
from PyQt5.QtGui import QIcon, QIconEngine, QPainter, QPixmap

from src.ui.style_sheet import ICONS
from src.ui.theme import colour, is_dark

#: The role in which the icon of a run's state is drawn; the shape and the word say the same.
STATE_ROLES = {
    "new": "muted",
    "starting": "accent",
    "running": "accent",
    "completed": "good",
    "stopped_early": "good",
    "stopped": "muted",
    "paused": "warn",
    "failed": "bad",
    "killed": "bad",
}


@functools.cache
def _source(name: str) -> str:
    return (ICONS / f"{name}.svg").read_text("utf-8")


@functools.lru_cache(maxsize=512)
def _rendered(name: str, colour_name: str, width: int, height: int) -> QPixmap:
    from PyQt5.QtSvg import QSvgRenderer

    renderer = QSvgRenderer(QByteArray(_source(name).replace("currentColor", colour_name).encode()))
    pixmap = QPixmap(width, height)
    pixmap.fill(Qt.transparent)
    painter = QPainter(pixmap)
    renderer.render(painter, QRectF(0, 0, width, height))
    painter.end()
    return pixmap


class _Engine(QIconEngine):
    """Draws an SVG at any size and scale, in the theme's colours of this moment."""

    def __init__(self, name: str, role: str) -> None:
        super().__init__()
        self._name = name
        self._role = role

    def _colour(self, mode: QIcon.Mode) -> str:
        return colour("disabled" if mode == QIcon.Disabled else self._role).name()

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        ratio = painter.device().devicePixelRatioF()
        size = QSize(round(rect.width() * ratio), round(rect.height() * ratio))
        painter.drawPixmap(rect, _rendered(self._name, self._colour(mode), size.width(), size.height()))

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        return _rendered(self._name, self._colour(mode), size.width(), size.height())

    def clone(self) -> QIconEngine:
        return _Engine(self._name, self._role)


@functools.lru_cache(maxsize=256)
def _icon(name: str, role: str, dark: bool) -> QIcon:
    return QIcon(_Engine(name, role))


def icon(name: str, role: str = "text") -> QIcon:
    """An icon that follows the theme. ``name`` is a file of ``resources/icons`` without its suffix."""
    _source(name)
    return _icon(name, role, is_dark())


def paint_icon(painter: QPainter, name: str, role: str, place: QPoint, size: int) -> None:
    """Draw an icon at ``place`` with ``size`` device-independent pixels."""
    _icon(name, role, is_dark()).paint(painter, QRect(place, QSize(size, size)))


def state_icon_name(state: str) -> str:
    """The icon of a run's state."""
    return "state-completed" if state == "stopped_early" else f"state-{state}"


def run_look(run: Any) -> tuple[str, str]:
    """Name and role of the icon of a `RunSummary`; one that taught next to nothing does not look like a success."""
    return ("warning", "warn") if run.verdict else (state_icon_name(run.state), STATE_ROLES[run.state])


def app_icon() -> QIcon:
    """The application's own icon, in its own colours."""
    made = QIcon()
    for side in (16, 32, 64, 128):
        made.addPixmap(_rendered("lathe", "#000000", side, side))
    return made

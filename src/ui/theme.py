"""The look: every colour by its role as a light and a dark value, the palette, the style sheet, live
switching."""

from __future__ import annotations

from typing import Literal

from PyQt5.QtCore import QObject, QSettings, QSysInfo, pyqtSignal
from PyQt5.QtGui import QColor, QFont, QPalette
from PyQt5.QtWidgets import QApplication, QWidget

from src.core.dataset import palette
from src.ui.style_sheet import style_sheet

Mode = Literal["light", "dark", "system"]
MODES: tuple[Mode, ...] = ("system", "light", "dark")

#: Role to (light, dark). Text roles have at least 4.5:1 contrast on ``window`` and ``surface``.
ROLES: dict[str, tuple[str, str]] = {
    "window": ("#f3f4f6", "#1b1d21"),
    "surface": ("#ffffff", "#23262b"),
    "raised": ("#ffffff", "#2d3138"),
    "hover": ("#e8ebef", "#343941"),
    "selected": ("#dbe8fb", "#20354e"),
    "border": ("#d3d8df", "#3b4048"),
    "border_strong": ("#9aa3af", "#5b6370"),
    "text": ("#1a1d21", "#e7e9ec"),
    "muted": ("#59616c", "#a1a9b4"),
    "disabled": ("#9299a3", "#6d7580"),
    "accent": ("#1d62c9", "#66a6ff"),
    "accent_fill": ("#1d62c9", "#2f72d6"),
    "accent_fill_hover": ("#174fa3", "#3d82e8"),
    "accent_text": ("#ffffff", "#ffffff"),
    "good": ("#12703f", "#57c58b"),
    "warn": ("#8a5300", "#e8b04a"),
    "bad": ("#b3261e", "#ff8a80"),
    "good_soft": ("#e0f3e8", "#1d3529"),
    "warn_soft": ("#fdf1d8", "#3b3020"),
    "bad_soft": ("#fbe5e3", "#432526"),
    "info_soft": ("#e3edfb", "#22344d"),
    "neutral_soft": ("#e8ebef", "#343941"),
    "plot_grid": ("#8b949f", "#79828e"),
    "plot_train": ("#0b6ca8", "#5bb8ee"),
    "plot_val": ("#c24e00", "#f0a13a"),
    "plot_rate": ("#007f5c", "#35c79b"),
    "plot_a": ("#0b6ca8", "#5bb8ee"),
    "plot_b": ("#c24e00", "#f0a13a"),
    "plot_c": ("#9a4f7d", "#dd93c0"),
    "run_1": ("#0b6ca8", "#5bb8ee"),
    "run_2": ("#c24e00", "#f0a13a"),
    "run_3": ("#007f5c", "#35c79b"),
    "run_4": ("#9a4f7d", "#dd93c0"),
    "run_5": ("#3c4148", "#e7e9ec"),
    "run_6": ("#8a6d00", "#efe05a"),
    "run_7": ("#5a49c8", "#a59bff"),
    "run_8": ("#9e1b34", "#ff8a80"),
    "plot_best": ("#12703f", "#57c58b"),
    "scroll": ("#b9c0c9", "#4d545e"),
    "shadow": ("#c4cad2", "#121316"),
}


class _Theme(QObject):
    """The state of the look.

    Signals:
        changed: The colours were changed; widgets that paint themselves look them up again.
    """

    changed = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.mode: Mode = "system"
        self.dark = False
        self.base_point_size = 0.0
        self.zoom = 1.0


_theme: _Theme | None = None


def theme() -> _Theme:
    """The one theme object of this process; connect to ``theme().changed``."""
    global _theme
    if _theme is None:
        _theme = _Theme()
    return _theme


def is_dark() -> bool:
    """Whether dark colours are shown now."""
    return theme().dark


def colour(role: str) -> QColor:
    """The colour of a role in the theme shown now.

    Raises:
        KeyError: There is no such role.
    """
    return QColor(ROLES[role][int(theme().dark)])


def class_colours(n: int) -> list[QColor]:
    """Colours for ``n`` classes that people with colour-blindness tell apart; class 0 is the background.

    The same in both themes, because overlays lie on photographs and must agree with previews and reports.
    """
    return [QColor(*rgb) for rgb in palette.class_colours(n)]


def system_is_dark() -> bool:
    """Whether the system asks for dark windows; light where it does not say."""
    kind = QSysInfo.productType()
    if kind in ("windows", "winrt"):
        key = r"HKEY_CURRENT_USER\Software\Microsoft\Windows\CurrentVersion\Themes\Personalize"
        return int(QSettings(key, QSettings.NativeFormat).value("AppsUseLightTheme", 1)) == 0
    if kind in ("macos", "osx"):
        return (
            str(QSettings(".GlobalPreferences", QSettings.NativeFormat).value("AppleInterfaceStyle", ""))
            == "Dark"
        )
    return _portal_is_dark()


def _portal_is_dark() -> bool:
    """The desktop portal's answer (GNOME, KDE and others); asked with a short limit, it must not delay the
    window."""
    import os

    if not os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return False
    try:
        from PyQt5.QtDBus import QDBusConnection, QDBusInterface
    except ImportError:
        return False
    bus = QDBusConnection.sessionBus()
    if not bus.isConnected():
        return False
    portal = QDBusInterface(
        "org.freedesktop.portal.Desktop",
        "/org/freedesktop/portal/desktop",
        "org.freedesktop.portal.Settings",
        bus,
    )
    portal.setTimeout(150)
    reply = portal.call("Read", "org.freedesktop.appearance", "color-scheme")
    value = reply.arguments()[0] if reply.arguments() else 0
    for _ in range(2):  # the portal wraps the number in one or two variants
        value = value.variant() if hasattr(value, "variant") else value
    return value == 1


def apply_theme(app: QApplication, mode: Mode = "system", zoom: float | None = None) -> None:
    """Give the whole application its look; safe at any time, also again and again.

    Args:
        app: The application.
        mode: ``light``, ``dark``, or what the system asks for.
        zoom: Size of text relative to the system's; ``None`` leaves it as it is.
    """
    state = theme()
    dark = system_is_dark() if mode == "system" else mode == "dark"
    changed = (dark, mode) != (state.dark, state.mode) or (zoom is not None and zoom != state.zoom)
    if not state.base_point_size:
        app.setStyle("Fusion")
        size = app.font().pointSizeF()
        state.base_point_size = size if size > 0 else 10.0
    elif not changed:
        return
    state.mode, state.dark = mode, dark
    state.zoom = zoom or state.zoom
    font = QFont(app.font())
    font.setPointSizeF(state.base_point_size * state.zoom)
    app.setFont(font)
    app.setPalette(_palette())
    app.setStyleSheet(style_sheet({role: pair[int(dark)] for role, pair in ROLES.items()}, dark))
    state.changed.emit()


def _palette() -> QPalette:
    made = QPalette()
    for place, role in (
        (QPalette.Window, "window"),
        (QPalette.WindowText, "text"),
        (QPalette.Base, "surface"),
        (QPalette.AlternateBase, "window"),
        (QPalette.Text, "text"),
        (QPalette.Button, "raised"),
        (QPalette.ButtonText, "text"),
        (QPalette.BrightText, "bad"),
        (QPalette.ToolTipBase, "raised"),
        (QPalette.ToolTipText, "text"),
        (QPalette.Highlight, "accent_fill"),
        (QPalette.HighlightedText, "accent_text"),
        (QPalette.Link, "accent"),
        (QPalette.LinkVisited, "accent"),
        (QPalette.PlaceholderText, "muted"),
        (QPalette.Light, "raised"),
        (QPalette.Midlight, "hover"),
        (QPalette.Mid, "border"),
        (QPalette.Dark, "border_strong"),
        (QPalette.Shadow, "shadow"),
    ):
        made.setColor(place, colour(role))
    for place in (QPalette.WindowText, QPalette.Text, QPalette.ButtonText):
        made.setColor(QPalette.Disabled, place, colour("disabled"))
    made.setColor(QPalette.Disabled, QPalette.Highlight, colour("border"))
    return made


def sized_font(widget: QWidget, factor: float, weight: int = QFont.Normal) -> QFont:
    """A font relative to the application's, so that zoom and the system's setting keep their effect."""
    font = QFont(QApplication.font(widget))
    font.setPointSizeF(max(6.0, font.pointSizeF() * factor))
    font.setWeight(weight)
    return font


def fixed_font() -> QFont:
    """The system's font for code and logs, at the size of the interface."""
    from PyQt5.QtGui import QFontDatabase

    font = QFontDatabase.systemFont(QFontDatabase.FixedFont)
    font.setPointSizeF(max(6.0, QApplication.font().pointSizeF() * 0.95))
    return font


def set_role(widget: QWidget, role: str) -> None:
    """Mark a widget for the style sheet (``role`` property) and repaint it."""
    widget.setProperty("role", role)
    widget.style().unpolish(widget)
    widget.style().polish(widget)
    widget.update()

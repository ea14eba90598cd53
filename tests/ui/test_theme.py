"""Colours by role, contrast, class colours, live switching, icons."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PyQt5.QtGui import QColor
from PyQt5.QtWidgets import QLabel

from src.core.dataset import palette
from src.ui import icons, style_sheet
from src.ui.commands import COMMANDS
from src.ui.theme import ROLES, apply_theme, class_colours, colour, is_dark, set_role, theme

ROOT = Path(__file__).resolve().parents[2]


def luminance(shade: QColor) -> float:
    parts = [
        c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4
        for c in (shade.redF(), shade.greenF(), shade.blueF())
    ]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(a: str, b: str) -> float:
    light, dark = sorted((luminance(QColor(a)), luminance(QColor(b))), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("mode", [0, 1])
@pytest.mark.parametrize("text", ["text", "muted", "accent", "good", "warn", "bad"])
def test_text_can_be_read_on_every_ground(mode: int, text: str) -> None:
    for ground in ("window", "surface", "raised", "selected"):
        assert contrast(ROLES[text][mode], ROLES[ground][mode]) >= 4.5, (text, ground)


@pytest.mark.parametrize("mode", [0, 1])
def test_messages_and_curves_can_be_read(mode: int) -> None:
    for ground in ("good_soft", "warn_soft", "bad_soft", "info_soft"):
        assert contrast(ROLES["text"][mode], ROLES[ground][mode]) >= 4.5
    for curve in ("plot_train", "plot_val", "plot_rate", "plot_c", "plot_best"):
        assert contrast(ROLES[curve][mode], ROLES["surface"][mode]) >= 3.0, curve
    assert contrast(ROLES["accent_text"][mode], ROLES["accent_fill"][mode]) >= 4.5


def test_switching_is_live(qtbot, qapp) -> None:
    apply_theme(qapp, "light")
    light = colour("window")
    with qtbot.waitSignal(theme().changed, timeout=500):
        apply_theme(qapp, "dark")
    assert is_dark() and colour("window") != light
    assert qapp.palette().window().color() == colour("window")
    apply_theme(qapp, "light")


def test_applying_the_same_again_changes_nothing(qtbot, qapp) -> None:
    apply_theme(qapp, "light", 1.0)
    with qtbot.assertNotEmitted(theme().changed, wait=20):
        apply_theme(qapp, "light")


def test_class_colours_are_those_of_previews_and_differ() -> None:
    shades = class_colours(20)
    assert [c.getRgb()[:3] for c in shades] == palette.class_colours(20)
    assert len({c.name() for c in shades}) == 20


def test_every_role_of_the_style_sheet_exists_and_no_font_size_is_fixed() -> None:
    sheet = style_sheet.style_sheet({role: pair[0] for role, pair in ROLES.items()}, dark=False)
    assert "font-size" not in sheet
    for url in re.findall(r'url\("(.+?)"\)', sheet):
        assert Path(url).is_file(), url


def test_every_icon_can_be_drawn_in_both_themes(qtbot, qapp) -> None:
    for mode in ("light", "dark"):
        apply_theme(qapp, mode)
        for name in {c.icon for c in COMMANDS if c.icon} | {
            icons.state_icon_name(s) for s in icons.STATE_ROLES
        }:
            image = icons.icon(name).pixmap(24, 24).toImage()
            assert any(image.pixelColor(x, y).alpha() for x in range(24) for y in range(24)), name
    apply_theme(qapp, "light")


def test_roles_are_marked_for_the_style_sheet(qtbot) -> None:
    label = QLabel("x")
    qtbot.addWidget(label)
    set_role(label, "error")
    assert label.property("role") == "error"


def test_no_colour_is_written_outside_the_theme() -> None:
    allowed = {"theme.py", "icons.py"}
    for path in (ROOT / "src" / "ui").rglob("*.py"):
        if path.name not in allowed:
            assert not re.search(r'"#[0-9a-fA-F]{6}"', path.read_text("utf-8")), path.name

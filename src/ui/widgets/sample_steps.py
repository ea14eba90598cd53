"""Buttons and keys that go from one sample of a grid to the next."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QKeySequence
from PyQt5.QtWidgets import QPushButton, QShortcut, QWidget


def step_buttons(window: QWidget, one: str, step: Callable[[int], None]) -> list[QPushButton]:
    """Previous and next; ``one`` is what a sample is called, ``step`` takes -1 or 1."""
    made = []
    for text, way, keys, tip in (
        ("Pre&vious", -1, (Qt.Key_PageUp, Qt.Key_P), f"The {one} before this one (Page up or P)"),
        ("&Next", 1, (Qt.Key_PageDown, Qt.Key_N), f"The {one} after this one (Page down or N)"),
    ):
        button = QPushButton(text)
        button.setToolTip(tip)
        button.setAutoDefault(False)
        button.clicked.connect(lambda _, way=way: step(way))
        for key in keys:
            QShortcut(QKeySequence(key), window, activated=partial(step, way))
        made.append(button)
    return made

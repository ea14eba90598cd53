"""Plays a stretch of a sample: a button, how fast, and where the sound is."""

from __future__ import annotations

from typing import Any

from PyQt5.QtCore import QTimer, pyqtSignal
from PyQt5.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QWidget

from src.ui.icons import icon
from src.ui.sound import Output, find_output
from src.ui.theme import theme
from src.ui.widgets.elided import ElidedLabel

_SPEEDS = ((1.0, "At its own speed"), (0.5, "Half as fast, an octave lower"), (0.25, "A quarter as fast, two octaves lower"),
           (2.0, "Twice as fast, an octave higher"))  # fmt: skip
_EVERY_MS = 40


class Player(QWidget):
    """Asks for sound and plays it.

    Attributes:
        output: The device, or None.

    Signals:
        asked(float, int, int): Sound is wanted at this speed, for a device of this rate in Hz and so many channels.
        moved(object): Seconds of the sample that are heard now, or None when it is silent.
    """

    asked = pyqtSignal(float, int, int)
    moved = pyqtSignal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.output: Output | None = None
        self._sound: dict[str, Any] | None = None
        self.button = QPushButton("&Listen")
        self.button.setAutoDefault(False)
        self.button.setEnabled(False)
        self.button.clicked.connect(lambda _: self.toggle())
        self.speed = QComboBox()
        self.speed.setAccessibleName("How fast it is played")
        for value, words in _SPEEDS:
            self.speed.addItem(words, value)
        self.speed.currentIndexChanged.connect(lambda _: self.silence())
        self.words = ElidedLabel()
        self.words.setProperty("role", "muted")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for widget in (self.button, self.speed):
            row.addWidget(widget)
        row.addWidget(self.words, 1)
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self._follow)
        theme().changed.connect(self._dress)
        self._dress()

    def find_device(self) -> None:
        """Look for a sound device; without one the button says why it does nothing."""
        self.output, reason = find_output(self)
        self.button.setEnabled(self.output is not None)
        self.speed.setVisible(self.output is not None)
        self.button.setToolTip(reason or "Play what the signal shows (Space)")
        self.words.setText(reason)

    def toggle(self) -> None:
        """Play, or be silent."""
        if self.output is None:
            return
        if self._sound is not None:
            self.silence()
            return
        self.words.setText("Preparing the sound…")
        self.asked.emit(float(self.speed.currentData()), self.output.rate, self.output.channels)

    def play(self, sound: dict[str, Any]) -> None:
        """Play what was asked for: see ``views.Sound``."""
        if self.output is None:
            return
        self._sound = sound
        self.output.start(sound["path"])
        self.words.setText(sound["words"])
        self._timer.start()
        self._dress()
        self._follow()

    def refuse(self, reason: str) -> None:
        """Say why there is nothing to be heard."""
        self.silence()
        self.words.setText(reason)

    def silence(self) -> None:
        """Stop playing; safe at any time."""
        self._timer.stop()
        if self._sound is None:
            return
        self._sound = None
        if self.output is not None:
            self.output.stop()
        self._dress()
        self.moved.emit(None)

    def _follow(self) -> None:
        sound = self._sound
        at = self.output.position() if self.output is not None and sound is not None else None
        if sound is None or at is None:
            self.silence()
            return
        self.moved.emit(min(sound["span"][1], sound["span"][0] + at * sound["speed"]))

    def _dress(self) -> None:
        playing = self._sound is not None
        self.button.setText("&Stop" if playing else "&Listen")
        self.button.setIcon(icon("stop" if playing else "resume"))

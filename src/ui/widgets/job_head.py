"""The head of a job: what it does with which model, its state in words, how far it is, what came of it."""

from __future__ import annotations

from collections.abc import Iterable

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QFont
from PyQt5.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from src.core.run import TITLES
from src.ui.dialogs.transfer_parts import sentence
from src.ui.icons import STATE_ROLES, icon, state_icon_name
from src.ui.text import duration
from src.ui.theme import sized_font, theme
from src.ui.widgets.elided import ElidedLabel
from src.ui.widgets.message_bar import MessageBar

_SAID_SHOWN = 6


class JobHead(QWidget):
    """Widgets only; what they mean is in `JobView`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = "starting"
        self._icon, self.state = QLabel(), QLabel()
        self.title, self.about = ElidedLabel(), ElidedLabel()
        self.about.setProperty("role", "muted")
        for label in (self.title, self.about):
            label.setTextFormat(Qt.PlainText)
            label.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Preferred)
        self.cancel = _button("&Cancel", "End the job; what is complete is kept")
        self.again = _button("Start a&gain…", "Open the settings of this job again")
        self.report = _button("Open re&port", "Show the report in the browser")
        self.folder = _button("Open &folder", "Show the files of this job")
        self.words, self.bar = QLabel(), QProgressBar()
        self.words.setTextFormat(Qt.PlainText)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the job")
        self.message = MessageBar()
        self.said = sentence("")
        self.said.hide()
        self._arrange()
        theme().changed.connect(self._dress)
        self._dress()

    def _arrange(self) -> None:
        names = QVBoxLayout()
        names.setSpacing(1)
        names.addWidget(self.title)
        names.addWidget(self.about)
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addLayout(names, 1)
        top.addWidget(self._icon)
        top.addWidget(self.state)
        top.addSpacing(8)
        for button in (self.cancel, self.again, self.report, self.folder):
            top.addWidget(button)
        self.work = QWidget()
        row = QHBoxLayout(self.work)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        row.addWidget(self.words)
        row.addWidget(self.bar, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 10)
        column.setSpacing(8)
        column.addLayout(top)
        for widget in (self.work, self.message, self.said):
            column.addWidget(widget)

    def _dress(self) -> None:
        self.title.setFont(sized_font(self, 1.3, QFont.DemiBold))
        self.state.setFont(sized_font(self, 1.0, QFont.DemiBold))
        self._icon.setPixmap(icon(state_icon_name(self._state), STATE_ROLES[self._state]).pixmap(20, 20))
        for button, name in (
            (self.cancel, "stop"),
            (self.again, "resume"),
            (self.report, "report"),
            (self.folder, "folder"),
        ):
            button.setIcon(icon(name))

    def show_state(self, state: str, works: bool) -> None:
        """One of the states of a run; ``works``: it is this window's own and can be cancelled here."""
        self._state = state
        self.state.setText(TITLES[state])
        self.work.setVisible(state in ("starting", "running"))
        self.cancel.setVisible(works)
        self.again.setVisible(not works and state not in ("starting", "running"))
        self._dress()

    def show_progress(self, done: int, total: int, what: str, left_s: float) -> None:
        """How far it is (``total`` 0: not known), and how many seconds are left (negative: not known)."""
        text = f"{what}: {done:,} of {total:,}" if total else f"{what}…"
        self.words.setText(f"{text} · {duration(round(left_s))} left" if left_s >= 0 else text)
        self.bar.setRange(0, total)
        self.bar.setValue(done)

    def show_said(self, sentences: Iterable[str]) -> None:
        """What came of it."""
        lines = [str(s) for s in sentences if s]
        more = len(lines) - _SAID_SHOWN
        shown = lines[:_SAID_SHOWN] + ([f"and {more} more in the report"] if more > 0 else [])
        self.said.setText("\n".join(shown))
        self.said.setVisible(bool(shown))


def _button(text: str, tip: str) -> QPushButton:
    made = QPushButton(text)
    made.setToolTip(tip)
    made.hide()
    return made

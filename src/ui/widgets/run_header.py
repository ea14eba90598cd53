"""The head of a run: what it is, what state it is in and why, how far it is, how fast, how good."""

from __future__ import annotations

import time

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QFont
from PyQt5.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from src.core.dataset.findings import IMAGE, Noun
from src.core.run import TITLES, RunSummary
from src.core.run.worked import usual_speed
from src.tasks.catalog import TASKS
from src.ui.icons import STATE_ROLES, icon, run_look, state_icon_name
from src.ui.run_data import RunData
from src.ui.text import count, duration, metric_title, moment, number, run_title
from src.ui.theme import set_role, sized_font, theme
from src.ui.widgets.elided import ElidedLabel
from src.ui.widgets.run_buttons import RunButtons
from src.ui.wording import in_words

_PHASES = {"train": "training", "val": "validation"}
_FRAMES = {
    "failed": "bad",
    "killed": "bad",
    "paused": "warn",
    "stopped": "info",
    "stopped_early": "good",
    "completed": "good",
}


def _noun(data: RunData) -> Noun:
    """What the samples of a run are called; of one whose problem is not known, images."""
    task = TASKS.get(str(data.started.get("task") or ""))
    return task.look.noun if task else IMAGE


class _Fact(QWidget):
    """A value with its name above it."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = QLabel(name)
        self.name.setProperty("role", "muted")
        self.value = QLabel("–")
        self.value.setTextInteractionFlags(Qt.TextSelectableByMouse)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        column.addWidget(self.name)
        column.addWidget(self.value)

    def put(self, value: str, name: str = "") -> None:
        self.value.setText(value)
        if name:
            self.name.setText(name)


class RunHeader(QWidget):
    """Shows `RunSummary` and `RunData`; holds the buttons."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look, self._title, self._doubtful = (
            (state_icon_name("new"), STATE_ROLES["new"]),
            TITLES["new"],
            False,
        )
        self._icon = QLabel()
        self.title = ElidedLabel()
        self.title.setTextFormat(Qt.PlainText)
        self.title.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Preferred)
        self.state = QLabel()
        self._about = ElidedLabel()
        self._about.setProperty("role", "muted")
        self._about.setTextFormat(Qt.PlainText)
        self._about.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Preferred)
        self.buttons = RunButtons()
        self.run_bar, self.run_text = QProgressBar(), QLabel()
        self.epoch_bar, self.epoch_text = QProgressBar(), QLabel()
        self.run_bar.setAccessibleName("Progress of the run")
        self.epoch_bar.setAccessibleName("Progress of the epoch")
        for bar in (self.run_bar, self.epoch_bar):
            bar.setTextVisible(False)
        self.best, self.speed, self.left = _Fact("Best"), _Fact("Speed"), _Fact("Time left")
        self.ending = QFrame()
        self._ending_icon, self.cause, self.cure = QLabel(), QLabel(), QLabel()
        self._arrange()
        theme().changed.connect(self._dress)
        self._dress()

    def _arrange(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self._icon)
        top.addWidget(self.state)
        self.buttons.layout().removeWidget(self.buttons.note)
        head = QHBoxLayout()
        head.setSpacing(16)
        head.addWidget(self._about, 1)
        head.addLayout(top)
        head.addWidget(self.buttons, 0, Qt.AlignVCenter)
        facts = QGridLayout()
        facts.setHorizontalSpacing(24)
        facts.setVerticalSpacing(4)
        facts.addWidget(self.run_text, 0, 0)
        facts.addWidget(self.run_bar, 1, 0)
        facts.addWidget(self.epoch_text, 0, 1)
        facts.addWidget(self.epoch_bar, 1, 1)
        for column, fact in enumerate((self.left, self.speed, self.best), 2):
            facts.addWidget(fact, 0, column, 2, 1)
        self._facts = facts
        self.ending.setLayout(self._ending_row())
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 10)
        column.setSpacing(9)
        names = QVBoxLayout()
        names.setSpacing(0)
        names.addWidget(self.title)  # a line of its own: names are long, and their end tells runs apart
        names.addLayout(head)
        column.addLayout(names)
        column.addWidget(self.buttons.note)
        column.addLayout(facts)
        column.addWidget(self.ending)
        self.buttons.note.setWordWrap(True)

    def _ending_row(self) -> QHBoxLayout:
        words = QVBoxLayout()
        words.setSpacing(2)
        for label in (self.cause, self.cure):
            label.setWordWrap(True)
            label.setTextFormat(Qt.PlainText)
            label.setTextInteractionFlags(Qt.TextSelectableByMouse | Qt.TextSelectableByKeyboard)
            words.addWidget(label)
        row = QHBoxLayout()
        row.setContentsMargins(12, 8, 12, 8)
        row.setSpacing(10)
        row.addWidget(self._ending_icon, 0, Qt.AlignTop)
        row.addLayout(words, 1)
        return row

    def _dress(self) -> None:
        self.title.setFont(sized_font(self, 1.3, QFont.DemiBold))
        self.state.setFont(sized_font(self, 1.0, QFont.DemiBold))
        for fact in (self.best, self.speed, self.left):
            fact.value.setFont(sized_font(self, 1.1, QFont.DemiBold))
        self._show_state()

    def _show_state(self) -> None:
        shown = icon(*self._look)
        self._icon.setPixmap(shown.pixmap(20, 20))
        self.state.setText(self._title)
        ending = icon("warning", "warn") if self._doubtful else shown
        self._ending_icon.setPixmap(ending.pixmap(20, 20))

    def show_name(self, name: str) -> None:
        """The run's folder name."""
        self.title.setText(run_title(name))
        self.title.setToolTip(name)

    def show_summary(self, summary: RunSummary) -> None:
        """State, cause and cure."""
        self._look, self._title = run_look(summary), summary.title
        self._doubtful = self._frame(summary) == "warn" and summary.state != "paused"
        self._show_state()
        self.buttons.show_summary(summary)
        said = bool(summary.cause or summary.cure) and not summary.alive
        self.ending.setVisible(said)
        self.cause.setText(in_words(summary.cause))
        self.cure.setText(in_words(summary.cure))
        self.cure.setVisible(bool(summary.cure))
        set_role(self.ending, self._frame(summary))

    @staticmethod
    def _frame(summary: RunSummary) -> str:
        """The colour of what is said of the ending; a good one that needs a cure is to be looked at."""
        frame = _FRAMES.get(summary.state, "info")
        return "warn" if frame == "good" and summary.cure else frame

    def show_data(self, data: RunData, alive: bool) -> None:
        """Progress, speed, best value."""
        self._show_about(data)
        done, planned = len(data.epochs), max(data.planned, 1)
        progress = data.progress
        share = progress.batch / progress.batches if progress.batches else 0.0
        self.run_bar.setRange(0, 1000)
        self.run_bar.setValue(round(1000 * done / planned))
        self.run_text.setText(
            data.stage
            if data.stage and alive
            else f"{count(done, 'epoch')} of {data.planned:,} done"
            if data.planned
            else "Waiting for the first step"
            if alive or not data.ending
            else "Ended before the first step"
        )
        between = alive and done == progress.epoch and 0 < done < data.planned
        inside = alive and (progress.epoch > done or between)
        self.epoch_bar.setVisible(inside)
        self.epoch_text.setVisible(inside)
        self._facts.setColumnStretch(0, 3)
        self._facts.setColumnStretch(1, 3 if inside else 0)
        if inside:
            phase = _PHASES.get(progress.phase, progress.phase)
            of = f", {phase} batch {progress.batch:,} of {progress.batches:,}" if progress.batches else ""
            self.epoch_text.setText(f"Epoch {progress.epoch:,}{', saving' if between else of}")
            self.epoch_bar.setRange(0, 1000)
            self.epoch_bar.setValue(round(1000 * share))
        self._show_facts(data, alive)

    def _show_about(self, data: RunData) -> None:
        started = data.started
        parts = [f"Started {moment(data.attempts[0].time)}"] if data.attempts else []
        again = data.attempts[1:]
        if resumed := sum(attempt.resumed for attempt in again):
            parts.append(f"resumed {count(resumed, 'time')}")
        if anew := len(again) - resumed:  # no checkpoint had been written before
            parts.append(f"begun anew {count(anew, 'time')}")
        if started.get("device"):
            parts.append(f"on {started['device']}")
        if isinstance(started.get("parameters"), (int, float)):
            number_of = started["parameters"]
            millions = f"{number_of / 1e6:.1f} million" if number_of >= 1e5 else f"{number_of:,}"
            parts.append(f"{millions} parameters")
        if started.get("train_samples") is not None:
            parts.append(
                f"{started['train_samples']:,} training "
                f"and {started.get('val_samples') or 0:,} validation {_noun(data).many}"
            )
        self._about.setText(" · ".join(parts))

    def _show_facts(self, data: RunData, alive: bool) -> None:
        if alive:
            left = data.left_s(time.time())
            self.left.put(duration(None if left is None else round(left)), "Time left")
        else:
            self.left.put(duration(data.taken_s), "Time taken")
        speed = data.progress.per_second if alive and data.progress.phase == "train" else None
        if speed is None:
            speed = usual_speed(data.epochs)
        unit = "images/s" if _noun(data) == IMAGE else "samples/s"  # of recordings it counts windows
        self.speed.put(
            f"{speed:,.0f} {unit}" if speed and speed >= 10 else f"{speed:.1f} {unit}" if speed else "–"
        )
        if data.best_value is not None:
            self.best.put(
                f"{number(data.best_value)} (epoch {data.best_epoch})", f"Best {metric_title(data.metric)}"
            )
        else:
            self.best.put("–", f"Best {metric_title(data.metric)}" if data.metric else "Best")

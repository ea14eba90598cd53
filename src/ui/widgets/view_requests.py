"""Asks the data job for the views of one sample: only what is seen, only for where the person looks now."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PyQt5.QtCore import QObject, QTimer, pyqtSignal

from src.threads.data_session import DataSession

#: Milliseconds without a further movement after which views are computed anew.
_DELAY_MS = 90


class ViewRequests(QObject):
    """One child process for one window.

    What is asked for is put together when it is sent, so that it is of the stretch that is seen then; whatever was asked
    for before and is not answered yet is given up.

    Attributes:
        session: The worker that owns the child process.

    Signals:
        opened(dict): A sample can be looked at: see ``OpenedSample``.
        shown(str, dict): A view, and what it shows: see ``Shown.to_dict``.
        refused(str, str): A view that there is not, and why; the view is empty where the sample cannot be opened.
        heard(dict): Sound to be played: see ``Sound``.
        unheard(str): Why there is none.
        busy(str): What is done now; empty when all is done.
    """

    opened = pyqtSignal(dict)
    shown = pyqtSignal(str, dict)
    refused = pyqtSignal(str, str)
    heard = pyqtSignal(dict)
    unheard = pyqtSignal(str)
    busy = pyqtSignal(str)

    def __init__(
        self, describe: Callable[[str], Mapping[str, Any] | None], parent: QObject | None = None
    ) -> None:
        """Prepare.

        Args:
            describe: What to ask of a view: options, span, across, columns. None: it is not seen.
            parent: Owner.
        """
        super().__init__(parent)
        self._config, self._describe = "", describe
        self._sample: dict[str, Any] = {}
        self._numbers: dict[int, str] = {}
        self._stale: list[str] = []
        self._opening = self._listening = 0
        self._sound: dict[str, Any] | None = None
        self._place = tempfile.TemporaryDirectory(prefix="lathe-sound-", ignore_cleanup_errors=True)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DELAY_MS)
        self._timer.timeout.connect(self._send)
        self.session = DataSession(self)
        self.session.answered.connect(self._answered)
        self.session.failed.connect(self._failed)
        self.session.progress.connect(self._progress)
        self.session.start()

    def open(self, config: str, sample: Mapping[str, Any]) -> None:
        """Another sample; ``config`` is YAML text."""
        self._give_up()
        self._config, self._sample, self._stale = config, dict(sample), []
        self._opening = self.session.ask("open_sample", config=self._config, sample=self._sample)
        self.busy.emit("Opening…")

    def want(self, views: list[str], *, now: bool = False) -> None:
        """These views show something that is not true any more; they are asked for in this order."""
        self._stale += [view for view in views if view not in self._stale]
        if now:
            self._send()
        else:
            self._timer.start()

    def listen(self, speed: float, rate: int, channels: int, about: Mapping[str, Any]) -> None:
        """Ask for the sound of what is seen; the views wait."""
        to = str(Path(self._place.name) / "sound.pcm")
        sound = {"speed": speed, "rate": rate, "channels": channels, "to": to, **about}
        self._listening = self.session.ask("listen", config=self._config, sample=self._sample, **sound)

    def close(self) -> None:
        """End the child process."""
        self._timer.stop()
        self.session.cancel()
        self.session.stop()
        self._place.cleanup()

    # ---- questions and answers

    def _give_up(self) -> None:
        self._timer.stop()
        if self._numbers or self._opening or self._listening:
            self.session.cancel()
        self._numbers.clear()
        if self._listening:
            self._listening = 0
            self.unheard.emit("")
        self._opening = 0

    def _send(self) -> None:
        if self._opening:
            self._timer.start()
            return
        waiting = list(self._numbers.values())
        self._give_up()
        self._stale += [view for view in waiting if view not in self._stale]
        for view in list(self._stale):
            about = self._describe(view)
            if about is not None:
                number = self.session.ask(
                    "view", config=self._config, sample=self._sample, view=view, **about
                )
                self._numbers[number] = view
                self._stale.remove(view)
        self.busy.emit("Computing…" if self._numbers else "")

    def _answered(self, number: int, answer: dict[str, Any]) -> None:
        if number == self._opening:
            self._opening = 0
            self.opened.emit(answer)
        elif number == self._listening:
            self._listening = 0
            self.heard.emit(answer)
        elif view := self._numbers.pop(number, ""):
            self.shown.emit(view, answer)
        self._told()

    def _failed(self, number: int, reason: str, findings: list[dict[str, Any]]) -> None:
        if number == self._opening:
            self._opening = 0
            self.refused.emit("", reason)
        elif number == self._listening:
            self._listening = 0
            self.unheard.emit(reason)
        elif view := self._numbers.pop(number, ""):
            self.refused.emit(view, reason)
        self._told()

    def _told(self) -> None:
        if not (self._numbers or self._opening):
            self.busy.emit("")

    def _progress(self, number: int, done: int, total: int, what: str) -> None:
        if number in self._numbers or number in (self._opening, self._listening):
            self.busy.emit(f"{what}… {done / total:.0%}" if total > 0 and done < total else f"{what}…")

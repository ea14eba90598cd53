"""Starts the followers that feed trackers, and passes on what they complain of. Nothing here waits in the loop."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from src.core.config.extras import TRACKERS, availability
from src.core.engine.callbacks import Callback, Outcome
from src.core.run import EventWriter, RunFolder
from src.core.run.process import program
from src.core.tracking import said_file

if TYPE_CHECKING:
    from src.core.engine.trainer import Trainer

_CURE = "The run is not affected. “app.py track RUN” sends everything again."
#: Seconds between two looks at what the followers say.
LOOK_EVERY_S = 0.25
#: Seconds at the end of a run for a tracker that has not answered yet.
PATIENCE_S = 10.0


class _Follower:
    """One child process, and how far its words were read."""

    def __init__(self, folder: RunFolder, name: str) -> None:
        self.name = name
        self.answered = self.told = False
        self._said, self._offset = said_file(folder, name), 0
        place = folder.path / "tracking"
        place.mkdir(exist_ok=True)
        self._said.unlink(missing_ok=True)
        environment = dict(os.environ, PYTHONIOENCODING="utf-8", OMP_NUM_THREADS="1", CUDA_VISIBLE_DEVICES="")
        words = [*program(), "_job", "track", str(folder.path), name]
        # Out of reach of Ctrl-C: it must live to send the end of the run.
        apart: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
        with (place / f"{name}.log").open("ab") as log:
            # it sees by its standard input that this process is gone
            self._process = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment, **apart
            )

    def complaint(self) -> tuple[str, str] | None:
        """What it complains of (message, cure), told once; also notes whether it has answered."""
        code = self._process.poll()  # asked before reading: what it said until then is read
        try:
            with self._said.open("rb") as handle:
                handle.seek(self._offset)
                data = handle.read()
        except OSError:
            data = b""
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.splitlines():
            self.answered = True
            try:
                said = json.loads(line)
            except ValueError:  # a full disk cut a line short, and the next one follows in it
                continue
            if "message" in said and not self.told:
                self.told = True
                return str(said["message"]), str(said.get("cure", ""))
        if code and not self.told:
            self.told = self.answered = True
            return (
                f"What feeds {TRACKERS[self.name][1]} has ended (exit code {code}); the run goes on.",
                f"Its words are in tracking/{self.name}.log. {_CURE}",
            )
        return None


class TrackerFollowers(Callback):
    """A child process for each tracker. One that fails, in whatever way, costs the run one warning."""

    def __init__(self, folder: RunFolder, writer: EventWriter, names: list[str]) -> None:
        self._folder, self._writer, self._names = folder, writer, names
        self._followers: list[_Follower] = []
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def on_run_start(self, trainer: Trainer) -> None:
        missing = availability()
        for name in self._names:
            if missing[name]:
                what, _, cure = missing[name].partition(". ")
                self._warn(name, f"{what}; the run goes on without it.", f"{cure}.")
                continue
            try:
                self._followers.append(_Follower(self._folder, name))
            except OSError as error:
                self._warn(name, f"{TRACKERS[name][1]} cannot be fed: {error.strerror or error}.", _CURE)
        if self._followers:
            self._thread = threading.Thread(target=self._listen, name="trackers", daemon=True)
            self._thread.start()

    def _listen(self) -> None:
        """In a thread of its own: what the followers say, and that they ended."""
        while not self._over.wait(LOOK_EVERY_S):
            self._hear()

    def _hear(self) -> None:
        for follower in self._followers:
            if found := follower.complaint():
                self._warn(follower.name, *found)

    def _warn(self, name: str, message: str, cure: str) -> None:
        with contextlib.suppress(OSError):  # a full disk: the loop itself meets it and says so
            self._writer.write("warning", severity="warning", code=f"tracker-{name}", message=message, cure=cure,
                               where=[f"monitoring.trackers.{name}"])  # fmt: skip

    def on_run_end(self, trainer: Trainer, outcome: Outcome) -> None:
        """Who has not answered by now is waited for a moment; the followers themselves send the rest and end alone."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        deadline = time.monotonic() + PATIENCE_S
        while True:
            self._hear()
            silent = [f for f in self._followers if not f.answered]
            if not silent or time.monotonic() >= deadline:
                break
            time.sleep(0.05)
        for follower in silent:
            title = TRACKERS[follower.name][1]
            self._warn(follower.name, f"{title} had not answered when the run ended.", _CURE)

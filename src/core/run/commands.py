"""Commands to a running job go through its folder, so that any window or shell can give them."""

from __future__ import annotations

import time
from typing import Literal

from src.core.run.folder import RunFolder

Command = Literal["finish_epoch", "stop", "pause"]
#: What each command asks for. Later in this list is stronger; a weaker one never replaces a stronger one.
COMMANDS: dict[str, str] = {
    "finish_epoch": "finish this epoch, keep the model, end",
    "pause": "save exactly, free the device, end; resume goes on from this very step",
    "stop": "save exactly, keep the model, end now",
}


def send(folder: RunFolder, command: Command, reason: str = "") -> None:
    """Ask the job to do something; it looks several times a second. Asking twice is asking once.

    Args:
        reason: Why, as a sentence: the ending of a run that is stopped early by a program says it.
    """
    order = list(COMMANDS)
    standing = folder.read_json(folder.command).get("command")
    if standing in order and order.index(standing) >= order.index(command):
        return
    asked = {"command": command, "time": time.time()}
    folder.write_json(folder.command, asked | ({"reason": reason} if reason else {}))


def reason(folder: RunFolder) -> str:
    """Why the standing command was given; empty where a person gave it."""
    return str(folder.read_json(folder.command).get("reason") or "")


def clear(folder: RunFolder) -> None:
    """Forget a command; done before a job is started, and after it was obeyed."""
    folder.command.unlink(missing_ok=True)


class CommandInbox:
    """The job's side. `poll` is cheap enough for every step: it looks at the disk a few times a second."""

    def __init__(self, folder: RunFolder, every_s: float = 0.2) -> None:
        self._folder = folder
        self._every = every_s
        self._due = 0.0
        self._seen: str | None = None

    def poll(self) -> str | None:
        """The strongest command given so far, or None."""
        now = time.monotonic()
        if now >= self._due:
            self._due = now + self._every
            if self._folder.command.exists():
                command = self._folder.read_json(self._folder.command).get("command")
                self._seen = command if command in COMMANDS else self._seen
        return self._seen

    def give(self, command: Command) -> None:
        """A command from inside the process (a signal)."""
        self._seen = command
        self._due = float("inf")

"""What all jobs that work in a folder share: the lock, the log, signals, and that every ending is written down."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from src.core.dataset.findings import DatasetError
from src.core.run import CommandInbox, EventWriter, RunFolder, RunFolderError, commands
from src.core.run.state import claim

#: Seconds for the process before this one to give the folder back.
LOCK_PATIENCE_S = 20.0


class Work(Protocol):
    """What is done in the folder.

    Attributes:
        ending: Status, cause and cure, once it is known.
    """

    ending: dict[str, Any]

    def run(self) -> None:
        """Do it."""
        ...

    def result(self) -> dict[str, Any]:
        """What it came to, for its last event."""
        ...

    def failure(self, error: Exception) -> dict[str, Any]:
        """Status, cause and cure for an error."""
        ...


def carry_out(
    path: Path,
    begin: Callable[[RunFolder, EventWriter, CommandInbox], Work],
    *,
    follow_parent: bool,
    signals: bool = True,
) -> int:
    """Do a job in the folder ``path``; every ending is written to its log. Returns 0 unless it failed.

    ``signals`` takes those of the process as commands; a program that is not ours keeps its own.
    """
    folder = RunFolder(path)
    try:
        lock = folder.lock(timeout=LOCK_PATIENCE_S)
        claim(folder)
        writer = EventWriter(folder.events)
    except (RunFolderError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    inbox = CommandInbox(folder)
    if signals:
        _listen(folder, inbox, follow_parent)
    work = begin(folder, writer, inbox)
    try:
        work.run()
        ending = work.ending
    except KeyboardInterrupt:
        ending = {"status": "stopped", "cause": "Interrupted from the keyboard.", "cure": ""}
    except Exception as error:
        traceback.print_exc()
        ending = work.ending or work.failure(error)
    try:
        writer.write("run_ended", **{**work.result(), **ending})
        writer.close()
        commands.clear(folder)
    except OSError as error:
        print(
            f"The ending could not be written to {folder.events}: {error}. It was: {ending}", file=sys.stderr
        )
        return 1
    finally:
        lock.release()
    return 1 if ending["status"] == "failed" or ending.get("refused") else 0


def failure(error: Exception, again: str) -> dict[str, Any]:
    """The ending for an error; ``again`` says how to go on after an error that nobody knows."""
    if isinstance(error, DatasetError):
        first = next((f for f in error.findings if f.severity == "error"), error.findings[0])
        return {"status": "failed", "cause": first.message, "cure": first.cure}
    from src.core.engine.explain import explain_error

    outcome = explain_error(error, again)
    return {"status": outcome.status, "cause": outcome.cause, "cure": outcome.cure}


def reason_of(error: Exception) -> str:
    """An error in half a sentence, with the line of the program where it is none of the system."""
    if isinstance(error, OSError):
        return f"{error.strerror or error}" + (f" ({error.filename})" if error.filename else "")
    place = traceback.extract_tb(error.__traceback__)[-1]
    said = str(error).strip().splitlines()
    return f"{type(error).__name__}: {said[0] if said else 'no words'} ({Path(place.filename).name}, line {place.lineno})"


def _listen(folder: RunFolder, inbox: CommandInbox, follow_parent: bool) -> None:
    """Take signals as commands; where the parent is a terminal's command, its end is the command to stop."""
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: inbox.give("stop"))
    if not follow_parent:
        return

    def watch() -> None:
        while os.read(0, 4096):
            pass
        commands.send(folder, "stop")
        inbox.give("stop")

    threading.Thread(target=watch, name="parent", daemon=True).start()

"""What windows do with the queue of runs. No widgets here."""

from __future__ import annotations

from typing import Any

from src.core.config import Resolved
from src.core.run import RunFolder, create_run
from src.core.run.queue import QueueError, RunQueue
from src.core.run.run_care import LibraryError, trash_run
from src.tasks.catalog import task_info
from src.threads.queue_watcher import hold
from src.ui.text import run_title


def enqueue(resolved: Resolved[Any]) -> tuple[RunFolder, str]:
    """Make a run of a configuration and put it at the end of the queue; returns it and a sentence on its place.

    Raises:
        ConfigError: The configuration has faults.
        RunFolderError: The run folder cannot be made.
        QueueError: The queue cannot be read or written.
    """
    folder = create_run(resolved, task_info(resolved.config.task))
    try:
        return folder, enqueue_run(folder, made=True)
    except QueueError:
        discard(folder)  # a run that nobody will start would only be a riddle in the list
        raise


def enqueue_run(folder: RunFolder, made: bool = False) -> str:
    """Put a run that exists at the end of the queue; returns a sentence on its place.

    Raises:
        QueueError: It cannot be queued.
    """
    queue = RunQueue()
    entry = queue.add(folder, made=made)
    hold(queue.ensure_runner())
    waiting = [e.id for e in queue.state().waiting]
    place = waiting.index(entry.id) + 1 if entry.id in waiting else 1
    where = "it is the next one" if place == 1 else f"it is number {place} of those that wait"
    return f"{run_title(folder.name)} was added to the queue; {where}."


def discard(folder: RunFolder) -> None:
    """Move a run that never began into the trash, where that is possible."""
    try:
        trash_run(folder)
    except LibraryError:
        return


def take_out(number: int) -> str:
    """Take an entry off the queue; a run that was made for it and never began goes to the trash. Says what was done.

    Raises:
        QueueError: It runs, or is not there any more.
    """
    entry = RunQueue().remove(number)
    if entry.made and entry.state == "waiting" and entry.folder.config.is_file():
        discard(entry.folder)
        return "It was taken out. It had not begun, so it lies in the trash of the runs now."
    return "It was taken out; the run stays in the list of runs."

"""``queue``: runs that wait for a device: list, add, remove, move, pause, go."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from src.cli.data import build_layers
from src.core.run import TITLES, RunFolder, create_run
from src.core.run.folds import create_folds
from src.core.run.queue import QueueEntry, QueueError, QueueState, RunQueue
from src.core.run.run_care import LibraryError, trash_run

Result = tuple[int, dict[str, Any]]
WAITING = {"waiting": "Waiting", "gone": "Gone"}


def queue(arguments: argparse.Namespace) -> Result:
    """Carry out one of the actions, and say how the queue stands after it."""
    actions = {"list": _list, "add": _add, "remove": _remove, "move": _move, "pause": _pause, "go": _go}
    found = RunQueue()
    try:
        said = actions[arguments.action](found, arguments)
        if arguments.action in ("list", "remove", "move"):
            found.ensure_runner()  # one that was killed is started again by whoever looks next
        state = found.state()
    except (QueueError, LibraryError) as error:
        print(error, file=sys.stderr)
        return 2, {"status": "refused", "cause": str(error)}
    if said:
        print(said, file=sys.stderr)
    if not arguments.json:
        _print(state)
    result = {"status": "ok", "said": said or None, "paused": state.paused, "running": found.runner_alive,
              "entries": [{**e.as_json(), "place": place} for e, place in _placed(state)]}  # fmt: skip
    return 0, result


def _placed(state: QueueState) -> list[tuple[QueueEntry, int | None]]:
    """Running, waiting with their places, ended."""
    waiting = [(entry, place) for place, entry in enumerate(state.waiting, 1)]
    return [*((e, None) for e in state.running), *waiting, *((e, None) for e in state.ended)]


def _print(state: QueueState) -> None:
    if not state.entries:
        print("The queue is empty. “app.py queue add CONFIG” puts a run into it.")
    for entry, place in _placed(state):
        shown = entry.shown_state()
        word = TITLES.get(shown) or WAITING[shown]
        at = f"{place}." if place else ""
        print(
            f"{entry.id:>4} {at:>4} {word:<14} {entry.slot or entry.device:<8} {entry.run.name}  {entry.problem}".rstrip()
        )
    if state.paused:
        print("The queue is paused: nothing further is started. “app.py queue go” goes on.")


def _list(found: RunQueue, arguments: argparse.Namespace) -> str:
    if arguments.words:
        raise QueueError(f"“list” takes no {arguments.words[0]}.")
    return ""


def _add(found: RunQueue, arguments: argparse.Namespace) -> str:
    """Each word is a configuration, a data set or a run; pairs count for all of them."""
    words = [w for w in arguments.words if "=" not in w or Path(w).exists()]
    pairs = [w for w in arguments.words if w not in words]
    if not words:
        raise QueueError("Say what to queue: a configuration, or a run that is to go on.")
    names = []
    for word in words:
        if (Path(word) / "config.yaml").is_file():
            if pairs:
                raise QueueError(
                    f"{word} is a run, which goes on with its own settings: leave {pairs[0]} out."
                )
            names.append(found.add(RunFolder.open(word)).run.name)
            continue
        info, resolved = build_layers([word, *pairs], arguments.preset, arguments.task)
        runs = create_folds(resolved, info) if arguments.each_fold else [create_run(resolved, info)]
        names += [found.add(run, made=True).run.name for run in runs]
    found.ensure_runner()
    return f"Queued: {', '.join(names)}"


def _remove(found: RunQueue, arguments: argparse.Namespace) -> str:
    if arguments.ended:
        return f"{found.clear_ended()} that had ended were taken off the list."
    if not arguments.words:
        raise QueueError("Say which: the number or the name of a run in the queue, or --ended.")
    return " ".join(take_out(found, found.find(word).id) for word in arguments.words)


def take_out(found: RunQueue, number: int) -> str:
    """Take an entry off; a run that was made for the queue and never began goes to the trash. Says what was done."""
    entry = found.remove(number)
    if entry.made and entry.state == "waiting" and entry.folder.config.is_file():
        target = trash_run(entry.folder)
        return f"{entry.run.name} was taken out; it had not begun and lies in {target.parent} now."
    return f"{entry.run.name} was taken out; its folder stays where it is."


def _move(found: RunQueue, arguments: argparse.Namespace) -> str:
    if len(arguments.words) != 2 or not arguments.words[1].isdigit():
        raise QueueError("Say which and where to: app.py queue move RUN PLACE, and 1 is the next one.")
    entry = found.find(arguments.words[0])
    return (
        f"{entry.run.name} is number {found.move(entry.id, int(arguments.words[1]))} of those that wait now."
    )


def _pause(found: RunQueue, arguments: argparse.Namespace) -> str:
    found.pause()
    return "Paused: what runs goes on, nothing further is started."


def _go(found: RunQueue, arguments: argparse.Namespace) -> str:
    found.go()
    return "The queue goes on."

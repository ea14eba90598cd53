"""Follows the event log of a run and feeds one tracker. What goes wrong is said once, to whoever started it."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from src.core.config.extras import TRACKERS, TrackersConfig
from src.core.config.files import read_yaml
from src.core.config.layers import flatten
from src.core.report.text import typed
from src.core.run.events import EventTail
from src.core.run.folder import RunFolder, write_atomically
from src.core.tracking.sink import RunFacts, Sink, TrackerError, Translator
from src.core.tracking.sinks import make_sink

#: Seconds between two looks at the log.
LOOK_EVERY_S = 0.5
#: Seconds that a follower may go on after the process it belongs to: to send the rest.
GRACE_S = 120.0


def trackers_config(folder: RunFolder) -> TrackersConfig:
    """The options of the trackers of a run."""
    raw = (read_yaml(folder.config).get("monitoring") or {}).get("trackers") or {}
    return TrackersConfig.model_validate(raw)


def track(
    folder: RunFolder, name: str, ended: Callable[[], bool], ready: Callable[[], None] = lambda: None
) -> int:
    """Feed a tracker with what is in the log and what is added, until the run has ended; returns how many events.

    Events that it has already (from an earlier attempt) are not given again.

    Args:
        folder: The run.
        name: One of `TRACKERS`.
        ended: Whether nobody writes to the log any more.
        ready: Called once when the tracker has answered.

    Raises:
        TrackerError: The library is not installed, or another process feeds this tracker with this run.
        Exception: Whatever the tracker raises.
    """
    config = trackers_config(folder)
    place = folder.path / "tracking"
    place.mkdir(exist_ok=True)
    lock = FileLock(place / f".{name}.lock")
    try:
        lock.acquire(timeout=GRACE_S)
    except Timeout:
        title = TRACKERS[name][1]
        raise TrackerError(
            f"Another process feeds {title} with this run.", "Wait until it has ended."
        ) from None
    try:
        memory = place / f"{name}.json"
        known = folder.read_json(memory)
        sink = make_sink(name, config)
        options = {k: v for k, v in flatten(read_yaml(folder.config)).items() if not k.startswith("origins.")}
        known_as = sink.open(RunFacts(folder.path, options, config.project, str(known.get("known_as", ""))))
        ready()
        return _feed(folder, sink, memory, int(known.get("n", 0)), known_as, ended)
    finally:
        lock.release()


def _feed(
    folder: RunFolder, sink: Sink, memory: Path, done: int, known_as: str, ended: Callable[[], bool]
) -> int:
    tail, translator = EventTail(folder.events), Translator(folder.path, sink)
    status, count, newest = "killed", 0, done
    while True:
        over = ended()  # asked before reading: what was written until then is read
        for event in tail.read():
            translator.give(event, known=event.n <= done)
            newest = max(newest, event.n)
            count += event.n > done
            if event.type == "run_ended":
                status, over = str(event.get("status")), over or event.n > done
            elif event.type == "run_started":
                status = "killed"
        sink.flush()
        write_atomically(memory, json.dumps({"n": newest, "known_as": known_as}).encode())
        if over:
            sink.close(status)
            return count
        time.sleep(LOOK_EVERY_S)


def follow(path: Path, name: str) -> int:
    """The child process of a run: follows it until its parent is gone, and says what it has to say in `said_file`.

    Each line there is a JSON object: ``{"ready": true}`` once, or ``{"message": …, "cure": …}`` at its end. Returns the exit
    code of the process.
    """
    folder = RunFolder(path)
    with contextlib.suppress(psutil.Error, OSError):  # never at the cost of the run
        psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else 10)
    gone = threading.Event()
    threading.Thread(target=_watch_parent, args=(gone,), name="parent", daemon=True).start()
    try:
        track(folder, name, gone.is_set, lambda: _say(folder, name, ready=True))
    except Exception as error:
        traceback.print_exc()
        title = TRACKERS[name][1]
        words = str(error).strip().splitlines() or [type(error).__name__]
        known = isinstance(error, TrackerError)
        cure = getattr(error, "cure", "") or (
            f"The run is not affected. “{typed('track', path.name)}” sends everything again once {title} can be reached."
        )
        message = words[0] if known else f"{title} cannot be fed any more: {words[0][:300]}"
        _say(folder, name, message=message, cure=cure)
        return 1
    return 0


def said_file(folder: RunFolder, name: str) -> Path:
    """Where the follower of a tracker says how it is."""
    return folder.path / "tracking" / f"{name}.said"


def _say(folder: RunFolder, name: str, **line: Any) -> None:
    with contextlib.suppress(OSError), said_file(folder, name).open("a", encoding="utf-8") as handle:
        handle.write(json.dumps(line) + "\n")


def _watch_parent(gone: threading.Event) -> None:
    while os.read(0, 4096):
        pass
    gone.set()
    time.sleep(GRACE_S)
    os._exit(3)  # hangs in its library, and nobody waits for it

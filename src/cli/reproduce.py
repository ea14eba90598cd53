"""``reproduce``: a run once more, from exactly its configuration and its split."""

from __future__ import annotations

import argparse
import shutil
import sys
from typing import Any

from src.cli.data import progress_line
from src.cli.follow import follow
from src.core.config import file_layer, resolve
from src.core.run import ChildProcess, RunFolder
from src.core.run.reproduce import Difference, differences_now, reproduce
from src.tasks.catalog import task_info

Result = tuple[int, dict[str, Any]]


def run_again(arguments: argparse.Namespace) -> Result:
    """Say what is different here, then train. ``--check`` only says it; ``--queue`` puts the run into the queue."""
    run = RunFolder.open(arguments.run)
    made = reproduce(run, task_info)
    try:
        found = _differences(run, made, arguments.json)
    except BaseException:
        _forget(made)
        raise
    if not arguments.json:
        for one in found:
            print(f"{'!' if one.serious else '-'} {one.said}", file=sys.stderr)
        if not found:
            print("Versions, system and data are the same as then.", file=sys.stderr)
    said = {"of": str(run.path), "differences": [one.as_json() for one in found]}
    if arguments.check:
        _forget(made)
        return 0, {"status": "different" if found else "same", **said}
    if arguments.queue:
        return _queue(made, said)
    if arguments.detach:
        ChildProcess(made, detached=True).start()
        print(f"Started: {made.path}", file=sys.stderr)
        return 0, {"status": "started", "run": str(made.path), **said}
    summary = follow(ChildProcess(made, detached=False), silent=arguments.json)
    return (1 if summary.state in ("failed", "killed") else 0), {**summary.as_json(), **said}


def _differences(run: RunFolder, made: RunFolder, silent: bool) -> list[Difference]:
    """The data are read as the new run will read them."""
    info = task_info(str(file_task(made)))
    config = resolve(info.config, [file_layer(made.config, info.config)]).config
    data = info.describe(config, progress_line(silent))
    return differences_now(run, data.fingerprint, data.split_hash)


def _forget(made: RunFolder) -> None:
    """A run that was made a moment ago and will not be started would only be a riddle in the list."""
    shutil.rmtree(made.path, ignore_errors=True)


def file_task(run: RunFolder) -> str:
    """The task that a run's configuration names."""
    from src.core.config import read_yaml

    return str(read_yaml(run.config).get("task", "segmentation"))


def _queue(made: RunFolder, said: dict[str, Any]) -> Result:
    from src.core.run.queue import QueueError, RunQueue

    queue = RunQueue()
    try:
        queue.add(made, made=True)
        queue.ensure_runner()
    except QueueError as error:
        _forget(made)
        print(error, file=sys.stderr)
        return 2, {"status": "refused", "cause": str(error)}
    print(f"Queued: {made.path}", file=sys.stderr)
    return 0, {"status": "queued", "run": str(made.path), **said}

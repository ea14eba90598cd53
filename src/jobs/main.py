"""Entry of a child process: ``app.py _job VERB ...``; not for people."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

#: What `src.jobs.tune` measures; each is a verb of its own.
KINDS = ("lr", "batch", "machine", "compile")


def run_job(words: Sequence[str]) -> int:
    """Carry out one job and return the exit code of the process."""
    parser = argparse.ArgumentParser(prog="_job")
    verbs = parser.add_subparsers(dest="verb", required=True)
    train = verbs.add_parser("train")
    train.add_argument("folder", type=Path)
    train.add_argument("--resume", action="store_true")
    train.add_argument("--follow-parent", action="store_true")
    work = verbs.add_parser("work")
    work.add_argument("folder", type=Path)
    work.add_argument("--follow-parent", action="store_true")
    search = verbs.add_parser("search")
    search.add_argument("folder", type=Path)
    search.add_argument("--follow-parent", action="store_true")
    verbs.add_parser("device")
    check = verbs.add_parser("check")
    check.add_argument("config", type=Path)
    verbs.add_parser("data")
    for kind in KINDS:
        tune = verbs.add_parser(f"tune-{kind}")
        tune.add_argument("folder", type=Path)
        tune.add_argument("--follow-parent", action="store_true")
    track = verbs.add_parser("track")
    track.add_argument("folder", type=Path)
    track.add_argument("tracker")
    queue = verbs.add_parser("queue")
    queue.add_argument("folder", type=Path)
    arguments = parser.parse_args(words)
    if arguments.verb == "data":
        from src.jobs.data_session import run_session

        return run_session()
    if arguments.verb == "device":
        from src.jobs.devices import leave, run_device

        return leave(run_device())
    if arguments.verb == "queue":
        from src.core.run.queue_runner import run_queue

        return run_queue(arguments.folder)
    if arguments.verb.startswith("tune-"):
        from src.jobs.tune import run_tune

        kind = arguments.verb.removeprefix("tune-")
        return run_tune(arguments.folder, kind, follow_parent=arguments.follow_parent)
    if arguments.verb == "track":
        from src.core.tracking import follow

        return follow(arguments.folder, arguments.tracker)
    if arguments.verb == "check":
        from src.jobs.check import run_check

        return run_check(arguments.config)
    if arguments.verb == "work":
        from src.jobs.work import run_work

        return run_work(arguments.folder, follow_parent=arguments.follow_parent)
    if arguments.verb == "search":
        from src.jobs.search import run_search

        return run_search(arguments.folder, follow_parent=arguments.follow_parent)
    from src.jobs.devices import leave
    from src.jobs.train import run_training

    return leave(
        run_training(arguments.folder, resume=arguments.resume, follow_parent=arguments.follow_parent)
    )

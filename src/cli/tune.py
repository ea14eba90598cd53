"""Commands that measure, and that feed trackers: tune, track."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from src.cli.data import build_layers
from src.cli.follow import JobView, follow
from src.core.config.extras import TRACKERS
from src.core.run import ChildProcess, RunFolder, summarise
from src.core.run.tuned import create_tuning, keep
from src.core.tracking import TrackerError, trackers_config
from src.core.tracking import track as feed

Result = tuple[int, dict[str, Any]]


def tune(arguments: argparse.Namespace) -> Result:
    """``tune lr|batch|machine|compile CONFIG key=value…``: a measurement in a folder of its own. What it says of the machine
    is kept.
    """
    info, resolved = build_layers(arguments.words, arguments.preset, arguments.task)
    folder = create_tuning(resolved, info, arguments.what)
    child = ChildProcess(folder, f"tune-{arguments.what}", detached=False)
    summary = follow(child, arguments.json, JobView(arguments.json))
    found = folder.read_json(folder.path / "result.json")
    if summary.state == "completed" and found.get("machine") and found["values"]:
        keep(str(found["machine"]), found)
        if not arguments.json:
            values = ", ".join(f"{k}={v}" for k, v in found["values"].items())
            print(f"Used from now on where nobody sets it: {values}")
    result = {**found, "status": summary.state, "folder": str(folder.path), "cause": summary.cause or None}
    return (1 if summary.state in ("failed", "killed") else 0), result


def track(arguments: argparse.Namespace) -> Result:
    """``track RUN``: feed the trackers of a run with what they have not got yet; follows a run that goes on."""
    folder = RunFolder.open(arguments.run)
    names = arguments.to or trackers_config(folder).wanted()
    sent: dict[str, int] = {}
    problems: dict[str, str] = {}
    if not names:
        problems[""] = f"No tracker is turned on for this run. Name one: --to {' or '.join(TRACKERS)}."
    for name in names:
        if arguments.anew:
            (folder.path / "tracking" / f"{name}.json").unlink(missing_ok=True)
        try:
            sent[name] = feed(folder, name, lambda: not summarise(folder).alive)
        except TrackerError as error:
            problems[name] = f"{error} {error.cure}".strip()
        except Exception as error:  # whatever the library of a tracker raises
            problems[name] = (
                f"{TRACKERS[name][1]} cannot be fed: {str(error).strip() or type(error).__name__}"
            )
    for text in problems.values():
        print(text, file=sys.stderr)
    if not arguments.json:
        print(json.dumps(sent))
    return (2 if problems else 0), {
        "status": "failed" if problems else "ok",
        "events": sent,
        "problems": problems,
    }

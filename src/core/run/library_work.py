"""What was done with a model: the folders of its evaluations, predictions and exports, read without their whole logs."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from src.core.run.events import Event, parse
from src.core.run.folder import RunFolder
from src.core.run.state import process_alive

#: Folders of a run that hold no results of jobs.
_OWN = ("checkpoints", "previews", "report", "dataset")
_HEAD, _TAIL = 1 << 16, 1 << 18


@dataclass(frozen=True)
class JobResult:
    """One job that was done with a model, or is at work.

    Attributes:
        job: ``evaluate``, ``predict``, ``export``, ….
        folder: Where its results are.
        status: As in `src.core.run.state`; ``killed`` where it ended without a word.
        time: When it was begun (Unix time, s).
    """

    job: str
    folder: Path
    status: str
    time: float

    def as_json(self) -> dict[str, Any]:
        """The object that ``--json`` prints."""
        return {"job": self.job, "folder": str(self.folder), "status": self.status, "time": self.time or None}


def job_in(folder: Path) -> str:
    """The job whose results are in a folder; empty where it is no such folder."""
    return _said(folder, "job")


def ending(folder: Path) -> dict[str, Any]:
    """What a job returned at its end; empty while it works, and where it ended without a word."""
    last = _last_event(folder / "events.jsonl")
    return dict(last.data) if last is not None and last.type == "run_ended" else {}


def jobs_in(run: Path) -> list[JobResult]:
    """The results inside a run's folder, the newest first."""
    return _sorted(_results(run))


def jobs_of_file(file: Path, workspace: Path) -> list[JobResult]:
    """The results in the workspace that the model of a file made, the newest first."""
    return _sorted(r for r in _results(workspace) if _said(r.folder, "model") == str(file))


def _sorted(results: Iterator[JobResult]) -> list[JobResult]:
    return sorted(results, key=lambda result: result.time, reverse=True)


def _results(root: Path) -> Iterator[JobResult]:
    for shelf in _folders(root):
        if shelf.name not in _OWN:
            for folder in _folders(shelf):
                if job := job_in(folder):
                    yield JobResult(job, folder, _status(folder), _time(folder / "config.yaml"))


def _folders(path: Path) -> list[Path]:
    with contextlib.suppress(OSError), os.scandir(path) as found:
        return [Path(e.path) for e in found if e.is_dir(follow_symlinks=False)]
    return []


def _said(folder: Path, key: str) -> str:
    """A value of the first level of a small YAML file that Lathe wrote, without parsing all of it."""
    try:
        with (folder / "config.yaml").open("rb") as handle:
            text = handle.read(_HEAD).decode("utf-8", "replace")
    except OSError:
        return ""
    match = re.search(rf"(?m)^{key}:[ \t]*(.*?)[ \t]*\r?$", text)
    return match[1].strip("'\"") if match else ""


def _status(folder: Path) -> str:
    last = _last_event(folder / "events.jsonl")
    if process_alive(RunFolder(folder)):
        return "running"
    if last is None:
        return "new"
    return str(last.get("status") or "failed") if last.type == "run_ended" else "killed"


def _last_event(path: Path) -> Event | None:
    try:
        with path.open("rb") as handle:
            handle.seek(max(0, handle.seek(0, os.SEEK_END) - _TAIL))
            lines = handle.read().splitlines()
    except OSError:
        return None
    return next((event for line in reversed(lines) if (event := parse(line))), None)


def _time(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0

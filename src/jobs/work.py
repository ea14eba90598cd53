"""A job with a trained model (evaluate, predict, export, …) in a process of its own."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from src.core.config import file_layer, read_yaml, resolve
from src.core.job import Job, JobCancelledError, JobInfo
from src.core.run import CommandInbox, EventWriter, RunFolder
from src.jobs.in_folder import carry_out, failure
from src.tasks.catalog import job_info

#: How to go on after an error that nobody knows.
AGAIN = "start the job again, in the same folder where it shall go on with what is missing"


def run_work(path: Path, *, follow_parent: bool) -> int:
    """Do the job whose configuration is in ``path``; every ending is written to its log. Returns 0 unless it failed."""
    return carry_out(path, WorkJob, follow_parent=follow_parent)


def load_runtime(info: JobInfo) -> Callable[[Job], dict[str, Any]]:
    """The function that does a job. Imports torch."""
    module, _, name = info.runtime.partition(":")
    found: Callable[[Job], dict[str, Any]] = getattr(importlib.import_module(module), name)
    return found


class WorkJob:
    """One job from its folder to its end.

    Attributes:
        ending: Status, cause and cure, once it is known.
    """

    def __init__(self, folder: RunFolder, writer: EventWriter, inbox: CommandInbox) -> None:
        self.folder, self.writer, self.inbox = folder, writer, inbox
        self.ending: dict[str, Any] = {}
        self._result: dict[str, Any] = {}

    def run(self) -> None:
        """Read the configuration and do what it says."""
        raw = read_yaml(self.folder.config)
        info = job_info(str(raw.get("task", "")), str(raw.get("job", "")))
        config = resolve(info.config, [file_layer(self.folder.config, info.config)]).config
        job = Job(config, self.folder, self.writer, self.inbox)
        try:
            self._result = load_runtime(info)(job)
        except JobCancelledError:
            self.ending = {"status": "stopped", "cause": "Stopped by request.", "cure": ""}
            return
        self.ending = {"status": self._result.pop("status", "completed"), "cause": "", "cure": ""}

    def failure(self, error: Exception) -> dict[str, Any]:
        """The ending for an error of the job."""
        return failure(
            error, "start the job again, in the same folder where it shall go on with what is missing"
        )

    def result(self) -> dict[str, Any]:
        """What the job returned."""
        return self._result


__all__ = ["AGAIN", "WorkJob", "load_runtime", "run_work"]

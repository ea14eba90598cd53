"""The job of a search: one process that starts, follows and judges trials. It needs no torch itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from src.core.config import read_yaml
from src.core.run import CommandInbox, EventWriter, RunFolder
from src.core.search import SearchError, SearchFolder, need_optuna
from src.jobs.in_folder import carry_out, failure
from src.tasks.catalog import task_info


def run_search(path: Path, *, follow_parent: bool) -> int:
    """Work on the search whose job folder is ``path``; every ending is written to its log. Returns 0 unless it failed."""
    return carry_out(path, SearchJob, follow_parent=follow_parent)


class SearchJob:
    """One process's work on a search, from its folder to its end.

    Attributes:
        ending: Status, cause and cure, once it is known.
    """

    def __init__(self, folder: RunFolder, writer: EventWriter, inbox: CommandInbox) -> None:
        self.folder, self.writer, self.inbox = folder, writer, inbox
        self.ending: dict[str, Any] = {}

    def run(self) -> None:
        """Read the plan and work on it."""
        need_optuna()
        from src.core.search.runner import SearchRunner

        raw = read_yaml(self.folder.config)
        search = SearchFolder((self.folder.path / str(raw.get("search", "../.."))).resolve())
        plan = search.plan(task_info)
        self.writer.write(
            "job_started", job="search", task=plan.task.id, model="", device=", ".join(plan.settings.devices) or "as configured",
            precision="", search=str(search.path), trials=plan.trials, parallel=int(raw.get("parallel") or plan.settings.parallel),
            metric=plan.metric, mode="max" if plan.maximise else "min", sampler=plan.settings.sampler,
            pruner=plan.settings.pruner, space={d.key: d.as_yaml() for d in plan.space},
        )  # fmt: skip
        parallel = int(raw.get("parallel") or plan.settings.parallel)
        self.ending = SearchRunner(search, plan, parallel, self.writer, self.inbox).run()

    def failure(self, error: Exception) -> dict[str, Any]:
        """The ending for an error of this process; the trials can be continued."""
        if isinstance(error, SearchError):
            return {"status": "failed", "cause": str(error), "cure": error.cure}
        return failure(error, "search --resume goes on with the trials that are left")

    def result(self) -> dict[str, Any]:
        """What it came to is in the ending."""
        return {}


__all__ = ["SearchJob", "run_search"]

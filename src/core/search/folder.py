"""The folder of a search: what is where, and what state it is in."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock

from src.core.config import dump_yaml, read_yaml
from src.core.run import RunFolder, process_alive, summarise
from src.core.run.folder import slug, workspace, write_atomically
from src.core.search.config import SearchError, SearchPlan, dump_plan, read_plan

BASE = "base.yaml"


def default_searches_dir() -> Path:
    """Where searches go unless their configuration says otherwise."""
    return workspace() / "searches"


@dataclass(frozen=True)
class SearchState:
    """One line in a list of searches.

    Attributes:
        state: ``running``; ``completed`` when all its trials have ended; ``interrupted`` when some are left and no
            process works on it; ``new``.
        ended, trials: Trials that ended in any way, and planned.
        best_value, best_number: Of the best trial; None before the first one ended well.
    """

    folder: SearchFolder
    state: str
    ended: int = 0
    trials: int = 0
    metric: str = ""
    best_value: float | None = None
    best_number: int | None = None

    def as_json(self) -> dict[str, Any]:
        """The object that ``--json`` prints."""
        return {
            "search": str(self.folder.path), "name": self.folder.name, "state": self.state, "ended": self.ended,
            "trials": self.trials, "metric": self.metric, "best_value": self.best_value, "best_trial": self.best_number,
        }  # fmt: skip


class SearchFolder:
    """Paths of one search, and its small files.

    Attributes:
        path: The folder.
        search: Its options and its space (``search.yaml``).
        base: The configuration that all trials share.
        journal: The trials, as Optuna keeps them; absent where a database holds them.
        results: What windows draw: trials, history, importance, parallel coordinates.
        best: The configuration of the best trial, ready for ``train``.
        runs: A run folder for each trial.
        runners: A job folder for each process that worked on the search.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path).resolve()

    search = property(lambda self: self.path / "search.yaml")
    base = property(lambda self: self.path / BASE)
    journal = property(lambda self: self.path / "trials.journal")
    results = property(lambda self: self.path / "results.json")
    best = property(lambda self: self.path / "best.yaml")
    runs = property(lambda self: self.path / "runs")
    runners = property(lambda self: self.path / "runners")

    @property
    def name(self) -> str:
        """The folder's own name, which is how people call the search."""
        return self.path.name

    @classmethod
    def create(cls, plan: SearchPlan) -> SearchFolder:
        """A new folder that holds the plan; nothing is started.

        Raises:
            SearchError: It cannot be made or written.
        """
        settings = plan.settings
        root = Path(settings.searches_dir).expanduser() if settings.searches_dir else default_searches_dir()
        words = settings.name or plan.task.labels(plan.base.config)[0]
        try:
            folder = cls(RunFolder.numbered(root, slug(words)).path)
            folder.runs.mkdir()
            folder.runners.mkdir()
            write_atomically(folder.base, dump_yaml(plan.base).encode())
            write_atomically(folder.search, dump_plan(plan, BASE).encode())
        except OSError as error:
            raise SearchError(
                f"The folder of the search cannot be made in {root}: {error.strerror or error}.",
                "Choose another folder (searches_dir), or mend the permissions.",
            ) from None
        return folder

    @classmethod
    def open(cls, path: Path | str) -> SearchFolder:
        """An existing search, by its path or by its name in the default folder.

        Raises:
            SearchError: There is no such search.
        """
        for candidate in (Path(path), default_searches_dir() / str(path)):
            if (candidate / "search.yaml").is_file():
                return cls(candidate)
        raise SearchError(
            f"{path} is not the folder of a search: there is no search.yaml in it.",
            "“app.py searches” lists the searches that are there.",
        )

    def plan(self, tasks: Any) -> SearchPlan:
        """The plan, read again; ``tasks(id)`` gives the torch-free side of a task."""
        return read_plan(self.search, tasks)

    def change(self, changes: Mapping[str, Any]) -> None:
        """Change options of the search, such as the number of trials; its space stays as it is."""
        raw = read_yaml(self.search) | dict(changes)
        write_atomically(
            self.search, yaml.safe_dump(raw, sort_keys=False, allow_unicode=True, width=100).encode()
        )

    def new_runner(self, parallel: int) -> RunFolder:
        """A job folder for one process that works on the search.

        Raises:
            OSError: It cannot be made.
        """
        folder = RunFolder.numbered(self.runners, slug(socket.gethostname()))
        text = yaml.safe_dump({"job": "search", "search": "../..", "parallel": parallel})
        write_atomically(folder.config, text.encode())
        return folder

    def lock(self) -> FileLock:
        """One process at a time draws a trial. On a network drive whose locks do not hold, the worst that happens is
        that two processes draw the same trial, which the second one notices and drops.
        """
        return FileLock(self.path / ".lock", timeout=120)

    def runner_folders(self) -> list[RunFolder]:
        """The jobs that worked on the search, the oldest first."""
        found = [p for p in self.runners.glob("*") if (p / "config.yaml").is_file()]
        return [RunFolder(p) for p in sorted(found, key=lambda p: (p / "config.yaml").stat().st_mtime)]

    def read_results(self) -> dict[str, Any]:
        """What ``results.json`` holds; empty before the first trial."""
        return RunFolder(self.path).read_json(self.results)

    def state(self) -> SearchState:
        """Its state as every reader sees it. Never raises for a damaged folder: what cannot be read is left empty."""
        results = self.read_results()
        best = results.get("best") or {}
        ended = sum(1 for t in results.get("trials", ()) if t["state"] in ("completed", "pruned", "failed"))
        planned = int(results.get("planned") or 0)
        if any(process_alive(r) and summarise(r).alive for r in self.runner_folders()):
            state = "running"
        elif planned and ended >= planned:
            state = "completed"
        else:
            state = "interrupted" if results else "new"
        return SearchState(
            self, state, ended, planned, str(results.get("metric", "")), best.get("value"), best.get("number")
        )


def list_searches(root: Path) -> list[SearchFolder]:
    """The searches in a folder, the newest first."""
    if not root.is_dir():
        return []
    found = [p for p in root.iterdir() if (p / "search.yaml").is_file()]
    return [
        SearchFolder(p) for p in sorted(found, key=lambda p: (p / "base.yaml").stat().st_mtime, reverse=True)
    ]

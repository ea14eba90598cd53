"""What a job dialog works on: the configuration, what is wrong with it, what cannot be chosen here. No widgets here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from src.core.config import ConfigError, Layer, Option, Resolved, nest, options, read_yaml, resolve
from src.core.dataset.findings import Finding
from src.core.job import JobInfo
from src.core.run import ModelError
from src.core.run.library import find_record
from src.tasks.catalog import TASKS
from src.ui.settings import Settings

#: Options that the head of the dialog stands for.
HEAD = ("job", "task", "model", "checkpoint")
#: Options of one job alone, which the next one does not begin with.
_ONCE = ("out", "name", *HEAD)
_FIRST_DEVICES = {
    "auto": "Automatic: GPU, else CPU",
    "cpu": "CPU",
    "cuda:0": "First NVIDIA GPU (cuda:0)",
    "cuda:1": "Second NVIDIA GPU (cuda:1)",
    "mps": "Apple GPU (mps)",
}


class JobSetup:
    """The configuration of a job below the changes made in its dialog.

    Attributes:
        info: The job.
        task: Id of the task whose job it is.
        base: The defaults, and what the window that opened the dialog knows.
    """

    def __init__(self, info: JobInfo, values: Mapping[str, Any] | None = None) -> None:
        """
        Raises:
            ConfigError: Unknown keys or values out of bounds in ``values``.
        """
        self.info = info
        given = {k: v for k, v in (values or {}).items() if v not in (None, "")}
        self.task = str(given.get("task") or _task_of(info))
        layers = [Layer("dialog", nest({**given, "job": info.id, "task": self.task}))]
        self.base: Resolved[Any] = resolve(info.config, layers)

    def options(self) -> list[Option]:
        """Those that stand on the form."""
        return [o for o in options(self.info.config) if o.key not in HEAD]

    def labels(self) -> dict[str, str]:
        """Key to label of every option."""
        return {o.key: o.label for o in options(self.info.config)}

    def suggestions(self) -> dict[str, dict[str, str]]:
        """Values offered for options that take any text."""
        return {o.key: _FIRST_DEVICES for o in self.options() if o.key.split(".")[-1] == "device"}

    def apply(self, changes: Mapping[str, Any], model: str, checkpoint: str) -> Resolved[Any]:
        """The configuration with the changes of the dialog.

        Raises:
            ConfigError: A value cannot be used.
        """
        head = {"model": model, "checkpoint": checkpoint, "job": self.info.id, "task": self.task}
        flat = {**self.base.flat(), **changes, **head}
        both = resolve(self.info.config, [Layer("dialog", nest(flat))])
        origins = {k: "dialog" if k in changes else self.base.origins.get(k, "default") for k in both.origins}
        return Resolved(both.config, origins)

    def examine(self, resolved: Resolved[Any]) -> list[Finding]:
        """What is wrong, or worth knowing, before the start. May look at files: not for the thread of the window."""
        found = []
        try:
            record = find_record(resolved.config.model, resolved.config.checkpoint)
            if record.problem:
                found.append(Finding("error", "model", record.problem, "Choose another model.", ("model",)))
        except ModelError as error:
            found.append(Finding("error", "model", str(error), error.cure, ("model",)))
        found += _check_out(resolved.config, self.info)
        known = {(f.code, f.message) for f in found}
        return found + [f for f in self.info.check(resolved.config) if (f.code, f.message) not in known]


def _task_of(info: JobInfo) -> str:
    """The task that has this very job, else what its schema says."""
    for task in TASKS.values():
        if task.jobs.get(info.id) is info:
            return task.id
    return str(next(o.default for o in options(info.config) if o.key == "task"))


def _check_out(config: Any, info: JobInfo) -> list[Finding]:
    """What becomes of a folder for the results that holds something already."""
    folder = Path(config.out).expanduser() if config.out else None
    try:
        if folder is None or not folder.is_dir() or not any(folder.iterdir()):
            return []
        before = read_yaml(folder / "config.yaml") if (folder / "config.yaml").is_file() else {}
    except (OSError, ConfigError):
        before = {}
    if before.get("job") == info.id:
        return [Finding("notice", "out.again", f"{folder} holds this job already: it goes on with what is missing.",
                        "", ("out",))]  # fmt: skip
    return [Finding("error", "out.taken", f"{folder} is not empty, and nothing is overwritten.",
                    "Choose a new folder.", ("out",))]  # fmt: skip


def remember(settings: Settings, setup: JobSetup, resolved: Resolved[Any]) -> None:
    """Keep the values for the next job of this kind."""
    flat = resolved.flat()
    defaults = {o.key: o.default for o in options(setup.info.config)}
    kept = {k: v for k, v in flat.items() if k not in _ONCE and v != defaults.get(k)}
    settings.keep(f"jobs/{setup.task}/{setup.info.id}", json.dumps(kept))


def remembered(settings: Settings, setup: JobSetup) -> dict[str, Any]:
    """The values of the last job of this kind; what does not fit the schema any more is left out."""
    try:
        kept = json.loads(settings.text(f"jobs/{setup.task}/{setup.info.id}", "{}"))
    except ValueError:
        return {}
    found: dict[str, Any] = {}
    for key, value in kept.items() if isinstance(kept, dict) else ():
        try:
            resolve(setup.info.config, [Layer("dialog", nest({**found, key: value}))])
        except ConfigError:
            continue
        found[key] = value
    return found

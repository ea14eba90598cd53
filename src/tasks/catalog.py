"""Which tasks there are. Torch-free: the torch side of a task is imported only by the child process that runs it."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.core.config import ConfigError
from src.core.job import JobInfo
from src.core.task_info import TaskInfo
from src.tasks.bearing.description import BEARING
from src.tasks.segmentation.description import SEGMENTATION

if TYPE_CHECKING:
    from src.core.engine.task import Task


TASKS: dict[str, TaskInfo] = {info.id: info for info in (SEGMENTATION, BEARING)}


def task_info(task_id: str) -> TaskInfo:
    """The torch-free side of a task.

    Raises:
        ConfigError: There is no such task.
    """
    if task_id not in TASKS:
        raise ConfigError([("task", f"There is no task “{task_id}”; there are: {', '.join(TASKS)}.")])
    return TASKS[task_id]


def recognise_data(path: Path) -> tuple[TaskInfo, dict[str, Any]] | None:
    """The first task whose data set lies there, and the data options (without ``data.``) that it means.

    Formats of images with masks are known to ``core.dataset.formats``: ask that before.
    """
    for info in TASKS.values():
        if found := info.recognise(path):
            return info, dict(found)
    return None


def job_info(task_id: str, job_id: str) -> JobInfo:
    """What a task can do with a trained model.

    Raises:
        ConfigError: There is no such task, or it has no such job.
    """
    jobs = task_info(task_id).jobs
    if job_id not in jobs:
        raise ConfigError(
            [("job", f"{task_info(task_id).title} has no job “{job_id}”; it has: {', '.join(jobs)}.")]
        )
    return jobs[job_id]


def load_task(task_id: str) -> type[Task]:
    """The torch side of a task. Imports torch."""
    module, _, name = task_info(task_id).runtime.partition(":")
    found: type[Task] = getattr(importlib.import_module(module), name)
    return found

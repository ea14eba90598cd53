"""Make a run folder from a resolved configuration; nothing is started."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.core.config import ConfigError, Resolved, RunConfig, dump_yaml
from src.core.dataset.findings import Finding
from src.core.run.folder import RunFolder, RunFolderError, default_runs_dir, write_atomically

if TYPE_CHECKING:
    from src.core.task_info import TaskInfo


def create_run(resolved: Resolved[Any], task: TaskInfo) -> RunFolder:
    """A new run folder that holds the configuration, ready for a job.

    Raises:
        ConfigError: The configuration has faults that are known without reading the data.
        RunFolderError: The folder cannot be made or written.
    """
    config: RunConfig = resolved.config
    faults: list[Finding] = [f for f in task.check(config, None) if f.severity == "error"]
    if faults:
        raise ConfigError([(f.where[0] if f.where else "", f"{f.message} {f.cure}".strip()) for f in faults])
    root = Path(config.runs_dir).expanduser() if config.runs_dir else default_runs_dir()
    folder = RunFolder.create(root, *task.labels(config), name=config.name)
    try:
        for path in (folder.checkpoints, folder.previews, folder.report, folder.dataset):
            path.mkdir(exist_ok=True)
        write_atomically(folder.config, dump_yaml(resolved).encode())
    except OSError as error:
        raise RunFolderError(
            f"The run folder {folder.path} cannot be written: {error.strerror or error}."
        ) from None
    return folder

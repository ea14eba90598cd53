"""Make the folder of a job with a trained model; nothing is started."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.core.config import ConfigError, Layer, Resolved, dump_yaml, nest, read_yaml, resolve
from src.core.run.folder import RunFolder, RunFolderError, slug, workspace, write_atomically
from src.core.run.model_source import ModelSource, find_model

if TYPE_CHECKING:
    from src.core.job import JobInfo


def create_job(resolved: Resolved[Any], info: JobInfo) -> RunFolder:
    """A folder that holds the configuration of a job, ready for its process.

    It is made in the run of the model, in the workspace where the model belongs to none, or where ``out`` says. A
    folder ``out`` in which the same job was begun before is taken again: the job goes on with what is missing.

    Raises:
        ModelError: There is no such model.
        ConfigError: The configuration has faults that are known without reading data.
        RunFolderError: The folder cannot be made or written, or it holds something else.
    """
    source = find_model(resolved.config.model, resolved.config.checkpoint)
    known = {"job": info.id, "model": str(source.run.path if source.run else source.path)}
    both = resolve(info.config, [Layer("default", nest(resolved.flat())), Layer("detected", known)])
    made = Resolved(both.config, resolved.origins)
    faults = [f for f in info.check(made.config) if f.severity == "error"]
    if faults:
        raise ConfigError([(f.where[0] if f.where else "", f"{f.message} {f.cure}".strip()) for f in faults])
    text = dump_yaml(made)
    try:
        folder = _folder(made.config, info, source)
        write_atomically(folder.config, text.encode())
    except OSError as error:
        raise RunFolderError(
            f"The results cannot be written: {error.strerror or error} ({error.filename or ''}). Choose another folder (out)."
        ) from None
    return folder


def _folder(config: Any, info: JobInfo, source: ModelSource) -> RunFolder:
    if config.out:
        return _chosen(Path(config.out).expanduser(), config, info)
    root = (source.run.path if source.run else workspace()) / info.folder
    return RunFolder.numbered(root, slug(config.name or info.label(config)))


def _chosen(path: Path, config: Any, info: JobInfo) -> RunFolder:
    """The folder that a person named: a new or empty one, or one in which this very job was begun."""
    folder = RunFolder(path)
    if path.is_dir() and any(path.iterdir()):
        before = read_yaml(folder.config) if folder.config.is_file() else {}
        if before.get("job") != info.id or before.get("model") != config.model:
            raise RunFolderError(f"{path} is not empty, and nothing is overwritten. Choose a new folder.")
        folder.lock().release()
    path.mkdir(parents=True, exist_ok=True)
    return folder

"""The models of all runs, and files that a person added: what each is, what was done with it, notes and stars. Torch-free.

Notes and star of a run lie in the run folder (``library.json``), so that they go where the run goes; those of a file, and
which files were added, in ``library.json`` of the workspace.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from src.core.run.checkpoints import CheckpointIndex
from src.core.run.folder import RunFolder, default_runs_dir, workspace
from src.core.run.library_work import JobResult, jobs_in, jobs_of_file
from src.core.run.model_source import ModelError, read_model_header
from src.core.run.state import list_runs

#: Where notes and stars lie: in a run folder, and in the workspace for files by themselves.
LIBRARY_FILE = "library.json"
_MOST_CONFIG = 1 << 20
#: A folder of this name says less of the data than the one around it.
_PLAIN_NAMES = ("images", "imgs", "image", "train", "splits")
_SOURCES = ("table", "images_dir", "split_dir", "path", "folder")


@dataclass(frozen=True)
class ModelRecord:
    """One trained model.

    Attributes:
        path: How it is named in a configuration: the run folder, or the file.
        file: Its best weights.
        run: The run that made it; None for a file by itself.
        name: For people.
        task: Its problem, or empty where the file does not say it.
        data, data_gone: Name of the data set that it was trained on; whether that is not on this machine any more.
        metric, value: What the best model was chosen by, and what it reached on validation.
        epoch: In which it was saved (from 1), or 0.
        time: When it was saved (Unix time, s).
        bytes: Size of the file.
        facts: What the file says of itself (``architecture``, ``classes``, ``sizes``, …).
        starred, notes: What a person said of it.
        jobs: What was done with it, the newest first.
        problem: Why it cannot be used; empty where nothing is known against it.
    """

    path: Path
    file: Path
    run: RunFolder | None
    name: str
    task: str = ""
    data: str = ""
    data_gone: bool = False
    metric: str = ""
    value: float | None = None
    epoch: int = 0
    time: float = 0.0
    bytes: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)
    starred: bool = False
    notes: str = ""
    jobs: tuple[JobResult, ...] = ()
    problem: str = ""

    @property
    def network(self) -> str:
        """Architecture and encoder, as far as the file says them."""
        return " · ".join(str(self.facts[key]) for key in ("architecture", "encoder") if self.facts.get(key))

    @property
    def classes(self) -> list[str]:
        """Names of its classes."""
        return [str(name) for name in self.facts.get("classes") or []]

    def done(self, job: str) -> list[JobResult]:
        """The results of a job, the newest first."""
        return [result for result in self.jobs if result.job == job]

    def as_json(self) -> dict[str, Any]:
        """The object that ``--json`` prints."""
        return {
            "model": str(self.path), "file": str(self.file), "name": self.name, "task": self.task or None,
            "data": self.data or None, "data_gone": self.data_gone, "network": self.network or None,
            "classes": self.classes, "metric": self.metric or None, "value": self.value, "epoch": self.epoch or None,
            "time": self.time or None, "bytes": self.bytes, "starred": self.starred, "notes": self.notes or None,
            "jobs": [job.as_json() for job in self.jobs], "problem": self.problem or None,
        }  # fmt: skip


def list_models(runs_dir: Path | None = None) -> list[ModelRecord]:
    """The models of all runs of a folder (default: that of the workspace) and the files that were added, newest first.

    A run without a model is not among them; one whose model is damaged is, with the `problem`.
    """
    found = [record for run in list_runs(runs_dir or default_runs_dir()) if (record := model_of_run(run))]
    found += [model_of_file(Path(path)) for path in known_files()]
    return sorted(found, key=lambda record: record.time, reverse=True)


def find_record(model: str, checkpoint: str = "best") -> ModelRecord:
    """What is known of the model that a person named; reads no tensor and no whole file.

    Raises:
        ModelError: There is no such model.
    """
    if not model:
        raise ModelError("No model was chosen.", "Choose a run, or the file of a model.")
    path = Path(model).expanduser()
    if path.is_file():
        return model_of_file(path)
    for folder in (path, default_runs_dir() / model):
        if (folder / "config.yaml").is_file():
            record = model_of_run(RunFolder(folder), checkpoint)
            if record is None:
                raise ModelError(f"The run {folder.name} has no model yet: no epoch was completed.",
                                 "Train it on (resume), or choose another run.")  # fmt: skip
            return record
    if path.is_dir():
        raise ModelError(f"{path} is not a run folder: there is no config.yaml in it.",
                         "Choose the folder of a run, or the file of a model.")  # fmt: skip
    raise ModelError(f"There is no run and no file {model}.", "Choose another one.")


def model_of_run(run: RunFolder, checkpoint: str = "best") -> ModelRecord | None:
    """The best (or ``last``) model of a run; None where it has none."""
    config = _config(run)
    if "job" in config:  # the results of a job, not a run
        return None
    index = CheckpointIndex(run)
    value, epoch, size, problem = None, 0, 0, ""
    try:
        entry = index.with_role(checkpoint) or index.with_role("last")
    except (TypeError, KeyError, AttributeError):
        entry, problem = None, "The list of its checkpoints is damaged (checkpoints/index.json)."
    if entry is not None:
        file, value, epoch, size = index.file_of(entry), entry.value, entry.epoch, entry.bytes
    else:
        file = run.path / "model.safetensors"
        if not file.is_file() and not problem:
            return None
    facts, task, when, bytes_, fault = _read(file)
    if not fault and size and bytes_ != size:
        fault = f"{file.name} has {bytes_:,} bytes instead of {size:,}: it is cut short or was changed."
    said = run.read_json(run.path / LIBRARY_FILE)
    name, gone = _data(config)
    monitoring = config.get("monitoring")
    metric = str(monitoring.get("best_metric") or "") if isinstance(monitoring, dict) else ""
    return ModelRecord(
        run.path, file, run, run.name, task or str(config.get("task") or ""), name, gone, metric, value, epoch,
        when, bytes_, facts, bool(said.get("starred")), str(said.get("notes") or ""), tuple(jobs_in(run.path)),
        problem or fault,
    )  # fmt: skip


def model_of_file(path: Path) -> ModelRecord:
    """The model of a file by itself."""
    facts, task, when, size, problem = _read(path)
    said = known_files().get(str(path), {})
    return ModelRecord(
        path, path, None, path.name, task, time=when, bytes=size, facts=facts, starred=bool(said.get("starred")),
        notes=str(said.get("notes") or ""), jobs=tuple(jobs_of_file(path, workspace())), problem=problem,
    )  # fmt: skip


def _read(file: Path) -> tuple[dict[str, Any], str, float, int, str]:
    """Facts, task, time, size, and why it cannot be used."""
    try:
        state = file.stat()
        facts = read_model_header(file).get("facts")
    except (OSError, ModelError) as error:
        reason = error.strerror or error if isinstance(error, OSError) else error
        return {}, "", 0.0, 0, f"{file.name} cannot be read: {reason}."
    facts = facts if isinstance(facts, dict) else {}
    return facts, str(facts.get("task") or ""), state.st_mtime, state.st_size, ""


def _config(run: RunFolder) -> dict[str, Any]:
    try:
        return _parsed(run.config, run.config.stat().st_mtime_ns)
    except OSError:
        return {}


@functools.lru_cache(maxsize=4096)  # a list of runs is read again and again; parsing is most of the time
def _parsed(path: Path, _changed: int) -> dict[str, Any]:
    try:
        with path.open("rb") as handle:
            found = yaml.load(handle.read(_MOST_CONFIG), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, yaml.YAMLError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _data(config: Mapping[str, Any]) -> tuple[str, bool]:
    """Name of the data set of a run, and whether it is gone."""
    data = config.get("data")
    source = next((data[k] for k in _SOURCES if data.get(k)), "") if isinstance(data, dict) else ""
    if not isinstance(source, str) or not source:
        return "", False
    path = Path(source)
    name = path.parent.name if path.name.lower() in _PLAIN_NAMES or path.suffix else path.name
    return name, not path.exists()


def known_files() -> dict[str, dict[str, Any]]:
    """Path of each file that a person added to what was said of it."""
    files = RunFolder(workspace()).read_json(workspace() / LIBRARY_FILE).get("files")
    if not isinstance(files, dict):
        return {}
    return {str(path): said if isinstance(said, dict) else {} for path, said in files.items()}

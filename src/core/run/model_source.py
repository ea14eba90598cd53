"""From what a person names (a run, a file) to the file of a trained model and what it says of itself. Torch-free."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from src.core.run.checkpoints import CheckpointIndex
from src.core.run.folder import RunFolder, RunFolderError

_MOST_HEADER = 100 << 20


class ModelError(Exception):
    """A model that is not there or cannot be used; ``cure`` says what to do."""

    def __init__(self, message: str, cure: str = "") -> None:
        super().__init__(message)
        self.cure = cure


@dataclass(frozen=True)
class ModelSource:
    """The file of a trained model.

    Attributes:
        path: The file.
        run: The run that it belongs to; None for a file by itself.
        header: What the file says of itself (``facts``, ``split_hash``, ``state``, …); empty for a foreign file.
        name: For people.
        epoch: Epoch (from 1) in which it was saved, or 0 where it is not known.
    """

    path: Path
    run: RunFolder | None = None
    header: dict[str, Any] = field(default_factory=dict)
    name: str = ""
    epoch: int = 0

    @property
    def facts(self) -> dict[str, Any]:
        """What is needed to use the weights; empty for a foreign file."""
        return dict(self.header.get("facts") or {})


def find_model(model: str, checkpoint: str = "best") -> ModelSource:
    """The file behind a run's folder or name, or behind the path of a file.

    Args:
        model: A run folder, the name of a run in the default runs folder, or a file.
        checkpoint: ``best`` or ``last``, for a run.

    Raises:
        ModelError: There is nothing, the run has no checkpoint yet, or its file is damaged.
    """
    if not model:
        raise ModelError("No model was chosen.", "Choose a run, or the file of a model.")
    path = Path(model).expanduser()
    if path.is_file():
        return _from_file(path)
    try:
        run = RunFolder.open(path if path.exists() else model)
    except RunFolderError:
        if path.is_dir():
            raise ModelError(f"{path} is not a run folder: there is no config.yaml in it.",
                             "Choose the folder of a run, or the file of a model.") from None  # fmt: skip
        raise ModelError(f"There is no run and no file {model}.", "“app.py runs” lists the runs.") from None
    return _from_run(run, checkpoint)


def _from_run(run: RunFolder, role: str) -> ModelSource:
    index = CheckpointIndex(run)
    entry = index.with_role(role) or (index.with_role("last") if role == "best" else None)
    if entry is None:
        saved = run.path / "model.safetensors"
        if saved.is_file():
            return _from_file(saved)
        raise ModelError(f"The run {run.name} has no model yet: no epoch was completed.",
                         "Train it on (resume), or choose another run.")  # fmt: skip
    if problem := index.problem(entry):
        raise ModelError(f"The model of {run.name} cannot be trusted: {problem}",
                         "Choose its other checkpoint (checkpoint=last), or another run.")  # fmt: skip
    path = index.file_of(entry)
    which = "best" if role in entry.roles else "last"
    return ModelSource(
        path, run, read_model_header(path), f"{run.name}, {which} (epoch {entry.epoch})", entry.epoch
    )


def _from_file(path: Path) -> ModelSource:
    header = read_model_header(path)
    folder = path.parent if path.name == "model.safetensors" else path.parent.parent
    run = (
        RunFolder(folder)
        if (folder / "config.yaml").is_file() and (folder / "events.jsonl").is_file()
        else None
    )
    epoch = int((header.get("state") or {}).get("epoch") or 0)
    name = f"{run.name}, {path.name}" if run else path.name
    return ModelSource(path, run, header, name, epoch)


def read_model_header(path: Path) -> dict[str, Any]:
    """What a checkpoint of Lathe says of itself; empty for any other file. Reads no tensor.

    A safetensors file begins with the length of its JSON header, little-endian in 8 bytes.

    Raises:
        ModelError: The file cannot be read.
    """
    try:
        with path.open("rb") as handle:
            head = handle.read(9)
            if len(head) < 9 or head[8:9] != b"{":
                return {}
            length = int.from_bytes(head[:8], "little")
            if length > min(_MOST_HEADER, path.stat().st_size):
                return {}
            meta = json.loads(head[8:9] + handle.read(length - 1)).get("__metadata__") or {}
            header = json.loads(meta.get("lathe") or "{}").get("header") or {}
            return header if isinstance(header, dict) else {}
    except (ValueError, AttributeError):
        return {}
    except OSError as error:
        raise ModelError(
            f"{path} cannot be read: {error.strerror or error}.", "Check its permissions."
        ) from None

"""The result of an evaluation as it lies on the disk: ``evaluation.json``, typed. ``docs/evaluation.md`` explains it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from src import __version__
from src.core.evaluation import classified
from src.core.evaluation.classified import ClassEvaluation
from src.core.evaluation.pieces import (
    Calibration,
    Confusion,
    Curve,
    DataFacts,
    Decision,
    ImageResult,
    IntervalRule,
    LeftOut,
    Metrics,
    ModelFacts,
    Note,
    Objects,
    Part,
    Threshold,
)
from src.core.run.folder import write_atomically

DOCUMENT_NAME = "evaluation.json"
ARRAYS_NAME = "arrays.npz"
FORMAT = "lathe-evaluation"
VERSION = 1


class DocumentError(Exception):
    """An evaluation that cannot be read; ``cure`` says what to do."""

    def __init__(self, message: str, cure: str = "") -> None:
        super().__init__(message)
        self.cure = cure


class Evaluation(Part):
    """The whole document; see the module and ``docs/evaluation.md``."""

    format: str = FORMAT
    version: int = VERSION
    created: str = ""
    lathe: str = ""
    task: str = "segmentation"
    model: ModelFacts
    data: DataFacts
    classes: list[str]
    binary: bool
    inference: dict[str, Any] = Field(default_factory=dict)
    notes: list[Note] = Field(default_factory=list)
    left_out: list[LeftOut] = Field(default_factory=list)
    threshold: Threshold
    interval: IntervalRule
    metrics: Metrics
    confusion: Confusion
    curves: list[Curve]
    decision: Decision
    objects: Objects
    calibration: list[Calibration]
    images: list[ImageResult]
    worst: list[int]
    seconds: float = 0.0
    images_per_second: float | None = None

    @property
    def sample_ids(self) -> list[str]:
        """What tells its images apart."""
        return [image.id for image in self.images]

    def worst_first(self) -> list[ImageResult]:
        """The images from the worst on."""
        return [self.images[index] for index in self.worst]


def written_now() -> dict[str, str]:
    """The fields that say when and by what a document was made."""
    return {"created": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"), "lathe": __version__}


def write_evaluation(folder: Path, document: Evaluation | ClassEvaluation) -> Path:
    """Write ``evaluation.json`` atomically; returns its path. Raises OSError."""
    path = folder / DOCUMENT_NAME
    write_atomically(path, document.model_dump_json().encode("utf-8"))
    return path


def read_evaluation(path: Path | str) -> Evaluation:
    """The evaluation of images in a folder, or in the file itself.

    Raises:
        DocumentError: there is none, it cannot be read, is damaged, is of a later version, or is one of a classifier.
    """
    found = read_any_evaluation(path)
    if not isinstance(found, Evaluation):
        raise DocumentError(
            f"{path} is an evaluation of a classifier, not of masks.", "Choose an evaluation of masks."
        )
    return found


def read_any_evaluation(path: Path | str) -> Evaluation | ClassEvaluation:
    """The evaluation in a folder, or in the file itself, of whichever problem.

    Raises:
        DocumentError: there is none, it cannot be read, is damaged, or is of a later version.
    """
    file = Path(path)
    file = file / DOCUMENT_NAME if file.is_dir() else file
    try:
        raw = json.loads(file.read_bytes())
    except OSError as error:
        raise DocumentError(f"There is no evaluation in {file.parent}: {error.strerror or error}.",
                            "Choose the folder of an evaluation.") from None  # fmt: skip
    except ValueError as error:
        raise DocumentError(f"{file} is damaged: {error}.", "Evaluate the model again.") from None
    if not isinstance(raw, dict) or raw.get("format") not in _KINDS:
        raise DocumentError(f"{file} is not an evaluation of Lathe.", "Choose the folder of an evaluation.")
    kind, version = _KINDS[raw["format"]]
    if not isinstance(raw.get("version"), int) or raw["version"] > version:
        raise DocumentError(f"{file} was written by a later version of Lathe.", "Update Lathe.")
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DocumentError(
            f"{file} is damaged at {where}: {first['msg']}.", "Evaluate the model again."
        ) from None


_KINDS: dict[str, tuple[type[Evaluation] | type[ClassEvaluation], int]] = {
    FORMAT: (Evaluation, VERSION),
    classified.FORMAT: (ClassEvaluation, classified.VERSION),
}

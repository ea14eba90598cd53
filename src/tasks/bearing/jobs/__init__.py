"""What one can do with a trained model of recordings. Torch-free: the runtimes are imported by the job's process alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from src.core.exporting import formats
from src.core.job import JobInfo
from src.tasks.bearing.jobs import evaluate_config, export_config, predict_config

_HERE = "src.tasks.bearing.jobs"


def _name_of(path: str) -> str:
    """A word for a folder, a file or a pattern: ``day1`` for ``day1`` and for ``day1/*.mat``."""
    place = Path(path)
    if any(letter in place.name for letter in "*?["):
        place = place.parent
    return place.stem if place.suffix else place.name


def _evaluated(config: Any) -> str:
    from src.core.evaluation.parts import part_word  # late: only where a folder is made

    return "-".join(filter(None, (_name_of(config.data) if config.data else "", part_word(config))))


def _files(config: Any) -> str:
    return _name_of(config.files[0]) if config.files else ""


JOBS: dict[str, JobInfo] = {
    info.id: info
    for info in (
        JobInfo(
            id="evaluate", title="Evaluate",
            about="Says how good a model is on labelled recordings, beside the baselines, and how sure that is.",
            config=evaluate_config.EvaluateConfig, runtime=f"{_HERE}.evaluate:run", folder="evaluations", takes="data",
            label=_evaluated,
            page="classes",
        ),
        JobInfo(
            id="predict", title="Predict",
            about="Says what is damaged in recordings of any length, window by window over time.",
            config=predict_config.PredictConfig, runtime=f"{_HERE}.predict:run", folder="predictions", takes="files",
            label=_files, check=predict_config.check,
        ),
        JobInfo(
            id="export", title="Export model",
            about="Writes the model for other programs, runs it there, and compares it with the original.",
            config=export_config.ExportConfig, runtime=f"{_HERE}.export:run", folder="export",
            label=lambda config: f"{config.format}-{config.precision}", check=formats.check, unavailable=formats.unavailable,
        ),
    )
}  # fmt: skip

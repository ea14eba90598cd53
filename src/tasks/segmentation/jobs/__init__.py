"""What one can do with a trained segmentation model. Torch-free: the runtimes are imported by the job's process alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from src.core.job import JobInfo
from src.tasks.segmentation.jobs import (
    evaluate_config,
    export_config,
    predict_config,
    pseudo_label_config,
    rank_config,
)

_HERE = "src.tasks.segmentation.jobs"


def _name_of(path: str) -> str:
    """A word for a folder, a file or a pattern: ``parts`` for ``parts/images`` and for ``parts/*.png``."""
    place = Path(path)
    if any(letter in place.name for letter in "*?["):
        place = place.parent
    stem = place.stem if place.suffix else place.name
    return place.parent.name if stem.lower() in ("images", "imgs", "image", "lathe") else stem


def _evaluated(config: Any) -> str:
    from src.core.evaluation.parts import part_word  # late: only where a folder is made

    return "-".join(filter(None, (_name_of(config.data) if config.data else "", part_word(config))))


def _images(config: Any) -> str:
    return _name_of(config.images[0]) if config.images else ""


def _idle(*keys: str) -> Callable[[Mapping[str, Any]], Mapping[str, str]]:
    """These options ask for a threshold, which only a model of one class has."""
    reason = "Does nothing: this model knows several classes, and each pixel gets the likeliest one."
    return lambda facts: dict.fromkeys(keys, reason) if int(facts.get("out_channels") or 1) > 1 else {}


JOBS: dict[str, JobInfo] = {
    info.id: info
    for info in (
        JobInfo(
            id="evaluate", title="Evaluate",
            about="Says how good a model is on images with masks, where it fails, and how sure that is.",
            config=evaluate_config.EvaluateConfig, runtime=f"{_HERE}.evaluate:run", folder="evaluations", takes="data",
            label=_evaluated, idle=_idle("threshold", "threshold_for"),
        ),
        JobInfo(
            id="predict", title="Predict",
            about="Finds the objects on new images of any size, and writes masks, tables and pictures.",
            config=predict_config.PredictConfig, runtime=f"{_HERE}.predict:run", folder="predictions", takes="images",
            label=_images, check=predict_config.check, unavailable=predict_config.unavailable, idle=_idle("threshold"),
        ),
        JobInfo(
            id="export", title="Export model",
            about="Writes the model for other programs, runs it there, and compares it with the original.",
            config=export_config.ExportConfig, runtime=f"{_HERE}.export:run", folder="export",
            label=lambda config: f"{config.format}-{config.precision}", check=export_config.check,
            unavailable=export_config.unavailable, idle=_idle("threshold"),
        ),
        JobInfo(
            id="rank", title="Label next",
            about="Says which new images would teach the model most: those it is unsure of, and those unlike its training.",
            config=rank_config.RankConfig, runtime=f"{_HERE}.rank:run", folder="rankings", takes="images",
            label=_images, check=rank_config.check,
        ),
        JobInfo(
            id="pseudo_label", title="Pseudo-labels",
            about="Makes a data set of what the model is sure of on new images, kept apart from labels by people.",
            config=pseudo_label_config.PseudoLabelConfig, runtime=f"{_HERE}.pseudo_label:run", folder="pseudo-labels",
            takes="images", label=_images, check=pseudo_label_config.check,
        ),
    )
}  # fmt: skip

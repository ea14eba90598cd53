"""Choosing the threshold on validation, and keeping it beside the model: ``<run>/threshold.json``."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from src.core.evaluation.levels import THRESHOLDS, best_threshold, counts_at, curve_of
from src.core.evaluation.scores import overall_scores
from src.core.run.folder import write_atomically

Array = np.ndarray[Any, Any]
Measure = Literal["iou", "dice", "f1", "iou_mean", "none"]
TITLES = {"iou": "IoU", "dice": "Dice", "f1": "F1", "iou_mean": "mean IoU over images", "none": "nothing"}
THRESHOLD_NAME = "threshold.json"
#: Images whose curves are computed at once: 255 thresholds × 6 counts × 8 bytes each.
_AT_ONCE = 256


@dataclass(frozen=True)
class StoredThreshold:
    """What a run keeps.

    Attributes:
        value: Above it a pixel is of the object; k/255.
        measure, score: What was highest there, and how high, on `part`.
        evaluation: Folder of the evaluation that chose it.
        checkpoint, epoch: Of the model that it belongs to: name and sha256 or size of its file, epoch.
        inference: Options with which the images were predicted.
        decision: ``{"threshold", "false_alarm_rate"}`` of the image decision, or None.
    """

    value: float
    measure: str
    score: float | None
    part: str
    evaluation: str = ""
    checkpoint: str = ""
    epoch: int = 0
    inference: dict[str, Any] = field(default_factory=dict)
    decision: dict[str, float] | None = None

    def fits(self, checkpoint: str, inference: dict[str, Any], measure: str = "") -> bool:
        """Whether it was chosen for this model with these options (and this measure)."""
        return self.checkpoint == checkpoint and self.inference == inference and measure in ("", self.measure)


def choose_threshold(measure: str, histograms: Array) -> tuple[float, float] | None:
    """The threshold at which a measure is highest, and the measure there.

    Args:
        measure: ``iou``, ``dice``, ``f1`` of all pixels together, or ``iou_mean`` over images.
        histograms: N×2×256: other and object pixels of each image by level.

    Returns:
        None where no image has an object pixel: then nothing tells one threshold from another.

    Raises:
        ValueError: an unknown measure.
    """
    if measure not in ("iou", "dice", "f1", "iou_mean"):
        raise ValueError(f"There is no measure {measure!r} to choose a threshold by.")
    if not len(histograms) or not histograms[:, 1].any():
        return None
    if measure == "iou_mean":
        values = _mean_over_images(histograms)
    else:
        pooled = histograms.sum(0, dtype=np.int64)
        curve = curve_of("", 1, pooled[0], pooled[1])
        chosen = curve.iou if measure == "iou" else curve.dice
        values = np.array([math.nan if v is None else v for v in chosen])
    best = best_threshold(values)
    return None if best is None else (best, float(values[np.abs(THRESHOLDS - best).argmin()]))


def _mean_over_images(histograms: Array) -> Array:
    total, many = np.zeros(len(THRESHOLDS)), 0
    for start in range(0, len(histograms), _AT_ONCE):
        part = histograms[start : start + _AT_ONCE].astype(np.int64)
        scores = overall_scores(counts_at(part[:, 0], part[:, 1]), binary=True)[..., 0]
        known = ~np.isnan(scores[:, 0])
        total += scores[known].sum(0)
        many += int(known.sum())
    return total / many if many else np.full(len(THRESHOLDS), math.nan)


def write_threshold(run: Path, stored: StoredThreshold) -> Path:
    """Write ``threshold.json`` atomically into a run folder; returns its path. Raises OSError."""
    path = run / THRESHOLD_NAME
    write_atomically(path, json.dumps(asdict(stored), ensure_ascii=False, indent=1).encode("utf-8"))
    return path


def read_threshold(run: Path) -> StoredThreshold | None:
    """What a run folder keeps, or None where there is none or it is damaged."""
    try:
        raw = json.loads((run / THRESHOLD_NAME).read_bytes())
        value = float(raw["value"])
        if not 0 <= value <= 1:
            return None
        decision = raw.get("decision")
        return StoredThreshold(
            value=value,
            measure=str(raw["measure"]),
            score=None if raw.get("score") is None else float(raw["score"]),
            part=str(raw.get("part") or ""),
            evaluation=str(raw.get("evaluation") or ""),
            checkpoint=str(raw.get("checkpoint") or ""),
            epoch=int(raw.get("epoch") or 0),
            inference=dict(raw.get("inference") or {}),
            decision={str(k): float(v) for k, v in decision.items()} if isinstance(decision, dict) else None,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None

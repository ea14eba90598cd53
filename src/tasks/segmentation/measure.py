"""The metrics of segmentation as the engine takes them."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from src.core.engine.task import Batch
from src.models.metrics import MetricsTracker


class SegmentationMetrics:
    """The tracker of `src.models.metrics` as the engine takes it."""

    def __init__(self, tracker: MetricsTracker) -> None:
        self._tracker = tracker

    def update(self, prediction: Tensor, batch: Batch) -> None:
        """Add the logits of a prepared batch."""
        self._tracker.update(prediction, batch["mask"])

    def state(self) -> dict[str, Any]:
        """All that was added, as plain numbers."""
        return self._tracker.state_dict()

    def merge(self, state: dict[str, Any]) -> None:
        """Add what another device's `state` holds."""
        self._tracker.merge(state)

    def summary(self) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
        """Pooled values by their plain name, then mean and deviation over images; and the pooled values per class."""
        found = self._tracker.get_summary()
        names = ("iou", "dice", "accuracy", "precision", "recall", "f1")
        scalars = {name: float(found[name]["pooled"]) for name in names}
        for name in names:
            scalars[f"{name}_mean"] = float(found[name]["mean"])
            scalars[f"{name}_std"] = float(found[name]["std"])
        classes = found["iou"]["per_class"]
        per_class = {
            str(c): {
                name: float(found[name]["per_class"][c]) for name in names if c in found[name]["per_class"]
            }
            for c in classes
        }
        return scalars, per_class

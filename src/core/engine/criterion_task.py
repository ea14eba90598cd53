"""A model, loaders and a criterion from outside, as the engine takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from src.core.config.training import RunConfig
from src.core.engine.task import Batch, Loader, Metrics, StepOutput, Task
from src.models.metrics import MetricsTracker


class AnyLoader:
    """A torch `DataLoader`, or any sized iterable of batches, as the engine takes it.

    Its order is its own business, so a run over it is repeatable only as far as it is.
    """

    def __init__(self, loader: Any) -> None:
        self._loader = loader
        self._drawn = 0

    def __len__(self) -> int:
        return len(self._loader)

    def epoch(self, epoch: int, start_batch: int = 0) -> Iterator[Batch]:
        """Batches as mappings; a pair (image, mask) becomes one."""
        if hasattr(self._loader, "epoch"):
            yield from self._loader.epoch(epoch, start_batch)
            return
        for number, batch in enumerate(self._loader):
            if number >= start_batch:
                yield self._as_mapping(batch)

    def _as_mapping(self, batch: Any) -> Batch:
        mapping = dict(batch) if isinstance(batch, dict) else {"image": batch[0], "mask": batch[1]}
        if "index" not in mapping:
            count = len(mapping["image"])
            mapping["index"] = torch.arange(self._drawn, self._drawn + count)
            self._drawn += count
        return mapping

    def close(self) -> None:
        """Nothing of ours to end."""


class _Metrics:
    """Pooled values; the tracker is made with the first prediction, which tells the number of classes."""

    def __init__(self, ignore_index: int) -> None:
        self._ignore = ignore_index
        self._tracker: MetricsTracker | None = None

    def update(self, prediction: Tensor, batch: Batch) -> None:
        if self._tracker is None:
            self._tracker = MetricsTracker(num_classes=prediction.shape[1], ignore_index=self._ignore)
        self._tracker.update(prediction, batch["mask"])

    def summary(self) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
        if self._tracker is None:
            return {}, {}
        found = self._tracker.get_summary()
        names = ("iou", "dice", "accuracy", "precision", "recall", "f1")
        return {n: float(found[n]["pooled"]) for n in names}, {}


class CriterionTask(Task):
    """A model, a criterion and loaders as a task: segmentation by logits N×C×H×W and masks N×H×W or N×1×H×W."""

    def __init__(
        self, model: nn.Module, criterion: Callable[[Tensor, Tensor], Tensor], metric: str, ignore_index: int
    ) -> None:
        super().__init__(RunConfig(), None)
        self.metric, self.maximise = metric, not metric.endswith("loss")
        self._model, self._criterion, self._ignore = model, criterion, ignore_index

    def build_model(self) -> nn.Module:
        """The model that was given."""
        return self._model

    def build_loaders(self, device: torch.device) -> tuple[Loader, Loader | None]:
        """Not used: the loaders were given."""
        raise NotImplementedError("ModelTrainer is given its loaders.")

    def prepare(self, batch: Batch, device: torch.device) -> Batch:
        """Images and masks on the device."""
        moved = {k: batch[k].to(device, non_blocking=True) for k in ("image", "mask")}
        return {**batch, **moved}

    def training_step(self, model: nn.Module, batch: Batch) -> StepOutput:
        """The criterion of logits and mask."""
        return self.evaluation_step(model, batch)

    def evaluation_step(self, model: nn.Module, batch: Batch) -> StepOutput:
        """The criterion, and the logits."""
        logits = model(batch["image"])
        return StepOutput(self._loss(logits, batch["mask"]), {}, logits)

    def _loss(self, logits: Tensor, mask: Tensor) -> Tensor:
        # torch's own binary losses want the mask as floats in the shape of the logits; ours take both
        if isinstance(self._criterion, (nn.BCEWithLogitsLoss, nn.MSELoss, nn.L1Loss)):
            mask = mask.to(logits.dtype).reshape(logits.shape)
        elif isinstance(self._criterion, nn.CrossEntropyLoss):
            mask = mask.long().reshape(len(mask), *mask.shape[-2:])
        return self._criterion(logits, mask)

    def new_metrics(self, device: torch.device) -> Metrics:
        """Counts for as many classes as the model has outputs (two where it has one)."""
        return _Metrics(self._ignore)

    def facts(self) -> dict[str, Any]:
        """Nothing is known of a model from outside."""
        return {"task": "custom"}

"""Losses for segmentation. All take logits N×C×H×W and targets, and return one number.

One channel is a binary problem (sigmoid), several a multi-class one (softmax). Targets are N×H×W or
N×1×H×W: zeros and ones or floats between (binary), class numbers (multi-class); floats N×C×H×W are soft
multi-class targets. Common options:

- `mode`: `binary` or `multiclass`; None takes it from the number of channels.
- `ignore_index`: pixels whose target has this value count nowhere. If nothing is left, the loss is 0 with
  zero gradients.
- `class_weights`: one for each class; in a binary problem (background, foreground), for losses of pixels
  only.
- `per_image`: reduce each image first, then average the images; otherwise the whole batch is one.

They compute in float32 whatever they are given, and never make the host wait for the device.
"""

from __future__ import annotations

import difflib
import inspect
import math
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from src.models.loss_terms import (
    Batch,
    Mode,
    as_weights,
    cross_entropy,
    focal,
    mean_over_images,
    mean_over_pixels,
    pixel_weights,
    read_batch,
    region_sums,
    weighted_mean,
)


class SegmentationLoss(nn.Module):
    """What all losses have in common; see the module."""

    name: ClassVar[str]
    class_weights: Tensor | None

    def __init__(
        self,
        mode: Mode | None = None,
        class_weights: Any = None,
        ignore_index: int | None = None,
        per_image: bool = False,
    ) -> None:
        """Raises ValueError for an unknown mode or weights that are not positive."""
        super().__init__()
        if mode not in (None, "binary", "multiclass"):
            raise ValueError(f"mode must be 'binary', 'multiclass' or None, not {mode!r}.")
        self.mode: Mode | None = mode
        self.ignore_index = ignore_index
        self.per_image = per_image
        # an option, not a state: kept out of checkpoints
        self.register_buffer("class_weights", as_weights(class_weights), persistent=False)

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss, a float32 scalar. Raises ValueError for shapes or weights that do not fit."""
        return self.of_batch(read_batch(logits, target, self.mode, self.ignore_index))

    def terms(self, logits: Tensor, target: Tensor) -> dict[str, Tensor]:
        """The loss by its parts, without their weights, and `total`, to which they add up with them."""
        total = self(logits, target)
        return {self.name: total, "total": total}

    def of_batch(self, batch: Batch) -> Tensor:
        """The loss of a batch that has been read."""
        raise NotImplementedError


class _RegionLoss(SegmentationLoss):
    """One minus an overlap of regions, by class; a class that is absent is not masked: false positives
    cost."""

    def __init__(self, smooth: float = 1.0, **options: Any) -> None:
        super().__init__(**options)
        if smooth < 0:
            raise ValueError(f"smooth must not be negative, not {smooth}.")
        # without smoothing, nothing over nothing must still be a perfect overlap
        self.smooth = smooth or 1e-7

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss, a float32 scalar. Raises ValueError for shapes or weights that do not fit."""
        if self.class_weights is not None and logits.shape[1] == 1:
            raise ValueError(
                f"The {self.name} loss of one class has nothing to weigh; class_weights need several classes."
            )
        return super().forward(logits, target)

    def of_batch(self, batch: Batch) -> Tensor:
        """The loss of a batch that has been read."""
        weights = None if batch.binary else self.class_weights
        if weights is not None and weights.numel() != batch.logits.shape[1]:
            raise ValueError(
                f"{weights.numel()} class weights are given where {batch.logits.shape[1]} are needed."
            )
        p, t = batch.probabilities(), batch.targets()
        overlap = self.overlap(*region_sums(p, t, self.per_image))
        loss = weighted_mean(1 - overlap, weights)
        if not self.per_image:
            return loss
        return mean_over_images(loss, None if batch.valid is None else batch.valid.sum((1, 2, 3)) > 0)

    def overlap(self, both: Tensor, predicted: Tensor, true: Tensor) -> Tensor:
        """The overlap between 0 and 1 from sums over pixels: Σpt, Σp, Σt, each (N×)C."""
        raise NotImplementedError


class DiceLoss(_RegionLoss):
    """`1 - (2I + s) / (A + B + s)`, mean over classes (Milletari et al. 2016, arXiv:1606.04797, without the
    squares).

    `smooth` is s; the other options are those of the module.
    """

    name = "dice"

    def overlap(self, both: Tensor, predicted: Tensor, true: Tensor) -> Tensor:
        """Dice coefficient."""
        return (2 * both + self.smooth) / (predicted + true + self.smooth)


class IoULoss(_RegionLoss):
    """`1 - (I + s) / (U + s)`, mean over classes: the Jaccard loss (Rahman and Wang 2016).

    `smooth` is s; the other options are those of the module.
    """

    name = "iou"

    def overlap(self, both: Tensor, predicted: Tensor, true: Tensor) -> Tensor:
        """Intersection over union."""
        return (both + self.smooth) / (predicted + true - both + self.smooth)


class TverskyLoss(_RegionLoss):
    """`1 - (I + s) / (I + αF⁺ + βF⁻ + s)`, mean over classes (Salehi et al. 2017, arXiv:1706.05721).

    `alpha` weighs false positives, `beta` false negatives: a larger `beta` finds more at the cost of false
    alarms.
    """

    name = "tversky"

    def __init__(self, alpha: float = 0.3, beta: float = 0.7, smooth: float = 1.0, **options: Any) -> None:
        """Raises ValueError for negative weights."""
        super().__init__(smooth, **options)
        if alpha < 0 or beta < 0:
            raise ValueError(f"alpha and beta must not be negative, not {alpha} and {beta}.")
        self.alpha, self.beta = alpha, beta

    def overlap(self, both: Tensor, predicted: Tensor, true: Tensor) -> Tensor:
        """Tversky index."""
        wrong = self.alpha * (predicted - both) + self.beta * (true - both)
        return (both + self.smooth) / (both + wrong + self.smooth)


class FocalLoss(SegmentationLoss):
    """`-α (1-p)^γ log p`, p the probability of the true class, mean over pixels (Lin et al. 2017,
    arXiv:1708.02002).

    `alpha` scales every pixel alike. The paper's balance between foreground and background is
    `FocalLoss(alpha=1, class_weights=(1 - a, a))`, but for the mean, which here is divided by the sum of
    the weights.
    """

    name = "focal"

    def __init__(self, alpha: float = 0.25, gamma: float = 2.0, **options: Any) -> None:
        """Raises ValueError for a negative `gamma` or an `alpha` that is not positive."""
        super().__init__(**options)
        if alpha <= 0 or gamma < 0:
            raise ValueError(f"alpha must be positive and gamma not negative, not {alpha} and {gamma}.")
        self.alpha, self.gamma = alpha, gamma

    def of_batch(self, batch: Batch) -> Tensor:
        """The loss of a batch that has been read."""
        weights = pixel_weights(batch, self.class_weights)
        return self.alpha * mean_over_pixels(focal(batch, self.gamma), weights, batch.valid, self.per_image)


class BCELoss(SegmentationLoss):
    """Binary cross-entropy for one channel, cross-entropy for several; mean over pixels.

    `pos_weight` multiplies the part of the foreground, as torch has it (binary only, the mean is not
    divided by it); `class_weights` make a weighted mean, as torch's cross-entropy does. `label_smoothing`
    gives that share of each target to all classes alike; a pixel keeps the weight of its true class.
    """

    name = "bce"
    pos_weight: Tensor | None

    def __init__(self, pos_weight: Any = None, label_smoothing: float = 0.0, **options: Any) -> None:
        """Raises ValueError for a `pos_weight` that is not one positive number, or a smoothing outside [0, 1)."""
        super().__init__(**options)
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"label_smoothing lies between 0 and below 1, not {label_smoothing}.")
        self.label_smoothing = label_smoothing
        weight = None
        if pos_weight is not None:
            weight = torch.as_tensor(pos_weight, dtype=torch.float32).detach().clone()
            if weight.numel() != 1 or not 0 < weight.item() < math.inf:
                raise ValueError(f"pos_weight must be one positive number, not {pos_weight}.")
        self.register_buffer("pos_weight", None if weight is None else weight.reshape(()), persistent=False)

    def of_batch(self, batch: Batch) -> Tensor:
        """The loss of a batch that has been read."""
        if self.pos_weight is not None and not batch.binary:
            raise ValueError("pos_weight is for binary problems; for several classes give class_weights.")
        weights = pixel_weights(batch, self.class_weights)
        values = cross_entropy(batch, self.pos_weight, self.label_smoothing)
        return mean_over_pixels(values, weights, batch.valid, self.per_image)


class CrossEntropyLoss(BCELoss):
    """`BCELoss` under the name that it has for several classes."""

    name = "ce"


class CombinedLoss(SegmentationLoss):
    """A weighted sum of Dice, (binary) cross-entropy, focal, IoU and Tversky; parts of weight 0 are left out.

    `smooth` goes to Dice, IoU and Tversky, `pos_weight` and `label_smoothing` to the cross-entropy, `alpha` and `gamma`
    to the focal loss; the options of the module to all, but `class_weights` of a binary problem only to losses of pixels.
    """

    name = "combined"

    def __init__(
        self,
        dice_weight: float = 0.5,
        bce_weight: float = 0.5,
        focal_weight: float = 0.0,
        iou_weight: float = 0.0,
        tversky_weight: float = 0.0,
        *,
        smooth: float = 1.0,
        pos_weight: float | Tensor | None = None,
        label_smoothing: float = 0.0,
        alpha: float = 0.25,
        gamma: float = 2.0,
        **options: Any,
    ) -> None:
        """Raises ValueError where a weight is negative or all are zero."""
        super().__init__(**options)
        parts: dict[str, tuple[float, Callable[[], SegmentationLoss]]] = {
            "dice": (dice_weight, lambda: DiceLoss(smooth, **options)),
            "bce": (bce_weight, lambda: BCELoss(pos_weight, label_smoothing, **options)),
            "focal": (focal_weight, lambda: FocalLoss(alpha, gamma, **options)),
            "iou": (iou_weight, lambda: IoULoss(smooth, **options)),
            "tversky": (tversky_weight, lambda: TverskyLoss(smooth=smooth, **options)),
        }
        self.weights = {name: float(weight) for name, (weight, _) in parts.items() if weight != 0}
        if not self.weights or min(self.weights.values()) < 0:
            raise ValueError(f"Weights must not be negative, and one at least positive: {self.weights}.")
        self.parts = nn.ModuleDict({name: parts[name][1]() for name in self.weights})

    def _parts_of(self, batch: Batch) -> dict[str, Tensor]:
        return {name: part.of_batch(batch) for name, part in self.parts.items()}  # type: ignore[operator]

    def of_batch(self, batch: Batch) -> Tensor:
        """The weighted sum for a batch that has been read."""
        return self._sum(self._parts_of(batch))

    def terms(self, logits: Tensor, target: Tensor) -> dict[str, Tensor]:
        """The parts, without their weights, and `total`, their weighted sum."""
        values = self._parts_of(read_batch(logits, target, self.mode, self.ignore_index))
        return {**values, "total": self._sum(values)}

    def _sum(self, values: dict[str, Tensor]) -> Tensor:
        return torch.stack([self.weights[name] * value for name, value in values.items()]).sum()


LOSSES: dict[str, type[SegmentationLoss]] = {
    "dice": DiceLoss,
    "bce": BCELoss,
    "ce": CrossEntropyLoss,
    "cross_entropy": CrossEntropyLoss,
    "focal": FocalLoss,
    "iou": IoULoss,
    "jaccard": IoULoss,
    "tversky": TverskyLoss,
    "combined": CombinedLoss,
}


def _option_names(cls: type) -> list[str]:
    names = [n for c in (cls, SegmentationLoss) for n in inspect.signature(c.__init__).parameters]  # type: ignore[misc]
    smooth = ["smooth"] if issubclass(cls, _RegionLoss) else []
    return [name for name in [*names, *smooth] if name not in ("self", "options")]


def get_loss_function(name: str, **options: Any) -> SegmentationLoss:
    """A loss by its name (`dice`, `bce`, `ce`, `focal`, `iou` or `jaccard`, `tversky`, `combined`; any case).

    `options` are those of its class. Raises ValueError for a name or an option that is not known, with the
    nearest ones.
    """
    cls = LOSSES.get(name.strip().lower().replace("-", "_"))
    if cls is None:
        close = difflib.get_close_matches(name.lower(), LOSSES, n=3)
        hint = f"Did you mean {', '.join(close)}? " if close else ""
        raise ValueError(f"There is no loss '{name}'. {hint}Known: {', '.join(LOSSES)}.")
    known = _option_names(cls)
    for option in options:
        if option not in known:
            close = difflib.get_close_matches(option, known, n=3)
            hint = f"Did you mean {', '.join(close)}?" if close else f"It takes {', '.join(known)}."
            raise ValueError(f"The loss {name} has no option '{option}'. {hint}")
    return cls(**options)

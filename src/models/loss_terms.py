"""What all losses share: reading logits and targets, and reducing values over pixels, classes and images.

Nothing here waits for the device: no value is read back, and no mask indexes a tensor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from src.models.across import over_all

Mode = Literal["binary", "multiclass"]


class Batch(NamedTuple):
    """Logits and targets in one form.

    `logits` N×C×H×W float32; `labels` N×H×W int64 for hard multi-class targets, else None; `soft` N×C×H×W
    float32 for binary and for soft multi-class targets, else None; `valid` N×1×H×W float32 of zeros and
    ones, or None where every pixel counts. Ignored pixels hold zeros everywhere.
    """

    logits: Tensor
    labels: Tensor | None
    soft: Tensor | None
    valid: Tensor | None

    @property
    def binary(self) -> bool:
        """Whether there is one class, by its sigmoid."""
        return self.logits.shape[1] == 1

    def targets(self) -> Tensor:
        """Targets N×C×H×W float32, zero where ignored."""
        if self.soft is not None:
            return self.soft
        assert self.labels is not None
        classes = torch.arange(self.logits.shape[1], device=self.labels.device).view(1, -1, 1, 1)
        hot = (self.labels.unsqueeze(1) == classes).float()
        return hot if self.valid is None else hot * self.valid

    def probabilities(self) -> Tensor:
        """Probabilities N×C×H×W, zero where ignored."""
        p = self.logits.sigmoid() if self.binary else self.logits.softmax(1)
        return p if self.valid is None else p * self.valid


def _check(logits: Tensor, target: Tensor, mode: Mode | None) -> None:
    if logits.ndim != 4 or not logits.is_floating_point():
        raise ValueError(f"Logits must be floats N×C×H×W, not {logits.dtype} of shape {tuple(logits.shape)}.")
    n, c, h, w = logits.shape
    if mode == "binary" and c != 1:
        raise ValueError(f"A binary loss takes logits of one channel, not {c}.")
    if mode == "multiclass" and c < 2:
        raise ValueError("A multi-class loss takes logits of two channels or more, not 1.")
    shapes = [(n, h, w), (n, 1, h, w)] + ([(n, c, h, w)] if target.is_floating_point() else [])
    if tuple(target.shape) not in shapes:
        raise ValueError(
            f"Targets of shape {tuple(target.shape)} do not fit logits of shape {tuple(logits.shape)}."
        )


def read_batch(logits: Tensor, target: Tensor, mode: Mode | None, ignore_index: int | None) -> Batch:
    """Bring logits N×C×H×W and targets into one form (see `Batch`). Raises ValueError for shapes that do
    not fit.

    Targets are N×H×W or N×1×H×W: for one class zeros and ones of any type, or floats between; for several,
    class numbers of any type. Floats N×C×H×W are soft multi-class targets; a pixel of those is ignored
    where every class holds `ignore_index`.
    """
    _check(logits, target, mode)
    classes = logits.shape[1]
    if target.ndim == 3:
        target = target.unsqueeze(1)
    logits = logits.float()
    valid: Tensor | None = None
    if ignore_index is not None:
        keep = (target != ignore_index).any(1, keepdim=True)
        target = torch.where(keep, target, 0)
        # not multiplied: an infinity at an ignored pixel must not become nan
        logits = logits.masked_fill(~keep, 0.0)
        valid = keep.float()
    if classes == 1 or target.shape[1] == classes:
        return Batch(logits, None, target.float(), valid)
    return Batch(logits, target.squeeze(1).long(), None, valid)


def as_weights(values: Any) -> Tensor | None:
    """Class weights as a float32 vector. Raises ValueError where they are negative, not finite, or all
    zero."""
    if values is None:
        return None
    weights = torch.as_tensor(values, dtype=torch.float32).detach().clone().flatten()
    listed: Sequence[float] = weights.tolist()
    if not listed or min(listed) < 0 or max(listed) <= 0 or not bool(torch.isfinite(weights).all()):
        raise ValueError(f"Class weights must be finite, not negative, and not all zero: {listed}.")
    return weights


def mean_over_pixels(values: Tensor, weights: Tensor | None, valid: Tensor | None, per_image: bool) -> Tensor:
    """The mean of pixel values N×H×W over what is valid, weighted by `weights` N×H×W; zero where nothing is.

    With `per_image`, each image has its own mean first, and images without a valid pixel are left out.
    """
    share = torch.ones_like(values) if weights is None else weights
    if valid is not None:
        share = share * valid.squeeze(1)
    if not per_image:
        found, total = over_all((values * share).sum(), share.sum())
        return found / torch.where(total > 0, total, 1.0)
    total = share.sum((1, 2))
    means = (values * share).sum((1, 2)) / torch.where(total > 0, total, 1.0)
    return mean_over_images(means, total > 0)


def mean_over_images(values: Tensor, present: Tensor | None) -> Tensor:
    """The mean of N values over the images that are present (bool N)."""
    if present is None:
        return values.mean()
    share = present.to(values.dtype)
    found, total = over_all((values * share).sum(), share.sum())
    return found / total.clamp_min(1.0)


def region_sums(p: Tensor, t: Tensor, per_image: bool) -> tuple[Tensor, ...]:
    """Σpt, Σp, Σt over the pixels of probabilities and targets N×C×H×W: of the whole batch, C, or of each image, N×C."""
    if per_image:
        return (p * t).sum((2, 3)), p.sum((2, 3)), t.sum((2, 3))
    return over_all((p * t).sum((0, 2, 3)), p.sum((0, 2, 3)), t.sum((0, 2, 3)))


def weighted_mean(values: Tensor, weights: Tensor | None) -> Tensor:
    """The mean over the last dimension, by class."""
    return values.mean(-1) if weights is None else (values * weights).sum(-1) / weights.sum()


def cross_entropy(batch: Batch, pos_weight: Tensor | None = None, smoothing: float = 0.0) -> Tensor:
    """Cross-entropy of each pixel, N×H×W, not masked.

    With `smoothing` ε the target is (1-ε) of what it was and ε of all classes alike (Szegedy et al. 2016,
    arXiv:1512.00567), the background of a binary problem being a class too. `pos_weight` goes by the true class: were
    the share that smoothing gives to a background pixel multiplied by it, the best answer for background could be "object".
    """
    if batch.binary:
        assert batch.soft is not None
        if smoothing == 0:
            return F.binary_cross_entropy_with_logits(
                batch.logits, batch.soft, pos_weight=pos_weight, reduction="none"
            ).squeeze(1)
        there = batch.soft if pos_weight is None else batch.soft * pos_weight
        absent, other = 1 - batch.soft, smoothing / 2
        values = (there * (1 - other) + absent * other) * F.logsigmoid(batch.logits)
        values = values + (there * other + absent * (1 - other)) * F.logsigmoid(-batch.logits)
        return -values.squeeze(1)
    log_p = batch.logits.log_softmax(1)
    if batch.labels is not None:
        values = F.nll_loss(log_p, batch.labels, reduction="none")
    else:
        values = -(batch.targets() * log_p).sum(1)
    return values if smoothing == 0 else (1 - smoothing) * values - smoothing * log_p.mean(1)


def focal(batch: Batch, gamma: float) -> Tensor:
    """Focal values `-(1-p)^γ log p` of each pixel, N×H×W, not masked; soft targets mix the values of the
    classes."""
    if batch.binary:
        assert batch.soft is not None
        log_p, log_q = F.logsigmoid(batch.logits), F.logsigmoid(-batch.logits)
        # powers as exponentials of logarithms: finite gradients for every gamma, also where p rounds to 0
        # or 1
        there = -(gamma * log_q).exp() * log_p
        absent = -(gamma * log_p).exp() * log_q
        return (batch.soft * there + (1 - batch.soft) * absent).squeeze(1)
    log_p = batch.logits.log_softmax(1)
    if batch.labels is not None:
        log_p = log_p.gather(1, batch.labels.unsqueeze(1))
    values = -((1 - log_p.exp()).clamp_min(1e-8) ** gamma) * log_p
    return values.squeeze(1) if batch.labels is not None else (batch.targets() * values).sum(1)


def pixel_weights(batch: Batch, class_weights: Tensor | None) -> Tensor | None:
    """The weight of each pixel, N×H×W, by its class; for one class the weights are (background,
    foreground)."""
    if class_weights is None:
        return None
    expected = 2 if batch.binary else batch.logits.shape[1]
    if class_weights.numel() != expected:
        raise ValueError(f"{class_weights.numel()} class weights are given where {expected} are needed.")
    if batch.labels is not None:
        return class_weights[batch.labels]
    if batch.binary:
        assert batch.soft is not None
        return (class_weights[0] + (class_weights[1] - class_weights[0]) * batch.soft).squeeze(1)
    return (batch.targets() * class_weights.view(1, -1, 1, 1)).sum(1)

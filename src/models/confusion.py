"""Confusion matrices and what follows from them; the arithmetic behind `metrics`.

A confusion matrix is K×K counts, true class by row, predicted class by column; K is 2 for a binary problem.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

SCORES = ("iou", "dice", "accuracy", "precision", "recall", "f1")


def as_tensor(values: Any) -> Tensor:
    """A tensor of an array, a tensor or nested lists; shares memory where it can."""
    if isinstance(values, Tensor):
        return values.detach()
    array = np.asarray(values)
    if array.dtype == np.uint16:  # torch compares, but hardly computes, in it
        array = array.astype(np.int32)
    return torch.from_numpy(np.ascontiguousarray(array))


def predicted_labels(
    prediction: Tensor, target: Tensor, from_logits: bool | None, threshold: float, num_classes: int | None
) -> tuple[Tensor, int | None]:
    """Labels N×H×W int64 of a prediction, and the number of classes that its channels tell (None for labels).

    `target` must have its batch dimension already (N×H×W). See `metrics` for what counts as logits.
    """
    if not 0 < threshold < 1:
        raise ValueError(f"threshold must lie between 0 and 1, not be {threshold}.")
    shape = tuple(target.shape)
    if prediction.ndim == 2 or (prediction.ndim == 3 and shape[0] == 1 and prediction.shape[1:] == shape[1:]):
        prediction = prediction.unsqueeze(0)
    if prediction.shape[0] != shape[0] or prediction.shape[-2:] != shape[1:] or prediction.ndim not in (3, 4):
        raise ValueError(f"A prediction {tuple(prediction.shape)} does not fit a target {shape}.")
    floating = prediction.is_floating_point()
    if from_logits is None:
        if floating and prediction.ndim == 3:
            raise ValueError(
                "Floats without a channel can be logits or labels: say from_logits=True or False."
            )
        from_logits = floating
    if not floating and from_logits:
        raise ValueError(f"Logits are floating numbers, not {prediction.dtype}.")
    channels = prediction.shape[1] if prediction.ndim == 4 else 1
    if channels > 1:
        return prediction.argmax(1), channels
    plane = prediction.reshape(shape)
    if from_logits:
        return (plane > math.log(threshold / (1 - threshold))).long(), 1
    if floating and (num_classes or 1) == 1:
        return (plane > threshold).long(), 1  # labels as floats, or probabilities
    return plane.long(), None


def with_batch(target: Tensor) -> Tensor:
    """Targets H×W, N×H×W or N×1×H×W as N×H×W. Raises ValueError for other shapes."""
    if target.ndim == 2:
        return target.unsqueeze(0)
    if target.ndim == 4 and target.shape[1] == 1:
        return target.squeeze(1)
    if target.ndim == 3:
        return target
    raise ValueError(f"A target must be H×W, N×H×W or N×1×H×W, not {tuple(target.shape)}.")


def count(
    labels: Tensor, target: Tensor, classes: int, ignore_index: int | None, threshold: float
) -> tuple[Tensor, Tensor]:
    """Confusion matrices N×K×K int64 of labels and targets N×H×W, and how many pixels hold no such class
    (scalar).

    Runs on the device of `target` without waiting for it.
    """
    valid = torch.ones_like(target, dtype=torch.bool) if ignore_index is None else target != ignore_index
    k = max(classes, 2)
    if target.is_floating_point() and classes == 1:
        target = torch.where((target >= 0) & (target <= 1), (target > threshold).to(target.dtype), target)
    truth = target.long()
    inside = (truth >= 0) & (truth < k) & (labels >= 0) & (labels < k)
    outside = (valid & ~inside).sum()
    valid = valid & inside
    n = labels.shape[0]
    if classes == 1:  # three sums: cheaper than scattering, where all pixels would fall on four addresses
        p, t = (labels == 1) & valid, (truth == 1) & valid
        total, predicted, true, both = (x.flatten(1).sum(1) for x in (valid, p, t, p & t))
        matrix = torch.stack([total - predicted - true + both, predicted - both, true - both, both], 1)
        return matrix.view(n, 2, 2), outside
    image = torch.arange(n, device=truth.device).view(-1, 1, 1)
    index = torch.where(valid, (image * k + truth) * k + labels, n * k * k).flatten()
    if index.device.type == "cpu":
        counts = torch.bincount(index, minlength=n * k * k + 1)
    else:  # torch.bincount reads back the largest index, this does not
        counts = torch.zeros(n * k * k + 1, dtype=torch.int64, device=index.device)
        counts.scatter_add_(0, index, torch.ones_like(index))
    return counts[:-1].view(n, k, k), outside


class ClassScores(NamedTuple):
    """Scores …×K by class, nan where a class neither is there nor is predicted; `accuracy` is over all
    classes, …"""

    iou: Tensor
    dice: Tensor
    precision: Tensor
    recall: Tensor
    one_vs_rest: Tensor
    accuracy: Tensor


def class_scores(matrix: Tensor) -> ClassScores:
    """Scores of confusion matrices …×K×K (floating). Zero over zero is nan for an absent class, else 0."""
    hit = matrix.diagonal(dim1=-2, dim2=-1)
    predicted, true, total = matrix.sum(-2), matrix.sum(-1), matrix.sum((-2, -1))
    union = predicted + true - hit
    nan = torch.full_like(hit, math.nan)

    def ratio(part: Tensor, whole: Tensor) -> Tensor:
        return torch.where(union > 0, part / whole.clamp_min(1), nan)

    everything = torch.where(total > 0, total, torch.full_like(total, math.nan))
    return ClassScores(
        iou=ratio(hit, union),
        dice=ratio(2 * hit, predicted + true),
        precision=ratio(hit, predicted),
        recall=ratio(hit, true),
        one_vs_rest=1 - (union - hit) / everything.unsqueeze(-1),
        accuracy=hit.sum(-1) / everything,
    )


def overall_scores(matrix: Tensor, binary: bool) -> Tensor:
    """Scores …×6 in the order of `SCORES` for confusion matrices …×K×K (floating).

    Binary: of the foreground, and 1 where nothing is there and nothing was predicted. Multi-class: means
    over the classes that are there or were predicted. nan without a valid pixel.
    """
    by_class = class_scores(matrix)
    empty = torch.isnan(by_class.accuracy)

    def overall(values: Tensor) -> Tensor:
        if not binary:
            return values.nanmean(-1)
        front = values[..., 1]
        return torch.where(torch.isnan(front) & ~empty, torch.ones_like(front), front)

    dice = overall(by_class.dice)
    return torch.stack(
        [
            overall(by_class.iou),
            dice,
            by_class.accuracy,
            overall(by_class.precision),
            overall(by_class.recall),
            dice,  # F1 and Dice are one number under two names
        ],
        -1,
    )

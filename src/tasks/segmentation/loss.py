"""From the options of a configuration and the pixels of the classes to the loss of segmentation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from src.core.dataset.masks import IGNORE_INDEX, MaskMeaning
from src.core.dataset.weights import class_weights, foreground_prior
from src.models.losses import SegmentationLoss, get_loss_function
from src.models.mixing import Mixing
from src.tasks.segmentation.config import LossConfig, RegularisationConfig


def positive_weight(options: LossConfig, meaning: MaskMeaning, pixels: Sequence[int]) -> float:
    """How many times object pixels count in the binary cross-entropy; 1 where it has no part in the loss.

    Args:
        options: Of the loss; a weight of 0 asks for √(background / object), from 1 to 10.
        meaning: Of the masks.
        pixels: Of each class in the training masks.
    """
    uses_it = options.name == "bce" or (options.name == "combined" and options.bce_weight > 0)
    if meaning.out_channels > 1 or not uses_it:
        return 1.0
    if options.positive_weight:
        return options.positive_weight
    background, objects = (float(x) for x in foreground_prior(list(pixels)))
    return min(10.0, max(1.0, math.sqrt(background / objects)))


def build_loss(
    options: LossConfig,
    meaning: MaskMeaning,
    pixels: Sequence[int],
    object_weight: float,
    label_smoothing: float = 0.0,
) -> SegmentationLoss:
    """The loss, with the class weights of the training masks; ``label_smoothing`` of its cross-entropy."""
    weights = None
    if options.class_weights != "none" and meaning.out_channels > 1:
        weights = torch.tensor(class_weights(list(pixels), options.class_weights), dtype=torch.float32)
    return get_loss_function(
        options.name,
        mode="binary" if meaning.out_channels == 1 else "multiclass",
        ignore_index=IGNORE_INDEX,
        class_weights=weights,
        **_loss_options(options, object_weight, label_smoothing),
    )


def build_mixing(options: RegularisationConfig, seed: int) -> Mixing | None:
    """What blends the images of a batch; None where nothing does."""
    if not options.mixes:
        return None
    return Mixing(options.mixup, options.cutmix, options.mixup_alpha, options.cutmix_alpha, seed)


def _loss_options(options: LossConfig, object_weight: float, label_smoothing: float) -> dict[str, Any]:
    """The options that the chosen loss knows."""
    chosen: dict[str, Any] = (
        {"smooth": options.smooth} if options.name in ("dice", "iou", "tversky", "combined") else {}
    )
    if options.name == "combined":
        chosen |= {
            "dice_weight": options.dice_weight, "bce_weight": options.bce_weight, "focal_weight": options.focal_weight,
        }  # fmt: skip
    if options.name in ("focal", "combined"):
        chosen |= {"gamma": options.gamma, "alpha": 1.0}
    if options.name in ("bce", "combined") and object_weight != 1:
        chosen["pos_weight"] = object_weight
    if options.name in ("bce", "combined") and label_smoothing:
        chosen["label_smoothing"] = label_smoothing
    return chosen

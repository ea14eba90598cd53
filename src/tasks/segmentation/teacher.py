"""A segmentation network as the teacher of another one, and whether it fits."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from src.core.feed.normalise import ImageStandardiser, Normaliser
from src.core.job import JobError
from src.core.run.model_source import ModelSource
from src.tasks.segmentation.loaded import load_model


class _Converted(nn.Module):
    """A network that was trained on images of other constants: ``network(factor · image + offset)``."""

    factor: Tensor
    offset: Tensor

    def __init__(self, network: Any, factor: Tensor, offset: Tensor) -> None:
        super().__init__()
        self.network, self.encoder = network, network.encoder
        self.register_buffer("factor", factor.view(1, -1, 1, 1))
        self.register_buffer("offset", offset.view(1, -1, 1, 1))

    def forward(self, image: Tensor) -> Tensor:
        logits: Tensor = self.network(image * self.factor + self.offset)
        return logits


def load_teacher(source: ModelSource, channels: int, normaliser: Normaliser | ImageStandardiser) -> nn.Module:
    """A trained network that takes the images of this training.

    Args:
        source: From `find_model`.
        channels, normaliser: Of the images of this training.

    Raises:
        JobError: It cannot be loaded, or it was trained on images of another kind.
    """
    loaded = load_model(source, "cpu", "fp32")
    if loaded.channels != channels:
        raise JobError(f"it takes images of {loaded.channels} channels, and this training has {channels}.",
                       "Set data.channels as the teacher had it, or choose another teacher.")  # fmt: skip
    theirs = loaded.normaliser
    if isinstance(theirs, Normaliser) and isinstance(normaliser, Normaliser):
        if (theirs.mean, theirs.std, theirs.value_range) == (
            normaliser.mean,
            normaliser.std,
            normaliser.value_range,
        ):
            return loaded.model
        return _Converted(loaded.model, *_conversion(normaliser, theirs, channels))
    if isinstance(theirs, ImageStandardiser) and isinstance(normaliser, ImageStandardiser):
        return loaded.model
    wanted = "image" if isinstance(theirs, ImageStandardiser) else "pretrained"
    raise JobError("it was trained on images that were normalised in another way.",
                   f"Set data.normalise to {wanted}, as the teacher had it.")  # fmt: skip


def _conversion(ours: Normaliser, theirs: Normaliser, channels: int) -> tuple[Tensor, Tensor]:
    """Factor and offset that bring an image of our constants to theirs: both undo ``(v / range - mean) / std``."""
    rows = []
    for norm in (ours, theirs):
        mean, std = torch.tensor(norm.mean, dtype=torch.float64), torch.tensor(norm.std, dtype=torch.float64)
        if channels == 1:
            mean, std = mean.mean(0, keepdim=True), std.mean(0, keepdim=True)
        rows.append((mean * norm.value_range, std * norm.value_range))
    (mean, std), (their_mean, their_std) = rows
    return (std / their_std).float(), ((mean - their_mean) / their_std).float()

"""Small networks, images of noise, and what the one says of the other, written by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from src.core.dataset.masks import MaskMeaning
from src.core.engine.device import choose_precision
from src.core.feed.normalise import ImageStandardiser, Normaliser
from src.core.inference.model import LoadedModel


def convolutions(outputs: int = 1, channels: int = 3) -> nn.Module:
    """Three convolutions of 3×3: each pixel sees three pixels around it, and zeros over an edge."""
    torch.manual_seed(0)
    layers = [
        nn.Conv2d(channels, 8, 3, padding=1),
        nn.Conv2d(8, 8, 3, padding=1),
        nn.Conv2d(8, outputs, 3, padding=1),
    ]
    return nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2]).eval().requires_grad_(False)


def load(
    model: nn.Module,
    size: int = 64,
    fit: str = "crop",
    outputs: int = 1,
    channels: int = 3,
    normaliser: Normaliser | ImageStandardiser | None = None,
    **facts: Any,
) -> LoadedModel:
    """A model as `load_model` would give it."""
    cpu = torch.device("cpu")
    meaning = MaskMeaning("binary")
    if outputs > 1:
        meaning = MaskMeaning("index", tuple(f"class {k}" for k in range(outputs)), tuple(range(outputs)))
    known = {"in_channels": channels, "out_channels": outputs, "image_size": size, "resize": fit, **facts}
    return LoadedModel(
        model, known, meaning.classes, meaning, normaliser or Normaliser(), cpu, choose_precision("fp32", cpu)
    )


def noise(height: int, width: int, seed: int = 0, channels: int = 3) -> np.ndarray:
    """uint8 H×W×C."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


def on_whole(loaded: LoadedModel, image: np.ndarray) -> np.ndarray:
    """Probabilities K×H×W of the model over the image at its own size, written by hand."""
    batch = loaded.normaliser.to_float(torch.from_numpy(image)[None].permute(0, 3, 1, 2))
    with torch.no_grad():
        logits = loaded.model(batch)[0]
    return (logits.sigmoid() if len(logits) == 1 else logits.softmax(0)).numpy()

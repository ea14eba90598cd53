"""A trained model, ready to be asked, with what it says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from src.core.dataset.masks import MaskMeaning
from src.core.engine.device import Precision
from src.core.feed.geometry import Fit
from src.core.feed.normalise import ImageStandardiser, Normaliser


class PredictionError(Exception):
    """An image for which the model gave nothing that can be used; the message is a sentence with its cure."""


@dataclass(frozen=True)
class LoadedModel:
    """A network in evaluation mode on its device.

    Attributes:
        model: N×C×H×W float to logits N×K×H×W; K is 1 (the object) or the number of classes.
        facts: As the model file holds them, or as they were given for a foreign file.
        classes: Names by class number, the background included.
        meaning: Of the mask values that it was trained on.
        normaliser: From uint8 to what it takes.
        device, precision: Where and how it is computed.
        name: For people.
    """

    model: nn.Module
    facts: dict[str, Any]
    classes: tuple[str, ...]
    meaning: MaskMeaning
    normaliser: Normaliser | ImageStandardiser
    device: torch.device
    precision: Precision
    name: str = ""

    @property
    def channels(self) -> int:
        """Of its input: 3 (RGB) or 1 (grey)."""
        return int(self.facts["in_channels"])

    @property
    def out_channels(self) -> int:
        """Of its output: 1 for an object against background, else one for each class."""
        return int(self.facts["out_channels"])

    @property
    def size(self) -> int:
        """Side in pixels of the squares that it was trained with."""
        return int(self.facts["image_size"])

    @property
    def fit(self) -> Fit:
        """How images came to that size: ``stretch``, ``letterbox`` or ``crop``."""
        fit: Fit = self.facts["resize"]
        return fit

    @property
    def intensity_range(self) -> tuple[float, float] | None:
        """Values that are black and white in images of more than 8 bits."""
        found = self.facts.get("intensity_range")
        return (float(found[0]), float(found[1])) if found else None

"""From the uint8 of the loader to what the model takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class Normaliser:
    """``(image / value_range - mean) / std`` as one multiplication and one addition on the device.

    >>> grey = torch.tensor([[[[0, 255]]]], dtype=torch.uint8)
    >>> Normaliser(mean=(0.5,), std=(0.5,)).to_float(grey).flatten().tolist()
    [-1.0, 1.0]

    Attributes:
        mean, std: One number a channel, of images from 0 to 1. Images of one channel use the mean over
            three numbers.
        value_range: The value that becomes 1 before mean and deviation are applied; 255 for uint8.
    """

    def __init__(
        self,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        value_range: float = 255.0,
    ) -> None:
        if len(mean) != len(std) or not mean or min(std) <= 0 or value_range <= 0:
            raise ValueError(
                f"Normalisation needs as many means as deviations, and deviations above 0; got {mean} and "
                f"{std}."
            )
        self.mean, self.std, self.value_range = tuple(mean), tuple(std), float(value_range)
        self._rows: dict[tuple[int, int, torch.device], tuple[torch.Tensor, torch.Tensor]] = {}

    def _row(self, channels: int, width: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """Factor and offset for a row of pixels: ``W*C`` numbers, so that the innermost loop is long."""
        found = self._rows.get((channels, width, device))
        if found is None:
            mean = torch.tensor(self.mean, dtype=torch.float64)
            std = torch.tensor(self.std, dtype=torch.float64)
            if channels == 1 and len(mean) > 1:
                mean, std = mean.mean(0, keepdim=True), std.mean(0, keepdim=True)
            if channels != len(mean):
                raise ValueError(
                    f"The images have {channels} channels, the normalisation has {len(self.mean)} means: "
                    "give as many."
                )
            factor, offset = 1 / (self.value_range * std), -mean / std
            found = (
                factor.float().repeat(width).to(device),
                offset.float().repeat(width).to(device),
            )
            if len(self._rows) >= 8:
                self._rows.clear()
            self._rows[channels, width, device] = found
        return found

    def to_float(
        self,
        image: torch.Tensor,
        device: torch.device | str | None = None,
        dtype: torch.dtype = torch.float32,
        channels_last: bool = True,
    ) -> torch.Tensor:
        """Move a batch and normalise it there.

        Args:
            image: uint8 N×C×H×W in any memory layout; fastest in channels-last, as the loader makes it.
            device: None stays where it is. The copy does not wait for the device when the batch is pinned.
            dtype: Of the result; computed in float32.
            channels_last: Memory layout of the result, whose shape is N×C×H×W either way.
        """
        target = image.device if device is None else torch.device(device)
        image = image.to(target, non_blocking=True)
        n, channels, height, width = image.shape
        factor, offset = self._row(channels, width, image.device)
        rows = image.permute(0, 2, 3, 1).reshape(n, height, width * channels)
        out = rows.to(torch.float32, copy=True).mul_(factor).add_(offset).to(dtype)
        out = out.view(n, height, width, channels).permute(0, 3, 1, 2)
        return out if channels_last else out.contiguous()


class ImageStandardiser:
    """``(image - m) / (s + floor)`` with mean ``m`` and deviation ``s`` of each image and channel, on the device.

    Takes away what differs between photographs of the same thing: exposure, and the strength of the light. A network that
    starts from random weights otherwise has to learn that first. The floor keeps the noise of flat pictures small.

    Attributes:
        floor: Added to the deviation, in steps of the uint8 image.
    """

    def __init__(self, floor: float = 4.0) -> None:
        self.floor = floor

    def to_float(
        self,
        image: torch.Tensor,
        device: torch.device | str | None = None,
        dtype: torch.dtype = torch.float32,
        channels_last: bool = True,
    ) -> torch.Tensor:
        """As `Normaliser.to_float`."""
        target = image.device if device is None else torch.device(device)
        out = image.to(target, non_blocking=True).to(torch.float32)
        std, mean = torch.std_mean(out, dim=(2, 3), keepdim=True, correction=0)
        out = out.sub_(mean).div_(std.add_(self.floor)).to(dtype)
        return out.contiguous(memory_format=torch.channels_last if channels_last else torch.contiguous_format)


def normaliser_from_facts(facts: dict[str, Any]) -> Normaliser | ImageStandardiser:
    """What a model file's ``facts["normalise"]`` describes: the same numbers in use as in training.

    Raises:
        ValueError: It was written by a later version that knows another way.
    """
    if facts["by"] == "image":
        return ImageStandardiser(facts["floor"])
    if facts["by"] == "constants":
        return Normaliser(facts["mean"], facts["std"], facts["range"])
    raise ValueError(f"The normalisation “{facts['by']}” is not known to this version of Lathe: update it.")

"""Where predicted probabilities go."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor


def labels_of(probabilities: Tensor, threshold: float = 0.5) -> tuple[Tensor, Tensor]:
    """Class numbers of a band, uint8 h×w on its device, and the probability that decided, float h×w: of the object
    with one channel, else of the class that was taken.

    Args:
        probabilities: K×h×w. With one channel the object is where it lies above ``threshold``; else each pixel is
            the class with the highest, of equal ones the first.
        threshold: Does nothing with several classes.
    """
    if len(probabilities) == 1:
        return (probabilities[0] > threshold).to(torch.uint8), probabilities[0]
    # argmax over the first axis takes ten times as long on the CPU
    best, labels = probabilities[0].clone(), torch.zeros_like(probabilities[0], dtype=torch.uint8)
    for number, plane in enumerate(probabilities[1:], 1):
        labels.masked_fill_(plane > best, number)
        torch.maximum(best, plane, out=best)
    return labels, best


class Sink(Protocol):
    """Takes the prediction of one image in bands, in the thread that iterates over `Predictor.stream`.

    A sink may also have ``abandon()``: called in place of ``end`` where the image fails or the work is
    cancelled after `sink_for` made the sink, so that an unfinished file can be removed.
    """

    def band(self, top: int, probabilities: Tensor) -> None:
        """Take the next rows; they follow one another without a gap from row 0 to the last.

        Args:
            top: First row, in the image's own pixels.
            probabilities: float32 K×h×W from 0 to 1, on the device, at the image's own width. K is 1
                (probability of the object) or the number of classes, whose sum is 1.
        """
        ...

    def end(self) -> Any:
        """All rows were given; what is returned comes out of the stream."""
        ...


class ArraySink:
    """Collects a prediction in memory; ``end`` gives float32 K×H×W."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._size, self._out = size, np.zeros(0, np.float32)

    def band(self, top: int, probabilities: Tensor) -> None:
        """See `Sink.band`."""
        if not self._out.size:
            self._out = np.empty((probabilities.shape[0], *self._size), np.float32)
        self._out[:, top : top + probabilities.shape[1]] = probabilities.cpu().numpy()

    def end(self) -> np.ndarray:
        """See `Sink.end`."""
        return self._out

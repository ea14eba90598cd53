"""The loader of the public face: float batches as a model takes them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import torch

from src.core.feed.loader import FeedLoader
from src.core.feed.normalise import Normaliser


class SegmentationLoader:
    """Float batches over a `FeedLoader`; each time it is iterated gives the next epoch, with new order and
    randomness.

    A batch is a mapping of ``image`` (float32 N×C×H×W, normalised, channels-last in memory), ``mask``
    (int64 N×H×W of class numbers, 255 = ignored; binary sets have 0 and 1) and ``index`` (int64 N,
    positions in ``dataset``).

    Attributes:
        dataset: The `SegmentationDataset` of the same samples.
        feed: The loader of uint8 batches underneath, for those who normalise on the device.
        normaliser: What turns its images into floats.
        batch_size: Images in a batch.
    """

    def __init__(self, feed: FeedLoader, normaliser: Normaliser, dataset: Any) -> None:
        self.feed = feed
        self.normaliser = normaliser
        self.dataset = dataset
        self.batch_size = feed.batch_size
        self._next = 0

    def __len__(self) -> int:
        """Batches in an epoch."""
        return len(self.feed)

    def set_epoch(self, epoch: int) -> None:
        """The number of the epoch that the next iteration gives; counted from 0 and upwards by itself."""
        self._next = epoch

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        number, self._next = self._next, self._next + 1
        for batch in self.feed.epoch(number):
            for path, reason in batch["unreadable"]:
                warnings.warn(f"{path} {reason}: left out.", stacklevel=2)
            yield {
                "image": self.normaliser.to_float(batch["image"]),
                "mask": batch["mask"].long(),
                "index": batch["index"],
            }

    @property
    def quarantined(self) -> dict[str, str]:
        """Reason by path of the files that could not be used so far."""
        return self.feed.quarantined

    def close(self) -> None:
        """End the workers; safe to call twice. They also end when the loader is no longer used."""
        self.feed.close()

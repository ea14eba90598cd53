"""Loaders that give one device its part of each batch, and always as many batches to all."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import torch

from src.core.engine.task import Batch, Loader
from src.core.engine.update import part_of
from src.core.feed.loader import LoaderError
from src.core.feed.shares import Share


class ShardedLoader:
    """One device's part of the batches of a loader.

    Each batch has two keys more: ``whole``, the items of the whole batch (int64), and ``stands_in``: this device has no part of
    it, and the sample that it got takes part in the computation (the others wait for its statistics) and counts nothing.

    A loader with a method ``take(share)`` reads only its part. Of any other the whole batches are read and cut.
    """

    def __init__(self, loader: Loader, share: Share) -> None:
        self._loader, self._share = loader, share
        self._cut = not hasattr(loader, "take")
        if not self._cut:
            loader.take(share)  # type: ignore[attr-defined]
        self._kept: Batch | None = None

    def __len__(self) -> int:
        return len(self._loader)

    def __getattr__(self, name: str) -> Any:
        if name == "_loader":
            raise AttributeError(name)
        return getattr(self._loader, name)

    def epoch(self, epoch: int, start_batch: int = 0) -> Iterator[Batch]:
        """Its parts of the batches of an epoch.

        Raises:
            LoaderError: Not one sample of its first batch can be read.
        """
        batches = self._loader.epoch(epoch, start_batch)
        try:
            for batch in batches:
                yield self._never_empty(self._part(batch) if self._cut else batch)
        finally:
            if isinstance(batches, Generator):
                batches.close()

    def _part(self, batch: Batch) -> Batch:
        mine, stands_in = self._share.of(range(len(batch["index"])))
        cut = part_of(batch, mine[0], mine[-1] + 1) if len(mine) else batch
        return {**cut, "whole": torch.as_tensor(batch["index"]), "stands_in": stands_in}

    def _never_empty(self, batch: Batch) -> Batch:
        """With a sample of an earlier batch where none of its own could be read."""
        if len(batch["index"]):
            self._kept = part_of(batch, 0, 1)
            return batch
        if self._kept is None:
            raise LoaderError("None of the first samples can be read any more. Are the files still there?")
        told: Batch = {key: batch[key] for key in ("whole", "unreadable", "epoch", "number") if key in batch}
        return {**self._kept, **told, "stands_in": True}

    def close(self) -> None:
        """End workers."""
        self._loader.close()

"""Which part of a batch belongs to which of several devices: a pure function of its length. Torch-free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


def share_of(count: int, rank: int, size: int) -> slice:
    """The part of ``count`` samples that device ``rank`` of ``size`` computes: successive ones, as many for each as for any
    other (plus or minus one), and all of them together each sample once. Empty where there are fewer samples than devices.
    """
    return slice(rank * count // size, (rank + 1) * count // size)


@dataclass(frozen=True)
class Share:
    """One device's part of all batches.

    Attributes:
        rank: Its number, from 0.
        size: Number of devices.
        beside: How many of them share this machine's cores.
    """

    rank: int
    size: int
    beside: int = 1

    def of(self, batch: Sequence[T]) -> tuple[Sequence[T], bool]:
        """Its part of a batch; where it gets none, the batch's first sample and True: that one stands in, and counts nothing."""
        part = batch[share_of(len(batch), self.rank, self.size)]
        return (part, False) if len(part) else (batch[:1], True)

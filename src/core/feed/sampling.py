"""Which samples an epoch draws, and where in a large one: rare things often enough to be learnt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np


class Anchors(Protocol):
    """Known places of objects, as the description of a data set keeps them."""

    def of(self, sample_id: str) -> np.ndarray:
        """``K×3`` int32: class number, row and column of pixels that show objects; K may be 0."""
        ...


class Drawing:
    """The items of an epoch in the order in which they are drawn, each epoch as long as the data set.

    Attributes:
        count: Items of the data set.
        balance: Least share of the draws that show an object. Those items are then drawn more often, each as
            often as any other (plus or minus one), and fewer of the others, chosen anew each epoch. Does nothing
            where the share is reached, or where no item or every item has an object.
        class_balance: Share of the draws that go in equal parts to the classes: for each class items that hold
            it, each as often as any other (plus or minus one). The rest is drawn from all. Comes before
            ``balance``.
    """

    def __init__(
        self,
        count: int,
        has_object: np.ndarray | None = None,
        balance: float = 0.0,
        holding: Sequence[np.ndarray] = (),
        class_balance: float = 0.0,
    ) -> None:
        """``has_object`` is bool for each item; ``holding`` the items of each class, background left out."""
        self.count = count
        self.balance = balance
        self.class_balance = class_balance
        self._having = np.flatnonzero(has_object) if has_object is not None else np.zeros(0, np.int64)
        self._others = np.flatnonzero(~has_object) if has_object is not None else np.zeros(0, np.int64)
        self._holding = [np.asarray(members) for members in holding if len(members)]

    def order(self, rng: np.random.Generator) -> np.ndarray:
        """int64, ``count`` items; an item that is drawn again gets randomness of its own from the loader."""
        if self.class_balance > 0 and self._holding:
            return self._by_class(rng)
        wanted = int(np.ceil(self.balance * self.count - 1e-9))
        if not len(self._having) or not len(self._others) or wanted <= len(self._having):
            return rng.permutation(self.count)
        chosen = [_often(self._having, wanted, rng), rng.permutation(self._others)[: self.count - wanted]]
        return rng.permutation(np.concatenate(chosen))

    def _by_class(self, rng: np.random.Generator) -> np.ndarray:
        quota = round(self.class_balance * self.count)
        each, rest = divmod(quota, len(self._holding))
        more = set(rng.permutation(len(self._holding))[:rest].tolist())
        chosen = [_often(m, each + (k in more), rng) for k, m in enumerate(self._holding)]
        chosen.append(rng.permutation(self.count)[: self.count - quota])
        return rng.permutation(np.concatenate(chosen))


def _often(members: np.ndarray, wanted: int, rng: np.random.Generator) -> np.ndarray:
    times, rest = divmod(wanted, len(members))
    return np.concatenate([np.tile(members, times), rng.permutation(members)[:rest]])


def focus_on(
    places: np.ndarray, weights: np.ndarray, share: float, rng: np.random.Generator
) -> tuple[int, int] | None:
    """Choose the pixel about which a window is cut, or ``None`` for a window from anywhere.

    As nnU-Net does (Isensee et al., Nature Methods 18, 2021), a share of the windows is certain to show an object;
    the class is drawn first, so that a rare one beside a common one is not lost.

    Args:
        places: ``K×3``, see `Anchors.of`.
        weights: Of each class number, how often it is chosen among those present.
        share: Of the windows that are cut about an object.
        rng: Gives three numbers, whatever comes out.

    Returns:
        Row and column.
    """
    chance, which, where = rng.random(3)
    if chance >= share or not len(places):
        return None
    present = np.unique(places[:, 0])
    steps = np.cumsum(weights[present])
    if not steps[-1] > 0:
        return None
    chosen = present[min(int(np.searchsorted(steps, which * steps[-1], side="right")), len(present) - 1)]
    members = places[places[:, 0] == chosen]
    _, row, column = members[int(where * len(members))]
    return int(row), int(column)


def rarity(class_pixels: Sequence[int]) -> np.ndarray:
    """Weights by which `focus_on` chooses among classes: the inverse root of their pixels, background never.

    The root lies between choosing all alike, where a class that is nearly everywhere wastes windows, and the
    inverse, where a class of three pixels takes them all.
    """
    pixels = np.asarray(class_pixels, np.float64)
    weights = np.where(pixels > 0, 1 / np.sqrt(np.maximum(pixels, 1)), 0.0)
    weights[:1] = 0
    return weights

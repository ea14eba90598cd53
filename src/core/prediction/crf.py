"""A mask drawn to the edges of the image: a fully connected conditional random field, block by block.

Source: P. Krähenbühl, V. Koltun, "Efficient Inference in Fully Connected CRFs with Gaussian Edge Potentials" (2011). The
library is optional; `unavailable` says why it cannot be used here. Cost: K·W·(`_SIDE` + 2·margin) floats for the rows
at hand, a block of at most (`_SIDE` + 2·margin)² pixels in the library, and the decoded image.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator

import numpy as np

from src.core.prediction.options import PostprocessConfig

INSTALL = "python -m pip install pydensecrf2"
_NEEDS = "The library that moves outlines to edges (pydensecrf2)"
#: Rows and columns of the part of a block that is kept.
_SIDE = 512
#: Pixels around it that are looked at too, at most; twice the distance at which pixels see each other, if that is less.
_MOST_AROUND = 256
#: Weight of smoothness, as in the paper.
_SMOOTH = 3.0
_SMALLEST = 1e-5
Picture = Callable[[tuple[int, int, int, int]], np.ndarray]


def unavailable() -> str:
    """Why there is no dense CRF here, with what to do about it; empty where there is one."""
    if importlib.util.find_spec("pydensecrf") is not None:
        return ""
    if getattr(sys, "frozen", False):
        return (
            f"{_NEEDS} is not part of this program. Run Lathe from its source with Python 3.11 or 3.12 for it"
        )
    if sys.version_info >= (3, 13):
        return (
            f"{_NEEDS} does not compile on Python 3.13 and newer. Run Lathe with Python 3.11 or 3.12 for it"
        )
    return f"{_NEEDS} is not installed. Install with: {INSTALL} (it is compiled on the spot and needs a C++ compiler)"


class BlockwiseCrf:
    """Labels of one image from its probabilities, given and returned in rows from top to bottom.

    A block gets a margin of its neighbours' pixels, which are thrown away after; the result differs a little from that of the
    whole image at once, see ``docs/prediction.md``. A block in which one class leads everywhere is not computed:
    every message then favours that class, so nothing can change.

    Attributes:
        changed: Pixels so far whose class is another than without it.
    """

    def __init__(
        self,
        size: tuple[int, int],
        channels: int,
        config: PostprocessConfig,
        threshold: float,
        picture: Picture,
        between: Callable[[], None] = lambda: None,
    ) -> None:
        """
        Args:
            size: Height and width.
            channels: Of the probabilities: 1 (of the object) or as many as classes.
            config: Its options ``crf_*``.
            threshold: Probability at which the object begins, with one channel.
            picture: Pixels of ``(top, left, height, width)``: uint8 ``h×w×1`` or ``h×w×3``.
            between: Called before each block that is computed; may raise.
        """
        self._size, self._config, self._threshold = size, config, threshold
        self._picture, self._between = picture, between
        self._around = min(_MOST_AROUND, int(np.ceil(2 * max(config.crf_distance, config.crf_smoothness))))
        self._held = np.empty((channels, min(size[0], _SIDE + 2 * self._around), size[1]), np.float32)
        self._first = self._filled = self._next = 0
        self.changed = 0

    def add(self, probabilities: np.ndarray) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Take the next rows.

        Args:
            probabilities: ``K×h×W`` float32.

        Yields:
            What is ready: its first row, ``h×W`` uint8 class numbers, and the model's probability of the class of each
            pixel (with one channel: of the object) as float32.
        """
        at, rows = 0, probabilities.shape[1]
        while at < rows:
            taken = min(rows - at, self._held.shape[1] - self._filled)
            self._held[:, self._filled : self._filled + taken] = probabilities[:, at : at + taken]
            self._filled, at = self._filled + taken, at + taken
            yield from self._ready()

    def _ready(self) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        height = self._size[0]
        while self._next < height:
            top, bottom = self._next, min(self._next + _SIDE, height)
            if self._first + self._filled < min(height, bottom + self._around):
                return
            labels = self._strip(top, bottom)
            given = self._held[:, top - self._first : bottom - self._first]
            score = (
                given[0] if len(given) == 1 else np.take_along_axis(given, labels[None].astype(np.intp), 0)[0]
            )
            yield top, labels, score
            self._next = bottom
            gone = max(0, bottom - self._around) - self._first
            self._held[:, : self._filled - gone] = self._held[:, gone : self._filled]
            self._first, self._filled = self._first + gone, self._filled - gone

    def _strip(self, top: int, bottom: int) -> np.ndarray:
        height, width = self._size
        out = np.empty((bottom - top, width), np.uint8)
        above, below = max(0, top - self._around), min(height, bottom + self._around)
        for left in range(0, width, _SIDE):
            right = min(left + _SIDE, width)
            before, behind = max(0, left - self._around), min(width, right + self._around)
            given = self._held[:, above - self._first : below - self._first, before:behind]
            start, labels = self._block(given, (above, before, below - above, behind - before))
            inner = slice(top - above, bottom - above), slice(left - before, right - before)
            out[:, left:right] = labels[inner]
            self.changed += int(np.count_nonzero(labels[inner] != start[inner]))
        return out

    def _block(self, given: np.ndarray, region: tuple[int, int, int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Class numbers of a block without and with the CRF."""
        energy = _energy(given, self._threshold)
        start = energy.argmin(0).astype(np.uint8)
        if (start == start.flat[0]).all():
            return start, start
        self._between()
        from pydensecrf.densecrf import DenseCRF2D

        (kinds, height, width), config = energy.shape, self._config
        picture = self._picture(region)
        if picture.shape[2] == 1:
            picture = np.repeat(picture, 3, 2)
        field = DenseCRF2D(width, height, kinds)
        field.setUnaryEnergy(energy.reshape(kinds, -1))
        field.addPairwiseGaussian(sxy=config.crf_smoothness, compat=_SMOOTH)
        # Read-only pixels are refused by the library
        field.addPairwiseBilateral(sxy=config.crf_distance, srgb=config.crf_colour, compat=config.crf_strength,
                                   rgbim=np.array(picture, np.uint8, order="C"))  # fmt: skip
        shares = np.asarray(field.inference(config.crf_iterations)).reshape(energy.shape)
        return start, shares.argmax(0).astype(np.uint8)


def _energy(given: np.ndarray, threshold: float) -> np.ndarray:
    """``-log p`` of each class; of one channel so that both classes are equal at the threshold."""
    if len(given) > 1:
        return -np.log(np.clip(given, _SMALLEST, 1))
    level = float(np.clip(threshold, _SMALLEST, 1 - _SMALLEST))
    object_, other = given[0] * np.float32(1 - level), (1 - given[0]) * np.float32(level)
    both = np.stack([other, object_]) / (object_ + other)
    return -np.log(np.clip(both, _SMALLEST, 1))

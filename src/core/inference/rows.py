"""Rows of an image from top to bottom, and the windows cut from them, without ever holding a large image whole."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from src.core.feed.augment import NEUTRAL_GREY, NEUTRAL_RGB
from src.core.feed.colour import grey_plane
from src.core.feed.geometry import Array, shrink
from src.core.inference.plan import Plan
from src.core.inference.sources import Source
from src.core.inference.windows import starts

#: Rows read at a time where the source does not say.
_BAND = 512


def as_channels(image: Array, channels: int) -> Array:
    """``H×W×1`` or ``H×W×3`` (RGB) with as many channels as a model takes."""
    if image.shape[2] == channels:
        return image
    if channels == 3:
        return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None]


class Rows:
    """The rows of a source, averaged in blocks of ``k×k`` pixels, asked for from top to bottom.

    Attributes:
        size: ``(height, width)`` in blocks; pixels that fill no block, right and below, are left out.
        extent: ``(height, width)`` of the whole image in blocks, not always whole numbers.
    """

    def __init__(self, source: Source, k: int = 1) -> None:
        height, width = source.size
        self._source, self._k = source, k
        self._width = width
        self.size = height // k, width // k
        self.extent = height / k, width / k
        self._parts: list[tuple[int, Array]] = []
        self._end = 0

    def take(self, top: int, bottom: int) -> Array:
        """Rows ``top`` to ``bottom``, uint8 H×W×C; none above ``top`` can be asked for any more."""
        if self._k == 1 and not self._source.band:
            return self._source.read((top, 0, bottom - top, self._width))
        while self._end < bottom:
            self._parts.append((self._end, self._read()))
            self._end += len(self._parts[-1][1])
        self._parts = [(at, part) for at, part in self._parts if at + len(part) > top]
        wanted = [part[max(0, top - at) : bottom - at] for at, part in self._parts if at < bottom]
        return wanted[0] if len(wanted) == 1 else np.concatenate(wanted)

    def _read(self) -> Array:
        k = self._k
        count = min(-(-(self._source.band or _BAND) // k), self.size[0] - self._end)
        part = self._source.read((self._end * k, 0, count * k, self._width))
        if k == 1:
            return part
        small = shrink(part, k)[0]
        return small[..., None] if small.ndim == 2 else small


@dataclass(frozen=True)
class Statistics:
    """Mean and deviation of each channel of an image, in steps of uint8."""

    mean: Array
    deviation: Array


def statistics_of(image: Array) -> Statistics:
    """Of ``H×W×C``."""
    mean, deviation = (v[: image.shape[2], 0] for v in cv2.meanStdDev(image))
    return Statistics(mean, deviation)


class Windows:
    """The windows of one image as the model takes them, row by row of windows.

    Attributes:
        tops, lefts: First pixels of the windows on the scaled image.
        inside: ``(top, left, height, width)`` of the image in a window; smaller than the window only where the
            scaled image is: then it lies in the middle, and neutral grey around it, as in training.
    """

    def __init__(self, source: Source, plan: Plan, channels: int) -> None:
        self._source, self._plan, self._channels = source, plan, channels
        (height, width), (high, wide) = plan.scaled, plan.canvas
        self.tops = starts(height, high, plan.overlap[0])
        self.lefts = starts(width, wide, plan.overlap[1])
        held = min(height, high), min(width, wide)
        self.inside = (high - held[0]) // 2, (wide - held[1]) // 2, *held
        factor = min(plan.size[0] / height, plan.size[1] / width)
        self._k = max(1, min(int(factor + 1e-6), *plan.size))
        self._rows = Rows(source, self._k)
        self._fill: tuple[float, ...] | None = None

    def cut(self, number: int) -> Array:
        """One row of windows, uint8 N×H×W×C. Rows of windows are asked for in order.

        Raises:
            UnreadableImageError: the image cannot be read there.
        """
        (height, width), (high, wide) = self._plan.scaled, self._plan.canvas
        top, left, rows, columns = self.inside
        out = np.empty((len(self.lefts), high, wide, self._channels), np.uint8)
        start = self.tops[number]
        resampled = self._rows.extent != (height, width)
        ratio = self._rows.extent[0] / height
        first, last = (start, start + rows)
        if resampled:
            first, last = _reach(start, rows, ratio, self._rows.size[0])
        band = self._rows.take(first, last)
        for window, at in zip(out, self.lefts, strict=True):
            if resampled:
                part = self._sample(band, first, start, at)
            else:
                part = band[:, at : at + columns]
            if (rows, columns) != (high, wide):
                window[:] = self._neutral(part)
            window[top : top + rows, left : left + columns] = as_channels(part, self._channels)
        return out

    def _sample(self, band: Array, first: int, start: int, at: int) -> Array:
        """A window of the scaled image, by bilinear interpolation at places that all windows share."""
        _, _, rows, columns = self.inside
        down, across = (e / s for e, s in zip(self._rows.extent, self._plan.scaled, strict=True))
        left, right = _reach(at, columns, across, self._rows.size[1])
        to_index = np.array(
            [
                [across, 0.0, across * (at + 0.5) - 0.5 - left],
                [0.0, down, down * (start + 0.5) - 0.5 - first],
            ]
        )
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        part = np.ascontiguousarray(band[:, left:right])
        found = cv2.warpAffine(part, to_index, (columns, rows), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        return found[..., None] if found.ndim == 2 else found

    def _neutral(self, part: Array) -> tuple[float, ...]:
        """The colour around an image, the same for all its windows."""
        if self._fill is None:
            colourless = (
                self._channels == 1
                or part.shape[2] == 1
                or grey_plane(np.ascontiguousarray(part)) is not None
            )
            self._fill = NEUTRAL_GREY * self._channels if colourless else NEUTRAL_RGB
        return self._fill

    def statistics(self) -> Statistics:
        """Of the whole image with the neutral grey around it, read in bands; asked for before the windows are cut."""
        rows = Rows(self._source, self._k)
        height = rows.size[0]
        unit = max(_BAND, -(-self._source.band // self._k))
        first, second = np.zeros(self._channels), np.zeros(self._channels)
        for top in range(0, height, unit):
            band = as_channels(rows.take(top, min(top + unit, height)), self._channels)
            found, share = statistics_of(band), len(band) / height
            first += share * found.mean
            second += share * (found.deviation**2 + found.mean**2)
            if top == 0:
                self._neutral(band[:, : self._plan.canvas[1]])
        areas = [max(s, c) for s, c in zip(self._plan.scaled, self._plan.canvas, strict=True)]
        kept = self._plan.scaled[0] * self._plan.scaled[1] / (areas[0] * areas[1])
        fill = np.array(self._fill)
        first, second = kept * first + (1 - kept) * fill, kept * second + (1 - kept) * fill**2
        return Statistics(first, np.sqrt(np.maximum(second - first**2, 0)))


def _reach(start: int, count: int, ratio: float, length: int) -> tuple[int, int]:
    """The pixels of an axis that interpolation needs for ``count`` pixels of the scaled one."""
    low = math.floor((start + 0.5) * ratio - 0.5)
    high = math.floor((start + count - 0.5) * ratio - 0.5) + 2
    low = min(max(low, 0), length - 1)
    return low, min(max(high, low + 1), length)

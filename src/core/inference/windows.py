"""Where the windows of a sliding window lie, and how much each counts at each of its pixels."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def starts(length: int, window: int, overlap: int) -> list[int]:
    """First pixels of the windows that cover an axis; the last one is moved inside, none reaches over the end.

    An axis that is shorter than the window has one, at 0.

    >>> starts(100, 40, 10)
    [0, 30, 60]
    >>> starts(101, 40, 10)
    [0, 30, 60, 61]
    """
    if length <= window:
        return [0]
    last = length - window
    return [*range(0, last, window - overlap), last]


def weights(length: int, window: int, overlap: int) -> Array:
    """How much each window counts at each of its pixels along an axis.

    Where windows overlap, a window's outer quarter of the overlap does not count: there a network sees the
    least around a pixel. Over the middle half the weight rises by ``6t⁵ - 15t⁴ + 10t³`` (Perlin, "Improving
    noise", SIGGRAPH 2002), whose slope and curvature are 0 at both ends: no edge of a window can be seen. At
    each pixel the weights of all windows add up to 1, so in two dimensions the products do.

    Returns:
        float32 windows × pixels; as many pixels as the window has, or the axis where that is shorter.
    """
    places = starts(length, window, overlap)
    span = min(length, window)
    found = np.ones((len(places), span), np.float64)
    margin = overlap // 4
    rising = overlap - 2 * margin
    t = (np.arange(rising) + 0.5) / max(rising, 1)
    ramp = np.concatenate([np.zeros(margin), t**3 * (t * (6 * t - 15) + 10), np.ones(margin)])
    for number, row in enumerate(found):
        if number > 0:
            row[:overlap] *= ramp
        if number < len(places) - 1:
            row[span - overlap :] *= ramp[::-1]
    total = np.zeros(length)
    for place, row in zip(places, found, strict=True):
        total[place : place + span] += row
    for place, row in zip(places, found, strict=True):
        row /= total[place : place + span]
    return found.astype(np.float32)

"""What a plot of an evaluation shows, as plain data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Line:
    """A curve.

    Attributes:
        name: In the legend; empty for a line that only guides the eye.
        role: Of its colour.
        x, y: Points; nan leaves a gap.
        style: ``solid``, ``dash``, ``dot``: so that curves are told apart without colours too.
        dots: Points are drawn.
    """

    name: str
    role: str
    x: Array
    y: Array
    style: str = "solid"
    dots: bool = False


@dataclass(frozen=True)
class Bars:
    """A share for each of some names, with intervals; nan where there is none."""

    names: tuple[str, ...]
    heights: Array
    low: Array
    high: Array


@dataclass(frozen=True)
class Graph:
    """What a plot shows.

    Attributes:
        title, x_label, y_label: With units.
        describe: The values at a point in words.
        lines, bars: Either.
        note: Said while no point is looked at.
        along: Points are found by their x alone (True) or by both coordinates.
        places: Points that can be looked at.
    """

    title: str
    x_label: str
    y_label: str
    describe: Callable[[int], str]
    places: int
    lines: tuple[Line, ...] = ()
    bars: Bars | None = None
    note: str = ""
    along: bool = True
    x_range: tuple[float, float] = (0.0, 1.0)
    y_range: tuple[float, float] = (0.0, 1.0)
    guides: tuple[Line, ...] = ()

"""Outlines from annotation files: what can be drawn of them, and what is wrong with the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from src.core.dataset.formats.shapes import Shape

#: Coordinates beyond this are damage, not drawings.
_FAR = 1e8


def polygons(parts: Sequence[Any], value: int) -> tuple[str, Shape | None]:
    """A shape of lists of points, flat (``[x, y, x, y, …]``) or paired.

    Returns:
        The kind of the first problem (see ``remarks``), also where other parts can be used; and the shape of the
        parts that can be used, if there are any.
    """
    problem, kept = "", []
    for part in parts:
        try:
            points = np.asarray(part, dtype=np.float64).reshape(-1, 2)
        except (TypeError, ValueError, OverflowError):
            problem = problem or "broken"
            continue
        if not (np.abs(points) <= _FAR).all():  # also what is no number
            problem = problem or "broken"
        elif len(points) < 3:
            problem = problem or "few_points"
        elif _on_one_line(points):
            problem = problem or "zero_area"
        else:
            kept.append(points)
    return problem, Shape(value, tuple(kept)) if kept else None


def beyond(parts: Sequence[np.ndarray], size: tuple[int, int]) -> str:
    """``outside`` or ``partly_outside`` for outlines that leave an image by more than a pixel, else empty."""
    low, high = np.min([p.min(axis=0) for p in parts], axis=0), np.max([p.max(axis=0) for p in parts], axis=0)
    if (high <= 0).any() or (low >= size).any():
        return "outside"
    return "partly_outside" if (low < -1).any() or (high > np.add(size, 1)).any() else ""


def ellipse(cx: float, cy: float, rx: float, ry: float) -> np.ndarray:
    """An ellipse as a polygon that is nowhere farther from it than a hundredth of a pixel (at least 32 points)."""
    radius = max(abs(rx), abs(ry), 1e-9)
    count = int(np.clip(np.ceil(np.pi / np.arccos(max(1 - 0.01 / radius, -1.0))), 32, 4096))
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.column_stack([cx + rx * np.cos(angle), cy + ry * np.sin(angle)])


def rectangle(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    """The four corners of a box."""
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], dtype=np.float64)


def _on_one_line(points: np.ndarray) -> bool:
    away = points - points[0]
    far = away[np.argmax(np.abs(away).sum(axis=1))]
    cross = away[:, 0] * far[1] - away[:, 1] * far[0]
    return bool(np.abs(cross).max() <= 1e-9 * max(1.0, float(np.abs(far).max()) ** 2))

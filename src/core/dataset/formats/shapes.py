"""Drawn things and how several of them become one mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from src.core.dataset.formats import rle
from src.core.dataset.formats.rasterise import fill_polygon, polygon_area
from src.core.dataset.masks import IGNORE_INDEX

#: What lies on top where shapes of different classes overlap.
Merge = Literal["area", "later", "earlier"]
MERGE_WORDS: dict[Merge, str] = {
    "area": "the smaller object lies on top of the larger one, ignored regions below all objects",
    "later": "what is written later lies on top of what is written before",
    "earlier": "what is written first stays on top of what is written after it",
}


@dataclass(frozen=True, eq=False)
class Shape:
    """One drawn thing; exactly one of the three ways to give its pixels is used.

    Attributes:
        value: Its class number, or ``IGNORE_INDEX``.
        polygons: Outlines, ``N×2`` each; together they are one thing (their union).
        runs: Run lengths for the whole image, see ``rle``.
        bitmap: ``h×w`` bool at ``corner`` (column, row); may reach beyond the image.
    """

    value: int
    polygons: tuple[np.ndarray, ...] = ()
    runs: np.ndarray | None = None
    bitmap: np.ndarray | None = None
    corner: tuple[int, int] = (0, 0)

    @property
    def area(self) -> float:
        """Square pixels, before anything is cut off."""
        if self.runs is not None:
            return float(rle.area(self.runs))
        if self.bitmap is not None:
            return float(np.count_nonzero(self.bitmap))
        return sum(polygon_area(p) for p in self.polygons)

    def pieces(self, width: int, height: int) -> list[tuple[np.ndarray, int, int]]:
        """The covered pixels inside an image: bool arrays, each with its column and row.

        Raises:
            ValueError: run lengths that do not fill the image.
        """
        if self.runs is not None:
            found = [rle.decode(self.runs, width, height)]
        elif self.bitmap is not None:
            found = [_cut(self.bitmap, *self.corner, width, height)]
        else:
            found = [fill_polygon(p, width, height) for p in self.polygons]
        return [piece for piece in found if piece[0].size]


@dataclass
class Painted:
    """A mask made of shapes.

    Attributes:
        mask: ``H×W`` uint8, class numbers and ``IGNORE_INDEX``.
        overlap: Pixels that shapes of different classes claim.
        empty: Shapes that cover no pixel.
        broken: Shapes whose pixels cannot be made out, with the reason.
    """

    mask: np.ndarray
    overlap: int = 0
    empty: int = 0
    broken: tuple[str, ...] = ()


def paint(shapes: Sequence[Shape], width: int, height: int, merge: Merge) -> Painted:
    """Draw shapes into one mask of class numbers; 0 where there is none.

    Ignored regions count as a class of their own for ``later`` and ``earlier``; for ``area`` they lie below all.
    """
    order = list(shapes)
    if merge == "area":
        order.sort(
            key=lambda s: (s.value != IGNORE_INDEX, -s.area)
        )  # stable: of equals the later one is on top
    elif merge == "earlier":
        order.reverse()
    mask = np.zeros((height, width), np.uint8)
    claimed: np.ndarray | None = None
    empty, broken = 0, []
    for shape in order:
        try:
            pieces = shape.pieces(width, height)
        except ValueError as error:
            broken.append(str(error))
            continue
        empty += not any(piece.any() for piece, _, _ in pieces)
        for piece, left, top in pieces:
            view = mask[top : top + piece.shape[0], left : left + piece.shape[1]]
            others = piece & (view != 0) & (view != shape.value) & (view != IGNORE_INDEX)
            if others.any():
                if claimed is None:
                    claimed = np.zeros((height, width), bool)
                claimed[top : top + piece.shape[0], left : left + piece.shape[1]] |= others
            view[piece] = shape.value
    return Painted(mask, 0 if claimed is None else int(np.count_nonzero(claimed)), empty, tuple(broken))


def _cut(bitmap: np.ndarray, left: int, top: int, width: int, height: int) -> tuple[np.ndarray, int, int]:
    right, bottom = min(left + bitmap.shape[1], width), min(top + bitmap.shape[0], height)
    x, y = max(left, 0), max(top, 0)
    if right <= x or bottom <= y:
        return np.zeros((0, 0), bool), 0, 0
    return bitmap[y - top : bottom - top, x - left : right - left], x, y

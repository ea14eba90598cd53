"""Which pixels a polygon covers: the convention of pycocotools, bit for bit, in numpy.

The corner of the image is (0, 0) and the first pixel reaches to (1, 1). Coordinates are rounded to a fifth of a
pixel, edges run on that finer grid as Bresenham's lines do, and a pixel is inside when its centre is, by the even-odd
rule; what leaves the image is cut off. So outlines along the edges of pixels give back exactly these pixels, and an
edge that is walked to and fro, as bridges to holes are, changes nothing. OpenCV's ``fillPoly`` and Pillow's
``ImageDraw`` also colour the pixels under the outline: their shapes are up to half a pixel fatter on each side.

Source: ``rleFrPoly`` in maskApi.c of the COCO API (P. Dollár, T.-Y. Lin, 2014), whose results this repeats.
"""

from __future__ import annotations

import numpy as np

_GRID = 5.0
#: Far outside every image; keeps the arithmetic exact for absurd coordinates.
_FAR = 1e8


def fill_polygon(points: np.ndarray, width: int, height: int) -> tuple[np.ndarray, int, int]:
    """The pixels of one closed polygon.

    Args:
        points: ``N×2`` x and y in pixels, finite; the last point is joined to the first.
        width, height: Of the image.

    Returns:
        ``h×w`` bool, and the column and row of the image at which it lies; 0×0 where no pixel is covered.
    """
    columns, rows = _crossings(np.asarray(points, dtype=np.float64), width, height)
    if columns.size == 0:
        return np.zeros((0, 0), bool), 0, 0
    left, top = int(columns.min()), int(rows.min())
    wide, high = int(columns.max()) - left + 1, int(rows.max()) - top
    if high == 0:
        return np.zeros((0, 0), bool), 0, 0
    # Each crossing turns the pixels below it over. A column is crossed an even number of times, so what is
    # turned at its lower end goes on at the top of the next one and cancels there.
    turns = np.bincount((columns - left) * high + (rows - top), minlength=wide * high + 1)[:-1]
    inside = np.bitwise_xor.accumulate((turns & 1).astype(np.uint8))
    return inside.reshape(wide, high).T.astype(bool), left, top


def _crossings(points: np.ndarray, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the outline crosses the middle of a pixel column: the column, and the first row below the crossing."""
    grid = np.trunc(_GRID * np.clip(points, -_FAR, _FAR) + 0.5)
    x0, y0 = grid[:, 0], grid[:, 1]
    x1, y1 = np.roll(x0, -1), np.roll(y0, -1)
    dx, dy = np.abs(x1 - x0), np.abs(y1 - y0)
    low, high = np.minimum(x0, x1), np.maximum(x0, x1)
    # Column x is crossed between the fine columns 5x+2 and 5x+3.
    first = np.maximum(np.ceil((low - 2) / _GRID), 0)
    last = np.minimum(np.floor((high - 3) / _GRID), width - 1)
    many = np.maximum(last - first + 1, 0).astype(np.int64)
    edge = np.repeat(np.arange(len(grid)), many)
    if edge.size == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    column = first[edge] + (np.arange(edge.size) - np.repeat(np.cumsum(many) - many, many))
    fine = _GRID * column + 2
    flat = dx >= dy
    swap = np.where(flat, x0 > x1, y0 > y1)
    xs, xe, ys, ye = (
        np.where(swap, x1, x0),
        np.where(swap, x0, x1),
        np.where(swap, y1, y0),
        np.where(swap, y0, y1),
    )
    row = np.empty(edge.size)
    of_flat = flat[edge]
    for chosen, find in ((of_flat, _row_flat), (~of_flat, _row_steep)):
        if chosen.any():
            e = edge[chosen]
            row[chosen] = find(fine[chosen], xs[e], xe[e], ys[e], ye[e])
    row = np.ceil(np.clip((row + 0.5) / _GRID - 0.5, 0, height))
    return column.astype(np.int64), row.astype(np.int64)


def _row_flat(fine: np.ndarray, xs: np.ndarray, xe: np.ndarray, ys: np.ndarray, ye: np.ndarray) -> np.ndarray:
    """The upper one of the two fine rows between which a flat edge crosses; one step in x a point."""
    slope, step = (ye - ys) / (xe - xs), fine - xs
    before = np.trunc(ys + slope * step + 0.5)
    return np.asarray(np.minimum(before, np.trunc(ys + slope * (step + 1) + 0.5)))


def _row_steep(
    fine: np.ndarray, xs: np.ndarray, xe: np.ndarray, ys: np.ndarray, ye: np.ndarray
) -> np.ndarray:
    """As ``_row_flat`` where one step in y is a point: the last point before the edge changes sides."""
    slope = (xe - xs) / (ye - ys)

    def beyond(step: np.ndarray) -> np.ndarray:
        column = np.trunc(xs + slope * step + 0.5)
        return np.where(slope > 0, column > fine, column <= fine)

    step = np.ceil((fine + 0.5 - xs) / slope)
    for _ in range(2):  # the division is off by one where it falls on a rounding limit
        step = np.where(beyond(step), step, step + 1)
    for _ in range(3):
        step = np.where(beyond(step - 1), step - 1, step)
    return np.asarray(ys + step - 1)


def polygon_area(points: np.ndarray) -> float:
    """Area by the shoelace formula, in square pixels."""
    p = np.asarray(points, dtype=np.float64)
    x, y = p[:, 0] - p[0, 0], p[:, 1] - p[0, 1]
    return abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2

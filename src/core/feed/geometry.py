"""Where each pixel of the model's input comes from: resize, letterbox, windows, turns and affine changes.

Everything geometric is composed into one matrix from output to source and the source is sampled once.
Where no affine change was drawn no matrix is needed at all: a resize (or nothing) and exact turns.
Coordinates are continuous: pixel ``i`` covers ``[i, i + 1)``, so that images and masks of different
resolution stay aligned to the sub-pixel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from src.core.dataset.files.large_tiff import Region

Fit = Literal["stretch", "letterbox", "crop"]
FITS: tuple[Fit, ...] = ("stretch", "letterbox", "crop")
Array = np.ndarray
#: ``(a, b, c, d, e, f)``: x becomes a·x + b·y + c and y becomes d·x + e·y + f.
Map = tuple[float, float, float, float, float, float]

_ROTATIONS = (cv2.ROTATE_90_COUNTERCLOCKWISE, cv2.ROTATE_180, cv2.ROTATE_90_CLOCKWISE)


@dataclass(frozen=True)
class Affine:
    """A change about the centre of the canvas.

    Attributes:
        angle: Degrees, counter-clockwise.
        scale: Above 1 enlarges what is seen.
        shift_x, shift_y: Of the canvas's width and height; positive moves the content right and down.
    """

    angle: float = 0.0
    scale: float = 1.0
    shift_x: float = 0.0
    shift_y: float = 0.0


@dataclass(frozen=True)
class Placement:
    """The rectangle of the canvas that the whole source fills; it may lie partly outside for windows.

    Attributes:
        top, left, height, width: In pixels of the canvas.
        canvas: ``(height, width)`` of the canvas before quarter turns.
    """

    top: int
    left: int
    height: int
    width: int
    canvas: tuple[int, int]

    @property
    def padded(self) -> bool:
        """Some of the canvas lies outside the source."""
        return (
            self.top > 0
            or self.left > 0
            or self.top + self.height < self.canvas[0]
            or self.left + self.width < self.canvas[1]
        )


@dataclass(frozen=True)
class View:
    """Everything geometric that is drawn for one image; the turn comes first, then flips, then the affine
    change.

    Attributes:
        turns: Quarter turns, counter-clockwise, 0 to 3.
        flip_x, flip_y: Mirror left-right, up-down.
        affine: None resamples no more than the fit needs.
    """

    turns: int = 0
    flip_x: bool = False
    flip_y: bool = False
    affine: Affine | None = None


def place(
    source: tuple[int, int], canvas: tuple[int, int], fit: Fit, window: tuple[int, int] = (0, 0)
) -> Placement:
    """Where a source of ``(height, width)`` stands on a canvas of ``(height, width)``.

    ``window`` is the upper left corner of the part that is cut out, in pixels of the source; it matters
    for ``crop`` only, and only along an axis on which the source is larger than the canvas (a smaller
    source is centred).
    """
    height, width = source
    if fit == "stretch":
        return Placement(0, 0, canvas[0], canvas[1], canvas)
    if fit == "letterbox":
        ratio = min(canvas[0] / height, canvas[1] / width)
        h = min(canvas[0], max(1, round(height * ratio)))
        w = min(canvas[1], max(1, round(width * ratio)))
        return Placement((canvas[0] - h) // 2, (canvas[1] - w) // 2, h, w, canvas)
    top, left = (
        -min(max(at, 0), have - want) if have > want else (want - have) // 2
        for at, have, want in zip(window, source, canvas, strict=True)
    )
    return Placement(top, left, height, width, canvas)


def tiles(source: tuple[int, int], size: tuple[int, int]) -> list[tuple[int, int]]:
    """Upper left corners of the windows that cover a source, row by row.

    Along each axis there are ``ceil(source / size)`` windows side by side from 0; the last one is moved
    back so that it ends at the edge, and so overlaps the one before it: see `overlap`.
    """

    def starts(have: int, want: int) -> list[int]:
        if have <= want:
            return [0]
        return [min(k * want, have - want) for k in range(math.ceil(have / want))]

    return [(top, left) for top in starts(source[0], size[0]) for left in starts(source[1], size[1])]


def overlap(window: tuple[int, int], source: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns at the start of a window of `tiles` that an earlier window has shown already."""

    def seen(at: int, have: int, want: int) -> int:
        return 0 if have <= want else (-at) % want

    return seen(window[0], source[0], size[0]), seen(window[1], source[1], size[1])


def matrix(placement: Placement, view: View, size: tuple[int, int]) -> Map:
    """From continuous output ``(x, y)`` to ``(x, y)`` on a source of 1 by 1.

    Written out in numbers: as products of arrays it took longer than decoding a small mask.
    """
    height, width = size
    inner_h, inner_w = placement.canvas
    a, b, c, d, e, f = 1.0, 0.0, 0.0, 0.0, 1.0, 0.0
    if view.affine is not None:
        change = view.affine
        cos = math.cos(math.radians(change.angle)) / change.scale
        sin = math.sin(math.radians(change.angle)) / change.scale
        x, y = width / 2, height / 2
        to_x, to_y = x + change.shift_x * width, y + change.shift_y * height
        # y points down, so that counter-clockwise on the screen is this sign of the sine
        a, b, c = cos, -sin, x - cos * to_x + sin * to_y
        d, e, f = sin, cos, y - sin * to_x - cos * to_y
    if view.flip_x:
        a, b, c = -a, -b, width - c
    if view.flip_y:
        d, e, f = -d, -e, height - f
    if view.turns == 1:
        a, b, c, d, e, f = -d, -e, inner_w - f, a, b, c
    elif view.turns == 2:
        a, b, c, d, e, f = -a, -b, inner_w - c, -d, -e, inner_h - f
    elif view.turns == 3:
        a, b, c, d, e, f = d, e, f, -a, -b, inner_h - c
    w, h = placement.width, placement.height
    return a / w, b / w, (c - placement.left) / w, d / h, e / h, (f - placement.top) / h


def needed(outline: tuple[int, int], size: tuple[int, int], view: View, window: tuple[int, int]) -> Region:
    """The part of a source of ``(height, width)`` that a ``crop`` shows; `render` needs no other pixel.

    Where the canvas reaches over an edge, the part holds as much inside of that edge, since it is reflected.
    """
    inner = (size[1], size[0]) if view.turns % 2 else size
    a, b, c, d, e, f = matrix(place(outline, inner, "crop", window), view, size)
    corners = [(x, y) for x in (0, size[1]) for y in (0, size[0])]
    top, height = _interval([(d * x + e * y + f) * outline[0] for x, y in corners], outline[0])
    left, width = _interval([(a * x + b * y + c) * outline[1] for x, y in corners], outline[1])
    return top, left, height, width


def _interval(values: list[float], length: int) -> tuple[int, int]:
    """Start and length of the pixels that the values reach, with one pixel for interpolation on either side."""
    low, high = math.floor(min(values)) - 2, math.ceil(max(values)) + 2
    reach = max(-low, high - length)
    start = 0 if low < 0 else min(low, length - 1)
    end = length if high > length else max(high, 1)
    if low < 0:
        end = max(end, min(length, reach + 2))
    if high > length:
        start = min(start, max(0, length - reach - 2))
    return start, end - start


def shrink(image: Array, factor: float) -> tuple[Array, tuple[float, float]]:
    """Average ``k×k`` blocks of an image, ``k = floor(factor)``, so that sampling it does not alias.

    Whole blocks are by far the fastest form of area averaging. Pixels at the right and lower edge that make
    no whole block are left out, which the extent accounts for.

    Returns:
        The smaller image, and ``(height, width)`` of the source in its pixels, not always whole numbers.
    """
    k = int(factor + 1e-6)
    height, width = image.shape[:2]
    if k < 2:
        return image, (height, width)
    rows, columns = height // k, width // k
    small = cv2.resize(image[: rows * k, : columns * k], (columns, rows), interpolation=cv2.INTER_AREA)
    return small, (height / k, width / k)


def _warp(
    source: Array,
    unit: Map,
    size: tuple[int, int],
    pad: tuple[float, ...] | None,
    flags: int,
    extent: tuple[float, float],
    at: tuple[int, int],
) -> Array:
    height, width = extent
    a, b, c, d, e, f = unit
    # by half a pixel to and from the indices of OpenCV, whose pixel centres lie at whole numbers
    to_index = np.array(
        [
            [width * a, width * b, width * ((a + b) / 2 + c) - 0.5 - at[1]],
            [height * d, height * e, height * ((d + e) / 2 + f) - 0.5 - at[0]],
        ]
    )
    # reflects about the outer edge of the pixels, which is the same place at every resolution
    border = cv2.BORDER_REFLECT if pad is None else cv2.BORDER_CONSTANT
    return cv2.warpAffine(
        source,
        to_index,
        (size[1], size[0]),
        flags=flags | cv2.WARP_INVERSE_MAP,
        borderMode=border,
        borderValue=pad if pad is not None else 0,
    )


def _exact(
    source: Array,
    placement: Placement,
    view: View,
    pad: tuple[float, ...],
    flags: int,
    at: tuple[int, int] | None,
) -> Array:
    if at is None and source.shape[:2] != (placement.height, placement.width):
        source = cv2.resize(source, (placement.width, placement.height), interpolation=flags)
    canvas_h, canvas_w = placement.canvas
    top, left = max(0, placement.top), max(0, placement.left)
    y, x = max(0, -placement.top), max(0, -placement.left)
    rows, columns = min(placement.height - y, canvas_h - top), min(placement.width - x, canvas_w - left)
    y, x = (y - at[0], x - at[1]) if at else (y, x)
    out = source[y : y + rows, x : x + columns]
    if placement.padded:
        bottom, right = canvas_h - top - rows, canvas_w - left - columns
        out = cv2.copyMakeBorder(out, top, bottom, left, right, cv2.BORDER_CONSTANT, value=pad)
    if view.turns:
        out = cv2.rotate(out, _ROTATIONS[view.turns - 1])
    if view.flip_x or view.flip_y:
        out = cv2.flip(out, -1 if view.flip_x and view.flip_y else int(view.flip_x))
    return out


def render(
    image: Array,
    mask: Array | None,
    size: tuple[int, int],
    fit: Fit,
    view: View,
    fill: tuple[float, ...],
    mask_fill: float,
    window: tuple[int, int] = (0, 0),
    region: tuple[Region, tuple[int, int]] | None = None,
) -> tuple[Array, Array | None]:
    """Show a source on a canvas of ``size``.

    Args:
        image: uint8 H×W or H×W×3. It may have a lower resolution than the mask (a JPEG that was decoded
            reduced), except for ``crop``. Never written to.
        mask: H×W of a type that OpenCV can warp; sampled by nearest neighbour, always.
        fill, mask_fill: Values of padding. Where the fit leaves bars, all that lies outside the source is
            padding, also what a rotation brings in; where it does not, rotation brings in the reflected
            image and the reflected mask.
        window: Upper left corner of a ``crop``.
        region: For ``crop``: image and mask are only this part, which holds what is `needed`, of a source of
            this ``(height, width)``.
    """
    inner = (size[1], size[0]) if view.turns % 2 else size
    if view.turns % 2 and fit == "stretch" and size[0] != size[1]:
        raise ValueError(
            "A quarter turn of a stretched image needs a square size; "
            f"{size[0]}×{size[1]} is not square. Turn by 180 degrees, or choose letterbox or crop."
        )
    at: tuple[int, int] | None = None
    if region is not None:
        (top, left, _, _), (height, width) = region
        outline, at = (height, width), (top, left)
    else:
        height, width = image.shape[:2]
        outline = (mask.shape[0], mask.shape[1]) if mask is not None else (height, width)
    placement = place(outline, inner, fit, window)
    extent: tuple[float, float] = (height, width)
    if fit != "crop":
        factor = min(height / placement.height, width / placement.width)
        image, extent = shrink(image, factor / (view.affine.scale if view.affine else 1.0))
    pad = fill if placement.padded else None
    unit = matrix(placement, view, size)
    if view.affine is None and (at is not None or extent == image.shape[:2]):
        image = _exact(image, placement, view, fill, cv2.INTER_LINEAR, at)
    else:
        image = _warp(image, unit, size, pad, cv2.INTER_LINEAR, extent, at or (0, 0))
    if mask is None:
        return image, None
    if view.affine is None:
        return image, _exact(mask, placement, view, (mask_fill,), cv2.INTER_NEAREST_EXACT, at)
    pad = (mask_fill,) if placement.padded else None
    return image, _warp(mask, unit, size, pad, cv2.INTER_NEAREST, outline, at or (0, 0))

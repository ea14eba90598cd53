"""Polygons, run lengths and outlines: the pixels that they stand for, and that none is lost on the way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from src.core.dataset.export.outline import objects, outline
from src.core.dataset.formats import rle
from src.core.dataset.formats.rasterise import fill_polygon, polygon_area
from src.core.dataset.formats.shapes import Shape, paint
from src.core.dataset.masks import IGNORE_INDEX

SIDES = st.integers(1, 14)
MASKS = st.tuples(SIDES, SIDES).flatmap(lambda size: arrays(np.bool_, size, elements=st.booleans()))


def placed(piece: np.ndarray, left: int, top: int, shape: tuple[int, int]) -> np.ndarray:
    whole = np.zeros(shape, bool)
    whole[top : top + piece.shape[0], left : left + piece.shape[1]] = piece
    return whole


def drawn(points: object, width: int, height: int) -> np.ndarray:
    return placed(*fill_polygon(np.array(points, float), width, height), (height, width))


def test_a_pixel_is_inside_when_its_centre_is() -> None:
    assert drawn([(1, 1), (3, 1), (3, 2), (1, 2)], 5, 4).sum() == 2
    assert drawn([(0.6, 0.6), (1.4, 0.6), (1.4, 1.4), (0.6, 1.4)], 4, 4).sum() == 0, "between four centres"
    assert drawn([(0.4, 0.4), (1.6, 0.4), (1.6, 1.6), (0.4, 1.6)], 4, 4).sum() == 4


def test_polygons_are_cut_off_at_the_image_whatever_their_size() -> None:
    assert drawn([(-1e12, -1e12), (1e12, -1e12), (1e12, 1e12), (-1e12, 1e12)], 7, 5).all()
    assert not drawn([(10, 10), (20, 10), (20, 20)], 7, 5).any()
    assert drawn([(-5, 1), (3, 1), (3, 3), (-5, 3)], 7, 5)[:, :4].sum() == 6


def test_even_odd_makes_holes_where_an_outline_crosses_itself() -> None:
    ring = [(0, 0), (6, 0), (6, 6), (0, 6), (0, 0), (2, 2), (4, 2), (4, 4), (2, 4), (2, 2)]
    assert drawn(ring, 6, 6).sum() == 36 - 4
    assert polygon_area(np.array([(0, 0), (6, 0), (6, 6), (0, 6)])) == 36


@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.lists(st.tuples(*[st.floats(-20, 60, width=32)] * 2), min_size=3, max_size=9),
)
@settings(max_examples=150, deadline=None)
def test_polygons_have_the_very_pixels_of_pycocotools(
    width: int, height: int, points: list[tuple[float, float]]
) -> None:
    coco_masks = pytest.importorskip("pycocotools.mask", reason="pycocotools is not installed")
    flat = [float(v) for point in points for v in point]
    theirs = coco_masks.decode(coco_masks.frPyObjects([flat], height, width))[..., 0].astype(bool)
    assert (drawn(points, width, height) == theirs).all()


def brute(points: list[tuple[float, float]], width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Even-odd at the centres, and which centres are far enough from the outline for any rounding."""
    y, x = np.mgrid[:height, :width] + 0.5
    inside, far = np.zeros((height, width), bool), np.full((height, width), np.inf)
    for (ax, ay), (bx, by) in zip(points, [*points[1:], points[0]], strict=True):
        crosses = (ay > y) != (by > y)
        with np.errstate(all="ignore"):
            inside ^= crosses & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
            length = (bx - ax) ** 2 + (by - ay) ** 2
            t = np.clip(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length, 0, 1) if length else 0.0 * x
        far = np.minimum(far, np.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay)))
    return inside, far


@given(SIDES, SIDES, st.lists(st.tuples(*[st.floats(-5, 20, width=32)] * 2), min_size=3, max_size=7))
@settings(max_examples=150, deadline=None)
def test_polygons_agree_with_the_definition_but_for_centres_at_the_outline(
    width: int, height: int, points: list[tuple[float, float]]
) -> None:
    expected, far = brute(points, width, height)
    differ = drawn(points, width, height) != expected
    assert not (differ & (far > 0.35)).any()


@given(MASKS)
@settings(max_examples=200, deadline=None)
def test_run_lengths_keep_every_pixel(mask: np.ndarray) -> None:
    height, width = mask.shape
    counts = rle.encode(mask, 0, 0, width, height)
    assert counts.sum() == mask.size and (rle.unpack(rle.pack(counts)) == counts).all()
    assert (placed(*rle.decode(counts, width, height), mask.shape) == mask).all()
    bordered = rle.encode(mask, 2, 3, width + 5, height + 4)
    assert (
        placed(*rle.decode(bordered, width + 5, height + 4), (height + 4, width + 5))[3:-1, 2:-3] == mask
    ).all()


@pytest.mark.parametrize("text", ["\x01", "o", "ooooooooooooooo0", "é"])
def test_damaged_run_lengths_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        rle.unpack(text)


@given(MASKS)
@settings(max_examples=300, deadline=None)
def test_outlines_of_any_object_give_back_every_pixel(mask: np.ndarray) -> None:
    height, width = mask.shape
    again = np.zeros_like(mask)
    for thing in objects(mask.astype(np.uint8), 1):
        shares = [[float(f"{v:.12g}") for v in point] for point in outline(thing) / (width, height)]
        piece = placed(*fill_polygon(np.array(shares) * (width, height), width, height), mask.shape)
        assert (piece == placed(thing.piece, thing.left, thing.top, mask.shape)).all()
        again |= piece
    assert (again == mask).all()


def test_what_lies_on_top_is_the_rule_and_overlaps_are_counted() -> None:
    big, small = (
        np.array([(0, 0), (6, 0), (6, 6), (0, 6)], float),
        np.array([(1, 1), (3, 1), (3, 3), (1, 3)], float),
    )
    shapes = [
        Shape(2, (small,)),
        Shape(1, (big,)),
        Shape(IGNORE_INDEX, (np.array([(0, 0), (8, 0), (8, 8), (0, 8)], float),)),
    ]
    by_area = paint(shapes, 8, 8, "area")
    assert (
        by_area.overlap == 4
        and by_area.mask[2, 2] == 2
        and by_area.mask[0, 0] == 1
        and by_area.mask[7, 7] == 255
    )
    assert (paint(shapes, 8, 8, "later").mask == 255).all()
    earlier = paint(shapes, 8, 8, "earlier").mask
    assert earlier[2, 2] == 2 and earlier[0, 0] == 1
    assert paint(shapes[:2], 8, 8, "later").mask[2, 2] == 1

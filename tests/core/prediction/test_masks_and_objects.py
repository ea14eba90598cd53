"""Post-processing and objects against plain OpenCV, pixel by pixel."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.core.dataset.formats import rle
from src.core.prediction import runs
from src.core.prediction.objects import find_objects, table_rows
from src.core.prediction.options import PostprocessConfig
from src.core.prediction.postprocess import has_background, postprocess

Labels = np.ndarray


@st.composite
def masks(draw: Any) -> Labels:
    """Ragged and smooth masks of every shape, of up to four classes."""
    random = np.random.default_rng(draw(st.integers(0, 2**31)))
    size = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    labels = random.integers(0, draw(st.integers(1, 4)), size).astype(np.uint8)
    return cv2.medianBlur(labels, 3) if min(size) > 3 and draw(st.booleans()) else labels


def components(labels: Labels, value: int, neighbours: int = 8) -> list[np.ndarray]:
    count, numbers = cv2.connectedComponents((labels == value).view(np.uint8), connectivity=neighbours)
    return [numbers == n for n in range(1, count)]


@settings(max_examples=150, deadline=None)
@given(masks())
def test_objects_are_those_of_opencv(labels: Labels) -> None:
    score = np.random.default_rng(1).integers(0, 256, labels.shape).astype(np.uint8)
    found = find_objects(labels, score, with_rle=True)
    expected = [(v, piece) for v in range(1, 4) for piece in components(labels, v)]
    assert found.total == len(found.listed) == len(expected)
    assert sum(found.pixels.values()) == np.count_nonzero(labels)
    height, width = labels.shape
    for entry in found.listed:
        piece, left, top = rle.decode(rle.unpack(entry["rle"]), width, height)
        whole = np.zeros(labels.shape, bool)
        whole[top : top + piece.shape[0], left : left + piece.shape[1]] = piece
        assert any(v == entry["class"] and np.array_equal(whole, other) for v, other in expected)
        rows, columns = np.nonzero(whole)
        assert entry["area"] == len(rows)
        assert entry["box"] == [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
        assert entry["centroid"] == pytest.approx([columns.mean(), rows.mean()], abs=0.006)
        assert entry["score_mean"] == pytest.approx(score[whole].mean() / 255, abs=1e-4)
        assert entry["score_max"] == pytest.approx(score[whole].max() / 255, abs=1e-4)
        border = whole[0].any() or whole[-1].any() or whole[:, 0].any() or whole[:, -1].any()
        assert entry["at_border"] == border


@settings(max_examples=100, deadline=None)
@given(masks(), st.integers(2, 12), st.integers(0, 3))
def test_small_objects_go_and_the_largest_stay(labels: Labels, least: int, most: int) -> None:
    done, changes = postprocess(labels.copy(), PostprocessConfig(min_area=least, keep_largest=most))
    small = beyond = 0
    for value in range(1, 4):
        areas = sorted((int(p.sum()) for p in components(labels, value)), reverse=True)
        large = [area for area in areas if area >= least]
        kept = large[:most] if most else large
        assert sorted((int(p.sum()) for p in components(done, value)), reverse=True) == kept
        small += len(areas) - len(large)
        beyond += len(large) - len(kept)
    assert (changes.too_small, changes.not_largest) == (small, beyond)
    assert changes.removed == np.count_nonzero(labels) - np.count_nonzero(done)
    assert (done[done > 0] == labels[done > 0]).all()


@settings(max_examples=100, deadline=None)
@given(masks())
def test_holes_are_filled_by_what_is_round_them(labels: Labels) -> None:
    done, changes = postprocess(labels.copy(), PostprocessConfig(fill_holes=True))
    holes = np.zeros(labels.shape, bool)
    for piece in components(labels, 0, neighbours=4):
        if not (piece[0].any() or piece[-1].any() or piece[:, 0].any() or piece[:, -1].any()):
            holes |= piece
    assert np.array_equal(done != labels, holes) and changes.filled == holes.sum()


def test_a_hole_larger_than_said_stays() -> None:
    labels = np.zeros((20, 20), np.uint8)
    labels[1:9, 1:9], labels[3:6, 3:6] = 1, 0
    labels[11:15, 11:15], labels[12, 12] = 2, 0
    done, changes = postprocess(labels.copy(), PostprocessConfig(fill_holes=True, largest_hole=5))
    assert done[4, 4] == 0 and done[12, 12] == 2 and changes.filled == 1


def test_opening_and_closing_as_opencv_does_them() -> None:
    labels = np.zeros((60, 60), np.uint8)
    labels[10:30, 10:30] = 1
    labels[20, 30:50] = 1  # a hair
    labels[10:30, 18] = 0  # a crack
    labels[40:42, 40:42] = 2
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    done, changes = postprocess(labels.copy(), PostprocessConfig(opening=2))
    assert np.array_equal(done == 1, cv2.morphologyEx((labels == 1).view(np.uint8), cv2.MORPH_OPEN, disc) > 0)
    assert not (done == 2).any() and changes.opened == np.count_nonzero(labels) - np.count_nonzero(done)
    done, changes = postprocess(labels.copy(), PostprocessConfig(closing=2))
    assert done[15, 18] == 1 and changes.closed == np.count_nonzero(done) - np.count_nonzero(labels) > 0


@pytest.mark.parametrize("radius", [1, 3, 6])
def test_opening_and_closing_in_bands_are_those_of_the_whole(
    radius: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = np.random.default_rng(radius).integers(0, 3, (90, 40)).astype(np.uint8)
    labels = cv2.medianBlur(cv2.resize(noise, (80, 180), interpolation=cv2.INTER_NEAREST), 5)
    configs = [PostprocessConfig(opening=radius), PostprocessConfig(closing=radius)]
    whole = [postprocess(labels.copy(), config) for config in configs]
    monkeypatch.setattr("src.core.prediction.postprocess._BAND_PIXELS", 80)
    for config, (expected, changes) in zip(configs, whole, strict=True):
        done, found = postprocess(labels.copy(), config)
        assert np.array_equal(done, expected) and found == changes and found.opened + found.closed > 0


def test_without_background_the_neighbours_take_what_is_removed() -> None:
    labels = np.zeros((30, 40), np.uint8)
    labels[:, 20:] = 1
    labels[5:8, 3:6] = 2  # within class 0
    labels[20, 30] = 0  # within class 1
    done, changes = postprocess(labels.copy(), PostprocessConfig(min_area=12, closing=3), background=False)
    assert (
        (done[:, :20] == 0).all()
        and (done[:, 20:] == 1).all()
        and changes.too_small == 2
        and not changes.closed
    )
    one = np.full((5, 5), 1, np.uint8)
    assert np.array_equal(postprocess(one.copy(), PostprocessConfig(min_area=100), background=False)[0], one)
    found = find_objects(done, np.zeros_like(done), background=False)
    assert [entry["class"] for entry in found.listed] == [0, 1]
    assert not has_background(["sky", "road"]) and has_background(["Background", "x"])


def test_noise_is_refused_rather_than_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.indices((64, 64)).sum(0).astype(np.uint8) % 2
    monkeypatch.setattr(runs, "MOST_RUNS", 1000)
    with pytest.raises(runs.TooRaggedError, match="like noise"):
        find_objects(labels, labels)


def test_rows_of_the_table() -> None:
    labels = np.zeros((4, 5), np.uint8)
    labels[1:3, 1:4] = 1
    found = find_objects(labels, np.full((4, 5), 51, np.uint8))
    assert table_rows("a.png", found.listed, ["background", "pit"]) == [
        ["a.png", 1, 1, "pit", 6, 1, 1, 3, 2, 2.0, 1.5, 0.2, 0.2, 0]
    ]


def test_a_large_mask_needs_no_more_than_its_own_size_again() -> None:
    tracemalloc = pytest.importorskip("tracemalloc")
    labels = np.zeros((3000, 3000), np.uint8)
    for n in range(40):
        cv2.circle(labels, (70 * n + 30, (977 * n) % 3000), 5 + n, 1 + n % 2, -1)
    score = np.full_like(labels, 200)
    tracemalloc.start()
    try:
        done, _ = postprocess(labels, PostprocessConfig(min_area=100, fill_holes=True))
        find_objects(done, score, with_rle=True)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 12 * labels.size + (1 << 26)

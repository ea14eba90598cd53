"""The contract of views: plain data that survive a pipe, and long signals thinned without losing a peak."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.core.dataset.shown import Axis, Curve, Mark, Picture, Shown, pack, unpack
from src.core.dataset.thinning import Extremes, thinned


def test_what_is_shown_survives_the_pipe() -> None:
    levels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    shown = Shown(
        Axis("Time", "s"), Axis("Score"), (0.0, 2.0), (0.5, 1.0),
        [Curve("inner", np.array([0.0, 1.0, 2.0]), np.array([0.5, np.nan, 1.0], np.float32))],
        [Mark(3.5848, "BPFO", "2·BPFO", 2, -1)],
        Picture(levels, (0.0, 2.0), (-0.5, 2.5), -80.0, 0.0, Axis("Level", "dB")), True, True, ["Two pieces."],
    )  # fmt: skip
    back = Shown.from_dict(json.loads(json.dumps(shown.to_dict())))
    assert (back.x, back.y, back.extent, back.focus) == (shown.x, shown.y, shown.extent, shown.focus)
    assert back.marks == shown.marks and back.notes == shown.notes and back.stepped and back.stacked
    np.testing.assert_array_equal(back.curves[0].y, shown.curves[0].y)
    assert back.curves[0].y.dtype == np.float32 and back.picture is not None and shown.picture is not None
    np.testing.assert_array_equal(back.picture.levels, levels)
    assert (back.picture.x, back.picture.y, back.picture.axis) == (
        shown.picture.x,
        shown.picture.y,
        shown.picture.axis,
    )
    assert Axis("Time", "s").words == "Time (s)" and Axis("Score").words == "Score"


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float32, np.float64, ">f4"])
def test_arrays_keep_type_and_shape(kind: type) -> None:
    values = np.arange(6).reshape(2, 3).astype(kind)
    back = unpack(json.loads(json.dumps(pack(values))))
    np.testing.assert_array_equal(back, values)
    assert back.shape == (2, 3)


@given(st.integers(1, 5000), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_thinning_keeps_the_extremes_in_their_order(length: int, columns: int, seed: int) -> None:
    values = np.random.default_rng(seed).standard_normal(length).astype(np.float32)
    places, kept = thinned(values, columns)
    assert len(places) <= 4 * columns and (np.diff(places) >= 0).all()
    np.testing.assert_array_equal(values[places], kept)
    assert kept.min() == values.min() and kept.max() == values.max()


def test_gaps_stay_gaps_and_hide_no_peak() -> None:
    values = np.full(1000, np.nan, np.float32)
    values[700] = 5.0
    _, kept = thinned(values, 10)
    assert np.nanmax(kept) == 5.0 and np.isnan(kept).sum() >= 16


@pytest.mark.parametrize("columns", [50, 400])
def test_a_long_signal_is_read_once_and_any_stretch_keeps_its_peaks(columns: int) -> None:
    rng = np.random.default_rng(1)
    signal = rng.standard_normal(1_300_000).astype(np.float32)
    peaks = rng.choice(len(signal), 40, replace=False)
    signal[peaks] = 50 + np.arange(40)
    asked: list[int] = []

    def read(first: int, last: int) -> np.ndarray:
        asked.append(last - first)
        return signal[first:last]

    told: list[int] = []
    extremes = Extremes(read, len(signal), lambda done, total: told.append(done))
    assert sum(asked) == len(signal) and told[-1] == len(signal)
    for first, last in ((0, len(signal)), (300_000, 1_200_000), (500_000, 540_000), (999_990, 1_000_010)):
        asked.clear()
        places, values = extremes.stretch(first, last, columns)
        assert len(places) == len(values) <= 4 * columns and (np.diff(places) >= 0).all()
        assert sum(asked) <= 512 * columns  # of a long stretch nothing is read again
        inside = peaks[(peaks >= first) & (peaks < last)]
        width = 2 * max(256, (last - first) / columns)
        for peak in inside:
            near = np.abs(places - peak) <= width
            assert values[near].max() >= signal[peak]


def test_reading_that_is_ended_ends() -> None:
    def told(done: int, total: int) -> None:
        if done >= 2**20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Extremes(lambda a, b: np.zeros(b - a, np.float32), 2**22, told)

"""Long curves: what a view gets is small, keeps every peak, and is what was put in where it is short."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from src.ui.series import Series


def filled(many: int) -> Series:
    series = Series()
    for k in range(many):
        series.append(float(k), math.sin(k / 50))
    return series


def test_a_short_curve_comes_back_whole() -> None:
    x, y = filled(100).view(-1, 1000, 400)
    assert list(x) == list(range(100)) and y[7] == pytest.approx(math.sin(7 / 50))


@pytest.mark.parametrize("many", [3_000, 200_000])
def test_a_long_curve_is_thinned_but_keeps_its_peaks(many: int) -> None:
    series = filled(many)
    series.y[many // 3] = 50.0
    series.y[2 * many // 3] = -50.0
    x, y = series.view(0, many, 300)
    assert len(x) == len(y) <= 4 * 300
    assert y.max() == 50.0 and y.min() == -50.0
    assert (np.diff(x) >= 0).all() and x[-1] == many - 1


def test_a_part_of_a_long_curve_is_shown_in_full() -> None:
    x, _ = filled(200_000).view(1000, 1100, 400)
    assert x[0] <= 1000 and x[-1] >= 1100 and 100 <= len(x) <= 104


def test_a_gap_stays_a_gap() -> None:
    series = Series()
    for k, value in enumerate([1.0, None, 3.0]):
        series.append(k, value)
    assert [math.isnan(v) for v in series.view(0, 3, 100)[1]] == [False, True, False]


def test_cut_forgets_what_comes_after_and_goes_on_right() -> None:
    series = filled(10_000)
    series.view(0, 10_000, 100)
    series.cut(4_999.5)
    assert len(series) == 5_000
    series.append(5_000.0, 99.0)
    for k in range(5_001, 9_000):
        series.append(float(k), 0.0)
    x, y = series.view(0, 9_000, 20)
    assert y.max() == 99.0 and x[-1] == 8_999


def test_nearest_point() -> None:
    series = filled(10)
    assert series.at(3.4) == (3.0, pytest.approx(math.sin(3 / 50)))
    assert series.at(math.inf)[0] == 9.0  # type: ignore[index]
    assert Series().at(1.0) is None


def test_a_view_of_a_million_points_is_quick() -> None:
    series = Series()
    series._x = np.arange(1 << 20, dtype=float)
    series._y = np.random.default_rng(0).random(1 << 20)
    series._n = 1 << 20
    series.view(0, 1 << 20, 800)
    started = time.perf_counter()
    for _ in range(5):
        series.view(0, 1 << 20, 800)
    assert (time.perf_counter() - started) / 5 < 0.02

"""Class colours: the same for ever, and apart for people who see less colour."""

from __future__ import annotations

import numpy as np
import pytest

from src.core.dataset.palette import BACKGROUND, DEFICIENCIES, IGNORED, class_colours, distances, seen


def least(colours: list[tuple[int, int, int]]) -> float:
    found = distances(colours, colours)
    np.fill_diagonal(found, np.inf)
    return float(found.min())


def test_okabe_and_ito_come_first_behind_a_black_background() -> None:
    assert class_colours(3) == [BACKGROUND, (230, 159, 0), (86, 180, 233)]


@pytest.mark.parametrize(("count", "apart"), [(8, 7.0), (20, 7.0), (32, 5.0), (64, 3.5), (254, 0.9)])
def test_colours_are_apart_under_each_deficiency(count: int, apart: float) -> None:
    assert least(class_colours(count)[1:]) >= apart


def test_no_further_class_looks_like_background_or_ignored_pixels() -> None:
    # Of the published ones the green is grey to some: ignored pixels are hatched for that
    assert distances(class_colours(64)[8:], [BACKGROUND, IGNORED]).min() > 3.5
    assert distances(class_colours(64)[1:], [BACKGROUND]).min() > 30


def test_a_class_keeps_its_colour_whatever_comes_after_it() -> None:
    every = class_colours(254)
    assert len(set(every)) == 254
    for count in (1, 2, 9, 63, 64, 65, 72, 73, 200):
        assert class_colours(count) == every[:count]


def test_red_and_green_come_together_for_those_who_cannot_tell_them_apart() -> None:
    pair = [(200, 60, 60), (98, 110, 50)]
    plain = np.linalg.norm(np.diff(seen(pair), axis=0))
    for deficiency in DEFICIENCIES:
        assert np.linalg.norm(np.diff(seen(pair, deficiency), axis=0)) < 0.6 * plain


def test_greys_stay_greys() -> None:
    for deficiency in ("", *DEFICIENCIES):
        assert np.abs(seen([(128, 128, 128), (255, 255, 255)], deficiency)[:, 1:]).max() < 0.5
    assert seen([(255, 255, 255)])[0, 0] == pytest.approx(100, abs=0.1)

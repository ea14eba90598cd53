"""Intervals over groups, the decision on images, objects, the choice and keeping of thresholds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

from src.core.evaluation.bootstrap import Bootstrap, ratio
from src.core.evaluation.decision import SCORE_PIXELS, auroc, decide, threshold_for_rate
from src.core.evaluation.levels import THRESHOLDS
from src.core.evaluation.measure import Rules, measure_arrays
from src.core.evaluation.objects import SIZE_EDGES, by_size, match_objects
from src.core.evaluation.threshold import (
    THRESHOLD_NAME,
    StoredThreshold,
    choose_threshold,
    read_threshold,
    write_threshold,
)


def means(
    values: np.ndarray, groups: list[str], samples: int = 400
) -> tuple[float | None, float | None, float | None]:
    found = Bootstrap(groups, samples).means(values[:, None])[0]
    return found.value, found.low, found.high


# -- intervals ---


def test_groups_are_drawn_as_a_whole() -> None:
    """Ten copies of each image in a group of its own tell nothing new: the interval stays as wide."""
    values = np.random.default_rng(0).normal(size=12)
    alone = Bootstrap([f"g{i}" for i in range(12)], 500).means(values[:, None])[0]
    copies = Bootstrap([f"g{i:02}" for i in range(12) for _ in range(10)], 500).means(
        np.repeat(values, 10)[:, None]
    )[0]
    assert copies.value == pytest.approx(alone.value)
    assert (copies.high or 0) - (copies.low or 0) == pytest.approx(
        (alone.high or 0) - (alone.low or 0), rel=0.25
    )
    single = Bootstrap([str(i) for i in range(120)], 500).means(np.repeat(values, 10)[:, None])[0]
    assert (single.high or 0) - (single.low or 0) < 0.6 * ((alone.high or 0) - (alone.low or 0))


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(200):
        values = rng.normal(5, 2, 40)
        _, low, high = means(values, [str(i) for i in range(40)], 300)
        hits += (low or 0) <= 5 <= (high or 0)
    assert 0.87 <= hits / 200 <= 0.99


@pytest.mark.parametrize("images", [1, 5])
def test_one_group_has_no_interval_and_says_why(images: int) -> None:
    found = Bootstrap(["the same"] * images, 100)
    assert "one group" in found.rule.reason if images > 1 else "single image" in found.rule.reason
    assert found.rule.groups == 1 and found.rule.samples == 0
    assert found.means(np.ones((images, 1)))[0].model_dump() == {"value": 1.0, "low": None, "high": None}


def test_a_statistic_that_is_nowhere_defined() -> None:
    found = Bootstrap(["a", "b"], 50).intervals(np.zeros((2, 2)), lambda s: ratio(s[..., :1], s[..., 1:]))
    assert found[0].value is None and found[0].low is None


def test_the_same_seed_gives_the_same_interval_whatever_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    values, groups = np.random.default_rng(1).normal(size=30), [str(i % 7) for i in range(30)]
    first = means(values, groups)
    monkeypatch.setattr("src.core.evaluation.bootstrap._MOST_NUMBERS", 50)
    assert means(values, groups) == pytest.approx(first)


# -- images ---


def test_auroc_is_that_of_scikit_learn_with_and_without_weights() -> None:
    rng = np.random.default_rng(0)
    scores, kind = rng.integers(0, 12, 80) / 12, rng.random(80) < 0.4
    assert auroc(scores, kind)[0] == pytest.approx(sk.roc_auc_score(kind, scores))
    weights = rng.integers(0, 4, (5, 80)).astype(float)
    expected = [sk.roc_auc_score(kind, scores, sample_weight=w) for w in weights]
    assert auroc(scores, kind, weights) == pytest.approx(expected)


def decision(scores: list[float], kind: list[bool]) -> Any:
    values = {
        "binary": True,
        "rate": 0.2,
        "threshold": 0.5,
        "threshold_from": "validation",
        "fitted_here": False,
    }
    groups = [str(i) for i in range(len(scores))]
    return decide(np.array(scores), np.array(kind), Bootstrap(groups, 50), **values)  # type: ignore[arg-type]


def test_miss_rate_and_false_alarms_at_a_threshold() -> None:
    found = decision([0.9, 0.5, 0.7, 0.6, 0.1, np.nan], [True, True, True, False, False, True])
    assert (found.images_with, found.images_without) == (3, 2)
    assert found.miss_rate.value == pytest.approx(1 / 3) and found.missed == [1]
    assert found.false_alarm_rate.value == 0.5 and found.false_alarms == [3]
    assert found.auroc.value == pytest.approx(sk.roc_auc_score([1, 1, 1, 0, 0], [0.9, 0.5, 0.7, 0.6, 0.1]))
    assert found.average_precision == pytest.approx(
        sk.average_precision_score([1, 1, 1, 0, 0], [0.9, 0.5, 0.7, 0.6, 0.1])
    )
    area = np.trapezoid([0, *found.true_positive_rate], [0, *found.false_positive_rate])
    assert area == pytest.approx(found.auroc.value)


@pytest.mark.parametrize("kind", [True, False])
def test_images_of_one_kind_have_no_auroc_and_say_why(kind: bool) -> None:
    found = decision([0.9, 0.2], [kind, kind])
    assert (
        found.auroc.value is None and ("all 2 have one" if kind else "none of the 2 has one") in found.reason
    )
    assert (found.miss_rate if kind else found.false_alarm_rate).value == 0.5
    assert (found.false_alarm_rate if kind else found.miss_rate).value is None


def test_the_threshold_for_a_rate_of_false_alarms() -> None:
    scores = np.arange(100) / 100
    for rate in (0.01, 0.05, 0.5):
        threshold = threshold_for_rate(scores, rate)
        assert threshold is not None
        assert (scores > threshold).mean() == pytest.approx(rate)
    assert threshold_for_rate(scores[:3], 0.01) == 0.02
    assert (np.ones(10) > (threshold_for_rate(np.ones(10), 0.3) or 0)).mean() == 0, "never more than allowed"
    assert threshold_for_rate(np.zeros(0), 0.1) is None


def test_the_score_of_an_image_is_a_spot_and_not_a_pixel() -> None:
    p = np.full((20, 20), 0.1, np.float32)
    p[0, 0] = 0.99
    p[5:8, 5:8] = 0.7
    truth = np.zeros((20, 20), np.uint8)
    rules = Rules(2, True)
    assert measure_arrays(p, truth, rules).score == pytest.approx(np.sort(p.ravel())[::-1][SCORE_PIXELS - 1])
    truth[5:8, 5:8] = 255
    assert measure_arrays(p, truth, rules).score == pytest.approx(0.1), "ignored pixels count nowhere"
    assert measure_arrays(p[:1, :2], truth[:1, :2], rules).score == pytest.approx(0.1), (
        "all, where there are fewer"
    )


# -- objects ---


def scene() -> tuple[np.ndarray, np.ndarray]:
    """Objects of 16, 4 and 1 pixels; the first half covered, the second found in two pieces, the third missed; one false."""
    truth, labels = (np.zeros((30, 30), np.uint8) for _ in range(2))
    truth[2:6, 2:6] = 1
    labels[2:6, 2:4] = 1
    truth[10, 10:14] = 1
    labels[10, 10] = labels[10, 12:14] = 1
    truth[20, 20] = 1
    labels[25:28, 25:28] = 1
    return truth, labels


def test_objects_by_overlap() -> None:
    found = match_objects(*scene(), 1, "overlap", 0.5)
    assert found.areas.tolist() == [16, 4, 1] and found.found.tolist() == [True, True, False]
    assert (found.predicted, found.false) == (4, 1)
    assert match_objects(*scene(), 1, "overlap", 0.6).found.tolist() == [False, True, False]
    sizes = by_size(found.areas, found.found)
    assert sizes[:3].tolist() == [[1, 0], [1, 1], [1, 1]] and sizes[3:].sum() == 0
    assert by_size(np.array([10**9]), np.array([True]))[-1].tolist() == [1, 1] and len(sizes) == len(
        SIZE_EDGES
    )


def test_objects_by_iou_are_paired_one_to_one() -> None:
    truth, labels = np.zeros((10, 40), np.uint8), np.zeros((10, 40), np.uint8)
    truth[2:8, 2:8] = 1
    truth[2:8, 10:16] = 1
    labels[2:8, 2:16] = 1  # one prediction over both objects: IoU 36/84 with each
    found = match_objects(truth, labels, 1, "iou", 0.4)
    assert found.found.sum() == 1 and (found.predicted, found.false) == (1, 0)
    assert match_objects(truth, labels, 1, "iou", 0.5).found.sum() == 0
    assert match_objects(truth, labels, 1, "iou", 0.5).false == 1
    assert match_objects(truth, labels, 1, "overlap", 0.5).found.tolist() == [True, True]


def test_diagonal_pixels_are_one_object_and_ignored_ones_none() -> None:
    truth = np.eye(5, dtype=np.uint8)
    found = match_objects(truth, np.zeros_like(truth), 1, "overlap", 0.5)
    assert found.areas.tolist() == [5]
    truth[2, 2] = 255
    labels = np.zeros_like(truth)
    labels[2, 2] = 1
    found = match_objects(truth, labels, 1, "overlap", 0.5)
    assert found.areas.tolist() == [2, 2] and found.predicted == 0
    empty = np.zeros((4, 4), np.uint8)
    for rule in ("overlap", "iou"):
        nothing = match_objects(empty, empty, 1, rule, 0.5)  # type: ignore[arg-type]
        assert nothing.areas.size == 0 and nothing.false == 0
        everything = match_objects(empty + 1, empty + 1, 1, rule, 1.0)  # type: ignore[arg-type]
        assert everything.found.tolist() == [True] and everything.false == 0


# -- thresholds ---


def histograms(count: int = 6, seed: int = 0) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
    rng = np.random.default_rng(seed)
    images = []
    for number in range(count):
        truth = (rng.random((16, 16)) < 0.1 * number).astype(np.uint8)
        images.append(
            (truth, np.clip(rng.normal(0.35, 0.15, (16, 16)) + 0.25 * truth, 0, 1).astype(np.float32))
        )
    return np.stack([measure_arrays(p, t, Rules(2, True)).histograms[0] for t, p in images]), images


def iou(truth: np.ndarray, said: np.ndarray) -> float:
    union = ((truth == 1) | said).sum()
    return float(((truth == 1) & said).sum() / union) if union else 1.0


def test_the_chosen_threshold_is_the_best_of_all() -> None:
    found, images = histograms()
    t = np.concatenate([t.ravel() for t, _ in images])
    p = np.concatenate([p.ravel() for _, p in images])
    best = max(iou(t, p > np.float32(k)) for k in THRESHOLDS)
    for measure in ("iou", "dice", "f1"):
        value, score = choose_threshold(measure, found) or (0, 0)
        assert sk.jaccard_score(t, p > np.float32(value)) == pytest.approx(best)
        assert score == pytest.approx(best if measure == "iou" else 2 * best / (1 + best))
    value, score = choose_threshold("iou_mean", found) or (0, 0)
    means_ = [np.mean([iou(t, p > np.float32(k)) for t, p in images]) for k in THRESHOLDS]
    assert score == pytest.approx(max(means_)) and means_[round(value * 255)] == pytest.approx(max(means_))


def test_without_an_object_nothing_is_chosen() -> None:
    found, _ = histograms(1)
    assert choose_threshold("iou", found) is None and choose_threshold("iou", found[:0]) is None
    with pytest.raises(ValueError, match="no measure"):
        choose_threshold("accuracy", found)


def test_a_threshold_is_kept_and_read(tmp_path: Path) -> None:
    stored = StoredThreshold(
        100 / 255,
        "iou",
        0.8,
        "val",
        "here",
        "abc",
        7,
        {"tile": 0},
        {"threshold": 0.4, "false_alarm_rate": 0.05},
    )
    write_threshold(tmp_path, stored)
    assert read_threshold(tmp_path) == stored
    assert stored.fits("abc", {"tile": 0}, "iou") and stored.fits("abc", {"tile": 0})
    assert (
        not stored.fits("abd", {"tile": 0})
        and not stored.fits("abc", {"tile": 64})
        and not stored.fits("abc", {"tile": 0}, "dice")
    )


@pytest.mark.parametrize(
    "text", ["", "{", "[]", json.dumps({"value": 3, "measure": "iou"}), json.dumps({"value": None})]
)
def test_a_damaged_threshold_is_none(tmp_path: Path, text: str) -> None:
    assert read_threshold(tmp_path) is None
    (tmp_path / THRESHOLD_NAME).write_text(text)
    assert read_threshold(tmp_path) is None


def test_a_rate_without_an_exception_is_not_certain() -> None:
    from src.core.evaluation.bootstrap import Bootstrap

    bootstrap = Bootstrap([f"part {n // 2}" for n in range(32)], 200)
    whole = np.ones((32, 3))
    whole[:28, 2] = 0  # only two groups have anything of the third
    part = whole * np.array([0, 1, 0])
    never, always, rarely = bootstrap.rates(part, whole)
    bound = 1 - 0.025 ** (1 / 16)  # Clopper and Pearson, 0 of 16 groups
    assert (never.low, never.value) == (0.0, 0.0) and never.high == pytest.approx(bound)
    assert (always.high, always.value) == (1.0, 1.0) and always.low == pytest.approx(1 - bound)
    assert rarely.high == pytest.approx(1 - 0.025**0.5)
    half = bootstrap.rates(whole[:, :1] * (np.arange(32) % 2)[:, None], whole[:, :1])[0]
    assert half.low is not None and half.high is not None and half.low <= 0.5 <= half.high
    assert Bootstrap(["a"] * 4).rates(np.zeros((4, 1)), np.ones((4, 1)))[0].high is None

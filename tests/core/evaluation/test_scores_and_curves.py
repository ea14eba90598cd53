"""Scores, curves and calibration against scikit-learn, on random and on degenerate images."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from sklearn import metrics as sk

from src.core.evaluation.build import at_threshold
from src.core.evaluation.levels import (
    THRESHOLDS,
    average_precision,
    best_threshold,
    calibration_of,
    counts_at,
    curve_of,
    histogram,
    to_levels,
)
from src.core.evaluation.measure import Rules, confusion, measure_arrays
from src.core.evaluation.scores import MEASURES, class_scores, counts_of, overall_scores
from src.models import confusion as torch_confusion


def image(kind: str, classes: int = 2, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Truth H×W with 255 where ignored, and probabilities: H×W, or K×H×W for several classes."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, (31, 37)).astype(np.uint8)
    if kind == "nothing":
        truth[:] = 0
    elif kind == "all":
        truth[:] = classes - 1
    elif kind == "ignored":
        truth[:] = 255
    elif kind == "part ignored":
        truth[:9] = 255
    elif kind == "pixel":
        truth = truth[:1, :1]
    shape = truth.shape
    if classes == 2:
        return truth, np.clip(rng.random(shape) * 0.8 + 0.2 * (truth == 1), 0, 1).astype(np.float32)
    return truth, rng.dirichlet(np.ones(classes), shape).transpose(2, 0, 1).astype(np.float32)


KINDS = ("random", "nothing", "all", "part ignored", "pixel")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("threshold", [0.5, 0.3, 200 / 255])
def test_binary_scores_are_those_of_scikit_learn(kind: str, threshold: float) -> None:
    truth, p = image(kind)
    found = measure_arrays(p, truth, Rules(2, True), threshold)
    t, y = truth[truth != 255], (p > np.float32(threshold))[truth != 255]
    assert found.matrix.tolist() == sk.confusion_matrix(t, y, labels=[0, 1]).tolist()
    scores = dict(zip(MEASURES, overall_scores(counts_of(found.matrix), True).tolist(), strict=True))
    empty = 1.0 if not t.any() and not y.any() else 0.0
    expected = {
        "iou": sk.jaccard_score(t, y, zero_division=empty),
        "dice": sk.f1_score(t, y, zero_division=empty),
        "accuracy": sk.accuracy_score(t, y),
        "precision": sk.precision_score(t, y, zero_division=empty),
        "recall": sk.recall_score(t, y, zero_division=empty),
        "f1": sk.f1_score(t, y, zero_division=empty),
    }
    assert scores == pytest.approx(expected)


@pytest.mark.parametrize("kind", KINDS)
def test_scores_of_several_classes_are_those_of_scikit_learn(kind: str) -> None:
    truth, p = image(kind, 4)
    found = measure_arrays(p, truth, Rules(4, False))
    t, y = truth[truth != 255], p.argmax(0)[truth != 255]
    assert found.matrix.tolist() == sk.confusion_matrix(t, y, labels=range(4)).tolist()
    scores = overall_scores(counts_of(found.matrix), False)
    present = sorted(set(t) | set(y))
    options = {"labels": present, "average": "macro", "zero_division": 0}
    expected = [sk.jaccard_score(t, y, **options), sk.f1_score(t, y, **options), sk.accuracy_score(t, y),
                sk.precision_score(t, y, **options), sk.recall_score(t, y, **options), sk.f1_score(t, y, **options)]  # fmt: skip
    assert scores == pytest.approx(expected)
    one = class_scores(counts_of(found.matrix))[:, 0]
    each = sk.jaccard_score(t, y, labels=range(4), average=None, zero_division=0)
    assert [v for k, v in enumerate(one) if k in present] == pytest.approx([each[k] for k in present])
    assert all(np.isnan(one[k]) for k in range(4) if k not in present)


@pytest.mark.parametrize("classes", [2, 3])
def test_an_image_of_ignored_pixels_has_no_score(classes: int) -> None:
    truth, p = image("ignored", classes)
    found = measure_arrays(p, truth, Rules(classes, classes == 2))
    assert found.matrix.sum() == 0 and found.ignored == truth.size and not found.with_object
    assert np.isnan(found.score) and found.histograms.sum() == 0 and found.objects.sum() == 0
    assert np.isnan(overall_scores(counts_of(found.matrix), classes == 2)).all()


@pytest.mark.parametrize("binary", [True, False])
def test_scores_are_those_of_the_training(binary: bool) -> None:
    rng = np.random.default_rng(1)
    k = 2 if binary else 5
    matrices = (
        rng.integers(0, 50, (200, k, k)) * rng.integers(0, 2, (200, k, k)) * rng.integers(0, 2, (200, 1, 1))
    )
    mine = overall_scores(counts_of(matrices), binary)
    theirs = torch_confusion.overall_scores(torch.from_numpy(matrices).double(), binary).numpy()
    np.testing.assert_allclose(mine, theirs, rtol=1e-12)


def test_confusion_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    truth, labels = (rng.integers(0, 7, (50, 20)).astype(np.uint8) for _ in range(2))
    truth[3:9] = 255
    whole = confusion(labels, truth, 7)
    monkeypatch.setattr("src.core.evaluation.measure._MOST_PIXELS", 60)
    monkeypatch.setattr("src.core.evaluation.levels._MOST_PIXELS", 60)
    assert (confusion(labels, truth, 7) == whole).all() and whole.sum() == 44 * 20
    where = (truth != 255).astype(np.uint8)
    assert (histogram(labels, where) == np.bincount(labels[truth != 255], minlength=256)).all()


def test_a_probability_exceeds_a_threshold_exactly_when_its_level_does() -> None:
    p = np.concatenate([np.random.default_rng(0).random(5000), [0, 1, 0.5]]).astype(np.float32)
    levels = to_levels(p)
    for k in (0, 1, 77, 127, 128, 253, 254):
        assert ((levels > k) == (p * np.float32(255) > k)).all()


@pytest.mark.parametrize("kind", ["random", "nothing", "all", "part ignored"])
def test_curves_are_those_of_scikit_learn(kind: str) -> None:
    truth, p = image(kind, seed=3)
    found = measure_arrays(p, truth, Rules(2, True))
    curve = curve_of("object", 1, *found.histograms[0])
    counted = truth != 255
    t, levels = truth[counted], to_levels(p)[counted]
    for k in (0, 60, 128, 200, 254):
        y = levels > k
        defined = t.any() or y.any()
        assert curve.iou[k] == (pytest.approx(sk.jaccard_score(t, y)) if defined else None)
        assert curve.precision[k] == pytest.approx(sk.precision_score(t, y, zero_division=1.0))
        slider = at_threshold(curve, k)
        assert slider["matrix"] == sk.confusion_matrix(t, y, labels=[0, 1]).tolist()
        direct = measure_arrays(p, truth, Rules(2, True), float(THRESHOLDS[k]))
        assert slider["matrix"] == direct.matrix.tolist()
    if kind in ("nothing", "all"):
        assert curve.auroc is None
        assert (curve.best["iou"] is None) == (kind == "nothing")
        assert curve.average_precision == (None if kind == "nothing" else pytest.approx(1.0))
    else:
        assert curve.auroc == pytest.approx(sk.roc_auc_score(t, levels))
        assert curve.average_precision == pytest.approx(sk.average_precision_score(t, levels))
        best = max(range(255), key=lambda k: curve.iou[k] or 0)
        assert curve.iou[round(255 * (curve.best["iou"] or 0))] == curve.iou[best]


def test_one_against_the_rest_for_several_classes() -> None:
    truth, p = image("part ignored", 3, seed=5)
    found = measure_arrays(p, truth, Rules(3, False))
    counted = truth != 255
    for number in range(3):
        curve = curve_of("", number, *found.histograms[number])
        t, levels = truth[counted] == number, to_levels(p[number])[counted]
        assert curve.auroc == pytest.approx(sk.roc_auc_score(t, levels))
        assert curve.average_precision == pytest.approx(sk.average_precision_score(t, levels))


def test_counts_at_every_threshold_of_many_images() -> None:
    rng = np.random.default_rng(0)
    others, objects = rng.integers(0, 9, (2, 4, 256))
    counts = counts_at(others, objects)
    assert counts.shape == (4, 255, 3, 2)
    for k in (0, 100, 254):
        assert (counts[:, k, 0, 1] == objects[:, k + 1 :].sum(1)).all()
        assert (counts[:, k, 0, 0] == others[:, : k + 1].sum(1)).all()
        assert (counts[:, k, 1].sum(1) == counts[:, k, 2].sum(1)).all()


def test_the_best_threshold_is_the_middle_of_the_longest_plateau() -> None:
    values = np.zeros(255)
    values[[3, 40, 41, 42, 43, 44]] = 1.0
    assert best_threshold(values) == pytest.approx(42 / 255)
    assert best_threshold(np.full(255, np.nan)) is None


def test_average_precision_without_an_object_is_not_defined() -> None:
    assert np.isnan(average_precision(np.ones(256), np.zeros(256)))


def reference_ece(p: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """Guo et al. (2017), equations 2 to 5, written out."""
    total, gaps = 0.0, [0.0]
    for m in range(15):
        inside = (p > m / 15) & (p <= (m + 1) / 15) if m else p <= 1 / 15
        if inside.any():
            gap = abs(right[inside].mean() - p[inside].mean(dtype=np.float64))
            gaps.append(gap)
            total += inside.mean() * gap
    return total, max(gaps)


@pytest.mark.parametrize("kind", KINDS)
def test_calibration(kind: str) -> None:
    truth, p = image(kind, seed=7)
    found = measure_arrays(p, truth, Rules(2, True))
    result = calibration_of("object", 1, found.histograms[0, 0], found.histograms[0, 1], found.sums[0])
    counted = truth != 255
    ece, mce = reference_ece(p[counted], truth[counted] == 1)
    assert result.ece == pytest.approx(ece, abs=1e-6) and result.mce == pytest.approx(mce, abs=1e-6)
    assert sum(b.pixels for b in result.bins) == counted.sum()


def test_calibration_of_the_predicted_class() -> None:
    truth, p = image("part ignored", 4, seed=8)
    found = measure_arrays(p, truth, Rules(4, False))
    result = calibration_of(
        "predicted class", None, found.histograms[4, 0], found.histograms[4, 1], found.sums[4]
    )
    counted = truth != 255
    ece, _ = reference_ece(p.max(0)[counted], (p.argmax(0) == truth)[counted])
    assert result.ece == pytest.approx(ece, abs=1e-6)


def test_confidently_right_background_is_well_calibrated() -> None:
    """With probabilities rounded to levels, rare objects would seem badly calibrated by half a level."""
    truth, p = np.zeros((40, 40), np.uint8), np.full((40, 40), 1e-5, np.float32)
    found = measure_arrays(p, truth, Rules(2, True))
    result = calibration_of("object", 1, found.histograms[0, 0], found.histograms[0, 1], found.sums[0])
    assert result.ece == pytest.approx(1e-5, rel=1e-3)


def test_nothing_warns() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind in (*KINDS, "ignored"):
            found = measure_arrays(*image(kind)[::-1], Rules(2, True))
            curve_of("", 1, *found.histograms[0])
            class_scores(counts_of(found.matrix))

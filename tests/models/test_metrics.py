"""Metrics against scikit-learn, and what they say where nothing is there."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from sklearn import metrics as sk

from src.models.metrics import (
    SCORES,
    MetricsTracker,
    compute_all_metrics,
    compute_dice,
    compute_iou,
    compute_pixel_accuracy,
    compute_precision_recall_f1,
)

Array = np.ndarray[Any, Any]


def _labels(classes: int, seed: int = 0, shape: tuple[int, ...] = (4, 6, 5)) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    target = rng.integers(0, classes, shape)
    return np.where(rng.random(shape) < 0.6, target, rng.integers(0, classes, shape)), target


def _sklearn(labels: Array, target: Array, binary: bool) -> dict[str, float]:
    y, p = target.ravel(), labels.ravel()
    options: dict[str, Any] = {"zero_division": 0, "average": "binary" if binary else "macro"}
    if not binary:
        options["labels"] = np.union1d(y, p)  # classes that are there or were predicted
    return {
        "iou": float(sk.jaccard_score(y, p, **options)),
        "dice": float(sk.f1_score(y, p, **options)),
        "accuracy": float(sk.accuracy_score(y, p)),
        "precision": float(sk.precision_score(y, p, **options)),
        "recall": float(sk.recall_score(y, p, **options)),
        "f1": float(sk.f1_score(y, p, **options)),
    }


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("classes", [1, 2, 5])
def test_against_scikit_learn(classes: int, seed: int) -> None:
    labels, target = _labels(max(classes, 2), seed)
    expected = _sklearn(labels, target, classes == 1)
    assert compute_all_metrics(labels, target, num_classes=classes) == pytest.approx(expected)
    assert compute_iou(labels, target, num_classes=classes) == pytest.approx(expected["iou"])
    assert compute_dice(labels, target, num_classes=classes) == pytest.approx(expected["dice"])
    assert compute_pixel_accuracy(labels, target, num_classes=classes) == pytest.approx(expected["accuracy"])
    found = compute_precision_recall_f1(labels, target, num_classes=classes)
    assert found == pytest.approx((expected["precision"], expected["recall"], expected["f1"]))


@pytest.mark.parametrize("classes", [1, 4])
def test_tracker_against_scikit_learn(classes: int) -> None:
    labels, target = _labels(max(classes, 2), shape=(7, 6, 5))
    if classes == 4:  # a class that an image has not, and one that none has
        target[0][target[0] == 2] = 1
        labels[0][labels[0] == 2] = 1
        target[target == 3], labels[labels == 3] = 0, 0
    tracker = MetricsTracker(num_classes=classes)
    for part in (slice(0, 3), slice(3, 7)):
        tracker.update(torch.from_numpy(labels[part]), torch.from_numpy(target[part]))
    summary = tracker.get_summary()
    pooled = _sklearn(labels, target, classes == 1)
    images = [_sklearn(p, t, classes == 1) for p, t in zip(labels, target, strict=True)]
    for name in SCORES:
        values = [image[name] for image in images]
        assert summary[name]["pooled"] == pytest.approx(pooled[name])
        assert summary[name]["mean"] == pytest.approx(np.mean(values))
        assert summary[name]["std"] == pytest.approx(np.std(values))
    size = max(classes, 2)
    np.testing.assert_array_equal(
        summary["confusion"], sk.confusion_matrix(target.ravel(), labels.ravel(), labels=range(size))
    )
    assert summary["primary"] == summary["iou"]["pooled"] and summary["images"] == 7
    assert ("mean_iou" in summary) == (classes > 1)
    options: dict[str, Any] = {"labels": range(size), "average": None, "zero_division": 0}
    each = sk.jaccard_score(target.ravel(), labels.ravel(), **options)
    each[[i for i in range(size) if not (target == i).any() and not (labels == i).any()]] = np.nan
    np.testing.assert_allclose(list(summary["iou"]["per_class"].values()), each)
    for i, value in enumerate(summary["accuracy"]["per_class"].values()):
        assert value == pytest.approx(((labels == i) == (target == i)).mean())


@pytest.mark.parametrize("classes", [1, 3])
def test_logits_labels_arrays_and_shapes_agree(classes: int) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(3, classes, 6, 5)).astype(np.float32)
    target = rng.integers(0, max(classes, 2), (3, 6, 5))
    labels = logits.argmax(1) if classes > 1 else (logits[:, 0] > 0).astype(int)
    expected = compute_all_metrics(labels, target, num_classes=classes)
    assert compute_all_metrics(logits, target) == expected
    assert (
        compute_all_metrics(torch.from_numpy(logits).half().float(), torch.from_numpy(target)[:, None])
        == expected
    )
    assert compute_all_metrics(labels[:, None].astype(np.uint8), target, num_classes=classes) == expected
    assert (
        compute_all_metrics(labels.astype(float), target, from_logits=False, num_classes=classes) == expected
    )
    one = compute_all_metrics(labels[0], target[0], num_classes=classes)
    assert compute_all_metrics(logits[:1], target[0]) == one
    if classes == 1:
        assert compute_all_metrics(labels.astype(bool), target.astype(np.float32)) == expected
        assert compute_all_metrics(logits[:, 0], target, from_logits=True) == expected
        p = 1 / (1 + np.exp(-logits))
        assert compute_all_metrics(p, target, from_logits=False) == expected
        strict = compute_all_metrics((p[:, 0] > 0.8).astype(int), target)
        assert compute_all_metrics(logits, target, threshold=0.8) == strict
        assert compute_all_metrics(p, target, from_logits=False, threshold=0.8) == strict


@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("ignore", [255, -100, 11])
def test_ignored_pixels_count_nowhere(classes: int, ignore: int) -> None:
    labels, target = _labels(max(classes, 2))
    expected = compute_all_metrics(labels[..., 1:], target[..., 1:], num_classes=classes)
    marked = target.copy()
    marked[..., 0] = ignore
    options: dict[str, Any] = {"num_classes": classes, "ignore_index": ignore}
    assert compute_all_metrics(labels, marked, **options) == expected
    assert compute_all_metrics(labels, marked.astype(np.float32), **options) == expected
    if ignore > 0:
        assert compute_all_metrics(labels, marked.astype(np.uint8), **options) == expected


def test_binary_degenerate_images() -> None:
    nothing, something = np.zeros((1, 4, 4), int), np.zeros((1, 4, 4), int)
    something[0, 0, 0] = 1
    assert compute_all_metrics(nothing, nothing) == dict.fromkeys(SCORES, 1.0)
    for prediction, target in ((something, nothing), (nothing, something)):
        scores = compute_all_metrics(prediction, target)
        assert scores.pop("accuracy") == 15 / 16
        assert scores == {name: 0.0 for name in SCORES if name != "accuracy"}
    ignored = np.full((1, 4, 4), 255)
    assert all(math.isnan(v) for v in compute_all_metrics(something, ignored, ignore_index=255).values())

    tracker = MetricsTracker(ignore_index=255)
    for prediction, target in ((nothing, nothing), (something, nothing), (something, ignored)):
        tracker.update(prediction, target)
    summary = tracker.get_summary()
    assert (
        summary["iou"]["mean"] == 0.5 and summary["iou"]["std"] == 0.5
    )  # the image without pixels is left out
    assert summary["iou"]["pooled"] == 0.0 and summary["images"] == 3


def test_multiclass_degenerate_images() -> None:
    target = np.zeros((1, 4, 4), int)
    assert compute_iou(target, target, num_classes=3, per_class=True) == pytest.approx(
        [1, math.nan, math.nan], nan_ok=True
    )
    assert compute_iou(target, target, num_classes=3) == 1.0
    wrong = target.copy()
    wrong[0, 0] = 2  # predicted though it is not there
    assert compute_iou(wrong, target, num_classes=3, per_class=True) == pytest.approx(
        [0.75, math.nan, 0], nan_ok=True
    )
    assert compute_iou(wrong, target, num_classes=3) == 0.375
    assert compute_dice(wrong, target, num_classes=3, per_class=True) == pytest.approx(
        [6 / 7, math.nan, 0], nan_ok=True
    )
    ignored = np.full((1, 4, 4), 9)
    assert math.isnan(float(compute_iou(target, ignored, num_classes=3, ignore_index=9)))  # type: ignore[arg-type]


def test_empty_tracker() -> None:
    for classes in (1, 3):
        summary = MetricsTracker(classes).get_summary()
        assert (
            summary["images"] == 0 and math.isnan(summary["iou"]["mean"]) and math.isnan(summary["primary"])
        )


@pytest.mark.parametrize("classes", [1, 3])
def test_state_is_exact_and_additive(classes: int) -> None:
    labels, target = _labels(max(classes, 2), shape=(6, 5, 4))
    target[2] = 255
    whole = MetricsTracker(classes, ignore_index=255)
    whole.update(labels[:2], target[:2])
    whole.update(labels[2:], target[2:])
    first, second = MetricsTracker(classes, ignore_index=255), MetricsTracker(classes, ignore_index=255)
    first.update(labels[:2], target[:2])
    resumed = MetricsTracker(classes, ignore_index=255)
    resumed.load_state_dict(json.loads(json.dumps(first.state_dict(), allow_nan=False)))
    resumed.update(labels[2:], target[2:])
    second.update(labels[2:], target[2:])
    first.merge(second.state_dict())
    for other in (resumed, first):
        assert json.dumps(other.get_summary()) == json.dumps(whole.get_summary())
        assert other.state_dict() == whole.state_dict()
    with pytest.raises(ValueError, match="classes"):
        MetricsTracker(7).load_state_dict(whole.state_dict())
    whole.reset()
    assert whole.state_dict() == MetricsTracker(classes).state_dict()


def test_class_names() -> None:
    labels, target = _labels(2)
    tracker = MetricsTracker(1, class_names=["crack"])
    tracker.update(labels, target)
    assert list(tracker.get_summary()["iou"]["per_class"]) == ["background", "crack"]
    named = MetricsTracker(3, class_names=["a", "b", "c"])
    assert list(named.get_summary()["recall"]["per_class"]) == ["a", "b", "c"]
    for names in (["a", "b"], ["a", "a", "b"]):
        with pytest.raises(ValueError, match="names"):
            MetricsTracker(3, class_names=names)


def test_update_reads_nothing_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """No value leaves the device in `update`: every way to read one is closed."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a value was read back")

    trackers = [(MetricsTracker(c, ignore_index=255), c) for c in (1, 3)]
    batches = [(torch.randn(2, c, 8, 8), torch.randint(0, 2, (2, 8, 8))) for _, c in trackers]
    for name in ("item", "tolist", "__bool__", "__int__", "__float__", "nonzero", "numpy"):
        monkeypatch.setattr(torch.Tensor, name, refuse)
    for (tracker, _), (logits, target) in zip(trackers, batches, strict=True):
        tracker.update(logits, target)


def test_mistakes_are_named() -> None:
    labels, target = _labels(4)
    with pytest.raises(ValueError, match="not one of the 2 classes"):
        compute_iou(labels, target)
    with pytest.raises(ValueError, match="from_logits"):
        compute_iou(labels.astype(float), target)
    with pytest.raises(ValueError, match="does not fit"):
        compute_iou(labels, target[:, :-1])
    with pytest.raises(ValueError, match="channels"):
        compute_iou(np.zeros((4, 3, 6, 5)), target, num_classes=4)
    with pytest.raises(ValueError, match="threshold"):
        compute_iou(labels, target, threshold=1.0)
    with pytest.raises(ValueError, match="Logits"):
        compute_iou(labels, target, from_logits=True)
    tracker = MetricsTracker(2)
    tracker.update(np.clip(labels, 0, 1), target)
    with pytest.raises(ValueError, match="not one of the 2 classes"):
        tracker.get_summary()

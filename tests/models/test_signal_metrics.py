"""Metrics of signals against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn import metrics as reference

from src.models.signal_metrics import (
    SignalMetrics,
    auroc,
    balanced_accuracy,
    by_recording,
    class_values,
    confusion_matrix,
    exclusive_values,
    macro_f1,
    multi_label_values,
    top_k,
)


def answers(seed: int, n: int = 200, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, classes)).round(1)  # rounded: some scores are equal
    return rng.integers(0, classes, n), np.exp(logits) / np.exp(logits).sum(1, keepdims=True)


@pytest.mark.parametrize("seed", range(3))
def test_values_are_those_of_scikit_learn(seed: int) -> None:
    truth, scores = answers(seed)
    said = scores.argmax(1)
    values, per_class, matrix = exclusive_values(truth, scores)
    assert (matrix == reference.confusion_matrix(truth, said)).all()
    assert values["balanced_accuracy"] == pytest.approx(reference.balanced_accuracy_score(truth, said))
    assert values["macro_f1"] == pytest.approx(reference.f1_score(truth, said, average="macro"))
    assert values["accuracy"] == pytest.approx(reference.accuracy_score(truth, said))
    assert values["auroc"] == pytest.approx(reference.roc_auc_score(truth, scores, multi_class="ovr"))
    assert values["top2"] == pytest.approx(reference.top_k_accuracy_score(truth, scores, k=2), abs=0.02)
    precision, recall, f1, support = reference.precision_recall_fscore_support(truth, said)
    for name, expected in (("precision", precision), ("recall", recall), ("f1", f1), ("support", support)):
        assert per_class[name] == pytest.approx(expected)


def test_several_labels_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    truth, scores = rng.integers(0, 2, (150, 3)), rng.random((150, 3)).round(2)
    said = scores > 0.5
    values, per_class, matrices = multi_label_values(truth, scores)
    assert (matrices == reference.multilabel_confusion_matrix(truth, said)).all()
    assert values["macro_f1"] == pytest.approx(reference.f1_score(truth, said, average="macro"))
    assert values["accuracy"] == pytest.approx(reference.accuracy_score(truth, said))
    assert values["auroc"] == pytest.approx(reference.roc_auc_score(truth, scores))
    each = [reference.balanced_accuracy_score(truth[:, c], said[:, c]) for c in range(3)]
    assert values["balanced_accuracy"] == pytest.approx(np.mean(each))
    assert per_class["recall"] == pytest.approx(reference.recall_score(truth, said, average=None))


def test_a_class_that_does_not_occur_counts_nothing() -> None:
    matrix = confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), 4)
    assert balanced_accuracy(matrix) == pytest.approx(0.75)
    assert macro_f1(matrix) == pytest.approx(2 / 3)
    values = class_values(matrix)
    assert np.isnan(values["recall"][2:]).all() and np.isnan(values["precision"][2:]).all()
    never_right = confusion_matrix(np.array([0, 1]), np.array([0, 0]), 2)
    assert class_values(never_right)["precision"].tolist() == [0.5, 0.0]


def test_auroc_counts_equal_scores_half_and_needs_both_sides() -> None:
    assert auroc(np.array([True, False]), np.array([1.0, 1.0])) == 0.5
    assert np.isnan(auroc(np.array([True, True]), np.array([1.0, 2.0])))


def test_top_k() -> None:
    scores = np.array([[0.5, 0.3, 0.2], [0.1, 0.6, 0.3]])
    assert top_k(np.array([2, 2]), scores, 2) == 0.5 and top_k(np.array([2, 2]), scores, 3) == 1.0


def test_a_recording_is_the_mean_of_its_windows() -> None:
    scores = np.array([[0.9, 0.1], [0.3, 0.7], [0.2, 0.8]])
    mean, first = by_recording(scores, np.array([7, 7, 3]))
    assert mean == pytest.approx(np.array([[0.2, 0.8], [0.6, 0.4]])) and first.tolist() == [2, 0]


def test_the_accumulator_measures_windows_recordings_and_branches() -> None:
    tracker = SignalMetrics(["inner", "outer"])
    logits = torch.tensor([[2.0, 0.0], [0.0, 1.0], [0.0, 3.0]])
    for part in (slice(0, 2), slice(2, 3)):
        tracker.add(
            logits[part], torch.tensor([0, 0, 1])[part], torch.tensor([4, 4, 5])[part], {"raw": -logits[part]}
        )
    values, per_class = tracker.summary()
    assert values["accuracy"] == pytest.approx(2 / 3) and values["balanced_accuracy"] == 0.75
    assert values["recording_accuracy"] == 1.0 and values["branch_raw"] == 0.25
    assert (
        per_class["inner"]["recall"] == 0.5
        and per_class["outer"]["support"] == 1
        and isinstance(per_class["outer"]["support"], int)
    )
    assert tracker.recording_matrix is not None and tracker.recording_matrix.tolist() == [[1, 0], [0, 1]]


def test_nothing_added_is_no_value() -> None:
    assert SignalMetrics(["a"]).summary() == ({}, {})

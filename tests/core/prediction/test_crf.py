"""The dense CRF, where its library is installed; and what is said where it is not."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

import cv2
import numpy as np
import pytest

from src.core.prediction import crf
from src.core.prediction.crf import BlockwiseCrf
from src.core.prediction.options import PostprocessConfig

needs_library = pytest.mark.skipif(
    bool(crf.unavailable()), reason=f"the dense CRF is optional: {crf.unavailable()}"
)


def scene(height: int, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bright discs on a darker ground, their mask, and probabilities as a coarse network gives them."""
    numbers = np.random.default_rng(3)
    truth = np.zeros((height, width), np.uint8)
    for _ in range(max(1, height * width // 9000)):
        centre = int(numbers.integers(width)), int(numbers.integers(height))
        cv2.ellipse(truth, centre, (int(numbers.integers(8, 40)), 14), 30, 0, 360, 1, -1)
    picture = np.where(truth, 140, 90) + numbers.normal(0, 5, truth.shape)
    wide = cv2.GaussianBlur(truth.astype(np.float32), (0, 0), 7)
    rough = cv2.GaussianBlur(numbers.normal(0, 1, truth.shape).astype(np.float32), (0, 0), 3)
    probability = 1 / (1 + np.exp(-8 * (wide - 0.5) - 4 * rough))
    return truth, np.clip(picture, 0, 255).astype(np.uint8)[..., None], probability.astype(np.float32)


def refined(picture: np.ndarray, probabilities: np.ndarray, threshold: float = 0.5, step: int = 70,
            **values: Any) -> tuple[np.ndarray, np.ndarray, int]:  # fmt: skip
    """Labels, scores and changed pixels, of rows that come ``step`` at a time."""
    size = probabilities.shape[1:]
    config = PostprocessConfig(refine="dense_crf", **values)
    at_work = BlockwiseCrf(
        size, len(probabilities), config, threshold,
        lambda r: picture[r[0] : r[0] + r[2], r[1] : r[1] + r[3]],
    )  # fmt: skip
    labels, scores, expected = np.full(size, 99, np.uint8), np.full(size, -1, np.float32), 0
    for top in range(0, size[0], step):
        for first, of_rows, score in at_work.add(probabilities[:, top : top + step]):
            assert first == expected
            expected += len(of_rows)
            labels[first:expected], scores[first:expected] = of_rows, score
    assert expected == size[0]
    return labels, scores, at_work.changed


def iou(labels: np.ndarray, truth: np.ndarray) -> float:
    return float((labels & truth).sum() / (labels | truth).sum())


@needs_library
def test_outlines_move_to_the_edges_of_the_image() -> None:
    truth, picture, probability = scene(200, 240)
    plain = (probability > 0.5).astype(np.uint8)
    labels, scores, changed = refined(picture, probability[None])
    assert iou(plain, truth) < 0.9 < iou(labels, truth)
    assert changed == np.count_nonzero(labels != plain) > 0
    assert np.array_equal(scores, probability)  # still what the model said of the object


@needs_library
@pytest.mark.parametrize("step", [1000, 33])
def test_blocks_are_nearly_the_whole(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    _, picture, probability = scene(330, 410)
    whole, _, changed = refined(picture, probability[None], crf_distance=15)
    monkeypatch.setattr(crf, "_SIDE", 128)
    blocks, _, _ = refined(picture, probability[None], step=step, crf_distance=15)
    assert changed > 1000
    assert np.mean(blocks != whole) < 2e-3


@needs_library
def test_rows_held_do_not_grow_with_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crf, "_SIDE", 64)
    made = BlockwiseCrf(
        (10_000, 20), 3, PostprocessConfig(refine="dense_crf", crf_distance=10), 0.5, np.empty
    )
    assert made._held.shape == (3, 64 + 2 * 20, 20)


@needs_library
def test_several_classes_keep_the_probability_of_the_class_that_is_chosen() -> None:
    truth, picture, probability = scene(90, 120)
    three = np.stack([(1 - probability) * 0.7, probability, (1 - probability) * 0.3])
    labels, scores, changed = refined(picture, three)
    assert set(np.unique(labels)) <= {0, 1} and changed
    assert iou(labels, truth) > iou(three.argmax(0) == 1, truth)
    assert np.array_equal(scores, np.take_along_axis(three, labels[None].astype(int), 0)[0])


@needs_library
@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.9])
def test_it_starts_from_the_threshold(threshold: float) -> None:
    """On a picture of one colour, and with next to no pull, the mask is that of the threshold."""
    _, _, probability = scene(40, 50)
    flat = np.full((40, 50, 1), 70, np.uint8)
    # Pixels as far apart as 0.5 px do not pull at each other
    labels, _, changed = refined(flat, probability[None], threshold, crf_strength=1e-6, crf_distance=1, crf_smoothness=0.5,
                                 crf_iterations=1)  # fmt: skip
    plain = probability > threshold
    assert np.mean(labels != plain) < 0.03 and changed == np.count_nonzero(labels != plain)


@needs_library
@pytest.mark.parametrize("size", [(1, 1), (1, 30), (30, 1), (3, 600)])
def test_tiny_and_narrow_images(size: tuple[int, int]) -> None:
    probability = np.linspace(0, 1, size[0] * size[1], dtype=np.float32).reshape(size)
    picture = np.repeat((probability * 255).astype(np.uint8)[..., None], 3, 2)
    labels, _, _ = refined(picture, probability[None])
    assert set(np.unique(labels)) <= {0, 1}
    assert labels.flat[0] == 0


def test_where_one_class_leads_everywhere_nothing_is_computed() -> None:
    def never(region: tuple[int, int, int, int]) -> np.ndarray:
        raise AssertionError("the image is not needed")

    config = PostprocessConfig(refine="dense_crf")
    for value, expected in ((0.1, 0), (0.9, 1)):
        at_work = BlockwiseCrf((700, 600), 1, config, 0.5, never)
        rows = [labels for _, labels, _ in at_work.add(np.full((1, 700, 600), value, np.float32))]
        assert np.array_equal(np.concatenate(rows), np.full((700, 600), expected)) and not at_work.changed


def test_what_is_missing_is_said_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for version, words in (
        (
            (3, 12, 1),
            "The library that moves outlines to edges (pydensecrf2) is not installed. Install with: python -m pip install ",
        ),
        (
            (3, 13, 0),
            "The library that moves outlines to edges (pydensecrf2) does not compile on Python 3.13",
        ),
    ):
        monkeypatch.setattr(sys, "version_info", version)
        assert crf.unavailable().startswith(words)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    assert crf.unavailable() == ""

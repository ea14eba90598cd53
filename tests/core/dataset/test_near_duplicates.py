"""Pictures of one thing are found, and pictures of different things are not called so."""

from __future__ import annotations

import csv
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest

from src.core.dataset.checking.near_duplicates import Match, Signature, clusters, linked, matches, signature
from src.core.dataset.files.images import read_image


def signatures(pictures: dict[str, np.ndarray]) -> dict[str, Signature]:
    return {name: mark for name, picture in pictures.items() if (mark := signature(picture)) is not None}


def texture(seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    total = np.zeros((128, 128), np.float32)
    for cells in (6, 12, 25, 50):
        total += cv2.resize(random.normal(0, 1, (cells, cells)).astype(np.float32), (128, 128))
    return np.clip(120 + 20 * total, 0, 255).astype(np.uint8)


def pairs_within(folder: dict[str, str]) -> set[tuple[str, str]]:
    return {(a, b) for a, b in combinations(sorted(folder), 2) if folder[a] == folder[b]}


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p,
        lambda p: np.clip(p * 0.4 + 10, 0, 255).astype(np.uint8),
        lambda p: cv2.resize(p, (90, 70), interpolation=cv2.INTER_AREA),
        lambda p: p[4:, 3:-3],
        lambda p: cv2.imdecode(cv2.imencode(".jpg", p, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], 0),
        lambda p: np.clip(p + np.linspace(0, 90, 128)[None, :], 0, 255).astype(np.uint8),
    ],
    ids=["copy", "darker", "smaller", "cropped", "compressed", "lit from the side"],
)
def test_a_changed_picture_is_found(change: Callable[[np.ndarray], np.ndarray]) -> None:
    pictures = {f"p{k:02}": texture(k) for k in range(20)}
    pictures["x"] = change(pictures["p07"])
    assert clusters(signatures(pictures)) == {"p07": "p07", "x": "p07"}


def test_one_object_on_noise_is_not_one_picture() -> None:
    random = np.random.default_rng(0)
    for noise in (0, 2, 15):
        pictures = {}
        for k in range(60):
            picture = np.full((128, 128), 120.0) + random.normal(0, noise, (128, 128))
            at = tuple(int(v) for v in random.integers(25, 100, 2))
            pictures[str(k)] = np.clip(cv2.circle(picture, at, 12, 40.0, -1), 0, 255).astype(np.uint8)
        assert not clusters(signatures(pictures))


def test_order_and_many_copies_do_not_matter() -> None:
    pictures = {f"p{k}": texture(k) for k in range(6)} | {f"q{k:04}": texture(3) for k in range(500)}
    marks = signatures(pictures)
    found = clusters(marks)
    assert found == clusters(dict(reversed(marks.items())))
    assert len(found) == 501 and set(found.values()) == {"p3"}


def test_a_film_does_not_become_one_cluster() -> None:
    chain = [Match(f"f{k:02}", f"f{k + 1:02}", 0.9 - k / 1000) for k in range(30)]
    found = linked(chain)
    assert max(list(found.values()).count(name) for name in set(found.values())) <= 4


def film(frames: int, step: float, noise: float) -> dict[str, np.ndarray]:
    """A camera that moves slowly along one scene."""
    random = np.random.default_rng(5)
    scene = (
        cv2.resize(random.normal(0, 25, (20, 60)).astype(np.float32), (int(130 + step * frames), 128)) + 120
    )
    pictures = {}
    for k in range(frames):
        seen = cv2.warpAffine(scene, np.array([[1, 0, -step * k], [0, 1, 0]], np.float32), (128, 128))
        pictures[f"f{k:04}"] = np.clip(seen + random.normal(0, noise, seen.shape), 0, 255).astype(np.uint8)
    return pictures


@pytest.mark.parametrize(("step", "noise"), [(0.05, 12), (1.0, 8)])
def test_a_film_costs_a_bounded_number_of_alignments(
    monkeypatch: pytest.MonkeyPatch, step: float, noise: float
) -> None:
    aligned: list[int] = []
    once = cv2.phaseCorrelate
    monkeypatch.setattr(cv2, "phaseCorrelate", lambda *words: aligned.append(1) or once(*words))
    marks = signatures(film(300, step, noise))
    found = matches(marks)
    assert len(aligned) <= 10 * len(marks)
    assert {m.first for m in found} | {m.second for m in found} == set(marks)


def test_progress_is_told_within_the_search_and_cancelling_ends_it_there() -> None:
    marks = signatures(film(400, 0.05, 12))
    told: list[tuple[int, int]] = []
    everything = matches(marks, None, lambda done, of: told.append((done, of)))
    assert told == sorted(told) and told[-1] == (400, 400) and len(told) > 5
    assert any(0 < done < 400 for done, _ in told)
    told.clear()
    some = matches(marks, lambda: len(told) >= 2, lambda done, of: told.append((done, of)))
    assert 0 < len(some) < len(everything)


def test_pictures_without_structure_have_no_signature() -> None:
    assert signature(np.full((50, 60, 3), 7, np.uint8)) is None and matches({}) == []


def test_the_tiles_of_magnetic_tile_are_found(real: Callable[[str], Path]) -> None:
    root = real("magnetic_tile")
    with (root / "tiles.csv").open(newline="", encoding="utf-8") as stream:
        tile = {row["image"]: row["tile"] for row in csv.DictReader(stream)}
    marks = signatures({name: read_image(root / name, 1, min_size=(96, 96)) for name in tile})
    found, true = pairs_within(clusters(marks)), pairs_within(tile)
    # Some tiles stand in the table under two or three numbers, and a few numbers hold two tiles: see the pictures.
    assert len(found & true) / len(found) > 0.93 and len(found & true) / len(true) > 0.85


def test_distinct_pictures_of_real_sets_are_not_called_alike(real: Callable[[str], Path]) -> None:
    for name in ("coco_nuts/images", "isbi_membrane/image"):
        files = sorted(real(name).iterdir())
        assert not clusters(signatures({f.name: read_image(f, 1, min_size=(96, 96)) for f in files}))

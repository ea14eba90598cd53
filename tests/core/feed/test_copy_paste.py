"""Copy-paste: whose objects, where, and that everything else stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from src.core.dataset.anchors import Anchors
from src.core.dataset.config import CopyPasteConfig
from src.core.dataset.masks import MaskMeaning
from src.core.dataset.records import Sample
from src.core.feed.augment import Augmentation
from src.core.feed.copy_paste import CopyPaste, paste_to_show
from src.core.feed.dataset import ImageMaskDataset
from src.core.feed.loader import FeedLoader

Make = Callable[..., list[Sample]]
ALWAYS = CopyPasteConfig(probability=1.0, scale=0.0)


def labelled(samples: list[Sample]) -> list[Sample]:
    """With the classes that the scan of a data set finds."""
    return [Sample(s.id, s.image, s.mask, s.group, has_object=s.has_object, classes=(0, 1) if s.has_object else (0,),
                   width=s.width, height=s.height) for s in samples]  # fmt: skip


def training_set(
    samples: list[Sample], options: CopyPasteConfig | None, probability: float = 0.5
) -> ImageMaskDataset:
    change = Augmentation(48, probability=probability)
    found = ImageMaskDataset(labelled(samples), MaskMeaning("binary"), 48, augmentation=change, seed=5)
    if options is not None:
        found.copy_paste(options, Anchors(), [1000, 100])
    return found


def blob(number: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """A giver of one bright L of 6 x 4 pixels."""
    image, mask = np.full((20, 30, 3), 10, np.uint8), np.zeros((20, 30), np.uint8)
    mask[5:11, 7:9] = number
    mask[9:11, 7:11] = number
    image[mask > 0] = (200, 150, 90)
    return image, mask


def test_an_object_is_pasted_whole_with_its_mask_and_nothing_else_changes() -> None:
    paste = CopyPaste([500, 10], [np.arange(2), np.arange(2)], 1.0, scale=0.0)
    image, mask = np.full((20, 30, 3), 77, np.uint8), np.zeros((20, 30), np.uint8)
    image.flags.writeable = mask.flags.writeable = False  # a view into the cache
    places = set()
    for seed in range(20):
        picture, truth = paste.paste(image, mask, *blob(), 1, np.random.default_rng(seed))
        assert (truth == 1).sum() == (blob()[1] == 1).sum()
        assert (picture[truth == 1] == (200, 150, 90)).all() and (picture[truth == 0] == 77).all()
        rows, columns = np.nonzero(truth)
        assert np.array_equal(
            truth[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1], blob()[1][5:11, 7:11]
        )
        places.add((rows.min(), columns.min()))
    assert len(places) > 10


def test_padding_is_never_covered() -> None:
    paste = CopyPaste([500, 10], [np.arange(2), np.arange(2)], 1.0)
    image, mask = np.full((20, 30, 3), 77, np.uint8), np.full((20, 30), 255, np.uint8)
    mask[:, 15:] = 0
    pasted = 0
    for seed in range(20):
        picture, truth = paste.paste(image, mask, *blob(), 1, np.random.default_rng(seed))
        assert (truth[:, :15] == 255).all() and (picture[:, :15] == 77).all()
        pasted += int((truth == 1).any())
    assert 5 < pasted < 20


def test_a_soft_edge_blends_the_rim_and_keeps_the_mask_hard() -> None:
    giver, given = np.full((40, 40, 3), 200, np.uint8), np.zeros((40, 40), np.uint8)
    given[10:30, 10:30] = 1
    image, mask = np.zeros((40, 40, 3), np.uint8), np.zeros((40, 40), np.uint8)
    hard, soft = (CopyPaste([9, 9], [np.arange(2)] * 2, 1.0, scale=0.0, soft_edge=e) for e in (0.0, 3.0))
    a, b = (p.paste(image, mask, giver, given, 1, np.random.default_rng(1)) for p in (hard, soft))
    assert np.array_equal(a[1], b[1]) and set(np.unique(a[0])) == {0, 200}
    top, left = (int(k.min()) for k in np.nonzero(b[1]))
    row = b[0][top + 10, left : left + 6, 0].tolist()
    assert row == [50, 100, 150, 200, 200, 200] and (b[0][b[1] == 0] == 0).all()
    thin = np.zeros((40, 40), np.uint8)
    thin[5, 5:9] = 1  # a scratch of one pixel must still be seen
    picture, truth = soft.paste(image, mask, giver, thin, 1, np.random.default_rng(1))
    assert (picture[truth == 1] == 200).all()


def test_size_changes_within_bounds_and_an_object_as_large_as_the_image_fits() -> None:
    paste = CopyPaste([9, 9], [np.arange(2)] * 2, 1.0, scale=0.5)
    given = np.zeros((40, 40), np.uint8)
    given[10:20, 10:20] = 1
    areas = []
    for seed in range(60):
        _, truth = paste.paste(np.zeros((40, 40, 1), np.uint8), np.zeros((40, 40), np.uint8), np.zeros((40, 40, 1), np.uint8),
                               given, 1, np.random.default_rng(seed))  # fmt: skip
        areas.append(int(truth.sum()))
    assert 20 <= min(areas) <= 40 and 180 <= max(areas) <= 225
    _, truth = paste.paste(
        *blob(), np.zeros((20, 30, 3), np.uint8), np.ones((20, 30), np.uint8), 1, np.random.default_rng(3)
    )
    assert truth.shape == (20, 30)


def test_rare_classes_come_by_the_inverse_root_of_their_pixels_and_never_the_item_itself() -> None:
    paste = CopyPaste([9, 1600, 100], [np.arange(4), np.array([0, 1, 2]), np.array([2, 3])], 1.0)
    rng = np.random.default_rng(0)
    chosen = [paste.choose(2, rng) for _ in range(3000)]
    numbers = np.array([c[0] for c in chosen if c])
    assert (numbers == 2).mean() == pytest.approx(4 / 5, abs=0.03)
    assert all(c and c[1] != 2 for c in chosen)
    alone = CopyPaste([9, 5], [np.arange(4), np.array([1])], 1.0)
    assert alone.choose(1, rng) is None and alone.choose(0, rng) == (1, 1)
    share = CopyPaste([9, 5], [np.arange(4), np.arange(4)], 0.3)
    assert np.mean([share.choose(0, rng) is not None for _ in range(3000)]) == pytest.approx(0.3, abs=0.03)


def test_with_probability_0_the_set_is_bit_for_bit_what_it_was(make_samples: Make) -> None:
    samples = make_samples(9)
    plain, off = training_set(samples, None), training_set(samples, CopyPasteConfig(probability=0.0))
    for index in range(9):
        a, b = plain.fetch(3, index)[0], off.fetch(3, index)[0]
        assert a and b and np.array_equal(a.image, b.image) and np.array_equal(a.mask, b.mask)


def test_what_is_pasted_leaves_the_image_around_it_as_it_was(make_samples: Make) -> None:
    samples = make_samples(9)
    plain, on = training_set(samples, None), training_set(samples, ALWAYS)
    grown = 0
    for index in range(9):
        a, b = plain.fetch(3, index)[0], on.fetch(3, index)[0]
        assert a and b
        changed = (a.image != b.image).any(2)
        assert (b.mask[changed] == 1).all() and np.array_equal(a.mask[~changed & (a.mask == 0) & (b.mask == 0)], b.mask[
            ~changed & (a.mask == 0) & (b.mask == 0)])  # fmt: skip
        assert np.array_equal(a.mask == 255, b.mask == 255)
        grown += int((b.mask == 1).sum() > (a.mask == 1).sum())
    assert grown >= 6


def test_the_same_with_any_workers_and_from_the_middle(make_samples: Make) -> None:
    samples = make_samples(13)
    found = []
    for workers, kind in ((0, "auto"), (2, "thread"), (2, "process")):
        with FeedLoader(
            training_set(samples, ALWAYS), 4, seed=1, shuffle=True, workers=workers, worker_kind=kind
        ) as loader:  # type: ignore[arg-type]
            batches = list(loader.epoch(2))
            middle = list(loader.epoch(2, start_batch=2))
        assert [(b["epoch"], b["number"]) for b in batches] == [(2, n) for n in range(4)]
        assert [b["number"] for b in middle] == [2, 3]
        assert all(torch.equal(a["image"], b["image"]) for a, b in zip(batches[2:], middle, strict=True))
        found.append(batches)
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            assert torch.equal(a["image"], b["image"]) and torch.equal(a["mask"], b["mask"])


def test_a_giver_that_cannot_be_read_is_named_and_the_image_kept(make_samples: Make) -> None:
    samples = make_samples(6)  # objects on 0 and 3
    Path(samples[3].image).write_bytes(b"no image")
    plain, on = training_set(samples, None), training_set(samples, ALWAYS)
    a, (b, bad) = plain.fetch(1, 0)[0], on.fetch(1, 0)
    assert a and b and np.array_equal(a.image, b.image) and [x.path for x in bad] == [samples[3].image]


def test_windows_are_cut_about_the_givers_objects(make_samples: Make) -> None:
    samples = labelled(make_samples(6))
    places = {s.id: np.array([[1, s.height // 2, s.width // 3]], np.int32) for s in samples if s.has_object}
    data = ImageMaskDataset(samples, MaskMeaning("binary"), 32, fit="crop", seed=5,
                            augmentation=Augmentation(32, fit="crop", probability=0.0))  # fmt: skip
    data.copy_paste(ALWAYS, Anchors(places), [1000, 100])
    assert all((data.fetch(epoch, 1)[0].mask == 1).any() for epoch in range(8))  # type: ignore[union-attr]


def test_givers_are_samples_of_the_same_set(make_samples: Make) -> None:
    """The set is the training set: no pixel of validation or test can come in."""
    samples = make_samples(12)
    read: list[str] = []
    data = training_set(samples[:6], ALWAYS)
    reader = data.reader.read
    data.reader.read = lambda sample, *a, **k: read.append(sample.id) or reader(sample, *a, **k)  # type: ignore[method-assign, func-returns-value]
    for index in range(6):
        data.fetch(1, index)
    assert set(read) <= {s.id for s in samples[:6]} and len(read) > 6


def test_a_window_shows_what_one_giver_would_give() -> None:
    image, mask = np.full((20, 30, 3), 77, np.uint8), np.zeros((20, 30), np.uint8)
    giver = dict(zip(("image", "mask"), blob(3), strict=True))
    pair = {"image": image, "mask": mask}
    shown = paste_to_show(ALWAYS, pair, giver, np.random.default_rng(0))
    assert (shown["mask"] == 3).sum() == (giver["mask"] == 3).sum() and not (pair["mask"] == 3).any()
    empty = {"image": image, "mask": np.full_like(mask, 255)}
    assert paste_to_show(ALWAYS, pair, empty, np.random.default_rng(0))["image"] is image
    never = CopyPasteConfig(probability=0.0)
    assert paste_to_show(never, pair, giver, np.random.default_rng(0))["image"] is image

"""What an epoch draws: rare classes often enough, windows about objects, the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from src.core.dataset.masks import MaskMeaning
from src.core.dataset.packed_samples import PackedSamples
from src.core.dataset.records import Sample
from src.core.feed.augment import Augmentation
from src.core.feed.dataset import ImageMaskDataset
from src.core.feed.loader import FeedLoader
from src.core.feed.sampling import Drawing, focus_on, rarity

Make = Callable[..., list[Sample]]


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.6, 1.0])
def test_classes_get_equal_parts_of_their_share(share: float) -> None:
    common, rare = np.arange(90), np.array([3, 97])
    drawing = Drawing(100, holding=[common, rare], class_balance=share)
    for seed in range(5):
        order = drawing.order(generator(seed))
        assert len(order) == 100 and order.min() >= 0 and order.max() < 100
        of_rare = np.isin(order, rare).sum()
        assert of_rare >= round(share * 100) // 2
        if share == 1:
            times = np.bincount(order, minlength=100)
            assert times[97] in (25, 26) and of_rare <= 53
    assert np.array_equal(drawing.order(generator(7)), drawing.order(generator(7)))
    assert not np.array_equal(drawing.order(generator(7)), drawing.order(generator(8)))


def test_a_class_that_no_image_holds_takes_nothing() -> None:
    order = Drawing(10, holding=[np.array([2]), np.zeros(0, np.int64)], class_balance=0.5).order(generator())
    assert (order == 2).sum() >= 5 and len(order) == 10


def test_drawn_again_means_changed_anew(make_samples: Make) -> None:
    samples = [
        Sample(
            s.id,
            s.image,
            s.mask,
            s.group,
            "",
            s.has_object,
            (0, 1) if s.has_object else (0,),
            s.width,
            s.height,
        )
        for s in make_samples(12)
    ]
    change = Augmentation(32, fit="letterbox")
    data = ImageMaskDataset(samples, MaskMeaning("binary"), 32, augmentation=change)
    loader = FeedLoader(data, 4, shuffle=True, class_balance=0.9)
    keys = [key for batch in loader.keys(3) for key in batch]
    assert len(set(keys)) == 12 and {k.epoch for k in keys} == {3}
    assert sum(samples[k.item].has_object for k in keys) >= 10
    drawn: dict[int, int] = {}
    for key in keys:
        assert key.repeat == drawn.get(key.item, 0)
        drawn[key.item] = key.repeat + 1
    later = loader.keys(3, start_batch=1)
    assert [list(b) for b in later] == [list(b) for b in loader.keys(3)][1:]


def test_windows_are_cut_about_objects_and_rare_ones_first() -> None:
    places = np.array([[1, 5, 5]] * 90 + [[2, 70, 80]], np.int32)
    weights = rarity([10**6, 10**4, 100])
    assert weights[0] == 0 and weights[2] == pytest.approx(10 * weights[1])
    found = [focus_on(places, weights, 0.5, generator(seed)) for seed in range(2000)]
    cut = [at for at in found if at is not None]
    assert 0.45 < len(cut) / 2000 < 0.55
    assert 0.87 < sum(at == (70, 80) for at in cut) / len(cut) < 0.95
    assert focus_on(np.zeros((0, 3), np.int32), weights, 1.0, generator()) is None
    assert focus_on(places, np.zeros(3), 1.0, generator()) is None


def test_focus_brings_objects_into_the_windows(make_samples: Make) -> None:
    sample = make_samples(1)[0]  # 70 by 50 pixels; a disc about (25, 23)

    class Disc:
        def of(self, _: str) -> np.ndarray:
            return np.array([[1, 25, 23]], np.int32)

    shown = []
    for share in (0.0, 1.0):
        change = Augmentation(12, fit="crop", probability=0.0)
        data = ImageMaskDataset([sample], MaskMeaning("binary"), 12, fit="crop", augmentation=change)
        data.focus(Disc(), share, [1000, 100])
        items = [data.fetch(epoch, 0)[0] for epoch in range(60)]
        shown.append(sum(bool((item.mask == 1).any()) for item in items if item is not None))
        again = data.fetch(7, 0)[0]
        assert again is not None and items[7] is not None and np.array_equal(again.image, items[7].image)
    assert shown[0] < 40 and shown[1] == 60


def test_packed_samples_are_the_samples() -> None:
    samples = [
        Sample("ä/1.png", "/data/ä/1.png", "/masks/ä/1.png", "g", "s", True, (0, 2, 250), 4, 3),
        Sample("b.png", "/data/b.png", None, "b"),
        Sample("c\udcff.png", "/data/c\udcff.png", "/masks/c\udcff.png", "c", "", False, (0,), 70000, 1),
    ]
    packed = PackedSamples(samples)
    assert list(packed) == samples and packed[-1] == samples[2] and packed[:2] == samples[:2]
    assert packed.has_object.tolist() == [True, False, False]
    assert (
        packed.holding(0).tolist() == [0, 2]
        and packed.holding(250).tolist() == [0]
        and not len(packed.holding(9))
    )
    with pytest.raises(IndexError):
        packed[3]
    assert list(PackedSamples([])) == []

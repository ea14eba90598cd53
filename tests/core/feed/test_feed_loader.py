"""The loader: same bytes for every kind of worker, order, resume, quarantine, and nothing left behind."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from src.core.dataset.masks import MaskMeaning
from src.core.dataset.records import Sample
from src.core.feed.augment import Augmentation
from src.core.feed.dataset import ImageMaskDataset, Key, TooManyUnreadableError
from src.core.feed.loader import FeedLoader
from src.core.feed.workers import resolve_workers

Make = Callable[..., list[Sample]]
BINARY = MaskMeaning("binary")


def training_set(samples: list[Sample], **options: object) -> ImageMaskDataset:
    return ImageMaskDataset(samples, BINARY, 32, augmentation=Augmentation(32), seed=5, **options)  # type: ignore[arg-type]


def same(one: list[dict], two: list[dict]) -> bool:
    return len(one) == len(two) and all(
        torch.equal(a[key], b[key])
        for a, b in zip(one, two, strict=True)
        for key in ("image", "mask", "index")
    )


def worker_processes() -> list[psutil.Process]:
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it ended, perhaps that of a test before this one
            if process.is_running() and "resource_tracker" not in " ".join(process.cmdline()):
                found.append(process)
    return found


def test_same_bytes_with_0_workers_threads_and_processes(make_samples: Make) -> None:
    samples = make_samples(13)
    Path(samples[4].image).write_bytes(b"not an image")
    before = len(worker_processes())
    epochs = []
    for workers, kind in ((0, "auto"), (2, "thread"), (2, "process")):
        options = {
            "shuffle": True,
            "drop_last": True,
            "workers": workers,
            "worker_kind": kind,
            "balance": 0.6,
        }
        random = torch.get_rng_state()
        with FeedLoader(training_set(samples, max_unreadable=0.1), 4, seed=1, **options) as loader:
            batches = [batch for epoch in (0, 1) for batch in loader.epoch(epoch)]
            next(loader.epoch(2))  # abandoned
            assert same(list(loader.epoch(1, start_batch=2)), batches[5:])
        epochs.append(batches)
        loader.close()
        assert torch.equal(random, torch.get_rng_state()), "what drop-out draws must not depend on who reads"
    assert len(epochs[0]) == 6 and not same(epochs[0][:3], epochs[0][3:])
    assert same(epochs[0], epochs[1]) and same(epochs[0], epochs[2])
    found = [[bad for batch in batches for bad in batch["unreadable"]] for batches in epochs]
    assert found[0] == found[1] == found[2] and [bad.path for bad in found[0]] == [samples[4].image]
    assert len(worker_processes()) == before
    assert not [t for t in threading.enumerate() if t.name.startswith("loader")]


def test_batches_are_uint8_in_channels_last_memory(make_samples: Make) -> None:
    batch = next(FeedLoader(training_set(make_samples(5)), 4).epoch(0))
    assert batch["image"].dtype == batch["mask"].dtype == torch.uint8 and batch["index"].dtype == torch.int64
    assert batch["image"].shape == (4, 3, 32, 32) and batch["mask"].shape == (4, 32, 32)
    assert batch["image"].is_contiguous(memory_format=torch.channels_last)
    assert set(batch["mask"].unique().tolist()) <= {0, 1, 255} and batch["unreadable"] == []


def test_order_is_a_function_of_seed_and_epoch(make_samples: Make) -> None:
    data = training_set(make_samples(12))
    loader = FeedLoader(data, 5, seed=3, shuffle=True)
    assert sorted(loader.order(0)) == list(range(12))
    assert np.array_equal(loader.order(7), FeedLoader(data, 2, seed=3, shuffle=True).order(7))
    assert not np.array_equal(loader.order(0), loader.order(1))
    assert not np.array_equal(loader.order(0), FeedLoader(data, 5, seed=4, shuffle=True).order(0))
    assert np.array_equal(FeedLoader(data, 5).order(9), np.arange(12))


@pytest.mark.parametrize("balance", [0.2, 0.5, 0.8, 1.0])
def test_balance_draws_objects_often_enough_and_equally(make_samples: Make, balance: float) -> None:
    data = training_set(make_samples(13))  # five of them show an object
    loader = FeedLoader(data, 4, shuffle=True, balance=balance)
    order = loader.order(2)
    times = np.bincount(order, minlength=13)
    having = data.has_object
    assert len(order) == 13 and times[having].sum() >= balance * 13
    assert times[having].max() - times[having].min() <= 1 and times[~having].max() <= 1
    if balance == 0.2:
        assert (times == 1).all()
    keys = [key for batch in loader.keys(2) for key in batch]
    assert len(set(keys)) == len(keys), "a repeated sample must get randomness of its own"


def test_balance_does_nothing_without_objects(make_samples: Make) -> None:
    empty = [s for s in make_samples(9) if not s.has_object]
    assert sorted(FeedLoader(training_set(empty), 2, shuffle=True, balance=0.9).order(0)) == list(range(6))


def test_randomness_is_a_function_of_seed_epoch_index_and_repeat(make_samples: Make) -> None:
    data = training_set(make_samples(4))
    draws = {
        tuple(data.generator(Key(epoch, item, repeat)).random(2))
        for epoch in range(3)
        for item in range(4)
        for repeat in (0, 1)
    }
    assert len(draws) == 24
    one, two = data.fetch(1, 2)[0], data.fetch(1, 2)[0]
    assert one is not None and two is not None and np.array_equal(one.image, two.image)


@pytest.mark.parametrize(
    ("count", "batch", "drop", "sizes"),
    [(7, 3, True, [3, 3]), (7, 3, False, [3, 3, 1]), (2, 5, True, [2]), (6, 3, True, [3, 3])],
)
def test_last_batch(make_samples: Make, count: int, batch: int, drop: bool, sizes: list[int]) -> None:
    loader = FeedLoader(training_set(make_samples(count)), batch, drop_last=drop)
    assert [len(b["index"]) for b in loader.epoch(0)] == sizes and len(loader) == len(sizes)


def test_validation_leaves_unreadable_files_out(make_samples: Make) -> None:
    samples = make_samples(6)
    Path(samples[1].mask or "").write_bytes(b"")
    loader = FeedLoader(ImageMaskDataset(samples, BINARY, 32, max_unreadable=0.5), 3)
    batches = list(loader.epoch(0))
    assert [b["index"].tolist() for b in batches] == [[0, 2], [3, 4, 5]]
    assert [bad.path for bad in batches[0]["unreadable"]] == [samples[1].mask]
    assert "empty" in loader.quarantined[samples[1].mask or ""]
    assert next(iter(loader.epoch(1)))["unreadable"] == [], "reported once"


@pytest.mark.parametrize("kind", ["caller", "thread"])
def test_too_many_unreadable_files_end_the_epoch_with_a_sentence(make_samples: Make, kind: str) -> None:
    samples = make_samples(10)
    for sample in samples[2:5]:
        Path(sample.image).unlink()
    workers = 0 if kind == "caller" else 2
    with (
        FeedLoader(
            training_set(samples, max_unreadable=0.2), 2, workers=workers, worker_kind="thread"
        ) as loader,
        pytest.raises(TooManyUnreadableError, match="3 of 10 samples could not be read, more than the 2"),
    ):
        list(loader.epoch(0))


def test_values_without_meaning_and_other_sizes_are_quarantined(make_samples: Make) -> None:
    samples = make_samples(6, ".jpg")
    index = MaskMeaning("index", ("a", "b"), (0, 255))
    mixed = [*samples[:4], Sample("x", samples[4].image, samples[0].mask, "x", width=64, height=64)]
    data = ImageMaskDataset(mixed, index, 32, augmentation=Augmentation(32), max_unreadable=0.5)
    reasons = [bad.reason for bad in data.fetch(0, 4)[1]]
    assert len(reasons) == 1 and "differ in size" in reasons[0]
    strict = MaskMeaning("index", ("a", "b"), (0, 1))
    reasons = [bad.reason for bad in ImageMaskDataset(samples, strict, 32).fetch(0, 0)[1]]
    assert len(reasons) == 1 and "255" in reasons[0]


def test_errors_of_worker_processes_keep_their_type_and_sentence(make_samples: Make) -> None:
    samples = make_samples(4)
    for sample in samples:
        Path(sample.image).unlink()
    with FeedLoader(training_set(samples), 2, workers=1, worker_kind="process") as loader:  # noqa: SIM117
        with pytest.raises(TooManyUnreadableError, match=r"00\.png does not exist"):
            list(loader.epoch(0))


def test_a_killed_worker_process_is_told(make_samples: Make, tmp_path: Path) -> None:
    """In a process of its own: torch's signal handler raises wherever the main thread is, and would hit another test."""
    samples = tmp_path / "samples.json"
    samples.write_text(json.dumps([s.to_dict() for s in make_samples(24)]), "utf-8")
    script = Path(__file__).with_name("killed_worker.py")
    done = subprocess.run(
        [sys.executable, str(script), str(samples)], capture_output=True, text=True, timeout=100, check=False
    )
    assert "ended from outside" in done.stdout, done.stdout + done.stderr


def test_crop_validation_covers_each_image_once(make_samples: Make) -> None:
    samples = make_samples(3)
    data = ImageMaskDataset(samples, BINARY, 32, fit="crop")
    batches = list(FeedLoader(data, 64).epoch(0))
    for number, sample in enumerate(samples):
        tiles = torch.cat([b["mask"][data.item_samples[b["index"]] == number] for b in batches])
        assert int((tiles != 255).sum()) == sample.width * sample.height
        assert bool((tiles == 1).any()) == sample.has_object
    assert data.sample_of(len(data) - 1) == samples[2]


def test_jpegs_are_read_reduced_without_displacement(tmp_path: Path, make_samples: Make) -> None:
    import cv2

    mask = np.zeros((256, 400), np.uint8)
    mask[100:180, 60:200] = 255
    cv2.imwrite(str(tmp_path / "a.jpg"), np.dstack([mask] * 3))
    cv2.imwrite(str(tmp_path / "a.png"), mask)
    sample = Sample("a", str(tmp_path / "a.jpg"), str(tmp_path / "a.png"), "a", width=400, height=256)
    for fit in ("letterbox", "stretch"):
        item = ImageMaskDataset([sample], BINARY, 96, fit=fit).fetch(0, 0)[0]  # type: ignore[arg-type]
        assert item is not None
        wrong = (item.image[..., 1] > 127) != (item.mask == 1)
        assert (wrong & (item.mask != 255)).mean() < 0.02


def test_resolve_workers() -> None:
    assert resolve_workers(0) == (0, "thread") and resolve_workers(3, "process") == (3, "process")
    assert resolve_workers(-1, "auto", "cpu", cores=2) == (1, "thread")
    assert resolve_workers(-1, "auto", "cuda", cores=2) == (1, "thread")
    assert resolve_workers(-1, "auto", "cuda", cores=16) == (15, "process")


def test_refusals_are_sentences(make_samples: Make) -> None:
    with pytest.raises(ValueError, match="no images"):
        FeedLoader(training_set([]), 2)
    with pytest.raises(ValueError, match="at least 1"):
        FeedLoader(training_set(make_samples(3)), 0)
    with pytest.raises(ValueError, match="same size and fit"):
        ImageMaskDataset([], BINARY, 64, augmentation=Augmentation(32))

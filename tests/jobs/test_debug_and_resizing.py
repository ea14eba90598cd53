"""A quick trial is marked as one; growing images reach the network at their size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from src.core.engine import callbacks
from src.core.engine.callbacks import EVENTS, Callback
from src.core.run import EventTail, RunFolder
from src.jobs.train import run_training


@pytest.mark.timeout(60)
def test_a_quick_trial_is_short_and_says_so(new_run: Callable[..., RunFolder]) -> None:
    folder = new_run("training.debug.fast=true", "training.epochs=50", "training.batch_size=1")
    assert run_training(folder.path, resume=False, follow_parent=False) == 0
    events = list(EventTail(folder.events).read())
    started = next(e for e in events if e.type == "run_started")
    assert started["trial"] is True and started["epochs"] == 2 and started["steps_per_epoch"] == 4
    assert [e["message"][:21] for e in events if e.get("code") == "debug.fast"] == ["This is a quick trial"]
    assert sum(e.type == "epoch_completed" for e in events) == 2


@pytest.mark.timeout(60)
def test_more_accumulated_batches_than_an_epoch_has_are_told(new_run: Callable[..., RunFolder]) -> None:
    folder = new_run(
        "training.debug.overfit_batches=2",
        "training.epochs=1",
        "training.batch_size=1",
        "training.accumulate=9",
    )
    assert run_training(folder.path, resume=False, follow_parent=False) == 0
    (said,) = [e for e in EventTail(folder.events).read() if e.get("code") == "accumulate"]
    assert said["severity"] == "notice" and "is 9, and an epoch has 2 batches" in said["message"]


@pytest.mark.timeout(60)
def test_training_images_grow_and_validation_has_the_full_size(new_run: Callable[..., RunFolder]) -> None:
    sizes: dict[int, set[tuple[int, ...]]] = {}

    class Sizes(Callback):
        def on_epoch_start(self, trainer: Any) -> None:
            sizes[trainer.state.epoch] = {tuple(b["image"].shape[-3:]) for b in trainer.train_loader.epoch(1)}
            assert {tuple(b["image"].shape[-3:]) for b in trainer.val_loader.epoch(1)} == sizes_full

    sizes_full = {(3, 96, 96)}
    folder = new_run("training.resizing.start=0.34", "training.resizing.steps=3", "training.resizing.until=0.8",
                     "data.image_size=96", "training.epochs=5")  # fmt: skip
    assert run_training(folder.path, resume=False, follow_parent=False, callbacks=[Sizes()]) == 0
    assert [next(iter(sizes[e]))[1:] for e in (1, 2, 3, 4, 5)] == [
        (32, 32),
        (32, 32),
        (64, 64),
        (64, 64),
        (96, 96),
    ]
    assert all(len(found) == 1 for found in sizes.values())


def test_the_table_of_events_is_complete() -> None:
    named = [
        line.split("``")[1] for line in (callbacks.__doc__ or "").splitlines() if line.startswith("``on_")
    ]
    assert tuple(named) == EVENTS
    assert all(callable(getattr(Callback, name)) for name in EVENTS)
    assert {name for name in vars(Callback) if name.startswith("on_")} == set(EVENTS)

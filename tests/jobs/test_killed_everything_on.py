"""A run with every callback on, killed at random moments, is the undisturbed run bit for bit."""

from __future__ import annotations

import csv
import json
import random
import time
from collections.abc import Callable
from typing import Any

import pytest
import torch

from src.core.engine.checkpoint import read_state
from src.core.run import CheckpointIndex, ChildProcess, RunFolder, summarise
from src.jobs.train import run_training
from tests.jobs.conftest import lathe

EVERYTHING = [
    "training.epochs=6", "training.ema_decay=0.9", "training.swa.from_epoch=4", "training.swa.norm_batches=3",
    "training.accumulate=2", "training.schedule.name=plateau", "training.schedule.patience=0",
    "training.early_stopping.patience=5", "training.resizing.start=0.5", "training.resizing.steps=2", "data.image_size=64",
    "monitoring.save_every_minutes=0.0001", "monitoring.gradients=true", "monitoring.resource_every_s=0.2",
    "monitoring.trackers.tensorboard=true", "data.augmentation.probability=0.8",
]  # fmt: skip


def state_of(folder: RunFolder) -> dict[str, Any]:
    index = CheckpointIndex(folder)
    entry = index.with_role("last")
    assert entry is not None
    state = read_state(index.file_of(entry))[0]
    return {name: state[name] for name in ("model", "optimizer", "average", "swa")}


def assert_equal(a: Any, b: Any, where: str) -> None:
    if isinstance(a, torch.Tensor):
        assert torch.equal(a, b), where
    elif isinstance(a, dict):
        assert a.keys() == b.keys(), where
        for key in a:
            assert_equal(a[key], b[key], f"{where}/{key}")
    else:
        assert a == b, where


def values_of(folder: RunFolder) -> list[tuple[Any, ...]]:
    """What each epoch came to, of the table: times differ from run to run."""
    with (folder.path / "metrics.csv").open(encoding="utf-8", newline="") as handle:
        return [
            (r["epoch"], r["train_loss"], r["val_loss"], r["val_iou"], r["lr"])
            for r in csv.DictReader(handle)
        ]


@pytest.mark.timeout(300)
def test_killed_at_random_with_everything_on(new_run: Callable[..., RunFolder], no_signals: None) -> None:
    reference = new_run(*EVERYTHING, "monitoring.trackers.tensorboard=false")
    assert run_training(reference.path, resume=False, follow_parent=False) == 0
    assert [v[0] for v in values_of(reference)] == list("123456"), summarise(reference)

    # loader processes are killed in test_killed.py
    folder = new_run(*EVERYTHING, "data.workers=2", "data.worker_kind=thread")
    chance = random.Random(7)
    kills = 0
    for number in range(3):
        child = ChildProcess(folder, detached=True, resume=number > 0)
        child.start()
        before = folder.events.stat().st_size if folder.events.exists() else 0
        while child.poll() is None and (
            not folder.events.exists() or folder.events.stat().st_size < before + 2500
        ):
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.8))
        kills += child.poll() is None
        child.kill()
        child.wait(30)
        child.settle()
    assert kills >= 2
    _, result, said = lathe("resume", folder.path)
    assert result["status"] == "completed" or "has done all its" in said, said
    assert_equal(state_of(folder), state_of(reference), "state")
    assert values_of(folder) == values_of(reference)
    lines = (folder.path / "metrics.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2, 3, 4, 5, 6]

"""A run that begins from the model of another one, and goes on when that one is gone."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest

from src.core.config import ConfigError
from src.core.run import RunFolder, summarise
from src.jobs import train as job

pytestmark = pytest.mark.usefixtures("no_signals")


def run(folder: RunFolder, resume: bool = False) -> Any:
    job.run_training(folder.path, resume=resume, follow_parent=False)
    return summarise(folder)


def test_it_begins_there_and_is_resumed_without_it(new_run: Callable[..., RunFolder]) -> None:
    first = new_run("training.epochs=3", "model.architecture=linknet")
    before = run(first)
    still = ("model.architecture=linknet", "training.optimizer.learning_rate=1e-12", "training.epochs=1")
    second = new_run(f"model.start_from={first.path}", *still)
    begun = run(second)
    assert begun.state == "completed"
    # Nothing was learnt with that rate: what it is worth is what it began with
    assert begun.best_value == pytest.approx(before.best_value, abs=0.02)
    shutil.rmtree(first.path)
    second.config.write_text(second.config.read_text("utf-8").replace("epochs: 1\n", "epochs: 2\n"), "utf-8")
    resumed = run(second, resume=True)
    assert (resumed.state, resumed.epoch) == ("completed", 2), resumed.cause
    with pytest.raises(ConfigError, match="no run"):
        new_run(f"model.start_from={first.path}", *still)

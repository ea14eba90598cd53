"""A run whose numbers fail goes back to its last checkpoint, and everything that shows it knows."""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import Any

import pytest

from src.core.engine.callbacks import Callback
from src.core.run import EventTail, RunFolder, history, summarise
from src.jobs.train import run_training
from src.ui.run_data import RunData


class Diverges(Callback):
    """From the second epoch on the loss is infinite, until the learning rate was halved."""

    def on_run_start(self, trainer: Any) -> None:
        step = trainer.task.training_step

        def training_step(model: Any, batch: Any) -> Any:
            output = step(model, batch)
            if trainer.state.epoch > 1 and not trainer.schedule.lowered:
                output.loss = output.loss * float("inf")
            return output

        trainer.task.training_step = training_step


@pytest.mark.usefixtures("no_signals")
def test_a_run_that_diverges_goes_back_and_completes(new_run: Callable[..., RunFolder]) -> None:
    folder = new_run(
        "training.skip_limit=0", "training.schedule.name=constant", "training.schedule.warmup_epochs=0"
    )
    assert run_training(folder.path, resume=False, follow_parent=False, callbacks=[Diverges()]) == 0
    events = list(EventTail(folder.events).read())
    (back,) = [e for e in events if e.type == "rolled_back"]
    assert (back["epoch"], back["step"], back["times"]) == (2, 0, 1)
    assert "rolled-back" in [e.get("code") for e in events if e.type == "warning"]
    assert summarise(folder).state == "completed"
    counted = [e for e in history(events) if e.type == "epoch_completed"]
    assert [e["epoch"] for e in counted] == [1, 2, 3]
    assert counted[1]["lr"] == pytest.approx(counted[0]["lr"] / 2)
    with (folder.path / "metrics.csv").open(newline="", encoding="utf-8") as handle:
        assert [row["epoch"] for row in csv.DictReader(handle)] == ["1", "2", "3"]
    shown = RunData()
    shown.take(events)
    assert [e["epoch"] for e in shown.epochs] == [1, 2, 3]


@pytest.mark.usefixtures("no_signals")
def test_without_leave_to_go_back_the_run_fails_and_names_the_samples(
    new_run: Callable[..., RunFolder],
) -> None:
    folder = new_run("training.skip_limit=0", "training.rollbacks=0")
    assert run_training(folder.path, resume=False, follow_parent=False, callbacks=[Diverges()]) == 1
    ended = summarise(folder)
    assert ended.state == "failed" and "with the samples" in ended.cause and "teil" in ended.cause

"""A run that goes on with other options: they take effect, or the run says why they cannot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from src.core.engine.callbacks import Callback
from src.core.run import RunFolder, summarise
from src.core.run.events import Event, EventTail
from src.jobs.train import run_training

QUICK = ("training.epochs=1", "monitoring.preview_samples=0", "training.precision=fp32", "data.cache=off")


class Seen(Callback):
    """The first group of weights, with the settings that it learns with."""

    group: dict[str, Any]

    def on_update(self, trainer: Any) -> None:
        self.group = dict(trainer.optimizer.param_groups[0])


def go_on(folder: RunFolder, **changes: Any) -> tuple[list[Event], dict[str, Any]]:
    """Change options as ``resume RUN key=value`` does, and go on; the events of this attempt, and what `Seen` saw."""
    values = yaml.safe_load(folder.config.read_text("utf-8"))
    for key, value in changes.items():
        *place, name = key.split("__")
        section = values["training"]
        for part in place:
            section = section[part]
        section[name] = value
    folder.config.write_text(yaml.safe_dump(values), "utf-8")
    before, seen = sum(1 for _ in EventTail(folder.events).read()), Seen()
    run_training(folder.path, resume=True, follow_parent=False, callbacks=[seen], signals=False)
    return list(EventTail(folder.events).read())[before:], getattr(seen, "group", {})


def begun(new_run: Callable[..., RunFolder], *pairs: str) -> RunFolder:
    folder = new_run(*QUICK, *pairs)
    assert run_training(folder.path, resume=False, follow_parent=False, signals=False) == 0
    return folder


@pytest.mark.timeout(60)
def test_another_length_and_batch_size_are_told_and_the_schedule_is_theirs(
    new_run: Callable[..., RunFolder],
) -> None:
    folder = begun(new_run, "training.schedule.name=one_cycle", "training.batch_size=2")
    events, group = go_on(folder, epochs=2, batch_size=4, optimizer__weight_decay=0.2)
    said = {e["code"]: e["message"] for e in events if e.type == "warning"}
    assert "had 5 steps and has 2 now" in said["resumed-steps"]
    assert "planned for 1 epoch and has 2 now" in said["resumed-epochs"]
    started = next(e for e in events if e.type == "run_started")
    assert (started["epoch"], started["step"]) == (2, 0) and events[-1]["status"] == "completed"
    # one cycle over 2 epochs of 2 updates ends at its final rate, a hundredth of the peak
    assert [e["lr"] for e in events if e.type == "epoch_completed"] == [pytest.approx(5e-6, rel=0.01)]
    assert group["weight_decay"] == 0.2


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", ["sgd", "rmsprop"])
def test_a_momentum_that_is_turned_on_later_is_used(new_run: Callable[..., RunFolder], name: str) -> None:
    folder = begun(new_run, f"training.optimizer.name={name}", "training.optimizer.momentum=0")
    events, group = go_on(folder, epochs=2, optimizer__momentum=0.5)
    assert events[-1]["status"] == "completed" and group["momentum"] == 0.5


@pytest.mark.timeout(60)
def test_another_optimiser_is_refused(new_run: Callable[..., RunFolder]) -> None:
    folder = begun(new_run)
    for change in (
        {"optimizer__name": "adam"},
        {"optimizer__name": "lion"},
        {"optimizer__name": "adamw", "optimizer__layer_decay": 0.5},
    ):
        events, group = go_on(folder, epochs=2, **change)
        assert not group and "another optimiser, or with other groups of weights" in events[-1]["cause"]
        assert "training.optimizer" in events[-1]["cure"] and events[-1]["refused"]
        assert summarise(folder).state == "completed" and summarise(folder).epoch == 1, "it is what it was"
    events, _ = go_on(folder, optimizer__layer_decay=1.0)
    assert events[-1]["status"] == "completed", "put back, it goes on"

"""Weights averaged over epochs: the plain mean, statistics of its own, and nothing lost when a run is interrupted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from src.core.engine.average import EpochAverage
from src.core.engine.callbacks import Callback
from src.core.engine.checkpoint import encode_state, load_into, read_state
from src.core.engine.trainer import Trainer
from tests.toy import ToyLoader, make_trainer


class Ends(Callback):
    """Keeps the weights of each epoch's end, and those that are validated and kept."""

    def __init__(self) -> None:
        self.live: list[dict[str, torch.Tensor]] = []
        self.used: list[dict[str, torch.Tensor]] = []

    def on_epoch_end(self, trainer: Trainer, entry: dict[str, Any]) -> None:
        self.live.append({k: v.clone() for k, v in trainer.model.state_dict().items()})
        with trainer.averaged():
            self.used.append({k: v.clone() for k, v in trainer.model.state_dict().items()})


def test_from_an_epoch_on_the_mean_of_the_ends_is_used_and_before_it_the_running_average() -> None:
    ends = Ends()
    trainer = make_trainer(epochs=5, callbacks=(ends,), swa_from=3, ema_decay=0.9)
    trainer.fit()
    for epoch in (1, 2):
        assert not torch.equal(ends.used[epoch - 1]["0.weight"], ends.live[epoch - 1]["0.weight"])  # EMA
    for epoch in (3, 4, 5):
        mean = torch.stack([w["0.weight"] for w in ends.live[2:epoch]]).mean(0)
        assert torch.allclose(ends.used[epoch - 1]["0.weight"], mean, atol=1e-6)


def test_statistics_of_the_mean_weights_are_those_of_the_training_batches() -> None:
    ends = Ends()
    trainer = make_trainer(epochs=3, callbacks=(ends,), swa_from=2)
    trainer.fit()
    with trainer.averaged():
        first = trainer.model[0]  # type: ignore[index]
        inputs = [first(batch["x"]).detach() for batch in ToyLoader().epoch(3)]
    assert torch.allclose(
        ends.used[-1]["1.running_mean"], torch.stack([i.mean(0) for i in inputs]).mean(0), atol=1e-5
    )
    assert torch.allclose(
        ends.used[-1]["1.running_var"], torch.stack([i.var(0) for i in inputs]).mean(0), atol=1e-5
    )
    averaged = torch.stack([w["1.running_mean"] for w in ends.live[1:]]).mean(0)
    assert not torch.allclose(ends.used[-1]["1.running_mean"], averaged, atol=1e-4)
    norm = trainer.model[1]  # type: ignore[index]
    assert norm.momentum == 0.1 and norm.track_running_stats


def test_a_frozen_part_keeps_its_statistics() -> None:
    model = torch.nn.Sequential(torch.nn.BatchNorm1d(3), torch.nn.BatchNorm1d(3))
    average = EpochAverage(model, 1)
    model.train()
    model[0].eval()
    average.end_epoch(1, [torch.ones(4, 3) * 5 + torch.arange(4.0)[:, None]], model)
    assert torch.equal(average.average["0.running_mean"], torch.zeros(3))
    assert not torch.equal(average.average["1.running_mean"], torch.zeros(3))


@pytest.mark.parametrize(
    "stop_at", [("train", 2, 3), ("train", 3, 6), ("val", 3, 1), ("val", 4, 2), ("train", 5, 1)]
)
def test_interrupted_anywhere_it_is_the_same(tmp_path: Path, stop_at: tuple[str, int, int]) -> None:
    def make(**more: Any) -> Trainer:
        trainer = make_trainer(epochs=5, swa_from=3, ema_decay=0.9, norm_batches=4, **more)
        trainer.report_every = 0.0
        return trainer

    undisturbed = make()
    undisturbed.fit()

    class Stop(Callback):
        given: str | None = None

        def on_report(self, trainer: Trainer, report: Any) -> None:
            if (report.phase, report.epoch, report.batch) == stop_at:
                Stop.given = "stop"

    Stop.given = None
    first = make(callbacks=(Stop(),), command=lambda: Stop.given)
    assert first.fit().status == "stopped"
    (tmp_path / "state").write_bytes(encode_state(*first.snapshot()))
    second = make()
    state, header = read_state(tmp_path / "state")
    load_into(second.model, state["model"], "state")
    second.restore(state, header)
    second.fit()
    assert undisturbed.swa is not None and second.swa is not None
    for name, value in undisturbed.swa.average.items():
        assert torch.equal(second.swa.average[name], value), name
    assert [e["metrics"] for e in second.state.history] == [e["metrics"] for e in undisturbed.state.history]

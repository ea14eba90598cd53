"""The gradient monitor: norms by part of the network, and its two warnings, each once."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from src.core.engine.callbacks import Callback
from src.core.engine.gradients import FIRST_READINGS, GradientMonitor, parts_of
from src.core.engine.trainer import Trainer
from src.core.run import EventTail, EventWriter
from tests.toy import ToyLoader, make_trainer


class Warned(Callback):
    def __init__(self) -> None:
        self.codes: list[str] = []
        self.where: list[list[str]] = []

    def on_warning(self, trainer: Trainer, code: str, message: str, cure: str, where: Any) -> None:
        assert message and cure
        self.codes.append(code)
        self.where.append(list(where))


def watched(
    tmp_path: Path, epochs: int = 6, every_s: float = 0.0, **more: Any
) -> tuple[Trainer, Warned, EventWriter]:
    writer, warned = EventWriter(tmp_path / "events.jsonl"), Warned()
    trainer = make_trainer(epochs=epochs, callbacks=(GradientMonitor(writer, every_s), warned), **more)
    trainer.report_every = 0.0
    return trainer, warned, writer


def test_parts_are_those_of_the_network_and_hold_every_weight_once() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = nn.Sequential(*(nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4)) for _ in range(4)))
            self.decoder = nn.Sequential(nn.Linear(4, 2))
            self.gain = nn.Parameter(torch.ones(1))

    model = Net()
    parts = parts_of(model, most=8)
    assert (
        next(iter(parts)) == "(itself)"
        and any(p.startswith("encoder.0") for p in parts)
        and any(p.startswith("decoder") for p in parts)
    )
    weights = [id(w) for found in parts.values() for w in found]
    assert sorted(weights) == sorted(id(w) for w in model.parameters())
    assert 4 < len(parts) <= 9


def test_norms_are_those_before_clipping_and_scaling_by_accumulation(tmp_path: Path) -> None:
    trainer, _, writer = watched(tmp_path, epochs=1, train=ToyLoader(1), clip_norm=1e-3)
    expected: dict[str, float] = {}

    class Own(Callback):
        def on_gradients(self, trainer: Trainer) -> None:
            for name, weights in parts_of(trainer.model).items():
                expected[name] = math.sqrt(
                    sum(float(w.grad.square().sum()) for w in weights if w.grad is not None)
                )

    trainer.callbacks.on_gradients.append(Own().on_gradients)
    trainer.fit()
    writer.close()
    found = [e for e in EventTail(tmp_path / "events.jsonl").read() if e.type == "gradients"]
    assert len(found) == 1 and found[0]["epoch"] == 1 and found[0]["batch"] == 1
    assert found[0]["parts"] == pytest.approx(expected)
    assert found[0]["total"] == pytest.approx(math.hypot(*expected.values())) and found[0]["total"] > 1e-3


def test_once_a_second_at_most(tmp_path: Path) -> None:
    trainer, _, writer = watched(tmp_path, epochs=3, every_s=60.0)
    trainer.fit()
    writer.close()
    assert sum(e.type == "gradients" for e in EventTail(tmp_path / "events.jsonl").read()) == 1


def test_a_healthy_run_is_not_warned_of(tmp_path: Path) -> None:
    trainer, warned, writer = watched(tmp_path, epochs=8)
    trainer.fit()
    writer.close()
    assert warned.codes == []


def test_exploding_gradients_are_told_once(tmp_path: Path) -> None:
    class Grows(ToyLoader):
        def epoch(self, epoch: int, start_batch: int = 0) -> Any:
            for batch in super().epoch(epoch, start_batch):
                yield {**batch, "y": batch["y"] * (1.0 if epoch < 4 else 1e6)}

    trainer, warned, writer = watched(tmp_path, epochs=8, train=Grows())
    trainer.fit()
    writer.close()
    assert warned.codes == ["gradients-explode"]


def test_vanishing_gradients_are_told_once_and_named(tmp_path: Path) -> None:
    trainer, warned, writer = watched(tmp_path, epochs=FIRST_READINGS)

    class Stops(Callback):
        def on_gradients(self, trainer: Trainer) -> None:
            for weight in trainer.model[0].parameters():  # type: ignore[index]
                assert weight.grad is not None
                weight.grad.mul_(1e-12)

    trainer.callbacks.on_gradients.insert(0, Stops().on_gradients)
    trainer.fit()
    writer.close()
    assert warned.codes == ["gradients-vanish"] and warned.where == [["0"]]

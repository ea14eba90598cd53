"""Schedules against their formulas, optimisers by their names."""

from __future__ import annotations

import math

import pytest
import torch

from src.core.config.training import OptimizerConfig, ScheduleConfig
from src.core.engine.optim import Schedule, build_optimizer


def make(epochs: int = 10, per_epoch: int = 5, **options: object) -> Schedule:
    weight = torch.nn.Parameter(torch.zeros(1))
    return Schedule(ScheduleConfig(**options), torch.optim.SGD([weight], 0.1), per_epoch, epochs)  # type: ignore[arg-type]


def test_warm_up_rises_linearly_and_counts_updates() -> None:
    schedule = make(name="constant", warmup_epochs=2)
    rates = []
    for _ in range(12):
        rates.append(schedule.rate)
        schedule.step()
    assert rates[:10] == pytest.approx([0.1 * (u + 1) / 11 for u in range(10)])
    assert rates[10:] == pytest.approx([0.1, 0.1])


def test_cosine_ends_at_its_final_fraction() -> None:
    schedule = make(name="cosine", warmup_epochs=1, final_fraction=0.1)
    for update in (5, 20, 49, 50, 99):
        share = min(1.0, (update - 5) / 45)
        assert schedule.factor(update) == pytest.approx(0.1 + 0.9 * (1 + math.cos(math.pi * share)) / 2)


def test_step_lowers_every_so_many_epochs() -> None:
    schedule = make(name="step", warmup_epochs=0, step_epochs=2, factor=0.5)
    assert [schedule.factor(5 * e) for e in range(6)] == [1, 1, 0.5, 0.5, 0.25, 0.25]


def test_plateau_waits_and_survives_a_resume() -> None:
    schedule = make(name="plateau", warmup_epochs=0, patience=1, factor=0.5)
    for loss in (1.0, 0.5, 0.6, 0.7):
        schedule.end_epoch(loss)
    assert schedule.rate == pytest.approx(0.05)
    again = make(name="plateau", warmup_epochs=0, patience=1, factor=0.5)
    again.restore(schedule.state())
    for one in (schedule, again):
        one.end_epoch(0.8)
        one.end_epoch(0.9)
    assert again.rate == schedule.rate == pytest.approx(0.025)


@pytest.mark.parametrize(
    ("name", "kind"), [("adamw", torch.optim.AdamW), ("adam", torch.optim.Adam), ("sgd", torch.optim.SGD)]
)
def test_each_optimiser_lowers_a_loss(name: str, kind: type) -> None:
    weight = torch.nn.Parameter(torch.tensor([3.0, -2.0]))
    groups = [{"params": [weight], "weight_decay": 0.0}]
    optimizer = build_optimizer(OptimizerConfig(name=name, learning_rate=0.05), groups, torch.device("cpu"))  # type: ignore[arg-type]
    assert type(optimizer) is kind
    for _ in range(200):
        optimizer.zero_grad()
        weight.square().sum().backward()
        optimizer.step()
    assert weight.detach().abs().max() < 0.2

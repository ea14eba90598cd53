"""Schedules against their formulas, optimisers by their names."""

from __future__ import annotations

import math
from typing import get_args

import pytest
import segmentation_models_pytorch as smp
import torch
from timm.optim import Lion

from src.core.config.optimisation import OptimizerConfig, ScheduleConfig
from src.core.engine.groups import blocks_in_order, parameter_groups
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


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"name": "linear", "final_fraction": 0.1}, lambda x, e: 0.1 + 0.9 * (1 - x)),
        ({"name": "polynomial", "final_fraction": 0.0, "power": 2.0}, lambda x, e: (1 - x) ** 2),
        ({"name": "exponential", "epoch_factor": 0.8}, lambda x, e: 0.8 ** (e - 1)),
        (
            {"name": "multi_step", "milestones": [3, 7], "factor": 0.5},
            lambda x, e: 0.5 ** ((e >= 3) + (e >= 7)),
        ),
        ({"name": "constant"}, lambda x, e: 1.0),
    ],
)
def test_a_schedule_is_its_formula_after_its_warm_up(options: dict[str, object], expected: object) -> None:
    schedule = make(warmup_epochs=1, **options)
    for update in (5, 6, 14, 15, 34, 35, 49):
        assert schedule.factor(update) == pytest.approx(expected((update - 5) / 45, update / 5)), update  # type: ignore[operator]
    assert [schedule.factor(u) for u in range(5)] == pytest.approx([(u + 1) / 6 for u in range(5)])


def test_one_cycle_is_that_of_torch() -> None:
    weight = torch.nn.Parameter(torch.zeros(1))
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        torch.optim.SGD([weight], 0.1),
        1.0,
        total_steps=51,
        pct_start=0.3,
        cycle_momentum=False,
        final_div_factor=4.0,
    )
    ours = make(name="one_cycle", rise=0.3, final_fraction=0.01, epochs=10)
    rates = []
    for _ in range(51):
        rates.append(theirs.get_last_lr()[0])
        theirs.optimizer.step()
        if len(rates) < 51:
            theirs.step()
    # torch's peak lies at update 0.3·51 - 1, ours at 0.3·50: half an update apart
    assert [ours.factor(u) for u in range(50)] == pytest.approx(rates[:50], abs=0.05)
    assert ours.factor(0) == pytest.approx(1 / 25) and ours.factor(15) == pytest.approx(1.0)
    assert ours.factor(50) == pytest.approx(0.01)


def test_restarts_are_those_of_sgdr() -> None:
    schedule = make(
        name="cosine_restarts",
        warmup_epochs=1,
        cycle_epochs=2,
        cycle_growth=2.0,
        final_fraction=0.0,
        epochs=20,
    )
    weight = torch.nn.Parameter(torch.zeros(1))
    theirs = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(torch.optim.SGD([weight], 1.0), 10, 2)
    for update in range(80):
        assert schedule.factor(update + 5) == pytest.approx(theirs.get_last_lr()[0], abs=1e-6), update
        theirs.optimizer.step()
        theirs.step()


def test_noam_is_that_of_the_transformer() -> None:
    schedule, warmup = make(name="noam", warmup_epochs=4, epochs=20), 20
    for update in range(100):
        step = update + 1
        assert schedule.factor(update) == pytest.approx(min(step**-0.5, step * warmup**-1.5) * warmup**0.5)
    assert schedule.factor(warmup - 1) == pytest.approx(1.0)


@pytest.mark.parametrize("name", get_args(ScheduleConfig.model_fields["name"].annotation))
def test_every_schedule_stays_between_nothing_and_its_peak(name: str) -> None:
    for epochs, per_epoch in ((1, 1), (3, 7), (40, 3)):
        schedule = make(name=name, epochs=epochs, per_epoch=per_epoch)
        factors = [schedule.factor(u) for u in range(epochs * per_epoch + 2)]
        assert all(0 <= f <= 1 + 1e-12 for f in factors), name


def test_milestones_rise() -> None:
    for wrong in ([5, 3], [0], [4, 4]):
        with pytest.raises(ValueError, match="later than the one before"):
            ScheduleConfig(milestones=wrong)


def test_a_resumed_schedule_stands_at_the_same_share_of_the_epochs() -> None:
    before, after = make(per_epoch=10, epochs=4), make(per_epoch=5, epochs=4)
    for _ in range(20):
        before.step()
    after.restore(before.state())
    assert after.update == 10 and after.rate == pytest.approx(before.rate, rel=0.05)
    again = make(per_epoch=10, epochs=4)
    earlier = {k: v for k, v in before.state().items() if k not in ("per_epoch", "epochs")}
    again.restore(earlier)  # of a version that did not note them
    assert again.update == 20 and again.rate == before.rate


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
    ("name", "kind"),
    [("adamw", torch.optim.AdamW), ("adam", torch.optim.Adam), ("sgd", torch.optim.SGD), ("rmsprop", torch.optim.RMSprop),
     ("lion", Lion)],
)  # fmt: skip
def test_each_optimiser_lowers_a_loss(name: str, kind: type) -> None:
    weight = torch.nn.Parameter(torch.tensor([3.0, -2.0]))
    groups = [{"params": [weight], "weight_decay": 0.0}]
    optimizer = build_optimizer(OptimizerConfig(name=name, learning_rate=0.05), groups, torch.device("cpu"))  # type: ignore[arg-type]
    assert type(optimizer) is kind
    assert bool(optimizer.defaults.get("fused")) == (name in ("adamw", "adam", "sgd"))
    for _ in range(200):
        optimizer.zero_grad()
        weight.square().sum().backward()
        optimizer.step()
    assert weight.detach().abs().max() < 0.2


def test_momentum_of_a_weight_that_is_unfrozen_later() -> None:
    found = []
    for fused in (True, False):
        weights = [torch.nn.Parameter(torch.tensor([3.0, -2.0])) for _ in range(2)]
        groups = [{"params": weights, "weight_decay": 0.1}]
        optimizer = build_optimizer(OptimizerConfig(name="sgd"), groups, torch.device("cpu"))
        if not fused:
            optimizer = torch.optim.SGD(weights, 5e-4, momentum=0.9, nesterov=True, weight_decay=0.1)
        weights[0].requires_grad_(False)
        for step in range(6):
            weights[0].requires_grad_(step > 2)
            sum((w.square().sum() for w in weights), torch.zeros(())).backward()
            optimizer.step()
            optimizer.zero_grad()
        found.append(torch.cat([w.detach() for w in weights]))
    assert torch.allclose(found[0], found[1], atol=1e-7)


@pytest.mark.parametrize("name", ["adamw", "adam", "sgd"])
def test_a_fused_step_is_the_step_whatever_the_layout_of_the_weights(name: str) -> None:
    images = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    found = []
    for fused in (True, False):
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.Conv2d(8, 2, 1))
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        groups = [{"params": list(model.parameters()), "weight_decay": 0.1}]
        config = OptimizerConfig(name=name, learning_rate=0.01)  # type: ignore[arg-type]
        optimizer = build_optimizer(config, groups, torch.device("cpu"))
        for group in optimizer.param_groups:
            group["fused"] = fused
        for _ in range(5):
            model(images).square().mean().backward()
            optimizer.step()
            optimizer.zero_grad()
        found.append(torch.cat([w.detach().flatten() for w in model.parameters()]))
    assert torch.allclose(found[0], found[1], atol=1e-6)


@pytest.mark.parametrize("name", ["resnet18", "mit_b0", "tu-mobilenetv3_small_100", "efficientnet-b0"])
def test_layer_decay_gives_every_weight_its_rate_by_its_depth(name: str) -> None:
    model = smp.Unet(name, encoder_weights=None)
    model.train()
    statistics = {k: v.clone() for k, v in model.state_dict().items()}
    blocks = blocks_in_order(model.encoder, torch.zeros(1, 3, 64, 64))
    assert model.training and all(m.training for m in model.modules())
    assert all(torch.equal(v, statistics[k]) for k, v in model.state_dict().items())
    config = OptimizerConfig(encoder_rate=0.5, layer_decay=0.8, weight_decay=0.1)
    groups = parameter_groups(model, config, blocks)
    weights = [p for g in groups for p in g["params"]]
    assert len(weights) == len({id(p) for p in weights}) == len(list(model.parameters()))
    rate_of = {id(p): g["rate"] for g in groups for p in g["params"]}
    assert all(rate_of[id(p)] == 1 for p in model.decoder.parameters())
    for depth, block in enumerate(blocks):
        assert {round(rate_of[id(p)], 9) for p in block} == {round(0.5 * 0.8 ** (len(blocks) - depth), 9)}
    assert len(blocks) >= 4 and {id(p) for b in blocks for p in b} == {
        id(p) for p in model.encoder.parameters()
    }
    assert all((g["weight_decay"] > 0) == (g["params"][0].ndim > 1) for g in groups)
    optimizer = build_optimizer(config, groups, torch.device("cpu"))
    assert {round(g["lr"] / config.learning_rate, 9) for g in optimizer.param_groups} == {
        round(r, 9) for r in rate_of.values()
    }


def test_the_blocks_of_segformer_come_in_the_order_of_the_image() -> None:
    encoder = smp.Unet("mit_b0", encoder_weights=None).encoder
    blocks = blocks_in_order(encoder, torch.zeros(1, 3, 64, 64))
    place = {id(w): n for n, block in enumerate(blocks) for w in block}
    first = [
        place[id(next(getattr(encoder, f"{kind}{k}").parameters()))]
        for k in (1, 2, 3, 4)
        for kind in ("patch_embed", "block")
    ]
    assert first == sorted(first)

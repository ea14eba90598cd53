"""An update whose memory is not enough, and one whose numbers are none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from src.core.config.training import RunConfig
from src.core.engine.callbacks import Callback
from src.core.engine.checkpoint import encode_state, read_state
from src.core.engine.pending import NonFiniteLossError
from src.core.engine.task import Batch, StepOutput
from src.core.engine.trainer import Trainer
from src.core.engine.update import divided
from tests.toy import ToyLoader, ToyTask, make_trainer


class Watcher(Callback):
    """Keeps warnings, and the weights after each update."""

    def __init__(self) -> None:
        self.warnings: list[tuple[str, str, list[str]]] = []
        self.weights: list[torch.Tensor] = []

    def on_warning(self, trainer: Trainer, code: str, message: str, cure: str, where: Any) -> None:
        self.warnings.append((code, message, list(where)))

    def on_update(self, trainer: Trainer) -> None:
        self.weights.append(next(trainer.model.parameters()).detach().clone())


def without_memory(monkeypatch: pytest.MonkeyPatch, most: int, after: int = 0) -> list[int]:
    """From the forward pass of number ``after`` on, batches larger than ``most`` find no memory. No drop-out, no batch-norm."""
    sizes: list[int] = []
    step = ToyTask.training_step

    def training_step(self: ToyTask, model: nn.Module, batch: Batch) -> StepOutput:
        sizes.append(len(batch["index"]))
        if len(batch["index"]) > most and len(sizes) > after:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return step(self, model, batch)

    monkeypatch.setattr(ToyTask, "training_step", training_step)
    monkeypatch.setattr(
        ToyTask, "build_model", lambda _: nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
    )
    return sizes


@pytest.mark.parametrize("accumulate", [1, 3])
def test_where_memory_is_not_enough_the_same_is_learnt_in_pieces(
    monkeypatch: pytest.MonkeyPatch, accumulate: int
) -> None:
    without_memory(monkeypatch, 99)
    whole = make_trainer(train=ToyLoader(7, last=3), accumulate=accumulate)
    whole.fit()
    sizes, watcher = without_memory(monkeypatch, 2, after=5), Watcher()
    pieces = make_trainer(train=ToyLoader(7, last=3), accumulate=accumulate, callbacks=(watcher,))
    assert pieces.fit().status == "completed"
    assert pieces.state.pieces == 2 and max(sizes[8:]) <= 2
    for a, b in zip(whole.model.parameters(), pieces.model.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-6)
    assert [e["train_loss"] for e in whole.state.history] == pytest.approx(
        [e["train_loss"] for e in pieces.state.history]
    )
    assert [w[0] for w in watcher.warnings] == ["memory"] and "pieces of 2" in watcher.warnings[0][1]
    assert pieces.snapshot()[1]["state"]["pieces"] == 2  # a resumed run does not try again what failed


def test_a_single_sample_without_memory_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    without_memory(monkeypatch, 0)
    trainer = make_trainer()
    with pytest.raises(torch.OutOfMemoryError):
        trainer.fit()
    assert trainer.state.pieces == 4


def test_other_errors_are_not_taken_for_want_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def training_step(self: ToyTask, model: nn.Module, batch: Batch) -> StepOutput:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(ToyTask, "training_step", training_step)
    trainer = make_trainer()
    with pytest.raises(RuntimeError, match="mat1"):
        trainer.fit()
    assert trainer.state.pieces == 1


@pytest.mark.parametrize(("size", "pieces"), [(8, 2), (7, 4), (3, 8), (1, 2)])
def test_a_batch_is_divided_without_loss(size: int, pieces: int) -> None:
    batch: Batch = {"index": torch.arange(size), "x": torch.rand(size, 2), "names": list("abcdefgh"[:size]),
                    "scale": torch.tensor(2.0),
                    "unreadable": [("a", "b")] * (size + 1)}  # fmt: skip
    parts = divided(batch, pieces)
    assert len(parts) == min(size, pieces) and all(len(p["index"]) for p in parts)
    assert torch.equal(torch.cat([p["x"] for p in parts]), batch["x"])
    assert [n for p in parts for n in p["names"]] == batch["names"] and all(p["scale"] == 2 for p in parts)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd", "rmsprop", "lion"])
def test_an_update_without_numbers_is_passed_over_and_named(optimizer: str) -> None:
    watcher, config = Watcher(), RunConfig()
    config.training.optimizer.name = optimizer  # type: ignore[assignment]
    trainer = make_trainer(
        train=ToyLoader(poison=(2, 3)), callbacks=(watcher,), config=config, skip_limit=1, ema_decay=0.9
    )
    assert trainer.fit().status == "completed"
    assert trainer.state.skipped == 1
    code, message, where = watcher.warnings[0]
    assert (
        code == "not-finite"
        and "epoch 2, batch 4" in message
        and where == [f"point-{n}" for n in (12, 13, 14, 15)]
    )
    assert torch.equal(watcher.weights[9], watcher.weights[8]) and not torch.equal(
        watcher.weights[10], watcher.weights[9]
    )
    assert all(torch.isfinite(v).all() for v in trainer.model.state_dict().values())
    assert trainer.average is not None and all(
        torch.isfinite(v).all() for v in trainer.average.average.values()
    )
    assert all(0 < e["train_loss"] < 100 for e in trainer.state.history)


def test_gradients_without_numbers_count_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    step = ToyTask.training_step
    calls: list[int] = []

    def training_step(self: ToyTask, model: nn.Module, batch: Batch) -> StepOutput:
        calls.append(1)
        output = step(self, model, batch)
        if len(calls) == 3:  # √0 has a finite value and an infinite slope
            output.loss = output.loss + (output.loss * 0).sqrt()
        return output

    monkeypatch.setattr(ToyTask, "training_step", training_step)
    watcher = Watcher()
    trainer = make_trainer(callbacks=(watcher,), skip_limit=5)
    trainer.fit()
    assert trainer.state.skipped == 1 and "The gradients are no longer numbers" in watcher.warnings[0][1]


def test_one_more_than_the_limit_ends_the_run() -> None:
    class AlwaysPoisoned(ToyLoader):
        def epoch(self, epoch: int, start_batch: int = 0) -> Any:
            for batch in super().epoch(epoch, start_batch):
                batch["x"][0] = float("inf")
                yield batch

    watcher = Watcher()
    trainer = make_trainer(train=AlwaysPoisoned(), callbacks=(watcher,), skip_limit=2)
    trainer.report_every = 0.0
    with pytest.raises(NonFiniteLossError):
        trainer.fit()
    assert trainer.state.skipped == 3 and len(watcher.warnings) == 2


class Keeper(Callback):
    """The checkpoints of a run, in memory."""

    def __init__(self) -> None:
        self.kept: bytes = b""
        self.at: list[tuple[int, int]] = []

    def on_save(self, trainer: Trainer, reason: str) -> None:
        state, header = trainer.snapshot()
        self.kept = encode_state(state, header)

    def on_roll_back(self, trainer: Trainer) -> None:
        self.at.append((trainer.state.epoch, trainer.state.rollbacks))

    def recover(self, place: Path) -> tuple[dict[str, Any], dict[str, Any]] | None:
        place.write_bytes(self.kept)
        return read_state(place) if self.kept else None


def failing(
    monkeypatch: pytest.MonkeyPatch, place: Path, until: int, **options: Any
) -> tuple[Trainer, Keeper, Watcher]:
    """A run whose loss is no number from its second epoch on, until the learning rate was halved so many times."""
    keeper, watcher = Keeper(), Watcher()
    trainer = make_trainer(callbacks=(keeper, watcher), skip_limit=1, ema_decay=0.9, **options)
    trainer.recover = lambda: keeper.recover(place)
    trainer.report_every = 0.0
    step = ToyTask.training_step

    def training_step(self: ToyTask, model: nn.Module, batch: Batch) -> StepOutput:
        output = step(self, model, batch)
        if trainer.state.epoch > 1 and trainer.schedule.lowered < until:
            output.loss = output.loss * float("inf")
        return output

    monkeypatch.setattr(ToyTask, "training_step", training_step)
    return trainer, keeper, watcher


def test_a_run_whose_numbers_fail_goes_back_and_on_with_half_the_rate(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trainer, keeper, watcher = failing(monkeypatch, tmp_path / "last", until=2, rollbacks=2)
    assert trainer.fit().status == "completed"
    assert keeper.at == [(2, 1), (2, 2)] and trainer.state.rollbacks == 2 and trainer.state.skipped == 0
    assert [e["epoch"] for e in trainer.state.history] == list(range(1, trainer.options.epochs + 1))
    plain = make_trainer().schedule
    for schedule in (trainer.schedule, plain):
        schedule.update = 7
        schedule.step()
    assert trainer.schedule.rate == pytest.approx(0.25 * plain.rate)
    told = [message for code, message, _ in watcher.warnings if code == "rolled-back"]
    assert len(told) == 2 and "epoch 2, step 0" in told[1] and "2. of at most 2 times" in told[1]
    assert all(torch.isfinite(v).all() for v in trainer.model.state_dict().values())
    assert trainer.snapshot()[1]["schedule"]["lowered"] == 2, "a resumed run goes on with the lower rate"


@pytest.mark.parametrize(("allowed", "times"), [(0, 0), (1, 1)])
def test_going_back_is_bounded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, allowed: int, times: int
) -> None:
    trainer, keeper, _ = failing(monkeypatch, tmp_path / "last", until=9, rollbacks=allowed)
    with pytest.raises(NonFiniteLossError):
        trainer.fit()
    assert len(keeper.at) == times


def test_without_a_checkpoint_there_is_nothing_to_go_back_to(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = make_trainer(train=ToyLoader(poison=(1, 2)), skip_limit=0, rollbacks=5)
    with pytest.raises(NonFiniteLossError):
        trainer.fit()
    assert trainer.state.rollbacks == 0

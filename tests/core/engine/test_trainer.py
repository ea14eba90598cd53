"""The loop: parity with a loop written by hand, exact resume, stopping, guards and its events."""

from __future__ import annotations

import math
import sys
from typing import Any

import pytest
import torch

from src.core.config.training import RunConfig, ScheduleConfig, TrainingConfig
from src.core.engine.callbacks import EVENTS, Callback, Outcome
from src.core.engine.checkpoint import encode_state, load_into, read_state
from src.core.engine.device import mix_seed
from src.core.engine.explain import explain
from src.core.engine.pending import NonFiniteLossError
from src.core.engine.trainer import Trainer
from tests.toy import ToyLoader, ToyTask, make_trainer


def weights(trainer: Trainer) -> torch.Tensor:
    return torch.cat([v.double().flatten() for v in trainer.model.state_dict().values()])


def test_it_equals_a_loop_written_by_hand() -> None:
    config = RunConfig(training=TrainingConfig(schedule=ScheduleConfig(name="constant", warmup_epochs=0)))
    trainer = make_trainer(epochs=2, config=config, clip_norm=0.5)
    trainer.fit()

    torch.manual_seed(mix_seed(0, 0))
    task = ToyTask(config, ToyLoader(), ToyLoader(2))
    model = task.build_model()
    optimizer = torch.optim.AdamW(
        task.parameter_groups(model, config.training.optimizer),
        config.training.optimizer.learning_rate,
        fused=True,
    )
    for epoch in (1, 2):
        torch.manual_seed(mix_seed(0, epoch))
        model.train()
        for batch in ToyLoader().epoch(epoch):
            loss = (model(batch["x"]) - batch["y"]).square().mean()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
            optimizer.zero_grad()
    by_hand = torch.cat([v.double().flatten() for v in model.state_dict().values()])
    assert torch.equal(weights(trainer), by_hand)


def test_accumulated_gradients_equal_the_larger_batch() -> None:
    class Straight(ToyTask):
        def build_model(self) -> torch.nn.Module:
            return torch.nn.Linear(3, 1)

    def train(accumulate: int, batches: int, size: int) -> torch.Tensor:
        trainer = make_trainer(epochs=1, train=ToyLoader(batches, size), accumulate=accumulate)
        model = torch.nn.Linear(3, 1)
        torch.nn.init.ones_(model.weight)
        torch.nn.init.zeros_(model.bias)
        x = [b["x"] for b in ToyLoader(4, 2).epoch(1)]
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        trainer.model, trainer.optimizer = model, optimizer
        trainer.schedule._optimizer, trainer.schedule._base = optimizer, [0.1]
        trainer.train_loader = _Fixed([torch.cat(x[i : i + 4 // batches]) for i in range(0, 4, 4 // batches)])
        trainer.fit()
        return model.weight.detach()

    assert torch.allclose(
        train(accumulate=2, batches=4, size=2), train(accumulate=1, batches=2, size=4), atol=1e-7
    )


class _Fixed(ToyLoader):
    def __init__(self, batches: list[torch.Tensor]) -> None:
        super().__init__(len(batches))
        self._fixed = batches

    def epoch(self, epoch: int, start_batch: int = 0) -> Any:
        for x in self._fixed[start_batch:]:
            yield {"x": x, "y": 2 * x.sum(1, keepdim=True) - 1, "index": torch.arange(len(x))}


class StopAt(Callback):
    """Gives a command after so many updates."""

    def __init__(self, update: int, command: str = "stop") -> None:
        self.update, self.command, self.given = update, command, None

    def on_update(self, trainer: Trainer) -> None:
        if trainer.state.updates >= self.update:
            self.given = self.command
            trainer.report_every = 0.0


@pytest.mark.parametrize("stop_after", [1, 3, 6, 7, 11])
@pytest.mark.parametrize("ema", [0.0, 0.9])
@pytest.mark.parametrize("schedule", ["cosine", "plateau"])
def test_a_resumed_run_is_the_undisturbed_run(
    tmp_path: Any, stop_after: int, ema: float, schedule: str
) -> None:
    config = RunConfig(training=TrainingConfig(schedule=ScheduleConfig(name=schedule, patience=0)))

    def make(**more: Any) -> Trainer:
        return make_trainer(epochs=4, ema_decay=ema, clip_norm=1.0, config=config, **more)

    undisturbed = make()
    undisturbed.fit()

    stopper = StopAt(stop_after)
    first = make(callbacks=(stopper,), command=lambda: stopper.given)
    first.report_every = 0.0
    assert first.fit().status == "stopped"
    assert first.state.updates == stop_after
    (tmp_path / "state").write_bytes(encode_state(*first.snapshot()))

    second = make()
    state, header = read_state(tmp_path / "state")
    load_into(second.model, state["model"], "state")
    torch.rand(5)  # a resumed process has drawn other numbers before
    second.restore(state, header)
    second.fit()
    assert torch.equal(weights(second), weights(undisturbed))
    for a, b in zip(second.state.history, undisturbed.state.history, strict=True):
        assert (a["train_loss"], a["val_loss"], a["metrics"]) == (
            b["train_loss"],
            b["val_loss"],
            b["metrics"],
        )
    if ema:
        assert second.average and undisturbed.average
        assert all(torch.equal(v, undisturbed.average.average[k]) for k, v in second.average.average.items())


def test_resume_keeps_the_memory_layout_of_the_optimiser(tmp_path: Any) -> None:
    def make() -> Trainer:
        trainer = make_trainer()
        model = torch.nn.Conv2d(2, 3, 3).to(memory_format=torch.channels_last)
        trainer.model, trainer.optimizer = model, torch.optim.AdamW(model.parameters())
        return trainer

    first = make()
    first.model(torch.randn(1, 2, 5, 5).to(memory_format=torch.channels_last)).mean().backward()
    first.optimizer.step()
    (tmp_path / "state").write_bytes(encode_state(*first.snapshot()))
    second = make()
    second.restore(*read_state(tmp_path / "state"))
    weight = next(second.model.parameters())
    assert second.optimizer.state[weight]["exp_avg"].stride() == weight.stride()


def test_finish_epoch_ends_after_validation() -> None:
    stopper = StopAt(2, "finish_epoch")
    trainer = make_trainer(epochs=5, callbacks=(stopper,), command=lambda: stopper.given)
    assert trainer.fit().status == "stopped"
    assert len(trainer.state.history) == 1 and trainer.state.epoch == 2 and trainer.state.step == 0


def test_pause_says_so() -> None:
    stopper = StopAt(2, "pause")
    trainer = make_trainer(epochs=5, callbacks=(stopper,), command=lambda: stopper.given)
    trainer.report_every = 0.0
    assert trainer.fit().status == "paused"


def test_a_command_in_the_last_epoch_after_its_end_is_a_completed_run() -> None:
    given: list[str] = []

    class Late(Callback):
        def on_epoch_end(self, trainer: Trainer, entry: dict[str, Any]) -> None:
            if entry["epoch"] == 2:
                given.append("stop")

    trainer = make_trainer(epochs=2, callbacks=(Late(),), command=lambda: given[0] if given else None)
    assert trainer.fit().status == "completed"


def test_early_stopping_counts_epochs_without_a_better_value() -> None:
    trainer = make_trainer(epochs=50, patience=3, min_delta=10.0)
    outcome = trainer.fit()
    # A gain below min_delta still counts as stalled, the first epoch never does
    assert outcome.status == "stopped_early" and len(trainer.state.history) == 4
    assert "3 epochs" in outcome.cause


def test_without_validation_the_training_loss_decides() -> None:
    trainer = make_trainer(epochs=2, no_val=True)
    assert trainer.fit().status == "completed"
    assert trainer.metric == "train_loss" and not trainer.maximise
    assert trainer.state.best_value == min(e["train_loss"] for e in trainer.state.history)
    assert math.isnan(trainer.state.history[0]["val_loss"])


def test_a_loss_that_is_no_number_names_its_samples() -> None:
    trainer = make_trainer(train=ToyLoader(poison=(2, 3)))
    with pytest.raises(NonFiniteLossError) as caught:
        trainer.fit()
    assert caught.value.samples == ["point-12", "point-13", "point-14", "point-15"]
    outcome = explain(caught.value, trainer.task, trainer.device)
    assert "epoch 2, batch 4" in outcome.cause and "“square”" in outcome.cause and "point-12" in outcome.cause
    assert "learning rate" in outcome.cure


def test_a_poisoned_model_is_never_saved() -> None:
    saved: list[tuple[int, int]] = []

    class Saver(Callback):
        def on_save(self, trainer: Trainer, reason: str) -> None:
            assert all(torch.isfinite(v).all() for v in trainer.model.state_dict().values())
            saved.append((trainer.state.epoch, trainer.state.step))

    trainer = make_trainer(train=ToyLoader(poison=(2, 3)), callbacks=(Saver(),), save_every_s=1e-9)
    trainer.report_every = 0.0
    with pytest.raises(NonFiniteLossError):
        trainer.fit()
    assert saved[-1] == (2, 3)


def test_out_of_memory_has_a_cure_in_the_words_of_the_task() -> None:
    trainer = make_trainer()
    outcome = explain(torch.OutOfMemoryError("CUDA out of memory"), trainer.task, torch.device("cuda:0"))
    assert outcome.status == "failed" and "cuda:0" in outcome.cause and "smaller batch" in outcome.cure


def test_the_mean_loss_counts_samples_not_batches() -> None:
    trainer = make_trainer(epochs=1, train=ToyLoader(3, size=4, last=2))
    trainer.fit()
    assert trainer.state.history[0]["terms"]["square"] == pytest.approx(
        trainer.state.history[0]["train_loss"]
    )
    assert trainer._trained_samples == 10


def test_every_event_comes_in_its_order_and_whatever_happens_the_end_is_told() -> None:
    told: list[str] = []

    class Listener(Callback):
        pass

    def tell(name: str) -> Any:
        return lambda self, *values: told.append(name)

    for name in EVENTS:
        setattr(Listener, name, tell(name))
    make_trainer(epochs=1, callbacks=(Listener(),)).fit()
    first = list(dict.fromkeys(told))
    assert first == [e for e in EVENTS if e not in ("on_roll_back", "on_warning")]

    class Ends(Callback):
        outcome: Outcome | None = None

        def on_run_end(self, trainer: Trainer, outcome: Outcome) -> None:
            Ends.outcome = outcome

        def on_epoch_end(self, trainer: Trainer, entry: dict[str, Any]) -> None:
            raise RuntimeError("a callback broke")

    trainer = make_trainer(callbacks=(Ends(),))
    with pytest.raises(RuntimeError, match="a callback broke"):
        trainer.fit()
    assert Ends.outcome is not None and Ends.outcome.status == "failed"
    assert trainer.train_loader.closed  # type: ignore[attr-defined]


def test_the_loop_reads_back_only_at_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    """A read-back is what would wait for a GPU: there must be one a report, not one a step."""
    from src.core.engine import pending

    reads = []
    original = pending.PendingLosses.read_back
    monkeypatch.setattr(
        pending.PendingLosses, "read_back", lambda self, sums: reads.append(1) or original(self, sums)
    )
    forbidden = []

    def guarded(name: str) -> Any:
        real = getattr(torch.Tensor, name)

        def guard(self: torch.Tensor, *args: Any) -> Any:
            caller = sys._getframe(1).f_code.co_filename
            if caller.endswith(("trainer.py", "average.py", "optim.py")):
                forbidden.append((name, caller))
            return real(self, *args)

        return guard

    for name in ("item", "cpu", "tolist", "numpy", "__float__", "__bool__"):
        monkeypatch.setattr(torch.Tensor, name, guarded(name))
    trainer = make_trainer(epochs=1, train=ToyLoader(200), clip_norm=1.0, ema_decay=0.9)
    trainer.report_every = 1e9
    trainer.fit()
    assert not forbidden
    assert len(reads) <= 4  # first and last batch of each phase

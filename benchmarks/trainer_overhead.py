"""What the trainer costs a step, over a loop written by hand with the same operations, in the same process.

Both train the same small network on batches that lie in memory; the loops take turns, and the median of their differences is
reported. The design allows 25 µs a step. Run: ``python benchmarks/trainer_overhead.py``.
"""

from __future__ import annotations

import argparse
import csv
import platform
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from src.core.config.training import RunConfig, ScheduleConfig
from src.core.engine.callbacks import Callback, Report
from src.core.engine.device import choose_precision
from src.core.engine.optim import Schedule, build_optimizer
from src.core.engine.task import Batch, Loader, Metrics, StepOutput, Task
from src.core.engine.trainer import LoopOptions, Trainer

RESULTS = Path(__file__).parent / "results"


class Memory:
    """The same batch again and again: reading costs nothing."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        x = torch.randn(8, 16)
        self.batch: Batch = {"x": x, "y": x.sum(1, keepdim=True), "index": torch.arange(8)}

    def __len__(self) -> int:
        return self.steps

    def epoch(self, epoch: int, start_batch: int = 0) -> Iterator[Batch]:
        for _ in range(self.steps - start_batch):
            yield self.batch

    def close(self) -> None:
        """Nothing to end."""


class Line(Task):
    """A network of a few dozen weights: a step costs little, so what the loop adds can be seen."""

    metric = "none"

    def build_model(self) -> nn.Module:
        return nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1))

    def build_loaders(self, device: torch.device) -> tuple[Loader, Loader | None]:
        raise NotImplementedError

    def prepare(self, batch: Batch, device: torch.device) -> Batch:
        return batch

    def training_step(self, model: nn.Module, batch: Batch) -> StepOutput:
        return StepOutput(loss_of(model, batch))

    def evaluation_step(self, model: nn.Module, batch: Batch) -> StepOutput:
        raise NotImplementedError

    def new_metrics(self, device: torch.device) -> Metrics:
        raise NotImplementedError

    def facts(self) -> dict[str, Any]:
        return {}


class Listener(Callback):
    """Takes the reports, as the event log does."""

    def on_report(self, trainer: Trainer, report: Report) -> None:
        self.last = report


def loss_of(model: nn.Module, batch: Batch) -> Tensor:
    """The same operations in both loops."""
    return (model(batch["x"]) - batch["y"]).square().mean()


def by_hand(config: RunConfig, steps: int, clip: float) -> float:
    """Seconds a step of the loop that a competent person would write: clipping, a schedule, a mean loss."""
    task = Line(config, None)
    model = task.build_model()
    optimizer = build_optimizer(
        config.training.optimizer,
        task.parameter_groups(model, config.training.optimizer),
        torch.device("cpu"),
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, Schedule(config.training.schedule, optimizer, steps, 1).factor
    )
    loader, weights = Memory(steps), list(model.parameters())
    total = torch.zeros(())
    model.train()
    began = time.perf_counter()
    for batch in loader.epoch(1):
        loss = loss_of(model, batch)
        loss.backward()
        nn.utils.clip_grad_norm_(weights, clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        schedule.step()
        total += loss.detach()
    total.item()
    return (time.perf_counter() - began) / steps


def by_trainer(config: RunConfig, steps: int, clip: float) -> float:
    """Seconds a step of Lathe's loop."""
    task, device = Line(config, None), torch.device("cpu")
    model = task.build_model()
    optimizer = build_optimizer(
        config.training.optimizer, task.parameter_groups(model, config.training.optimizer), device
    )
    schedule = Schedule(config.training.schedule, optimizer, steps, 1)
    trainer = Trainer(
        task, model, optimizer, schedule, (Memory(steps), None), LoopOptions(epochs=1, clip_norm=clip), device,
        choose_precision("fp32", device), [Listener()],
    )  # fmt: skip
    trainer.begin_epoch()
    began = time.perf_counter()
    trainer.train_epoch()
    return (time.perf_counter() - began) / steps


def main() -> None:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    config = RunConfig()
    config.training.schedule = ScheduleConfig(name="cosine")
    rows = []
    for turn in range(arguments.rounds + 1):
        hand, trainer = by_hand(config, arguments.steps, 1.0), by_trainer(config, arguments.steps, 1.0)
        if turn:  # the first warms up
            rows.append((hand * 1e6, trainer * 1e6, (trainer - hand) * 1e6, trainer / hand))
    RESULTS.mkdir(exist_ok=True)
    name = f"trainer_overhead_{platform.machine()}-cpu_fp32_torch{torch.__version__.split('+')[0]}.csv"
    with (RESULTS / name).open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["hand_us", "trainer_us", "difference_us", "ratio"])
        writer.writerows([[f"{v:.3f}" for v in row] for row in rows])
    hand_us, trainer_us, difference, ratio = (statistics.median(column) for column in zip(*rows, strict=True))
    print(
        f"by hand {hand_us:.1f} µs a step, trainer {trainer_us:.1f} µs, difference {difference:+.1f} µs (ratio {ratio:.3f})"
    )
    print(f"allowed: 25 µs. {'Met.' if difference <= 25 else 'NOT met.'}  {RESULTS / name}")


if __name__ == "__main__":
    main()

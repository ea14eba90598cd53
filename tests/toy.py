"""A task without images, so that tests of the engine are fast and show that the engine knows no images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from src.core.config.training import RunConfig
from src.core.engine.callbacks import Callback
from src.core.engine.device import choose_precision, mix_seed
from src.core.engine.optim import Schedule, build_optimizer
from src.core.engine.task import Batch, Loader, Metrics, StepOutput, Task
from src.core.engine.trainer import LoopOptions, Trainer


class ToyLoader:
    """``batches`` batches of points of the line y = 2x - 1, a pure function of (seed, epoch, index)."""

    def __init__(
        self, batches: int = 6, size: int = 4, last: int | None = None, poison: tuple[int, int] | None = None
    ) -> None:
        self.batches, self.size, self.last, self.poison = batches, size, last or size, poison
        self.read: list[tuple[int, int]] = []
        self.closed = 0

    def __len__(self) -> int:
        return self.batches

    def epoch(self, epoch: int, start_batch: int = 0) -> Iterator[Batch]:
        for number in range(start_batch, self.batches):
            self.read.append((epoch, number))
            rng = np.random.default_rng((7, epoch, number))
            size = self.last if number == self.batches - 1 else self.size
            x = torch.tensor(rng.normal(size=(size, 3)), dtype=torch.float32)
            if self.poison == (epoch, number):
                x[1] = float("nan")
            index = torch.arange(number * self.size, number * self.size + size)
            yield {"x": x, "y": 2 * x.sum(1, keepdim=True) - 1, "index": index}

    def close(self) -> None:
        self.closed += 1


class ToyMetrics:
    def __init__(self) -> None:
        self._errors: list[Tensor] = []

    def update(self, prediction: Tensor, batch: Batch) -> None:
        self._errors.append((prediction - batch["y"]).abs().mean())

    def summary(self) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
        return {"closeness": float(1 / (1 + torch.stack(self._errors).mean()))}, {}


class ToyTask(Task):
    metric = "closeness"

    def __init__(
        self, config: RunConfig, train: ToyLoader, val: ToyLoader | None, values: list[float] | None = None
    ) -> None:
        super().__init__(config, None)
        self.train, self.val, self.values = train, val, values

    def build_loaders(self, device: torch.device) -> tuple[Loader, Loader | None]:
        return self.train, self.val

    def build_model(self) -> nn.Module:
        # Drop-out makes the run depend on the generator's state, batch-norm on buffers
        return nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 1))

    def prepare(self, batch: Batch, device: torch.device) -> Batch:
        return batch

    def training_step(self, model: nn.Module, batch: Batch) -> StepOutput:
        return self.evaluation_step(model, batch)

    def evaluation_step(self, model: nn.Module, batch: Batch) -> StepOutput:
        prediction = model(batch["x"])
        loss = (prediction - batch["y"]).square().mean()
        return StepOutput(loss, {"square": loss.detach()}, prediction)

    def new_metrics(self, device: torch.device) -> Metrics:
        return ToyMetrics()

    def facts(self) -> dict[str, Any]:
        return {"task": "toy", "classes": ["line"]}

    def sample_names(self, phase: str, indices: list[int]) -> list[str]:
        return [f"point-{i}" for i in indices]


def make_trainer(
    epochs: int = 3,
    callbacks: tuple[Callback, ...] = (),
    command: Callable[[], str | None] = lambda: None,
    train: ToyLoader | None = None,
    val: ToyLoader | None = None,
    no_val: bool = False,
    config: RunConfig | None = None,
    **options: Any,
) -> Trainer:
    """A trainer of the toy task, seeded like a real run."""
    config = config or RunConfig()
    device = torch.device("cpu")
    torch.manual_seed(mix_seed(options.get("seed", 0), 0))
    task = ToyTask(config, train or ToyLoader(), None if no_val else val or ToyLoader(2))
    model = task.build_model()
    loaders = task.build_loaders(device)
    optimizer = build_optimizer(
        config.training.optimizer, task.parameter_groups(model, config.training.optimizer), device
    )
    loop = LoopOptions(epochs=epochs, **options)
    updates = -(-len(loaders[0]) // loop.accumulate)
    schedule = Schedule(config.training.schedule, optimizer, updates, epochs)
    return Trainer(
        task,
        model,
        optimizer,
        schedule,
        loaders,
        loop,
        device,
        choose_precision("fp32", device),
        callbacks,
        command,
    )

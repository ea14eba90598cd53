"""One device's process of tiny trainings, for tests: ``python -m tests.devices_worker TARGET STRATEGY name:key=value,…``.

Its place stands in the environment, as Lathe or torchrun writes it. What came of each named training goes to
``TARGET-<name>-<rank>.pt``; a training may resume what one before it has saved.
"""

from __future__ import annotations

import copy
import os
import sys
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from src.core.config.training import RunConfig
from src.core.engine.callbacks import Callback, Outcome, Report
from src.core.engine.device import choose_precision, mix_seed
from src.core.engine.devices.group import ALONE, Group
from src.core.engine.devices.joining import joined
from src.core.engine.devices.led import Following, Led
from src.core.engine.optim import Schedule, build_optimizer
from src.core.engine.pending import NonFiniteLossError
from src.core.engine.task import Batch, Metrics, StepOutput
from src.core.engine.trainer import LoopOptions, Trainer
from src.core.run.places import place_here
from tests.toy import ToyLoader, ToyTask

CPU = torch.device("cpu")


class Errors:
    """Mean absolute error over all samples, exactly."""

    def __init__(self) -> None:
        self.sum, self.count = 0.0, 0

    def update(self, prediction: Tensor, batch: Batch) -> None:
        self.sum += float((prediction - batch["y"]).abs().double().sum())
        self.count += len(batch["y"])

    def state(self) -> dict[str, Any]:
        return {"sum": self.sum, "count": self.count}

    def merge(self, state: dict[str, Any]) -> None:
        self.sum, self.count = self.sum + state["sum"], self.count + state["count"]

    def summary(self) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
        return {"closeness": 1 / (1 + self.sum / self.count), "count": float(self.count)}, {}


class PlainTask(ToyTask):
    """The toy task without drop-out, whose draws depend on the device; ``fails`` names a rank and an update without memory."""

    group: Group = ALONE
    drop, norm = 0.0, True
    fails: tuple[int, int] | None = None
    steps = 0

    def build_model(self) -> nn.Module:
        norm = nn.BatchNorm1d(8) if self.norm else nn.Identity()
        return nn.Sequential(
            nn.Linear(3, 8, bias=False), norm, nn.ReLU(), nn.Dropout(self.drop), nn.Linear(8, 1)
        )

    def training_step(self, model: nn.Module, batch: Batch) -> StepOutput:
        self.steps += 1
        found = super().training_step(model, batch)
        if self.fails == (self.group.rank, self.steps):
            raise torch.OutOfMemoryError("made up: out of memory")
        return found

    def new_metrics(self, device: torch.device) -> Metrics:
        return Errors()


class Log(Callback):
    """Keeps what the loop tells."""

    def __init__(self, group: Group) -> None:
        self._main = group.main
        self.losses: list[float] = []
        self.warnings: list[str] = []
        self.saved: list[tuple[dict[str, Any], dict[str, Any]]] = []

    def on_report(self, trainer: Trainer, report: Report) -> None:
        self.losses.append(report.loss)

    def on_warning(self, trainer: Trainer, code: str, message: str, cure: str, where: Sequence[str]) -> None:
        self.warnings.append(code)

    def on_save(self, trainer: Trainer, reason: str) -> None:
        if self._main:
            self.saved = [copy.deepcopy(trainer.snapshot())]


def train(group: Group, options: dict[str, str]) -> dict[str, Any]:
    """Train and say what came of it."""
    number = {k: int(v) for k, v in options.items() if v.lstrip("-").isdigit()}
    config = RunConfig()
    torch.manual_seed(mix_seed(0, 0))
    task = PlainTask(config, ToyLoader(6, 4, number.get("last", 4)), ToyLoader(3, 4, number.get("last", 4)))
    task.group, task.drop, task.norm = group, float(options.get("drop", 0)), bool(number.get("norm", 1))
    if "fails" in options:
        rank, _, step = options["fails"].partition("@")
        task.fails = int(rank), int(step)
    if number.get("poison"):
        task.train.poison = (number.get("in", 1), number["poison"])
    model = task.build_model()
    loaders = group.share(task.build_loaders(CPU))
    joined(group, task, model, config.training)
    optimizer = build_optimizer(
        config.training.optimizer, task.parameter_groups(model, config.training.optimizer), CPU
    )
    epochs, accumulate = number.get("epochs", 2), number.get("accumulate", 1)
    loop = LoopOptions(
        epochs, accumulate, clip_norm=1.0, ema_decay=0.9, patience=number.get("patience", 0), skip_limit=number.get("limit", 3),
        swa_from=number.get("swa", 0), rollbacks=number.get("rollbacks", 0),
    )  # fmt: skip
    log = Log(group)
    led = [Led(group) if group.main else Following(group, 0)] if group.parts else []
    updates = -(-len(loaders[0]) // accumulate)
    asked = {"count": 0}

    def command() -> str | None:
        asked["count"] += 1
        return options["command"] if asked["count"] > number.get("after", 10**9) else None

    trainer = Trainer(
        task, model, optimizer, Schedule(config.training.schedule, optimizer, updates, epochs), loaders, loop, CPU,
        choose_precision("fp32", CPU), [log, *led], command, group,
    )  # fmt: skip
    trainer.report_every = 0.0
    if group.main:  # as the job does: the others are given what the first one reads
        trainer.recover = lambda: log.saved[-1] if log.saved else None
    if "resume" in options:
        found = torch.load(options["resume"], weights_only=False)
        trainer.restore(*found["saved"])
    try:
        outcome = trainer.fit()
    except NonFiniteLossError as error:
        outcome = Outcome("failed", str(error))
    return {
        "outcome": (outcome.status, outcome.cause), "losses": log.losses, "history": trainer.state.history,
        "weights": copy.deepcopy(group.full(trainer.model.state_dict())), "warnings": log.warnings,
        "rollbacks": trainer.state.rollbacks,
        "pieces": trainer.state.pieces, "skipped": trainer.state.skipped, "saved": log.saved[0] if log.saved else None,
        "position": (trainer.state.epoch, trainer.state.step),
        "average": copy.deepcopy(group.full(trainer.average.average)) if trainer.average else {},
    }  # fmt: skip


def scenarios(words: list[str]) -> list[tuple[str, dict[str, str]]]:
    """``name:key=value,key=value`` as name and options."""
    parted = [word.partition(":") for word in words]
    return [(name, dict(pair.split("=") for pair in rest.split(",") if pair)) for name, _, rest in parted]


def main(target: str, strategy: str, words: list[str]) -> None:
    torch.set_num_threads(1)
    place, group = place_here(), ALONE
    if place is not None:
        from src.core.engine.devices.connecting import connect

        group = connect(place, CPU, strategy)
    for name, options in scenarios(words):
        if "resume" in options:
            options["resume"] = f"{target}-{options['resume']}-0.pt"
        torch.save(train(group, options), f"{target}-{name}-{group.rank}.pt")
    group.close()


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
    sys.stdout.flush()
    os._exit(0)  # as the program does: threads of the connection may keep an interpreter from ending

"""Optimisers and learning-rate schedules. Schedules count updates, so accumulation and batch size do not bend them."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.optim import Optimizer

from src.core.config.training import OptimizerConfig, ScheduleConfig


def build_optimizer(config: OptimizerConfig, groups: list[dict[str, Any]], device: torch.device) -> Optimizer:
    """The optimiser of a configuration, fused on CUDA; ``groups`` carry their own weight decay."""
    fused = device.type == "cuda"
    if config.name == "sgd":
        nesterov = config.momentum > 0
        return torch.optim.SGD(
            groups, config.learning_rate, momentum=config.momentum, nesterov=nesterov, fused=fused
        )
    kind = torch.optim.AdamW if config.name == "adamw" else torch.optim.Adam
    return kind(groups, config.learning_rate, fused=fused) if fused else kind(groups, config.learning_rate)


class Schedule:
    """Learning rate as a function of the number of updates done.

    With warm-up over ``w`` updates the rate is ``lr·(u+1)/(w+1)`` for ``u < w``; afterwards, with ``x`` the share done of
    the remaining updates:

    * cosine: ``lr·(f + (1-f)·(1+cos πx)/2)`` (Loshchilov and Hutter 2017), ``f`` the final fraction;
    * step: ``lr·factor^⌊epoch/step⌋``; constant: ``lr``;
    * plateau: ``lr·factor^k``, ``k`` rising when validation has not improved for more than ``patience`` epochs.

    Attributes:
        update: Updates done so far.
        reductions, stalled, best: State of the plateau rule.
    """

    def __init__(
        self, config: ScheduleConfig, optimizer: Optimizer, updates_per_epoch: int, epochs: int
    ) -> None:
        self._config = config
        self._optimizer = optimizer
        self._per_epoch = max(1, updates_per_epoch)
        self._total = max(1, updates_per_epoch * epochs)
        self._warmup = min(round(config.warmup_epochs * self._per_epoch), self._total)
        self._base = [float(group["lr"]) for group in optimizer.param_groups]
        self.update = 0
        self.reductions = 0
        self.stalled = 0
        self.best = math.inf
        self._apply()

    def factor(self, update: int) -> float:
        """What the learning rate is multiplied by for the update of this number (from 0)."""
        if update < self._warmup:
            return (update + 1) / (self._warmup + 1)
        config = self._config
        if config.name == "cosine":
            share = min(1.0, (update - self._warmup) / max(1, self._total - self._warmup))
            return config.final_fraction + (1 - config.final_fraction) * (1 + math.cos(math.pi * share)) / 2
        if config.name == "step":
            return config.factor ** (update // self._per_epoch // config.step_epochs)
        return config.factor**self.reductions if config.name == "plateau" else 1.0

    def _apply(self) -> None:
        factor = self.factor(self.update)
        for group, base in zip(self._optimizer.param_groups, self._base, strict=True):
            group["lr"] = base * factor

    def step(self) -> None:
        """After each update of the weights."""
        self.update += 1
        self._apply()

    def end_epoch(self, loss: float) -> None:
        """After each epoch, with the validation loss (the training loss where nothing is validated)."""
        if self._config.name != "plateau":
            return
        if loss < self.best:
            self.best, self.stalled = loss, 0
        else:
            self.stalled += 1
            if self.stalled > self._config.patience:
                self.reductions, self.stalled = self.reductions + 1, 0
        self._apply()

    @property
    def rate(self) -> float:
        """Learning rate of the first group at this moment."""
        return float(self._optimizer.param_groups[0]["lr"])

    def state(self) -> dict[str, Any]:
        """What a resumed run needs."""
        best = self.best if math.isfinite(self.best) else None
        return {"update": self.update, "reductions": self.reductions, "stalled": self.stalled, "best": best}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state`."""
        self.update, self.reductions, self.stalled = state["update"], state["reductions"], state["stalled"]
        self.best = math.inf if state["best"] is None else state["best"]
        self._apply()

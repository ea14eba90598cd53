"""Optimisers and learning-rate schedules. Schedules count updates, so accumulation and batch size do not bend them."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.optim import Optimizer

from src.core.config.optimisation import OptimizerConfig, ScheduleConfig
from src.core.config.schedule_shape import ScheduleShape
from src.core.engine.devices.parts import local


def build_optimizer(config: OptimizerConfig, groups: list[dict[str, Any]], device: torch.device) -> Optimizer:
    """The optimiser of a configuration; ``groups`` carry their own weight decay, and ``rate``, a factor of the learning rate.

    Fused where torch has a fused kernel (AdamW, Adam and SGD, on processors and NVIDIA GPUs): one pass over the weights instead of
    one for each operation.
    """
    for group in groups:
        group["lr"] = config.learning_rate * group.pop("rate", 1.0)
    # of weights that are divided among devices torch cannot fuse SGD
    whole = config.name != "sgd" or all(local(w) is w for group in groups for w in group["params"])
    fused: dict[str, Any] = {"fused": True} if device.type in ("cuda", "cpu") and whole else {}
    rate = config.learning_rate
    if config.name == "sgd":
        sgd = torch.optim.SGD(groups, rate, momentum=config.momentum, nesterov=config.momentum > 0, **fused)
        fill_momentum(sgd)
        return sgd
    if config.name == "rmsprop":
        return torch.optim.RMSprop(groups, rate, momentum=config.momentum)
    if config.name == "lion":
        from timm.optim import Lion

        return Lion(groups, rate)
    kind = torch.optim.AdamW if config.name == "adamw" else torch.optim.Adam
    return kind(groups, rate, **fused)


def fill_momentum(optimizer: Optimizer) -> None:
    """Give every weight the momentum that its rule expects and that is not there yet: zero, with which a first step is the usual one.

    The fused SGD fails where only some weights have one, as when an encoder is unfrozen; RMSprop makes it before its first step only.
    """
    for group in optimizer.param_groups:
        if not group.get("momentum"):
            continue
        for weight in group["params"]:
            begun = bool(optimizer.state.get(weight))
            fresh = isinstance(optimizer, torch.optim.SGD) and bool(group.get("fused"))
            if (begun or fresh) and optimizer.state[weight].get("momentum_buffer") is None:
                optimizer.state[weight]["momentum_buffer"] = torch.zeros_like(weight)


class Schedule:
    """The learning rate of every group over a run; the shape is that of `ScheduleShape`.

    A plateau lowers it when validation has not improved for more than ``patience`` epochs.

    Attributes:
        update: Updates done so far.
        reductions, stalled, best: State of the plateau rule.
        lowered: Times the rate was halved because the run was rolled back.
    """

    def __init__(
        self, config: ScheduleConfig, optimizer: Optimizer, updates_per_epoch: int, epochs: int
    ) -> None:
        self._config = config
        self._optimizer = optimizer
        self._shape = ScheduleShape(config, updates_per_epoch, epochs)
        self._per_epoch, self._epochs = updates_per_epoch, epochs
        self._base = [float(group["lr"]) for group in optimizer.param_groups]
        self.update = 0
        self.reductions = 0
        self.stalled = 0
        self.best = math.inf
        self.lowered = 0
        self._apply()

    def factor(self, update: int) -> float:
        """What the learning rate is multiplied by for the update of this number (from 0)."""
        return self._shape.factor(update, self.reductions) * 0.5**self.lowered

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

    def lower(self, times: int) -> None:
        """From here on the rate is half of its shape, so many times over."""
        self.lowered = times
        self._apply()

    @property
    def rate(self) -> float:
        """The highest learning rate of all groups at this moment."""
        return max(float(group["lr"]) for group in self._optimizer.param_groups)

    def state(self) -> dict[str, Any]:
        """What a resumed run needs, and the length of the run that it belongs to."""
        best = self.best if math.isfinite(self.best) else None
        return {
            "update": self.update, "reductions": self.reductions, "stalled": self.stalled, "best": best, "lowered": self.lowered,
            "per_epoch": self._per_epoch, "epochs": self._epochs,
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state`; where an epoch has another number of updates now, at the same share of the epochs."""
        self.reductions, self.stalled = state["reductions"], state["stalled"]
        before = state.get("per_epoch") or self._per_epoch
        self.update = round(state["update"] * self._per_epoch / before)
        self.best = math.inf if state["best"] is None else state["best"]
        self.lowered = state.get("lowered", 0)
        self._apply()

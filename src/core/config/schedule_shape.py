"""The shape of a learning-rate schedule as a plain function of the updates done. Torch-free: a dialog draws it."""

from __future__ import annotations

import math
from collections.abc import Callable

from src.core.config.optimisation import ScheduleConfig

#: A one-cycle schedule begins at this fraction of its peak (Smith and Topin 2018, as torch's OneCycleLR has it).
CYCLE_START = 1 / 25


class ScheduleShape:
    """What the learning rate is multiplied by, for each update (from 0).

    During a warm-up of ``w`` updates it is ``(u+1)/(w+1)``. Afterwards, with ``x`` the share done of the remaining
    updates, ``e`` the epochs done since the start and ``f`` the final fraction:

    * constant 1; linear ``f + (1-f)(1-x)``; polynomial ``f + (1-f)(1-x)^power``;
    * cosine ``f + (1-f)(1+cos πx)/2`` (Loshchilov and Hutter 2017);
    * cosine with restarts: the same in cycles, each ``growth`` times as long as the one before (SGDR);
    * exponential ``factor^e``, e counted from the end of the warm-up; step ``factor^⌊e/step⌋``;
    * multi-step ``factor^(milestones passed)``;
    * one cycle: cosine from 1/25 to 1 over the share ``rise`` of all updates, then cosine to ``f`` (Smith and Topin 2018);
    * Noam ``min((u+1)/w, √(w/(u+1)))``, the inverse square root of Vaswani et al. (2017) scaled to reach 1 at ``u+1 = w``;
    * plateau ``factor^k``, ``k`` the number of reductions so far.

    Attributes:
        warmup: Updates of the warm-up.
        total: Updates of the run.
    """

    def __init__(self, config: ScheduleConfig, updates_per_epoch: int, epochs: int) -> None:
        self._config = config
        self._per_epoch = max(1, updates_per_epoch)
        self.total = max(1, updates_per_epoch * epochs)
        warmup = 0.0 if config.name == "one_cycle" else config.warmup_epochs
        self.warmup = min(round(warmup * self._per_epoch), self.total)
        shapes: dict[str, Callable[[int], float]] = {
            "cosine": lambda u: self._down(self._cosine(self._share(u))),
            "linear": lambda u: self._down(1 - self._share(u)),
            "polynomial": lambda u: self._down((1 - self._share(u)) ** config.power),
            "exponential": lambda u: config.epoch_factor ** ((u - self.warmup) / self._per_epoch),
            "step": lambda u: config.factor ** (u // self._per_epoch // config.step_epochs),
            "multi_step": lambda u: config.factor ** sum(u >= m * self._per_epoch for m in config.milestones),
            "one_cycle": self._one_cycle,
            "cosine_restarts": self._restarts,
            "noam": self._noam,
        }
        self._shape = shapes.get(config.name)

    def factor(self, update: int, reductions: int = 0) -> float:
        """The factor for the update of this number (from 0), after so many reductions of a plateau."""
        if self._config.name == "noam":
            return self._noam(update)
        if update < self.warmup:
            return (update + 1) / (self.warmup + 1)
        if self._config.name == "plateau":
            return self._config.factor**reductions
        return self._shape(update) if self._shape else 1.0

    def _share(self, update: int) -> float:
        return min(1.0, (update - self.warmup) / max(1, self.total - self.warmup))

    def _down(self, height: float) -> float:
        return self._config.final_fraction + (1 - self._config.final_fraction) * height

    @staticmethod
    def _cosine(share: float) -> float:
        return (1 + math.cos(math.pi * share)) / 2

    def _one_cycle(self, update: int) -> float:
        top = self._config.rise * self.total
        if update < top:
            return 1 - (1 - CYCLE_START) * self._cosine(update / top)
        return self._down(self._cosine(min(1.0, (update - top) / max(1.0, self.total - top))))

    def _restarts(self, update: int) -> float:
        length = self._config.cycle_epochs * self._per_epoch
        done, growth = float(update - self.warmup), self._config.cycle_growth
        while done >= length:
            done, length = done - length, length * growth
        return self._down(self._cosine(done / length))

    def _noam(self, update: int) -> float:
        warmup = max(1, self.warmup)
        return min((update + 1) / warmup, math.sqrt(warmup / (update + 1)))

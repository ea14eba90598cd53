"""Where a run stands: the few numbers that, with the weights, let it go on bit for bit."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class EpochSums:
    """Sums of the training loss over the epoch that is under way, so that its mean survives an interruption."""

    samples: int = 0
    loss: float = 0.0
    terms: dict[str, float] = field(default_factory=dict)

    def add(self, samples: list[int], losses: list[float], terms: dict[str, list[float]]) -> None:
        """Add batches: number of samples and mean loss of each."""
        self.samples += sum(samples)
        self.loss += math.fsum(n * x for n, x in zip(samples, losses, strict=True))
        for name, values in terms.items():
            total = math.fsum(n * x for n, x in zip(samples, values, strict=True))
            self.terms[name] = self.terms.get(name, 0.0) + total

    def mean(self) -> float:
        """Mean loss per sample; NaN before the first."""
        return self.loss / self.samples if self.samples else math.nan

    def term_means(self) -> dict[str, float]:
        """Mean of each named term."""
        return {k: v / self.samples for k, v in self.terms.items()} if self.samples else {}


@dataclass
class TrainState:
    """Position and memory of a run.

    Attributes:
        epoch: The epoch that is under way or comes next, from 1.
        step: Batches of it that were trained on.
        updates: Updates of the weights since the start.
        best_value, best_epoch: The best validation value so far (None before the first).
        stalled: Epochs since it got better.
        pieces: Parts in which a batch is computed, because memory is not enough for all of it.
        skipped: Updates without finite gradients that were passed over, since the run was rolled back last.
        rollbacks: Times the run was rolled back.
        sums: Of the epoch under way.
        history: One mapping an epoch: epoch, train_loss, val_loss, metrics, lr, seconds.
    """

    epoch: int = 1
    step: int = 0
    updates: int = 0
    best_value: float | None = None
    best_epoch: int | None = None
    stalled: int = 0
    pieces: int = 1
    skipped: int = 0
    rollbacks: int = 0
    sums: EpochSums = field(default_factory=EpochSums)
    history: list[dict[str, Any]] = field(default_factory=list)

    def judge(self, value: float, maximise: bool, min_delta: float) -> bool:
        """Enter the validation value of the epoch; returns whether it is the best so far.

        A gain below ``min_delta`` makes a new best model but still counts as stalled. NaN is never best.
        """
        if math.isnan(value):
            self.stalled += 1
            return False
        gain = math.inf if self.best_value is None else (value - self.best_value) * (1 if maximise else -1)
        self.stalled = 0 if gain > min_delta else self.stalled + 1
        if gain > 0:
            self.best_value, self.best_epoch = value, self.epoch
        return gain > 0

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> TrainState:
        """Back from `as_json`."""
        return cls(**{**raw, "sums": EpochSums(**raw["sums"])})

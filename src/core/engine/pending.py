"""Losses that are still on the device. Reading them back in one go is the only synchronisation of the loop."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from src.core.engine.state import EpochSums
from src.core.engine.task import StepOutput, Task


class NonFiniteLossError(ArithmeticError):
    """The loss became NaN or infinite.

    Attributes:
        samples: Names of the samples of the first such batch.
        cure: What to do.
    """

    def __init__(
        self, phase: str, epoch: int, batch: int, terms: dict[str, float], samples: list[str]
    ) -> None:
        self.samples = samples
        bad = [name for name, value in terms.items() if not math.isfinite(value)]
        which = f" (the part “{bad[0]}”)" if bad else ""
        shown = ", ".join(samples[:8]) + (f" and {len(samples) - 8} more" if len(samples) > 8 else "")
        what = "training" if phase == "train" else "validation"
        super().__init__(
            f"The {what} loss{which} is no longer a number in epoch {epoch}, batch {batch}, with the samples {shown}."
        )
        self.cure = (
            "Lower the learning rate (to a third), keep gradient clipping on, and look at these samples. "
            "The checkpoint before this is kept: resume goes on from there."
        )


class PendingLosses:
    """Collects the scalars of the batches since the last report, without touching the device."""

    def __init__(self, task: Task, phase: str, epoch: int) -> None:
        self._task, self._phase, self._epoch = task, phase, epoch
        self._losses: list[Tensor] = []
        self._terms: list[dict[str, Tensor]] = []
        self._batches: list[tuple[int, Tensor]] = []

    def add(self, number: int, index: Tensor, output: StepOutput) -> None:
        """Keep the scalars of the batch of this number (from 1), and which samples it held."""
        self._losses.append(output.loss.detach())
        self._terms.append(output.terms)
        self._batches.append((number, index))

    def read_back(self, sums: EpochSums) -> tuple[float, dict[str, float], int]:
        """Add everything to ``sums``; returns loss and terms of the newest batch, and the number of samples added.

        Raises:
            NonFiniteLossError: One of the losses is NaN or infinite; names the samples of the first.
        """
        if not self._losses:
            return math.nan, {}, 0
        names = list(self._terms[0])
        columns = [torch.stack(self._losses).double()]
        columns += [torch.stack([t[name] for t in self._terms]).double() for name in names]
        table = torch.stack(columns).cpu().tolist()  # the one synchronisation
        losses, terms = table[0], dict(zip(names, table[1:], strict=True))
        counts = [len(index) for _, index in self._batches]
        for place, loss in enumerate(losses):
            if not math.isfinite(loss):
                parts = {name: values[place] for name, values in terms.items()}
                number, index = self._batches[place]
                names_of = self._task.sample_names(self._phase, index.tolist())
                raise NonFiniteLossError(self._phase, self._epoch, number, parts, names_of)
        sums.add(counts, losses, terms)
        newest = {name: values[-1] for name, values in terms.items()}
        self._losses, self._terms, self._batches = [], [], []
        return losses[-1], newest, sum(counts)

"""Losses that are still on the device. Reading them back in one go is the only synchronisation of the loop."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from src.core.engine.state import EpochSums
from src.core.engine.task import StepOutput, Task


class NonFiniteLossError(ArithmeticError):
    """The loss, or a gradient, became NaN or infinite.

    Attributes:
        samples: Names of the samples of the first such batch.
        cure: What to do.
    """

    def __init__(
        self,
        phase: str,
        epoch: int,
        batch: int,
        terms: dict[str, float],
        samples: list[str],
        gradients: bool = False,
    ) -> None:
        self.samples = samples
        bad = [name for name, value in terms.items() if not math.isfinite(value)]
        which = f" (the part “{bad[0]}”)" if bad else ""
        what = f"The {'training' if phase == 'train' else 'validation'} loss{which} is"
        if gradients:
            what = "The gradients are"
        shown = ", ".join(samples[:8]) + (f" and {len(samples) - 8} more" if len(samples) > 8 else "")
        numbers = "no longer numbers" if gradients else "no longer a number"
        super().__init__(f"{what} {numbers} in epoch {epoch}, batch {batch}, with the samples {shown}.")
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
        self._finite: list[Tensor | bool] = []
        self.bad: list[NonFiniteLossError] = []

    def add(self, number: int, index: Tensor, output: StepOutput, finite: Tensor | bool = True) -> None:
        """Keep the scalars of the batch of this number (from 1), and which samples it held.

        Args:
            number, index, output: Of the batch.
            finite: Whether the gradients of the update were numbers, where that is known already, or a scalar on the device.
        """
        self._losses.append(output.loss.detach())
        self._terms.append(output.terms)
        self._batches.append((number, index))
        self._finite.append(finite)

    def read_back(self, sums: EpochSums) -> tuple[float, dict[str, float], int]:
        """Add everything to ``sums``; returns loss and terms of the newest batch, and the number of samples added.

        Batches without a finite loss or finite gradients are not added; they are in ``bad``, until the next call.
        """
        self.bad = []
        if not self._losses:
            return math.nan, {}, 0
        names = list(self._terms[0])
        columns = [torch.stack(self._losses).double()]
        columns += [torch.stack([t[name] for t in self._terms]).double() for name in names]
        flags = [flag for flag in self._finite if isinstance(flag, Tensor)]
        columns += [torch.stack(flags).double()] if flags else []
        table = torch.stack(columns).cpu().tolist()  # the one synchronisation
        finite = table.pop() if flags else [float(flag) for flag in self._finite]
        losses, terms = table[0], dict(zip(names, table[1:], strict=True))
        good = [n for n, loss in enumerate(losses) if math.isfinite(loss) and finite[n]]
        if len(good) < len(losses):
            self._name_the_bad(losses, terms, finite)
        counts = [len(self._batches[n][1]) for n in good]
        sums.add(counts, [losses[n] for n in good], {k: [v[n] for n in good] for k, v in terms.items()})
        newest = {name: values[-1] for name, values in terms.items()}
        self._losses, self._terms, self._batches, self._finite = [], [], [], []
        return losses[-1], newest, sum(counts)

    def _name_the_bad(self, losses: list[float], terms: dict[str, list[float]], finite: list[float]) -> None:
        for place, loss in enumerate(losses):
            if math.isfinite(loss) and finite[place]:
                continue
            number, index = self._batches[place]
            names = self._task.sample_names(self._phase, index.tolist())
            parts = {name: values[place] for name, values in terms.items()}
            gradients = math.isfinite(loss)
            self.bad.append(NonFiniteLossError(self._phase, self._epoch, number, parts, names, gradients))

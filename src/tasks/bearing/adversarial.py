"""Adversarial training: what the network sees is moved a little in the direction that hurts it most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from src.core.engine.task import Batch
from src.tasks.bearing.augmentation_config import RegularisationConfig
from src.tasks.bearing.mixed import INPUT

#: Keeps gradients of half precision from vanishing; their sign is all that counts.
_SCALE = 1024.0


@dataclass(frozen=True)
class Attack:
    """Fast gradient sign method (Goodfellow et al. 2015, arXiv:1412.6572): ``x + ε · σ(x) · sign(∂loss/∂x)``.

    σ is the standard deviation of each input of each window, so that ε has one meaning for signals, spectra and pictures;
    the signal itself has deviation 1. The paper adds the losses of clean and attacked samples half and half; here that
    share of the batches is attacked, which costs one pass forward and back instead of two for the same expectation. The
    attacking pass drops out and computes in reduced precision as the training does; its gradient goes to no weight.

    Attributes:
        strength: ε.
        share: Of the batches.
        seed: Which batches they are is a function of it, of the epoch and of the batch's first window.
    """

    strength: float
    share: float
    seed: int

    @classmethod
    def of(cls, options: RegularisationConfig, seed: int) -> Attack | None:
        """What the options ask for; None where that is nothing."""
        if not options.adversarial * options.adversarial_share:
            return None
        return cls(options.adversarial, options.adversarial_share, seed)

    def strikes(self, batch: Batch) -> bool:
        """Whether this batch is attacked."""
        if not len(batch["index"]):
            return False
        place = (self.seed, int(batch["epoch"]), int(batch["number"]), int(batch["index"][0]))
        drawn = np.random.default_rng(np.random.SeedSequence(place, spawn_key=(3,))).random()
        return bool(drawn < self.share)

    def __call__(self, batch: Batch, loss_of: Callable[[Batch], Tensor]) -> Batch:
        """The batch with its inputs moved.

        Args:
            batch: Prepared; inputs under their names in a batch.
            loss_of: The loss of a batch, a scalar with its graph.
        """
        names = [name for name in batch if name.startswith(INPUT)]
        inputs = [batch[name].detach().requires_grad_() for name in names]
        with torch.enable_grad():
            loss = loss_of({**batch, **dict(zip(names, inputs, strict=True))})
            gradients = torch.autograd.grad(loss * _SCALE, inputs, allow_unused=True)
        moved = {
            name: _moved(value.detach(), gradient, self.strength)
            for name, value, gradient in zip(names, inputs, gradients, strict=True)
        }
        return {**batch, **moved}


def _moved(value: Tensor, gradient: Tensor | None, strength: float) -> Tensor:
    """An input N×… after the attack; where its gradient is no number it stays."""
    if gradient is None:
        return value
    deviation = value.flatten(1).std(1, correction=0).view(-1, *[1] * (value.ndim - 1))
    return value + strength * deviation * gradient.sign().nan_to_num(0.0).to(value.dtype)

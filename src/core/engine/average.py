"""Averages of the weights: running (Polyak and Juditsky 1992) and over epochs (SWA, Izmailov et al. 2018)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from src.core.engine.devices.parts import local


class HeldWeights:
    """A second set of all weights and buffers of a model, which can take the place of those it trains.

    Attributes:
        average: Tensor by its name in the state of the model.
        updates: How many states went in.
    """

    def __init__(self, model: nn.Module) -> None:
        self.updates = 0
        live = model.state_dict()
        self.average: dict[str, Tensor] = {k: v.detach().clone() for k, v in live.items()}
        self._floats = [k for k, v in live.items() if v.is_floating_point()]
        self._others = [k for k, v in live.items() if not v.is_floating_point()]
        self._average_floats = [local(self.average[k]) for k in self._floats]
        # state_dict() walks the whole model; the tensors stay the same objects, so it is done once
        self._live = {k: v.detach() for k, v in live.items()}
        self._live_floats = [local(self._live[k]) for k in self._floats]

    @torch.no_grad()
    def mix(self, share: float) -> None:
        """Bring the average so much of the way to the weights of now; counters are copied."""
        self.updates += 1
        torch._foreach_lerp_(self._average_floats, self._live_floats, share)
        for key in self._others:
            self.average[key].copy_(self._live[key])

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """The model computes with the average inside the block."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        for key, average in self.average.items():
            live = self._live[key]
            kept = live.clone()
            live.copy_(average)
            average.copy_(kept)


class WeightAverage(HeldWeights):
    """Running average, decay warmed up as in TensorFlow's EMA.

    The decay of update ``n`` is ``min(decay, (1+n)/(10+n))``, so that the random start is soon forgotten. Batch-norm
    statistics are averaged like weights.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        super().__init__(model)
        self.decay = decay

    def update(self) -> None:
        """After each update of the weights."""
        self.mix(1 - min(self.decay, (1 + self.updates) / (10 + self.updates)))


class EpochAverage(HeldWeights):
    """Plain mean of the weights at the ends of epochs, from one on. Statistics of batch-norm are computed anew, not averaged:
    activations of mean weights are no mean of activations.

    Attributes:
        first: The epoch from which on weights go in (from 1).
        last: The newest epoch that went in; 0 before the first.
    """

    def __init__(self, model: nn.Module, first: int) -> None:
        super().__init__(model)
        self.first, self.last = first, 0
        self._model = model

    @property
    def begun(self) -> bool:
        """Whether there is a mean to use."""
        return self.updates > 0

    def end_epoch(self, epoch: int, batches: Iterable[Any], forward: Callable[[Any], object]) -> None:
        """Enter the weights of an epoch's end; nothing where that was done (a run may be resumed behind it).

        Args:
            epoch: From 1.
            batches, forward: Training batches, and what passes one through the network: for the statistics.
        """
        if epoch < self.first or epoch <= self.last:
            return
        self.mix(1 / (self.updates + 1))
        self.last = epoch
        # those of a frozen part keep what they were trained with
        norms = [
            m
            for m in self._model.modules()
            if isinstance(m, _BatchNorm) and m.training and m.track_running_stats
        ]
        if norms:
            self._model.eval()
            with self.applied(), torch.no_grad():
                _count_anew(norms, batches, forward)


def _count_anew(norms: list[_BatchNorm], batches: Iterable[Any], forward: Callable[[Any], object]) -> None:
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over the batches
        norm.train()
    try:
        for batch in batches:
            forward(batch)
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum

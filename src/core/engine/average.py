"""Exponential moving average of the weights (Polyak and Juditsky 1992; decay warmed up as in TensorFlow's EMA)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn


class WeightAverage:
    """Running average of all floating-point weights and buffers of a model.

    The decay of update ``n`` is ``min(decay, (1+n)/(10+n))``, so that the random start is soon forgotten. Batch-norm
    statistics are averaged like weights; counters are copied.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        live = model.state_dict()
        self.average: dict[str, Tensor] = {k: v.detach().clone() for k, v in live.items()}
        self._floats = [k for k, v in live.items() if v.is_floating_point()]
        self._others = [k for k, v in live.items() if not v.is_floating_point()]
        self._average_floats = [self.average[k] for k in self._floats]
        # state_dict() walks the whole model; the tensors stay the same objects, so it is done once
        self._live = {k: v.detach() for k, v in live.items()}
        self._live_floats = [self._live[k] for k in self._floats]

    @torch.no_grad()
    def update(self) -> None:
        """After each update of the weights."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        self.updates += 1
        torch._foreach_lerp_(self._average_floats, self._live_floats, 1 - decay)
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

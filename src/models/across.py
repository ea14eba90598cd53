"""Sums over a batch of which other processes compute a part: a loss that is no mean over samples then stays that of the whole batch.

Who trains on several devices says how such sums are added; otherwise they are those of the batch at hand, at no cost.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

_add: Callable[[Tensor], Tensor] | None = None


def add_by(add: Callable[[Tensor], Tensor] | None) -> None:
    """Say how sums (one dimension) are added over all processes, with their gradients; None ends it."""
    global _add
    _add = add


def over_all(*sums: Tensor) -> tuple[Tensor, ...]:
    """The sums over the whole batch, in place of those over the samples at hand."""
    if _add is None:
        return sums
    flat = _add(torch.cat([s.reshape(-1) for s in sums]))
    parts = flat.split([s.numel() for s in sums])
    return tuple(part.view(s.shape).to(s.dtype).to(s.device) for part, s in zip(parts, sums, strict=True))

"""What the loop itself needs to know."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LoopOptions:
    """See `TrainingConfig` for the meaning of each."""

    epochs: int
    accumulate: int = 1
    clip_norm: float = 0.0
    ema_decay: float = 0.0
    patience: int = 0
    min_delta: float = 0.0
    seed: int = 0
    save_every_s: float = 0.0
    skip_limit: int = 0
    rollbacks: int = 0
    swa_from: int = 0
    norm_batches: int = 100

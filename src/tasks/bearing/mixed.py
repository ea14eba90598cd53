"""Batches whose samples are made of two windows (MixUp, CutMix), and the truths of both."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from src.core.engine.task import Batch
from src.models.mixing import Choice, blended
from src.tasks.bearing.signals.augment import paste

#: Prefix of the keys of the inputs in a batch, and of the truths of the windows that are mixed in.
INPUT, OTHER = "input:", "other:"
#: What the windows themselves count in a mixed batch; the key is missing in others.
SHARE = "share"
#: What the loss looks at beside the model's answer.
_TRUTHS = ("target", "recording", "place", "condition", "snr")


def pasted(windows: Sequence[np.ndarray], choice: Choice) -> tuple[list[np.ndarray], float]:
    """Windows with a stretch of another one of the batch in each (CutMix), and what they themselves count.

    Args:
        windows: As many samples each; one that is louder must not win, so all are brought to one mean and deviation.
        choice: Of kind ``cutmix``.
    """
    levelled = []
    for window in windows:
        deviation = float(window.std())
        levelled.append(((window - window.mean()) / (deviation if deviation > 0 else 1.0)).astype(np.float32))
    made = [
        paste(window, levelled[k - choice.shift], choice.rng, choice.share)
        for k, window in enumerate(levelled)
    ]
    return [m.signal for m in made], made[0].share


def with_others(batch: Batch, choice: Choice, share: float) -> Batch:
    """A batch of mixed windows with the truths of those that were mixed in; of MixUp the inputs are blended here.

    The inputs are blended rather than the signals, so that on an axis of orders each window keeps its own speed. What
    stands out at the fault frequencies (``snr``) is that of each window in MixUp, that of the joined signal in CutMix.
    """
    found = dict(batch)
    blend = choice.kind == "mixup"
    for name, value in batch.items():
        if name.startswith(INPUT) and blend:
            found[name] = blended(value, choice.shift, share)
        elif name in _TRUTHS:
            found[OTHER + name] = value.roll(choice.shift, 0) if blend or name != "snr" else value
    return found | {SHARE: share}


def others(batch: Batch) -> Batch | None:
    """A mixed batch with the truths of the windows that were mixed in; None where it is not mixed."""
    if SHARE not in batch:
        return None
    return batch | {name: batch[OTHER + name] for name in _TRUTHS if OTHER + name in batch}


def place_of(epoch: int, numbers: Sequence[int]) -> tuple[int, ...]:
    """What the mixing of a batch is a function of, beside the seed."""
    return (epoch, len(numbers), int(numbers[0])) if len(numbers) else (epoch, 0)


def rows_of(rows: Sequence[dict[str, np.ndarray]]) -> dict[str, torch.Tensor]:
    """Inputs of windows, by their names in a batch."""
    names = rows[0] if rows else {}
    return {
        name if name == "snr" else INPUT + name: torch.from_numpy(np.stack([row[name] for row in rows]))
        for name in names
    }

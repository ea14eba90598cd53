"""Small generated recordings of bearings, and what tests on them share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from src.core.engine.checkpoint import read_state
from src.core.run import CheckpointIndex, RunFolder
from src.tasks.bearing.geometry import known_bearing

RATE, SPEED, SECONDS = 4000, 1500.0, 3.0
BEARING_MODEL = "SKF 6205-2RS JEM"
CPU = torch.device("cpu")


def wave(kind: str, seed: int) -> np.ndarray:
    """Noise, with impulses at the frequency of a fault that ring at 1.2 kHz."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(0, 0.3, int(RATE * SECONDS))
    if kind == "normal":
        return signal.astype(np.float32)
    order = known_bearing(BEARING_MODEL).defect_orders()[kind]
    times = np.arange(rng.uniform(0, 0.02), SECONDS - 0.02, 60 / SPEED / order)
    ring = np.exp(-np.arange(60) / 12) * np.sin(2 * np.pi * 1200 / RATE * np.arange(60))
    for begin in (times * RATE).astype(int):
        signal[begin : begin + 60] += ring
    return signal.astype(np.float32)


def words(folder: Path, *more: str) -> list[str]:
    return [
        f"data.folder={folder}", "data.facts.label=folder", f"data.facts.rate_hz={RATE}", f"data.facts.speed_rpm={SPEED}",
        "data.name_pattern={label}_{run}_load{load}", "data.bearing.kind=rolling", f"data.bearing.model={BEARING_MODEL}",
        "data.windows.length=0.5", "data.split.val_fraction=0.34", "training.device=cpu", "training.cpu_threads=1",
        "training.precision=fp32", "training.machine_tuning=false", "training.epochs=2", "training.batch_size=8",
        "monitoring.preview_samples=2", "monitoring.resource_every_s=0", "inputs.workers=0", *more,
    ]  # fmt: skip


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    assert one.keys() == other.keys()
    return all(
        torch.equal(one[k], other[k]) if isinstance(one[k], torch.Tensor) else one[k] == other[k] for k in one
    )


def weights(run: RunFolder, role: str = "last") -> dict[str, torch.Tensor]:
    index = CheckpointIndex(run)
    entry = index.with_role(role)
    assert entry is not None
    return read_state(index.file_of(entry))[0]["model"]

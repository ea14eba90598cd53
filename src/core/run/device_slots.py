"""Which devices a queue may fill, found without torch: one run a device."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Collection, Sequence

_ANSWER_S = 10.0


def visible_cards() -> list[str]:
    """What to write into ``CUDA_VISIBLE_DEVICES`` for each GPU that a run could use, in the order of torch."""
    said = os.environ.get("CUDA_VISIBLE_DEVICES")
    if said is not None:
        named = [word.strip() for word in said.split(",")]
        return [word for word in named if word and word != "-1"]
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    try:
        done = subprocess.run([tool, "-L"], capture_output=True, text=True, timeout=_ANSWER_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    cards = [line for line in done.stdout.splitlines() if line.startswith("GPU ")]
    return [str(number) for number in range(len(cards))] if done.returncode == 0 else []


def candidates(wanted: str, cards: Sequence[str]) -> list[str]:
    """The devices on which a run may be started, the first choice first.

    ``auto`` takes any GPU, else the one accelerator of the machine, else the processor.
    """
    if wanted == "auto":
        if cards:
            return [f"cuda:{number}" for number in range(len(cards))]
        return ["mps" if sys.platform == "darwin" and platform.machine() == "arm64" else "cpu"]
    return ["cuda:0" if wanted == "cuda" else wanted]


def free_slot(wanted: str, cards: Sequence[str], busy: Collection[str]) -> str | None:
    """The first free one of `candidates`, or None."""
    return next((slot for slot in candidates(wanted, cards) if slot not in busy), None)


def environment_for(wanted: str, slot: str, cards: Sequence[str]) -> dict[str, str]:
    """Variables that make a run with the device ``auto`` take just this GPU; nothing for any other device."""
    if wanted != "auto" or not slot.startswith("cuda:"):
        return {}
    return {"CUDA_VISIBLE_DEVICES": cards[int(slot.removeprefix("cuda:"))]}

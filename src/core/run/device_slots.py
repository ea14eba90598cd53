"""Which devices a queue may fill, found without torch: one run a device."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from typing import Any

_ANSWER_S = 10.0


def asked_for(config: Mapping[str, Any]) -> tuple[str, int]:
    """The device that the plain values of a run's configuration ask for, and how many of them."""
    training = config.get("training")
    values: Mapping[str, Any] = training if isinstance(training, Mapping) else {}
    count = values.get("devices", 1)
    return str(values.get("device") or "auto"), count if isinstance(count, int) and count >= 0 else 1


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


def free_slot(wanted: str, cards: Sequence[str], busy: Collection[str], count: int = 1) -> str | None:
    """The first free one of `candidates`, or as many as the run asks for, joined by a plus; None where there are too few.

    ``count`` 0 stands for all GPUs. Several processes on the processor, or more GPUs than there are, which the run itself
    refuses in words, count as what there is.
    """
    found = candidates("auto" if count != 1 and wanted == "cuda" else wanted, cards)
    needed = min(count or len(found), len(found))
    free = [slot for slot in found if slot not in busy]
    return "+".join(free[:needed]) if len(free) >= needed else None


def taken(slot: str) -> list[str]:
    """The devices of a slot."""
    return slot.split("+") if slot else []


def environment_for(wanted: str, slot: str, cards: Sequence[str]) -> dict[str, str]:
    """Variables that make a run with the device ``auto`` take just these GPUs; nothing for a device that has a name."""
    slots = taken(slot)
    if not slots or not slots[0].startswith("cuda:") or (wanted != "auto" and len(slots) == 1):
        return {}
    return {"CUDA_VISIBLE_DEVICES": ",".join(cards[int(name.removeprefix("cuda:"))] for name in slots)}

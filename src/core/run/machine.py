"""What the resource samples of a run say, in a plain sentence with what helps. Torch-free."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

#: From this share of the time on, waiting for data is worth a word.
WAITING = 0.15
MUCH_WAITING = 0.35
#: Fewer samples say nothing: the first ones are of the start.
LEAST_SAMPLES = 4
_IDLE_GPU = 60.0
_FULL = 0.92
_LITTLE_DISK_GB = 5.0


@dataclass(frozen=True)
class Hint:
    """One thing that the samples say.

    Attributes:
        severity: ``good``, ``info`` or ``warn``.
        said: What is so, and what helps.
    """

    severity: str
    said: str


def hints(samples: Iterable[Mapping[str, Any]], settings: Mapping[str, Any] | None = None) -> list[Hint]:
    """What a person should know, the most important first; one that says all is well where nothing else is.

    Args:
        samples: Fields of ``resource_sample`` events, oldest first.
        settings: Dotted keys of the configuration; what is set already is not advised.
    """
    rows = list(samples)
    if len(rows) < LEAST_SAMPLES:
        return []
    newest = rows[-60:]
    settings = settings or {}
    found = [_waiting(newest, settings), _gpu(newest), _memory(newest, settings), _disk(newest)]
    said = [hint for hint in found if hint is not None]
    if said:
        return said
    wait = _median(newest, "wait_share")
    if wait is None:
        return []
    return [Hint("good", f"The computation waits {wait:.0%} of the time for data: reading keeps up.")]


def _median(rows: list[Mapping[str, Any]], key: str) -> float | None:
    values = [float(row[key]) for row in rows if isinstance(row.get(key), (int, float))]
    return statistics.median(values) if values else None


def _waiting(rows: list[Mapping[str, Any]], settings: Mapping[str, Any]) -> Hint | None:
    share = _median(rows, "wait_share")
    if share is None or share < WAITING:
        return None
    cures = []
    cures.append("more workers (they are set to 0)" if settings.get("data.workers") == 0 else "more workers")
    if settings.get("data.cache") in (None, False, "off"):  # YAML reads a bare off as false
        cures.append("the cache")
    else:
        cures.append("a lighter augmentation")
    busy = _median(rows, "cpu_percent")
    full = busy is not None and busy > 85
    more = (
        " The processor is fully busy: fewer or cheaper steps of augmentation help more than workers."
        if full
        else ""
    )
    said = f"The computation waits {share:.0%} of the time for data: {' or '.join(cures)} would help.{more}"
    return Hint("warn" if share >= MUCH_WAITING else "info", said)


def _gpu(rows: list[Mapping[str, Any]]) -> Hint | None:
    busy, wait = _median(rows, "gpu_percent"), _median(rows, "wait_share") or 0.0
    if busy is None or busy >= _IDLE_GPU or wait >= WAITING:
        return None
    return Hint(
        "info",
        f"The GPU is busy {busy:.0f} % of the time, and does not wait for data: a larger batch would use it better.",
    )


def _memory(rows: list[Mapping[str, Any]], settings: Mapping[str, Any]) -> Hint | None:
    last = rows[-1]
    for key, total, what, cure in (
        (
            "gpu_memory_mb",
            "gpu_memory_total_mb",
            "the GPU's memory",
            "A smaller batch or image size leaves room.",
        ),
        (
            "memory_used_mb",
            "memory_total_mb",
            "the machine's memory",
            "Fewer workers or a smaller batch leave room.",
        ),
    ):
        used, all_of_it = last.get(key), last.get(total)
        if (
            isinstance(used, (int, float))
            and isinstance(all_of_it, (int, float))
            and all_of_it > 0
            and used / all_of_it > _FULL
        ):
            return Hint(
                "warn",
                f"{used / all_of_it:.0%} of {what} is in use: little is missing until it runs out. {cure}",
            )
    return None


def _disk(rows: list[Mapping[str, Any]]) -> Hint | None:
    free = rows[-1].get("disk_free_gb")
    if not isinstance(free, (int, float)) or free >= _LITTLE_DISK_GB:
        return None
    return Hint(
        "warn",
        f"Only {free:.1f} GB are free on the disk of the run: checkpoints may soon not fit. Free some space.",
    )

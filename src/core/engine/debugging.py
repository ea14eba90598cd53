"""Aids for finding faults: a few batches of everything, the same batches again and again, a record of where time goes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from src.core.config.extras import DebugConfig
from src.core.dataset.findings import Finding
from src.core.engine.callbacks import Callback, Outcome
from src.core.engine.task import Batch, Loader

if TYPE_CHECKING:
    from src.core.engine.trainer import Trainer

#: What a quick trial does.
FAST_EPOCHS, FAST_TRAIN, FAST_VAL = 2, 4, 2
#: Updates before a profile begins: the first ones allocate, choose kernels and fill caches.
WARM_UP = 5


class FirstBatches:
    """The first batches of a loader; with ``same`` those of its first epoch in every epoch."""

    def __init__(self, loader: Loader, count: int, same: bool = False) -> None:
        self._loader, self._count, self._same = loader, min(count, len(loader)), same

    def __len__(self) -> int:
        return self._count

    def epoch(self, epoch: int, start_batch: int = 0) -> Iterator[Batch]:
        """Batches of an epoch, from ``start_batch`` on."""
        yield from islice(
            self._loader.epoch(1 if self._same else epoch, start_batch), self._count - start_batch
        )

    def close(self) -> None:
        """End workers."""
        self._loader.close()


def shortened(config: DebugConfig, loaders: tuple[Loader, Loader | None]) -> tuple[Loader, Loader | None]:
    """The loaders of a run with these aids."""
    train, val = loaders
    if config.overfit_batches:
        train = FirstBatches(train, config.overfit_batches, same=True)
    if config.fast:
        train = FirstBatches(train, FAST_TRAIN)
        val = FirstBatches(val, FAST_VAL) if val is not None else None
    return train, val


def findings_of(config: DebugConfig) -> list[Finding]:
    """What everybody who sees the run must know of it."""
    found = []
    if config.fast:
        found.append(
            Finding("warning", "debug.fast", f"This is a quick trial: {FAST_EPOCHS} epochs of {FAST_TRAIN} training and "
                    f"{FAST_VAL} validation batches. Its values and its model say nothing.",
                    "Turn the quick trial off for a run that counts.", ("training.debug.fast",))
        )  # fmt: skip
    if config.overfit_batches:
        learnt = "one batch" if config.overfit_batches == 1 else f"{config.overfit_batches} batches"
        found.append(
            Finding("warning", "debug.overfit", f"This run learns {learnt} by heart: its training loss should "
                    "come close to zero, and its validation values say nothing.",
                    "Turn it off for a run that counts.", ("training.debug.overfit_batches",))
        )  # fmt: skip
    return found


class ProfilerTrace(Callback):
    """Records a number of updates with torch's profiler into ``profile/``: a trace for chrome://tracing or Perfetto, and a
    table of what took longest."""

    def __init__(self, folder: Path, steps: int) -> None:
        self._folder, self._steps = folder, steps
        self._profiler: Any = None
        self._done = 0
        self._over = False

    def on_update(self, trainer: Trainer) -> None:
        if self._over:
            return
        self._done += 1
        if self._done == WARM_UP:
            kinds = [torch.profiler.ProfilerActivity.CPU]
            if trainer.device.type == "cuda":
                kinds.append(torch.profiler.ProfilerActivity.CUDA)
            self._profiler = torch.profiler.profile(activities=kinds)
            self._profiler.start()
        elif self._done >= WARM_UP + self._steps:
            self._finish(trainer)

    def on_run_end(self, trainer: Trainer, outcome: Outcome) -> None:
        """A run that is shorter than the profile leaves what there is."""
        if self._profiler is not None:
            self._finish(trainer)
        elif not self._over:
            trainer.callbacks(
                "on_warning", trainer, "profile", f"Nothing was profiled: the run ended within its first {WARM_UP} updates.",
                "Train longer.", [],
            )  # fmt: skip

    def _finish(self, trainer: Trainer) -> None:
        self._over = True
        self._profiler.stop()
        try:
            self._folder.mkdir(exist_ok=True)
            self._profiler.export_chrome_trace(str(self._folder / "trace.json"))
            order = "self_cuda_time_total" if trainer.device.type == "cuda" else "self_cpu_time_total"
            table = self._profiler.key_averages().table(sort_by=order, row_limit=40)
            (self._folder / "slowest.txt").write_text(table, "utf-8")
        except OSError as error:
            trainer.callbacks(
                "on_warning", trainer, "profile", f"The profile cannot be written: {error.strerror or error}.",
                "Free some space, or turn it off (training.debug.profile_steps=0).", [str(self._folder)],
            )  # fmt: skip
        self._profiler = None

"""Callbacks that write the run folder: events, checkpoints, previews, resources."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
import torch
from torch import Tensor

from src.core.engine.callbacks import Callback, Outcome, Report
from src.core.engine.checkpoint import encode_state, read_state
from src.core.engine.trainer import Trainer
from src.core.feed.cache.preparing import size_words
from src.core.run.checkpoints import CheckpointEntry, CheckpointIndex, write_verified
from src.core.run.events import EventWriter
from src.core.run.folder import RunFolder
from src.core.run.machine_sample import MachineSampler

#: Saving may take this share of the time; shorter epochs are saved less often. Resuming repeats them exactly.
SAVING_SHARE = 0.05
#: The last state, the one before it, the one being written, and room for the best weights and their copy.
STATES_AT_ONCE = 4


class EventRecorder(Callback):
    """Writes what happens to the event log; the log is what everybody else sees."""

    def __init__(self, writer: EventWriter) -> None:
        self._writer = writer

    def on_epoch_start(self, trainer: Trainer) -> None:
        self._writer.write("epoch_started", epoch=trainer.state.epoch, epochs=trainer.options.epochs)

    def on_report(self, trainer: Trainer, report: Report) -> None:
        self._writer.write(
            "batch_progress", epoch=report.epoch, phase=report.phase, batch=report.batch, batches=report.batches,
            loss=report.loss, terms=report.terms, lr=report.lr, per_second=round(report.per_second, 3),
        )  # fmt: skip

    def on_epoch_end(self, trainer: Trainer, entry: dict[str, Any]) -> None:
        self._writer.write("epoch_completed", **entry)

    def on_roll_back(self, trainer: Trainer) -> None:
        position = trainer.state
        self._writer.write(
            "rolled_back", epoch=position.epoch, step=position.step, steps_per_epoch=len(trainer.train_loader),
            times=position.rollbacks, lr=trainer.schedule.rate,
        )  # fmt: skip

    def on_warning(self, trainer: Trainer, code: str, message: str, cure: str, where: Sequence[str]) -> None:
        self._writer.write(
            "warning", severity="warning", code=code, message=message, cure=cure, where=list(where)
        )


def state_bytes(trainer: Trainer) -> int:
    """What a checkpoint to resume from takes at most: weights, the optimiser's two numbers for each, running averages.

    Estimated, because an optimiser holds nothing before its first step.
    """
    weights = sum(v.numel() * v.element_size() for v in trainer.model.state_dict().values())
    averages = sum(average is not None for average in (trainer.average, trainer.swa))
    return weights * (3 + averages)


class CheckpointSaver(Callback):
    """Keeps ``last`` (everything, for resuming), the one before it, ``best`` (weights), and every k-th.

    Between epochs it writes no more often than so that saving takes 5 % of the time; the best weights wait in memory.
    Whatever the moment of a crash, the index points to whole files.
    """

    def __init__(
        self, folder: RunFolder, writer: EventWriter, header: dict[str, Any], every: int = 0
    ) -> None:
        self._index = CheckpointIndex(folder)
        self._writer, self._header, self._every = writer, header, every
        self._best: tuple[dict[str, Tensor], int, float | None] | None = None
        self._saved_at, self._cost = 0.0, 0.0

    def sweep(self) -> None:
        """Remove what a killed process left half-written."""
        self._index.sweep()

    def on_run_start(self, trainer: Trainer) -> None:
        """Warn before hours are spent where the disk has no room for what will be saved."""
        entries = self._index.entries()
        planned = trainer.options.epochs // self._every if self._every else 0
        held = sum(entry.bytes for entry in entries)
        state = state_bytes(trainer)
        needed = max(2 * state, (STATES_AT_ONCE + planned) * state - held)
        free = shutil.disk_usage(self._index.folder.path).free
        if free >= needed:
            return
        each = f" and the {planned} checkpoints that are kept" if planned else ""
        self._writer.write(
            "warning", severity="warning", code="disk-space",
            message=f"The disk that holds {self._index.folder.path} has {size_words(free)} free; saving this run{each} may need "
                    f"{size_words(needed)}: a checkpoint of this model takes up to {size_words(state)}.",
            cure="Free some space while it trains, or stop it and choose another folder for the runs. A run that finds the disk "
                 "full ends, and Resume goes on from its last checkpoint.",
            where=["monitoring.save_every_epochs"] if planned else [],
        )  # fmt: skip

    def on_new_best(self, trainer: Trainer) -> None:
        weights = {k: v.detach().to("cpu", copy=True) for k, v in trainer.weights().items()}
        self._best = (weights, trainer.state.epoch, trainer.state.best_value)

    def on_roll_back(self, trainer: Trainer) -> None:
        self._best = None  # of an epoch that does not count any more

    def on_save(self, trainer: Trainer, reason: str) -> None:
        done = trainer.state.epoch - 1
        keep = bool(self._every and reason == "epoch" and done % self._every == 0)
        ended = done >= trainer.options.epochs or (reason == "epoch" and trainer.command() is not None)
        waited = time.perf_counter() - self._saved_at
        if (
            reason == "epoch"
            and not keep
            and not ended
            and self._saved_at
            and waited < self._cost / SAVING_SHARE
        ):
            return
        self.save(trainer, keep)

    def save(self, trainer: Trainer, keep: bool = False) -> None:
        """Write the best weights that wait, and the whole state."""
        began = time.perf_counter()
        self._save_best(trainer)
        state, header = trainer.snapshot()
        position = trainer.state
        epoch = position.epoch if position.step else position.epoch - 1
        roles = ("last", "keep") if keep else ("last",)
        stem = f"state-{position.epoch:05d}-{position.step:07d}"
        header = {**self._header, **header}
        self._write(stem, state, header, roles, epoch, position.step, position.best_value)
        self._saved_at = time.perf_counter()
        self._cost = self._saved_at - began

    def recover(self) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The newest sound state, as `Trainer.snapshot` gave it; None where there is none."""
        entry, _ = self._index.newest_sound()
        return None if entry is None else read_state(self._index.file_of(entry))

    def _save_best(self, trainer: Trainer) -> None:
        if self._best is None:
            return
        weights, epoch, value = self._best
        header = {**self._header, "facts": trainer.task.facts(), "epoch": epoch, "value": value}
        self._write(f"best-{epoch:05d}", {"model": weights}, header, ("best",), epoch, 0, value)
        self._best = None

    def on_run_end(self, trainer: Trainer, outcome: Outcome) -> None:
        """Whatever ended the run, the best weights are on the disk; and the state, unless an error spoilt it."""
        if outcome.status == "failed":
            with contextlib.suppress(OSError):  # a full disk is told as the cause already
                self._save_best(trainer)
            return
        newest = self._index.with_role("last")
        if self._best is not None or newest is None or newest.epoch < trainer.state.epoch - 1:
            self.save(trainer)

    def _write(
        self, stem: str, state: dict[str, Any], header: dict[str, Any], roles: tuple[str, ...], epoch: int, step: int,
        value: float | None,
    ) -> None:  # fmt: skip
        folder = self._index.folder.checkpoints
        target, number = folder / f"{stem}.safetensors", 1
        while target.exists():  # never write over a file that the index may point to
            number += 1
            target = folder / f"{stem}-{number}.safetensors"
        data = encode_state(state, header)
        digest = write_verified(target, data)
        split = str(header.get("split_hash", ""))
        entry = CheckpointEntry(target.name, digest, len(data), epoch, step, roles, value, split)
        self._index.add(target, entry)
        self._writer.write(
            "checkpoint_saved",
            epoch=epoch,
            step=step,
            roles=list(roles),
            file=f"checkpoints/{target.name}",
            bytes=len(data),
        )


def write_png(path: Path, picture: np.ndarray) -> None:
    """RGB H×W×3 uint8 to a PNG; works with any path on any system."""
    ok, data = cv2.imencode(
        ".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 3]
    )
    if not ok:
        raise OSError(f"{path} could not be encoded as PNG.")
    path.write_bytes(data.tobytes())


class PreviewRecorder(Callback):
    """Predicts the same few validation samples every k epochs and keeps the pictures."""

    def __init__(self, folder: RunFolder, writer: EventWriter, count: int, every: int) -> None:
        self._folder, self._writer, self._count, self._every = folder, writer, count, every

    def on_epoch_end(self, trainer: Trainer, entry: dict[str, Any]) -> None:
        epoch = entry["epoch"]
        if not self._count or ((epoch - 1) % self._every and epoch != trainer.options.epochs):
            return
        trainer.group.lead("previews")
        trainer.model.eval()
        with torch.no_grad(), trainer.averaged():
            items = trainer.task.previews(trainer.model, trainer.device, self._count)
        listed = []
        for number, item in enumerate(items):
            names = {}
            for kind in ("image", "truth", "prediction"):
                # image and truth never change: written once
                name = (
                    f"{number:02d}_{kind}.png"
                    if kind != "prediction"
                    else f"{number:02d}_epoch{epoch:05d}.png"
                )
                target = self._folder.previews / name
                if kind == "prediction" or not target.exists():
                    write_png(target, getattr(item, kind))
                names[kind] = f"previews/{name}"
            words = {key: word for key in ("shows", "value") if (word := getattr(item, key))}
            listed.append({"sample": item.sample, "metric": item.metric, **names, **words})
        if listed:
            self._writer.write("preview_written", epoch=epoch, items=listed)


class ResourceSampler(Callback):
    """Samples memory, processor and GPU from a thread of its own; never touches the device's queue."""

    def __init__(self, writer: EventWriter, every_s: float, place: Path | None = None) -> None:
        """``place`` is a folder on the disk that is watched."""
        self._writer, self._every = writer, every_s
        self._machine = MachineSampler(place) if place is not None else None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def on_run_start(self, trainer: Trainer) -> None:
        if self._every:
            self._thread = threading.Thread(target=self._run, args=(trainer,), name="resources", daemon=True)
            self._thread.start()

    def on_run_end(self, trainer: Trainer, outcome: Outcome) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, trainer: Trainer) -> None:
        me = psutil.Process()
        me.cpu_percent()
        while not self._stop.wait(self._every):
            fields: dict[str, Any] = {
                "cpu_percent": me.cpu_percent() / (psutil.cpu_count() or 1),
                "memory_mb": me.memory_info().rss / 2**20,
                "wait_share": trainer.wait_share,
            }
            if trainer.device.type == "cuda":
                fields["gpu_memory_mb"] = torch.cuda.memory_reserved(trainer.device) / 2**20
                fields["gpu_percent"] = _gpu_percent(trainer.device)
                fields["gpu_memory_total_mb"] = (
                    torch.cuda.get_device_properties(trainer.device).total_memory / 2**20
                )
            if self._machine is not None:
                fields |= self._machine.sample()
            try:
                self._writer.write("resource_sample", **fields)
            except OSError:  # a full disk: the loop itself will meet it and say so
                return


def _gpu_percent(device: torch.device) -> float | None:
    try:
        return float(torch.cuda.utilization(device))
    except (RuntimeError, ModuleNotFoundError, AttributeError):  # the driver's own library is not there
        return None

"""Builds a trainer from a configuration, and notes what it runs on. Imports torch."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Generator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from src import __version__
from src.core.config import RunConfig
from src.core.dataset.findings import Finding, counted
from src.core.engine.callbacks import Callback
from src.core.engine.compiling import compile_where_it_works
from src.core.engine.debugging import FAST_EPOCHS, ProfilerTrace, findings_of, shortened
from src.core.engine.device import (
    Precision,
    apply_settings,
    choose_device,
    choose_precision,
    device_title,
    mix_seed,
)
from src.core.engine.devices.group import ALONE, Group
from src.core.engine.devices.joining import Told, joined
from src.core.engine.devices.led import Following, Led
from src.core.engine.distil import with_teacher
from src.core.engine.gradients import GradientMonitor
from src.core.engine.metrics_files import MetricsFiles
from src.core.engine.optim import Schedule, build_optimizer
from src.core.engine.recorder import CheckpointSaver, EventRecorder, PreviewRecorder, ResourceSampler
from src.core.engine.resizing import ProgressiveResizing
from src.core.engine.task import Loader, Task
from src.core.engine.tracking import TrackerFollowers
from src.core.engine.trainer import LoopOptions, Trainer
from src.core.run import CommandInbox, EventWriter, RunFolder
from src.core.run.progress import stages

_PACKAGES = (
    "torch", "torchvision", "segmentation-models-pytorch", "timm", "numpy", "opencv-python-headless", "pydantic", "safetensors",
)  # fmt: skip


def assemble(
    config: RunConfig,
    kind: type[Task],
    data: Any,
    folder: RunFolder,
    writer: EventWriter,
    inbox: CommandInbox,
    weights_follow: bool = False,
    callbacks: Sequence[Callback] = (),
    group: Group = ALONE,
) -> Trainer:
    """Everything that a run needs, seeded, on its device; ``weights_follow`` as in `Task`, ``callbacks`` beside our own.

    ``group`` are the devices that train it; all but the first get nothing that writes.
    """
    training, monitoring = config.training, config.monitoring
    device = group.device or choose_device(training.device)
    precision = choose_precision(training.precision, device)
    apply_settings(training, device, group.beside)

    def note(found: Finding) -> None:
        writer.write("warning", severity=found.severity, code=found.code, message=found.message, cure=found.cure,
                     where=list(found.where))  # fmt: skip

    torch.manual_seed(mix_seed(training.seed, 0))
    task = kind(config, data)
    task.weights_follow = weights_follow
    task = with_teacher(task)
    group.in_turn(lambda: task.prepare_data(stages(writer), lambda: inbox.poll() is not None, note))
    model = task.build_model().to(device)
    if training.channels_last and group.parts:
        note(Finding("notice", "divided-layout", "Divided weights (training.strategy=fsdp) need the usual memory layout: "
                     "training.channels_last does nothing.", "", ("training.channels_last",)))  # fmt: skip
    elif training.channels_last:
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    loaders = shortened(training.debug, group.share(task.build_loaders(device)))
    for found in findings_of(training.debug):
        note(found)
    if training.compile and (reason := _compile(task, model, loaders[0], device, precision)):
        note(Finding("warning", "compile", f"The network is not compiled: {reason}.",
                     "Turn it off (training.compile=false), or install what the compiler misses.", ()))  # fmt: skip
    if said := joined(group, task, model, training):
        note(said)
    groups = task.parameter_groups(model, training.optimizer)
    optimizer = build_optimizer(training.optimizer, groups, device)
    batches = len(loaders[0])
    if training.accumulate > batches:
        there = counted(batches, "batch", "batches")
        note(Finding("notice", "accumulate", f"training.accumulate is {training.accumulate}, and an epoch has {there}: no more are "
                     "added before an update.", "Accumulate fewer, or choose a smaller batch size.",
                     ("training.accumulate",)))  # fmt: skip
    updates = -(-batches // training.accumulate)
    epochs = min(training.epochs, FAST_EPOCHS) if training.debug.fast else training.epochs
    options = LoopOptions(
        epochs=epochs, accumulate=training.accumulate, clip_norm=training.clip_norm, ema_decay=training.ema_decay,
        patience=training.early_stopping.patience, min_delta=training.early_stopping.min_delta, seed=training.seed,
        save_every_s=monitoring.save_every_minutes * 60, skip_limit=training.skip_limit, rollbacks=training.rollbacks,
        swa_from=training.swa.from_epoch, norm_batches=training.swa.norm_batches,
    )  # fmt: skip
    about = {"task": config.task, "lathe": __version__, "run": folder.name, "split_hash": data.split_hash}
    own = _callbacks(config, task, device, epochs, folder, writer, about, group)
    trainer = Trainer(
        task, model, optimizer, Schedule(training.schedule, optimizer, updates, epochs), loaders, options, device, precision,
        [*own, *callbacks, *([Led(group)] if group.parts and group.main else [])], inbox.poll, group,
    )  # fmt: skip
    savers = [c for c in own if isinstance(c, CheckpointSaver)]
    if savers:
        trainer.recover = savers[0].recover
    return trainer


def _callbacks(
    config: RunConfig, task: Task, device: torch.device, epochs: int, folder: RunFolder, writer: EventWriter,
    about: dict[str, Any], group: Group,
) -> list[Callback]:  # fmt: skip
    """Those of the configuration, in the order in which they are told."""
    training, monitoring = config.training, config.monitoring
    found: list[Callback] = []
    if training.resizing.start < 1 and task.full_size is not None:

        def make(size: int) -> Loader:
            return shortened(training.debug, group.share((task.resized_loader(size, device), None)))[0]

        found.append(ProgressiveResizing(training.resizing, epochs, task.full_size, make))
    if not group.main:
        return [*found, Told(group), *([Following(group, monitoring.preview_samples)] if group.parts else [])]
    saver = CheckpointSaver(folder, writer, about, monitoring.save_every_epochs)
    saver.sweep()
    found += [
        EventRecorder(writer),
        MetricsFiles(folder.path),
        PreviewRecorder(folder, writer, monitoring.preview_samples, monitoring.preview_every),
        saver,
        ResourceSampler(writer, monitoring.resource_every_s, folder.path),
    ]
    if monitoring.gradients and not group.parts:  # of which no device has all
        found.append(GradientMonitor(writer))
    if training.debug.profile_steps:
        found.append(ProfilerTrace(folder.path / "profile", training.debug.profile_steps))
    if wanted := monitoring.trackers.wanted():
        found.append(TrackerFollowers(folder, writer, wanted))
    return found


def _compile(
    task: Task, model: torch.nn.Module, loader: Loader, device: torch.device, precision: Precision
) -> str:
    batches = loader.epoch(1)
    try:
        return compile_where_it_works(task, model, next(iter(batches)), device, precision)
    finally:
        if isinstance(batches, Generator):
            batches.close()


def environment(config: RunConfig, data: Any, group: Group = ALONE) -> dict[str, Any]:
    """Versions, device, source state and data: what one needs to repeat a run."""
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "lathe": __version__,
        "git": _git_state(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "device": device_title(group.device or choose_device(config.training.device)),
        "devices": group.titles(),
        "cuda": torch.version.cuda if torch.cuda.is_available() else None,
        "versions": versions,
        "data_fingerprint": data.fingerprint,
        "split_hash": data.split_hash,
    }


def _git_state() -> str | None:
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            cwd=root,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None

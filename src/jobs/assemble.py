"""Builds a trainer from a configuration, and notes what it runs on. Imports torch."""

from __future__ import annotations

import platform
import subprocess
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from src import __version__
from src.core.config import RunConfig
from src.core.dataset.findings import Finding
from src.core.engine.callbacks import Callback
from src.core.engine.device import apply_settings, choose_device, choose_precision, device_title, mix_seed
from src.core.engine.optim import Schedule, build_optimizer
from src.core.engine.recorder import CheckpointSaver, EventRecorder, PreviewRecorder, ResourceSampler
from src.core.engine.task import Task
from src.core.engine.trainer import LoopOptions, Trainer
from src.core.run import CommandInbox, EventWriter, RunFolder

_PACKAGES = (
    "torch", "torchvision", "segmentation-models-pytorch", "timm", "numpy", "opencv-python-headless", "pydantic", "safetensors",
)  # fmt: skip


class StageReporter:
    """Progress of work before training as ``stage`` events, at most five a second."""

    def __init__(self, writer: EventWriter) -> None:
        self._writer, self._due, self._what = writer, 0.0, ""

    def __call__(self, done: int, total: int, what: str) -> None:
        now = time.monotonic()
        if now >= self._due or what != self._what or done == total:
            self._due, self._what = now + 0.2, what
            self._writer.write("stage", what=what, done=done, total=total)


def assemble(
    config: RunConfig,
    kind: type[Task],
    data: Any,
    folder: RunFolder,
    writer: EventWriter,
    inbox: CommandInbox,
    weights_follow: bool = False,
) -> Trainer:
    """Everything that a run needs, seeded, on its device; ``weights_follow`` as in `Task`."""
    training, monitoring = config.training, config.monitoring
    device = choose_device(training.device)
    apply_settings(training, device)

    def note(found: Finding) -> None:
        writer.write("warning", severity=found.severity, code=found.code, message=found.message, cure=found.cure,
                     where=list(found.where))  # fmt: skip

    torch.manual_seed(mix_seed(training.seed, 0))
    task = kind(config, data)
    task.weights_follow = weights_follow
    task.prepare_data(StageReporter(writer), lambda: inbox.poll() is not None, note)
    model = task.build_model().to(device)
    if training.channels_last:
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    loaders = task.build_loaders(device)
    groups = task.parameter_groups(model, training.optimizer)
    optimizer = build_optimizer(training.optimizer, groups, device)
    updates = -(-len(loaders[0]) // training.accumulate)
    about = {"task": config.task, "lathe": __version__, "run": folder.name, "split_hash": data.split_hash}
    saver = CheckpointSaver(folder, writer, about, monitoring.save_every_epochs)
    saver.sweep()
    callbacks: list[Callback] = [
        EventRecorder(writer),
        PreviewRecorder(folder, writer, monitoring.preview_samples, monitoring.preview_every),
        saver,
        ResourceSampler(writer, monitoring.resource_every_s),
    ]
    options = LoopOptions(
        epochs=training.epochs, accumulate=training.accumulate, clip_norm=training.clip_norm, ema_decay=training.ema_decay,
        patience=training.early_stopping.patience, min_delta=training.early_stopping.min_delta, seed=training.seed,
        save_every_s=monitoring.save_every_minutes * 60, skip_limit=training.skip_limit,
    )  # fmt: skip
    return Trainer(
        task, model, optimizer, Schedule(training.schedule, optimizer, updates, training.epochs), loaders, options, device,
        choose_precision(training.precision, device), callbacks, inbox.poll,
    )  # fmt: skip


def environment(config: RunConfig, data: Any) -> dict[str, Any]:
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
        "device": device_title(choose_device(config.training.device)),
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

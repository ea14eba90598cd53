"""Options of the engine: the same for every task."""

from __future__ import annotations

from typing import Literal

from src.core.config.conditions import unless
from src.core.config.distillation import DistillationConfig
from src.core.config.extras import DebugConfig, ResizingConfig, SwaConfig, TrackersConfig
from src.core.config.fields import Section, option, section
from src.core.config.optimisation import OptimizerConfig, ScheduleConfig


class EarlyStoppingConfig(Section):
    """Ends a run that no longer gets better."""

    patience: int = option(
        0, "Stop early after", "Epochs without a better validation value before the run ends; 0 never stops early.",
        unit="epochs", ge=0,
    )  # fmt: skip
    min_delta: float = option(
        0.0, "Least improvement", "A smaller gain does not count as better.",
        ge=0, advanced=True, applies=[unless("patience", 0, because="the run never stops early")],
    )  # fmt: skip


class TrainingConfig(Section):
    """The loop."""

    epochs: int = option(
        50, "Epochs", "How often every training image is seen.", unit="epochs", ge=1, le=100_000
    )
    batch_size: int = option(
        8, "Batch size", "Images in one step; more need more memory.", unit="images", ge=1, le=4096
    )
    accumulate: int = option(
        1, "Accumulate", "Batches whose gradients are added before one step: a large batch in little memory.",
        unit="batches", ge=1, le=1024, advanced=True,
    )  # fmt: skip
    optimizer: OptimizerConfig = section(OptimizerConfig, "Optimiser")
    schedule: ScheduleConfig = section(ScheduleConfig, "Learning-rate schedule")
    early_stopping: EarlyStoppingConfig = section(EarlyStoppingConfig, "Early stopping")
    resizing: ResizingConfig = section(ResizingConfig, "Growing images")
    clip_norm: float = option(
        5.0, "Clip gradients", "Longer gradients are shortened to this norm; 0 turns it off.", ge=0,
        advanced=True, group="Stability",
    )  # fmt: skip
    ema_decay: float = option(
        0.99, "Averaged weights", "Validate and keep a running average of the weights; 0 turns it off, 0.99 is usual.",
        ge=0, lt=1, advanced=True, group="Stability",
        applies=[unless("swa.from_epoch", 1, because="epochs are averaged from the first one on")],
    )  # fmt: skip
    swa: SwaConfig = section(SwaConfig, "Stability")
    skip_limit: int = option(
        10, "Skip at most", "Updates whose loss or gradients are no numbers are passed over, and their samples named; with one "
        "more than this the run is rolled back, or ends.", unit="updates", ge=0, advanced=True, group="Stability",
    )  # fmt: skip
    rollbacks: int = option(
        2, "Roll back at most", "A run whose numbers fail goes back to its last checkpoint and on from there with half the learning "
        "rate, so many times; then it ends. Does nothing before the first checkpoint.", unit="times", ge=0, advanced=True,
        group="Stability",
    )  # fmt: skip
    precision: Literal["auto", "fp32", "bf16", "fp16"] = option(
        "auto", "Precision", "Number format; auto takes bf16 or fp16 where GPU or CPU compute it natively, else fp32.",
        group="Machine", choice_labels={"auto": "Automatic", "fp32": "32 bit", "bf16": "bfloat16 (mixed)", "fp16": "float16 (mixed)"},
    )  # fmt: skip
    device: str = option(
        "auto", "Device", "auto takes the first GPU, or the CPU; or cpu, cuda:0, cuda:1, mps.", group="Machine",
        pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$",
    )  # fmt: skip
    devices: int = option(
        1, "Devices", "How many devices of this machine train the run together; 0 takes all its GPUs. The batch is divided among "
        "them, so the run learns the same. Under torchrun or srun as many as they started.", unit="devices", ge=0, le=1024,
        advanced=True, group="Machine",
    )  # fmt: skip
    strategy: Literal["ddp", "fsdp"] = option(
        "ddp", "Several devices hold", "The whole network each, or parts of it: slower, for networks that are too large for one.",
        advanced=True, group="Machine", choice_labels={"ddp": "the whole network (DDP)", "fsdp": "parts of it (FSDP)"},
    )  # fmt: skip
    sync_batch_norm: bool = option(
        True, "Batch norm over all devices", "The statistics of batch normalisation are those of the whole batch, as on one "
        "device. Does nothing with one device, or in a network without batch normalisation.", advanced=True, group="Machine",
    )  # fmt: skip
    cpu_threads: int = option(
        0, "CPU threads", "Threads of the computation on the CPU; 0 takes all cores.", ge=0, le=1024,
        advanced=True, group="Machine",
    )  # fmt: skip
    channels_last: bool = option(
        True, "Channels last", "Memory layout that convolutions compute faster on most machines.", advanced=True,
        group="Machine",
    )  # fmt: skip
    compile: bool = option(
        False, "Compile the network", "torch.compile: takes a minute or more at the start, then steps may be faster. Tried on one "
        "batch; where it does not work a warning says so and the run goes on without.", advanced=True, group="Machine",
    )  # fmt: skip
    machine_tuning: bool = option(
        True, "Use what was measured", "Precision, memory layout and loader workers that nobody set are those that “app.py tune "
        "machine” found fastest here; does nothing before that was done.", advanced=True, group="Machine",
    )  # fmt: skip
    seed: int = option(
        0,
        "Seed",
        "The same seed gives the same run.",
        ge=0,
        le=2**31 - 1,
        advanced=True,
        group="Reproducibility",
    )
    deterministic: bool = option(
        False, "Deterministic on the GPU", "Forbids faster GPU routines whose sums vary; the CPU is always deterministic.",
        advanced=True, group="Reproducibility", applies=[unless("device", "cpu")],
    )  # fmt: skip
    debug: DebugConfig = section(DebugConfig, "Finding faults")


class MonitoringConfig(Section):
    """What a run keeps and shows."""

    best_metric: str = option(
        "iou", "Best by", "The validation value by which the best model is chosen.", choices_from="metrics",
        group="Best model",
    )  # fmt: skip
    preview_samples: int = option(
        6, "Preview images", "Fixed validation images predicted again and again; 0 turns previews off.", ge=0, le=64,
        unit="images", group="Previews",
    )  # fmt: skip
    preview_every: int = option(
        1, "Preview every", "Epochs between two previews.", unit="epochs", ge=1, group="Previews",
        applies=[unless("preview_samples", 0, because="previews are off")],
    )  # fmt: skip
    save_every_epochs: int = option(
        0, "Keep every k-th", "Keeps a checkpoint of every k-th epoch for good; 0 keeps only the best and the last.",
        unit="epochs", ge=0, group="Checkpoints",
    )  # fmt: skip
    save_every_minutes: float = option(
        10.0, "Save within an epoch every", "A crash in a long epoch costs no more than this; 0 saves only between epochs.",
        unit="minutes", ge=0, advanced=True, group="Checkpoints",
    )  # fmt: skip
    report: bool = option(
        True, "Write a report", "An HTML page with curves and images at the end.", group="Report"
    )
    resource_every_s: float = option(
        2.0, "Sample resources every", "Seconds between two readings of memory, processor and GPU; 0 turns them off.",
        unit="s", ge=0, advanced=True, group="Resources",
    )  # fmt: skip
    gradients: bool = option(
        True, "Watch the gradients", "Their norms in each part of the network, once a second; vanishing or exploding ones are told.",
        advanced=True, group="Resources",
    )  # fmt: skip
    trackers: TrackersConfig = section(TrackersConfig, "Trackers")


class RunConfig(Section):
    """The root that every task extends by its own ``model`` and ``data`` sections."""

    task: str = option("segmentation", "Task", "The training problem.")
    name: str = option(
        "", "Name", "A word of your own that becomes part of the run folder's name; empty: Lathe names it.",
        max_length=80,
    )  # fmt: skip
    runs_dir: str = option(
        "", "Runs folder", "Where run folders are made; empty takes the workspace.", path="folder"
    )
    training: TrainingConfig = section(TrainingConfig, "")
    distillation: DistillationConfig = section(DistillationConfig, "Teacher")
    monitoring: MonitoringConfig = section(MonitoringConfig, "")

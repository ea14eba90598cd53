"""Options of the engine: the same for every task."""

from __future__ import annotations

from typing import Literal

from src.core.config.conditions import unless, when
from src.core.config.fields import Section, option, section


class OptimizerConfig(Section):
    """Which optimiser moves the weights, and how fast."""

    name: Literal["adamw", "adam", "sgd"] = option(
        "adamw", "Optimiser", "Rule that turns gradients into steps; AdamW is the safe choice.",
        choice_labels={"adamw": "AdamW", "adam": "Adam", "sgd": "SGD with Nesterov momentum"},
    )  # fmt: skip
    learning_rate: float = option(
        5e-4, "Learning rate", "Size of a step at the peak of the schedule.", gt=0, le=10.0
    )
    weight_decay: float = option(
        0.01, "Weight decay", "Pulls weights towards zero; biases and normalisation layers are left out.",
        ge=0, le=1.0, advanced=True,
    )  # fmt: skip
    momentum: float = option(
        0.9, "Momentum", "How much of the last step is kept.", ge=0, lt=1, advanced=True,
        applies=[when("name", "sgd")],
    )  # fmt: skip


class ScheduleConfig(Section):
    """How the learning rate changes; counted in updates, so that it does not depend on the batch size."""

    name: Literal["cosine", "plateau", "step", "constant"] = option(
        "cosine", "Schedule", "How the learning rate changes over the run.",
        choice_labels={"cosine": "Cosine to almost zero", "plateau": "Lower when validation stalls",
                       "step": "Lower every N epochs", "constant": "Constant"},
    )  # fmt: skip
    warmup_epochs: float = option(
        0.5, "Warm-up", "The rate rises linearly from almost zero during this time; 0 turns it off.",
        unit="epochs", ge=0,
    )  # fmt: skip
    final_fraction: float = option(
        0.01, "Final rate", "The cosine ends at this fraction of the learning rate.", ge=0, le=1,
        advanced=True, applies=[when("name", "cosine")],
    )  # fmt: skip
    step_epochs: int = option(
        10, "Step length", "The rate is lowered every so many epochs.", unit="epochs", ge=1,
        applies=[when("name", "step")],
    )  # fmt: skip
    factor: float = option(
        0.3, "Factor", "The rate is multiplied by this number when it is lowered.", gt=0, lt=1,
        applies=[when("name", "step", "plateau")],
    )  # fmt: skip
    patience: int = option(
        5, "Patience", "Epochs without a better validation loss before the rate is lowered.", unit="epochs",
        ge=0, applies=[when("name", "plateau")],
    )  # fmt: skip


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
    clip_norm: float = option(
        5.0, "Clip gradients", "Longer gradients are shortened to this norm; 0 turns it off.", ge=0,
        advanced=True, group="Stability",
    )  # fmt: skip
    ema_decay: float = option(
        0.99, "Averaged weights", "Validate and keep a running average of the weights; 0 turns it off, 0.99 is usual.",
        ge=0, lt=1, advanced=True, group="Stability",
    )  # fmt: skip
    precision: Literal["auto", "fp32", "bf16", "fp16"] = option(
        "auto", "Precision", "Number format; auto takes bf16 or fp16 where GPU or CPU compute it natively, else fp32.",
        group="Machine", choice_labels={"auto": "Automatic", "fp32": "32 bit", "bf16": "bfloat16 (mixed)", "fp16": "float16 (mixed)"},
    )  # fmt: skip
    device: str = option(
        "auto", "Device", "auto takes the first GPU, or the CPU; or cpu, cuda:0, cuda:1, mps.", group="Machine",
        pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$",
    )  # fmt: skip
    cpu_threads: int = option(
        0, "CPU threads", "Threads of the computation on the CPU; 0 takes all cores.", ge=0, le=1024,
        advanced=True, group="Machine",
    )  # fmt: skip
    channels_last: bool = option(
        True, "Channels last", "Memory layout that convolutions compute faster on most machines.", advanced=True,
        group="Machine",
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


class RunConfig(Section):
    """The root that every task extends by its own ``model`` and ``data`` sections."""

    task: str = option("segmentation", "Task", "The training problem.")
    name: str = option(
        "", "Name", "A word of your own that becomes part of the run folder's name.", max_length=80
    )
    runs_dir: str = option(
        "", "Runs folder", "Where run folders are made; empty takes the workspace.", path="folder"
    )
    training: TrainingConfig = section(TrainingConfig, "")
    monitoring: MonitoringConfig = section(MonitoringConfig, "")

"""Options that every job with a trained model has: evaluate, predict, export. A task adds its own."""

from __future__ import annotations

from typing import Literal

from src.core.config.fields import Section, option


class JobConfig(Section):
    """The root of the configuration of a job."""

    job: str = option("", "Job", "What is done with the model.")
    task: str = option("segmentation", "Task", "The training problem.")
    model: str = option(
        "", "Model", "A run (its folder or its name), or the file of a model (.safetensors or .pth).",
        path="file_or_none",
    )  # fmt: skip
    checkpoint: Literal["best", "last"] = option(
        "best", "Checkpoint", "Which model of a run; does nothing where a file is given.",
        choice_labels={"best": "The best on validation", "last": "The last"},
    )  # fmt: skip
    out: str = option(
        "", "Goes to", "A new folder for the results; empty makes one in the run's own folder.", path="folder",
        group="Results",
    )  # fmt: skip
    name: str = option(
        "", "Name", "A word of your own in the name of the results; empty: Lathe names them.", max_length=80,
        group="Results",
    )  # fmt: skip


class ComputeConfig(Section):
    """Where and how a trained model is computed."""

    device: str = option(
        "auto", "Device", "auto takes the first GPU, or the CPU; or cpu, cuda:0, cuda:1, mps.",
        pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$",
    )  # fmt: skip
    precision: Literal["auto", "fp32", "bf16", "fp16"] = option(
        "auto", "Precision", "Number format; auto takes what the device computes fastest without a visible difference.",
        choice_labels={"auto": "Automatic", "fp32": "32 bit", "bf16": "bfloat16 (mixed)", "fp16": "float16 (mixed)"},
    )  # fmt: skip
    batch_size: int = option(
        0, "Batch size", "Pieces computed at once; 0 chooses by the memory and halves it where that is not enough.",
        unit="pieces", ge=0, le=4096,
    )  # fmt: skip
    cpu_threads: int = option(
        0,
        "CPU threads",
        "Threads of the computation on the CPU; 0 takes all cores.",
        ge=0,
        le=1024,
        advanced=True,
    )

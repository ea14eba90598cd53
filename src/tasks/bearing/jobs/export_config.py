"""What the export of a model of recordings is told. Torch-free."""

from __future__ import annotations

from typing import Literal

from src.core.config.conditions import when
from src.core.config.fields import option
from src.core.config.job import JobConfig
from src.core.exporting.formats import FORMATS, OPSETS


class ExportConfig(JobConfig):
    """The root of the configuration of an export."""

    task: str = option("bearing", "Task", "The training problem.")
    format: Literal["onnx", "torch_export", "torchscript"] = option(
        "onnx", "Format", "ONNX runs nearly everywhere without PyTorch; the other two need PyTorch where they are used.",
        group="Format", choice_labels=FORMATS,
    )  # fmt: skip
    opset: Literal[18, 19, 20, 21, 22, 23] = option(
        18, "ONNX opset", "Version of ONNX's operators; lower ones are understood by older programs.",
        group="Format", applies=[when("format", "onnx")], choice_labels={str(n): str(n) for n in OPSETS},
    )  # fmt: skip
    precision: Literal["fp32", "fp16", "int8"] = option(
        "fp32", "Precision", "16 bit halves the file, for GPUs; 8 bit quarters it and is faster on processors that compute "
        "int8, at some loss, which is measured. 8 bit only as ONNX.",
        group="Format", choice_labels={"fp32": "32 bit (as trained)", "fp16": "16 bit", "int8": "8 bit (quantised)"},
    )  # fmt: skip
    calibration_windows: int = option(
        64, "Calibration windows", "Training windows on which the ranges of the 8-bit numbers are measured.", unit="windows",
        group="Format", ge=1, le=10_000, applies=[when("precision", "int8")],
    )  # fmt: skip
    output: Literal["probabilities", "logits"] = option(
        "probabilities", "Output", "Probabilities from 0 to 1, or the raw numbers before them (logits).",
        group="Output", choice_labels={"probabilities": "Probabilities", "logits": "Logits"},
    )  # fmt: skip
    tolerance: float = option(
        0.0, "Tolerance", "Share of the windows whose class may differ from the original's, in percent, before the export is "
        "refused; 0 takes 0.01 % at 32 bit, 0.5 % at 16 bit and 2 % at 8 bit, but always allows one window.",
        unit="%", group="Comparison", ge=0, le=100,
    )  # fmt: skip
    check_windows: int = option(
        64, "Compared windows", "Validation windows on which export and original are compared.", unit="windows",
        group="Comparison", ge=2, le=10_000,
    )  # fmt: skip
    latency_runs: int = option(
        10, "Timed runs", "How often both are timed, of which the median counts.", group="Comparison", ge=1, le=1000,
        advanced=True,
    )  # fmt: skip
    cpu_threads: int = option(
        0, "CPU threads", "Threads of both while they are timed; 0 takes all cores.", group="Comparison", ge=0, le=1024,
        advanced=True,
    )  # fmt: skip

"""What the export of a segmentation model is told, and what this machine can write. Torch-free."""

from __future__ import annotations

from typing import Literal

from src.core.config.conditions import when
from src.core.config.fields import option, section
from src.core.config.job import JobConfig
from src.core.exporting.formats import FORMATS, INSTALL, OPSETS, availability, check, unavailable
from src.tasks.segmentation.jobs.inference_config import ForeignConfig


class ExportConfig(JobConfig):
    """The root of the configuration of an export."""

    format: Literal["onnx", "torch_export", "torchscript"] = option(
        "onnx", "Format", "ONNX runs nearly everywhere without PyTorch; the other two need PyTorch where they are used.",
        group="Format", choice_labels=FORMATS,
    )  # fmt: skip
    opset: Literal[18, 19, 20, 21, 22, 23] = option(
        18, "ONNX opset", "Version of ONNX's operators; lower ones are understood by older programs.",
        group="Format", applies=[when("format", "onnx")], choice_labels={str(n): str(n) for n in OPSETS},
    )  # fmt: skip
    freeze: bool = option(
        True, "Freeze", "Weights become constants and batch normalisation is folded into the convolutions: faster, but nobody can "
        "train it on. ONNX and torch.export programs are always frozen.", group="Format", applies=[when("format", "torchscript")],
    )  # fmt: skip
    precision: Literal["fp32", "fp16", "int8"] = option(
        "fp32", "Precision", "16 bit halves the file, for GPUs; 8 bit quarters it and is faster on processors that compute "
        "int8, at some loss, which is measured. 8 bit only as ONNX.",
        group="Format", choice_labels={"fp32": "32 bit (as trained)", "fp16": "16 bit", "int8": "8 bit (quantised)"},
    )  # fmt: skip
    calibration_images: int = option(
        64, "Calibration images", "Training images on which the ranges of the 8-bit numbers are measured.", unit="images",
        group="Format", ge=1, le=10_000, applies=[when("precision", "int8")],
    )  # fmt: skip
    dynamic_size: bool = option(
        True, "Any image size", "Height and width are free; off fixes them, which some devices need. The number of images "
        "at once is always free.", group="Input",
    )  # fmt: skip
    height: int = option(
        0, "Height", "Of the input; 0 takes the size that the model was trained with. With any size: what is measured and "
        "what the script takes.", unit="px", group="Input", ge=0, le=16_384,
    )  # fmt: skip
    width: int = option(
        0, "Width", "Of the input; 0 takes the size that the model was trained with.", unit="px", group="Input",
        ge=0, le=16_384,
    )  # fmt: skip
    normalisation: Literal["inside", "beside"] = option(
        "inside", "Normalisation", "Inside: the model takes pixels from 0 to 255 as they are. Beside: it takes normalised "
        "32-bit numbers, and classes.json says how to make them.",
        group="Input", choice_labels={"inside": "Inside the model", "beside": "Beside it, in classes.json"},
    )  # fmt: skip
    output: Literal["probabilities", "logits", "classes"] = option(
        "probabilities", "Output", "Probabilities from 0 to 1, the raw numbers before them (logits), or the class of each pixel.",
        group="Output", choice_labels={"probabilities": "Probabilities", "logits": "Logits", "classes": "Class numbers"},
    )  # fmt: skip
    threshold: float = option(
        0.5, "Threshold", "Probability above which a pixel is the object; does nothing for models with several classes.",
        group="Output", gt=0, lt=1,
    )  # fmt: skip
    tolerance: float = option(
        0.0, "Tolerance", "Share of the pixels whose class may differ from the original's, in percent, before the export is "
        "refused; 0 takes 0.01 % at 32 bit, 0.5 % at 16 bit and 2 % at 8 bit.",
        unit="%", group="Comparison", ge=0, le=100,
    )  # fmt: skip
    check_images: int = option(
        16, "Compared images", "Validation images on which export and original are compared.", unit="images",
        group="Comparison", ge=1, le=1000,
    )  # fmt: skip
    latency_runs: int = option(
        10,
        "Timed runs",
        "How often both are timed, of which the median counts.",
        group="Comparison",
        ge=1,
        le=1000,
        advanced=True,
    )
    cpu_threads: int = option(
        0, "CPU threads", "Threads of both while they are timed; 0 takes all cores.", group="Comparison", ge=0, le=1024,
        advanced=True,
    )  # fmt: skip
    foreign: ForeignConfig = section(ForeignConfig, "Model from elsewhere")


__all__ = ["FORMATS", "INSTALL", "OPSETS", "ExportConfig", "availability", "check", "unavailable"]

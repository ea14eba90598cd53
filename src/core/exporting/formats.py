"""The forms in which a model can be written, and which of them this machine can write. Torch-free."""

from __future__ import annotations

from typing import Protocol

from src.core.config.libraries import LIBRARIES, missing
from src.core.dataset.findings import Finding

FORMATS = {
    "onnx": "ONNX",
    "torch_export": "PyTorch program (torch.export)",
    "torchscript": "TorchScript (deprecated)",
}
#: Name of the file of each format.
FILES = {"onnx": "model.onnx", "torch_export": "model.pt2", "torchscript": "model.torchscript.pt"}
RUNTIMES = {"onnx": "onnxruntime", "torch_export": "torch.export", "torchscript": "torchscript"}
#: Those that the exporter writes and onnxruntime reads back equal; lower ones lack operators that the exporter uses.
OPSETS = (18, 19, 20, 21, 22, 23)
INSTALL = LIBRARIES["onnx"].install


class FormatOptions(Protocol):
    """What every export is told."""

    @property
    def format(self) -> str: ...
    @property
    def precision(self) -> str: ...


def availability() -> dict[str, str]:
    """For each format what is missing to write it here, as a sentence with the cure; empty where nothing is."""
    return {name: missing("onnx") if name == "onnx" else "" for name in FORMATS}


def unavailable() -> dict[str, dict[str, str]]:
    """See `JobInfo.unavailable`."""
    absent = {name: reason for name, reason in availability().items() if reason}
    return {"format": absent} if absent else {}


def check(config: FormatOptions) -> list[Finding]:
    """What is wrong with a configuration, known without torch and without the model."""
    found = []
    if reason := availability()[config.format]:
        found.append(
            Finding("error", "export.missing", f"{FORMATS[config.format]} cannot be written here: {reason.split('. ')[0]}.",
                    f"Install what is missing: {INSTALL}", ("format",))
        )  # fmt: skip
    if config.precision == "int8" and config.format != "onnx":
        found.append(
            Finding("error", "export.int8", f"8 bit is written as ONNX only, not as {FORMATS[config.format]}.",
                    "Choose the format ONNX, or another precision.", ("precision",))
        )  # fmt: skip
    if config.format == "torchscript":
        found.append(
            Finding("warning", "export.deprecated", "TorchScript is deprecated: PyTorch no longer develops it.",
                    "Choose torch.export or ONNX, unless the program that runs the model takes nothing else.", ("format",))
        )  # fmt: skip
    return found

"""From a network to a file of the chosen format, and to what runs it; where it goes, and when it is refused."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from src.core.exporting.formats import FILES
from src.core.exporting.onnx_runner import OnnxProcess
from src.core.exporting.torch_files import (
    ExportError,
    FreeAxes,
    load_program,
    load_torchscript,
    write_program,
    write_torchscript,
)
from src.core.job import JobError
from src.core.run.folder import write_atomically

#: An input, or inputs by their names.
Feed = np.ndarray | dict[str, np.ndarray]
Run = Callable[[Any], np.ndarray]
Timed = Callable[[Any, int], list[float]]
PARITY = "parity.json"
CURES = {
    "int8": "Calibrate on more {many}, choose 16 or 32 bit, or raise the tolerance if the loss is acceptable.",
    "fp16": "Choose 32 bit: this network's numbers do not fit into 16 bits.",
    "fp32": "Try another format or opset; if it disagrees too, report it with parity.json.",
}


def free_folder(path: Path, file: str) -> Path:
    """The folder itself, or the first numbered one inside without an export; raises JobError."""
    number, folder = 1, path
    while any((folder / name).exists() for name in (file, f"{file}.refused", PARITY)):
        number += 1
        folder = path / str(number)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise JobError(f"The folder {folder} cannot be made: {error.strerror or error}.",
                       "Choose another folder, or mend its permissions.") from None  # fmt: skip
    return folder


def write_form(
    graph: nn.Module, example: Tensor | Mapping[str, Tensor], target: Path, *, form: str, axes: FreeAxes, output: str,
    about: dict[str, str], opset: int = 18, freeze: bool = True, calibration: Iterable[Any] | None = None,
) -> None:  # fmt: skip
    """Write a network in one of `formats.FORMATS`.

    Args:
        graph, example, axes: See `torch_files.trace`.
        target: The file.
        form, opset, freeze: See the options of an export.
        output: Name of the output of ONNX.
        about: Texts that go into the file.
        calibration: Inputs on which the ranges of 8-bit numbers are measured; None keeps the numbers as they are.

    Raises:
        ExportError: It cannot be written so; says why.
    """
    if form == "torch_export":
        write_program(graph, example, target, axes, about)
    elif form == "torchscript":
        write_torchscript(graph, example, target, about, freeze)
    else:
        from src.core.exporting.onnx_file import write_onnx

        first = target.with_name(f".float-{target.name}") if calibration is not None else target
        try:
            write_onnx(graph, example, first, opset=opset, axes=axes, output=output, about=about)
            if calibration is not None:
                from src.core.exporting.onnx_int8 import quantise

                quantise(first, target, calibration, about)
        finally:
            if first != target:
                first.unlink(missing_ok=True)


@contextlib.contextmanager
def running(
    path: Path, form: str, threads: int, go_on: Callable[[], None]
) -> Iterator[tuple[Run, dict[str, Any], Timed | None]]:
    """What runs a written file (for ONNX in a process without torch), what it is, and its own clock where it has one.

    Raises:
        ExportError, OnnxRunError: It cannot be loaded.
    """
    if form == "onnx":
        with OnnxProcess(path, threads, go_on) as process:
            yield process.run, {"runtime": "onnxruntime", **process.facts}, process.seconds
        return
    load = load_program if form == "torch_export" else load_torchscript
    try:
        loaded = load(path)
    except Exception as error:
        raise ExportError(f"The file cannot be loaded again: {error}") from error

    def run_it(feed: Any) -> np.ndarray:
        try:
            return loaded(feed)
        except Exception as error:  # a size for which it was not traced
            raise ExportError(f"The exported program fails: {str(error).strip().splitlines()[0]}") from error

    yield run_it, {"runtime": "torch", "torch": torch.__version__}, None


def settle(
    folder: Path, written: Path, form: str, parity: dict[str, Any], objections: list[str], cure: str
) -> Path:
    """Give a file that agrees its name; one that does not gets a name that ends in ``.refused``.

    Raises:
        JobError: It disagrees with the original.
    """
    target = folder / FILES[form]
    if objections:
        refused = target.with_name(target.name + ".refused")
        written.replace(refused)
        write_json(folder / PARITY, {**parity, "file": refused.name})
        raise JobError(
            f"The export disagrees with the original and was refused ({refused.name}). " + " ".join(objections), cure
        )  # fmt: skip
    written.replace(target)
    write_json(folder / PARITY, parity)
    return target


def write_json(path: Path, value: Any) -> None:
    """Write plain values for people and programs; raises OSError."""
    write_atomically(path, json.dumps(value, ensure_ascii=False, indent=1).encode())

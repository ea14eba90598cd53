"""Files that torch runs: the program of ``torch.export`` (.pt2) and TorchScript (deprecated)."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from src.core.exporting.graph import ExportGraph

Run = Callable[[np.ndarray], np.ndarray]


class ExportError(Exception):
    """A network that cannot be written in a format; the message is a sentence with the reason."""


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without the exporters' remarks on their own inside, which concern nobody who exports."""
    loggers = [
        logging.getLogger(name) for name in ("torch", "torch.onnx", "torch.export", "onnxscript", "onnx_ir")
    ]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def reason(error: BaseException) -> str:
    """The first telling line of an error."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return text if len(text) <= 300 else text[:300].rstrip() + "…"


def trace(graph: ExportGraph, example: Tensor, dynamic_size: bool) -> torch.export.ExportedProgram:
    """The graph as a program for any number of images, and for any height and width where ``dynamic_size``.

    Raises:
        ExportError: The network asks for something that cannot be traced so.
    """
    free = torch.export.Dim.DYNAMIC
    shapes = {"image": {0: free, 2: free, 3: free} if dynamic_size else {0: free}}
    try:
        with quiet(), _sizes_of_one(), torch.no_grad():
            return torch.export.export(graph, (example,), dynamic_shapes=shapes, strict=False)
    except Exception as error:  # whatever the network's own code raises when its sizes are no numbers
        raise ExportError(f"The network cannot be traced: {reason(error)}") from error


@contextlib.contextmanager
def _sizes_of_one() -> Iterator[None]:
    """Let the program also take one image and one pixel: torch.export takes sizes of 0 and 1 for special otherwise.

    The switch is not public. Where it is gone, the check of the file at other sizes finds what does not work.
    """
    try:
        from torch.fx.experimental import _config

        patch: Any = _config.patch(backed_size_oblivious=True)  # type: ignore[attr-defined]
    except Exception:
        patch = contextlib.nullcontext()
    with patch:
        yield


def write_program(
    graph: ExportGraph, example: Tensor, path: Path, dynamic_size: bool, about: dict[str, str]
) -> None:
    """Write a .pt2 file, with ``about`` inside (one file each, read with ``extra_files``).

    Raises:
        ExportError: See `trace`.
    """
    program = trace(graph, example, dynamic_size)
    with quiet():
        torch.export.save(program, str(path), extra_files=dict(about))


def write_torchscript(
    graph: ExportGraph, example: Tensor, path: Path, about: dict[str, str], freeze: bool = True
) -> None:
    """Write TorchScript, with ``about`` inside; frozen, its weights are constants and batch-norm is folded into them.

    Raises:
        ExportError: The network cannot be traced.
    """
    try:
        with quiet(), torch.no_grad():
            # Tracing forgets which sizes it has taken for fixed numbers; the check at other sizes finds them
            traced = torch.jit.trace(graph, (example,), check_trace=False)
            if freeze:
                traced = torch.jit.freeze(traced.eval())
            torch.jit.save(traced, str(path), _extra_files=dict(about))
    except Exception as error:
        raise ExportError(f"The network cannot be traced: {reason(error)}") from error


def load_program(path: Path) -> Run:
    """What runs a .pt2 file: numpy array in, numpy array out."""
    with quiet():
        module = torch.export.load(str(path)).module()
    return _runner(module)


def load_torchscript(path: Path) -> Run:
    """What runs a TorchScript file: numpy array in, numpy array out."""
    with quiet():
        module = torch.jit.load(str(path), map_location="cpu")
    return _runner(module)


def _runner(module: Any) -> Run:
    def run(image: np.ndarray) -> np.ndarray:
        with quiet(), torch.inference_mode():
            found: np.ndarray = module(torch.from_numpy(np.ascontiguousarray(image))).numpy()
        return found

    return run

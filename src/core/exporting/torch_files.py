"""Files that torch runs: the program of ``torch.export`` (.pt2) and TorchScript (deprecated)."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

Run = Callable[[Any], np.ndarray]


@dataclass(frozen=True)
class FreeAxes:
    """Which sizes are no fixed numbers, with names for people.

    Attributes:
        inputs: By the name of each input, axis to name.
        output: Of the output; axes may count from the end.
    """

    inputs: Mapping[str, Mapping[int, str]]
    output: Mapping[int, str]


def image_axes(dynamic_size: bool) -> FreeAxes:
    """Of images N×C×H×W: any number of them, and any height and width where ``dynamic_size``."""
    sizes = {2: "height", 3: "width"} if dynamic_size else {}
    ends = {-2: "height", -1: "width"} if dynamic_size else {}
    return FreeAxes({"image": {0: "batch", **sizes}}, {0: "batch", **ends})


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


def trace(
    graph: nn.Module, example: Tensor | Mapping[str, Tensor], axes: FreeAxes
) -> torch.export.ExportedProgram:
    """The graph as a program for any size of the free axes.

    Args:
        graph: Takes one tensor, or a dict of tensors by the names of the inputs.
        example: What it takes.
        axes: Its free axes.

    Raises:
        ExportError: The network asks for something that cannot be traced so.
    """
    free = torch.export.Dim.DYNAMIC
    each = {name: dict.fromkeys(names, free) for name, names in axes.inputs.items()}
    taken: Any = example if isinstance(example, Tensor) else dict(example)
    shapes = (next(iter(each.values())) if isinstance(example, Tensor) else each,)
    try:
        with quiet(), _sizes_of_one(), torch.no_grad():
            return torch.export.export(graph, (taken,), dynamic_shapes=shapes, strict=False)
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
    graph: nn.Module,
    example: Tensor | Mapping[str, Tensor],
    path: Path,
    axes: FreeAxes,
    about: dict[str, str],
) -> None:
    """Write a .pt2 file, with ``about`` inside (one file each, read with ``extra_files``).

    Raises:
        ExportError: See `trace`.
    """
    program = trace(graph, example, axes)
    with quiet():
        torch.export.save(program, str(path), extra_files=dict(about))


def write_torchscript(
    graph: nn.Module,
    example: Tensor | Mapping[str, Tensor],
    path: Path,
    about: dict[str, str],
    freeze: bool = True,
) -> None:
    """Write TorchScript, with ``about`` inside; frozen, its weights are constants and batch-norm is folded into them.

    Raises:
        ExportError: The network cannot be traced.
    """
    try:
        with quiet(), torch.no_grad():
            # Tracing forgets which sizes it has taken for fixed numbers; the check at other sizes finds them
            taken: Any = example if isinstance(example, Tensor) else dict(example)
            traced = torch.jit.trace(graph, (taken,), check_trace=False)
            if freeze:
                traced = torch.jit.freeze(traced.eval())
            torch.jit.save(traced, str(path), _extra_files=dict(about))
    except Exception as error:
        raise ExportError(f"The network cannot be traced: {reason(error)}") from error


def load_program(path: Path) -> Run:
    """What runs a .pt2 file: numpy array (or arrays by name) in, numpy array out."""
    with quiet():
        module = torch.export.load(str(path)).module()
    return _runner(module)


def load_torchscript(path: Path) -> Run:
    """What runs a TorchScript file: numpy array (or arrays by name) in, numpy array out."""
    with quiet():
        module = torch.jit.load(str(path), map_location="cpu")
    return _runner(module)


def _runner(module: Any) -> Run:
    def run(feed: Any) -> np.ndarray:
        several = isinstance(feed, Mapping)
        given = {k: _tensor(v) for k, v in feed.items()} if several else _tensor(feed)
        with quiet(), torch.inference_mode():
            found: np.ndarray = module(given).numpy()
        return found

    return run


def _tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values))

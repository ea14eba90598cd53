"""ONNX files: written by torch's exporter, named, checked, with what a person needs to know inside."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from src.core.exporting.torch_files import ExportError, FreeAxes, quiet, reason, trace

#: Of one protobuf file; what is larger needs its weights in a second file, which is easily lost.
MOST_BYTES = 2_000_000_000


def write_onnx(
    graph: nn.Module, example: Tensor | Mapping[str, Tensor], path: Path, *, opset: int, axes: FreeAxes, output: str,
    about: dict[str, str],
) -> None:  # fmt: skip
    """Write an ONNX file with the inputs that ``axes`` names and one output.

    Args:
        graph: What is exported.
        example: An input (or inputs by name) of the wanted size, at least two of each.
        path: The file.
        opset: Version of ONNX's set of operators.
        axes: Free axes; of several inputs in the order of the example.
        output: Name of the output.
        about: Goes into the file's ``metadata_props``.

    Raises:
        ExportError: It cannot be written so; says why.
    """
    import onnx
    import torch

    size = sum(p.numel() * p.element_size() for p in graph.state_dict().values())
    if size > MOST_BYTES:
        raise ExportError(f"The model has {size / 1e9:.1f} GB of weights; an ONNX file holds at most 2 GB.")
    program = trace(graph, example, axes)
    try:
        # The exporter prints its progress and its doubts
        with quiet(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            written: Any = torch.onnx.export(
                program,
                dynamo=True,
                opset_version=opset,
                input_names=list(axes.inputs),
                output_names=[output],
                verbose=False,
            )
            model = written.model_proto
    except Exception as error:  # an operator without translation, or a fault inside the exporter
        raise ExportError(f"The network cannot be written as ONNX: {reason(error)}") from error
    found = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 0)
    if found != opset:
        raise ExportError(f"The network needs opset {found}; opset {opset} lacks operators that it uses.")
    _name_axes(model, axes)
    describe(model, about)
    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:
        raise ExportError(f"The ONNX file would not be valid: {reason(error)}") from error
    onnx.save(model, str(path))


def describe(model: Any, about: dict[str, str]) -> None:
    """Put texts into a model's ``metadata_props``, and who made it; what was there is gone (paths of the machine)."""
    import onnx

    from src import __version__

    for node in model.graph.node:
        del node.metadata_props[:]  # the exporter notes the lines of Python that each node comes from
        node.doc_string = ""
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]
    del model.graph.metadata_props[:]
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, about)
    model.producer_name, model.producer_version = "Lathe", __version__


def _name_axes(model: Any, axes: FreeAxes) -> None:
    """Give the free axes names for people, such as batch, height, width."""
    names, missing = {}, set()
    for value in model.graph.input:
        dims = value.type.tensor_type.shape.dim
        for axis, name in axes.inputs[value.name].items():
            if dims[axis].dim_param:
                names[dims[axis].dim_param] = name
            else:
                missing.add(name)
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param in names:
                dim.dim_param = names[dim.dim_param]
    # The exporter writes the size of the output as a formula; it is that of the input, as the graph is built
    out = model.graph.output[0].type.tensor_type.shape.dim
    for axis, name in axes.output.items():
        out[axis].dim_param = name
    if missing:
        raise ExportError(f"The network does not leave the {' and '.join(sorted(missing))} free.")

"""ONNX models in 8 bits: weights and values between the layers as int8, with ranges measured on real images."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from src.core.exporting.torch_files import ExportError, reason


def quantise(source: Path, target: Path, images: Iterable[Any], about: dict[str, str]) -> None:
    """Write an int8 model from a float one (static quantisation; QDQ form, which all runtimes read).

    Weights are quantised by channel, since channels differ in range by orders of magnitude; the last convolution,
    which makes the decision, stays in float.

    Args:
        source: An ONNX file whose first input takes the images.
        target: The file to write.
        images: Inputs (arrays, or dicts of arrays by name) on which the ranges are measured; read once.
        about: Goes into the file's ``metadata_props``.

    Raises:
        ExportError: It cannot be quantised; says why.
    """
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    from src.core.exporting.onnx_file import describe

    ready = target.with_suffix(".ready.onnx")
    level = logging.getLogger().level
    try:
        logging.getLogger().setLevel(logging.ERROR)  # the quantiser advises on the root logger
        with contextlib.redirect_stdout(io.StringIO()):
            # Its symbolic shape inference stops at sizes that are not numbers; it folds what belongs to a convolution
            quant_pre_process(str(source), str(ready), skip_symbolic_shape=True)
            quantize_static(
                str(ready), str(target), _Reader(_input_name(ready), images), quant_format=QuantFormat.QDQ,
                per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax, nodes_to_exclude=_kept_float(ready),
                op_types_to_quantize=["Conv", "ConvTranspose", "MatMul", "Gemm", "Add", "Concat", "MaxPool", "Resize", "Relu"],
                extra_options={"ActivationSymmetric": False, "WeightSymmetric": True},
            )  # fmt: skip
        model = onnx.load(str(target))
        describe(model, about)
        onnx.save(model, str(target))
    except Exception as error:
        raise ExportError(f"The model cannot be quantised to 8 bits: {reason(error)}") from error
    finally:
        logging.getLogger().setLevel(level)
        ready.unlink(missing_ok=True)


def _input_name(path: Path) -> str:
    import onnx

    return str(onnx.load(str(path), load_external_data=False).graph.input[0].name)


def _kept_float(path: Path) -> list[str]:
    """Names of the nodes that stay in float: all from the last convolution on, and those before the first."""
    import onnx

    nodes = list(onnx.load(str(path)).graph.node)
    convolutions = [
        n for n, node in enumerate(nodes) if node.op_type in ("Conv", "ConvTranspose", "MatMul", "Gemm")
    ]
    if not convolutions:
        raise ExportError("The model has no layer that could be quantised.")
    first, last = convolutions[0], [n for n in convolutions if nodes[n].op_type == "Conv"][-1:]
    return [node.name for n, node in enumerate(nodes) if n < first or (last and n >= last[0])]


class _Reader:
    """Hands the images to the quantiser one at a time."""

    def __init__(self, name: str, images: Iterable[Any]) -> None:
        self._name, self._images = name, self._walk(images)

    @staticmethod
    def _walk(images: Iterable[Any]) -> Iterator[Any]:
        yield from images

    def get_next(self) -> dict[str, Any] | None:
        """The next input, or None."""
        image = next(self._images, None)
        if image is None or isinstance(image, dict):
            return image
        return {self._name: image}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        while (found := self.get_next()) is not None:
            yield found

    def __next__(self) -> dict[str, Any]:
        found = self.get_next()
        if found is None:
            raise StopIteration
        return found

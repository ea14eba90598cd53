"""The script that uses an exported segmentation model without Lathe: at most 30 lines, made for the one model."""

from __future__ import annotations

from typing import Any

#: Lines of the script, without exception.
MOST_LINES = 30

_STRETCH = """\
k = max(1, int(min(height / HIGH, width / WIDE) + 1e-6))  # whole blocks are averaged first, then it is stretched
seen = cv2.resize(image[: height // k * k, : width // k * k], (width // k, height // k), interpolation=cv2.INTER_AREA)
if height % k or width % k:
    a, d = width / k / WIDE, height / k / HIGH
    to_image = np.array([[a, 0, a / 2 - 0.5], [0, d, d / 2 - 0.5]])
    how = {"flags": cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, "borderMode": cv2.BORDER_REFLECT}
    seen = cv2.warpAffine(seen, to_image, (WIDE, HIGH), **how)
else:
    seen = cv2.resize(seen, (WIDE, HIGH), interpolation=cv2.INTER_LINEAR)
"""
_LETTERBOX = """\
scale = min(HIGH / height, WIDE / width)  # it keeps its shape; the rest is filled with a neutral colour
h, w = min(HIGH, max(1, round(height * scale))), min(WIDE, max(1, round(width * scale)))
top, left, k = (HIGH - h) // 2, (WIDE - w) // 2, max(1, int(min(height / h, width / w) + 1e-6))
fill = {fill}
seen = cv2.resize(image[: height // k * k, : width // k * k], (width // k, height // k), interpolation=cv2.INTER_AREA)
if height % k or width % k:
    a, d = width / k / w, height / k / h
    to_image = np.array([[a, 0, (0.5 - left) * a - 0.5], [0, d, (0.5 - top) * d - 0.5]])
    how, edge = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, cv2.BORDER_{edge}
    seen = cv2.warpAffine(seen, to_image, (WIDE, HIGH), flags=how, borderMode=edge, borderValue=fill)
else:
    seen = cv2.copyMakeBorder(cv2.resize(seen, (w, h)), top, HIGH - h - top, left, WIDE - w - left, cv2.BORDER_CONSTANT, value=fill)
"""


def use_script(table: dict[str, Any]) -> str:
    """The script for a model; ``table`` is what stands in its classes.json."""
    taken, output = table["input"], table["output"]
    tiles = taken["fit"] == "crop" and not taken["dynamic_size"]
    lines = _head(table) + _reading(taken)
    lines += (
        _pieces(table)
        if tiles
        else [*_fitting(taken), *_asking(table, "seen"), *_back(taken, output["kind"])]
    )
    lines += _deciding(output)
    return "\n".join(lines) + "\n"


def _head(table: dict[str, Any]) -> list[str]:
    onnx = table["runtime"] == "onnxruntime"
    package = "onnxruntime" if onnx else "torch"
    load = {
        "onnxruntime": 'onnxruntime.InferenceSession({}, providers=["CPUExecutionProvider"])',
        "torch.export": "torch.export.load({}).module()",
        "torchscript": "torch.jit.load({})",
    }[table["runtime"]]
    path = f'str(Path(__file__).with_name("{table["file"]}"))'
    return [
        '"""A mask by the model beside this file: python use_model.py IMAGE MASK.png',
        f'Needs neither Lathe nor more than: pip install {package} numpy opencv-python-headless pillow"""',
        "import sys",
        "from pathlib import Path",
        "import cv2",
        "import numpy as np",
        f"import {package}",
        "from PIL import Image",
        f"model = {load.format(path)}",
    ]


def _reading(taken: dict[str, Any]) -> list[str]:
    depth = taken["intensity_range"]
    flags = "cv2.IMREAD_COLOR" + (" | cv2.IMREAD_ANYDEPTH" if depth else "")
    turn = "cv2.COLOR_BGR2GRAY" if taken["channels"] == 1 else "cv2.COLOR_BGR2RGB"
    read = f"cv2.imdecode(np.fromfile(sys.argv[1], np.uint8), {flags})"
    lines = [f"image = cv2.cvtColor({read}, {turn})"]
    if (
        taken["channels"] == 1 and not depth
    ):  # the decoder's own grey differs by a level from that of a conversion
        lines = ["image = cv2.imdecode(np.fromfile(sys.argv[1], np.uint8), cv2.IMREAD_GRAYSCALE)"]
    if depth:  # of 16 bits or more: the values between which the training looked
        low, high = float(depth[0]), float(depth[1])
        scaled = (
            f"(np.clip((image - np.float32({low})) * np.float32({255.0 / (high - low)!r}), 0, 255) + 0.5)"
        )
        deep = f"image if image.dtype == np.uint8 else {scaled}.astype(np.uint8)"
        lines = [f"image = {read}", f"image = cv2.cvtColor({deep}, {turn})"]
    size = "height, width"
    if taken["fit"] != "crop" or not taken["dynamic_size"]:
        return [
            *lines,
            f"({size}), (HIGH, WIDE) = image.shape[:2], ({taken['used_height']}, {taken['used_width']})",
        ]
    return lines


def _fitting(taken: dict[str, Any]) -> list[str]:
    if taken["fit"] == "crop":
        return ["seen = image  # at its own resolution, as in training"]
    if taken["fit"] == "stretch":
        return _STRETCH.splitlines()
    grey, colour = (117,), (124, 116, 104)
    fill = (
        f"{grey}"
        if taken["channels"] == 1
        else f"(117,) * 3 if (image == image[..., :1]).all() else {colour}"
    )
    # where nothing is filled, what lies outside the image is the image mirrored
    lines = _LETTERBOX.replace("{fill}", fill)
    return lines.replace(
        "cv2.BORDER_{edge}", "cv2.BORDER_CONSTANT if (h, w) != (HIGH, WIDE) else cv2.BORDER_REFLECT"
    ).splitlines()


def _asking(table: dict[str, Any], seen: str) -> list[str]:
    taken, norm = table["input"], table["normalisation"]
    axes = f"{seen}[None, None]" if taken["channels"] == 1 else f"{seen}.transpose(2, 0, 1)[None]"
    lines = [f"x = np.ascontiguousarray({axes})"]
    if norm["where"] == "beside":
        if norm["by"] == "image":
            spread = f"(x.std((2, 3), keepdims=True) + {norm['floor']})"
            lines.append(f"x = ((x - x.mean((2, 3), keepdims=True)) / {spread}).astype(np.float32)")
        else:
            mean, std = (f"np.array({norm[key]})[:, None, None]" for key in ("mean", "std"))
            lines.append(f"x = ((x / {norm['range']} - {mean}) / {std}).astype(np.float32)")
    call = (
        'model.run(None, {"image": x})[0]'
        if table["runtime"] == "onnxruntime"
        else "model(torch.from_numpy(x)).detach().numpy()"
    )
    lines.append(f"found = {call}[0]")
    if table["output"]["kind"] == "logits":
        binary = table["output"]["channels"] == 1
        lines.append(
            "found = 1 / (1 + np.exp(-found))"
            if binary
            else "found = np.exp(found - found.max(0)); found /= found.sum(0)"
        )
    return lines


def _back(taken: dict[str, Any], kind: str) -> list[str]:
    """From the canvas to the image's own size."""
    if taken["fit"] == "crop":
        return []
    cut = "[..., top : top + h, left : left + w]" if taken["fit"] == "letterbox" else ""
    if kind == "classes":
        return [
            f"found = cv2.resize(np.ascontiguousarray(found{cut}), (width, height), interpolation=cv2.INTER_NEAREST_EXACT)"
        ]
    # Pillow averages where the image is smaller than what the model saw, as Lathe does
    each = "np.array(Image.fromarray(p).resize((width, height), Image.Resampling.BILINEAR))"
    return [f"found = np.stack([{each} for p in found{cut}])"]


def _pieces(table: dict[str, Any]) -> list[str]:
    """Side by side at the image's own resolution, the last of a row moved back to the edge."""
    kind, channels = table["output"]["kind"], table["output"]["channels"]
    shape = "(h, w)" if kind == "classes" else f"({channels}, h, w)"
    pad = "cv2.copyMakeBorder(image, 0, max(0, HIGH - height), 0, max(0, WIDE - width), cv2.BORDER_REFLECT)"
    lines = [
        f"image = {pad}",
        "h, w = image.shape[:2]",
        f"whole = np.zeros({shape}, np.{'uint8' if kind == 'classes' else 'float32'})",
        "for top, left in [(min(y, h - HIGH), min(x, w - WIDE)) for y in range(0, h, HIGH) for x in range(0, w, WIDE)]:",
    ]
    lines += ["    " + line for line in _asking(table, "image[top : top + HIGH, left : left + WIDE]")]
    return [
        *lines,
        "    whole[..., top : top + HIGH, left : left + WIDE] = found",
        "found = whole[..., :height, :width]",
    ]


def _deciding(output: dict[str, Any]) -> list[str]:
    binary, values = output["channels"] == 1, "255 is the object"
    if output["kind"] == "classes":
        decide = "found * 255" if binary else "found"
    else:
        decide = f"(found[0] > {output['threshold']}) * 255" if binary else "found.argmax(0)"
    what = values if binary else "class numbers; their names are in classes.json"
    return [f"Image.fromarray(({decide}).astype(np.uint8)).save(sys.argv[2])  # {what}"]

"""What lies beside the document: arrays, the table of images, pictures of the worst."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from src.core.dataset.masks import IGNORE_INDEX
from src.core.dataset.palette import IGNORED, class_colours
from src.core.evaluation.collect import Collector, Kept
from src.core.evaluation.document import ARRAYS_NAME, DocumentError, Evaluation
from src.core.evaluation.pieces import Pictures
from src.core.evaluation.scores import MEASURES
from src.core.run.folder import write_atomically

Array = np.ndarray[Any, Any]
#: Of the error picture (Okabe and Ito): right, missed, falsely predicted, another class.
RIGHT, MISSED, FALSE, CONFUSED = (0, 158, 115), (213, 94, 0), (86, 180, 233), (240, 228, 66)


def write_arrays(folder: Path, collected: Collector) -> Path:
    """Write ``arrays.npz``. Raises OSError."""
    arrays = {"cells": collected.cells, "objects": collected.column("sizes")}
    if collected.rules.binary:
        arrays["histograms"] = collected.column("histograms")
    data = io.BytesIO()
    np.savez_compressed(data, allow_pickle=False, **arrays)
    path = folder / ARRAYS_NAME
    write_atomically(path, data.getvalue())
    return path


def images_behind(folder: Path | str, true: int, predicted: int) -> list[tuple[int, int]]:
    """All images with pixels in a cell of the confusion matrix, as (index, pixels), most pixels first.

    Raises:
        DocumentError: the arrays are gone or damaged.
    """
    try:
        with np.load(Path(folder) / ARRAYS_NAME, allow_pickle=False) as arrays:
            cells = arrays["cells"]
    except (OSError, ValueError, KeyError) as error:
        raise DocumentError(
            f"The counts of {folder} cannot be read: {error}.", "Evaluate the model again."
        ) from None
    here = cells[(cells[:, 1] == true) & (cells[:, 2] == predicted)]
    here = here[np.lexsort((here[:, 0], -here[:, 3]))]
    return [(int(image), int(pixels)) for image, _, _, pixels in here]


def write_table(folder: Path, document: Evaluation) -> Path:
    """Write ``images.csv``, a row an image in the order of the document. Raises OSError."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    own = ["width", "height", "pixels", "wrong", "score", "objects", "found", "false_objects"]
    per_class = [f"{what}_{name}" for name in document.classes for what in ("true", "predicted", "hit")]
    table.writerow(["id", "group", "image", "mask", *MEASURES, *own, *per_class])
    for image in document.images:
        counts = zip(image.counts.true, image.counts.predicted, image.counts.hit, strict=True)
        row = [safe_cell(image.id), safe_cell(image.group), image.image, image.mask or ""]
        row += [_cell(image.scores.get(m)) for m in MEASURES] + [_cell(getattr(image, name)) for name in own]
        table.writerow([*row, *(number for three in counts for number in three)])
    path = folder / "images.csv"
    write_atomically(path, text.getvalue().encode("utf-8-sig"))  # spreadsheets take it for UTF-8 by its mark
    return path


def safe_cell(text: str) -> str:
    """Spreadsheets carry out cells that begin like a formula."""
    return "'" + text if text[:1] in "=+-@" else text


def _cell(value: Any) -> Any:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else value


def error_picture(image: Array, truth: Array, labels: Array) -> Array:
    """Where prediction and truth differ, over a darkened grey picture.

    Args:
        image: H×W×3 uint8.
        truth, labels: H×W uint8 class numbers.

    Returns:
        H×W×3: green found, orange missed, blue false, yellow another class, grey ignored.
    """
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB) // 2
    out = grey.copy()
    for colour, where in (
        (RIGHT, (truth == labels) & (truth > 0)),
        (MISSED, (truth > 0) & (labels == 0)),
        (FALSE, (truth == 0) & (labels > 0)),
        (CONFUSED, (truth > 0) & (labels > 0) & (truth != labels)),
        (IGNORED, truth == IGNORE_INDEX),
    ):
        out[where] = np.clip(grey[where] // 3 + np.array(colour) * 0.75, 0, 255).astype(np.uint8)
    return out


def write_pictures(
    folder: Path,
    kept: Kept,
    number: int,
    image: Array,
    overlay: Callable[[Array, Array, int], Array],
    classes: int,
) -> Pictures:
    """Write the four pictures of one of the worst images.

    Args:
        number: Its place among the worst, from 0.
        image: H×W×3 or H×W×1 uint8, of any size.
        overlay: Draws class numbers over an image: ``overlay(image, labels, classes)``.

    Raises:
        OSError: the folder cannot be written.
    """
    height, width = kept.truth.shape
    image = np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image
    small = cv2.resize(np.ascontiguousarray(image), (width, height), interpolation=cv2.INTER_AREA)
    labels = np.where(kept.truth == IGNORE_INDEX, 0, kept.labels).astype(np.uint8)
    pictures = {
        "image": small,
        "truth": overlay(small, kept.truth, classes),
        "prediction": overlay(small, labels, classes),
        "error": error_picture(small, kept.truth, kept.labels),
    }
    target = folder / "pictures"
    target.mkdir(exist_ok=True)
    names = {}
    for kind, picture in pictures.items():
        suffix = "jpg" if kind == "image" else "png"
        names[kind] = f"pictures/{number}_{kind}.{suffix}"
        done, data = cv2.imencode(f".{suffix}", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        if not done:
            raise OSError(f"the picture {names[kind]} could not be made")
        write_atomically(folder / names[kind], data.tobytes())
    return Pictures(**names)


def legend(names: list[str]) -> list[tuple[str, tuple[int, int, int]]]:
    """Names and colours of the classes in the pictures, without the background."""
    return list(zip(names[1:], class_colours(len(names))[1:], strict=True))

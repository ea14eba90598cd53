"""Reads what is shown of predictions: what the job used, an image with its mask, its objects. For threads."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from src.core.prediction.index import OBJECTS_NAME, Prediction, read_prediction

if TYPE_CHECKING:
    from src.core.dataset.masks import MaskMeaning
    from src.ui.widgets.pyramid import Pyramid

Array = np.ndarray[Any, Any]
_OBJECT = np.dtype(
    [("class", np.int32), ("area", np.int64), ("box", np.int32, (4,)), ("centroid", np.float32, (2,)),
     ("score_mean", np.float32), ("score_max", np.float32), ("at_border", np.bool_)]
)  # fmt: skip
_PIECE = 500
#: From so many pixels on a small picture comes before the image.
LARGE = 4_000_000


@dataclass(frozen=True)
class Head:
    """What a folder of predictions is of.

    Attributes:
        folder: The predictions.
        classes: Names of all classes.
        binary: An object against background: one probability.
        background: Class 0 is no object.
        words: Model and threshold, as a sentence.
        intensity: See `read_image`.
    """

    folder: Path
    classes: tuple[str, ...]
    binary: bool
    background: bool
    words: str
    intensity: tuple[float, float] | None = None

    @classmethod
    def read(cls, folder: Path) -> Head:
        """From ``prediction.json``.

        Raises:
            ValueError: it is damaged; the message is a sentence.
        """
        try:
            raw = json.loads((folder / "prediction.json").read_bytes())
            span = raw.get("intensity_range")
            return cls(
                folder, tuple(str(name) for name in raw["classes"]), bool(raw["binary"]), bool(raw.get("background", True)),
                _words(raw), (float(span[0]), float(span[1])) if span else None,
            )  # fmt: skip
        except OSError as error:
            reason = error.strerror or str(error)
        except json.JSONDecodeError as error:
            reason = f"line {error.lineno}, {error.msg}"
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            reason = f"it does not say what it should ({error})"
        raise ValueError(
            f"{folder / 'prediction.json'} cannot be read: {reason}. Predict the images again into another folder."
        )

    def meaning(self) -> MaskMeaning:
        """Of the values of the masks."""
        from src.core.prediction.datasets import written_meaning

        return written_meaning(self.classes, self.binary)


def _words(raw: dict[str, Any]) -> str:
    model = raw.get("model") or {}
    parts = [f"Model {model.get('name') or 'unknown'}"]
    network = " with ".join(str(model[key]) for key in ("architecture", "encoder") if model.get(key))
    if network:
        parts[0] += f" ({network})"
    if raw["binary"]:
        parts.append(f"threshold {float(raw['threshold']):.3g}, {raw.get('threshold_from') or 'as set'}")
    else:
        parts.append("each pixel gets its most probable class")
    return "; ".join(parts) + "."


@dataclass
class Shown:
    """One image with all that is shown of it.

    Attributes:
        prediction: Its line; None where it cannot be read.
        picture: Image and mask; None where there is nothing to see.
        objects: A structured array: ``class``, ``area``, ``box`` (left, top, width, height), ``centroid``,
            ``score_mean``, ``score_max``, ``at_border``.
        notes: Sentences that a person should know.
        whole: This is the image; else a small picture that comes first.
    """

    prediction: Prediction | None
    picture: Pyramid | None = None
    objects: Array = field(default_factory=lambda: np.zeros(0, _OBJECT))
    notes: list[str] = field(default_factory=list)
    whole: bool = True


def read_shown(head: Head, begins: int) -> Shown:
    """An image whole, with its mask and objects."""
    from src.core.dataset.files.image_files import UnreadableImageError
    from src.ui.widgets.pyramid import read_pyramid

    found = read_prediction(head.folder, begins)
    if found is None:
        return Shown(None, notes=["The line of this image in predictions.jsonl cannot be read."])
    shown = Shown(found, notes=list(map(str, found.notes)))
    if found.error:
        with contextlib.suppress(UnreadableImageError):
            shown.picture = read_pyramid(found.path, None, None, head.intensity)
        return shown
    mask = str(head.folder / found.mask)
    try:
        shown.picture = read_pyramid(found.path, mask, head.meaning(), head.intensity)
    except UnreadableImageError as error:
        shown.notes.append(f"The image {error.reason}: {found.path}.")
        shown.picture = _overlay(head, found)
        if shown.picture is not None:
            shown.notes.append("Its overlay is shown instead.")
    else:
        if not shown.picture.labels:
            shown.notes.append(
                "The mask cannot be read: its file is gone or damaged. Predict the image again."
            )
        if _changed(found) or (shown.picture.width, shown.picture.height) != (found.width, found.height):
            shown.notes.append("The image was changed after it was predicted. Predict it again.")
    shown.objects = read_objects(head.folder, found)
    return shown


def read_small(head: Head, begins: int) -> Shown:
    """A small picture of a large image, which is quick; no picture where the image is quick itself."""
    from src.core.dataset.files.thumbnails import ThumbnailStore
    from src.core.run import workspace
    from src.ui.widgets.pyramid import Pyramid

    found = read_prediction(head.folder, begins)
    if found is None or found.error or not found.overlay or found.width * found.height < LARGE:
        return Shown(found, whole=False)
    store = ThumbnailStore(workspace() / "cache" / "thumbnails")
    pixels, _ = store.pair(str(head.folder / found.overlay), None, None, None)
    return Shown(found, Pyramid.preview(pixels, None, found.width, found.height), whole=False)


def _overlay(head: Head, found: Prediction) -> Pyramid | None:
    from src.core.dataset.files.image_files import UnreadableImageError
    from src.ui.widgets.evaluation_pictures import kept_picture

    if not found.overlay:
        return None
    with contextlib.suppress(UnreadableImageError):
        return kept_picture(head.folder / found.overlay, found.width, found.height)
    return None


def _changed(found: Prediction) -> bool:
    try:
        facts = Path(found.path).stat()
    except OSError:
        return False
    return (facts.st_size, facts.st_mtime_ns) != (found.size, found.mtime_ns)


def read_probability(head: Head, file: str, picture: Pyramid) -> Pyramid:
    """The same image with a probability, 0 to 255, in the place of its classes; the pixels are shared.

    Raises:
        UnreadableImageError: the file is gone or damaged, or of another size.
    """
    import cv2

    from src.core.dataset.files.image_files import UnreadableImageError
    from src.core.dataset.files.mask_files import read_mask
    from src.ui.widgets.pyramid import Pyramid

    path = head.folder / file
    values = read_mask(path)
    if values.dtype != np.uint8 or values.shape != (picture.height, picture.width):
        raise UnreadableImageError(path, "is not of the size of the image")
    levels = [np.ascontiguousarray(values)]
    for pixels in picture.pixels[1:]:
        levels.append(cv2.resize(levels[-1], pixels.shape[1::-1], interpolation=cv2.INTER_AREA))
    if picture.first != 1.0:
        levels[0] = cv2.resize(values, picture.pixels[0].shape[1::-1], interpolation=cv2.INTER_AREA)
    return Pyramid(picture.width, picture.height, picture.pixels, levels, picture.native, picture.first)


def read_objects(folder: Path, found: Prediction) -> Array:
    """The objects of an image, read in pieces: a line with a hundred thousand would hold all threads up.

    Empty where there are none or their line is damaged.
    """
    if found.objects_at < 0:
        return np.zeros(0, _OBJECT)
    try:
        with (folder / OBJECTS_NAME).open("rb") as handle:
            handle.seek(found.objects_at)
            line = handle.readline().rstrip()
        name, sign, body = line.partition(b',"objects":[')
        if json.loads(name + b"}") != {"image": found.name} or not sign or not body.endswith(b"}]}"):
            return np.zeros(0, _OBJECT)
        rows: list[Array] = []
        at = 0
        while at < len(body) - 2:
            end = at
            for _ in range(_PIECE):
                end = body.find(b"},{", end + 1)
                if end < 0:
                    break
            stop = end + 1 if end >= 0 else len(body) - 2
            entries = json.loads(b"[" + body[at:stop] + b"]")
            rows.append(np.array([_entry(entry) for entry in entries], _OBJECT))
            at = stop + 1
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return np.zeros(0, _OBJECT)
    return np.concatenate(rows) if rows else np.zeros(0, _OBJECT)


def _entry(entry: dict[str, Any]) -> tuple[Any, ...]:
    return (entry["class"], entry["area"], tuple(entry["box"]), tuple(entry["centroid"]), entry["score_mean"],
            entry["score_max"], entry["at_border"])  # fmt: skip


def object_at(labels: Array, objects: Array, x: int, y: int, reach: float) -> int:
    """The object at a pixel, -1 where there is none.

    Args:
        labels: ``H×W`` class numbers.
        objects: As of `Shown`.
        x, y: The pixel.
        reach: Where no object is, the nearest centre of a box is taken that begins within so many pixels.
    """
    left, top, width, height = objects["box"].T
    number = int(labels[y, x])
    around = (left <= x) & (x < left + width) & (top <= y) & (y < top + height)
    candidates = np.flatnonzero(around & (objects["class"] == number))
    if len(candidates):
        return next(
            filter(
                partial(_holds, labels, objects, x, y), candidates[np.argsort(objects["area"][candidates])]
            ),
            -1,
        )
    off = np.maximum(
        np.maximum(left - x, x - (left + width - 1)), np.maximum(top - y, y - (top + height - 1))
    )
    near = np.flatnonzero(off <= reach)
    if not len(near) or not reach:
        return -1
    return int(near[np.argmin(np.hypot(*(objects["centroid"][near] - (x, y)).T))])


def _holds(labels: Array, objects: Array, x: int, y: int, number: int) -> bool:
    """Whether the pixel belongs to this object: boxes of several may lie over each other."""
    import cv2

    left, top, width, height = (int(v) for v in objects["box"][number])
    crop = labels[top : top + height, left : left + width] == objects["class"][number]
    if not crop[y - top, x - left]:
        return False
    area, *_ = cv2.floodFill(np.ascontiguousarray(crop, np.uint8), None, (x - left, y - top), 2, flags=8)
    return bool(area == objects["area"][number])

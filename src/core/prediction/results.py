"""The folder of predictions: which files an image gets, in which order they are written, what is done already."""

from __future__ import annotations

import errno
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from src.core.dataset.files.image_files import UnreadableImageError
from src.core.dataset.formats.writing import mask_name
from src.core.dataset.palette import class_colours
from src.core.prediction.datasets import values_of
from src.core.prediction.folder import VERSION, IndexedFolder, writing_failed
from src.core.prediction.images import ImageFile
from src.core.prediction.index import OBJECTS_NAME, JsonLines, Prediction
from src.core.prediction.objects import find_objects
from src.core.prediction.options import PostprocessConfig
from src.core.prediction.pictures import (
    BandedPng,
    labels_for_overlay,
    picture_for_overlay,
    write_mask,
    write_overlay,
)
from src.core.prediction.postprocess import Changes, postprocess
from src.core.prediction.runs import TooRaggedError
from src.core.run.folder import write_atomically

CLASSES_NAME = "classes.json"
Draw = Callable[[np.ndarray, np.ndarray, int], np.ndarray]


@dataclass(frozen=True)
class Wanted:
    """What is written of each image.

    Attributes:
        classes: Names of all classes; ``binary``: two of them, object pixels are 255 in the mask.
        background: Class 0 is background.
        overlay: Draws class numbers over an image (``image, labels, number of classes``); None: no overlays.
        tables: The objects are listed; ``rle``: with their run lengths, for COCO.
        postprocess: Corrections of the mask.
        intensity_range: How images of more than 8 bits become pictures.
    """

    classes: tuple[str, ...]
    binary: bool
    background: bool = True
    overlay: Draw | None = None
    tables: bool = True
    rle: bool = False
    postprocess: PostprocessConfig = field(default_factory=PostprocessConfig)
    intensity_range: tuple[float, float] | None = None


def class_table(classes: tuple[str, ...], binary: bool) -> list[dict[str, Any]]:
    """The value, name and colour of each class in masks and overlays."""
    colours = class_colours(len(classes))
    return [
        {"value": 255 * n if binary else n, "class": n, "name": name, "colour": list(colours[n])}
        for n, name in enumerate(classes)
    ]


class ResultFolder(IndexedFolder):
    """Writes the results of images into a folder; `write` may be called from several threads at once.

    Attributes:
        path: The folder.
        index: Name to the newest line of each image, those of an earlier start too.
    """

    def __init__(self, path: Path, wanted: Wanted, header: Mapping[str, Any]) -> None:
        """Begin in an empty folder, or go on in one with results of the same settings.

        Args:
            path: Of the job.
            wanted: What is written.
            header: Model, threshold and all else that decides about the masks; kept in ``prediction.json``.

        Raises:
            ResultsError: it holds results of other settings, or cannot be written.
        """
        self.wanted = wanted
        super().__init__(path, header)
        self._masks = {found.name: found.mask for found in self.index.values() if found.mask}
        self._taken = {mask.removeprefix("masks/").casefold() for mask in self._masks.values()}
        try:
            self._objects = JsonLines(path / OBJECTS_NAME)
        except OSError as error:
            raise writing_failed(path, error) from error

    def begin_empty(self) -> None:
        """The table of the classes."""
        table = class_table(self.wanted.classes, self.wanted.binary)
        text = json.dumps({"version": VERSION, "classes": table}, ensure_ascii=False, indent=1)
        write_atomically(self.path / CLASSES_NAME, text.encode())

    def stem(self, image: ImageFile) -> str:
        """Relative path of an image's results without suffix; the same at every start, unlike that of all others."""
        with self._lock:
            if image.name not in self._masks:
                self._masks[image.name] = "masks/" + mask_name(image.name, self._taken)
            return self._masks[image.name].removeprefix("masks/").removesuffix(".png")

    def probabilities(self, image: ImageFile, size: tuple[int, int]) -> list[BandedPng]:
        """Files for the probabilities, to be written band by band: of the object, or of each class."""
        height, width = size
        names = [""] if self.wanted.binary else [f"_{n}" for n in range(len(self.wanted.classes))]
        stem, begun = self.stem(image), []
        try:
            for name in names:
                begun.append(BandedPng(self.path / "probabilities" / f"{stem}{name}.png", width, height))
        except OSError:
            for file in begun:
                file.discard()
            raise
        return begun

    def write(
        self,
        image: ImageFile,
        labels: np.ndarray,
        score: np.ndarray,
        begun: float,
        probabilities: list[BandedPng] | None = None,
        measured: dict[str, Any] | None = None,
        refined: int = 0,
    ) -> Prediction:
        """Correct a mask, describe its objects, write all its files, then its line in the index.

        Args:
            image: What was predicted.
            labels: ``H×W`` uint8 class numbers, 255 ignored; may be changed.
            score: ``H×W`` uint8: how probable the class of each pixel is.
            begun: ``time.monotonic()`` of its first rows.
            probabilities: Written to the last row.
            measured: For `Prediction.score`.
            refined: Pixels of ``labels`` whose class a dense CRF changed.

        Raises:
            ResultsError: the folder cannot be written.
        """
        height, width = labels.shape
        done = Prediction(
            image.name, image.path, image.size, image.mtime_ns, width, height, score=measured or {},
            changes=Changes(refined=refined).to_dict(),
        )  # fmt: skip
        try:
            self._objects_of(done, labels, score)
            stem = self.stem(image)
            done.mask = f"masks/{stem}.png"
            write_mask(self.path / done.mask, values_of(labels, self.wanted.binary))
            if self.wanted.overlay is not None:
                self._overlay(done, stem, labels)
            for file in probabilities or []:
                file.end()
                done.probability.append(PurePosixPath(file.path.relative_to(self.path)).as_posix())
            done.seconds = round(time.monotonic() - begun, 4)
        except OSError as error:
            for file in probabilities or []:
                file.discard()
            if error.errno == errno.ENAMETOOLONG:
                return self.failed(image, "its name is too long for the folder of the results")
            raise writing_failed(self.path, error) from error
        self.note(done)
        return done

    def close(self) -> None:
        """Flush to the disk; raises ResultsError."""
        try:
            self._objects.close()
        except OSError as error:
            raise writing_failed(self.path, error) from error
        super().close()

    def _objects_of(self, done: Prediction, labels: np.ndarray, score: np.ndarray) -> None:
        wanted = self.wanted
        try:
            if not wanted.postprocess.does_nothing:
                _, changes = postprocess(labels, wanted.postprocess, wanted.background)
                done.changes |= changes.to_dict()
            if not wanted.tables:
                return
            found = find_objects(labels, score, wanted.background, wanted.rle)
        except TooRaggedError as error:
            done.notes.append(f"{error} They are neither listed nor removed by size.")
            return
        done.objects = found.total
        done.by_class = {str(k): v for k, v in found.of_class.items()}
        done.pixels = {str(k): v for k, v in found.pixels.items()}
        if len(found.listed) < found.total:
            done.notes.append(f"Of {found.total:,} objects the {len(found.listed):,} largest are listed.")
        if found.listed:
            means = [entry["score_mean"] for entry in found.listed]
            done.scores = [min(means), max(means)]
            done.objects_at = self._objects.write({"image": done.name, "objects": found.listed})

    def _overlay(self, done: Prediction, stem: str, labels: np.ndarray) -> None:
        assert self.wanted.overlay is not None
        try:
            picture = picture_for_overlay(done.path, labels.shape, self.wanted.intensity_range)  # type: ignore[arg-type]
        except UnreadableImageError as error:
            done.notes.append(f"No overlay: the image {error.reason}.")
            return
        small = labels_for_overlay(labels, picture.shape[:2])  # type: ignore[arg-type]
        name = f"overlays/{stem}.jpg"
        write_overlay(self.path / name, self.wanted.overlay(picture, small, len(self.wanted.classes)))
        done.overlay = name
        if picture.shape[:2] != labels.shape:
            done.notes.append(
                f"The overlay is {picture.shape[1]}×{picture.shape[0]} pixels, smaller than the image."
            )


def total_changes(index: Mapping[str, Prediction]) -> Changes:
    """What the post-processing did to all images together."""
    total = Changes()
    for found in index.values():
        for key, value in found.changes.items():
            if hasattr(total, key) and isinstance(value, int):
                setattr(total, key, getattr(total, key) + value)
    return total

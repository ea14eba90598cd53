"""Folders of predictions that tests of the windows make up: real files, written by the classes that jobs use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from src.core.prediction.images import ImageFile
from src.core.prediction.index import Prediction
from src.core.prediction.results import ResultFolder, Wanted
from src.tasks.segmentation.pictures import overlay

CLASSES = ("background", "crack", "dent")
HEIGHT, WIDTH = 60, 80


def header(classes: tuple[str, ...] = CLASSES, binary: bool = False) -> dict[str, Any]:
    """As the job writes it."""
    return {
        "model": {"name": "tiles, best (epoch 3)", "architecture": "unet", "encoder": "resnet18"}, "classes": list(classes),
        "binary": binary, "background": True, "threshold": 0.35, "threshold_from": "as set", "intensity_range": None,
    }  # fmt: skip


def labels_of(number: int) -> np.ndarray:
    """Two objects on every image (a crack in a dent's box), a third on every second; none on every fifth."""
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    if number % 5 == 4:
        return labels
    labels[10:40, 10:14] = 2
    labels[36:40, 10:50] = 2
    labels[15:20, 20:30] = 1
    if number % 2:
        labels[50:54, 60:70] = 1
    return labels


class Predicted:
    """Writes the results of images, one at a time, as a job does.

    Attributes:
        folder: The predictions.
    """

    def __init__(self, place: Path, probabilities: bool = True, classes: tuple[str, ...] = CLASSES) -> None:
        self.folder, self._images = place / "predictions", place / "images"
        self._images.mkdir(parents=True)
        self._probabilities, self._number = probabilities, 0
        self.results = ResultFolder(self.folder, Wanted(classes, False, overlay=overlay), header(classes))

    def add(self, many: int = 1) -> Predicted:
        """Predict further images."""
        for _ in range(many):
            image = self._image(f"part{self._number:03d}.png")
            labels = labels_of(self._number)
            files = self.results.probabilities(image, labels.shape) if self._probabilities else []
            for value, file in enumerate(files):
                file.write(np.where(labels == value, 200, 20).astype(np.uint8))
            score = np.full(labels.shape, 255 - 10 * (self._number % 10), np.uint8)
            self.results.write(image, labels, score, 0.0, files)
            self._number += 1
        return self

    def fail(self, reason: str = "The image is damaged.") -> Predicted:
        """An image for which there is no result."""
        image = self._image(f"part{self._number:03d}.png", whole=False)
        self.results.failed(image, reason)
        self._number += 1
        return self

    def _image(self, name: str, whole: bool = True) -> ImageFile:
        path = self._images / name
        pixels = np.full((HEIGHT, WIDTH, 3), 40 + self._number % 100, np.uint8)
        path.write_bytes(cv2.imencode(".png", pixels)[1].tobytes() if whole else b"no image")
        facts = path.stat()
        return ImageFile(name, str(path), facts.st_size, facts.st_mtime_ns)

    def close(self) -> Path:
        """End; the folder."""
        self.results.close()
        return self.folder


def large_folder(folder: Path, many: int) -> Path:
    """An index of so many images whose files do not exist."""
    folder.mkdir(parents=True)
    (folder / "prediction.json").write_text(json.dumps({"version": 1, **header()}), "utf-8")
    with (folder / "predictions.jsonl").open("w", encoding="utf-8") as stream:
        for number in range(many):
            line = Prediction(
                f"line_{number % 7}/image{number:06d}.png", f"/nowhere/image{number:06d}.png", 1000, number, 640, 480,
                mask=f"masks/image{number:06d}.png", objects=number % 9, by_class={str(1 + number % 2): 1},
                scores=[0.1 + number % 80 / 100, 0.95], seconds=0.01,
            ).to_dict()  # fmt: skip
            stream.write(json.dumps(line, separators=(",", ":")) + "\n")
    return folder

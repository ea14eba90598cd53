"""A small data set of metal parts with defects, made by rule: for the first run, for tests, for showing."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from src.core.dataset.config import SplitConfig
from src.core.dataset.findings import DatasetError, Finding
from src.core.dataset.records import Sample
from src.core.dataset.sample.sample_surface import TEXTURES, Defect, draw_part, photograph
from src.core.dataset.sources.source_rows import absolute
from src.core.dataset.splitting.split import make_split

_VERSION = 1
_RECORD = "sample_data.json"
_CONFIG = "lathe.yaml"
#: What the parts of a set bear, again and again; every fourth is good.
_PLAN: tuple[tuple[Defect, ...], ...] = (
    ("scratch",), ("pit",), ("stain",), (), ("scratch",), ("stain",), ("pit",), (),
    ("scratch", "pit"), ("stain", "scratch"), ("pit",), (),
)  # fmt: skip

_CONFIG_TEXT = """\
# A training run on the sample data. Paths are relative to this file.
task: segmentation
data:
  images_dir: images
  masks_dir: masks
  split_dir: splits
  masks:
    meaning: binary
    threshold: 127
    classes: [background, defect]
  image_size: 128
training:
  epochs: {epochs}
  batch_size: 8
"""

_README = """\
# Sample data: surfaces of metal parts

{images} pictures of {parts} parts, {photos} of each under another light, {size} x {size} pixels, made by rule
(seed {seed}). Three parts of four have scratches, pits or stains; the others are good, and their masks are
empty.

- `images/part000_photo0.png`: the pictures, RGB, 8 bits.
- `masks/part000_photo0.png`: the defects, grey, 8 bits, with smooth edges: above 127 is defect.
- `splits/train.txt`, `splits/val.txt`: whole parts on one side.
- `lathe.yaml`: a configuration that trains on them.

Nobody holds rights in these pictures; use them as you like.
"""


class SampleDataError(DatasetError):
    """The sample data cannot be written where they were asked for; the message says why and what to do."""

    def __init__(self, message: str, cure: str) -> None:
        super().__init__(Finding("error", "sample_data.target", message, cure))

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.findings[0].message, self.findings[0].cure))


@dataclass(frozen=True)
class SampleData:
    """Where the data are.

    Attributes:
        folder: Absolute.
        config: The configuration that trains on them.
        images: Number of pictures.
        created: False when an identical set was there already.
    """

    folder: Path
    config: Path
    images: int
    created: bool

    def __str__(self) -> str:
        if self.created:
            return (
                f"{self.images} pictures with masks are in {self.folder}; train on them with {self.config}."
            )
        return f"{self.folder} holds this set already, unchanged; train on it with {self.config}."


def make_sample_data(
    folder: str | os.PathLike[str],
    parts: int = 30,
    photographs_per_part: int = 4,
    size: int = 160,
    seed: int = 0,
    progress: Callable[[int, int, str], None] | None = None,
) -> SampleData:
    """Draw the set and write it into an empty or a new folder.

    Args:
        folder: Where to; made with its parents.
        parts: Physical parts, at least 2; three of four have defects.
        photographs_per_part: Pictures of each, under different light, slightly moved.
        size: Side of the pictures in pixels, 64 to 2048.
        seed: The same numbers give the same files on the same versions of NumPy and OpenCV.
        progress: Called after each part with done, total and a word.

    Raises:
        SampleDataError: the folder holds something else, or cannot be written.
        ValueError: a number out of its bounds.
    """
    if parts < 2 or photographs_per_part < 1 or not 64 <= size <= 2048 or seed < 0:
        raise ValueError(
            f"cannot make {parts} parts with {photographs_per_part} photographs of {size} pixels, "
            f"seed {seed}: "
            "at least 2 parts, 1 photograph, 64 to 2048 pixels and a seed of 0 or more are needed"
        )
    target = Path(absolute(folder))
    recipe = {
        "version": _VERSION, "parts": parts, "photographs_per_part": photographs_per_part,
        "size": size, "seed": seed,
    }  # fmt: skip
    try:
        if _holds_identical(target, recipe):
            return SampleData(target, target / _CONFIG, parts * photographs_per_part, created=False)
        for name in ("images", "masks", "splits"):
            (target / name).mkdir(parents=True)
        _write(target, recipe, progress)
    except OSError as error:
        raise SampleDataError(
            f"The sample data cannot be written to {target}: {error.strerror or error}.",
            "Free some space there, ask for permission, or choose another folder.",
        ) from error
    return SampleData(target, target / _CONFIG, parts * photographs_per_part, created=True)


def _holds_identical(target: Path, recipe: dict[str, int]) -> bool:
    """Whether this very set is there, every file unchanged; raises when something else is."""
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return False
    if not target.is_dir():
        raise SampleDataError(
            f"{target} is a file.", "Choose a folder that does not exist yet, or an empty one."
        )
    try:
        record = json.loads((target / _RECORD).read_text(encoding="utf-8"))
        same = record["recipe"] == recipe and all(
            _digest(target / name) == digest for name, digest in record["files"].items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        same = False
    if not same:
        raise SampleDataError(
            f"{target} is not empty and does not hold this very set: nothing was written.",
            "Choose a folder that does not exist yet, or an empty one.",
        )
    return True


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write(target: Path, recipe: dict[str, int], progress: Callable[[int, int, str], None] | None) -> None:
    parts, photos, size, seed = (recipe[k] for k in ("parts", "photographs_per_part", "size", "seed"))
    files: dict[str, str] = {}
    for number in range(parts):
        defects = _PLAN[number % len(_PLAN)]
        rng = np.random.default_rng([seed, number])
        texture = TEXTURES[int(rng.integers(len(TEXTURES)))]
        part = draw_part(rng, texture, defects, size)
        for photo in range(photos):
            image, mask = photograph(np.random.default_rng([seed, number, photo, 1]), part, size)
            name = f"part{number:03d}_photo{photo}.png"
            files[f"images/{name}"] = _save_png(target / "images" / name, image[..., ::-1])
            files[f"masks/{name}"] = _save_png(target / "masks" / name, mask)
        if progress is not None:
            progress(number + 1, parts, "Drawing parts")
    texts = {f"splits/{part}.txt": text for part, text in _split_lines(parts, photos).items()}
    texts[_CONFIG] = _CONFIG_TEXT.format(epochs=12)
    texts["README.md"] = _README.format(
        images=parts * photos, parts=parts, photos=photos, size=size, seed=seed
    )
    for name, text in texts.items():
        (target / name).write_text(text, encoding="utf-8", newline="\n")
        files[name] = _digest(target / name)
    record = json.dumps({"recipe": recipe, "files": files}, indent=1)
    (target / _RECORD).write_text(record + "\n", encoding="utf-8")


def _save_png(path: Path, image: np.ndarray) -> str:
    encoded = cv2.imencode(".png", np.ascontiguousarray(image))[1]
    path.write_bytes(encoded.tobytes())
    return hashlib.sha256(encoded.tobytes()).hexdigest()


def _split_lines(parts: int, photos: int) -> dict[str, str]:
    """The lines of the split files: whole parts on one side, every kind of part on both where that can be."""
    samples = [
        Sample(
            f"part{n:03d}_photo{p}.png", "", None, f"part{n:03d}", "+".join(_PLAN[n % len(_PLAN)]) or "good"
        )
        for n in range(parts)
        for p in range(photos)
    ]
    division, _ = make_split(samples, SplitConfig(val_fraction=0.25))
    lines = {
        part: "".join(f"images/{s.id} masks/{s.id}\n" for s in members)
        for part, members in division.items()
        if members
    }
    return {str(part): text for part, text in lines.items()}

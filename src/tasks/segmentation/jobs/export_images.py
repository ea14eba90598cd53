"""Real images at the size of an export: to compare on, and to measure 8-bit ranges on."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from src.core.dataset.description import DatasetDescription
from src.core.dataset.records import Sample
from src.core.dataset.sample.sample_data import make_sample_data
from src.core.feed.dataset import ImageMaskDataset
from src.core.inference.model import LoadedModel
from src.core.run.model_source import ModelSource

PARTS = {"val": "validation", "test": "test", "train": "training"}


@dataclass(frozen=True)
class Piece:
    """One input.

    Attributes:
        name: For people.
        image: uint8 1×C×H×W.
        mask: Class numbers uint8 H×W, 255 where ignored; None where the truth is not known.
    """

    name: str
    image: np.ndarray
    mask: np.ndarray | None


@dataclass
class Images:
    """The images that belong to a model, as far as they are still there.

    Attributes:
        checked, calibrated: Samples to compare on, and to calibrate on.
        words: Which ones these are, for people.
        generated: They are drawn, because none of the model's own is there.
        size: ``(height, width)`` at which they are given.
    """

    loaded: LoadedModel
    size: tuple[int, int]
    checked: Sequence[Sample] = field(default_factory=list)
    calibrated: Sequence[Sample] = field(default_factory=list)
    words: str = ""
    calibrated_words: str = ""
    generated: bool = False
    _drawn: tempfile.TemporaryDirectory[str] | None = None

    def pieces(self, samples: Sequence[Sample], most: int) -> Iterator[Piece]:
        """At most ``most`` inputs, spread over the samples; files that cannot be read are passed over."""
        if not samples:
            return
        data = ImageMaskDataset(
            samples, self.loaded.meaning, self.size, self.loaded.channels, self.loaded.fit,
            intensity_range=self.loaded.intensity_range,
        )  # fmt: skip
        for index in np.unique(np.linspace(0, len(data) - 1, min(most, len(data))).astype(int)):
            sample = data.sample_of(int(index))
            item, _ = data.fetch(1, int(index))
            if item is not None:
                known = sample.mask is not None and not self.generated
                yield Piece(
                    sample.id, item.image.transpose(2, 0, 1)[None].copy(), item.mask if known else None
                )

    def close(self) -> None:
        """Take away what was drawn."""
        if self._drawn is not None:
            self._drawn.cleanup()


def find_images(source: ModelSource, loaded: LoadedModel, size: tuple[int, int]) -> Images:
    """The images of a model's run: to compare on those of validation, to calibrate on those of training.

    Where the data are gone, or the model belongs to no run, they are drawn. A sample counts when its image is there;
    one whose mask is gone counts without truth.
    """
    there = _of_run(source)
    if any(there.values()):
        part = next(p for p in PARTS if there[p])
        # What the ranges are measured on should not be what they are judged on, if there is a choice
        other = next((p for p in ("train", "val", "test") if there[p] and p != part), part)
        return Images(
            loaded,
            size,
            there[part],
            there[other],
            f"{PARTS[part]} images of {source.name}",
            f"{PARTS[other]} images",
        )
    drawn = tempfile.TemporaryDirectory(prefix="lathe-export-")
    side = min(1024, max(64, *size))
    make_sample_data(Path(drawn.name) / "set", parts=8, photographs_per_part=2, size=side)
    paths = sorted((Path(drawn.name) / "set" / "images").glob("*.png"))
    samples = [
        Sample(path.name, str(path), None, path.name, width=side, height=side) for path in paths
    ]  # fmt: skip
    return Images(
        loaded,
        size,
        samples[::2],
        samples[1::2],
        "generated images",
        "generated images",
        generated=True,
        _drawn=drawn,
    )


def _of_run(source: ModelSource) -> dict[str, list[Sample]]:
    found: dict[str, list[Sample]] = {part: [] for part in PARTS}
    if source.run is None:
        return found
    try:
        description = DatasetDescription.load(source.run.dataset)
    except (OSError, ValueError):
        return found
    for part in PARTS:
        for sample in description.samples.get(part, []):  # type: ignore[call-overload]
            if Path(sample.image).is_file():
                gone = sample.mask is not None and not Path(sample.mask).is_file()
                found[part].append(_without_mask(sample) if gone else sample)
    return found


def _without_mask(sample: Sample) -> Sample:
    return Sample.from_dict({**sample.to_dict(), "mask": None})

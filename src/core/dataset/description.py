"""What is known of a data set before training, and its form on disk."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from src.core.dataset.anchors import Anchors
from src.core.dataset.contract import DESCRIPTION_NAME
from src.core.dataset.described import BaseDescription, give_back_memory
from src.core.dataset.masks import MaskMeaning
from src.core.dataset.packed_samples import PackedSamples
from src.core.dataset.records import SPLITS, Sample, Split

__all__ = ["DESCRIPTION_NAME", "DatasetDescription", "give_back_memory"]


@dataclass
class DatasetDescription(BaseDescription[Sample]):
    """What ``describe`` found of images with masks.

    Attributes:
        samples: The samples of each part, in the order of their ids.
        meaning: Of the mask values; ``None`` while it is not clear (then there is an error).
        class_names: Of the meaning.
        class_pixels: For each part, pixels of each class without ignored ones.
        intensity_range: Values that become 0 and 255; ``None`` when all images have 8 bits.
        sizes: ``min``, ``median`` and ``max`` as (width, height), each side by itself; empty without samples.
        findings: All of them.
        fingerprint: sha256 over ids, file sizes and content hashes; the same on every machine. Masks, and
            images of up to 1 MiB, are hashed as a whole, of larger images the size and 256 KiB at either end.
        quarantined: Files that are left out, with the reason.
        split_hash: See ``src.core.dataset.splitting.split_record.split_hash``.
        split_given: Split files or a column of the table say which image is in which part.
        root: Folder to which the ids are relative.
        source: The table, the folder of the images or that of the split files.
        file_bytes: Sizes of the image and mask file of each sample.
        record: The split as it is written down and recognised again; ``None`` before there is one.
        clusters: Name of the near-duplicate cluster of each sample that is in one; see ``near_duplicates``.
        anchors: Pixels on the objects of each sample: ``anchors.of(sample_id)``; saved beside, read when asked for.
        facts: What the browser filters by, for each sample id: ``[brightness, contrast, objects, smallest,
            share]``, mean grey and its deviation (0 to 255), number of objects, area of the smallest in pixels (0
            without), and, where the meaning of the masks is clear, the share of pixels that are no background.
        statistics: Numbers for plots, plain JSON types of bounded size::

            {"parts": {"train": {"images": 120, "objects": 340, "groups": 31, "empty": 60}, "val": …, "test": …},
             "classes": ["background", "scratch"],
             "class_pixels": {"train": [pixels of each class], …},
             "class_images": {"train": [images that hold each class], …},
             "class_objects": {"train": [objects of each class], …},
             "histograms": {"width": {"label": "Image width", "unit": "px", "scale": "linear",
                                      "edges": [n + 1 numbers], "counts": {"train": [n], "val": [n], "test": [n]}},
                            "height": …, "brightness": …, "contrast": …, "object_area": … (scale "log"),
                            "object_side": … (scale "log"; the shorter side of the object's box),
                            "objects_per_image": …, "group_size": … (images in a group)},
                            A histogram of few different values has "names" of them instead of edges.
             "small_objects": {"image_size": 256, "share": 0.02, "under": 3}}

            Samples that are no images add ``"noun": ["recording", "recordings"]``; their counts stand under the same
            keys. Keys whose numbers are not known (no mask meaning) are absent; so is a histogram without values. An
            object is a connected component (8 neighbours) of one class, background left out.
    """

    record_type: ClassVar[Any] = Sample

    meaning: MaskMeaning | None = None
    class_pixels: dict[Split, list[int]] = field(default_factory=dict)
    intensity_range: tuple[float, float] | None = None
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    clusters: dict[str, str] = field(default_factory=dict)
    facts: dict[str, list[float]] = field(default_factory=dict)
    anchors: Anchors = field(default_factory=Anchors)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, background counted; empty while the meaning is not clear."""
        return self.meaning.classes if self.meaning else ()

    def contents(self) -> str:
        """How many classes, or on how many images the object is."""
        if self.meaning is not None and self.meaning.kind == "binary":
            return f"{self.meaning.classes[1]} on {sum(s.has_object for s in self.all_samples)}"
        return super().contents()

    def row(self, sample: Sample) -> list[Any]:
        """Width, height, brightness, number of objects, their share of the pixels, name of the near duplicates."""
        facts: list[float | None] = [*self.facts.get(sample.id, ()), *[None] * 5]
        return [sample.width, sample.height, facts[0], facts[2], facts[4], self.clusters.get(sample.id)]

    def details(self) -> dict[str, Any]:
        """What the masks mean and cover, and how large and how deep the images are."""
        pixels = self.class_pixels.get("train", [])  # empty where no mask could be read
        total = sum(pixels) or 1
        return {
            "class_share": {name: n / total for name, n in zip(self.class_names, pixels, strict=False)},
            "sizes": self.sizes,
            "masks": self.meaning.to_dict() if self.meaning else None,
            "intensity_range": self.intensity_range,
        }

    def resolved(self) -> dict[str, Any]:
        """The dotted configuration keys that were found rather than declared, with their values."""
        if self.meaning is None:
            return {}
        section = self.meaning.to_config()
        keys = ["meaning", "classes", "ignore_value"]
        keys += ["threshold", "foreground"] if self.meaning.kind == "binary" else ["values"]
        return {f"data.masks.{key}": getattr(section, key) for key in keys}

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types; the anchors have a file of their own."""
        return super().to_dict() | {
            "meaning": self.meaning.to_dict() if self.meaning else None,
            "class_pixels": self.class_pixels,
            "intensity_range": self.intensity_range,
            "sizes": self.sizes,
            "clusters": self.clusters,
            "facts": self.facts,
        }

    @classmethod
    def fields_of(cls, data: Mapping[str, Any], folder: Path) -> dict[str, Any]:
        """See `BaseDescription.fields_of`; the anchors are read when they are asked for."""
        return super().fields_of(data, folder) | {
            "meaning": MaskMeaning.from_dict(data["meaning"]) if data["meaning"] else None,
            "class_pixels": {part: list(data["class_pixels"].get(part, [])) for part in SPLITS},
            "intensity_range": _pair(data["intensity_range"]),
            "sizes": {key: (int(v[0]), int(v[1])) for key, v in data["sizes"].items()},
            "clusters": {str(key): str(name) for key, name in data.get("clusters", {}).items()},
            "facts": {str(key): list(values) for key, values in data.get("facts", {}).items()},
            "anchors": Anchors.beside(folder),
        }

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write ``description.json``, the anchors and the split files into a folder, which is made."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        self.anchors.save(Path(folder))
        super().save(folder)

    def compact(self) -> None:
        """Let go of what training does not ask for, once it is saved: 300 MB for 100,000 images.

        Samples stay, packed; facts, clusters, file sizes and the record of the split go.
        """
        self.samples = {part: PackedSamples(self.samples.get(part, [])) for part in SPLITS}
        self.facts, self.clusters = {}, {}
        super().compact()


def _pair(values: list[float] | None) -> tuple[float, float] | None:
    return (float(values[0]), float(values[1])) if values else None

"""What is known of a data set before training, and its form on disk."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from src.core.dataset.anchors import Anchors
from src.core.dataset.findings import Finding, counted, named
from src.core.dataset.masks import MaskMeaning
from src.core.dataset.packed_samples import PackedSamples
from src.core.dataset.records import SPLITS, Sample, Split
from src.core.dataset.splitting.split_record import SplitRecord, read_split, write_split

DESCRIPTION_NAME = "description.json"
_VERSION = 1


@dataclass
class DatasetDescription:
    """What ``describe`` found.

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
        root: Folder to which the ids are relative.
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
             "small_objects": {"image_size": 256, "share": 0.02, "under": 3}}

            Keys whose numbers are not known (no mask meaning) are absent; so is a histogram without values. An
            object is a connected component (8 neighbours) of one class, background left out.
    """

    samples: Mapping[Split, Sequence[Sample]] = field(default_factory=lambda: {part: [] for part in SPLITS})
    meaning: MaskMeaning | None = None
    class_pixels: dict[Split, list[int]] = field(default_factory=dict)
    intensity_range: tuple[float, float] | None = None
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    fingerprint: str = ""
    quarantined: list[tuple[str, str]] = field(default_factory=list)
    split_hash: str = ""
    root: str = ""
    file_bytes: dict[str, tuple[int, int]] = field(default_factory=dict)
    record: SplitRecord | None = None
    clusters: dict[str, str] = field(default_factory=dict)
    facts: dict[str, list[float]] = field(default_factory=dict)
    statistics: dict[str, Any] = field(default_factory=dict)
    anchors: Anchors = field(default_factory=Anchors)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, background counted; empty while the meaning is not clear."""
        return self.meaning.classes if self.meaning else ()

    @property
    def has_errors(self) -> bool:
        """Training cannot start."""
        return any(f.severity == "error" for f in self.findings)

    @property
    def all_samples(self) -> list[Sample]:
        """The samples of all parts."""
        return [sample for part in SPLITS for sample in self.samples.get(part, [])]

    def summary(self) -> str:
        """One sentence for a status line."""
        numbers = {part: len(self.samples.get(part, [])) for part in SPLITS}
        total = sum(numbers.values())
        if not total:
            return "No image that can be used."
        words = {"train": "for training", "val": "for validation", "test": "for testing"}
        parts = ", ".join(f"{n} {words[p]}" for p, n in numbers.items() if n)
        text = f"{counted(total, 'image')} ({parts})"
        if self.meaning is not None and self.meaning.kind == "binary":
            objects = sum(s.has_object for s in self.all_samples)
            text += f", {self.meaning.classes[1]} on {objects}"
        elif self.meaning is not None:
            text += f", {counted(self.meaning.num_classes, 'class', 'classes')}"
        if self.quarantined:
            text += f", {counted(len(self.quarantined), 'file')} left out"
        errors = sum(f.severity == "error" for f in self.findings)
        return text + (f"; {counted(errors, 'error')}." if errors else ".")

    def resolved(self) -> dict[str, Any]:
        """The dotted configuration keys that were found rather than declared, with their values."""
        if self.meaning is None:
            return {}
        section = self.meaning.to_config()
        keys = ["meaning", "classes", "ignore_value"]
        keys += ["threshold", "foreground"] if self.meaning.kind == "binary" else ["values"]
        return {f"data.masks.{key}": getattr(section, key) for key in keys}

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write ``description.json`` and the split files into a folder, which is made."""
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        write_split(target, self.samples, self.root, self.record)
        data = {
            "version": _VERSION,
            "summary": self.summary(),
            "fingerprint": self.fingerprint,
            "split_hash": self.split_hash,
            "root": self.root,
            "meaning": self.meaning.to_dict() if self.meaning else None,
            "class_pixels": self.class_pixels,
            "intensity_range": self.intensity_range,
            "sizes": self.sizes,
            "findings": [f.to_dict() for f in self.findings],
            "quarantined": self.quarantined,
            "samples": {part: [s.to_dict() for s in self.samples.get(part, [])] for part in SPLITS},
            "file_bytes": self.file_bytes,
            "clusters": self.clusters,
            "facts": self.facts,
            "statistics": self.statistics,
        }
        self.anchors.save(target)
        beside = target / (DESCRIPTION_NAME + ".part")
        beside.write_text(json.dumps(data, ensure_ascii=False, indent=None), encoding="utf-8")
        beside.replace(target / DESCRIPTION_NAME)

    def compact(self) -> None:
        """Let go of what training does not ask for, once it is saved: 300 MB for 100,000 images.

        Samples stay, packed; facts, clusters, file sizes and the record of the split go.
        """
        self.samples = {part: PackedSamples(self.samples.get(part, [])) for part in SPLITS}
        self.record, self.file_bytes, self.facts, self.clusters = None, {}, {}, {}
        give_back_memory()

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> DatasetDescription:
        """Read what ``save`` wrote, and look whether the files are still the same size.

        Files that are gone give an error and files of another size a warning, both with code ``changed.*``.

        Raises:
            OSError: there is no description.
            ValueError: it is damaged, or of another version.
        """
        path = Path(folder) / DESCRIPTION_NAME
        data = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(data, dict) or data.get("version") != _VERSION:
            raise ValueError(
                f"{path} is not a data-set description of version {_VERSION}: scan the data again"
            )
        try:
            found = cls(
                samples={part: [Sample.from_dict(s) for s in data["samples"][part]] for part in SPLITS},
                meaning=MaskMeaning.from_dict(data["meaning"]) if data["meaning"] else None,
                class_pixels={part: list(data["class_pixels"].get(part, [])) for part in SPLITS},
                intensity_range=_pair(data["intensity_range"]),
                sizes={key: (int(v[0]), int(v[1])) for key, v in data["sizes"].items()},
                findings=[Finding.from_dict(f) for f in data["findings"]],
                fingerprint=data["fingerprint"],
                quarantined=[(str(a), str(b)) for a, b in data["quarantined"]],
                split_hash=data["split_hash"],
                root=data["root"],
                file_bytes={key: (int(v[0]), int(v[1])) for key, v in data["file_bytes"].items()},
                clusters={str(key): str(name) for key, name in data.get("clusters", {}).items()},
                facts={str(key): list(values) for key, values in data.get("facts", {}).items()},
                statistics=dict(data.get("statistics", {})),
                anchors=Anchors.beside(folder),
                record=read_split(folder),
            )
        except (KeyError, TypeError, IndexError, AttributeError) as error:
            raise ValueError(f"{path} is damaged ({error!r}): scan the data again") from error
        found.findings = [f for f in found.findings if not f.code.startswith("changed.")] + _changes(found)
        return found


def give_back_memory() -> None:
    """Ask the C library for what it holds of freed memory; where it has no such call, it stays with the process."""
    gc.collect()
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)


def _pair(values: list[float] | None) -> tuple[float, float] | None:
    return (float(values[0]), float(values[1])) if values else None


def _changes(description: DatasetDescription) -> list[Finding]:
    gone, changed = [], []
    for sample in description.all_samples:
        sizes = description.file_bytes.get(sample.id, (0, 0))
        for path, size in ((sample.image, sizes[0]), (sample.mask, sizes[1])):
            if path is None:
                continue
            try:
                if Path(path).stat().st_size != size:
                    changed.append(path)
            except OSError:
                gone.append(path)
    findings = []
    if gone:
        text = f"{counted(len(gone), 'file')} of the data set cannot be found any more."
        cure = "Put them back where they were, or scan the data again."
        findings.append(Finding("error", "changed.gone", text, cure, named(gone)))
    if changed:
        text = f"{counted(len(changed), 'file')} of the data set changed since it was scanned."
        findings.append(Finding("warning", "changed.size", text, "Scan the data again.", named(changed)))
    return findings

"""What an import will do, before anything is written."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from src.core.dataset.findings import DatasetError, Finding, counted
from src.core.dataset.formats.book import Book, Cancelled, Item, Progress, Recognised
from src.core.dataset.formats.measuring import draw_item, measure_images
from src.core.dataset.formats.native_plan import NativePlan, look_at
from src.core.dataset.formats.recognition import READERS
from src.core.dataset.formats.remarks import refused
from src.core.dataset.formats.shapes import MERGE_WORDS, Merge
from src.core.dataset.masks import IGNORE_INDEX, MaskMeaning
from src.core.dataset.records import SPLITS

_SAMPLES = 12
#: Changes whenever the same source would be drawn in another way.
RULES_VERSION = 1


@dataclass
class ImportPlan:
    """A preview: what was understood, and what ``carry_out`` will write.

    Attributes:
        recognised: The source and its format.
        name: Of the data set in the workspace.
        merge: Rule for overlaps; empty where nothing is drawn.
        classes: Names; the place is the class number in the masks.
        parts: Images of train, val and test; ``""`` counts those that Lathe will divide.
        class_images, class_objects: Of each class by its number; empty where they are not known before drawing.
        said: What was understood, in sentences.
        findings: With an error the plan cannot be carried out.
        samples: A few images, spread evenly: ``{"id", "image", "split", "objects": {class name: number}}``.
        fingerprint: The same for the same source, rules and images: sha256 over the annotation files, classes,
            rules, and the ids, parts and sizes of the images.
        settings: Options that describe the data as they are (dotted, below ``data.``); where ``book`` is ``None``.
        meaning: Of the mask values, where the engine reads the source as it is and they are clear.
        book: What the reader understood; ``None`` where the engine reads the source as it is.
        outcome: Filled by ``carry_out``.
    """

    recognised: Recognised
    name: str
    merge: Merge | None = None
    classes: list[str] = field(default_factory=list)
    parts: dict[str, int] = field(default_factory=dict)
    class_images: list[int] = field(default_factory=list)
    class_objects: list[int] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    samples: list[dict[str, Any]] = field(default_factory=list)
    fingerprint: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    meaning: MaskMeaning | None = None
    book: Book | None = None
    outcome: Outcome | None = None

    @property
    def has_errors(self) -> bool:
        """It cannot be carried out."""
        return any(f.severity == "error" for f in self.findings)

    @property
    def images(self) -> int:
        """Images that will be in the data set."""
        return sum(self.parts.values())

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return {
            "recognised": self.recognised.to_dict(), "name": self.name, "merge": self.merge,
            "merge_rule": MERGE_WORDS[self.merge] if self.merge else "", "images": self.images, "parts": self.parts,
            "classes": self.classes, "class_images": self.class_images, "class_objects": self.class_objects,
            "said": self.said, "findings": [f.to_dict() for f in self.findings], "samples": self.samples,
            "as_it_is": self.book is None, "settings": self.settings, "fingerprint": self.fingerprint,
        }  # fmt: skip

    def draw(self, sample_id: str) -> np.ndarray:
        """The mask of one image as it will be written: ``H×W`` uint8 class numbers.

        Raises:
            KeyError: no image has this id, or nothing is drawn for this source.
            ValueError, OSError, UnreadableImageError: its annotation cannot be used.
        """
        item = next(i for i in self.book.items if i.id == sample_id) if self.book else None
        if item is None or self.merge is None:
            raise KeyError(sample_id)
        return draw_item(item, self.merge).mask


@dataclass
class Outcome:
    """What ``carry_out`` did.

    Attributes:
        folder: The data set.
        unchanged: The same import had been made before; nothing was written.
        masks: Written masks.
        overlap_pixels, overlap_images: Pixels that objects of different classes claim, and on how many images.
        findings: Those of the plan, and what came to light while drawing.
    """

    folder: Path
    unchanged: bool = False
    masks: int = 0
    overlap_pixels: int = 0
    overlap_images: int = 0
    findings: list[Finding] = field(default_factory=list)


def plan_import(
    recognised: Recognised,
    name: str = "",
    merge: Merge | None = None,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> ImportPlan:
    """Read all annotations and the headers of all images; nothing is written.

    Args:
        recognised: From ``recognise``.
        name: Of the data set; empty takes the name of its folder.
        merge: What lies on top where objects overlap; ``None`` takes the rule of the format.
        progress: Called with done, total and a word, from the calling thread.
        cancelled: Asked often; true ends it.

    Raises:
        ImportCancelledError: ``cancelled`` said so.
    """
    plan = ImportPlan(recognised, safe_name(name or Path(recognised.root).name), said=[recognised.said])
    if recognised.as_it_is:
        _take(plan, look_at(recognised, progress, cancelled))
        return plan
    try:
        book = READERS[recognised.format](recognised, progress, cancelled)
    except DatasetError as error:
        plan.findings = error.findings
        return plan
    plan.book, plan.merge = book, merge or book.merge
    measure_images(book, progress, cancelled)
    plan.findings += book.findings
    plan.findings += _settle_parts(book.items)
    _summarise(plan, book)
    return plan


def _take(plan: ImportPlan, seen: NativePlan) -> None:
    plan.said += seen.said
    plan.settings, plan.classes, plan.parts, plan.findings = (
        seen.settings,
        seen.classes,
        seen.parts,
        seen.findings,
    )
    plan.class_images, plan.samples, plan.fingerprint = seen.class_images, seen.samples, seen.fingerprint
    plan.meaning = seen.meaning


def safe_name(text: str) -> str:
    """A name that is a folder on every system."""
    return re.sub(r"[^\w.-]+", "_", text).strip("._")[:80] or "data"


def _settle_parts(items: list[Item]) -> list[Finding]:
    """Make the parts usable: a validation part is needed, and each image is in one part or none is."""
    seen = {item.split for item in items}
    if seen <= {None} or len(seen) == 1:
        for item in items:
            item.split = None
        return []
    found = []
    without = [item for item in items if item.split is None]
    if without:
        for item in without:
            item.split = "train"
        text = f"{counted(len(without), 'image')} of no part: taken for training."
        found.append(Finding("warning", "import.no_part", text))
    seen = {item.split for item in items}
    if seen == {"train", "test"}:
        for item in items:
            item.split = "val" if item.split == "test" else item.split
        text = "The source has no validation part: its test part is used for validation."
        cure = "For an honest test later, keep a part of the images aside."
        found.append(Finding("warning", "import.test_validates", text, cure))
    elif "train" not in seen or len(seen) == 1:
        for item in items:
            item.split = None
        found.append(
            Finding(
                "warning", "import.no_train", "The source has no training part: Lathe divides the images."
            )
        )
    return found


def _summarise(plan: ImportPlan, book: Book) -> None:
    plan.classes = list(book.classes)
    plan.parts = {p: n for p in SPLITS if (n := sum(i.split == p for i in book.items))}
    if alone := sum(i.split is None for i in book.items):
        plan.parts[""] = alone
    if book.counts_objects:
        numbers = range(len(book.classes))
        plan.class_images = [sum(item.objects[c] > 0 for item in book.items) for c in numbers]
        plan.class_objects = [sum(item.objects[c] for item in book.items) for c in numbers]
        plan.said.append(
            f"{counted(sum(plan.class_objects), 'object')} on {counted(sum(bool(+i.objects) for i in book.items), 'image')}."
        )
    plan.said += book.said
    assert plan.merge is not None, "set by plan_import"
    if book.counts_objects:
        plan.said.append(f"Where objects of different classes overlap, {MERGE_WORDS[plan.merge]}.")
    plan.findings += book.remarks.findings()
    if not book.items and not plan.has_errors:
        plan.findings.append(
            refused(
                "no_images", f"No annotated image of {plan.recognised.root} can be used.", "See the warnings."
            )
        )
    if len(book.classes) < 2 and not plan.has_errors:
        plan.findings.append(
            refused("no_classes", "There is no object of any class.", "Annotate objects first.")
        )
    plan.findings.sort(key=lambda f: ("error", "warning", "notice").index(f.severity))
    plan.samples = [_sample(item, book) for item in _spread(book.items)]
    plan.fingerprint = _fingerprint(plan, book)


def _spread(items: list[Item]) -> Iterable[Item]:
    step = max(1, len(items) // _SAMPLES)
    return items[::step][:_SAMPLES]


def _sample(item: Item, book: Book) -> dict[str, Any]:
    names = {book.classes[c]: n for c, n in sorted(item.objects.items()) if n and c != IGNORE_INDEX}
    return {"id": item.id, "image": item.image, "split": item.split, "objects": names}


def _fingerprint(plan: ImportPlan, book: Book) -> str:
    about = {
        "rules": RULES_VERSION, "format": plan.recognised.format, "merge": plan.merge, "classes": book.classes,
        "annotations": sorted(book.digests.items()),
        "images": [(i.id, i.image, i.split, i.shown, i.turn) for i in book.items],
    }  # fmt: skip
    return hashlib.sha256(json.dumps(about, ensure_ascii=True).encode()).hexdigest()

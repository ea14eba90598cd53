"""What every reader of a format gives: the images with their annotations, and the classes."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from src.core.dataset.findings import Finding
from src.core.dataset.formats.remarks import Remarks, refused
from src.core.dataset.formats.shapes import Merge, Shape
from src.core.dataset.masks import MAX_CLASSES
from src.core.dataset.records import Split

Progress = Callable[[int, int, str], None]
Cancelled = Callable[[], bool]
#: What an annotation is when it is drawn: shapes, or class numbers of every pixel (``H×W`` uint8).
Drawing = list[Shape] | np.ndarray

BACKGROUND_NAMES = frozenset({"background", "_background_", "__background__", "bg", "backgroud"})
IGNORE_NAMES = frozenset(
    {"__ignore__", "_ignore_", "ignore", "ignored", "void", "unlabelled", "unlabeled", "dontcare", "don't care"}
)  # fmt: skip
_PARTS: dict[str, Split] = {
    "train": "train", "training": "train", "trn": "train", "val": "val", "valid": "val", "validation": "val",
    "dev": "val", "test": "test", "testing": "test", "tst": "test",
}  # fmt: skip


class ImportCancelledError(Exception):
    """The person does not want to wait any longer; nothing is left behind."""


class AnnotationError(ValueError):
    """The annotation of one image cannot be used.

    Attributes:
        kind: See ``remarks``.
    """

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


@dataclass(frozen=True)
class Recognised:
    """A format that was recognised in a folder or file.

    Attributes:
        format: Short name, such as ``coco``; see ``FORMATS``.
        title: What people call it.
        root: Absolute folder of the data set.
        score: 0 to 100: how sure it is; only for sorting.
        said: One sentence: by what it was recognised.
        files: Absolute paths of the files that decided it.
        options: Dotted data options, where the engine reads the files as they are; then nothing has to be derived.
    """

    format: str
    title: str
    root: str
    score: int
    said: str
    files: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def as_it_is(self) -> bool:
        """The engine reads this data set without any import."""
        return bool(self.options)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return {"format": self.format, "title": self.title, "root": self.root, "score": self.score, "said": self.said,
                "files": list(self.files), "as_it_is": self.as_it_is}  # fmt: skip


@dataclass
class Item:
    """One image with its annotation.

    Attributes:
        id: Path of the image relative to the source, with slashes, unique.
        image: Absolute path; empty where only ``embedded`` has the image.
        load: Gives the drawing for a width and height, read again each time; raises ``AnnotationError``, or
            ``ValueError`` or ``OSError`` where a file changed since.
        split: Part, where the source says one.
        size: Width and height that the annotation was made for, where it says so.
        objects: Number of objects of each class number.
        embedded: Gives the image's file from inside the annotation.
        shown: Width and height of the image as it is displayed; known when the plan is made.
        turn: EXIF orientation by which the mask is to be turned; 1 for almost all.
        bare: Where the source says that no object is on it; told only once the image is known to be of use.
    """

    id: str
    image: str
    load: Callable[[int, int], Drawing]
    split: Split | None = None
    size: tuple[int, int] | None = None
    objects: Counter[int] = field(default_factory=Counter)
    embedded: Callable[[], bytes] | None = None
    shown: tuple[int, int] = (0, 0)
    turn: int = 1
    bare: str = ""


@dataclass
class Book:
    """A source that was read.

    Attributes:
        classes: Names; the place is the class number, 0 is background.
        items: In the order of their ids.
        said: What was understood, in sentences.
        remarks: Faults of single annotations.
        findings: About the whole.
        merge: The rule of this format for overlaps.
        digests: sha256 of each annotation file, or what stands for it, by name.
        counts_objects: ``objects`` of the items are known (not for masks, whose pixels were not looked at).
    """

    classes: list[str]
    items: list[Item] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    remarks: Remarks = field(default_factory=Remarks)
    findings: list[Finding] = field(default_factory=list)
    merge: Merge = "area"
    digests: dict[str, str] = field(default_factory=dict)
    counts_objects: bool = True


@dataclass
class Classes:
    """Gives names their class numbers: background is 0, ignored is 255, the others in the order of their coming."""

    names: list[str] = field(default_factory=lambda: ["background"])
    _numbers: dict[str, int] = field(default_factory=dict)

    def number(self, name: str) -> int | None:
        """The number of a class that is known; ``None`` for others."""
        low = name.strip().lower()
        if low in BACKGROUND_NAMES:
            return 0
        return 255 if low in IGNORE_NAMES else self._numbers.get(name.strip())

    def add(self, name: str) -> int:
        """The number of a class, which is new or known."""
        known = self.number(name)
        if known is not None:
            return known
        self.names.append(name.strip())
        self._numbers[name.strip()] = len(self.names) - 1
        return len(self.names) - 1

    def too_many(self) -> Finding | None:
        """An error where the numbers do not fit into a byte."""
        if len(self.names) <= MAX_CLASSES:
            return None
        text = (
            f"There are {len(self.names) - 1} classes; a mask holds {MAX_CLASSES - 1} beside the background."
        )
        return refused("classes", text, "Remove or join classes in the annotations.")


def part_of(words: Iterable[str]) -> Split | None:
    """The part that a name or one of several folders says, such as ``instances_train2017`` or ``valid``."""
    found: set[Split] = set()
    for word in words:
        letters = "".join(c if c.isalpha() else " " for c in PurePosixPath(word).name.lower()).split()
        found |= {_PARTS[w] for w in letters if w in _PARTS}
    return found.pop() if len(found) == 1 else None


def digest_of(path: str) -> str:
    """sha256 of a file; empty where it cannot be read."""
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return ""


def watch(cancelled: Cancelled | None) -> None:
    """Raise ``ImportCancelledError`` where that is asked for."""
    if cancelled is not None and cancelled():
        raise ImportCancelledError("Cancelled.")

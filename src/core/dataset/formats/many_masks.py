"""Several masks for one image: a mask an object or a class, numbered, in a folder an image, or in a folder a class."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from src.core.dataset.files.image_files import UnreadableImageError
from src.core.dataset.files.images import read_mask
from src.core.dataset.findings import counted, listed
from src.core.dataset.formats.book import (
    AnnotationError,
    Book,
    Cancelled,
    Classes,
    Item,
    Progress,
    Recognised,
    digest_of,
    part_of,
    watch,
)
from src.core.dataset.formats.native import MASK_NAMES
from src.core.dataset.formats.shapes import Shape
from src.core.dataset.formats.tree import Tree
from src.core.dataset.sources.source_rows import File, absolute, walk

_SEPARATORS = "_-. ("
_MASK_WORDS = frozenset(
    {"mask", "masks", "label", "labels", "gt", "seg", "segmentation", "annotation", "object", "obj", "instance", "inst", "l"}
)  # fmt: skip
#: Names under a folder beyond which a layout is not looked for: the pairs are looked for by every name.
_MOST_LOOKED_AT = 200_000
_OBJECT = "object"


@dataclass(frozen=True)
class _Mask:
    path: str
    label: str


def recognise(tree: Tree, given: str) -> list[Recognised]:
    """Where at least one image has two masks or more."""
    if given or tree.images < 3 or tree.images > _MOST_LOOKED_AT or not _worth_a_look(tree):
        return []
    pairs = _pairs(tree.root)
    several = [image for image, masks in pairs if len(masks) > 1]
    if not several:
        return []
    most = max(len(masks) for _, masks in pairs)
    said = f"{counted(len(several), 'image has', 'images have')} more than one mask, up to {most}."
    return [Recognised("masks", "Several masks an image", tree.root, 68, said)]


def _worth_a_look(tree: Tree) -> bool:
    """A folder of masks, or names that say so; pictures alone are not taken for masks of each other."""
    return bool(tree.named(*MASK_NAMES)) or any(
        any("mask" in name.lower() or "label" in name.lower() for name in folder.some_images)
        for folder in tree.folders.values()
    )


def _is_mask(file: File) -> bool:
    return any(part.lower() in MASK_NAMES for part in PurePosixPath(file.relative).parts[:-1]) or bool(
        re.search(r"(?:^|[_\-. ])(?:mask|masks|label|gt|seg)(?:[_\-. ]|$)", file.stem.lower())
    )


def _pairs(root: str) -> list[tuple[File, list[_Mask]]]:
    """Each image with its masks."""
    files = walk(root)[0]
    masks = [f for f in files if _is_mask(f)]
    of_masks = {f.path for f in masks}
    images = [f for f in files if f.path not in of_masks]
    by_stem: dict[str, list[File]] = defaultdict(list)
    for image in images:
        by_stem[image.stem.lower()].append(image)
    found: dict[str, list[_Mask]] = defaultdict(list)
    for mask in masks:
        match = _owner(mask, by_stem)
        if match is not None:
            found[match[0].path].append(_Mask(absolute(mask.path), match[1]))
    return [(image, found.get(image.path, [])) for image in images]


def _owner(mask: File, by_stem: dict[str, list[File]]) -> tuple[File, str] | None:
    """The image of a mask and the class that its name or folder says."""
    low = mask.stem.lower()
    parents = list(PurePosixPath(mask.relative).parts[:-1])
    for end in range(len(low), 0, -1):
        if (end == len(low) or low[end] in _SEPARATORS) and low[:end] in by_stem:
            image = _nearest(by_stem[low[:end]], mask)
            label = _label(mask.stem[end:])
            return image, label or _class_folder(parents, low[:end])
    for parent in reversed(parents):
        if parent.lower() in by_stem:
            return _nearest(by_stem[parent.lower()], mask), _label(mask.stem)
    return None


def _nearest(images: Sequence[File], mask: File) -> File:
    """Of images of one name the one whose folder shares most with the mask's."""
    parts = PurePosixPath(mask.relative).parts

    def shared(image: File) -> int:
        return sum(a == b for a, b in zip(PurePosixPath(image.relative).parts, parts, strict=False))

    return max(images, key=shared)


def _label(text: str) -> str:
    """What is left of a name without numbers, separators and words for masks."""
    words = [
        w for w in re.split(r"[_\-. ()]+", text) if w and not re.fullmatch(r"\d+|[0-9a-f]{16,}", w.lower())
    ]
    return "_".join(w for w in words if w.lower() not in _MASK_WORDS)


def _class_folder(parents: list[str], stem: str) -> str:
    """The folder directly under the folder of masks, unless it is a part or the image's own."""
    for at, name in enumerate(parents[:-1]):
        inner = parents[at + 1]
        if name.lower() in MASK_NAMES and part_of([inner]) is None and inner.lower() != stem:
            return inner
    return ""


def read(found: Recognised, progress: Progress | None, cancelled: Cancelled | None) -> Book:
    """Pair the files; the pixels are read when they are drawn."""
    classes = Classes()
    book = Book(classes.names, counts_objects=True)
    pairs = _with_classes(_pairs(found.root))
    for label in sorted({mask.label or _OBJECT for _, masks in pairs for mask in masks}):
        classes.add(label)
    for done, (image, masks) in enumerate(pairs):
        watch(cancelled)
        if progress:
            progress(done, len(pairs), "Reading names")
        if not masks:
            book.remarks.add("unannotated", image.relative)
            continue
        ordered = sorted(
            ((classes.number(m.label or _OBJECT) or 0, m.path) for m in masks),
            key=lambda pair: _natural(pair[1]),
        )
        item = Item(
            image.relative,
            absolute(image.path),
            Loader(tuple(ordered)),
            part_of(PurePosixPath(image.relative).parts[:-1]),
        )
        item.objects = Counter(value for value, _ in ordered)
        for _, path in ordered:
            book.digests[Path(path).relative_to(found.root).as_posix()] = digest_of(path)
        book.items.append(item)
    names = listed(classes.names[1:], 8)
    book.said.append(
        f"Pixels above half of a mask's largest value are its object; the masks of one image are joined: {names}."
    )
    too_many = classes.too_many()
    book.findings += [too_many] if too_many else []
    book.items.sort(key=lambda item: item.id)
    return book


def _with_classes(pairs: list[tuple[File, list[_Mask]]]) -> list[tuple[File, list[_Mask]]]:
    """Names that hardly ever come again on another image are no classes: each mask is an object then."""
    uses = Counter(label for _, masks in pairs for label in {m.label for m in masks if m.label})
    once = sum(number == 1 for number in uses.values())
    if sum(bool(masks) for _, masks in pairs) < 2 or 2 * once <= len(uses):
        return pairs
    return [(image, [_Mask(m.path, "") for m in masks]) for image, masks in pairs]


def _natural(path: str) -> list[tuple[int, int, str]]:
    """``mask_2`` before ``mask_10``."""
    return [
        (0, int(t), "") if t.isdigit() and t.isascii() else (1, 0, t)
        for t in re.split(r"(\d+)", path.lower())
    ]


@dataclass(frozen=True)
class Loader:
    """Reads the masks of one image as shapes."""

    masks: tuple[tuple[int, str], ...]

    def __call__(self, width: int, height: int) -> list[Shape]:
        """Raise ``AnnotationError`` where a mask has another size than its image or cannot be read."""
        shapes = []
        for value, path in self.masks:
            try:
                pixels = read_mask(path)
            except UnreadableImageError as error:
                raise AnnotationError("mask_unreadable", str(error)) from error
            if pixels.shape != (height, width):
                size = (
                    f"{path} has {pixels.shape[1]} x {pixels.shape[0]} pixels, its image {width} x {height}"
                )
                raise AnnotationError("mask_size", size)
            inside: np.ndarray = pixels > int(pixels.max()) // 2
            rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
            if rows.size:  # an empty mask is nothing, not a fault
                top, left = int(rows[0]), int(columns[0])
                cut = inside[top : rows[-1] + 1, left : columns[-1] + 1].copy()
                shapes.append(Shape(value, bitmap=cut, corner=(left, top)))
        return shapes

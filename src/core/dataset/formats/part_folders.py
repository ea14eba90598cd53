"""A pair of folders for each part, such as ``train/images`` and ``train/masks``: the folders say the split."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from src.core.dataset.config import MaskConfig
from src.core.dataset.files.image_files import UnreadableImageError
from src.core.dataset.files.images import read_mask
from src.core.dataset.findings import Finding, listed
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
)
from src.core.dataset.formats.mask_pairs import mask_folders, pair_masks
from src.core.dataset.formats.native import known_meaning
from src.core.dataset.formats.threads import in_threads
from src.core.dataset.formats.tree import Tree, read_tree
from src.core.dataset.mask_detection import detect_meaning
from src.core.dataset.masks import MaskMeaning
from src.core.dataset.sources.source_rows import File, absolute

_LOSSY = (".jpg", ".jpeg")


def recognise(tree: Tree, given: str) -> list[Recognised]:
    """Where folders of images with masks are called by at least two parts."""
    if given:
        return []
    pairs = [images for images, _ in mask_folders(tree)]
    parts = {
        part
        for relative, folder in tree.folders.items()
        if folder.images and any(tree.path(relative).startswith(images) for images in pairs)
        if (part := part_of(PurePosixPath(relative).parts)) is not None
    }
    if len(parts) < 2:
        return []
    said = f"Folders of images and masks for each part: {listed(sorted(parts))}."
    return [Recognised("parts", "Folders of images and masks by part", tree.root, 60, said)]


def read(found: Recognised, progress: Progress | None, cancelled: Cancelled | None) -> Book:
    """Pair the files and find out what the values of the masks mean; they are drawn anew as class numbers."""
    tree = read_tree(found.root)
    classes = Classes([])
    book = Book(classes.names, counts_objects=False)
    pairs = pair_masks(tree, book.remarks)
    counts: Counter[int] = Counter()
    values = in_threads(lambda pair: (_values(pair[1]), digest_of(pair[1].path)), pairs, cancelled)
    for done, ((_, mask, _), (of_mask, digest)) in enumerate(zip(pairs, values, strict=True), start=1):
        counts.update(of_mask)
        book.digests[mask.relative] = digest
        if progress:
            progress(done, len(pairs), "Reading masks")
    lossy = any(mask.suffix in _LOSSY for _, mask, _ in pairs)
    meaning, findings = _meaning(tree, counts, len(pairs), lossy)
    book.findings += findings
    if meaning is None:
        return book
    classes.names += meaning.classes
    for image, mask, part in pairs:
        loader = _Loader(mask.path, meaning)
        book.items.append(Item(image.relative, absolute(image.path), loader, part))
    book.items.sort(key=lambda item: item.id)
    return book


def _values(mask: File) -> Counter[int]:
    try:
        values, many = np.unique(read_mask(mask.path), return_counts=True)
    except UnreadableImageError:  # told when it is drawn
        return Counter()
    return Counter(dict(zip(values.tolist(), many.tolist(), strict=True)))


def _meaning(
    tree: Tree, counts: Counter[int], masks: int, lossy: bool
) -> tuple[MaskMeaning | None, list[Finding]]:
    """By a table or convention that fits, else by the values; dark objects where bright ones would be most of all."""
    options = known_meaning(tree, counts)
    if options:
        config = MaskConfig(**{key.removeprefix("masks."): value for key, value in options.items()})
        return MaskMeaning.from_config(config), []
    meaning, findings = detect_meaning(counts, masks=masks, lossy=lossy)
    if any(f.code == "masks.polarity" and f.severity == "error" for f in findings):
        meaning, findings = detect_meaning(counts, MaskConfig(foreground="dark"), masks=masks, lossy=lossy)
        text = "Bright pixels are more than half of all, so the dark ones are taken as the object."
        findings.insert(
            0,
            Finding(
                "warning", "import.polarity", text, "If it is the other way, import the folders of one part."
            ),
        )
    return meaning, findings


@dataclass(frozen=True)
class _Loader:
    """Class numbers of one mask."""

    path: str
    meaning: MaskMeaning

    def __call__(self, width: int, height: int) -> np.ndarray:
        try:
            labels = self.meaning.encode(read_mask(self.path))
        except (UnreadableImageError, ValueError) as error:
            raise AnnotationError("mask_unreadable", str(error)) from error
        if labels.shape != (height, width):
            size = (
                f"{self.path} has {labels.shape[1]} x {labels.shape[0]} pixels, its image {width} x {height}"
            )
            raise AnnotationError("mask_size", size)
        return labels

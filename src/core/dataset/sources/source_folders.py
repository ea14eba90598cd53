"""Pairing images and masks in folders by their names."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from src.core.dataset.findings import Finding, counted, listed, named
from src.core.dataset.sources.source_rows import File, Row, Sources, absolute, apply_unlabelled, walk

#: Endings and beginnings that tell a mask from its image, compared in lower case; longer ones first.
MASK_ENDINGS = tuple(
    sorted(
        (
            joint + word
            for joint in "_-. "
            for word in [
                "mask",
                "masks",
                "label",
                "labels",
                "labelids",
                "labeltrainids",
                "label_ids",
                "gt",
                "seg",
                "segmentation",
                "groundtruth",
                "ground_truth",
                "annotation",
                "annot",
                "gtfine_labelids",
                "gtfine_labeltrainids",
                "manual1",
            ]
        ),
        key=len,
        reverse=True,
    )
)
MASK_BEGINNINGS = ("mask_", "mask-", "label_", "gt_", "seg_")
IMAGE_ENDINGS = ("_leftimg8bit", "_image", "-image", ".image", "_img", "-img", "_sat", "_rgb")
_LOSSY = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".jp2"})


@dataclass
class Pairing:
    """Which mask belongs to which image.

    Attributes:
        pairs: Image with its mask; ``None`` where there is none.
        ambiguous: Image and the masks among which no choice was made.
        orphans: Masks without an image.
        by_name: Images matched by name alone, in different sub-folders.
        findings: About the folders.
    """

    pairs: list[tuple[File, File | None]] = field(default_factory=list)
    ambiguous: list[tuple[File, list[File]]] = field(default_factory=list)
    orphans: list[File] = field(default_factory=list)
    by_name: list[File] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def mask_bases(stem: str) -> set[str]:
    """The stems (in lower case) that the image of a mask with this stem may have, its own left out."""
    low = stem.lower()
    bases = {low[: -len(end)] for end in MASK_ENDINGS if low.endswith(end) and len(low) > len(end)}
    return bases | {
        low[len(start) :] for start in MASK_BEGINNINGS if low.startswith(start) and len(low) > len(start)
    }


def _image_keys(image: File) -> set[str]:
    low = image.stem.lower()
    stripped = {low[: -len(end)] for end in IMAGE_ENDINGS if low.endswith(end) and len(low) > len(end)}
    return {low, low + image.suffix} | stripped


def find_pairs(images_dir: str, masks_dir: str) -> Pairing:
    """Pair the files of two folders, or of one that holds both."""
    if os.path.realpath(images_dir) == os.path.realpath(masks_dir):
        files, findings = walk(images_dir)
        return _pair_in_one_folder(files, findings)
    images, first = walk(images_dir, without=[masks_dir])
    masks, second = walk(masks_dir, without=[images_dir])
    pairing = _match(images, masks)
    pairing.findings = first + second
    return pairing


def _match(images: list[File], masks: list[File]) -> Pairing:
    exact: dict[tuple[str, str], list[File]] = defaultdict(list)
    for mask in masks:
        exact[mask.parent, mask.stem].append(mask)
    owned = {(i.parent, i.stem) for i in images}
    loose: dict[tuple[str, str], list[File]] = defaultdict(list)
    for mask in masks:
        if (mask.parent, mask.stem) in owned:
            continue
        for base in {mask.stem.lower()} | mask_bases(mask.stem):
            loose[mask.parent.lower(), base].append(mask)
    pairing = Pairing()
    for image in images:
        found = list(exact.get((image.parent, image.stem), ()))
        for key in sorted(_image_keys(image)):
            found += [m for m in loose.get((image.parent.lower(), key), ()) if m not in found]
        _settle(pairing, image, found)
    _match_by_name(pairing, masks)
    taken = {m.path for _, m in pairing.pairs if m} | {m.path for _, ms in pairing.ambiguous for m in ms}
    pairing.orphans = [m for m in masks if m.path not in taken]
    return pairing


def _settle(pairing: Pairing, image: File, found: list[File]) -> None:
    if len(found) > 1:
        pairing.ambiguous.append((image, found))
    else:
        pairing.pairs.append((image, found[0] if found else None))


def _match_by_name(pairing: Pairing, masks: list[File]) -> None:
    """Masks in other sub-folders than their images, where the name occurs once on each side."""
    lonely = [image for image, mask in pairing.pairs if mask is None]
    taken = {mask.path for _, mask in pairing.pairs if mask is not None}
    by_base: dict[str, list[File]] = defaultdict(list)
    for mask in masks:
        if mask.path not in taken:
            for base in {mask.stem.lower()} | mask_bases(mask.stem):
                by_base[base].append(mask)
    names = Counter(image.stem.lower() for image, _ in pairing.pairs)
    chosen: dict[str, File] = {}
    for image in lonely:
        found = {m.path: m for key in _image_keys(image) for m in by_base.get(key, ())}
        if len(found) == 1 and names[image.stem.lower()] == 1:
            chosen[image.path] = next(iter(found.values()))
    uses = Counter(m.path for m in chosen.values())
    chosen = {i: m for i, m in chosen.items() if uses[m.path] == 1}
    pairing.pairs = [(image, mask or chosen.get(image.path)) for image, mask in pairing.pairs]
    pairing.by_name = [image for image in lonely if image.path in chosen]


def _pair_in_one_folder(files: list[File], findings: list[Finding]) -> Pairing:
    stems = {(f.parent, f.stem.lower()) for f in files}
    masks = [f for f in files if any((f.parent, base) in stems for base in mask_bases(f.stem))]
    marked = {f.path for f in masks}
    rest: dict[tuple[str, str], list[File]] = defaultdict(list)
    for file in files:
        if file.path not in marked:
            rest[file.parent, file.stem].append(file)
    pairing = Pairing(findings=findings)
    by_suffix: list[tuple[File, File]] = []
    singles: list[File] = []
    for same in rest.values():
        lossy = [f for f in same if f.suffix in _LOSSY]
        lossless = [f for f in same if f.suffix not in _LOSSY]
        if len(same) == 1:
            singles += same
        elif len(lossy) == 1 and len(lossless) == 1:
            by_suffix.append((lossy[0], lossless[0]))
        elif len(lossy) == 1 or len(same) > 1:
            pairing.ambiguous.append((same[0], same[1:]))
    mask_suffixes = {mask.suffix for _, mask in by_suffix}
    image_suffixes = {image.suffix for image, _ in by_suffix}
    bases = {(mask.parent, base) for mask in masks for base in mask_bases(mask.stem)}
    images = [
        f
        for f in singles
        if f.suffix not in mask_suffixes or f.suffix in image_suffixes or (f.parent, f.stem.lower()) in bases
    ]
    pairing.orphans = [f for f in singles if f not in images]
    matched = _match(images + [image for image, _ in by_suffix], masks)
    second = {image.path: mask for image, mask in by_suffix}
    for image, mask in matched.pairs:
        _settle(pairing, image, [m for m in (mask, second.get(image.path)) if m is not None])
    pairing.ambiguous += matched.ambiguous
    pairing.orphans += matched.orphans
    return pairing


def pair_folders(images_dir: str, masks_dir: str, unlabelled: str) -> Sources:
    """The pairs of two folders (or one) as rows; ids are relative to ``images_dir``."""
    pairing = find_pairs(images_dir, masks_dir)
    findings = list(pairing.findings)
    images = len(pairing.pairs) + len(pairing.ambiguous)
    if pairing.ambiguous:
        findings.append(ambiguous_finding(pairing.ambiguous))
    if images == 0:
        findings.append(
            Finding(
                "error", "source.no_images", f"There is no image in {images_dir}.", "Choose another folder."
            )
        )
    elif not any(mask for _, mask in pairing.pairs) and not pairing.ambiguous:
        findings.append(_no_pairs(pairing, images_dir, masks_dir))
    else:
        findings += _remarks(pairing)
    rows = [Row(i.relative, absolute(i.path), absolute(m.path) if m else None) for i, m in pairing.pairs]
    clashes = [row_id for row_id, count in Counter(row.id for row in rows).items() if count > 1]
    if clashes:
        text = f"{counted(len(clashes), 'name')} occur twice, written in two Unicode forms."
        findings.append(Finding("error", "source.unicode", text, "Rename one of each.", named(clashes)))
    if any(row.mask for row in rows):
        rows, more = apply_unlabelled(rows, unlabelled)
        findings += more
    else:
        rows = []
    return Sources(sorted(rows, key=lambda r: r.id), findings, [], absolute(images_dir))


def ambiguous_finding(ambiguous: Iterable[tuple[File, list[File]]]) -> Finding:
    """The error about images to which several masks fit."""
    cases = list(ambiguous)
    image, masks = cases[0]
    names = listed([Path(m.path).name for m in masks], 4)
    return Finding(
        "error",
        "source.ambiguous",
        f"{counted(len(cases), 'image')} could have more than one mask, as {image.relative}: {names}.",
        "Leave one mask for each image in the folder, or name the pairs in a table.",
        named(i.relative for i, _ in cases),
    )


def _no_pairs(pairing: Pairing, images_dir: str, masks_dir: str) -> Finding:
    images = listed([i.relative for i, _ in pairing.pairs], 2)
    masks = listed([m.relative for m in pairing.orphans], 2)
    if not pairing.orphans:
        text = f"There is no mask in {masks_dir}." if images_dir != masks_dir else (
            f"No file in {images_dir} is recognised as the mask of another one."
        )  # fmt: skip
        return Finding("error", "source.no_masks", text, "Choose the folder of the masks in data.masks_dir.")
    return Finding(
        "error",
        "source.no_pairs",
        f"No mask has the name of an image: the images are {images}; the masks are {masks}.",
        "Masks have the image's name, perhaps with _mask or the like behind it; or name the "
        "pairs in a table.",
    )


def _remarks(pairing: Pairing) -> list[Finding]:
    remarks = []
    if pairing.orphans:
        text = f"{counted(len(pairing.orphans), 'mask')} without an image: not used."
        remarks.append(
            Finding("warning", "source.orphans", text, "", named(m.relative for m in pairing.orphans))
        )
    uses = Counter(mask.relative for _, mask in pairing.pairs if mask)
    shared = [relative for relative, count in uses.items() if count > 1]
    if shared:
        text = f"{counted(len(shared), 'mask belongs', 'masks belong')} to more than one image."
        cure = (
            "If two images are the same picture in two formats, remove one: it could stand on "
            "both sides of the split."
        )
        remarks.append(Finding("warning", "source.shared_mask", text, cure, named(shared)))
    if pairing.by_name:
        text = (
            f"{counted(len(pairing.by_name), 'image')} in another sub-folder than the mask: "
            "paired by name alone."
        )
        remarks.append(
            Finding("notice", "source.by_name", text, "", named(i.relative for i in pairing.by_name))
        )
    return remarks

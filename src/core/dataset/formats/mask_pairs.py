"""Images and masks that lie in several pairs of folders, as one pair for each part."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from src.core.dataset.formats.book import part_of
from src.core.dataset.formats.native import IMAGE_NAMES, MASK_NAMES
from src.core.dataset.formats.remarks import Remarks
from src.core.dataset.formats.tree import Tree
from src.core.dataset.records import Split
from src.core.dataset.sources.source_folders import mask_bases
from src.core.dataset.sources.source_lists import read_lines
from src.core.dataset.sources.source_rows import File, walk

_ENDINGS = ("_l", "_color", "_colour", "_rgb", "_color_mask", "_labels_color")
_BESIDE = ("_labels", "_label", "_masks", "_mask", "annot", "_annot", "_gt", "labels", "masks")


def mask_folders(tree: Tree) -> list[tuple[str, str]]:
    """Folders of images with their folders of masks: by their names, or as ``train`` and ``train_labels``."""
    found = []
    for relative, folder in tree.folders.items():
        low = {name.casefold(): name for name in folder.folders}
        images = next((low[n] for n in IMAGE_NAMES if n in low), None)
        masks = next((low[n] for n in MASK_NAMES if n in low), None)
        if images and masks:
            found.append((tree.path(relative, images), tree.path(relative, masks)))
        for name in low:
            beside = next((low[name + end] for end in _BESIDE if name + end in low), None)
            if beside:
                found.append((tree.path(relative, low[name]), tree.path(relative, beside)))
    return found


def pair_masks(tree: Tree, remarks: Remarks) -> list[tuple[File, File, Split | None]]:
    """Each image with the mask of its name; ids are relative to the root."""
    found: dict[str, tuple[File, File, Split | None]] = {}
    listed_parts = _listed_parts(tree)
    for images_dir, masks_dir in mask_folders(tree):
        by_base: dict[str, File] = {}
        for file in walk(masks_dir)[0]:
            low = file.stem.lower()
            for base in [low, *mask_bases(file.stem), *[low[: -len(e)] for e in _ENDINGS if low.endswith(e)]]:
                by_base.setdefault(base, file)
        used: set[str] = set()
        images = walk(images_dir, without=[masks_dir])[0]
        for image in images:
            mask = by_base.get(image.stem.lower())
            relative = Path(image.path).relative_to(tree.root).as_posix()
            if mask is None:
                remarks.add("unannotated", relative)
                continue
            used.add(mask.path)
            part = listed_parts.get(image.stem.lower()) or part_of(PurePosixPath(relative).parts[:-1])
            found.setdefault(
                image.path,
                (
                    File(image.path, relative),
                    File(mask.path, Path(mask.path).relative_to(tree.root).as_posix()),
                    part,
                ),
            )
        for other in {m.path: m for m in by_base.values()}.values():
            if other.path not in used:
                remarks.add("mask_orphan", other.relative)
    return list(found.values())


def _listed_parts(tree: Tree) -> dict[str, Split]:
    """What train.txt and the like say of each name."""
    found: dict[str, Split] = {}
    for path in tree.texts(".txt"):
        part = part_of([Path(path).stem])
        if part is None or Path(path).stem.lower() not in ("train", "val", "valid", "test", "validation"):
            continue
        try:
            for _, line in read_lines(Path(path)):
                found.setdefault(PurePosixPath(line.split()[0].replace("\\", "/")).stem.lower(), part)
        except OSError:
            continue
    return found

"""Which format lies in a folder or file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from src.core.dataset.files.image_files import why
from src.core.dataset.findings import DatasetError, listed
from src.core.dataset.formats import coco, colour_masks, labelme, many_masks, native, part_folders, yolo
from src.core.dataset.formats.book import Book, Cancelled, Progress, Recognised
from src.core.dataset.formats.remarks import refused
from src.core.dataset.formats.tree import Tree, read_tree
from src.core.dataset.sources.source_rows import absolute

Reader = Callable[[Recognised, Progress | None, Cancelled | None], Book]
_RECOGNISERS: tuple[Callable[[Tree, str], list[Recognised]], ...] = (
    coco.recognise, yolo.recognise, labelme.recognise, colour_masks.recognise, many_masks.recognise,
    part_folders.recognise, native.recognise,
)  # fmt: skip
READERS: dict[str, Reader] = {
    "coco": coco.read, "yolo": yolo.read, "labelme": labelme.read, "colours": colour_masks.read, "masks": many_masks.read,
    "parts": part_folders.read,
}  # fmt: skip
#: Short name and title of every format; those without a reader are read by the engine as they are.
FORMATS = {
    "coco": "COCO JSON", "yolo": "YOLO segmentation", "labelme": "LabelMe JSON", "voc": "Pascal VOC",
    "colours": "Colour masks", "masks": "Several masks an image",
    "parts": "Folders of images and masks by part", "table": "CSV table", "lists": "Split files",
    "folders": "Folders of images and masks", "lathe": "Configuration of Lathe",
}  # fmt: skip
#: So many files that may hold annotations are tried whether they can be read at all.
_TRIED = 200
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar", ".bz2", ".xz")
#: Folders whose files describe images beside them, not in them.
_ASIDE = frozenset({"annotations", "annotation", "json", "labels"})


def recognise(path: str | os.PathLike[str], wanted: str = "") -> list[Recognised]:
    """Look at a folder or a file and say which formats it holds, the surest first; empty where none is known.

    Args:
        path: A folder, or a file such as a COCO JSON, a data.yaml or a table.
        wanted: Only this format (a key of ``FORMATS``).

    Raises:
        DatasetError: the path is not there, cannot be read, is an archive, or does not hold the wanted format.
    """
    place = Path(path)
    if wanted and wanted not in FORMATS:
        raise DatasetError(
            refused("format", f"There is no format “{wanted}”.", f"Formats are {listed(list(FORMATS), 20)}.")
        )
    try:
        is_file = place.is_file()
        if not is_file and not place.is_dir():
            raise DatasetError(
                refused("absent", f"{place} cannot be read: it does not exist.", "Correct the path.")
            )
        if is_file and place.suffix.lower() in _ARCHIVES:
            raise DatasetError(
                refused("archive", f"{place} is an archive.", "Unpack it and give the folder.")
            )
        root = place
        if is_file:
            root = place.parent.parent if place.parent.name.lower() in _ASIDE else place.parent
        tree = read_tree(root)
    except OSError as error:
        raise DatasetError(
            refused("unreadable", f"{place} cannot be read: {why(error)}.", "Check its permissions.")
        ) from None
    given = absolute(place) if is_file else ""
    _readable(tree)
    found = [r for look in _RECOGNISERS for r in look(tree, given) if not wanted or r.format == wanted]
    if wanted and not found:
        text = f"{place} does not look like {FORMATS[wanted]}."
        raise DatasetError(refused("other", text, "Leave the format out to see what it looks like."))
    return sorted(found, key=lambda r: -r.score)


def _readable(tree: Tree) -> None:
    """Without this, annotations that must not be read would pass for none at all."""
    for path in tree.texts(".json", ".yaml", ".yml", ".csv")[:_TRIED]:
        try:
            with Path(path).open("rb"):
                pass
        except PermissionError as error:
            text = f"{path} cannot be read: {why(error)}."
            raise DatasetError(refused("unreadable", text, "Check its permissions.")) from None
        except OSError:
            continue  # gone meanwhile, or a link to nowhere


def nothing_known(path: str | os.PathLike[str]) -> DatasetError:
    """What to say of a folder in which nothing was recognised."""
    text = f"No images were found in {path} together with masks or annotations of a known format."
    cure = (
        "Give a folder that holds “images” and “masks” (a mask has the name of its image), images and masks side by side, "
        f"a CSV table with the columns image and mask, or one of {listed(list(FORMATS.values())[:6], 6)}."
    )
    return DatasetError(refused("nothing", text, cure))

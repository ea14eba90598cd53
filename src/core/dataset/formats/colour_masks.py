"""Masks whose colours say the class: with a table (CVAT, CamVid, Supervisely), or with the colours that occur."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from src.core.dataset.files.image_files import ColourMaskError, UnreadableImageError, png_info, read_bytes
from src.core.dataset.files.images import read_image, read_mask
from src.core.dataset.findings import Finding, counted, listed
from src.core.dataset.formats.book import (
    Book,
    Cancelled,
    Classes,
    Item,
    Progress,
    Recognised,
    digest_of,
    watch,
)
from src.core.dataset.formats.class_tables import VOC_CLASSES, ClassTable, Colour, find_table
from src.core.dataset.formats.mask_pairs import mask_folders, pair_masks
from src.core.dataset.formats.native import some_masks
from src.core.dataset.formats.remarks import Remarks, refused
from src.core.dataset.formats.tree import Tree, read_tree
from src.core.dataset.masks import IGNORE_INDEX
from src.core.dataset.sources.source_rows import absolute

_LOSSY = (".jpg", ".jpeg")
#: Coloured masks without a table may have this many colours, and no more.
MOST_COLOURS = 64
_VOID_OF_VOC = (224, 224, 192)


def recognise(tree: Tree, given: str) -> list[Recognised]:
    """Folders of images and masks of which the masks are coloured, or whose palette follows a table of colours."""
    if given:
        return []
    pairs = mask_folders(tree)
    masks = [m for _, folder in pairs for m in some_masks(tree, Path(folder))][:8]
    table = find_table(tree)
    if not masks or not any(_by_colour(path, table) for path in masks):
        return []
    named = table.path if table and table.colours else ""
    said = f"The masks in {listed([Path(m).name for _, m in pairs])} are coloured pictures"
    said += f"; {Path(named).name} names the colours." if named else "; no table names the colours."
    return [
        Recognised("colours", "Colour masks", tree.root, 88 if named else 50, said, (named,) if named else ())
    ]


def _by_colour(path: str, table: ClassTable | None) -> bool:
    """The colours of this mask decide: it is coloured, or its palette has other numbers than the table."""
    try:
        values = read_mask(path)
    except ColourMaskError:
        return True
    except UnreadableImageError:
        return False
    if table is None or not table.colours:
        return False
    info = png_info(read_bytes(path).data)
    if info is None or info.colour != 3:
        return False
    place = {colour: number for number, colour in enumerate(table.colours)}
    shown = read_image(path).reshape(-1, 3)
    seen = {
        (int(v), place.get((int(r), int(g), int(b))))
        for v, (r, g, b) in zip(*_unique(values.ravel(), shown), strict=True)
    }
    return all(number is not None for _, number in seen) and any(value != number for value, number in seen)


def _unique(values: np.ndarray, colours: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    found, first = np.unique(values, return_index=True)
    return found, colours[first]


def read(found: Recognised, progress: Progress | None, cancelled: Cancelled | None) -> Book:
    """Pair the files and make the table of colours; the masks are read when they are drawn."""
    tree = read_tree(found.root)
    classes = Classes()
    book = Book(classes.names, counts_objects=False)
    pairs = pair_masks(tree, book.remarks)
    table = find_table(tree) if found.files else None
    if table is None or not table.colours:
        table = _from_colours([mask.path for _, mask, _ in pairs], book, progress, cancelled)
    lookup = _lookup(table, classes)
    colours = np.array(table.colours, np.int64).reshape(-1, 3)
    numbers = np.array([_number(classes, name) for name in table.names], np.uint8)
    for image, mask, part in pairs:
        where = mask.relative

        def load(_w: int, _h: int, path: str = mask.path, where: str = where) -> np.ndarray:
            return _draw(path, lookup, colours, numbers, book.remarks, where)

        book.items.append(Item(image.relative, absolute(image.path), load, part))
        book.digests[where] = digest_of(mask.path)
    if found.files:
        book.digests[Path(found.files[0]).name] = digest_of(found.files[0])
    book.said.append(
        "Each colour of the masks becomes the number of its class; colours that no class has are ignored."
    )
    too_many = classes.too_many()
    book.findings += [too_many] if too_many else []
    book.items.sort(key=lambda item: item.id)
    return book


def _number(classes: Classes, name: str) -> int:
    number = classes.number(name)
    return IGNORE_INDEX if number is None else number


def _from_colours(
    masks: list[str], book: Book, progress: Progress | None, cancelled: Cancelled | None
) -> ClassTable:
    """A table of the colours that occur: with the names of VOC where they are its colours, else named by colour."""
    counts: Counter[int] = Counter()
    for done, path in enumerate(masks):
        watch(cancelled)
        if progress:
            progress(done, len(masks), "Looking for colours")
        try:
            values, many = np.unique(_packed(read_image(path)), return_counts=True)
        except UnreadableImageError:
            continue
        counts.update(dict(zip(values[:4096].tolist(), many[:4096].tolist(), strict=True)))
        if len(counts) > 1 << 16:
            break
    colours = [(int(v) >> 16, (int(v) >> 8) & 255, int(v) & 255) for v in sorted(counts)]
    voc = {_voc_colour(number): name for number, name in enumerate(VOC_CLASSES)}
    if colours and set(colours) <= {*voc, _VOID_OF_VOC}:
        book.said.append("The colours are those of Pascal VOC: its classes are taken.")
        return ClassTable("", [*VOC_CLASSES, "void"], [*voc, _VOID_OF_VOC])
    if len(colours) > MOST_COLOURS:
        text = f"The masks have {len(colours)} colours or more and no table says which of them are classes."
        cure = "Put a table beside them, such as labelmap.txt with lines “name:r,g,b::”."
        book.findings.append(refused("colours", text, cure))
        return ClassTable("", ["background"], [(0, 0, 0)])
    names = ["background" if c == (0, 0, 0) else "#{:02x}{:02x}{:02x}".format(*c) for c in colours]
    text = f"No table names the {counted(len(colours), 'colour')} of the masks: the classes are named by their colours."
    cure = "Put a table beside the masks, such as labelmap.txt with lines “name:r,g,b::”, or rename the classes later."
    book.findings.append(Finding("warning", "import.colour_names", text, cure))
    return ClassTable("", names, colours)


def _voc_colour(number: int) -> Colour:
    """The palette of Pascal VOC: the bits of the number spread over the channels."""
    colour, shift = [0, 0, 0], 7
    while number:
        for channel in range(3):
            colour[channel] |= ((number >> channel) & 1) << shift
        number >>= 3
        shift -= 1
    return colour[0], colour[1], colour[2]


def _lookup(table: ClassTable, classes: Classes) -> dict[int, int]:
    for name in table.names:
        classes.add(name)
    return {
        (r << 16) | (g << 8) | b: _number(classes, n)
        for n, (r, g, b) in zip(table.names, table.colours, strict=True)
    }


def _packed(rgb: np.ndarray) -> np.ndarray:
    wide = rgb.astype(np.int32)
    return (wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2]


def _draw(
    path: str, lookup: dict[int, int], colours: np.ndarray, numbers: np.ndarray, remarks: Remarks, where: str
) -> np.ndarray:
    rgb = read_image(path)
    values, places = np.unique(_packed(rgb).ravel(), return_inverse=True)
    lossy = path.lower().endswith(_LOSSY)
    table = np.full(values.size, IGNORE_INDEX, np.uint8)
    unknown = 0
    for at, value in enumerate(values.tolist()):
        if value in lookup:
            table[at] = lookup[value]
        elif lossy:
            far = np.abs(colours - ((value >> 16), (value >> 8) & 255, value & 255)).sum(axis=1)
            table[at] = numbers[int(far.argmin())]
        else:
            unknown += 1
    if unknown:
        remarks.add("colour", f"{where}: {counted(unknown, 'colour')}")
    return table[places].reshape(rgb.shape[:2])

"""The sizes of the images that are annotated, and the masks that are drawn for them."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np

from src.core.dataset.files.decoding import pillow, turned
from src.core.dataset.files.image_files import UnreadableImageError, too_large
from src.core.dataset.files.images import read_header
from src.core.dataset.formats.book import Book, Cancelled, Item, Progress
from src.core.dataset.formats.shapes import Merge, Painted, paint
from src.core.dataset.formats.threads import in_threads


def measure_images(book: Book, progress: Progress | None, cancelled: Cancelled | None) -> None:
    """Sizes of the images; those that cannot be used are taken out."""
    kept: list[Item] = []
    total = len(book.items)
    for done, (item, problem) in enumerate(in_threads(_measure, book.items, cancelled)):
        if progress:
            progress(done + 1, total, "Reading images")
        if problem:
            kind, text = problem
            book.remarks.add(kind, text)
        if not problem or problem[0] == "stored_turned":
            kept.append(item)
            if item.bare:
                book.remarks.add("no_objects", item.bare)
    book.items = kept


def _measure(item: Item) -> tuple[Item, tuple[str, str] | None]:
    try:
        if not item.image:
            return item, _measure_embedded(item)
        header = read_header(item.image)
        width, height = header.width, header.height
    except (UnreadableImageError, OSError, ValueError) as error:
        return item, ("image_unreadable", f"{item.id}: {error}")
    if large := too_large(width, height):
        return item, ("image_unreadable", f"{item.id} {large}")
    item.shown = (width, height)
    if item.size is None or item.size == item.shown:
        return item, None
    orientation = _orientation(item.image)
    if orientation in (5, 6, 7, 8) and item.size == (height, width):
        item.turn = orientation
        return item, ("stored_turned", item.id)
    return item, ("size", f"{item.id}: {width} x {height}, annotated as {item.size[0]} x {item.size[1]}")


def _measure_embedded(item: Item) -> tuple[str, str] | None:
    assert item.embedded is not None, "an item has an image or an embedded one"
    with pillow().open(io.BytesIO(item.embedded())) as image:
        width, height = image.size
    if large := too_large(width, height):
        return "image_unreadable", f"{item.id} {large}"
    item.shown = (width, height)
    if item.size not in (None, item.shown):
        return "size", f"{item.id}: {width} x {height}, annotated as {item.size}"
    return None


def _orientation(path: str) -> int:
    with pillow().open(path) as image:
        value = image.getexif().get(0x0112, 1)
    return int(value) if isinstance(value, int) else 1


def draw_item(item: Item, merge: Merge) -> Painted:
    """The mask of an image in the orientation in which it is displayed."""
    width, height = item.shown if item.turn == 1 else (item.shown[1], item.shown[0])
    drawing = item.load(width, height)
    if isinstance(drawing, np.ndarray):
        painted = Painted(drawing)
    else:
        painted = paint(drawing, width, height, merge)
    if item.turn != 1:
        painted = replace(painted, mask=np.ascontiguousarray(turned(painted.mask, item.turn)))
    return painted

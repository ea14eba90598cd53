"""LabelMe: a JSON file an image with polygons, boxes, circles and bitmaps.

Source: LabelMe (wkentaro/labelme), versions 3 to 5. Coordinates start at the corner of the displayed image. As in its own
``labelme2voc``, what is later in the file lies on top. A circle is its centre and a point on it; the label ``__ignore__``
becomes ignored pixels; lines and points cover no area.
"""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from pathlib import Path, PureWindowsPath
from typing import Any

import cv2
import numpy as np

from src.core.dataset.files.image_files import IMAGE_SUFFIXES, MAX_PIXELS, UnreadableImageError, png_info
from src.core.dataset.files.images import decode_mask
from src.core.dataset.formats.book import (
    BACKGROUND_NAMES,
    IGNORE_NAMES,
    Book,
    Cancelled,
    Classes,
    Item,
    Progress,
    Recognised,
    part_of,
    watch,
)  # fmt: skip
from src.core.dataset.formats.class_tables import find_table
from src.core.dataset.formats.finding_images import ImageFinder, is_file
from src.core.dataset.formats.json_text import JsonFileError, head_of, number, read_json, whole
from src.core.dataset.formats.outlines import beyond, ellipse, polygons, rectangle
from src.core.dataset.formats.remarks import Remarks, refused
from src.core.dataset.formats.shapes import Shape
from src.core.dataset.formats.tree import Tree, read_tree, walk_files
from src.core.dataset.masks import IGNORE_INDEX
from src.core.dataset.sources.source_rows import walk

_NO_AREA = frozenset({"line", "linestrip", "point", "points"})


def is_labelme(path: str) -> bool:
    """Whether the ends of a JSON file look like LabelMe's."""
    text = head_of(path)
    return '"shapes"' in text and ('"imagePath"' in text or '"imageHeight"' in text or '"imageData"' in text)


def recognise(tree: Tree, given: str) -> list[Recognised]:
    """LabelMe files in the tree; of one file that was named, all beside it."""
    candidates = [given] if given else tree.texts(".json")[:200]
    first = next((p for p in candidates if p.lower().endswith(".json") and is_labelme(p)), None)
    if first is None:
        return []
    said = f"{Path(first).relative_to(tree.root).as_posix()} and its neighbours hold shapes as LabelMe writes them."
    return [Recognised("labelme", "LabelMe JSON", tree.root, 85, said, (first,))]


def read(found: Recognised, progress: Progress | None, cancelled: Cancelled | None) -> Book:
    """Read every file once."""
    classes = Classes()
    book = Book(classes.names, merge="later")
    listed_names = _label_list(found.root)
    for name in listed_names:
        classes.add(name)
    finder = ImageFinder(found.root, [], book.remarks)
    files = walk_files(found.root, ".json")
    taken: set[str] = set()
    labels: Counter[str] = Counter()
    for done, path in enumerate(files):
        watch(cancelled)
        if progress:
            progress(done, len(files), "Reading annotations")
        _read_file(path, book, finder, taken, labels)
    added = [name for name in sorted(labels) if classes.number(name) is None]
    for name in added:
        classes.add(name)
        if listed_names:
            book.remarks.add("class_added", f"{name} ({labels[name]} objects)")
    for item in book.items:
        assert isinstance(item, _Item)
        item.classes = classes
        numbers = {label: classes.number(label) for label in item.labels}
        item.objects = Counter()
        for label, many in item.labels.items():
            if (value := numbers[label]) not in (None, IGNORE_INDEX):
                item.objects[value] += many
    for file in walk(found.root)[0]:
        if file.path not in taken and book.items:
            book.remarks.add("unannotated", file.relative)
    if not book.items:
        text = f"None of the {len(files)} JSON files under {found.root} could be used."
        book.findings.append(refused("empty", text, "See the warnings."))
    too_many = classes.too_many()
    book.findings += [too_many] if too_many else []
    book.items.sort(key=lambda item: item.id)
    book.said.append(
        "Boxes, circles and bitmaps are drawn; __ignore__ becomes ignored pixels; lines and points are not used."
    )
    return book


class _Item(Item):
    """An image with the labels on it; its classes get their numbers when all files are read."""

    labels: Counter[str]
    classes: Classes


def _label_list(root: str) -> list[str]:
    """The names of labels.txt, without the two that LabelMe puts first."""
    table = find_table(read_tree(root))
    names = table.names if table and not table.colours and not table.values else []
    return [n for n in names if n.lower() not in BACKGROUND_NAMES | IGNORE_NAMES]


def _read_file(path: str, book: Book, finder: ImageFinder, taken: set[str], labels: Counter[str]) -> None:
    name = Path(path).relative_to(finder.root).as_posix()
    digests: list[str] = []
    try:
        data = read_json(path, digests.append)
    except JsonFileError as error:
        book.remarks.add("json", str(error))
        return
    if not isinstance(data, dict) or not isinstance(data.get("shapes"), list):
        return
    width, height = whole(data.get("imageWidth")), whole(data.get("imageHeight"))
    size = (width, height) if width and height and min(width, height) > 0 else None
    image, embedded = _image(path, data, finder, name)
    if not image and not embedded:
        return
    if image in taken:
        book.remarks.add("image_twice", name)
        return
    if image:
        taken.add(image)
    split = part_of(Path(name).parts[:-1])
    item_id = finder.id_of(image) if image else str(Path(name).with_suffix(embedded)).replace("\\", "/")
    item = _Item(item_id, image, lambda _w, _h: _shapes(path, item.classes, size), split, size)
    if not image:
        item.embedded = lambda: _embedded(path)
    item.labels = Counter()
    item.classes = Classes()
    for label, shape in _drawn(data, book.remarks, name):
        problem = beyond(shape.polygons, size) if size and shape.polygons else ""
        if problem:
            book.remarks.add(problem, f"{name}: {label}")
        if problem != "outside":
            item.labels[label] += 1
    labels.update(item.labels)
    item.bare = "" if item.labels else name
    book.digests[name] = digests[0]
    book.items.append(item)


def _image(path: str, data: dict[str, Any], finder: ImageFinder, name: str) -> tuple[str, str]:
    """Path of the image; or the suffix of the one inside the annotation; both empty, with a remark, without either."""
    written = data.get("imagePath")
    folder = Path(path).parent
    if isinstance(written, str) and written and "\0" not in written:
        for candidate in (folder / written.replace("\\", "/"), folder / PureWindowsPath(written).name):
            if is_file(candidate):
                return str(Path(finder.root, finder.id_of(str(candidate)))), ""
    for suffix in sorted(IMAGE_SUFFIXES):
        for candidate in (Path(path).with_suffix(suffix), Path(path).with_suffix(suffix.upper())):
            if is_file(candidate):
                return str(candidate), ""
    if data.get("imageData"):
        try:
            head = base64.b64decode(str(data["imageData"])[:64])
        except (binascii.Error, ValueError):
            head = b""
        if head[:3] == b"\xff\xd8\xff":
            return "", ".jpg"
        if head[:8] == b"\x89PNG\r\n\x1a\n":
            return "", ".png"
    return finder.find(written, name) if isinstance(written, str) and written else finder.find("", name), ""


def _embedded(path: str) -> bytes:
    return base64.b64decode(str(read_json(path)["imageData"]))


def _shapes(path: str, classes: Classes, size: tuple[int, int] | None) -> list[Shape]:
    found = []
    for label, shape in _drawn(read_json(path), Remarks(), ""):
        value = classes.number(label)
        outside = size and shape.polygons and beyond(shape.polygons, size) == "outside"  # told by the plan
        if value is not None and not outside:
            found.append(Shape(value, shape.polygons, bitmap=shape.bitmap, corner=shape.corner))
    return found


def _drawn(data: dict[str, Any], remarks: Remarks, where: str) -> list[tuple[str, Shape]]:
    """Label and pixels of each shape that can be drawn."""
    found = []
    for at, entry in enumerate(data["shapes"], start=1):
        label = entry.get("label") if isinstance(entry, dict) else None
        if not isinstance(label, str) or not label.strip():
            remarks.add("broken", f"{where}, shape {at} has no label")
            continue
        problem, shape = _shape(entry)
        if problem:
            remarks.add(problem, f"{where}, shape {at}: {label}")
        if shape is not None:
            found.append((label.strip(), shape))
    return found


def _shape(entry: dict[str, Any]) -> tuple[str, Shape | None]:
    kind, points = str(entry.get("shape_type") or "polygon"), entry.get("points")
    if kind in _NO_AREA:
        return "not_an_area", None
    try:
        corners = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    except (TypeError, ValueError, OverflowError):
        return "broken", None
    if kind == "mask":
        return _bitmap(entry.get("mask"), corners)
    if kind == "rectangle" and len(corners) == 2:
        corners = rectangle(*corners[0], *corners[1])
    elif kind in ("circle", "ellipse") and len(corners) == 2 and np.isfinite(corners).all():
        radius = float(np.hypot(*(corners[1] - corners[0])))
        away = np.abs(corners[1] - corners[0]) if kind == "ellipse" else (radius, radius)
        corners = ellipse(*corners[0], *away)
    return polygons([corners], 0)


def _bitmap(text: Any, corners: np.ndarray) -> tuple[str, Shape | None]:
    """A PNG of the size of a box whose first corner is its place."""
    if (
        not isinstance(text, str)
        or not corners.size
        or number(float(corners[0, 0])) is None
        or not np.isfinite(corners).all()
    ):
        return "broken", None
    try:
        data = np.frombuffer(base64.b64decode(text), np.uint8)
        info = png_info(data.data)
        if info is None or info.width * info.height > MAX_PIXELS:
            return "broken", None
        pixels = decode_mask(data, "the bitmap of a shape") > 0
    except (binascii.Error, ValueError, UnreadableImageError, cv2.error):
        return "broken", None
    if not pixels.any():
        return "zero_area", None
    left, top = (round(float(v)) for v in corners.min(axis=0))
    return "", Shape(0, bitmap=pixels, corner=(left, top))

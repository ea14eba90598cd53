"""COCO JSON: polygons, run lengths and crowd regions.

Source: the COCO data format (cocodataset.org, "Data format", object detection). Coordinates start at the corner of the
image; the parts of one segmentation are one object; crowd regions (``iscrowd``) become ignored pixels.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from src.core.dataset.findings import listed
from src.core.dataset.formats import rle
from src.core.dataset.formats.book import Book, Cancelled, Classes, Item, Progress, Recognised, part_of, watch
from src.core.dataset.formats.finding_images import ImageFinder
from src.core.dataset.formats.json_text import BigObject, JsonFileError, head_of, number, whole
from src.core.dataset.formats.outlines import beyond, polygons
from src.core.dataset.formats.remarks import Remarks, refused
from src.core.dataset.formats.shapes import Shape
from src.core.dataset.formats.tree import Tree
from src.core.dataset.masks import IGNORE_INDEX
from src.core.dataset.records import Split

_LISTS = ("images", "annotations", "categories")
#: Files of the COCO download that describe the same images in another way.
_OTHERS = ("captions", "person_keypoints", "stuff", "panoptic", "image_info")


def is_coco(path: str) -> bool:
    """Whether the ends of a JSON file look like COCO's."""
    text = head_of(path)
    return (
        '"images"' in text and ('"annotations"' in text or '"categories"' in text) and '"shapes"' not in text
    )


def recognise(tree: Tree, given: str) -> list[Recognised]:
    """COCO files in the tree; only ``given`` where one file was named."""
    found = [p for p in ([given] if given else tree.texts(".json")) if p.endswith(".json") and is_coco(p)]
    main = [p for p in found if not Path(p).name.startswith(_OTHERS)] or found
    divided = [p for p in main if _part(p, tree.root)]
    files = divided or main
    if not files:
        return []
    names = listed([Path(p).relative_to(tree.root).as_posix() for p in files])
    said = (
        f"{names} {'holds' if len(files) == 1 else 'hold'} images, annotations and categories as COCO does."
    )
    return [Recognised("coco", "COCO JSON", tree.root, 90, said, tuple(files))]


def _part(path: str, root: str) -> Split | None:
    return part_of([Path(path).stem]) or part_of(Path(path).relative_to(root).parts[:-1])


def read(found: Recognised, progress: Progress | None, cancelled: Cancelled | None) -> Book:
    """Read all annotations once; each image keeps the places of its own in the text."""
    classes = Classes()
    book = Book(classes.names)
    seen: dict[str, str] = {}
    for number_of_file, path in enumerate(found.files):
        watch(cancelled)
        if progress:
            progress(number_of_file, len(found.files), "Reading annotations")
        try:
            _File(path, found.root, book, classes).read(seen, cancelled)
        except JsonFileError as error:
            if len(found.files) == 1:
                book.findings.append(refused("json", str(error), "Repair the file or export it again."))
            else:
                book.remarks.add("json", str(error))
    if progress:
        progress(len(found.files), len(found.files), "Reading annotations")
    too_many = classes.too_many()
    book.findings += [too_many] if too_many else []
    book.items.sort(key=lambda item: item.id)
    book.said.append(
        "Regions that are marked as crowds become ignored pixels; the parts of one object are joined."
    )
    return book


class _File:
    """One COCO file while it is read."""

    def __init__(self, path: str, root: str, book: Book, classes: Classes) -> None:
        self.name = Path(path).name
        self.book, self.remarks, self.classes = book, book.remarks, classes
        key = Path(path).relative_to(root).as_posix()
        self.json = BigObject(path, _LISTS, lambda digest: book.digests.__setitem__(key, digest))
        folder = Path(path).parent
        self.finder = ImageFinder(
            root, [str(folder), str(folder / Path(path).stem.split("_")[-1])], book.remarks
        )
        self.part = _part(path, root)
        self.images: dict[int, dict[str, Any]] = {}
        self.doubtful: set[int] = set()
        self.categories: dict[int, str] = {}
        self.supers: set[str] = set()
        self.places: dict[int, list[int]] = defaultdict(list)
        self.used: Counter[int] = Counter()
        self.ids: set[Any] = set()
        self.cancelled: Cancelled | None = None

    def read(self, seen: dict[str, str], cancelled: Cancelled | None) -> None:
        self.cancelled = cancelled
        takers = {"images": self._image, "annotations": self._annotation, "categories": self._category}
        self.json.read(lambda key, start, value: takers[key](start, value))
        if not self.images:
            raise JsonFileError(f"{self.json.path} names no images.")
        self._number_classes()
        for image_id, record in self.images.items():
            watch(cancelled)
            if image_id not in self.doubtful:
                self._item(image_id, record, seen)
        for image_id, places in self.places.items():
            if image_id not in self.images:
                self.remarks.add("orphan", f"{self.name}, image id {image_id}", len(places))

    def _image(self, _start: int, value: Any) -> None:
        image_id = whole(value.get("id")) if isinstance(value, dict) else None
        if image_id is None or not isinstance(value.get("file_name"), str):
            self.remarks.add("broken", f"{self.name}: an image without id or file_name")
            return
        kept = {key: value.get(key) for key in ("file_name", "width", "height")}
        if image_id in self.images and self.images[image_id]["file_name"] != kept["file_name"]:
            self.doubtful.add(image_id)
            first = self.images[image_id]["file_name"]
            self.remarks.add("image_id_twice", f"{self.name}, id {image_id}: {first}, {kept['file_name']}")
        self.images.setdefault(image_id, kept)

    def _category(self, _start: int, value: Any) -> None:
        category = whole(value.get("id")) if isinstance(value, dict) else None
        if category is None:
            self.remarks.add("broken", f"{self.name}: a category without id")
            return
        name = str(value.get("name") or f"class_{category}")
        self.supers.add(str(value.get("supercategory")))
        if self.categories.setdefault(category, name) != name:
            self.remarks.add(
                "category_id_twice", f"{self.name}, id {category}: {self.categories[category]}, {name}"
            )

    def _annotation(self, start: int, value: Any) -> None:
        if start & 255 == 0:
            watch(self.cancelled)
        image_id = whole(value.get("image_id")) if isinstance(value, dict) else None
        if image_id is None:
            self.remarks.add("orphan", f"{self.name}: an annotation without image_id")
            return
        if isinstance(value.get("id"), (int, str)):
            if value["id"] in self.ids:
                self.remarks.add("annotation_id_twice", f"{self.name}, id {value['id']}")
            self.ids.add(value["id"])
        category = whole(value.get("category_id"))
        if category is not None:
            self.used[category] += 1
        self.places[image_id].append(start)

    def _number_classes(self) -> None:
        """In the order of their ids; the empty parent class that Roboflow writes as number 0 is left out."""
        for category, name in sorted(self.categories.items()):
            if not self.used[category] and name in self.supers and len(self.categories) > 1 and category == 0:
                continue
            self.classes.add(name)
        if not self.categories:
            for category in sorted(self.used):
                self.categories[category] = f"class_{category}"
                self.classes.add(f"class_{category}")

    def _item(self, image_id: int, record: dict[str, Any], seen: dict[str, str]) -> None:
        where = f"{self.name}: {record['file_name']}"
        path = self.finder.find(record["file_name"], where)
        if not path:
            return
        if path in seen:
            self.remarks.add("image_twice", f"{record['file_name']} ({seen[path]}, {self.name})")
            return
        seen[path] = self.name
        width, height = whole(record["width"]), whole(record["height"])
        size = (width, height) if width and height and min(width, height) > 0 else None
        places = tuple(self.places.get(image_id, ()))
        reader = _Reader(self.json, self.categories, self.classes)
        item = Item(
            self.finder.id_of(path),
            path,
            lambda _width, _height: reader.shapes(places, size, None),
            self.part,
            size,
        )
        for shape in reader.shapes(places, size, (self.remarks, where)):
            item.objects[shape.value] += shape.value != IGNORE_INDEX
        item.bare = "" if places else where
        self.book.items.append(item)


class _Reader:
    """Makes shapes of annotation records."""

    def __init__(self, json: BigObject, categories: dict[int, str], classes: Classes) -> None:
        self.json, self.categories, self.classes = json, categories, classes

    def shapes(
        self, places: Sequence[int], size: tuple[int, int] | None, remarks: tuple[Remarks, str] | None
    ) -> list[Shape]:
        """The shapes at some places; what cannot be used is remarked once, when the plan is made."""
        found = []
        for place in places:
            record = self.json.element(place)
            problem, shape = self._shape(record, size)
            if shape is not None and shape.polygons and size:
                problem = beyond(shape.polygons, size)
                shape = None if problem == "outside" else shape
            if problem and remarks:
                remarks[0].add(problem, f"{remarks[1]}, annotation {record.get('id')}")
            if shape is not None:
                found.append(shape)
        return found

    def _shape(self, record: dict[str, Any], size: tuple[int, int] | None) -> tuple[str, Shape | None]:
        category = self.categories.get(whole(record.get("category_id")) or 0)
        value = None if category is None else self.classes.number(category)
        if record.get("iscrowd") in (1, True, "1"):
            value = IGNORE_INDEX
        if value is None:
            return "class_unknown", None
        segmentation = record.get("segmentation")
        if not segmentation:
            return "box_only", None
        if isinstance(segmentation, dict):
            return _runs(segmentation, size, value)
        if not isinstance(segmentation, list):
            return "broken", None
        parts = [segmentation] if number(segmentation[0]) is not None else segmentation
        return polygons(parts, value)


def _runs(segmentation: dict[str, Any], size: tuple[int, int] | None, value: int) -> tuple[str, Shape | None]:
    counts, written = segmentation.get("counts"), segmentation.get("size")
    try:
        runs = (
            rle.unpack(counts) if isinstance(counts, str) else np.asarray(counts, dtype=np.int64).reshape(-1)
        )
        height, width = (int(v) for v in written or ())
    except (TypeError, ValueError, OverflowError):
        return "broken", None
    if size is not None and (width, height) != size:
        return "rle_size", None
    try:
        rle.check(runs, width, height)
    except ValueError:
        return "broken", None
    if not rle.area(runs):
        return "zero_area", None
    return "", Shape(value, runs=runs)

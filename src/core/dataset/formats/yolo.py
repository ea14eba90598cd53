"""YOLO segmentation: a text file an image, a line an object, ``class x y x y …`` in shares of width and height.

Source: "Instance Segmentation Datasets Overview" in the manual of Ultralytics YOLO. The order of the lines means nothing,
so where objects overlap the smaller one lies on top. Coordinates are those of the displayed image (EXIF applied).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np

from src.core.dataset.files.image_files import why
from src.core.dataset.findings import Finding, counted
from src.core.dataset.formats.book import (
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
from src.core.dataset.formats.class_tables import find_table
from src.core.dataset.formats.finding_images import ImageFinder, is_file
from src.core.dataset.formats.json_text import whole
from src.core.dataset.formats.outlines import beyond, polygons
from src.core.dataset.formats.remarks import Remarks, refused
from src.core.dataset.formats.shapes import Shape
from src.core.dataset.formats.tree import Tree, read_tree
from src.core.dataset.formats.yolo_files import (
    PARTS,
    as_number,
    label_of,
    label_places,
    looks_like_labels,
    plain_text,
    read_description,
)
from src.core.dataset.records import Split
from src.core.dataset.sources.source_lists import read_lines
from src.core.dataset.sources.source_rows import absolute, walk


def recognise(tree: Tree, given: str) -> list[Recognised]:
    """By a data.yaml, or by label files whose lines look like YOLO's."""
    title = "YOLO segmentation"
    files = [given] if given else tree.texts(".yaml", ".yml")
    described = [p for p in files if Path(p).suffix.lower() in (".yaml", ".yml") and read_description(p)]
    if described:
        said = f"{Path(described[0]).relative_to(tree.root).as_posix()} names parts and classes as YOLO does."
        return [Recognised("yolo", title, tree.root, 90, said, (described[0],))]
    if given:
        return []
    for folder in tree.folders.values():
        for name in folder.texts[:16]:
            path = tree.path(folder.relative, name)
            if PurePosixPath(name).suffix.lower() == ".txt" and looks_like_labels(path):
                said = f"{Path(path).relative_to(tree.root).as_posix()} holds lines of a class and points as YOLO writes them."
                return [Recognised("yolo", title, tree.root, 70, said)]
    return []


def read(found: Recognised, progress: Progress | None, cancelled: Cancelled | None) -> Book:
    """Read every label file once; images without one are background, as YOLO takes them."""
    return _Reader(found, progress, cancelled).read()


class _Reader:
    def __init__(self, found: Recognised, progress: Progress | None, cancelled: Cancelled | None) -> None:
        self.found, self.progress, self.cancelled = found, progress, cancelled
        self.tree = read_tree(found.root)
        self.data = (read_description(found.files[0]) or {}) if found.files else {}
        self.home = str(Path(found.files[0]).parent) if found.files else found.root
        self.classes = Classes()
        self.book = Book(self.classes.names)
        self.remarks = self.book.remarks
        self.finder = ImageFinder(found.root, [self.home], self.remarks)
        self.names = self._names()

    def read(self) -> Book:
        images = list(self._images())
        seen: set[str] = set()
        used: Counter[int] = Counter()
        for done, (path, part) in enumerate(images):
            watch(self.cancelled)
            if self.progress:
                self.progress(done, len(images), "Reading annotations")
            if path in seen:
                self.remarks.add("image_twice", self.finder.id_of(path))
                continue
            seen.add(path)
            self.book.items.append(self._item(path, part, used))
        for number, name in self._all_names(used).items():
            self.classes.add(name)
            self.names[number] = name
        for item in self.book.items:
            item.objects = Counter(
                {self.classes.number(self.names[c]) or 0: n for c, n in item.objects.items()}
            )
        if self.found.files:
            self.book.digests[Path(self.found.files[0]).name] = digest_of(self.found.files[0])
        objects = sum(used.values())
        if not objects and self.remarks["box_only"]:
            text = f"The labels hold only boxes ({counted(self.remarks['box_only'], 'line')}): this is a set for detection."
            self.book.findings.append(
                refused("boxes", text, "Use a segmentation export, whose lines have three points or more.")
            )
        too_many = self.classes.too_many()
        self.book.findings += [too_many] if too_many else []
        self.book.items.sort(key=lambda item: item.id)
        return self.book

    def _names(self) -> dict[int, str]:
        names = self.data.get("names")
        if isinstance(names, dict):
            pairs = [(whole(as_number(k)), plain_text(v) or f"class_{k}") for k, v in names.items()]
            return {k: v for k, v in pairs if k is not None and k >= 0}
        if isinstance(names, list):
            return {k: plain_text(v) or f"class_{k}" for k, v in enumerate(names)}
        table = None if self.data else find_table(self.tree)
        return dict(enumerate(table.names)) if table else {}

    def _all_names(self, used: Counter[int]) -> dict[int, str]:
        if self.names:
            return dict(sorted(self.names.items()))
        self.book.said.append("No file names the classes: they get numbers.")
        return {number: f"class_{number}" for number in range(max(used, default=-1) + 1)}

    def _images(self) -> Iterator[tuple[str, Split | None]]:
        if not any(self.data.get(key) for key in PARTS):
            for file in walk(self.found.root)[0]:
                if label_of(file.path, self.found.root) or self._beside_labels(file.path):
                    yield absolute(file.path), part_of(PurePosixPath(file.relative).parts[:-1])
            return
        for key, part in PARTS.items():
            written = self.data.get(key)
            for entry in written if isinstance(written, list) else [written] if written else []:
                place = self._place(plain_text(entry))
                if not place:
                    text = f"{key}: {plain_text(entry)} of {Path(self.found.files[0]).name} was not found."
                    self.book.findings.append(_absent(text, key))
                elif Path(place).is_dir():
                    yield from ((absolute(file.path), part) for file in walk(place)[0])
                else:
                    yield from self._listed(place, part)

    def _beside_labels(self, image: str) -> bool:
        """Without a description an image counts where a folder of labels stands for its folder."""
        return any(
            Path(p).is_dir() for p in {str(Path(c).parent) for c in label_places(image, self.found.root)[:1]}
        )

    def _place(self, written: str) -> str:
        """Where an entry of the description is here: as written, or by the end of its path; empty where it is not."""
        try:
            return self._found(written)
        except (OSError, ValueError):  # such as a name that is too long
            return ""

    def _found(self, written: str) -> str:
        parts = [p for p in PurePosixPath(written.replace("\\", "/")).parts if p not in ("/", ".", "..")]
        base = plain_text(self.data.get("path") or "").replace("\\", "/")
        homes = [
            h
            for h in (Path(base), Path(self.home, base), Path(self.home).parent / base)
            if base and h.is_dir()
        ]
        homes += [Path(self.home)]
        for home in homes:
            if (home / written).exists() and written not in ("", "."):
                return absolute(home / written)
        for first in range(len(parts)):
            for home in (*homes, Path(self.found.root)):
                if (home.joinpath(*parts[first:])).exists():
                    return absolute(home.joinpath(*parts[first:]))
        return ""

    def _listed(self, path: str, part: Split) -> Iterator[tuple[str, Split | None]]:
        folder = Path(path).parent
        try:
            lines = read_lines(Path(path))
        except OSError as error:
            self.remarks.add("json", f"{path}: {why(error)}")
            return
        for number, line in lines:
            direct = folder / line.replace("\\", "/")
            found = (
                absolute(direct)
                if is_file(direct)
                else self.finder.find(line, f"{Path(path).name} line {number}: {line}")
            )
            if found:
                yield found, part

    def _item(self, path: str, part: Split | None, used: Counter[int]) -> Item:
        name = self.finder.id_of(path)
        label = label_of(path, self.found.root)
        item = Item(name, path, lambda width, height: self._shapes(label, width, height), part)
        if not label:
            item.bare = name
            return item
        where = Path(label).name
        try:
            data = Path(label).read_bytes()
        except OSError as error:
            self.remarks.add("json", f"{label}: {why(error)}")
            return item
        self.book.digests[name] = hashlib.sha256(data).hexdigest()
        for number, shape in _lines(data.decode("utf-8", "replace"), self.names, self.remarks, where):
            problem = beyond(shape.polygons, (1, 1)) if shape is not None else ""
            low_high = np.concatenate(shape.polygons) if shape is not None else np.zeros((1, 2))
            if not problem and (low_high.min() < -1e-3 or low_high.max() > 1 + 1e-3):
                problem = "partly_outside"
            if problem:
                self.remarks.add(problem, f"{where}: class {number}")
            if problem != "outside":
                item.objects[number] += 1
                used[number] += 1
        item.bare = "" if item.objects else name
        return item

    def _shapes(self, label: str, width: int, height: int) -> list[Shape]:
        if not label:
            return []
        text = Path(label).read_bytes().decode("utf-8", "replace")
        found = []
        for number, shape in _lines(text, self.names, Remarks(), ""):
            value = self.classes.number(self.names[number])
            scaled = tuple(p * (width, height) for p in shape.polygons)
            if value is not None and beyond(shape.polygons, (1, 1)) != "outside":
                found.append(Shape(value, scaled))
        return found


def _lines(text: str, names: dict[int, str], remarks: Remarks, where: str) -> Iterator[tuple[int, Shape]]:
    """Class and outline, in shares of the image, of each line that can be used."""
    for at, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        place = f"{where} line {at}"
        try:
            values = [float(word) for word in words]
        except ValueError:
            remarks.add("line", place)
            continue
        number = whole(values[0])
        if len(values) == 5:
            remarks.add("box_only", place)
        elif number is None or number < 0 or len(values) % 2 == 0:
            remarks.add("line", place)
        elif names and number not in names:
            remarks.add("class_unknown", f"{place}: class {number}")
        else:
            problem, shape = polygons([values[1:]], 0)
            if problem:
                remarks.add(problem, place)
            if shape is not None:
                yield number, shape


def _absent(text: str, key: str) -> Finding:
    cure = "Correct the path in the file, or put it beside the images."
    return Finding("error" if key == "train" else "warning", "import.part_missing", text, cure)

"""Lists and tables that name classes, in the ways in which tools write them."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from src.core.dataset.formats.json_text import JsonFileError, read_json, whole
from src.core.dataset.formats.tree import Tree
from src.core.dataset.sources.source_lists import read_lines

Colour = tuple[int, int, int]
_MOST_BYTES = 4 << 20
_LISTS = ("classes.txt", "class_names.txt", "labels.txt", "label_names.txt", "obj.names", "classes.names")
_TABLES = (
    "labelmap.txt", "label_map.txt", "label_colors.txt", "class_dict.csv", "classes.csv", "class_dict_seg.csv",
    "labels.csv", "labels.json", "classes.json", "label_map.json", "labelmap.json", "class_map.json", "palette.json",
    "obj_class_to_machine_color.json",
)  # fmt: skip
_CVAT = re.compile(r"^([^:#]+):(\d+),(\d+),(\d+):.*$")
_COLOURS = re.compile(r"^(\d+)[\s,]+(\d+)[\s,]+(\d+)[\s,]+(\S.*)$")


@dataclass
class ClassTable:
    """Names with what stands for them in masks.

    Attributes:
        path: Where it was read.
        names: In the order of the file.
        colours: RGB of each; empty where the table has none.
        values: Mask value of each; empty where the table has none (then the place in the list).
    """

    path: str
    names: list[str]
    colours: list[Colour] = field(default_factory=list)
    values: list[int] = field(default_factory=list)


def find_table(tree: Tree) -> ClassTable | None:
    """The table nearest to the root that can be read; tables with colours or values go before plain lists."""
    for wanted in (_TABLES, _LISTS):
        for path in tree.texts(".txt", ".csv", ".json", ".names"):
            if Path(path).name.lower() in wanted and (table := read_table(path)) is not None:
                return table
    return None


def read_table(path: str) -> ClassTable | None:
    """The classes in a file; ``None`` where it is something else."""
    suffix = PurePosixPath(path).suffix.lower()
    try:
        if Path(path).stat().st_size > _MOST_BYTES:
            return None
        if suffix == ".json":
            return _from_json(path, read_json(path))
        if suffix == ".csv":
            return _from_csv(path)
        return _from_text(path)
    except (OSError, JsonFileError, csv.Error, UnicodeDecodeError):
        return None


def _from_text(path: str) -> ClassTable | None:
    names: list[str] = []
    colours: list[Colour] = []
    for _, line in read_lines(Path(path)):
        found = _CVAT.match(line)
        if found:
            names.append(found[1].strip())
            colours.append((int(found[2]), int(found[3]), int(found[4])))
        elif other := _COLOURS.match(line):  # label_colors.txt of CamVid: r g b name
            names.append(other[4].strip())
            colours.append((int(other[1]), int(other[2]), int(other[3])))
        else:
            names.append(re.sub(r"^\d+\s*[:=]\s*", "", line).strip())
    if colours and len(colours) != len(names):
        return None
    return ClassTable(path, names, colours) if names and _are_colours(colours) else None


def _from_csv(path: str) -> ClassTable | None:
    text = "\n".join(line for _, line in read_lines(Path(path)))
    rows = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines()) if row]
    if len(rows) < 2:
        return None
    head = [cell.lower() for cell in rows[0]]

    def column(*names: str) -> int:
        return next((head.index(n) for n in names if n in head), -1)

    name, red, green, blue = (
        column("name", "class", "label"),
        column("r", "red"),
        column("g", "green"),
        column("b", "blue"),
    )
    value = column("value", "id", "index", "class_id", "pixel")
    if name < 0:
        return None
    rows = [row for row in rows[1:] if len(row) == len(head)]
    names = [row[name] for row in rows]
    try:
        colours = (
            [(int(r[red]), int(r[green]), int(r[blue])) for r in rows] if min(red, green, blue) >= 0 else []
        )
        values = [int(row[value]) for row in rows] if value >= 0 and not colours else []
    except ValueError:
        return None
    return ClassTable(path, names, colours, values) if (colours or values) and _are_colours(colours) else None


def _from_json(path: str, data: Any) -> ClassTable | None:
    """``{name: [r, g, b]}``, ``{name: value}``, ``{"0": name}``, a list of names, or of objects with a name."""
    if isinstance(data, dict):
        inner = next(
            (data[k] for k in ("classes", "labels", "categories") if isinstance(data.get(k), (list, dict))),
            None,
        )
        if inner is not None:
            data = inner
    if isinstance(data, list):
        pairs = [_pair(entry, at) for at, entry in enumerate(data)]
    elif isinstance(data, dict):
        turned = all(whole(_int(k)) is not None and isinstance(v, str) for k, v in data.items())
        pairs = [(v, _int(k)) if turned else (k, v) for k, v in data.items()]
    else:
        return None
    if not pairs or any(p is None for p in pairs):
        return None
    names = [str(p[0]) for p in pairs if p]
    marks = [p[1] for p in pairs if p]
    if all(whole(m) is not None for m in marks):
        values = [int(m) for m in marks]
        order = sorted(range(len(values)), key=values.__getitem__)
        return ClassTable(path, [names[i] for i in order], [], [values[i] for i in order])
    colours = [_colour(mark) for mark in marks]
    if any(c is None for c in colours):
        return None
    return ClassTable(path, names, [c for c in colours if c])


def _pair(entry: Any, at: int) -> tuple[str, Any] | None:
    if isinstance(entry, str):
        return entry, at
    if not isinstance(entry, dict):
        return None
    name = next(
        (entry[k] for k in ("name", "label", "title", "readable") if isinstance(entry.get(k), str)), None
    )
    mark = next((entry[k] for k in ("color", "colour", "rgb") if entry.get(k) is not None), None)
    if mark is None:
        mark = next((entry[k] for k in ("value", "id", "index") if whole(entry.get(k)) is not None), at)
    return (name, mark) if name is not None else None


def _int(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None


def _colour(value: Any) -> Colour | None:
    if isinstance(value, str) and re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        return (int(value[1:3], 16), int(value[3:5], 16), int(value[5:7], 16))
    if isinstance(value, list) and len(value) in (3, 4) and all(whole(v) is not None for v in value[:3]):
        found = (int(value[0]), int(value[1]), int(value[2]))
        return found if _are_colours([found]) else None
    return None


def _are_colours(colours: list[Colour]) -> bool:
    return all(0 <= v <= 255 for colour in colours for v in colour)


#: The classes of Pascal VOC (2007 to 2012), by the value in its palette masks.
VOC_CLASSES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
#: The classes of the CamVid lists that SegNet made popular; 11 is unlabelled.
CAMVID_CLASSES = (
    "Sky", "Building", "Pole", "Road", "Pavement", "Tree", "SignSymbol", "Fence", "Car", "Pedestrian", "Bicyclist",
)  # fmt: skip
CAMVID_VOID = 11

"""Layouts that the engine reads as they are: a configuration, a table, split files, folders of images and masks."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Any

from src.core.config import ConfigError, read_yaml
from src.core.dataset.checking.row_facts import count_values
from src.core.dataset.files.image_files import ColourMaskError, UnreadableImageError
from src.core.dataset.files.mask_files import read_mask_bands
from src.core.dataset.formats.book import BACKGROUND_NAMES, IGNORE_NAMES, Recognised, part_of
from src.core.dataset.formats.class_tables import (
    CAMVID_CLASSES,
    CAMVID_VOID,
    VOC_CLASSES,
    ClassTable,
    find_table,
)
from src.core.dataset.formats.tree import Tree, read_tree
from src.core.dataset.masks import MAX_CLASSES
from src.core.dataset.sources.source_lists import read_text

IMAGE_NAMES = ("images", "imgs", "image", "img", "jpegimages", "photos", "pictures", "inputs")
MASK_NAMES = (
    "masks", "mask", "labels", "label", "annotations", "segmentationclass", "segmentationclasspng", "gt", "groundtruth",
    "ground_truth", "targets",
)  # fmt: skip
IMAGE_COLUMNS = ("image", "image_path", "image_file", "img", "img_path", "filename", "file_name", "images")
MASK_COLUMNS = ("mask", "mask_path", "mask_file", "label_path", "annotation_path", "annot", "masks")
SPLIT_COLUMNS = ("split", "subset", "partition", "part", "set", "fold")
_MOST_TABLE = 256 << 20
_SPLITS = ("splits", "split", "imagesets", "lists", "imagesets/segmentation", "imagesets/main")
_TAIL = 8  # masks whose values are looked at before a class table is believed


def recognise(tree: Tree, given: str) -> list[Recognised]:
    """All native layouts that fit, the surest first."""
    if given:
        return _file(tree, given)
    tree = _unwrapped(tree)
    found = [
        _config(tree, path) for path in tree.texts(".yaml", ".yml") if str(Path(path).parent) == tree.root
    ]
    found += [_table(tree), _folders(tree)]
    return [f for f in found if f is not None]


def _unwrapped(tree: Tree, deepest: int = 4) -> Tree:
    """The tree of the one folder that holds the data: as archives unpack, and as VOCdevkit holds VOC2012."""
    voc = {str(PurePosixPath(path).parent) for path in tree.named("jpegimages")} - {"."}
    top = tree.folders[""]
    if len(voc) == 1:
        return read_tree(tree.path(voc.pop()))
    bare = not top.images and not top.texts and deepest
    if bare and len(top.folders) == 1 and top.folders[0].lower() not in IMAGE_NAMES:
        return _unwrapped(read_tree(tree.path(top.folders[0])), deepest - 1)
    return tree


def _file(tree: Tree, given: str) -> list[Recognised]:
    if given.lower().endswith((".yaml", ".yml")):
        config = _config(tree, given)
        return [config] if config else []
    if given.lower().endswith((".csv", ".tsv")) and is_table(Path(given)):
        return [_named_table(tree, given)]
    return []


def _config(tree: Tree, path: str) -> Recognised | None:
    try:
        data = read_yaml(Path(path)).get("data")
    except (ConfigError, RecursionError):
        data = (
            {"images_dir": ""} if Path(path).name == "lathe.yaml" else None
        )  # its fault is told when it is read
    if not isinstance(data, dict) or not any(k in data for k in ("images_dir", "table", "split_dir")):
        return None
    said = f"{Path(path).name} is a configuration of Lathe."
    return Recognised("lathe", "Configuration of Lathe", tree.root, 100, said, (path,), {"config": path})


def is_table(path: Path) -> bool:
    """Whether a CSV file has a column of images and one of masks."""
    return _columns(path) is not None


def _columns(path: Path) -> tuple[str, str] | None:
    """The names of the two columns as they are written."""
    names = {name.lower(): name for name in _header(path)}
    image = next((names[n] for n in IMAGE_COLUMNS if n in names), None)
    mask = next((names[n] for n in MASK_COLUMNS if n in names), None)
    return (image, mask) if image and mask else None


def _split_column(path: Path) -> str:
    """A column that says the part of every row, and names training and validation; else empty."""
    columns = [name for name in _header(path) if name.lower() in SPLIT_COLUMNS]
    if not columns or path.stat().st_size > _MOST_TABLE:
        return ""
    lines = read_text(path).splitlines()
    delimiter = max(",;\t", key=lines[0].count)
    parts: dict[str, set[str | None]] = {column: set() for column in columns}
    for row in csv.DictReader(lines, delimiter=delimiter, skipinitialspace=True):
        for column, found in parts.items():
            word = (row.get(column) or "").strip()
            found.add(part_of([word]) if word.isalpha() else None)
    return next((c for c, found in parts.items() if found >= {"train", "val"} and None not in found), "")


def _header(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            line = handle.readline(1 << 16)
        return [name.strip() for name in next(csv.reader([line], delimiter=max(",;\t", key=line.count)), [])]
    except (OSError, UnicodeDecodeError, csv.Error):
        return []


def _table(tree: Tree) -> Recognised | None:
    top = tree.folders[""]
    tables = [tree.path(name) for name in sorted(top.texts) if name.lower().endswith(".csv")]
    path = next((path for path in tables if is_table(Path(path))), None)
    if path is None:
        return None
    here = {name.casefold() for name in top.folders}
    both = here.intersection(IMAGE_NAMES) and here.intersection(MASK_NAMES)
    found = _named_table(tree, path)
    return (
        Recognised(found.format, found.title, found.root, 35, found.said, found.files, found.options)
        if both
        else found
    )


def _named_table(tree: Tree, path: str) -> Recognised:
    image, mask = _columns(Path(path)) or ("image", "mask")
    options = {"table": path}
    if (image, mask) != ("image", "mask"):
        options |= {"image_column": image, "mask_column": mask}
    said = f"{Path(path).name} is a table with the columns {image} and {mask}."
    if split := _split_column(Path(path)):
        options["split_column"] = split
        said += f" Its column {split} says the parts."
    return Recognised("table", "CSV table", tree.root, 75, said, (path,), options)


def _has_images(tree: Tree, name: str) -> bool:
    """Whether images lie under a folder of the root: that of the boxes of Pascal VOC, Annotations, holds none."""
    return any(f.images for path, f in tree.folders.items() if path.split("/")[0] == name)


def _has_splits(folder: Path) -> bool:
    return (folder / "train.txt").is_file() and (folder / "val.txt").is_file()


def _folders(tree: Tree) -> Recognised | None:
    """Folders with the usual names, or images and masks side by side, perhaps with split files."""
    root = Path(tree.root)
    folders = {name.casefold(): root / name for name in tree.folders[""].folders}
    images = next((folders[n] for n in IMAGE_NAMES if n in folders), None)
    named = [folders[n] for n in MASK_NAMES if n in folders]
    masks = next((f for f in [*(f for f in named if _has_images(tree, f.name)), *named]), None)
    inside = {p.casefold(): root / p for p in tree.folders if p}
    splits = next((p for p in (root, *(inside[n] for n in _SPLITS if n in inside)) if _has_splits(p)), None)
    if images and masks:
        options: dict[str, Any] = {"images_dir": str(images), "masks_dir": str(masks)}
        said = f"The folders {images.name} and {masks.name} hold images and masks."
    elif splits and not images:
        options, said = {}, "Lists of training and validation images."
    elif images:
        options = {"images_dir": str(images), "masks_dir": str(images)}
        said = f"The folder {images.name} holds images and masks side by side."
    elif tree.images:
        options, said = {"images_dir": str(root), "masks_dir": str(root)}, "Images and masks side by side."
    else:
        return None
    voc = bool(
        images
        and masks
        and images.name.lower() == "jpegimages"
        and masks.name.lower().startswith("segmentation")
    )
    if splits:
        options["split_dir"] = str(splits)
        said += f" train.txt and val.txt in {splits.name} say the parts." if images else ""
    options |= _meaning(tree, masks, voc)
    names = (
        ("voc", "Pascal VOC")
        if voc
        else ("lists", "Split files")
        if splits
        else ("folders", "Folders of images and masks")
    )
    return Recognised(*names, tree.root, 85 if voc else 65 if splits else 40, said, options=options)


def _meaning(tree: Tree, masks: Path | None, voc: bool) -> dict[str, Any]:
    """What the values mean, where a table of classes or a known convention says so and the first masks agree."""
    return known_meaning(tree, mask_values(tree, masks), voc)


def known_meaning(tree: Tree, values: Counter[int], voc: bool = False) -> dict[str, Any]:
    """Options that say what mask values mean, by a table of classes or a known convention; else empty."""
    if not values:
        return {}
    table = find_table(tree)
    if table is not None and (options := _by_table(table, set(values))):
        return options
    if voc and max(values.keys() - {255}, default=0) < len(VOC_CLASSES):
        return {"masks.meaning": "index", "masks.classes": list(VOC_CLASSES), "masks.ignore_value": 255}
    camvid = any(PurePosixPath(f).name.lower() == "trainannot" for f in tree.folders)
    if camvid and len(values) > 2 and max(values) <= CAMVID_VOID:
        return {
            "masks.meaning": "index",
            "masks.classes": list(CAMVID_CLASSES),
            "masks.ignore_value": CAMVID_VOID,
        }
    return {}


def _by_table(table: ClassTable, seen: set[int]) -> dict[str, Any]:
    """Options from a table whose values hold all that occur; 255 is ignored where no class has it."""
    values = table.values or list(range(len(table.names)))
    if table.colours:
        grey = [c[0] for c in table.colours if c[0] == c[1] == c[2]]
        values = grey if len(grey) == len(table.names) else values
    names = list(table.names)
    if (
        not table.values
        and names[0].lower() not in BACKGROUND_NAMES | IGNORE_NAMES
        and max(seen - {255}, default=0) == len(names)
    ):
        names, values = ["background", *names], list(range(len(names) + 1))
    if seen == {0, 255} and 255 not in values:  # black and white: one object, if the table names one
        return {"masks.meaning": "binary", "masks.classes": names} if len(names) == 2 else {}
    ignored = [v for n, v in zip(names, values, strict=True) if n.strip().lower() in IGNORE_NAMES]
    kept = [(n, v) for n, v in zip(names, values, strict=True) if v not in ignored]
    classes, numbers = [n for n, _ in kept], [v for _, v in kept]
    ignore = ignored[0] if ignored else 255 if 255 in seen and 255 not in numbers else None
    if (
        len(classes) < 2
        or len(classes) > MAX_CLASSES
        or not seen <= {*numbers, *([] if ignore is None else [ignore])}
    ):
        return {}
    if len(set(classes)) < len(classes) or len(set(numbers)) < len(numbers) or len(ignored) > 1:
        return {}
    options: dict[str, Any] = {
        "masks.meaning": "index",
        "masks.classes": classes,
        "masks.ignore_value": ignore,
    }
    return options if numbers == list(range(len(numbers))) else options | {"masks.values": numbers}


def some_masks(tree: Tree, masks: Path | None) -> list[str]:
    """Paths of a few masks: from their folder, else from folders whose names say that they hold masks."""
    folders = []
    for relative, folder in tree.folders.items():
        here = Path(tree.path(relative))
        name = PurePosixPath(relative).name.lower()
        if (here == masks or (masks is not None and masks in here.parents)) or (
            masks is None and (name in MASK_NAMES or name.endswith(("annot", "_labels", "_masks")))
        ):
            folders.append((here, sorted(folder.some_images)))
    per_folder = max(1, _TAIL // max(1, len(folders)))
    return [str(here / name) for here, names in folders for name in names[:per_folder]][:_TAIL]


def mask_values(tree: Tree, masks: Path | None) -> Counter[int]:
    """Pixels of each value in a few masks; empty where they are coloured or cannot be read."""
    counts: Counter[int] = Counter()
    for path in some_masks(tree, masks):
        try:
            for band in read_mask_bands(path):
                counts.update(count_values(band))
        except ColourMaskError:
            return Counter()
        except UnreadableImageError:
            continue
    return counts

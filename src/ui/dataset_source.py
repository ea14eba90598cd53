"""Guesses from a folder where its images and masks are, and says so; nothing is decided about their meaning
here."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from src.core.config import (
    ConfigError,
    Layer,
    Resolved,
    file_layer,
    nest,
    preset_layer,
    presets,
    read_yaml,
    resolve,
)
from src.core.dataset.image_files import IMAGE_SUFFIXES
from src.tasks.catalog import task_info

_IMAGES = ("images", "imgs", "image", "img", "jpegimages", "photos", "pictures", "inputs")
_MASKS = (
    "masks",
    "mask",
    "labels",
    "label",
    "annotations",
    "segmentationclass",
    "gt",
    "groundtruth",
    "ground_truth",
    "targets",
)
_SPLITS = ("splits", "split", "imagesets", "lists")
#: A folder is looked into only so far: it may hold a million files.
_LOOK_AT = 3000


@dataclass
class Source:
    """Where a data set is.

    Attributes:
        folder: What the person opened.
        resolved: Configuration that describes it, ready for the check.
        paths: The data options that were found, without ``data.``: what the training dialog starts from.
        config_file: A configuration that lies in the folder, if one does.
    """

    folder: Path
    resolved: Resolved[Any]
    paths: dict[str, str] = field(default_factory=dict)
    config_file: Path | None = None


class SourceError(Exception):
    """A folder in which no data set is recognised; the message says what is expected."""


def find_source(folder: Path, task: str = "segmentation") -> Source:
    """Look at a folder.

    Raises:
        SourceError: There are no images in it, or it cannot be read, or its configuration is wrong.
    """
    info = task_info(task)
    try:
        config = next((p for p in sorted(folder.glob("*.y*ml")) if _is_config(p)), None)
        paths = {} if config else _paths(folder)
        layers = [preset_layer(task, next(iter(presets(task))))] if presets(task) else []
        if config:
            layers.append(file_layer(config, info.config))
        layers.append(Layer("dialog", nest({f"data.{k}": v for k, v in paths.items()})))
        resolved = resolve(info.config, layers)
    except OSError as error:
        raise SourceError(
            f"{folder} cannot be read: {error.strerror or error}. Check the folder and its permissions."
        ) from None
    except ConfigError as error:
        raise SourceError(f"The configuration in {folder} cannot be used. {error}") from None
    if config:
        data: Any = resolved.config.model_dump()["data"]
        names = ("images_dir", "masks_dir", "split_dir", "table")
        paths = {k: v for k in names if (v := data.get(k))}
    return Source(folder, resolved, paths, config)


def _is_config(path: Path) -> bool:
    try:
        values = read_yaml(path)
    except ConfigError:
        return False
    return isinstance(values.get("data"), dict) and any(
        k in values["data"] for k in ("images_dir", "table", "split_dir")
    )


def _paths(folder: Path) -> dict[str, str]:
    children = sorted(folder.iterdir())
    folders = {p.name.casefold(): p for p in children if p.is_dir()}
    images = next((folders[n] for n in _IMAGES if n in folders), None)
    masks = next((folders[n] for n in _MASKS if n in folders), None)
    splits = (
        folder
        if _has_splits(folder)
        else next((folders[n] for n in _SPLITS if n in folders and _has_splits(folders[n])), None)
    )
    table = next((p for p in children if p.suffix.lower() == ".csv" and _is_table(p)), None)
    if table and not (images and masks):
        return {"table": str(table)}
    if images and masks:
        found = {"images_dir": str(images), "masks_dir": str(masks)}
    elif splits and not images:
        found = {}
    elif images:
        found = {"images_dir": str(images), "masks_dir": str(images)}
    elif _holds_images(folder.rglob("*")):
        found = {"images_dir": str(folder), "masks_dir": str(folder)}
    else:
        raise SourceError(
            f"No images were found in {folder}. Open a folder that holds “images” and “masks” "
            "(a mask has the name of its image), or images and masks side by side, "
            "or a CSV table with the columns image and mask."
        )
    return {**found, "split_dir": str(splits)} if splits else found


def _has_splits(folder: Path) -> bool:
    return (folder / "train.txt").is_file() and (folder / "val.txt").is_file()


def _is_table(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            head = next(csv.reader(handle), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return False
    return {"image", "mask"} <= {name.strip().lower() for name in head}


def _holds_images(paths: Iterable[Path]) -> bool:
    for count, path in enumerate(paths):
        if path.suffix.lower() in IMAGE_SUFFIXES:
            return True
        if count > _LOOK_AT:
            return False
    return False

"""Data sets from predictions: of what a person accepted, and of what a model is sure of. Never mixed up with human labels.

Every such set has a folder of its own with ``table.csv`` (image, mask, split, pseudo, labelled_by), ``lathe.yaml`` and
``provenance.json``. ``pseudo`` is 1 for masks that a model made.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from src import __version__
from src.core.dataset.files.image_files import UnreadableImageError
from src.core.dataset.files.mask_files import read_mask
from src.core.dataset.findings import Finding, counted, named
from src.core.dataset.formats.making import CONFIG_NAME, TABLE_NAME
from src.core.dataset.formats.writing import all_or_nothing, mask_name, write_png, write_text, write_yaml
from src.core.dataset.masks import IGNORE_INDEX, MaskMeaning, MaskValueError
from src.core.prediction.decisions import Decisions
from src.core.prediction.index import read_index
from src.core.run import workspace
from src.core.run.folder import slug

PROVENANCE_NAME = "provenance.json"
#: Ignored pixels in the masks of two classes, whose object is 255.
BINARY_IGNORED = 128
COLUMNS = ("image", "mask", "split", "pseudo", "labelled_by")


@dataclass(frozen=True)
class Labelled:
    """An image with its mask.

    Attributes:
        name: Relative name of the image.
        image: Absolute path.
        mask: Absolute path of a mask whose values ``meaning`` of the set explains, or of one with ``meaning`` of its own.
        split: ``train``, ``val``, ``test`` or empty.
        pseudo: A model made the mask.
        by: Who labelled it: ``human``, ``model``, ``model, accepted``.
        meaning: Of the values of this mask, where they are not those that are written; None copies the file.
        size: Height and width of an image without a mask: nothing is on it.
    """

    name: str
    image: str
    mask: str | None
    split: str = ""
    pseudo: bool = False
    by: str = "human"
    meaning: MaskMeaning | None = None
    size: tuple[int, int] = (0, 0)


@dataclass
class Made:
    """A data set that was written: where, how many images, and what a person should know."""

    folder: Path
    images: int = 0
    findings: list[Finding] = field(default_factory=list)


def written_meaning(classes: tuple[str, ...], binary: bool) -> MaskMeaning:
    """What the values of masks in these sets mean: 0 and 255 of two classes, else class numbers."""
    if binary:
        return MaskMeaning("binary", classes, ignore_value=BINARY_IGNORED)
    return MaskMeaning("index", classes, tuple(range(len(classes))), ignore_value=IGNORE_INDEX)


def values_of(labels: np.ndarray, binary: bool) -> np.ndarray:
    """Mask values from class numbers (255 ignored), as `written_meaning` has them."""
    if not binary:
        return labels
    table = np.zeros(256, np.uint8)
    table[1], table[IGNORE_INDEX] = 255, BINARY_IGNORED
    return np.asarray(table[labels])


def free_folder(name: str) -> Path:
    """A folder that does not exist yet under the workspace's ``datasets``."""
    base, number = workspace() / "datasets" / slug(name, 120), 1
    folder = base
    while folder.exists():
        number += 1
        folder = base.with_name(f"{base.name}_{number}")
    return folder


def make_dataset(
    target: Path,
    entries: Iterable[Labelled],
    classes: tuple[str, ...],
    binary: bool,
    provenance: Mapping[str, Any],
    copy_images: bool = False,
) -> Made:
    """Write a data set, all or nothing; what it is made from is only read.

    Args:
        target: A folder that does not exist, or is empty.
        entries: Its images.
        classes, binary: Of the masks.
        provenance: Kept as it is in ``provenance.json``.
        copy_images: Copy the images; else the table names them where they are.

    Raises:
        ImportFailedError: the folder cannot be written; nothing is left behind.
        FileExistsError: it holds something.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise FileExistsError(f"{target} exists and holds something. Choose another folder.")
    meaning = written_meaning(classes, binary)

    def write(part: Path) -> Made:
        made, rows, taken, left_out = Made(target), [], set[str](), []
        for entry in entries:
            mask = mask_name(entry.name, taken)
            try:
                image = _place_image(part, entry, mask, copy_images)
                _place_mask(part / "masks" / mask, entry, binary)
            except (UnreadableImageError, MaskValueError, FileNotFoundError) as error:
                left_out.append(f"{entry.name} ({error})")
                continue
            rows.append([image, f"masks/{mask}", entry.split, int(entry.pseudo), entry.by])
        made.images = len(rows)
        splits = any(row[2] for row in rows)
        with (part / TABLE_NAME).open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows([COLUMNS, *rows])
        data: dict[str, Any] = {"table": TABLE_NAME, "masks": _masks_section(meaning)}
        if splits:
            data["split_column"] = "split"
        write_yaml(part / CONFIG_NAME, {"data": data})
        facts = {"lathe": __version__, "made": datetime.now(UTC).isoformat(timespec="seconds"), **provenance}
        write_text(part / PROVENANCE_NAME, json.dumps(facts, ensure_ascii=False, indent=1) + "\n")
        if left_out:
            text = f"{counted(len(left_out), 'image')} could not be taken into the data set."
            made.findings.append(
                Finding("warning", "dataset.left_out", text, "Check the files.", named(left_out))
            )
        return made

    return all_or_nothing(target, write)


def _masks_section(meaning: MaskMeaning) -> dict[str, Any]:
    section: dict[str, Any] = {
        "meaning": meaning.kind, "classes": list(meaning.classes), "ignore_value": meaning.ignore_value,
    }  # fmt: skip
    return section | ({"threshold": 127, "foreground": "bright"} if meaning.kind == "binary" else {})


def _place_image(part: Path, entry: Labelled, mask: str, copy: bool) -> str:
    if not copy:
        if not os.path.isfile(entry.image):  # noqa: PTH113
            raise UnreadableImageError(entry.image, "does not exist any more")
        return entry.image
    name = PurePosixPath("images", mask).with_suffix(Path(entry.image).suffix).as_posix()
    (part / name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(entry.image, part / name)
    return name


def _place_mask(place: Path, entry: Labelled, binary: bool) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if entry.mask is None:
        write_png(place, np.zeros(entry.size, np.uint8))
    elif entry.meaning is None:
        shutil.copyfile(entry.mask, place)
    else:
        write_png(place, values_of(entry.meaning.encode(read_mask(entry.mask)), binary))


def accepted(folder: Path, decisions: Decisions) -> Iterator[Labelled]:
    """The images of a folder of predictions that a person accepted, as they are now."""
    for name, found in read_index(folder).items():
        if found.error or not found.mask:
            continue
        if decisions.of(name, (found.size, found.mtime_ns)) == "accepted":
            yield Labelled(name, found.path, str(folder / found.mask), "", True, "model, accepted")


def export_accepted(folder: Path, target: Path, copy_images: bool = False) -> Made:
    """Make a data set of what a person accepted.

    Args:
        folder: Of predictions.
        target: New folder.
        copy_images: See `make_dataset`.

    Raises:
        ImportFailedError, FileExistsError, DecisionsError: see there.
        ValueError: nothing was accepted, or the folder holds no predictions.
    """
    try:
        header = json.loads((folder / "prediction.json").read_bytes())
        classes = tuple(str(name) for name in header["classes"])
        binary = bool(header["binary"])
    except (OSError, ValueError, KeyError, TypeError):
        raise ValueError(f"{folder} holds no predictions.") from None
    entries = list(accepted(folder, Decisions(folder)))
    if not entries:
        raise ValueError("No image was accepted yet. Accept some predictions first.")
    provenance = {
        "kind": "accepted predictions", "predictions": str(folder), "prediction": header,
        "note": "A model made these masks and a person accepted them. A person who sees a proposal overlooks more than one "
        "who starts afresh, so use them for training rather than as a measure.",
    }  # fmt: skip
    return make_dataset(target, entries, classes, binary, provenance, copy_images)


def human_labels(description: Mapping[str, Any]) -> list[Labelled]:
    """The images of a run's data set with the parts they were in; empty where the description says none."""
    try:
        meaning = MaskMeaning.from_dict(description["meaning"])
        return [
            Labelled(str(s["id"]), str(s["image"]), s.get("mask"), part, False, "human", meaning,
                     (int(s.get("height") or 0), int(s.get("width") or 0)))
            for part in ("train", "val", "test") for s in description["samples"].get(part, [])
        ]  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError):
        return []


def without_held_out(entries: list[Labelled], human: list[Labelled]) -> tuple[list[Labelled], list[str]]:
    """Leave out pseudo-labelled images that are (copies of) images with human labels: those keep theirs, and the ones of
    validation and test must not come into training.

    Returns:
        The others, and the names of those left out.
    """
    known = labelled_before((entry.image for entry in entries), human)
    return [e for e in entries if e.image not in known], [e.name for e in entries if e.image in known]


def labelled_before(images: Iterable[str], human: Iterable[Labelled]) -> set[str]:
    """Those of the image files that people have labelled already: the same file, or a copy of it."""
    sizes: dict[int, list[str]] = {}
    for entry in human:
        try:
            sizes.setdefault(Path(entry.image).stat().st_size, []).append(entry.image)
        except OSError:
            continue
    digests: dict[str, str] = {}

    def digest(path: str) -> str:
        if path not in digests:
            with Path(path).open("rb") as stream:
                digests[path] = hashlib.file_digest(stream, "sha256").hexdigest()
        return digests[path]

    known = set()
    for image in images:
        with contextlib.suppress(OSError):
            alike = sizes.get(Path(image).stat().st_size, [])
            if any(digest(other) == digest(image) for other in alike):
                known.add(image)
    return known

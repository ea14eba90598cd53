"""Carrying out an export: the same for all formats, all or nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np

from src.core.dataset.checking.scan import DescriptionCancelledError
from src.core.dataset.config import ImageDataConfig
from src.core.dataset.describe import describe
from src.core.dataset.description import DatasetDescription
from src.core.dataset.export.writers import CocoWriter, MaskWriter, Picture, Writer, YoloWriter
from src.core.dataset.files.images import read_mask
from src.core.dataset.findings import DatasetError, Finding, counted
from src.core.dataset.formats.book import BACKGROUND_NAMES, Cancelled, ImportCancelledError, Progress
from src.core.dataset.formats.native_plan import configuration
from src.core.dataset.formats.recognition import nothing_known, recognise
from src.core.dataset.formats.remarks import refused
from src.core.dataset.formats.threads import in_threads
from src.core.dataset.formats.writing import all_or_nothing, safe_path
from src.core.dataset.masks import IGNORE_INDEX, MaskMeaning
from src.core.dataset.records import SPLITS, Sample, Split
from src.core.report.text import typed

Images = Literal["copy", "reference"]
EXPORTS: dict[str, type[Writer]] = {"masks": MaskWriter, "coco": CocoWriter, "yolo": YoloWriter}


@dataclass
class Exported:
    """What was written.

    Attributes:
        folder: Where.
        images: Number of images.
        objects: Connected parts of one class; 0 for masks.
        findings: What the format cannot say, and notices of the data set.
    """

    folder: Path
    images: int = 0
    objects: int = 0
    findings: list[Finding] = field(default_factory=list)


def source_config(source: str | os.PathLike[str]) -> ImageDataConfig:
    """The data options of a configuration, folder or table.

    Raises:
        DatasetError: nothing that is known lies there, or annotations that have to be imported first.
        ConfigError: a faulty configuration.
    """
    found = recognise(source)
    if not found:
        raise nothing_known(source)
    if not found[0].as_it_is:
        text = f"{source} holds annotations ({found[0].title}), not masks."
        raise DatasetError(refused("foreign", text, f"Import them first: {typed('import', source)}"))
    return configuration(found[0])[0]


def export_dataset(
    config: ImageDataConfig,
    form: str,
    folder: str | os.PathLike[str],
    images: str = "copy",
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> Exported:
    """Write a data set in another format; its own files are only read.

    Args:
        config: The data set.
        form: A key of ``EXPORTS``.
        folder: A folder that does not exist yet, or is empty.
        images: ``copy``, or ``reference`` to name them where they are.
        progress: Called with done, total and a word, from the calling thread.
        cancelled: Asked often; true ends it and leaves nothing behind.

    Raises:
        DatasetError: the data have errors, the folder is taken, or the format needs copies.
        ImportFailedError: the disk is full, or the folder cannot be written.
        ImportCancelledError: ``cancelled`` said so.
    """
    target = Path(os.path.abspath(folder))  # noqa: PTH100
    writer = EXPORTS[form]
    if images == "reference" and not writer.can_reference:
        text = "YOLO looks for labels beside the images, so images cannot be named elsewhere."
        raise DatasetError(refused("reference", text, "Copy the images."))
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DatasetError(
            refused("taken", f"{target} exists and holds something.", "Choose another folder.")
        )
    try:
        data = describe(config, progress, cancelled)
    except DescriptionCancelledError as error:
        raise ImportCancelledError("Cancelled.") from error
    if data.has_errors or data.meaning is None:
        raise DatasetError(data.findings or refused("unclear", "It is not clear what the mask values mean."))
    meaning = data.meaning

    def write(part: Path) -> Exported:
        return _write(data, meaning, writer(part, target), images == "reference", progress, cancelled)

    done = all_or_nothing(target, write)
    return replace(done, folder=target)


def _write(
    data: DatasetDescription,
    meaning: MaskMeaning,
    writer: Writer,
    reference: bool,
    progress: Progress | None,
    cancelled: Cancelled | None,
) -> Exported:
    writer.begin(*_classes(meaning))
    done = Exported(writer.folder)
    ignored_images = ignored_pixels = 0

    def make(job: tuple[Sample, Split, str]) -> tuple[Picture, object, int]:
        sample, part, name = job
        labels = _labels(sample, meaning)
        image = sample.image
        if not reference:
            image = writer.image_place(name, part)
            place = writer.folder / image
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(sample.image, place)
        picture = Picture(name, part, image, labels.shape[1], labels.shape[0])
        return picture, writer.draw(picture, labels), int(np.count_nonzero(labels == IGNORE_INDEX))

    total = len(data.all_samples)
    with writer:
        for number, (picture, drawn, ignored) in enumerate(
            in_threads(make, _named(data), cancelled), start=1
        ):
            done.objects += writer.add(picture, drawn)
            ignored_images += ignored > 0
            ignored_pixels += ignored
            if progress:
                progress(number, total, "Writing")
        done.images = total
        writer.end()
    if ignored_pixels and not writer.can_ignore:
        where = counted(ignored_images, "image")
        text = f"{ignored_pixels} pixels on {where} are ignored; {writer.title} cannot say that: they become background."
        done.findings.append(
            Finding("warning", "export.ignored", text, "Export as masks or COCO to keep them.")
        )
    if data.quarantined:
        text = f"{counted(len(data.quarantined), 'damaged file was', 'damaged files were')} left out."
        done.findings.append(Finding("warning", "export.left_out", text))
    return done


def _classes(meaning: MaskMeaning) -> tuple[list[str], int]:
    """Names of all classes, and the first class number that is an object: 1 where class 0 is background, else 0."""
    names = list(meaning.classes)
    plain = meaning.kind == "binary" or names[0].strip().lower() in BACKGROUND_NAMES
    return names, 1 if plain else 0


def _labels(sample: Sample, meaning: MaskMeaning) -> np.ndarray:
    if sample.mask is None:
        return np.zeros((sample.height, sample.width), np.uint8)
    return meaning.encode(read_mask(sample.mask))


def _named(data: DatasetDescription) -> Iterator[tuple[Sample, Split, str]]:
    """Each sample with a relative path for its image whose name without suffix is its own."""
    taken: set[str] = set()
    for part in SPLITS:
        for sample in data.samples.get(part, []):
            # YOLO turns the last folder “images” of a path into “labels”: there shall be one only
            inner = [p for p in PurePosixPath(safe_path(sample.id)).parts[:-1] if p.lower() != "images"]
            path = PurePosixPath(*inner, PurePosixPath(safe_path(sample.id)).name)
            stem, number = path.with_suffix("").as_posix(), 1
            name = stem
            while name.casefold() in taken:
                number += 1
                name = f"{stem}-{number}"
            taken.add(name.casefold())
            yield sample, part, name + path.suffix

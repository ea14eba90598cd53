"""``objects.csv`` and ``coco.json``, made anew from the index and from what was noted of each image's objects."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from src.core.prediction.index import Prediction, read_objects
from src.core.prediction.objects import COLUMNS, table_rows
from src.core.prediction.pictures import part_name

CSV_NAME = "objects.csv"
COCO_NAME = "coco.json"


def write_tables(
    folder: Path, index: Mapping[str, Prediction], classes: list[str], background: bool, coco: bool
) -> list[Path]:
    """Write ``objects.csv`` and, where asked for, ``coco.json``; raises OSError.

    Args:
        folder: Of the predictions.
        index: Images in the order of the tables; those with an error have no rows.
        classes: Names of all classes.
        background: Class 0 is background.
        coco: Write the latter too; its objects need their run lengths in ``objects.jsonl``.
    """
    good = [found for found in index.values() if not found.error]
    written = [_whole(folder / CSV_NAME, lambda stream: _csv(stream, folder, good, classes), bom=True)]
    if coco:
        first = 1 if background else 0
        written.append(_whole(folder / COCO_NAME, lambda stream: _coco(stream, folder, good, classes, first)))
    return written


def _whole(path: Path, write: Callable[[IO[str]], None], bom: bool = False) -> Path:
    beside = part_name(path)
    try:
        # With its mark of UTF-8 Excel reads names of any language
        with beside.open(
            "w", encoding="utf-8-sig" if bom else "utf-8", newline="", errors="replace"
        ) as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    return path


def _csv(stream: IO[str], folder: Path, good: list[Prediction], classes: list[str]) -> None:
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for found in good:
        writer.writerows(table_rows(found.name, read_objects(folder, found), classes))


def _coco(stream: IO[str], folder: Path, good: list[Prediction], classes: list[str], first: int) -> None:
    """COCO's form with a ``score`` in each annotation; category n is the n-th class that is an object."""
    stream.write('{"info": {"description": "Predicted by Lathe"},\n"images": [\n')
    _listed(stream, ({"id": n, "file_name": found.name, "width": found.width, "height": found.height}
                     for n, found in enumerate(good, start=1)))  # fmt: skip
    stream.write('],\n"categories": ')
    names = enumerate(classes[first:], start=1)
    json.dump([{"id": n, "name": name, "supercategory": ""} for n, name in names], stream, ensure_ascii=False)
    stream.write(',\n"annotations": [\n')
    _listed(stream, _annotations(folder, good, first))
    stream.write("]}\n")


def _listed(stream: IO[str], entries: Iterator[dict[str, Any]]) -> None:
    for number, entry in enumerate(entries):
        stream.write(",\n" if number else "")
        json.dump(entry, stream, ensure_ascii=False)
    stream.write("\n")


def _annotations(folder: Path, good: list[Prediction], first: int) -> Iterator[dict[str, Any]]:
    number = 0
    for image, found in enumerate(good, start=1):
        for entry in read_objects(folder, found):
            if "rle" not in entry:
                continue
            number += 1
            yield {
                "id": number, "image_id": image, "category_id": entry["class"] - first + 1, "iscrowd": 0,
                "bbox": entry["box"], "area": entry["area"], "score": entry["score_mean"],
                "segmentation": {"size": [found.height, found.width], "counts": entry["rle"]},
            }  # fmt: skip

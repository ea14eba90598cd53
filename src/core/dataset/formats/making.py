"""Making the data set of a plan: masks, table, configuration and provenance, all or nothing."""

from __future__ import annotations

import csv
import io
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from src import __version__
from src.core.dataset.files.image_files import UnreadableImageError
from src.core.dataset.findings import DatasetError, Finding, counted
from src.core.dataset.formats.book import AnnotationError, Book, Cancelled, Item, Progress
from src.core.dataset.formats.measuring import draw_item
from src.core.dataset.formats.plan import RULES_VERSION, ImportPlan, Outcome
from src.core.dataset.formats.remarks import refused
from src.core.dataset.formats.shapes import MERGE_WORDS, Merge
from src.core.dataset.formats.threads import in_threads
from src.core.dataset.formats.writing import (
    all_or_nothing,
    mask_name,
    safe_path,
    write_png,
    write_text,
    write_yaml,
)
from src.core.dataset.masks import IGNORE_INDEX
from src.core.run import workspace

PROVENANCE_NAME = "import.json"
CONFIG_NAME = "lathe.yaml"
TABLE_NAME = "table.csv"
_MOST_DIGESTS = 1000


def default_folder(name: str) -> Path:
    """Where the data set of a name goes unless something else is said."""
    return workspace() / "datasets" / name


def carry_out(
    plan: ImportPlan,
    folder: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> Path:
    """Write the data set that a plan describes; the source is never changed.

    The folder holds ``masks/`` (PNG of class numbers, 255 is ignored), ``table.csv`` (image, mask, split), ``lathe.yaml``
    and ``import.json``; where the engine reads the source as it is, only the last two. It appears under its name when it
    is complete. Where the same import was made before, nothing is written.

    Args:
        plan: From ``plan_import``; its ``outcome`` says more about what was done.
        folder: The new data set; ``None`` takes a free name in the workspace's ``datasets``.
        progress: Called with done, total and a word, from the calling thread.
        cancelled: Asked often; true ends it.

    Returns:
        The folder of the data set.

    Raises:
        DatasetError: the plan has errors, or the folder is taken by something else.
        ImportFailedError: the disk is full, or the folder cannot be written.
        ImportCancelledError: ``cancelled`` said so. Nothing is left behind in any of these cases.
    """
    if plan.has_errors:
        raise DatasetError(plan.findings)
    target = Path(os.path.abspath(folder)) if folder is not None else _free(plan)  # noqa: PTH100
    if same_import(plan, target):
        plan.outcome = Outcome(target, unchanged=True, findings=list(plan.findings))
        return target
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DatasetError(
            refused("taken", f"{target} exists and holds something else.", "Choose another folder.")
        )

    def write(part: Path) -> Outcome:
        return _write_all(plan, part, target, progress, cancelled)

    plan.outcome = all_or_nothing(target, write)
    return target


def same_import(plan: ImportPlan, folder: Path) -> bool:
    """Whether the data set of this very plan lies in a folder, complete."""
    try:
        data = json.loads((folder / PROVENANCE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return (
        isinstance(data, dict)
        and bool(plan.fingerprint)
        and data.get("fingerprint") == plan.fingerprint
        and data.get("source") == plan.recognised.root
        and (folder / CONFIG_NAME).is_file()
    )


def _free(plan: ImportPlan) -> Path:
    """The plan's name in the workspace, with a number behind it where another data set has that name."""
    first = default_folder(plan.name)
    number, target = 1, first
    while target.exists() and not same_import(plan, target):
        number += 1
        target = first.with_name(f"{first.name}-{number}")
    return target


def _write_all(
    plan: ImportPlan, part: Path, target: Path, progress: Progress | None, cancelled: Cancelled | None
) -> Outcome:
    outcome = Outcome(target)
    if plan.book is None:
        _write_native(plan, part)
        outcome.findings = list(plan.findings)
    else:
        assert plan.merge is not None, "a plan with a book has a rule"
        rows = _write_masks(plan.book, plan.merge, part, target, outcome, progress, cancelled)
        if not rows:
            raise DatasetError(
                [
                    *plan.book.remarks.findings(),
                    refused("no_masks", "No mask could be drawn.", "See the warnings."),
                ]
            )
        _write_table(rows, part)
        _write_config(plan, rows, part)
        outcome.findings = [
            f for f in plan.findings if f.code not in {r.code for r in plan.book.remarks.findings()}
        ]
        outcome.findings += plan.book.remarks.findings() + _overlap(outcome, plan.merge)
    write_text(
        part / PROVENANCE_NAME, json.dumps(_provenance(plan, outcome), ensure_ascii=False, indent=1) + "\n"
    )
    return outcome


def _write_masks(
    book: Book,
    merge: Merge,
    part: Path,
    target: Path,
    outcome: Outcome,
    progress: Progress | None,
    cancelled: Cancelled | None,
) -> list[tuple[Item, str, str]]:
    """Item, path of the image and of the mask (for the table) of each mask that could be written."""
    taken: set[str] = set()
    named = [(item, mask_name(item.id, taken)) for item in book.items]

    def make(pair: tuple[Item, str]) -> tuple[Item, str, str, int] | None:
        item, name = pair
        try:
            painted = draw_item(item, merge)
        except AnnotationError as error:
            book.remarks.add(error.kind, str(error))
            return None
        except (UnreadableImageError, ValueError, OSError) as error:
            book.remarks.add("mask_unreadable", f"{item.id}: {error}")
            return None
        if painted.mask.shape != (item.shown[1], item.shown[0]):
            book.remarks.add("mask_size", f"{item.id}: {painted.mask.shape[1]} x {painted.mask.shape[0]}")
            return None
        if painted.empty:
            book.remarks.add("empty", item.id, painted.empty)
        for reason in painted.broken:
            book.remarks.add("broken", f"{item.id}: {reason}")
        write_png(part / "masks" / name, painted.mask)
        image = item.image
        if not image and item.embedded is not None:
            image = f"images/{safe_path(item.id)}"
            (part / image).parent.mkdir(parents=True, exist_ok=True)
            (part / image).write_bytes(item.embedded())
        return item, image, f"masks/{name}", painted.overlap

    rows = []
    for done, row in enumerate(in_threads(make, named, cancelled), start=1):
        if progress:
            progress(done, len(named), "Drawing masks")
        if row is not None:
            rows.append(row[:3])
            outcome.overlap_pixels += row[3]
            outcome.overlap_images += row[3] > 0
    outcome.masks = len(rows)
    return rows


def _write_table(rows: list[tuple[Item, str, str]], part: Path) -> None:
    divided = rows[0][0].split is not None
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image", "mask", *(["split"] if divided else [])])
    for item, image, mask in rows:
        writer.writerow([image, mask, *([item.split] if divided else [])])
    write_text(part / TABLE_NAME, text.getvalue())


def _write_config(plan: ImportPlan, rows: list[tuple[Item, str, str]], part: Path) -> None:
    data: dict[str, Any] = {"table": TABLE_NAME, "image_column": "image", "mask_column": "mask"}
    if rows[0][0].split is not None:
        data["split_column"] = "split"
    if all(item.image and Path(item.image).is_relative_to(plan.recognised.root) for item, _, _ in rows):
        data["images_dir"] = plan.recognised.root
    data["masks"] = {"meaning": "index", "classes": plan.classes, "ignore_value": IGNORE_INDEX}
    write_yaml(part / CONFIG_NAME, {"data": data})


def _write_native(plan: ImportPlan, part: Path) -> None:
    if "config" in plan.recognised.options:
        from src.core.config import read_yaml
        from src.core.dataset.formats.native_plan import absolute_data

        values = {
            **read_yaml(Path(plan.recognised.options["config"])),
            "data": absolute_data(plan.recognised),
        }
        write_yaml(part / CONFIG_NAME, values)
        return
    data: dict[str, Any] = {}
    for key, value in plan.settings.items():
        place = data
        *above, last = key.split(".")
        for word in above:
            place = place.setdefault(word, {})
        place[last] = value
    write_yaml(part / CONFIG_NAME, {"data": data})


def _overlap(outcome: Outcome, merge: Merge) -> list[Finding]:
    if not outcome.overlap_pixels:
        return []
    where = counted(outcome.overlap_images, "image")
    text = f"{outcome.overlap_pixels} pixels on {where} belong to objects of different classes: {MERGE_WORDS[merge]}."
    return [Finding("notice", "import.overlap", text)]


def _provenance(plan: ImportPlan, outcome: Outcome) -> dict[str, Any]:
    digests = plan.book.digests if plan.book else {}
    return {
        "version": 1,
        "lathe": __version__,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "source": plan.recognised.root,
        "format": plan.recognised.format,
        "title": plan.recognised.title,
        "fingerprint": plan.fingerprint,
        "rules": {
            "version": RULES_VERSION,
            "merge": plan.merge,
            "merge_words": MERGE_WORDS[plan.merge] if plan.merge else "",
            "polygons": "pixel centres, coordinates to a fifth of a pixel, even-odd, as pycocotools"
            if plan.book
            else "",
        },
        "classes": plan.classes,
        "parts": plan.parts,
        "masks": outcome.masks,
        "overlap_pixels": outcome.overlap_pixels,
        "findings": [f.to_dict() for f in outcome.findings],
        "annotation_files": digests if len(digests) <= _MOST_DIGESTS else {"number": len(digests)},
    }

"""What a ranking says: its table, its document and its page. Torch-free."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from src.core.prediction.images import ImageFile
from src.core.prediction.pictures import part_name
from src.core.prediction.ranking import Ranking
from src.core.prediction.report import MOST_PICTURES, Page, Table, picture_address, settings_table, write_page
from src.core.report.text import number, percent
from src.core.run.folder import write_atomically

DOCUMENT_NAME, TABLE_NAME = "ranking.json", "ranking.csv"
COLUMNS = ("rank", "image", "path", "gain", "worth", "uncertainty", "novelty", "seen_share", "most_like")
_MOST_ROWS = 200


def table_of(
    images: Sequence[ImageFile], order: Ranking, scores: Sequence[Mapping[str, float]], new: np.ndarray | None
) -> list[dict[str, Any]]:
    """The rows of ``ranking.csv``, the first rank first.

    Args:
        images: ``N``.
        order: Of them.
        scores: ``uncertainty`` and ``seen`` of each.
        new: ``N`` novelty, or None.
    """
    return [
        {
            "rank": place, "image": images[n].name, "path": images[n].path, "gain": round(float(order.gain[n]), 6),
            "worth": round(float(order.worth[n]), 6), "uncertainty": round(float(scores[n]["uncertainty"]), 6),
            "novelty": None if new is None else round(float(new[n]), 6), "seen_share": round(float(scores[n]["seen"]), 6),
            "most_like": images[order.nearest[n]].name if order.nearest[n] >= 0 else "",
        }
        for place, n in enumerate(order.order.tolist(), start=1)
    ]  # fmt: skip


def explained(measure: str, sees: float, neighbours: int, references: int) -> list[str]:
    """What the numbers measure, and what they do not; ``references`` is 0 where novelty was not measured."""
    how = "the entropy of the model's probabilities"
    if measure == "margin":
        how = "how close its two most probable classes are"
    text = [
        f"Uncertainty is {how}, as the mean over the pixels where the model gives anything but background at least "
        f"{percent(sees)}. Where it sees nothing at all, it is 0: objects that a model overlooks with certainty are not "
        "found by it.",
    ]
    if references:
        text.append(
            "Novelty is the distance between what the model's encoder makes of the whole image and of the "
            f"{min(neighbours, references)} most alike of {references} training images. It notices another material, light or "
            "camera; a small object changes it little."
        )
    return [
        *text,
        "Both count by the place of the image among all these images, so the numbers of two rankings cannot be compared.",
        "An image loses worth the more it is like one ranked before it. The order was not checked against labels: it is a "
        "proposal. To measure how good a model is, label images that were drawn by chance instead.",
    ]


def write_documents(
    folder: Path, header: Mapping[str, Any], table: list[dict[str, Any]], suggested: int, about: list[str]
) -> None:
    """Write ``ranking.csv`` with all images and ``ranking.json`` with those suggested; raises OSError."""
    beside = part_name(folder / TABLE_NAME)
    try:
        with beside.open("w", encoding="utf-8-sig", newline="", errors="replace") as stream:
            writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(table)
        beside.replace(folder / TABLE_NAME)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    document = {**header, "about": about, "images": len(table), "suggested": table[:suggested]}
    text = json.dumps(document, ensure_ascii=False, indent=1)
    write_atomically(folder / DOCUMENT_NAME, text.encode("utf-8", "replace"))


def write_report(
    folder: Path,
    suggested: list[dict[str, Any]],
    said: list[str],
    about: list[str],
    settings: Mapping[str, Any],
) -> Path:
    """Write the page; raises OSError. ``settings`` has the ``Model``."""
    page = Page(f"Label these next: {settings['Model']}", said, explained=about)
    heads = ("Rank", "Image", "Uncertainty", "Novelty", "Most like, of those before")
    rows = [
        (row["rank"], row["image"], number(row["uncertainty"]), number(row["novelty"]), row["most_like"])
        for row in suggested[:_MOST_ROWS]
    ]
    page.tables = [Table("Suggestions", heads, rows, frozenset({0, 2, 3})), settings_table(settings)]
    page.pictures_title = "The first of them"
    for row in suggested[:MOST_PICTURES]:
        if address := picture_address(Path(row["path"])):
            page.pictures.append((address, f"{row['rank']}: {row['image']}"))
    return write_page(folder, page)

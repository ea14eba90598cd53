"""What tests of the import share."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np

from src.core.dataset.files.images import read_mask
from src.core.dataset.formats import ImportPlan, carry_out, plan_import, recognise


def planned(path: Path, **options: Any) -> ImportPlan:
    """The plan for the surest format."""
    return plan_import(recognise(path)[0], **options)


def codes(plan: ImportPlan) -> set[str]:
    """Kinds of the findings, without their prefix."""
    return {f.code.removeprefix("import.") for f in plan.findings}


def masks_of(folder: Path) -> dict[str, np.ndarray]:
    """The masks of an imported data set by the file name of the image."""
    with (folder / "table.csv").open(encoding="utf-8", newline="") as stream:
        return {Path(row["image"]).name: read_mask(folder / row["mask"]) for row in csv.DictReader(stream)}


def imported(path: Path, to: Path, **options: Any) -> dict[str, np.ndarray]:
    """Import and read the masks."""
    return masks_of(carry_out(planned(path, **options), to))


def coco(images: list[dict[str, Any]], annotations: list[dict[str, Any]], names: dict[int, str]) -> str:
    """The text of a COCO file."""
    categories = [{"id": number, "name": name} for number, name in names.items()]
    return json.dumps({"images": images, "annotations": annotations, "categories": categories}, indent=1)


def square(x: float, y: float, side: float) -> list[float]:
    """A flat list of corners."""
    return [x, y, x + side, y, x + side, y + side, x, y + side]

"""Annotations in which anything may stand anywhere: sentences, never a crash."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest
from dataset_files import Files
from imported import coco, square

from src.core.dataset.findings import DatasetError
from src.core.dataset.formats import carry_out, plan_import, recognise

JUNK: list[Any] = [None, True, -1, 1e308, float("inf"), float("nan"), "", "x", [], {}, [[]], [None], 10**30, {"a": 1},
                   [[1, 2, 3]], "9" * 5000, "\0", [1e300] * 8, [[1e18, -1e18] * 6]]  # fmt: skip


def damaged(value: Any, draw: random.Random, chance: float) -> Any:
    """A copy in which some values are replaced and some keys are gone."""

    def one(inner: Any) -> Any:
        return copy.deepcopy(draw.choice(JUNK)) if draw.random() < chance else damaged(inner, draw, chance)

    if isinstance(value, dict):
        return {key: one(inner) for key, inner in value.items() if draw.random() > chance / 2}
    return [one(inner) for inner in value] if isinstance(value, list) else value


def sound(kind: str) -> Any:
    if kind == "labelme":
        shapes = [{"label": f"c{n}", "points": [[n, 1], [9, 2], [5, 9]], "shape_type": t, "mask": "aGk="}
                  for n, t in enumerate(["polygon", "circle", "mask", "rectangle", None])]  # fmt: skip
        return {
            "shapes": shapes,
            "imagePath": "a.png",
            "imageHeight": 24,
            "imageWidth": 32,
            "imageData": "aGk=",
        }
    runs = {"size": [24, 32], "counts": [5, 700, 63]}
    notes = [
        {
            "id": n,
            "image_id": 1,
            "category_id": 1,
            "iscrowd": n % 2,
            "segmentation": [square(n, 1, 5)] if n % 3 else runs,
        }
        for n in range(6)
    ]
    return json.loads(
        coco([{"id": 1, "file_name": "a.png", "width": 32, "height": 24}], notes, {1: "x", 2: "y"})
    )


@pytest.mark.parametrize("kind", ["coco", "labelme"])
def test_any_value_anywhere(files: Files, tmp_path: Path, kind: str) -> None:
    files.image("a.png")
    usable = 0
    for seed in range(150):
        draw = random.Random(seed)
        text = json.dumps(damaged(sound(kind), draw, draw.choice([0.01, 0.05, 0.2])))
        files.text("a.json", text[: draw.randrange(len(text))] if seed % 10 == 0 else text)
        for found in recognise(files.root)[:1]:
            plan = plan_import(found)
            json.dumps(plan.to_dict())
            if found.format == kind and not plan.has_errors:
                try:
                    carry_out(plan, tmp_path / f"{seed}")
                    usable += 1
                except DatasetError as error:
                    assert error.findings
    assert usable > 20


@pytest.mark.parametrize("kind", ["coco", "labelme"])
def test_an_object_outside_its_image_is_told_once(files: Files, tmp_path: Path, kind: str) -> None:
    files.image("a.png")
    corners = [[500, 500], [600, 500], [600, 600]]
    if kind == "coco":
        images = [{"id": 1, "file_name": "a.png", "width": 32, "height": 24}]
        notes = [{"id": 1, "image_id": 1, "category_id": 1, "segmentation": [[v for p in corners for v in p]]},
                 {"id": 2, "image_id": 1, "category_id": 1, "segmentation": [square(2, 2, 5)]}]  # fmt: skip
        files.text("a.json", coco(images, notes, {1: "x"}))
    else:
        inside = [[2, 2], [7, 2], [7, 7], [2, 7]]
        shapes = [{"label": "x", "points": p, "shape_type": "polygon"} for p in (corners, inside)]
        files.text("a.json", json.dumps({"shapes": shapes, "imagePath": "a.png", "imageHeight": 24,
                                         "imageWidth": 32, "imageData": None}))  # fmt: skip
    plan = plan_import(recognise(files.root)[0])
    assert [f.code for f in plan.findings] == ["import.outside"]
    carry_out(plan, tmp_path / "out")
    assert plan.outcome is not None
    assert "import.empty" not in {f.code for f in plan.outcome.findings}

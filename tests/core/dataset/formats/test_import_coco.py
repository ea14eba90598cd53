"""COCO as tools really write it, and everything that is wrong in it told once."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from dataset_files import Files
from imported import coco, codes, imported, planned, square

from src.core.dataset.formats import carry_out, recognise, rle

SIZE = {"width": 32, "height": 24}


def image(number: int, name: str, **more: object) -> dict[str, object]:
    return {"id": number, "file_name": name, **SIZE, **more}


def annotation(image_id: int, category: int, segmentation: object, **more: object) -> dict[str, object]:
    return {
        "id": 1,
        "image_id": image_id,
        "category_id": category,
        "segmentation": segmentation,
        "iscrowd": 0,
        **more,
    }


def test_polygons_runs_and_crowds_with_any_category_ids(files: Files, tmp_path: Path) -> None:
    files.image("images/a.png")
    mask = np.zeros((24, 32), bool)
    mask[20:, 30:] = True
    counts = rle.encode(mask, 0, 0, 32, 24)
    notes = [
        annotation(7, 90, [square(2, 2, 4), square(10, 2, 4)], id=1),
        annotation(7, 3, {"size": [24, 32], "counts": rle.pack(counts)}, id=2),
        annotation(
            7, 3, {"size": [24, 32], "counts": rle.encode(mask[::-1], 0, 0, 32, 24).tolist()}, id=3, iscrowd=1
        ),
    ]
    files.text("ann/set.json", coco([image(7, "a.png")], notes, {90: "crack", 3: "pit"}))
    plan = planned(files.root)
    assert (
        plan.classes == ["background", "pit", "crack"]
        and plan.class_objects == [0, 1, 1]
        and not plan.findings
    )
    found = imported(files.root, tmp_path / "out")["a.png"]
    assert (found == 2).sum() == 32 and found[3, 3] == 2 and found[3, 11] == 2
    assert (found[20:, 30:] == 1).all() and (found[:4, 30:] == 255).all() and (found > 0).sum() == 32 + 8 + 8


def test_parts_come_from_the_names_of_several_files(files: Files, tmp_path: Path) -> None:
    for part, count in (("train", 3), ("val", 2)):
        images = [image(n, f"{part}{n}.png") for n in range(count)]
        for entry in images:
            files.image(f"{part}2017/{entry['file_name']}", seed=hash(part) % 97)
        notes = [annotation(n, 1 if part == "train" else 5, [square(2, 2, 6)], id=n) for n in range(count)]
        files.text(
            f"annotations/instances_{part}2017.json",
            coco(images, notes, {1 if part == "train" else 5: "thing"}),
        )
    files.text(
        "annotations/captions_train2017.json", json.dumps({"images": [], "annotations": [], "info": {}})
    )
    plan = planned(files.root)
    assert (
        plan.parts == {"train": 3, "val": 2} and plan.classes == ["background", "thing"] and not plan.findings
    )
    folder = carry_out(plan, tmp_path / "out")
    assert "split_column: split" in (folder / "lathe.yaml").read_text("utf-8")


def test_every_fault_is_found_and_named(files: Files, tmp_path: Path) -> None:
    for name in ("a", "b", "small"):
        files.image(f"images/{name}.png", size=(12, 16) if name == "small" else (24, 32))
    images = [
        image(1, "a.png"),
        image(2, "gone.png"),
        image(3, "small.png"),
        image(4, "b.png"),
        image(4, "c.png"),
    ]
    notes = [
        annotation(1, 1, [square(2, 2, 4)]),
        annotation(1, 1, [square(100, 100, 4)], id=2),
        annotation(1, 1, [square(28, 20, 10)], id=2),
        annotation(1, 1, [[1, 1, 5, 5, 9, 9]], id=3),
        annotation(1, 1, [[1, 1, 5, 5]], id=4),
        annotation(1, 1, [], id=5, bbox=[1, 1, 2, 2]),
        annotation(1, 1, {"size": [10, 10], "counts": [100]}, id=6),
        annotation(1, 1, {"size": [24, 32], "counts": [5, -3]}, id=7),
        annotation(1, 1, [[1, 1, "x", 5, 9, 9]], id=8),
        annotation(1, 1, [[0, 0, 1e999, 5, 9, 9]], id=9),
        annotation(1, 8, [square(2, 2, 4)], id=10),
        annotation(99, 1, [square(2, 2, 4)], id=11),
        annotation(3, 1, [square(2, 2, 4)], id=12),
    ]
    files.text("set.json", coco(images, notes, {1: "crack"}))
    plan = planned(files.root)
    assert codes(plan) == {
        "outside", "partly_outside", "annotation_id_twice", "zero_area", "few_points", "box_only", "rle_size", "broken",
        "class_unknown", "orphan", "image_missing", "size", "image_id_twice",
    }  # fmt: skip
    assert plan.images == 1 and plan.class_objects == [0, 2] and not plan.has_errors
    # Left out for its size, so it is no background either, although nothing usable is drawn on it.
    images[2]["height"] = 99
    files.text("set.json", coco(images, [n for n in notes if n["image_id"] != 3], {1: "crack"}))
    assert {"size"} <= codes(planned(files.root)) and "no_objects" not in codes(planned(files.root))
    assert any("gone.png" in f.where[0] for f in plan.findings if f.code == "import.image_missing")
    assert (imported(files.root, tmp_path / "out")["a.png"] > 0).sum() == 16 + 16


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"images": [{"id": 1, "file_name": "a.png"}],\n"annotations": [{"id": 1,}]}', "line 2"),
        ('{"images": [{"id": 1, "file_name": "a.png"}], "annotations": [1', "line 1"),
        ('{"images": [' + "[" * 100_000 + '], "annotations": []}', "nested too deeply"),
        ('{"images": [], "annotations": []}', "names no images"),
    ],
)
def test_broken_json_is_told_with_line_and_reason(files: Files, text: str, said: str) -> None:
    files.image("a.png")
    files.text("set.json", text)
    plan = planned(files.root / "set.json")
    assert plan.has_errors and any(said in f.message for f in plan.findings)


def test_an_image_in_two_parts_is_taken_once(files: Files) -> None:
    files.image("images/a.png")
    files.image("images/b.png", seed=1)
    for part, names in (("train", ["a.png", "b.png"]), ("val", ["b.png"])):
        images = [image(n, name) for n, name in enumerate(names)]
        files.text(
            f"{part}.json",
            coco(images, [annotation(n, 1, [square(1, 1, 5)], id=n) for n in range(len(names))], {1: "x"}),
        )
    plan = planned(files.root)
    assert "image_twice" in codes(plan) and plan.images == 2


def test_polygons_of_real_photographs(real: Callable[[str], Path], tmp_path: Path) -> None:
    plan = planned(real("coco_nuts"))
    assert plan.classes == ["background", "date", "fig", "hazelnut"] and plan.class_objects == [0, 71, 41, 53]
    masks = imported(real("coco_nuts"), tmp_path / "out")
    assert len(masks) == 18
    shares = np.bincount(np.concatenate([m.ravel() for m in masks.values()]), minlength=4) / (18 * 600 * 800)
    assert shares == pytest.approx([0.7938, 0.1273, 0.0478, 0.0311], abs=1e-4)


def test_annotations_are_not_kept_in_memory_as_objects(files: Files) -> None:
    files.image("a.png")
    notes = [annotation(1, 1, [list(np.linspace(1, 20, 400)) + square(2, 2, 5)], id=n) for n in range(60)]
    path = files.text("set.json", coco([image(1, "a.png")], notes, {1: "x"}))
    found = recognise(path)
    tracemalloc.start()
    from src.core.dataset.formats import plan_import

    plan = plan_import(found[0])
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert plan.images == 1 and kept < 1.5 * path.stat().st_size

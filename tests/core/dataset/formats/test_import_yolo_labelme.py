"""YOLO and LabelMe: paths of other machines, boxes, embedded images, shapes of all kinds."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from dataset_files import Files
from imported import codes, imported, masks_of, planned

from src.core.dataset.files.images import read_image
from src.core.dataset.formats import carry_out

SQUARE = "0.25 0.25 0.5 0.25 0.5 0.5 0.25 0.5"


def yolo(files: Files, described: str, *, folder: str = "images/{}") -> None:
    for number, part in enumerate(("train", "val")):
        place = folder.format(part)
        files.image(f"{place}/{part}.png", seed=number)
        files.text(f"{place.replace('images', 'labels')}/{part}.txt", f"1 {SQUARE}\n")
    files.text("data.yaml", described)


@pytest.mark.parametrize(
    "described",
    [
        "path: .\ntrain: images/train\nval: images/val\nnames: {0: a, 1: b}",
        "path: /home/anna/datasets/set\ntrain: images/train\nval: images/val\nnames: [a, b]",
        "train: /content/set/images/train\nval: /content/set/images/val\nnc: 2\nnames: ['a', 'b']",
        "train: ../images/train\nval: [images/val]\nnames: {0: a, 1: b}",
        "train: train.txt\nval: images/val\nnames: {0: a, 1: b}",
    ],
)
def test_yolo_is_understood_wherever_it_was_made(files: Files, tmp_path: Path, described: str) -> None:
    yolo(files, described)
    files.text("train.txt", "./images/train/train.png\n")
    plan = planned(files.root)
    assert plan.recognised.format == "yolo" and plan.parts == {"train": 1, "val": 1} and not plan.findings
    assert plan.classes == ["background", "a", "b"] and plan.class_objects == [0, 0, 2]
    masks = imported(files.root, tmp_path / "out")
    assert (masks["train.png"] == 2).sum() == 8 * 6 and masks["train.png"][6, 8] == 2


def test_the_layout_of_roboflow_and_a_test_part_that_validates(files: Files) -> None:
    for number, part in enumerate(("train", "test")):
        files.image(f"{part}/images/{part}.png", seed=number)
        files.text(f"{part}/labels/{part}.txt", f"0 {SQUARE}")
    files.text("data.yaml", "train: ../train/images\ntest: ../test/images\nnc: 1\nnames: ['scratch']")
    plan = planned(files.root)
    assert plan.parts == {"train": 1, "val": 1} and codes(plan) == {"test_validates"}


def test_faults_of_yolo_lines(files: Files, tmp_path: Path) -> None:
    files.image("images/a.png")
    files.image("images/empty.png", seed=1)
    lines = [f"0 {SQUARE}", "0 0.5 0.5 0.1 0.1", f"7 {SQUARE}", "0 0.1 0.1 0.2", "0 a b c d e f", "0 0.1 0.1 0.2 0.2 0.3 0.3",
             "0 2 2 3 2 3 3", "0 0.5 0.5 1.5 0.5 1.5 1.5"]  # fmt: skip
    files.text("labels/a.txt", "\n".join(lines))
    files.text("data.yaml", "train: images\nval: nowhere\nnames: [a]")
    plan = planned(files.root)
    assert codes(plan) == {
        "box_only",
        "class_unknown",
        "line",
        "zero_area",
        "outside",
        "partly_outside",
        "no_objects",
        "part_missing",
    }
    assert next(f for f in plan.findings if f.code == "import.line").where == ("a.txt line 4", "a.txt line 5")
    assert plan.class_objects == [0, 2] and plan.images == 2
    assert not imported(files.root, tmp_path / "out")["empty.png"].any()


def test_a_set_for_detection_is_refused(files: Files) -> None:
    files.image("images/a.png")
    files.text("labels/a.txt", "0 0.5 0.5 0.1 0.1\n")
    plan = planned(files.root)
    assert plan.has_errors and "boxes" in codes(plan) and plan.recognised.format == "yolo"


def labelme(shapes: list[dict[str, object]], name: str = "a.png", **more: object) -> str:
    return json.dumps(
        {"version": "5.4.1", "shapes": shapes, "imagePath": name, "imageHeight": 24, "imageWidth": 32, **more}
    )


def test_shapes_of_labelme(files: Files, tmp_path: Path) -> None:
    files.image("a.png")
    bitmap = base64.b64encode(
        cv2.imencode(".png", np.array([[0, 255], [255, 255]], np.uint8))[1].tobytes()
    ).decode()
    shapes = [
        {"label": "part", "points": [[0, 0], [10, 0], [10, 10], [0, 10]], "shape_type": "polygon"},
        {"label": "hole", "points": [[4, 4], [2, 2]], "shape_type": "rectangle"},
        {"label": "ring", "points": [[20, 12], [20, 16]], "shape_type": "circle"},
        {"label": "__ignore__", "points": [[28, 0], [32, 0], [32, 4], [28, 4]]},
        {"label": "_background_", "points": [[0, 8], [10, 8], [10, 10], [0, 10]]},
        {"label": "dot", "points": [[30, 20], [31, 21]], "shape_type": "mask", "mask": bitmap},
        {"label": "part", "points": [[0, 0], [10, 10]], "shape_type": "line"},
        {"label": "part", "points": [[1, 1]], "shape_type": "point"},
        {"label": "part", "points": [[1, 1], [2, 2], [3, 3]], "shape_type": "polygon"},
        {"label": "part", "points": [[40, 40], [50, 40], [50, 50]], "shape_type": "polygon"},
    ]
    files.text("a.json", labelme(shapes))
    files.text("labels.txt", "__ignore__\n_background_\nhole\npart\nring\n")
    plan = planned(files.root)
    assert plan.classes == ["background", "hole", "part", "ring", "dot"]
    assert codes(plan) == {"not_an_area", "zero_area", "outside", "class_added"} and plan.merge == "later"
    mask = imported(files.root, tmp_path / "out")["a.png"]
    assert (mask == 1).sum() == 4 and (mask == 2).sum() == 80 - 4 and not mask[8:10, :10].any()
    assert (mask == 255).sum() == 16 and abs((mask == 3).sum() - np.pi * 16) < 3
    assert mask[20, 30] == 0 and mask[20, 31] == 4 and mask[21, 30] == 4


def test_an_embedded_image_is_taken_out_where_its_file_is_gone(files: Files, tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (24, 32, 3), dtype=np.uint8)
    data = base64.b64encode(cv2.imencode(".png", picture)[1].tobytes()).decode()
    shape = {"label": "x", "points": [[0, 0], [4, 0], [4, 4]]}
    files.text("deep/a.json", labelme([shape], "gone.jpg", imageData=data))
    files.text("b.json", labelme([shape], "gone.jpg", imageData=None))
    plan = planned(files.root)
    assert plan.images == 1 and codes(plan) == {"image_missing"}
    folder = carry_out(plan, tmp_path / "out")
    assert (read_image(folder / "images/deep/a.png") == picture[..., ::-1]).all()
    assert list(masks_of(folder)) == ["a.png"]


def test_an_image_without_annotation_and_a_broken_file_are_told(files: Files) -> None:
    files.image("a.png")
    files.image("b.png")
    files.text("a.json", labelme([{"label": "x", "points": [[0, 0], [4, 0], [4, 4]]}]))
    files.text("c.json", '{"shapes": [\n\n]')
    plan = planned(files.root / "a.json")
    assert codes(plan) == {"unannotated", "json"} and plan.images == 1
    assert "line 3" in next(f for f in plan.findings if f.code == "import.json").where[0]


def test_real_photographs_of_labelme(real: Callable[[str], Path], tmp_path: Path) -> None:
    plan = planned(real("labelme_voc"))
    assert plan.recognised.format == "labelme" and plan.images == 3 and len(plan.classes) == 21
    assert dict(zip(plan.classes, plan.class_objects, strict=True))["person"] == 7
    assert {
        int(v) for m in imported(real("labelme_voc"), tmp_path / "out").values() for v in np.unique(m)
    } >= {0, 15}


def test_annotations_of_turned_photographs(files: Files, tmp_path: Path) -> None:
    """Tools annotate what they display; annotations of the stored picture are told by their size and turned with it."""
    from PIL import Image

    picture = Image.fromarray(np.zeros((24, 32, 3), np.uint8))
    exif = picture.getexif()
    exif[0x0112] = 6
    for name in ("shown", "stored"):
        (files.root / name).mkdir()
        picture.save(files.root / name / "a.jpg", exif=exif)
    corner = {"label": "x", "points": [[0, 0], [4, 0], [4, 2], [0, 2]]}
    files.text("shown/a.json", labelme([corner], "a.jpg", imageHeight=32, imageWidth=24))
    files.text("stored/a.json", labelme([corner], "a.jpg"))
    shown = imported(files.root / "shown", tmp_path / "shown")["a.jpg"]
    assert shown.shape == (32, 24) and shown[:2, :4].all() and shown.sum() == 8
    plan = planned(files.root / "stored")
    assert codes(plan) == {"stored_turned"}
    stored = masks_of(carry_out(plan, tmp_path / "stored"))["a.jpg"]
    assert stored.shape == (32, 24) and stored[:4, -2:].all() and stored.sum() == 8


def test_a_description_that_grows_without_end_is_no_trap(files: Files) -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    for before, here in zip("abcdefgh", "bcdefghi", strict=True):
        bomb += f"{here}: &{here} [{', '.join([f'*{before}'] * 9)}]\n"
    yolo(files, bomb + "train: [*i, images/train]\nval: images/val\nnames: [*i, b]\n")
    plan = planned(files.root)
    assert plan.classes == ["background", "class_0", "b"] and plan.images == 2


def test_a_picture_that_claims_to_be_endless_is_left_out(files: Files) -> None:
    files.image("images/a.png")
    huge = bytearray((files.root / "images/a.png").read_bytes())
    huge[16:24] = (60_000).to_bytes(4, "big") * 2
    (files.root / "images/huge.png").write_bytes(bytes(huge))
    for name in ("a", "huge"):
        files.text(f"labels/{name}.txt", f"0 {SQUARE}\n")
    files.text("data.yaml", "train: images\nnames: [a]")
    plan = planned(files.root)
    assert plan.images == 1 and codes(plan) == {"image_unreadable"}

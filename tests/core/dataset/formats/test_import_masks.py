"""Masks of all kinds: colours with and without a table, palettes, class tables, several masks an image, lists."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from dataset_files import Files
from imported import codes, imported, planned
from PIL import Image

from src.core.dataset.formats import carry_out, plan_import, recognise
from src.core.dataset.formats.class_tables import read_table

RED, GREEN, GREY = (255, 0, 0), (0, 255, 0), (64, 64, 64)


def colour_mask(files: Files, name: str, extra: tuple[int, int, int] = (0, 0, 0)) -> None:
    rgb = np.zeros((24, 32, 3), np.uint8)
    rgb[2:6, 2:6], rgb[10:12, 10:20], rgb[20:, :2], rgb[0, 31] = RED, GREEN, GREY, extra
    files.write(name, rgb[..., ::-1])


@pytest.mark.parametrize(
    ("name", "table"),
    [
        (
            "labelmap.txt",
            "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncar:255,0,0::\nroad:0,255,0::\nVoid:64,64,64::",
        ),
        ("class_dict.csv", "name,r,g,b\nbackground,0,0,0\ncar,255,0,0\nroad,0,255,0\nVoid,64,64,64"),
        ("label_colors.txt", "0 0 0 background\n255 0 0\tcar\n0 255 0 road\n64 64 64 Void"),
        (
            "classes.json",
            json.dumps({"background": [0, 0, 0], "car": [255, 0, 0], "road": [0, 255, 0], "Void": "#404040"}),
        ),
    ],
)
def test_colours_with_a_table(files: Files, tmp_path: Path, name: str, table: str) -> None:
    for part in ("train", "val"):
        files.image(f"{part}/{part}.png")
        colour_mask(files, f"{part}_labels/{part}_L.png", (1, 2, 3) if part == "val" else (0, 0, 0))
    files.text(name, table)
    plan = planned(files.root)
    assert plan.recognised.format == "colours" and plan.classes == ["background", "car", "road"]
    assert plan.parts == {"train": 1, "val": 1} and not plan.findings
    folder = carry_out(plan, tmp_path / "out")
    mask = imported(files.root, folder)["val.png"]
    assert [int((mask == v).sum()) for v in (1, 2, 255)] == [16, 20, 9]
    assert plan.outcome is not None and {f.code for f in plan.outcome.findings} == {"import.colour"}


def test_colours_without_a_table_are_named_by_themselves(files: Files) -> None:
    files.image("images/a.png")
    colour_mask(files, "masks/a.png")
    plan = planned(files.root)
    assert set(plan.classes) == {"background", "#ff0000", "#00ff00", "#404040"} and codes(plan) == {
        "colour_names"
    }
    files.image("masks/a.png")
    assert "colours" in codes(planned(files.root)) and planned(files.root).has_errors


def test_pascal_voc_is_read_as_it_is(files: Files, tmp_path: Path) -> None:
    for number in range(3):
        files.image(f"JPEGImages/{number}.jpg", seed=number)
        values = np.zeros((24, 32), np.uint8)
        values[4:8, 4:8], values[3, 4:8] = 15 + number, 255
        picture = Image.fromarray(values)
        picture.putpalette([(v * 37 + c * 11) % 256 for v in range(256) for c in range(3)])
        (files.root / "SegmentationClass").mkdir(exist_ok=True)
        picture.save(files.root / f"SegmentationClass/{number}.png")
    files.text("ImageSets/Segmentation/train.txt", "0\n1\n")
    files.text("ImageSets/Segmentation/val.txt", "2\n")
    files.text("Annotations/0.xml", "<annotation/>")  # boxes, as the download of the challenge has them
    plan = planned(files.root.parent)
    assert plan.recognised.root == str(files.root)
    plan = planned(files.root)
    assert plan.recognised.format == "voc" and plan.recognised.as_it_is and not plan.has_errors
    assert (
        plan.classes[15] == "person" and plan.parts == {"train": 2, "val": 1} and plan.class_images[15] == 1
    )
    folder = carry_out(plan, tmp_path / "out")
    assert sorted(p.name for p in folder.iterdir()) == ["import.json", "lathe.yaml"]
    again = planned(folder)
    assert again.recognised.format == "lathe" and again.classes == plan.classes and again.parts == plan.parts


@pytest.mark.parametrize(
    ("name", "table", "values"),
    [
        ("classes.txt", "background\npit\nscratch\n", (0, 1, 2)),
        ("classes.txt", "pit\nscratch\n", (0, 1, 2)),
        ("labels.json", json.dumps({"background": 0, "pit": 10, "scratch": 20}), (0, 10, 20)),
        (
            "labels.json",
            json.dumps(
                [{"id": 5, "name": "background"}, {"id": 6, "name": "pit"}, {"id": 7, "name": "scratch"}]
            ),
            (5, 6, 7),
        ),
        ("labels.json", json.dumps({"0": "background", "1": "pit", "2": "scratch"}), (0, 1, 2)),
    ],
)
def test_numbers_with_a_class_table(
    files: Files, name: str, table: str, values: tuple[int, int, int]
) -> None:
    for number in range(4):
        files.image(f"images/{number}.png", seed=number)
        mask = np.full((24, 32), values[0], np.uint8)
        mask[2:6, 2:9], mask[8:12, 2:9] = values[1], values[2]
        files.write(f"masks/{number}.png", mask)
    files.text(name, table)
    plan = planned(files.root)
    assert (
        plan.classes == ["background", "pit", "scratch"]
        and plan.class_images == [4, 4, 4]
        and not plan.has_errors
    )


def test_a_table_is_believed_as_far_as_the_masks_agree(files: Files) -> None:
    files.pairs(4)
    files.text("classes.txt", "background\npit\n")
    plan = planned(files.root)
    assert (
        plan.classes == ["background", "pit"] and plan.meaning is not None and plan.meaning.kind == "binary"
    )
    files.text("classes.txt", "background\npit\nscratch\n")
    assert planned(files.root).classes == ["background", "object"]


def test_unreadable_tables_are_no_tables(tmp_path: Path) -> None:
    for name, text in (
        ("labels.json", "{"),
        ("class_dict.csv", "name,r,g,b\nx,1,2,y"),
        ("labelmap.txt", "a:1,2,999::"),
    ):
        (tmp_path / name).write_text(text)
        assert read_table(str(tmp_path / name)) is None


@pytest.mark.parametrize(
    ("layout", "classes"),
    [
        (("images/a.png", ["masks/a_0.png", "masks/a_1.png"]), ["background", "object"]),
        (("images/a.png", ["masks/a/1.png", "masks/a/2.png"]), ["background", "object"]),
        (("a/images/a.png", ["a/masks/x1.png", "a/masks/x2.png"]), ["background", "object"]),
        (("images/a.png", ["masks/pit/a.png", "masks/scratch/a.png"]), ["background", "pit", "scratch"]),
        (("images/a.png", ["masks/a_pit.png", "masks/a_scratch.png"]), ["background", "pit", "scratch"]),
        (
            ("benign/a (1).png", ["benign/a (1)_mask.png", "benign/a (1)_mask_1.png"]),
            ["background", "object"],
        ),
    ],
)
def test_several_masks_of_one_image_are_joined(
    files: Files, tmp_path: Path, layout: tuple[str, list[str]], classes: list[str]
) -> None:
    image, masks = layout
    files.image(image)
    if image == "a/images/a.png":  # what masks are called where each image has a folder
        files.image("c/images/c.png", seed=2)
        files.mask("c/masks/y1.png")
    files.image(image.replace("a.png", "b.png").replace("a (1)", "b"), seed=1)
    for number, name in enumerate(masks):
        mask = np.zeros((24, 32), np.uint8)
        mask[4 * number : 4 * number + 6, 4:10] = 255
        files.write(name, mask)
    plan = planned(files.root)
    assert plan.recognised.format == "masks" and plan.classes == classes
    folder = carry_out(plan, tmp_path / "out")
    mask = imported(files.root, folder)[Path(image).name]
    assert np.count_nonzero(mask) == 60 and plan.outcome is not None
    assert plan.outcome.overlap_pixels == (12 if len(classes) == 3 else 0)


@pytest.mark.parametrize(
    ("name", "form", "images", "classes"),
    [
        ("camvid", "lists", 55, ["Sky", "Building"]),
        ("magnetic_tile", "table", 542, ["background", "object"]),
        ("isbi_membrane", "folders", 30, ["background", "object"]),
    ],
)
def test_real_sets_are_understood_without_being_told(
    real: Callable[[str], Path], name: str, form: str, images: int, classes: list[str]
) -> None:
    found = recognise(real(name))
    assert found[0].format == form and found[0].as_it_is
    if name != "magnetic_tile":  # its 542 files are read by the tests of the check
        plan = plan_import(found[0])
        assert plan.images == images and plan.classes[:2] == classes and not plan.has_errors
        assert plan.meaning is not None
        assert plan.meaning.foreground == ("dark" if name == "isbi_membrane" else "bright")
        assert plan.meaning.ignore_value == (11 if name == "camvid" else None)


def test_the_window_takes_what_the_command_line_takes(files: Files) -> None:
    from src.ui.dataset_source import SourceError, ToImportError, find_source

    files.pairs(3)
    files.text("classes.txt", "background\ndent\n")
    source = find_source(files.root)
    assert set(source.paths) == {"images_dir", "masks_dir"} and source.resolved.config.data.masks.classes == [
        "background",
        "dent",
    ]
    with pytest.raises(SourceError, match="cannot be read"):
        find_source(files.root / "gone")
    files.text("data.yaml", "train: images\nnames: [a]")
    with pytest.raises(ToImportError, match="import them first") as caught:
        find_source(files.root)
    assert caught.value.found[0].format == "yolo"


@pytest.mark.parametrize(
    "layout", ["{part}/images {part}/masks", "images/{part} masks/{part}", "{part} {part}annot"]
)
def test_folders_for_each_part_say_the_split(files: Files, tmp_path: Path, layout: str) -> None:
    for number, part in enumerate(("train", "train", "val")):
        images, masks = layout.format(part=part).split()
        files.image(f"{images}/{number}.png", seed=number)
        mask = np.full((24, 32), 255, np.uint8)
        mask[2:4, 2:12] = 0
        files.write(f"{masks}/{number}.png", mask)
    plan = planned(files.root)
    assert plan.recognised.format == "parts" and plan.parts == {"train": 2, "val": 1}
    assert "polarity" in codes(plan) and not plan.has_errors
    masks_found = imported(files.root, tmp_path / "out")
    assert (
        all((mask > 0).sum() == 20 and mask.max() == 1 for mask in masks_found.values())
        and len(masks_found) == 3
    )


def test_tables_by_other_column_names_and_with_parts(files: Files) -> None:
    files.pairs(4)
    rows = [f"images/img{n}.png;masks/img{n}.png;part{n};{'valid' if n == 3 else 'train'}" for n in range(4)]
    files.text("list.csv", "\n".join(["img_path;Mask_Path;part;Subset", *rows]))
    plan = planned(files.root / "list.csv")
    assert (
        plan.parts == {"train": 3, "val": 1}
        and plan.settings["split_column"] == "Subset"
        and not plan.has_errors
    )
    files.text(
        "list.csv",
        "\n".join(["img_path;Mask_Path;part;Subset", *[row.replace("valid", "a") for row in rows]]),
    )
    assert "split_column" not in planned(files.root / "list.csv").settings

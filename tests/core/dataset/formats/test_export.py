"""Export and import again: every pixel, every class, every part."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from dataset_files import Files
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from imported import masks_of, planned

from src.core.dataset.config import ImageDataConfig, MaskConfig
from src.core.dataset.export import export_dataset, source_config
from src.core.dataset.files.images import read_mask
from src.core.dataset.findings import DatasetError
from src.core.dataset.formats import ImportCancelledError, carry_out

NAMES = ["background", "pit", "long scratch", "Kratzer, tief"]


def labelled(files: Files, masks: list[np.ndarray], names: list[str] = NAMES) -> ImageDataConfig:
    """A data set whose masks hold class numbers and 255."""
    for number, mask in enumerate(masks):
        files.image(f"images/line {number % 2}/{number}.png", seed=number, size=mask.shape)
        files.write(f"masks/line {number % 2}/{number}.png", mask)
    return files.config(masks={"meaning": "index", "classes": names, "ignore_value": 255})


def random_masks(count: int, values: list[int], seed: int = 0) -> list[np.ndarray]:
    draw = np.random.default_rng(seed)
    return [draw.choice(values, size=tuple(draw.integers(3, 30, 2))).astype(np.uint8) for _ in range(count)]


@pytest.mark.parametrize("form", ["masks", "coco", "yolo"])
def test_every_pixel_comes_back(files: Files, tmp_path: Path, form: str) -> None:
    values = [0, 1, 2, 3] if form == "yolo" else [0, 1, 2, 3, 255]
    masks = [
        *random_masks(6, values),
        np.full((9, 7), 2, np.uint8),
        np.zeros((5, 6), np.uint8),
        np.ones((1, 1), np.uint8),
    ]
    before = {p: p.read_bytes() for p in files.root.rglob("*.png")}
    done = export_dataset(labelled(files, masks), form, tmp_path / "out")
    assert (
        done.images == 9 and not done.findings and all(p.read_bytes() == data for p, data in before.items())
    )
    plan = planned(tmp_path / "out")
    assert plan.classes == NAMES and plan.images == 9 and not plan.has_errors
    if form == "masks":
        again = {p.name: read_mask(p) for p in (tmp_path / "out" / "masks").rglob("*.png")}
    else:
        assert plan.parts.keys() == {"train", "val"} and sum(plan.class_objects) == done.objects
        again = masks_of(carry_out(plan, tmp_path / "again"))
    for number, mask in enumerate(masks):
        assert (again[f"{number}.png"] == mask).all(), number


@given(
    st.tuples(st.integers(1, 12), st.integers(1, 12)).flatmap(
        lambda s: arrays(np.uint8, s, elements=st.sampled_from([0, 1, 2, 255]))
    )
)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_mask_survives_coco_and_yolo(tmp_path_factory: pytest.TempPathFactory, mask: np.ndarray) -> None:
    root = tmp_path_factory.mktemp("set")
    whole = np.ones((4, 4), np.uint8)
    whole[0, 0] = 2
    config = labelled(Files(root), [mask, whole, whole.T.copy()], NAMES[:3])
    for form in ("coco", "yolo"):
        export_dataset(config, form, root / form)
        again = masks_of(carry_out(planned(root / form), root / f"{form} again"))["0.png"]
        expected = np.where(mask == 255, 0, mask) if form == "yolo" else mask
        assert (again == expected).all()


def test_what_a_format_cannot_say_is_told(files: Files, tmp_path: Path) -> None:
    config = labelled(files, random_masks(4, [0, 1, 2, 3, 255]))
    done = export_dataset(config, "yolo", tmp_path / "yolo")
    assert [f.code for f in done.findings] == ["export.ignored"]
    with pytest.raises(DatasetError, match="beside the images"):
        export_dataset(config, "yolo", tmp_path / "other", "reference")


def test_images_may_be_named_where_they_are(files: Files, tmp_path: Path) -> None:
    masks = random_masks(4, [0, 1, 2, 3])
    for form in ("masks", "coco"):
        folder = export_dataset(labelled(files, masks), form, tmp_path / form, "reference").folder
        assert not (folder / "images").exists()
        plan = planned(folder)
        assert plan.images == 4 and not plan.has_errors
    names = [
        i["file_name"]
        for p in (tmp_path / "coco" / "annotations").glob("*.json")
        for i in json.loads(p.read_text("utf-8"))["images"]
    ]
    assert all(Path(name).is_file() and str(files.root) in name for name in names)


def test_a_first_class_that_is_not_background_is_kept(files: Files, tmp_path: Path) -> None:
    masks = random_masks(4, [0, 1, 2])
    export_dataset(labelled(files, masks, ["Sky", "Road", "Car"]), "coco", tmp_path / "out")
    plan = planned(tmp_path / "out")
    assert plan.classes == ["background", "Sky", "Road", "Car"]
    again = masks_of(carry_out(plan, tmp_path / "again"))
    assert all((again[f"{n}.png"] == mask + 1).all() for n, mask in enumerate(masks))


def test_binary_sets_and_images_without_a_mask(files: Files, tmp_path: Path) -> None:
    files.pairs(4)
    files.image("images/plain.png", seed=9)
    config = ImageDataConfig(
        images_dir=str(files.root / "images"), masks_dir=str(files.root / "masks"), unlabelled="empty",
        masks=MaskConfig(meaning="binary", classes=["background", "dent"]),
    )  # fmt: skip
    export_dataset(config, "coco", tmp_path / "out")
    plan = planned(tmp_path / "out")
    again = masks_of(carry_out(plan, tmp_path / "again"))
    assert (
        plan.classes == ["background", "dent"]
        and not again["plain.png"].any()
        and again["img0.png"].sum() == 36
    )


def test_faulty_data_and_taken_folders_are_refused(files: Files, tmp_path: Path) -> None:
    config = labelled(files, random_masks(3, [0, 1, 9]))
    with pytest.raises(DatasetError, match="values"):
        export_dataset(config, "coco", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(DatasetError, match="holds something"):
        export_dataset(config, "coco", files.root)
    config = labelled(files, random_masks(3, [0, 1]))
    with pytest.raises(ImportCancelledError):
        export_dataset(config, "coco", tmp_path / "out", cancelled=lambda: True)
    assert not list(tmp_path.glob("*out*")) + list(tmp_path.glob(".out*"))


def test_sources_of_an_export(files: Files, tmp_path: Path) -> None:
    files.pairs(3)
    assert source_config(files.root).images_dir == str(files.root / "images")
    with pytest.raises(DatasetError, match="does not exist"):
        source_config(tmp_path / "gone")
    files.text("data.yaml", "train: images\nnames: [a]")
    with pytest.raises(DatasetError, match="Import them first"):
        source_config(files.root / "data.yaml")

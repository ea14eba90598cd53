"""A set with every fault seeded: each is found, with the right files; a clean set has none."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from dataset_files import Files
from PIL import Image

from src.core.dataset.anchors import MAX_ANCHORS, Anchors
from src.core.dataset.config import ImageDataConfig
from src.core.dataset.describe import DatasetDescription, DescriptionCancelledError, describe
from src.core.dataset.findings import Finding
from src.core.dataset.sample.sample_data import make_sample_data

BINARY = {"meaning": "binary", "threshold": 127}


def texture(seed: int, height: int = 96, width: int = 128) -> np.ndarray:
    """A picture of its own: blobs and noise at several scales."""
    random = np.random.default_rng(seed)
    total = np.zeros((height, width), np.float32)
    for cells in (5, 11, 23, 47):
        coarse = random.normal(0, 1, (cells, cells)).astype(np.float32)
        total += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(120 + 18 * total + random.normal(0, 2, total.shape), 0, 255).astype(np.uint8)


def blob(seed: int, height: int = 96, width: int = 128, radius: int = 9) -> np.ndarray:
    random = np.random.default_rng(seed + 10_000)
    mask = np.zeros((height, width), np.uint8)
    centre = (int(random.integers(20, width - 20)), int(random.integers(20, height - 20)))
    return cv2.circle(mask, centre, radius + seed % 3, 255, -1)


class Set:
    """Images and masks under one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def add(self, name: str, image: np.ndarray, mask: np.ndarray, suffix: str = ".png") -> None:
        for kind, array, end in (("images", image, suffix), ("masks", mask, ".png")):
            path = self.root / kind / (name + end)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(array).save(path)

    def clean(self, number: int = 24) -> None:
        for k in range(number):
            self.add(f"a{k:02}", texture(k), blob(k))

    def check(self, quick: bool = False, **options: object) -> DatasetDescription:
        settings = {"images_dir": str(self.root / "images"), "masks_dir": str(self.root / "masks")}
        return describe(ImageDataConfig(**{**settings, "masks": BINARY, **options}), quick=quick)  # type: ignore[arg-type]


@pytest.fixture
def data(tmp_path: Path) -> Set:
    made = Set(tmp_path)
    made.clean()
    return made


def of(found: DatasetDescription, code: str) -> Finding:
    """The one finding with this code."""
    (finding,) = [f for f in found.findings if f.code == code]
    return finding


def troubles(found: DatasetDescription) -> list[str]:
    return [f.code for f in found.findings if f.severity != "notice"]


def test_nothing_is_invented_on_a_clean_set(data: Set) -> None:
    found = data.check()
    assert not troubles(found) and not found.clusters
    assert {f.code for f in found.findings} == {"classes.balance"}


def test_nothing_is_invented_on_the_sample_data(tmp_path: Path) -> None:
    make_sample_data(tmp_path / "sample", parts=8, seed=1)
    root = tmp_path / "sample"
    split = {"group_by": "pattern", "group_pattern": r"(part\d+)_"}
    found = describe(
        ImageDataConfig(images_dir=str(root / "images"), masks_dir=str(root / "masks"), split=split)
    )  # type: ignore[arg-type]
    assert not troubles(found)
    assert all(a.split("_")[0] == b.split("_")[0] for a, b in found.clusters.items())


def test_near_duplicates_are_said_to_be_apart_only_where_they_are(data: Set) -> None:
    for k in range(4):
        darker = np.clip(texture(k) * 0.5 + 20, 0, 255).astype(np.uint8)
        data.add(
            f"b{k}", cv2.resize(darker, (120, 90), interpolation=cv2.INTER_AREA), blob(k, 90, 120), ".jpg"
        )
    pairs = {f"a{k:02}.png": f"b{k}.jpg" for k in range(4)}
    images = data.root / "images"
    names = sorted(path.name for path in images.iterdir())
    lists = data.root / "lists"
    lists.mkdir()

    def check(val: set[str]) -> Finding:
        for part, chosen in (("train", set(names) - val), ("val", val)):
            lines = [f"{images / n}\t{data.root / 'masks' / Path(n).stem}.png\n" for n in sorted(chosen)]
            (lists / f"{part}.txt").write_text("".join(lines), encoding="utf-8")
        return of(data.check(split_dir=str(lists), images_dir="", masks_dir=""), "duplicates.near")

    together = check({"a00.png", "b0.jpg", "a10.png"})
    assert "4 things" in together.message and "side" not in together.message and not together.cure
    apart = check({"a00.png", "a01.png", "b1.jpg"})
    assert "1 of these sets stands on more than one side of the split." in apart.message
    assert "move each of these sets to one side" in apart.cure
    own = of(data.check(), "duplicates.near")
    assert (
        "more than one side" in own.message or "by chance" in own.message
    ) and "data.split.join" in own.cure
    assert len(pairs) == len(set(data.check().clusters.values()))


def test_constant_images_and_outliers(data: Set) -> None:
    data.add("dark", np.zeros((96, 128), np.uint8), blob(50))
    data.add("bright", (230 + texture(51) // 16).astype(np.uint8), blob(51))
    data.add("huge", texture(52, 960, 1280), blob(52, 960, 1280, 40))
    found = data.check()
    assert of(found, "images.constant").where == ("dark.png",)
    assert of(found, "images.brightness").where == ("bright.png",)
    assert of(found, "images.size").where == ("huge.png",)
    excluded = [a.ids for a in of(found, "images.constant").actions if a.kind == "exclude"]
    assert excluded == [("dark.png",)]


def test_copies_and_near_duplicates_across_a_given_split(data: Set) -> None:
    original = texture(3)
    darker = np.clip(original[2:, 3:].astype(np.float32) * 0.6 + 5, 0, 255).astype(np.uint8)
    data.add("b_copy", original, blob(3))
    data.add("b_near", cv2.resize(darker, (120, 90), interpolation=cv2.INTER_AREA), blob(3, 90, 120), ".jpg")
    splits = data.root / "splits"
    splits.mkdir()
    names = sorted(p.name for p in (data.root / "images").iterdir())
    (splits / "train.txt").write_text("\n".join(n for n in names if not n.startswith("b")))
    (splits / "val.txt").write_text("\n".join(n for n in names if n.startswith("b")))
    found = data.check(split_dir=str(splits))
    assert set(of(found, "duplicates.exact").where) == {"a03.png", "b_copy.png"}
    assert set(of(found, "duplicates.near").where) == {"a03.png", "b_copy.png", "b_near.jpg"}
    assert {"split.duplicates", "split.near_duplicates"} <= set(troubles(found))
    assert found.clusters == dict.fromkeys(["a03.png", "b_copy.png", "b_near.jpg"], "a03.png")


def test_labels_that_contradict(data: Set) -> None:
    brighter = np.clip(texture(4).astype(np.float32) * 1.3, 0, 255).astype(np.uint8)
    data.add("b_empty", brighter, np.zeros((96, 128), np.uint8))
    corner = np.zeros((96, 128), np.uint8)
    corner[:14, :14] = 255
    data.add("b_moved", np.clip(texture(7) * 0.8, 0, 255).astype(np.uint8), corner)
    found = data.check()
    assert of(found, "labels.contradict").where == ("empty: b_empty.png; marked: a04.png",)
    shown = [a.ids for a in of(found, "labels.differ").actions if a.kind == "open"]
    assert set(shown[0]) == {"a07.png", "b_moved.png"}


def test_masks_inverted_empty_antialiased_shared(data: Set) -> None:
    data.add("b_inverted", texture(60), 255 - blob(60))
    for k in (61, 62, 63):
        data.add(f"b_same{k}", texture(k), blob(61))
    data.add("b_soft", texture(64), cv2.GaussianBlur(blob(64), (0, 0), 2))
    found = data.check()
    assert of(found, "masks.inverted").where == ("b_inverted.png",)
    assert of(found, "masks.same").where == ("b_same61.png", "b_same62.png", "b_same63.png")
    soft = of(found, "masks.antialiased")
    assert soft.where == ("b_soft.png",) and "above 127" in soft.message
    assert soft.actions[0].settings["data.masks.threshold"] == 127


def test_an_empty_mask_in_a_folder_of_defects(tmp_path: Path) -> None:
    data = Set(tmp_path)
    for k in range(6):
        data.add(f"crack/c{k}", texture(k), blob(k) * (k != 2))
        data.add(f"good/g{k}", texture(k + 20), blob(k) * 0)
    assert of(data.check(), "masks.empty_in_stratum").where == ("crack/c2.png",)


def test_tiny_objects_depend_on_the_chosen_size(data: Set) -> None:
    for k in range(4):
        mask = np.zeros((800, 800), np.uint8)
        mask[400:408, 300:308] = 255
        data.add(f"b{k}", texture(70 + k, 800, 800), mask)
    found = data.check(image_size=64)
    tiny = of(found, "objects.tiny")
    assert {f"b{k}.png" for k in range(4)} == set(tiny.where) and "4 of 28 objects" in tiny.message
    chosen = {key: value for a in tiny.actions for key, value in a.settings.items()}
    assert chosen["data.resize"] == "crop" and chosen["data.image_size"] >= 300
    assert not [f for f in data.check(resize="crop").findings if f.code == "objects.tiny"]


@pytest.mark.parametrize("drawn", ["turned", "stored"])
def test_exif_rotation_says_which_picture_the_mask_fits(data: Set, drawn: str) -> None:
    stored, mask = texture(80), blob(80)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(stored).save(data.root / "images" / "b.jpg", exif=exif)
    fits = np.rot90(mask, -1) if drawn == "turned" else mask
    Image.fromarray(np.ascontiguousarray(fits)).save(data.root / "masks" / "b.png")
    finding = of(data.check(), "images.rotated")
    assert finding.severity == ("notice" if drawn == "turned" else "error") and finding.where == ("b.jpg",)
    assert f"{drawn} picture" in finding.message and "Lathe turns" in finding.message


def test_exif_rotation_of_a_square_picture_is_judged_by_the_edges(data: Set) -> None:
    mask = cv2.circle(np.zeros((128, 128), np.uint8), (30, 40), 14, 255, -1)
    image = np.where(mask > 0, 220, texture(81, 128, 128) // 2).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.fromarray(image).save(data.root / "images" / "b.jpg", exif=exif, quality=95)
    Image.fromarray(mask).save(data.root / "masks" / "b.png")
    assert of(data.check(), "images.rotated").severity == "error"


def test_kinds_that_are_mixed(data: Set) -> None:
    colour = np.stack([texture(90), texture(91), texture(92)], axis=2)
    data.add("b_colour", colour, blob(90))
    assert of(data.check(), "images.channels").where == ("b_colour.png",)


def test_damage_inside_a_picture_is_found(data: Set) -> None:
    path = data.root / "images" / "a05.png"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(bytes(content))
    finding = of(data.check(), "files.unreadable")
    assert "a05.png" in finding.where[0]
    assert [a.ids for a in finding.actions if a.kind == "exclude"] == [(str(path),)]


def test_rare_classes(data: Set) -> None:
    for path in (data.root / "masks").iterdir():
        mask = (np.asarray(Image.open(path)) > 0).astype(np.uint8)
        if path.name == "a00.png":
            mask[50:54, 60:64] = 2
        Image.fromarray(mask).save(path)
    found = data.check(masks={"meaning": "index", "classes": ["ground", "pit", "burr"]})
    assert of(found, "classes.rare").where == ("burr",)
    assert "pit" in of(found, "classes.balance").message
    assert found.statistics["class_images"]["train"][1] + found.statistics["class_images"]["val"][1] == 24


def test_a_file_that_changes_while_it_is_read(data: Set, monkeypatch: pytest.MonkeyPatch) -> None:
    from src.core.dataset.checking import row_facts

    real: Callable[..., np.ndarray] = row_facts.read_image

    def writing(path: str, *rest: object, **named: object) -> np.ndarray:
        array = real(path, *rest, **named)
        if path.endswith("a06.png"):
            os.utime(path, ns=(1, 1))
        return array

    monkeypatch.setattr(row_facts, "read_image", writing)
    finding = of(data.check(), "files.unreadable")
    assert "a06.png" in finding.where[0] and "changed while it was read" in finding.where[0]


def test_anchors_lie_on_every_object_and_survive_saving(data: Set, tmp_path: Path) -> None:
    mask = np.zeros((96, 128), np.uint8)
    for k in range(5):
        mask[10 + 15 * k : 14 + 15 * k, 20:60] = 255
    data.add("b", texture(95), mask)
    found = data.check()
    points = found.anchors.of("b.png")
    assert points.dtype == np.int32 and len(points) == MAX_ANCHORS and set(points[:, 0]) == {1}
    assert (mask[points[:, 1], points[:, 2]] == 255).all()
    labels = cv2.connectedComponents(mask)[1]
    assert set(labels[points[:, 1], points[:, 2]]) == {1, 2, 3, 4, 5}
    assert found.facts["b.png"][2:4] == [5, 160.0]
    found.save(tmp_path / "saved")
    loaded = DatasetDescription.load(tmp_path / "saved")
    assert loaded.anchors.of("b.png").tolist() == points.tolist() and loaded.anchors == found.anchors
    assert loaded.statistics == found.statistics and len(loaded.anchors.of("no such")) == 0
    (tmp_path / "saved" / "anchors.npz").write_bytes(b"PK no")
    with pytest.raises(ValueError, match="scan the data again"):
        Anchors.beside(tmp_path / "saved").of("b.png")


def test_statistics_are_plain_and_count_everything(data: Set) -> None:
    found = data.check()
    plots = json.loads(json.dumps(found.statistics))["histograms"]
    assert set(plots) >= {
        "width",
        "height",
        "brightness",
        "contrast",
        "object_area",
        "object_side",
        "group_size",
    }
    for plot in plots.values():
        assert sum(map(sum, plot["counts"].values())) == 24
        assert all(len(plot["edges"]) == len(c) + 1 for c in plot["counts"].values())


def test_quick_leaves_out_what_needs_pictures(data: Set) -> None:
    data.add("dark", np.zeros((96, 128), np.uint8), blob(50))
    found = data.check(quick=True)
    assert not troubles(found) and not found.statistics and not found.clusters


def test_what_was_excluded_stays_out(data: Set) -> None:
    from src.core.dataset.memory import DatasetMemory

    memory = DatasetMemory(data.root / "workspace", data.root)
    memory.exclude(["a01.png", "a02.png"], "blurred\nbadly")
    memory.remember({"data.image_size": 128})
    again = DatasetMemory(data.root / "workspace", data.root)
    assert again.excluded == {"a01.png": "blurred\nbadly", "a02.png": "blurred\nbadly"}
    assert again.overrides() == {"data.image_size": 128, "data.exclude": str(again.exclude_file)}
    found = data.check(exclude=str(again.exclude_file))
    assert len(found.all_samples) == 22 and of(found, "source.excluded").where == ("a01.png", "a02.png")
    again.include(["a01.png", "a02.png"])
    assert "data.exclude" not in again.overrides()
    assert of(data.check(exclude=str(data.root / "none.txt")), "source.exclude").severity == "error"


def test_cancelling_ends_every_stage(data: Set) -> None:
    for stop_at in ("Reading images and masks", "Looking at objects", "Looking for near duplicates"):
        stop = threading.Event()

        def progress(
            done: int, total: int, what: str, wanted: str = stop_at, event: threading.Event = stop
        ) -> None:
            if what == wanted:
                event.set()

        config = ImageDataConfig(
            images_dir=str(data.root / "images"), masks_dir=str(data.root / "masks"), masks=BINARY
        )  # type: ignore[arg-type]
        with pytest.raises(DescriptionCancelledError):
            describe(config, progress, stop.is_set)


def test_an_image_and_its_mask_both_damaged_are_one_image(files: Files) -> None:
    files.pairs(4)
    for name in ("images/img0.png", "masks/img0.png"):
        (files.root / name).write_bytes(b"PK\x03\x04" + bytes(99))
    found = {f.code: f for f in describe(files.config()).findings}
    assert "2 files cannot be used" in found["files.unreadable"].message
    assert "That is 25.0% of the images" in found["files.unreadable"].message
    assert "masks.size" not in found

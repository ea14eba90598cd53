"""What an import writes: all or nothing, once, beside the source that stays as it is."""

from __future__ import annotations

import errno
import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
from dataset_files import Files
from imported import coco, masks_of, planned, square

from src.core.dataset.config import ImageDataConfig, MaskConfig
from src.core.dataset.describe import describe
from src.core.dataset.findings import DatasetError
from src.core.dataset.formats import (
    ImportCancelledError,
    ImportFailedError,
    carry_out,
    default_folder,
    recognise,
    writing,
)


@pytest.fixture
def source(files: Files) -> Path:
    """Twelve photographs with one object each."""
    images = [{"id": n, "file_name": f"{n}.png", "width": 32, "height": 24} for n in range(12)]
    for n in range(12):
        files.image(f"images/{n}.png", seed=n)
    notes = [
        {"id": n, "image_id": n, "category_id": 1, "segmentation": [square(1 + n, 2, 6)], "iscrowd": 0}
        for n in range(12)
    ]
    files.text("set.json", coco(images, notes, {1: "crack"}))
    return files.root


def everything(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


def test_the_source_stays_and_the_result_is_a_data_set(source: Path) -> None:
    before = everything(source)
    folder = carry_out(planned(source, name="Risse: Probe/1"))
    assert folder == default_folder("Risse_Probe_1") and everything(source) == before
    masks = MaskConfig(meaning="index", classes=["background", "crack"], ignore_value=255)
    data = describe(ImageDataConfig(table=str(folder / "table.csv"), images_dir=str(source), masks=masks))
    assert not data.has_errors and len(data.all_samples) == 12 and sum(data.class_pixels["train"]) > 0
    assert recognise(folder)[0].format == "lathe"
    told = json.loads((folder / "import.json").read_text("utf-8"))
    assert told["source"] == str(source) and told["format"] == "coco" and told["rules"]["merge"] == "area"
    assert set(told["annotation_files"]) == {"set.json"} and told["date"] and told["lathe"]


def test_the_same_import_is_recognised_and_a_changed_one_gets_another_folder(source: Path) -> None:
    first = planned(source)
    folder = carry_out(first)
    before = everything(folder)
    second = planned(source)
    assert carry_out(second) == folder and second.outcome is not None and second.outcome.unchanged
    text = (source / "set.json").read_text("utf-8")
    (source / "set.json").write_text(text.replace("crack", "scratch"), encoding="utf-8")
    third = planned(source)
    assert carry_out(third) == folder.with_name(f"{folder.name}-2") and everything(folder) == before
    assert third.outcome is not None and not third.outcome.unchanged
    assert planned(source, merge="later").fingerprint != third.fingerprint


def test_nothing_is_overwritten(source: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.txt").write_text("years")
    with pytest.raises(DatasetError, match="holds something else"):
        carry_out(planned(source), tmp_path / "taken")
    assert (tmp_path / "taken" / "thesis.txt").read_text() == "years"
    (tmp_path / "empty").mkdir()
    assert len(masks_of(carry_out(planned(source), tmp_path / "empty"))) == 12


def test_cancelling_leaves_nothing(source: Path, tmp_path: Path) -> None:
    seen: list[int] = []
    with pytest.raises(ImportCancelledError):
        carry_out(
            planned(source),
            tmp_path / "set",
            lambda done, _total, _what: seen.append(done),
            lambda: len(seen) > 2,
        )
    assert seen and not list(tmp_path.glob("*set*")) + list(tmp_path.glob(".*set*"))
    with pytest.raises(ImportCancelledError):
        planned(source, cancelled=lambda: True)


def test_a_full_disk_is_told_in_a_sentence_and_leaves_nothing(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = planned(source)

    def full(_path: Path, _text: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("src.core.dataset.formats.making.write_text", full)
    with pytest.raises(ImportFailedError, match="the disk is full"):
        carry_out(plan, tmp_path / "set")
    assert not list(tmp_path.glob("*set*")) + list(tmp_path.glob(".*set*"))


def test_a_full_disk_while_masks_are_written(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_path: Path, _mask: np.ndarray) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("src.core.dataset.formats.making.write_png", full)
    with pytest.raises(ImportFailedError, match="the disk is full"):
        carry_out(planned(source), tmp_path / "set")


def test_equal_names_with_other_suffixes_keep_their_masks() -> None:
    taken: set[str] = set()
    names = [
        writing.mask_name(i, taken) for i in ("a.jpg", "a.png", "A.JPG", "../../etc/x.jpg", "/abs/y.png")
    ]
    assert names == ["a.png", "a.png.png", "A.JPG.png", "etc/x.png", "abs/y.png"]


def test_what_cannot_be_imported_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="does not exist"):
        recognise(tmp_path / "gone")
    (tmp_path / "set.zip").write_bytes(b"PK")
    with pytest.raises(DatasetError, match="archive"):
        recognise(tmp_path / "set.zip")
    with pytest.raises(DatasetError, match="no format"):
        recognise(tmp_path, "excel")
    with pytest.raises(DatasetError, match="does not look like COCO"):
        recognise(tmp_path, "coco")
    assert recognise(tmp_path) == []


def test_links_in_a_circle_and_names_like_images_are_no_trap(source: Path) -> None:
    (source / "images" / "loop").symlink_to(source, target_is_directory=True)
    (source / "nothing.json").write_bytes(b"\0\xff\xfe")
    (source / "images" / "folder.png").mkdir()
    assert planned(source).images == 12


def test_what_a_killed_import_left_is_cleared_away_after_a_day(source: Path, tmp_path: Path) -> None:
    for name, age in (("old", 2 * 86_400), ("fresh", 60)):
        left = tmp_path / f".set.{name}.part"
        left.mkdir()
        os.utime(left, (time.time() - age,) * 2)
    carry_out(planned(source), tmp_path / "set")
    assert [p.name for p in tmp_path.glob(".set*")] == [".set.fresh.part"]

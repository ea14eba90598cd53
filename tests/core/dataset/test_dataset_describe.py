"""What a person is told of a folder before training starts, good or bad."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from dataset_files import Files
from PIL import Image

from src.core.dataset.config import ImageDataConfig, MaskConfig, SplitConfig
from src.core.dataset.describe import DatasetDescription, DescriptionCancelledError, describe

BINARY = {"meaning": "binary"}


def codes(found: DatasetDescription, severity: str = "error") -> list[str]:
    return [f.code for f in found.findings if f.severity == severity]


def test_a_good_set(files: Files) -> None:
    files.pairs(10)
    files.write("masks/img3.png", np.zeros((24, 32), np.uint8))
    found = describe(files.config())
    assert not found.has_errors and found.meaning is not None and found.meaning.kind == "binary"
    assert [len(found.samples[part]) for part in ("train", "val", "test")] == [8, 2, 0]
    assert sum(found.class_pixels["train"]) == 8 * 24 * 32
    assert found.class_pixels["train"][1] + found.class_pixels["val"][1] == 9 * 36
    assert found.sizes == {"min": (32, 24), "median": (32, 24), "max": (32, 24)}
    assert found.resolved()["data.masks.meaning"] == "binary" and found.intensity_range is None
    assert "masks.empty" in codes(found, "notice")
    sample = next(s for s in found.all_samples if s.id == "img3.png")
    assert not sample.has_object and sample.classes == (0,) and (sample.width, sample.height) == (32, 24)
    assert found.summary() == "10 images (8 for training, 2 for validation), object on 9."


def test_it_is_saved_and_loaded_and_notices_changes(files: Files, tmp_path: Path) -> None:
    files.pairs(10)
    found = describe(files.config(split={"test_fraction": 0.2}))
    found.save(tmp_path / "run")
    loaded = DatasetDescription.load(tmp_path / "run")
    assert loaded == found
    again = describe(files.config(split_dir=str(tmp_path / "run")))
    assert again.split_hash == found.split_hash and again.fingerprint == found.fingerprint
    (files.root / "images" / "img1.png").unlink()
    files.image("images/img2.png", size=(9, 9))
    changed = DatasetDescription.load(tmp_path / "run")
    assert [(f.code, Path(f.where[0]).name) for f in changed.findings[-2:]] == [
        ("changed.gone", "img1.png"),
        ("changed.size", "img2.png"),
    ]
    (tmp_path / "run" / "description.json").write_text('{"version": 1}', encoding="utf-8")
    with pytest.raises(ValueError, match="scan the data again"):
        DatasetDescription.load(tmp_path / "run")


def test_a_description_of_an_older_run_is_read(files: Files, tmp_path: Path) -> None:
    files.pairs(10)
    found = describe(files.config())
    found.save(tmp_path)
    path = tmp_path / "description.json"
    data = json.loads(path.read_text("utf-8"))
    for newer in ("noun", "class_names", "source", "split_given"):
        del data[newer]
    path.write_text(json.dumps(data), encoding="utf-8")
    loaded = DatasetDescription.load(tmp_path)
    assert loaded.samples == found.samples and loaded.class_names == found.class_names
    assert loaded.findings == found.findings


def test_the_fingerprint_sees_content_and_not_the_place(files: Files, tmp_path: Path) -> None:
    files.pairs(4)
    first = describe(files.config()).fingerprint
    shutil.copytree(files.root, tmp_path / "copy")
    assert describe(Files(tmp_path / "copy").config()).fingerprint == first
    mask = cv2.imdecode(np.fromfile(files.root / "masks" / "img0.png", np.uint8), cv2.IMREAD_UNCHANGED)
    mask[0, 0] = 255
    files.write("masks/img0.png", mask)
    assert describe(files.config()).fingerprint != first


def spoil(files: Files, name: str, keep: float = 0.6) -> None:
    path = files.root / name
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])


@pytest.mark.parametrize("name", ["images/img4.png", "masks/img4.png"])
@pytest.mark.parametrize("keep", [0.0, 0.6])
def test_damaged_files_are_left_out_up_to_a_share(files: Files, name: str, keep: float) -> None:
    files.pairs(10)
    spoil(files, name, keep)
    found = describe(files.config(max_unreadable=0.1))
    assert codes(found, "warning") == ["files.unreadable"] and not found.has_errors
    assert [Path(path).name for path, _ in found.quarantined] == ["img4.png"]
    assert len(found.all_samples) == 9
    strict = describe(files.config(max_unreadable=0.05))
    assert codes(strict) == ["files.unreadable"] and "10.0%" in next(str(f) for f in strict.findings)


def test_a_flipped_bit_in_a_png_is_found(files: Files) -> None:
    files.pairs(10)
    path = files.root / "images" / "img4.png"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    found = describe(files.config(max_unreadable=0.2))
    assert [Path(p).name for p, _ in found.quarantined] == ["img4.png"] and "checksum" in found.quarantined[
        0
    ][1]


def test_nothing_can_be_read(files: Files) -> None:
    files.pairs(2)
    for name in ("images/img0.png", "images/img1.png"):
        spoil(files, name)
    assert codes(describe(files.config(max_unreadable=1.0))) == ["files.none"]


def test_sizes_that_differ(files: Files) -> None:
    files.pairs(4)
    files.mask("masks/img2.png", size=(32, 24))
    found = describe(files.config())
    assert codes(found) == ["masks.size"]
    finding = next(f for f in found.findings if f.code == "masks.size")
    assert "image 32 x 24, mask 24 x 32" in finding.message and "orientation" in finding.cure


def test_mask_values_outside_the_table(files: Files) -> None:
    files.pairs(4, value=1)
    files.mask("masks/img2.png", value=7)
    found = describe(files.config(masks={"meaning": "index", "classes": ["a", "b"]}))
    finding = next(f for f in found.findings if f.code == "masks.values")
    assert (
        finding.severity == "error" and "7 (36 pixels)" in finding.message and finding.where == ("img2.png",)
    )
    assert "ignore_value: 7" in finding.cure
    fixed = describe(files.config(masks={"meaning": "index", "classes": ["a", "b"], "ignore_value": 7}))
    assert not fixed.has_errors and sum(sum(c) for c in fixed.class_pixels.values()) == 4 * 24 * 32 - 36


def test_a_threshold_that_leaves_nothing_names_the_right_one(files: Files) -> None:
    files.pairs(4, value=1)
    found = describe(files.config(masks=BINARY))
    finding = next(f for f in found.findings if f.code == "masks.all_empty")
    assert finding.severity == "error" and "data.masks.threshold: 0" in finding.cure
    assert not describe(files.config(masks={**BINARY, "threshold": 0})).has_errors


def test_polarity(files: Files) -> None:
    for number in range(4):
        files.image(f"images/img{number}.png", seed=number)
        files.write(
            f"masks/img{number}.png", 255 - np.pad(np.full((6, 6), 255, np.uint8), ((4, 14), (4, 22)))
        )
    assert codes(describe(files.config())) == ["masks.polarity"]
    assert codes(describe(files.config(masks=BINARY)), "warning") == ["masks.polarity"]
    dark = describe(files.config(masks={**BINARY, "foreground": "dark"}))
    assert not dark.has_errors and sum(c[1] for c in dark.class_pixels.values()) == 4 * 36


def test_coloured_masks(files: Files) -> None:
    files.pairs(3)
    files.image("masks/img1.png")
    assert codes(describe(files.config())) == ["masks.colour"]


def test_contradictory_declaration_and_bad_pattern(files: Files) -> None:
    files.pairs(3)
    assert codes(describe(files.config(masks={"meaning": "index", "classes": ["a", "a"]}))) == [
        "masks.declaration"
    ]
    pattern = {"group_by": "pattern", "group_pattern": "(img"}
    assert codes(describe(files.config(split=pattern))) == ["split.pattern"]
    unmatched = {"group_by": "pattern", "group_pattern": r"^(img[01])"}
    found = describe(files.config(split=unmatched))
    assert codes(found, "warning") == ["split.no_group"] and not found.has_errors


def test_one_image_and_no_image(files: Files) -> None:
    files.pairs(1)
    assert codes(describe(files.config())) == ["split.one_image"]
    (files.root / "images" / "img0.png").unlink()
    found = describe(files.config())
    assert codes(found) == ["source.no_images"] and found.summary() == "No image that can be used."


def test_no_validation_images(files: Files) -> None:
    files.pairs(3)
    files.text("splits/train.txt", "img0\nimg1\nimg2\n")
    found = describe(files.config(split_dir=str(files.root / "splits")))
    assert codes(found) == ["split.no_val"]


def test_copies_stay_on_one_side_and_given_splits_that_leak_are_told(files: Files) -> None:
    for number in range(12):
        files.image(f"images/img{number:02d}.png", seed=number % 6)
        files.mask(f"masks/img{number:02d}.png")
    found = describe(files.config())
    assert "split.copies" in codes(found, "notice") and codes(found, "warning") == ["duplicates.exact"]
    for number in range(6):
        pair = {s.id: part for part, samples in found.samples.items() for s in samples}
        assert pair[f"img{number:02d}.png"] == pair[f"img{number + 6:02d}.png"]
    files.text("splits/train.txt", "\n".join(f"img{n:02d}" for n in range(9)))
    files.text("splits/val.txt", "\n".join(f"img{n:02d}" for n in range(9, 12)))
    given = describe(files.config(split_dir=str(files.root / "splits")))
    assert codes(given, "warning") == ["split.duplicates", "duplicates.exact"]


def test_absent_classes(files: Files) -> None:
    for number in range(6):
        files.image(f"images/img{number}.png", seed=number)
        files.mask(f"masks/img{number}.png", value=1 + (number == 0))
    files.text("splits/train.txt", "\n".join(f"img{n}" for n in range(4)))
    files.text("splits/val.txt", "img4\nimg5\n")
    config = files.config(
        split_dir=str(files.root / "splits"), masks={"meaning": "index", "classes": ["a", "b", "c", "d"]}
    )
    found = describe(config)
    absent = {f.code: f.where for f in found.findings if f.severity == "warning"}
    assert absent == {"split.absent_train": ("d",), "split.absent_val": ("c", "d")}


def test_deep_images_get_an_intensity_range(files: Files) -> None:
    for number in range(4):
        files.write(f"images/img{number}.png", np.linspace(500, 4000, 768).astype(np.uint16).reshape(24, 32))
        files.mask(f"masks/img{number}.png")
    found = describe(files.config())
    assert found.intensity_range is not None
    assert 500 <= found.intensity_range[0] < 520 and 3980 < found.intensity_range[1] <= 4000
    files.image("images/img0.png")
    assert "images.depth" in codes(describe(files.config()), "warning")


def test_images_without_masks_count_as_background(files: Files) -> None:
    files.pairs(5)
    files.image("images/good.png", seed=50)
    found = describe(files.config(unlabelled="empty"))
    good = next(s for s in found.all_samples if s.id == "good.png")
    assert good.mask is None and not good.has_object
    assert sum(sum(counts) for counts in found.class_pixels.values()) == 6 * 24 * 32


def test_camera_orientation_counts_for_the_size(files: Files) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for number in range(3):
        noise = np.random.default_rng(number).integers(0, 255, (24, 32, 3), dtype=np.uint8)
        (files.root / "images").mkdir(exist_ok=True)
        Image.fromarray(noise).save(files.root / "images" / f"img{number}.jpg", exif=exif)
        files.mask(f"masks/img{number}.png", size=(32, 24))
    found = describe(files.config())
    assert not found.has_errors and found.sizes["max"] == (24, 32)


def test_progress_and_cancelling(files: Files) -> None:
    files.pairs(30)
    seen: list[tuple[int, int, str]] = []
    describe(files.config(), progress=lambda *step: seen.append(step), workers=2)
    for title in {word for _, _, word in seen}:
        steps = [step for *step, word in seen if word == title]
        assert steps == sorted(steps) and steps[-1][0] == steps[-1][1] > 0
    with pytest.raises(DescriptionCancelledError):
        describe(files.config(), cancelled=lambda: True)


def test_the_result_does_not_depend_on_the_number_of_threads(files: Files) -> None:
    files.pairs(20)
    assert describe(files.config(), workers=1) == describe(files.config(), workers=7)


def test_an_earlier_split_is_kept(files: Files, tmp_path: Path) -> None:
    from src.core.dataset.splitting.split_record import read_split

    files.pairs(12)
    found = describe(files.config())
    found.save(tmp_path / "old")
    record = read_split(tmp_path / "old")
    assert record is not None
    files.pairs(40)
    grown = describe(files.config(), keep=record.groups)
    assert {s.id for s in found.samples["val"]} <= {s.id for s in grown.samples["val"]}
    assert len(grown.samples["val"]) == 8


def test_the_rooms_without_torch_and_qt() -> None:
    script = (
        "import sys, importlib, pkgutil, src.core.dataset as d\n"
        "[importlib.import_module(m.name) for m in pkgutil.walk_packages(d.__path__, d.__name__ + '.')]\n"
        "[getattr(d, name) for name in d.__all__]\n"
        "print([m for m in ('torch', 'PyQt5') if m in sys.modules])"
    )
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_magnetic_tile_by_folder_and_by_table(real: Callable[[str], Path]) -> None:
    root = real("magnetic_tile")
    found = describe(ImageDataConfig(images_dir=str(root), masks_dir=str(root)))
    assert not found.has_errors and len(found.all_samples) == 542
    assert found.meaning is not None and (found.meaning.kind, found.meaning.threshold) == ("binary", 127)
    split = SplitConfig(group_by="column", group_column="tile", stratify_column="defect")
    table = describe(ImageDataConfig(table=str(root / "tiles.csv"), split=split))
    assert not [c for c in codes(table, "warning") if c.startswith(("files.", "images.", "split.group"))]
    assert table.fingerprint == found.fingerprint
    assert 90 <= len(table.samples["val"]) <= 125
    assert {s.stratum for s in table.samples["val"]} == {s.stratum for s in table.samples["train"]}
    assert not {s.group for s in table.samples["val"]} & {s.group for s in table.samples["train"]}


def test_camvid_with_foreign_paths(real: Callable[[str], Path]) -> None:
    masks = MaskConfig(meaning="index", classes=list("abcdefghijk"), ignore_value=11)
    config = ImageDataConfig(split_dir=str(real("camvid")), masks=masks)
    found = describe(config)
    assert not found.has_errors and [len(found.samples[p]) for p in ("train", "val")] == [40, 15]
    assert "split.relocated" in codes(found, "notice") and min(found.class_pixels["train"]) > 0


def test_isbi_membrane_asks_for_the_polarity(real: Callable[[str], Path]) -> None:
    root = real("isbi_membrane")
    config = ImageDataConfig(images_dir=str(root / "image"), masks_dir=str(root / "label"))
    assert codes(describe(config)) == ["masks.polarity"]
    config.masks = MaskConfig(meaning="binary", foreground="dark")
    found = describe(config)
    assert not found.has_errors
    assert 0.15 < found.class_pixels["train"][1] / sum(found.class_pixels["train"]) < 0.3

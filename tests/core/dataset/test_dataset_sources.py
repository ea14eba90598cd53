"""Finding pairs in folders, split files and tables, as people really keep them."""

from __future__ import annotations

import os
import sys
import unicodedata
from pathlib import Path

import pytest
from dataset_files import Files

from src.core.dataset.config import ImageDataConfig
from src.core.dataset.sources.relocation import Resolver
from src.core.dataset.sources.source_lists import readings
from src.core.dataset.sources.source_rows import Sources
from src.core.dataset.sources.sources import find_sources


def codes(found: Sources, severity: str = "error") -> list[str]:
    return [f.code for f in found.findings if f.severity == severity]


def partners(found: Sources) -> dict[str, str | None]:
    return {row.id: Path(row.mask).name if row.mask else None for row in found.rows}


def folders(files: Files, **options: object) -> Sources:
    return find_sources(files.config(**options))


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("a.jpg", "a.png"),
        ("a.png", "a_mask.png"),
        ("a.png", "a-mask.tif"),
        ("a.png", "a.mask.png"),
        ("a.png", "a_label.png"),
        ("a.png", "a_gt.png"),
        ("a.png", "a_seg.bmp"),
        ("a.jpg", "a.jpg.png"),
        ("a_leftImg8bit.png", "a_gtFine_labelIds.png"),
        ("a_leftImg8bit.png", "a_labelIds.png"),
        ("a.JPG", "A.PNG"),
        ("deep/er/a b.png", "deep/er/a b_Mask.png"),
        ("a.png", "mask_a.png"),
        ("Prüfung 1 ü.png", "Prüfung 1 ü.png"),
    ],
)
def test_names_that_belong_together(files: Files, image: str, mask: str) -> None:
    files.image(f"images/{image}")
    files.mask(f"masks/{mask}")
    found = folders(files)
    assert partners(found) == {unicodedata.normalize("NFC", image): Path(mask).name}
    assert not codes(found) and not codes(found, "warning")
    assert os.path.isabs(found.rows[0].image)  # noqa: PTH117


def test_unicode_forms_of_one_name_match(files: Files) -> None:
    files.image("images/" + unicodedata.normalize("NFD", "Größe.png"))
    files.mask("masks/" + unicodedata.normalize("NFC", "Größe.png"))
    found = folders(files)
    assert [row.id for row in found.rows] == [unicodedata.normalize("NFC", "Größe.png")]


def test_one_folder_for_both_by_suffix_and_by_ending(files: Files) -> None:
    for name in ("x/a", "x/b", "y/a"):
        files.image(f"images/{name}.jpg")
        files.mask(f"images/{name}.png")
    files.image("images/z/c.png")
    files.mask("images/z/c_mask.png")
    found = folders(files, masks_dir=str(files.root / "images"))
    assert partners(found) == {
        "x/a.jpg": "a.png",
        "x/b.jpg": "b.png",
        "y/a.jpg": "a.png",
        "z/c.png": "c_mask.png",
    }


def test_equal_names_in_different_folders_stay_apart(files: Files) -> None:
    for folder in ("left", "right"):
        files.image(f"images/{folder}/a.png")
        files.mask(f"masks/{folder}/a.png")
    found = folders(files)
    assert [row.id for row in found.rows] == ["left/a.png", "right/a.png"]
    assert all(Path(row.mask or "").parent.name == row.id.split("/")[0] for row in found.rows)


def test_masks_in_another_tree_are_matched_by_name_only_where_it_is_unique(files: Files) -> None:
    for name in ("p/a", "p/b", "q/b"):
        files.image(f"images/{name}.png")
    files.mask("masks/a.png")
    files.mask("masks/b.png")
    found = folders(files)
    assert partners(found) == {"p/a.png": "a.png"}
    assert "source.by_name" in codes(found, "notice") and "source.unlabelled" in codes(found, "warning")


def test_two_masks_for_one_image_are_an_error(files: Files) -> None:
    files.pairs(3)
    files.mask("masks/img1.tif")
    found = folders(files)
    assert codes(found) == ["source.ambiguous"]
    assert "img1.png" in found.findings[0].message and "img1.tif" in found.findings[0].message
    assert set(partners(found)) == {"img0.png", "img2.png"}


def test_images_without_masks_and_masks_without_images(files: Files) -> None:
    files.pairs(3)
    files.image("images/extra.png")
    files.mask("masks/orphan.png")
    found = folders(files)
    assert len(found.rows) == 3 and set(codes(found, "warning")) == {"source.orphans", "source.unlabelled"}
    assert any("orphan.png" in f.where for f in found.findings)
    kept = folders(files, unlabelled="empty")
    assert partners(kept)["extra.png"] is None and len(kept.rows) == 4


def test_litter_is_not_data(files: Files) -> None:
    files.pairs(1)
    for name in ("Thumbs.db", ".DS_Store", "notes.txt", ".hidden.png", "._img0.png"):
        files.text(f"images/{name}", "x")
    files.image("images/.cache/img9.png")
    files.image("images/__MACOSX/img8.png")
    assert set(partners(folders(files))) == {"img0.png"}


def test_masks_below_the_images_are_not_images(files: Files) -> None:
    files.image("images/a.png")
    files.mask("images/masks/a.png")
    assert partners(folders(files, masks_dir=str(files.root / "images" / "masks"))) == {"a.png": "a.png"}


@pytest.mark.skipif(sys.platform == "win32", reason="making links needs a privilege on Windows")
def test_a_link_in_a_circle_ends(files: Files) -> None:
    files.pairs(2)
    (files.root / "images" / "again").symlink_to(files.root / "images", target_is_directory=True)
    found = folders(files)
    assert len(found.rows) == 2 and "source.links" in codes(found, "notice")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"images_dir": ""}, "source.none"),
        ({"images_dir": "/absent/images"}, "source.images_dir"),
        ({"masks_dir": ""}, "source.masks_dir"),
        ({"masks_dir": "/absent/masks"}, "source.masks_dir"),
        ({"split_dir": "/absent/splits"}, "source.split_dir"),
        ({"table": "/absent/table.csv"}, "table.unreadable"),
    ],
)
def test_folders_that_are_not_there(files: Files, options: dict[str, str], code: str) -> None:
    files.pairs(1)
    found = folders(files, **options)
    assert codes(found) == [code] and not found.rows and found.findings[0].cure


def test_empty_folders_and_names_that_do_not_match(files: Files) -> None:
    (files.root / "images").mkdir()
    (files.root / "masks").mkdir()
    assert codes(folders(files)) == ["source.no_images"]
    files.image("images/a.png")
    assert codes(folders(files)) == ["source.no_masks"]
    files.mask("masks/b.png")
    found = folders(files)
    assert codes(found) == ["source.no_pairs"] and "a.png" in found.findings[0].message


@pytest.mark.parametrize(
    "line",
    [
        "img0.png",
        "img0",
        "images/img0.png",
        "images/img0.png masks/img0.png",
        "images/img0.png\tmasks/img0.png",
        "images/img0.png, masks/img0.png",
        '"images/img0.png" "masks/img0.png"',
        "/somebody/else/data/images/img0.png /somebody/else/data/masks/img0.png",
        r"D:\data\images\img0.png D:\data\masks\img0.png",
        r"images\img0.png",
        "  images/img0.png  ",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_lines_of_split_files(files: Files, line: str, encoding: str) -> None:
    files.pairs(2)
    files.text("splits/train.txt", f"# comment\r\n\r\n{line}\r\n", encoding)
    files.text("splits/val.txt", "img1", encoding)
    found = folders(files, split_dir=str(files.root / "splits"))
    assert not codes(found), found.findings
    assert [(r.id, r.split, Path(r.mask or "").parent.name) for r in found.rows] == [
        ("img0.png", "train", "masks"),
        ("img1.png", "val", "masks"),
    ]
    assert ("split.relocated" in codes(found, "notice")) == (line[0] == "/" or line[1] == ":")


@pytest.mark.parametrize(
    "line", ["images/my img.png", "images/my img.png masks/my img.png", "my img", "my img.png"]
)
def test_spaces_in_paths(files: Files, line: str) -> None:
    files.image("images/my img.png")
    files.mask("masks/my img.png")
    files.text("splits/train.txt", line)
    found = folders(files, split_dir=str(files.root / "splits"))
    assert partners(found) == {"my img.png": "my img.png"}


def test_the_longest_tail_decides_and_a_mask_is_never_its_image(files: Files) -> None:
    for folder in ("train", "trainannot"):
        for name in ("a", "b"):
            files.mask(f"set/{folder}/{name}.png")
    files.text(
        "set/train.txt",
        "".join(f"/SegNet/CamVid/train/{n}.png /SegNet/CamVid/trainannot/{n}.png\n" for n in "ab"),
    )
    found = find_sources(ImageDataConfig(split_dir=str(files.root / "set")))
    assert [(Path(r.image).parent.name, Path(r.mask or "").parent.name) for r in found.rows] == [
        ("train", "trainannot")
    ] * 2
    assert "4 paths" in next(f.message for f in found.findings if f.code == "split.relocated")


def test_a_path_that_could_mean_two_files_is_an_error(files: Files) -> None:
    for folder in ("x", "y"):
        files.image(f"images/{folder}/a.png")
        files.mask(f"masks/{folder}/a.png")
    files.text("splits/train.txt", "/elsewhere/a.png\nx/a.png")
    found = folders(files, split_dir=str(files.root / "splits"))
    assert codes(found) == ["split.ambiguous"] and "line 1" in found.findings[0].where[0]
    assert [r.id for r in found.rows] == ["x/a.png"]


def test_named_files_that_are_missing_are_listed(files: Files) -> None:
    files.pairs(2)
    files.text("splits/train.txt", "img0.png\ngone.png\n")
    files.text("splits/val.txt", "img1.png\n")
    found = folders(files, split_dir=str(files.root / "splits"))
    assert len(found.rows) == 2 and [path for path, _ in found.missing] == ["gone.png"]
    assert "train.txt line 2" in found.missing[0][1]
    files.text("splits/train.txt", "gone.png\n")
    files.text("splits/val.txt", "gone2.png\n")
    assert codes(folders(files, split_dir=str(files.root / "splits"))) == ["split.none_found"]


def test_an_image_in_two_parts_is_an_error_and_a_repeated_line_a_warning(files: Files) -> None:
    files.pairs(3)
    files.text("splits/train.txt", "img0\nimg1\nimg1\n")
    files.text("splits/val.txt", "img2\nimages/img0.png\n")
    found = folders(files, split_dir=str(files.root / "splits"))
    assert codes(found) == ["split.overlap"] and codes(found, "warning") == ["split.repeated"]


def test_a_folder_without_train_txt(files: Files) -> None:
    files.pairs(1)
    files.text("splits/val.txt", "img0")
    assert codes(folders(files, split_dir=str(files.root / "splits"))) == ["split.no_train"]


def test_readings_try_the_likely_first() -> None:
    assert next(iter(readings("a.png b.png"))) == ("a.png", "b.png")
    assert next(iter(readings("a,b"))) == ("a", "b")
    assert next(iter(readings("my image.png"))) == ("my image.png",)
    assert next(iter(readings("'my a.png' 'my b.png'"))) == ("my a.png", "my b.png")


def test_relocation_prefers_direct_paths(files: Files) -> None:
    path = files.image("images/a.png")
    resolver = Resolver([str(files.root)], [str(files.root)])
    assert resolver.find("images/a.png").how == "direct"
    assert resolver.find("/other/images/a.png").path == str(path)
    assert resolver.find("/other/images/b.png").how == "missing"
    assert resolver.find("images/a.png", not_this=str(path)).how == "missing"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_tables(files: Files, delimiter: str) -> None:
    files.pairs(3)
    lines = ["image,mask,part,use", "images/img0.png,masks/img0.png,A,train",
             "images/img1.png,masks/img1.png,B,Validation",
             "images/img2.png,,B,test"]  # fmt: skip
    table = files.text("table.csv", "\n".join(lines).replace(",", delimiter), "utf-8-sig")
    config = ImageDataConfig(table=str(table), split_column="use", unlabelled="empty")
    found = find_sources(config)
    assert not codes(found) and [r.split for r in found.rows] == ["train", "val", "test"]
    assert [r.id for r in found.rows] == [f"images/img{i}.png" for i in range(3)]
    assert found.rows[0].columns["part"] == "A" and found.rows[2].mask is None and found.split_given


def test_tables_that_do_not_fit(files: Files) -> None:
    files.pairs(2)
    table = files.text("t.csv", "file,mask\nimages/img0.png,masks/img0.png\n")
    found = find_sources(ImageDataConfig(table=str(table)))
    assert codes(found) == ["table.columns"] and "file, mask" in found.findings[0].message
    table = files.text("t.csv", "image,mask,use\nimages/img0.png,masks/img0.png,sometimes\n")
    assert "table.split" in codes(find_sources(ImageDataConfig(table=str(table), split_column="use")))
    table = files.text("t.csv", "image,mask\n")
    assert codes(find_sources(ImageDataConfig(table=str(table)))) == ["source.no_images"]
    table = files.text("t.csv", "image,mask\ngone.png,gone_mask.png\n")
    assert codes(find_sources(ImageDataConfig(table=str(table)))) == ["split.none_found"]
    files.text("t.csv", "image,mask\n/foreign/images/img0.png,/foreign/masks/img0.png\n")
    assert len(find_sources(ImageDataConfig(table=str(table))).rows) == 1

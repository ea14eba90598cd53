"""Parts of large TIFFs: the same pixels as the whole, in little memory, whatever way they are stored."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile

from src.core.dataset.checking.objects import find_objects
from src.core.dataset.checking.row_facts import MaskContent, read_row
from src.core.dataset.checking.scan import scan_objects
from src.core.dataset.files import image_files
from src.core.dataset.files.image_files import UnreadableImageError
from src.core.dataset.files.images import read_image
from src.core.dataset.files.large_tiff import large_tiff
from src.core.dataset.masks import IGNORE_INDEX, MaskMeaning
from src.core.dataset.records import Sample
from src.core.dataset.sources.source_rows import Row
from src.core.feed.augment import Augmentation
from src.core.feed.dataset import ImageMaskDataset
from src.core.feed.reading import FileReader

WAYS: list[dict[str, Any]] = [
    {"tile": (128, 128)},
    {"tile": (128, 128), "compression": "deflate", "predictor": True},
    {"tile": (64, 128), "compression": "lzw"},
    {"tile": (128, 128), "compression": "jpeg"},
    {"rowsperstrip": 16, "compression": "deflate"},
    {"tile": (128, 128), "planarconfig": "separate"},
]


def picture(height: int, width: int) -> np.ndarray:
    coarse = np.random.default_rng(3).integers(0, 256, (height // 40, width // 40, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: "-".join(map(str, way.values())))
def test_a_part_has_the_pixels_of_the_whole(tmp_path: Path, way: dict[str, Any]) -> None:
    path, image = tmp_path / "ein Bild ü.tif", picture(300, 440)
    stored = image.transpose(2, 0, 1) if way.get("planarconfig") else image
    tifffile.imwrite(path, stored, photometric="rgb", **way)
    large = large_tiff(path, least_pixels=0)
    assert large is not None and large.size == (300, 440)
    whole = read_image(path)
    for top, left, height, width in [
        (0, 0, 300, 440),
        (100, 333, 90, 107),
        (299, 0, 1, 1),
        (120, 120, 20, 20),
    ]:
        part = large.read((top, left, height, width)).astype(int)
        assert np.abs(part - whole[top : top + height, left : left + width]).max() <= (
            3 if way.get("compression") == "jpeg" else 0  # two JPEG decoders round colours differently
        )
    small = large.reduced((60, 60))
    assert small.shape == (60, 88, 3)
    assert np.abs(small.astype(int) - cv2.resize(whole, (88, 60), interpolation=cv2.INTER_AREA)).max() <= 3


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_grey_of_every_depth(tmp_path: Path, kind: Any) -> None:
    path, plane = (
        tmp_path / "a.tif",
        picture(300, 300)[..., 0].astype(kind) * kind(2 if kind != np.uint8 else 1),
    )
    tifffile.imwrite(path, plane, tile=(128, 128))
    large = large_tiff(path, least_pixels=0)
    assert large is not None and np.array_equal(large.read((7, 9, 200, 100)), plane[7:207, 9:109])
    labels = large.reduced((100, 100), average=False)
    assert np.array_equal(labels, plane[1::3, 1::3])


def test_white_is_zero_is_turned_as_in_whole_files(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, picture(256, 256)[..., 0], tile=(128, 128), photometric="miniswhite")
    large = large_tiff(path, least_pixels=0)
    assert large is not None and np.array_equal(large.read((0, 0, 256, 256)), read_image(path, 1)[..., 0])


def test_the_level_that_is_enough_is_taken(tmp_path: Path) -> None:
    path, image = tmp_path / "a.tif", picture(1024, 1024)
    with tifffile.TiffWriter(path) as writer:
        writer.write(image, tile=(128, 128), subifds=1, photometric="rgb")
        writer.write(np.zeros((256, 256, 3), np.uint8), tile=(128, 128), subfiletype=1, photometric="rgb")
    large = large_tiff(path, least_pixels=0)
    assert large is not None and len(large.levels) == 2
    assert large.reduced((200, 200)).max() == 0  # the small level is black
    assert large.reduced((300, 300)).max() > 0
    assert (
        large.reduced((200, 200), average=False).max() > 0
    )  # labels never come from a level that others made


def test_what_is_not_large_or_not_in_pieces_is_left_to_the_reader_of_whole_files(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "small.tif", picture(200, 200), tile=(64, 64))
    (tmp_path / "none.tif").write_bytes(b"II*\0 no")
    for name in ("small.tif", "none.tif", "absent.tif", "photo.png"):
        assert large_tiff(tmp_path / name) is None


def test_a_cut_file_is_named_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, picture(600, 600), tile=(128, 128))
    large = large_tiff(path, least_pixels=0)
    assert large is not None
    path.write_bytes(path.read_bytes()[:-200_000])
    with pytest.raises(UnreadableImageError, match="truncated"):
        large.read((0, 0, 600, 600))


def test_training_windows_of_a_large_picture_take_little_memory(tmp_path: Path) -> None:
    side = 4200
    image, mask = tmp_path / "scan.tif", tmp_path / "labels.tif"
    labels = np.zeros((side, side), np.uint8)
    labels[1000:1400, 3000:3600] = 2
    tifffile.imwrite(mask, labels, tile=(256, 256), compression="deflate")
    tifffile.imwrite(
        image, np.dstack([labels * 100] * 3), tile=(256, 256), compression="deflate", photometric="rgb"
    )
    meaning = MaskMeaning("index", ("none", "one", "two"), (0, 1, 2))
    sample = Sample("scan.tif", str(image), str(mask), "scan", width=side, height=side)
    training = ImageMaskDataset(
        [sample], meaning, 128, fit="crop", augmentation=Augmentation(128, fit="crop", probability=0.5)
    )
    training.fetch(0, 0)  # what is imported and kept
    tracemalloc.start()
    for epoch in range(20):
        item, bad = training.fetch(epoch, 0)
        assert item is not None and not bad and item.image.shape[:2] == item.mask.shape == (128, 128)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5e6, "a window is 50 KB, the whole 71 MB"

    tiles = ImageMaskDataset([sample], meaning, 600, fit="crop")
    assert len(tiles) == 49
    item, _ = tiles.fetch(0, 12)  # rows 600 to 1200, columns 3000 to 3600
    assert item is not None
    assert np.array_equal(item.mask, labels[600:1200, 3000:3600])
    assert (item.image[..., 0] // 100 == item.mask).all() and IGNORE_INDEX not in item.mask

    whole, small_mask = FileReader(meaning).read(sample, (300, 300))
    assert whole.shape[:2] == small_mask.shape == (300, 300)
    assert (small_mask == labels[7::14, 7::14]).all()
    assert ((whole[..., 0] > 100) == (small_mask == 2)).mean() > 0.995


def large_pair(folder: Path, **way: Any) -> tuple[Row, np.ndarray]:
    """An image and its mask just above the size from which parts are read."""
    image = cv2.resize(picture(400, 520), (5200, 4000), interpolation=cv2.INTER_LINEAR)
    mask = np.zeros((4000, 5200), np.uint8)
    mask[1000:1900, 2000:2001], mask[3000:3300, 100:400] = 1, 2
    tifffile.imwrite(folder / "a.tif", image, photometric="rgb", tile=(256, 256), compression="zlib", **way)
    tifffile.imwrite(folder / "m.tif", mask, tile=(256, 256), compression="zlib")
    return Row("a", str(folder / "a.tif"), str(folder / "m.tif")), mask


def test_the_check_reads_large_files_in_pieces_and_finds_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, mask = large_pair(tmp_path)
    whole_image = read_image(row.image)
    monkeypatch.setattr(image_files, "MAX_PIXELS", 10_000_000)  # larger pictures are read, if in pieces
    large_tiff(row.image)
    tracemalloc.start()
    facts = read_row(row)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    scan_objects([row], [facts], MaskMeaning("index", ("a", "b", "c"), (0, 1, 2)), workers=1)
    assert not facts.problems and facts.header is not None and facts.mask_size == (5200, 4000)
    assert peak < whole_image.nbytes / 4
    assert facts.values == {0: mask.size - 900 - 90_000, 1: 900, 2: 90_000}
    assert facts.objects == find_objects(mask, 3)
    grey = cv2.cvtColor(whole_image, cv2.COLOR_RGB2GRAY)
    assert facts.brightness == pytest.approx(grey.mean(), abs=1)
    assert facts.mask_content == content_of_whole(mask)


def content_of_whole(mask: np.ndarray) -> bytes:
    content = MaskContent(mask.shape)
    content.add(mask)
    return content.digest()


def test_the_check_finds_damage_in_any_piece_of_a_large_file(tmp_path: Path) -> None:
    row, _ = large_pair(tmp_path)
    with tifffile.TiffFile(row.image) as file:
        offset, count = file.pages[0].dataoffsets[177], file.pages[0].databytecounts[177]
    data = bytearray(Path(row.image).read_bytes())
    data[offset : offset + count] = bytes(count)
    Path(row.image).write_bytes(data)
    ((path, reason),) = read_row(row).problems
    assert path == row.image and reason.startswith("is damaged")


def test_the_levels_of_a_large_file_are_not_taken_for_several_pictures(tmp_path: Path) -> None:
    image = cv2.resize(picture(400, 520), (5200, 4000), interpolation=cv2.INTER_LINEAR)
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for step, kind in ((1, 0), (2, 1), (4, 1)):
            file.write(image[::step, ::step], tile=(256, 256), photometric="rgb", subfiletype=kind)
    facts = read_row(Row("a", str(tmp_path / "a.tif"), None))
    assert not facts.problems and facts.header is not None and facts.header.width == 5200

"""Reading images and masks: every depth, channel layout and damage that people's folders hold."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from src.core.dataset.checking.row_facts import read_row
from src.core.dataset.files import image_files
from src.core.dataset.files.images import (
    ColourMaskError,
    UnreadableImageError,
    read_header,
    read_image,
    read_mask,
    read_native,
)
from src.core.dataset.sources.source_rows import Row

RNG = np.random.default_rng(0)
SMOOTH = cv2.resize(
    RNG.integers(0, 255, (6, 8, 3), dtype=np.uint8), (320, 240), interpolation=cv2.INTER_CUBIC
)


def save(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "1"])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_every_layout_becomes_rgb_or_grey(tmp_path: Path, mode: str, suffix: str) -> None:
    if mode in ("LA", "RGBA"):
        picture = Image.fromarray(SMOOTH).convert(mode)
        picture.putalpha(Image.fromarray(SMOOTH[..., 0]))
    else:
        picture = Image.fromarray(SMOOTH).convert(mode)
    path = save(tmp_path / f"a.{suffix}", picture)
    expected = np.asarray((picture.convert("L") if mode in ("L", "LA", "1") else picture).convert("RGB"))
    image = read_image(path)
    assert image.shape == (240, 320, 3) and image.dtype == np.uint8 and image.flags.c_contiguous
    assert np.array_equal(image, expected)
    assert read_image(path, channels=1).shape == (240, 320, 1)
    header = read_header(path)
    assert (header.width, header.height, header.bits) == (320, 240, 8)
    assert header.channels == (1 if mode in ("1", "L", "LA") else 3)


def test_sixteen_bits_are_scaled_and_clipped(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 32 * 32).astype(np.uint16).reshape(32, 32)
    for suffix in ("png", "tif"):
        for array in (ramp, np.dstack([ramp, ramp // 2, ramp // 4])):
            path = tmp_path / f"a{array.ndim}.{suffix}"
            cv2.imwrite(str(path), array[..., ::-1] if array.ndim == 3 else array)
            assert read_header(path).bits == 16
            image = read_image(path, intensity_range=(1000, 3000))
            first = (np.clip((ramp.astype(float) - 1000) / 2000, 0, 1) * 255 + 0.5).astype(int)
            assert np.abs(image[..., 0].astype(int) - first).max() <= 1
            assert np.array_equal(read_native(path), array)
            assert read_image(path)[-1, -1, 0] == 255


def test_float_images_are_scaled(tmp_path: Path) -> None:
    ramp = np.linspace(-2, 2, 64, dtype=np.float32).reshape(8, 8)
    ramp[0, 0] = np.nan
    cv2.imwrite(str(tmp_path / "a.tif"), ramp)
    image = read_image(tmp_path / "a.tif", channels=1, intensity_range=(-2, 2))
    assert image[0, 0, 0] == 0 and image[-1, -1, 0] == 255 and abs(int(image[4, 0, 0]) - 128) < 3


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
def test_the_camera_orientation_is_applied_to_image_and_mask(
    tmp_path: Path, orientation: int, suffix: str
) -> None:
    marked = np.zeros((40, 64), np.uint8)
    marked[:16, :16] = 255
    marked[:8, 48:] = 255
    picture, exif = Image.fromarray(marked), Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / f"a.{suffix}", picture, exif=exif)
    turns = {1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud, 5: lambda a: a.T,
             6: lambda a: np.rot90(a, -1), 7: lambda a: np.rot90(a, 2).T,
             8: np.rot90}  # fmt: skip
    expected = turns[orientation](marked) > 127
    header = read_header(path)
    assert (header.height, header.width) == expected.shape
    assert np.array_equal(read_image(path, channels=1)[..., 0] > 127, expected)
    assert np.array_equal(read_mask(path) > 127, expected)


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_jpeg_may_come_smaller_but_not_too_small(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / "a.jpg", Image.fromarray(SMOOTH), exif=exif, quality=95)
    full = read_image(path)
    height, width = full.shape[:2]
    for factor, smallest in (
        (2, (height // 2, width // 2)),
        (8, (height // 8, width // 8)),
        (1, (height // 2 + 1, 1)),
    ):
        for channels in (1, 3):
            image = read_image(path, channels, min_size=smallest)
            assert image.shape == (height // factor, width // factor, channels)
    reduced = read_image(path, min_size=(height // 4, width // 4)).astype(int)
    assert (
        np.abs(reduced - cv2.resize(full, (width // 4, height // 4), interpolation=cv2.INTER_AREA)).mean() < 4
    )


def cut_file(suffix: str, keep: float) -> bytes:
    data = cv2.imencode(f".{suffix}", SMOOTH)[1].tobytes()
    return data[: int(len(data) * keep)]


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "bmp", "webp"])
@pytest.mark.parametrize("keep", [0.02, 0.5, 0.97])
def test_cut_files_are_refused_with_a_reason(tmp_path: Path, suffix: str, keep: float) -> None:
    path = tmp_path / f"Gerät ä.{suffix}"
    path.write_bytes(cut_file(suffix, keep))
    for read in (read_image, read_mask):
        with pytest.raises(UnreadableImageError) as caught:
            read(path)
        assert caught.value.path == str(path) and len(caught.value.reason) > 8


def test_a_preview_inside_a_cut_jpeg_does_not_hide_the_cut(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.fromarray(SMOOTH[::4, ::4]).save(buffer, "JPEG")
    whole = cv2.imencode(".jpg", np.tile(SMOOTH, (4, 4, 1)))[1].tobytes()
    preview = b"\xff\xee" + (len(buffer.getvalue()) + 2).to_bytes(2, "big") + buffer.getvalue()
    data = whole[:2] + preview + whole[2:]
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    assert read_image(path).shape == (960, 1280, 3)
    path.write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(UnreadableImageError, match="truncated"):
        read_image(path)


def test_bytes_behind_the_end_of_a_jpeg_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(cut_file("jpg", 1) + b"film" * 50_000)
    assert read_image(path).shape == (240, 320, 3)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"hello world, this is no image", "not an image"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 60, "truncated"),
    ],
)
def test_what_is_no_image_is_refused(tmp_path: Path, data: bytes, reason: str) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(data)
    with pytest.raises(UnreadableImageError, match=reason):
        read_image(path)
    with pytest.raises(UnreadableImageError, match="does not exist"):
        read_image(tmp_path / "absent.png")
    with pytest.raises(UnreadableImageError, match="does not exist"):
        read_header(tmp_path / "absent.png")


def test_huge_images_are_refused_before_decoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_files, "MAX_PIXELS", 1000)
    for suffix in ("png", "jpg", "tif", "bmp"):
        path = tmp_path / f"a.{suffix}"
        cv2.imwrite(str(path), SMOOTH)
        for read in (read_image, read_mask):
            with pytest.raises(UnreadableImageError, match="320 x 240 pixels"):
                read(path)
        assert read_header(path).width == 320


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "bmp", "webp", "gif", "pgm"])
def test_random_damage_never_gives_another_error(tmp_path: Path, suffix: str) -> None:
    rng = np.random.default_rng(len(suffix))
    buffer = io.BytesIO()
    formats = {"jpg": "JPEG", "tif": "TIFF", "pgm": "PPM"}
    Image.fromarray(SMOOTH[::4, ::4, 0].copy()).save(buffer, formats.get(suffix, suffix.upper()))
    whole = np.frombuffer(buffer.getvalue(), np.uint8)
    for number in range(12):
        damaged = whole.copy()
        damaged[rng.integers(0, len(whole), 4)] = rng.integers(0, 256, 4)
        path = tmp_path / f"{number}.{suffix}"
        damaged.tofile(path)
        for read in (read_image, read_mask, read_header):
            try:
                result = read(path)
            except UnreadableImageError as error:
                assert error.reason
            else:
                assert result is not None


def test_a_wrong_chunk_length_in_a_png_is_told_and_does_not_hang(tmp_path: Path) -> None:
    data = bytearray(cut_file("png", 1))
    data[33:37] = b"\x80\xd3\x00\x0f"
    path = tmp_path / "a.png"
    path.write_bytes(data)
    for read in (read_image, read_mask):
        with pytest.raises(UnreadableImageError, match="chunks"):
            read(path)


def test_a_stack_of_pictures_is_refused(tmp_path: Path) -> None:
    pages = [Image.fromarray(SMOOTH), Image.fromarray(SMOOTH[::-1].copy())]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    assert read_header(tmp_path / "a.tif").frames == 2
    with pytest.raises(UnreadableImageError, match="2 pictures"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("suffix", ["png", "gif", "bmp"])
def test_palette_masks_give_indices(tmp_path: Path, bits: int, suffix: str) -> None:
    indices = (np.arange(20 * 24) % min(2**bits, 20)).astype(np.uint8).reshape(20, 24)
    picture = Image.fromarray(indices, "P")
    picture.putpalette([(i * 37 + 11) % 256 for i in range(3 * 2**bits)])
    path = save(tmp_path / f"a.{suffix}", picture, **({"bits": bits} if suffix == "png" else {}))
    assert np.array_equal(read_mask(path), indices)


def test_masks_of_every_depth_keep_their_values(tmp_path: Path) -> None:
    wide = RNG.integers(0, 60000, (20, 24), dtype=np.uint16)
    for suffix in ("png", "tif"):
        cv2.imwrite(str(tmp_path / f"w.{suffix}"), wide)
        assert np.array_equal(read_mask(tmp_path / f"w.{suffix}"), wide)
    grey = RNG.integers(0, 255, (20, 24), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "rgb.png"), np.dstack([grey] * 3))
    assert np.array_equal(read_mask(tmp_path / "rgb.png"), grey)
    cv2.imwrite(str(tmp_path / "rgba.png"), np.dstack([grey] * 3 + [255 - grey]))
    assert np.array_equal(read_mask(tmp_path / "rgba.png"), grey)
    save(tmp_path / "bit.png", Image.fromarray(grey > 127))
    assert np.array_equal(read_mask(tmp_path / "bit.png"), np.where(grey > 127, 255, 0))
    whole = (grey % 7).astype(np.float32)
    cv2.imwrite(str(tmp_path / "f.tif"), whole)
    assert (
        np.array_equal(read_mask(tmp_path / "f.tif"), grey % 7)
        and read_mask(tmp_path / "f.tif").dtype == np.uint8
    )
    cv2.imwrite(str(tmp_path / "h.tif"), whole + 0.5)
    with pytest.raises(UnreadableImageError, match="whole numbers"):
        read_mask(tmp_path / "h.tif")


def test_a_coloured_mask_is_refused_and_a_grey_jpeg_is_not(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "c.png"), SMOOTH)
    with pytest.raises(ColourMaskError, match="class numbers"):
        read_mask(tmp_path / "c.png")
    grey = cv2.cvtColor(SMOOTH, cv2.COLOR_BGR2GRAY)
    cv2.imwrite(str(tmp_path / "g.jpg"), np.dstack([grey] * 3))
    assert np.abs(read_mask(tmp_path / "g.jpg").astype(int) - grey).max() < 16


def test_what_a_header_claims_is_believed_before_anything_is_decoded(tmp_path: Path) -> None:
    Image.fromarray(SMOOTH).save(tmp_path / "a.png")
    data = bytearray((tmp_path / "a.png").read_bytes())
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    (tmp_path / "a.png").write_bytes(data)
    header = read_header(tmp_path / "a.png")
    assert (header.width, header.height) == (60_000, 60_000)
    facts = read_row(Row("a", str(tmp_path / "a.png"), None))
    assert [reason for _, reason in facts.problems] and "60000 x 60000 pixels" in facts.problems[0][1]


@pytest.mark.parametrize(
    ("start", "name"), [(b"PK\x03\x04", "a ZIP archive"), (b"<!DOCTYPE html>", "a web page")]
)
def test_other_files_with_the_name_of_an_image_are_called_by_their_own(
    tmp_path: Path, start: bytes, name: str
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(start + bytes(2000))
    for read in (read_image, read_mask):
        with pytest.raises(UnreadableImageError, match=f"is {name}, not an image"):
            read(path)
    assert f"is {name}" in read_row(Row("a", str(path), str(path))).problems[0][1]

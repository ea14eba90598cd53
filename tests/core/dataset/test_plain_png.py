"""The fast decoder of plain PNG: the same pixels as OpenCV gives, and OpenCV wherever anything is unusual."""

from __future__ import annotations

import io
import random
import struct
import sys
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from src.core.dataset.files import plain_png
from src.core.dataset.files.image_files import UnreadableImageError
from src.core.dataset.files.images import decode_image, decode_mask
from src.core.dataset.files.plain_png import decode_plain_png, may_keep_lock

pytest.importorskip("kornia_rs", reason="kornia-rs is not installed: OpenCV decodes every PNG")

SHARED = Path(__file__).parents[4] / "shared" / "data"
CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(
    rng: np.random.Generator,
    size: tuple[int, int] = (13, 17),
    colour: int = 2,
    bits: int = 8,
    interlace: int = 0,
    before: bytes = b"",
    behind: bytes = b"",
    piece: int = 1 << 20,
    raw: bytes | None = None,
) -> np.ndarray:
    """A file whose rows use all five filters; ``size`` is (height, width)."""
    height, width = size
    if raw is None:
        length = (width * CHANNELS.get(colour, 1) * bits + 7) // 8
        rows = [bytes([y % 5]) + rng.integers(0, 256, length, np.uint8).tobytes() for y in range(height)]
        raw = b"".join(rows)
    packed = zlib.compress(raw)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlace))
    data = b"".join(chunk(b"IDAT", packed[i : i + piece]) for i in range(0, len(packed), piece))
    whole = b"\x89PNG\r\n\x1a\n" + header + before + data + behind + chunk(b"IEND", b"")
    return np.frombuffer(whole, np.uint8)


def outcome(data: np.ndarray, what: int) -> np.ndarray | None:
    """Image with 3 or 1 channels, or (0) mask; None when the file is refused."""
    try:
        return decode_image(data, "a.png", what) if what else decode_mask(data, "a.png")
    except UnreadableImageError:
        return None


def assert_as_without(monkeypatch: pytest.MonkeyPatch, data: np.ndarray, note: str) -> None:
    """Images and masks come out as they do without kornia-rs, refusals too."""
    fast = [outcome(data, what) for what in (3, 1, 0)]
    with monkeypatch.context() as without:
        without.setattr(plain_png, "_decoder", lambda: None)
        slow = [outcome(data, what) for what in (3, 1, 0)]
    for ours, theirs in zip(fast, slow, strict=True):
        assert (ours is None) == (theirs is None), note
        if ours is not None and theirs is not None:
            assert ours.dtype == theirs.dtype and np.array_equal(ours, theirs), note


@pytest.mark.parametrize("colour", [0, 2, 6])
@pytest.mark.parametrize("size", [(1, 1), (1, 70), (61, 1), (37, 53)])
@pytest.mark.parametrize("piece", [7, 1 << 20])
def test_plain_files_are_decoded_bit_for_bit(
    monkeypatch: pytest.MonkeyPatch, colour: int, size: tuple[int, int], piece: int
) -> None:
    data = png(np.random.default_rng(colour), size, colour, piece=piece)
    pixels = decode_plain_png(data)
    assert pixels is not None and pixels.shape == (*size, CHANNELS[colour]) and pixels.dtype == np.uint8
    assert_as_without(monkeypatch, data, f"{colour} {size}")


@pytest.mark.parametrize(
    ("options", "note"),
    [
        ({"interlace": 1}, "interlaced"),
        ({"bits": 16}, "16 bits"),
        ({"colour": 0, "bits": 1}, "1 bit"),
        ({"colour": 4}, "grey with alpha"),
        ({"colour": 3, "before": chunk(b"PLTE", bytes(range(256)) * 3)}, "palette"),
        ({"before": chunk(b"tRNS", bytes(6))}, "transparent colour"),
        ({"before": chunk(b"sBIT", b"\5\5\5")}, "significant bits"),
        ({"before": chunk(b"acTL", struct.pack(">II", 1, 0))}, "animation"),
        ({"before": chunk(b"prVt", b"x")}, "a chunk that nobody knows"),
        ({"behind": chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0")}, "orientation"),
        ({"raw": b""}, "no rows"),
        ({"raw": b"\0" * 400}, "rows missing"),
        ({"raw": (b"\7" + b"\1" * 51) * 13}, "an unknown filter"),
    ],
)
def test_other_files_are_left_to_opencv(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, object], note: str
) -> None:
    data = png(np.random.default_rng(1), **options)  # type: ignore[arg-type]
    assert decode_plain_png(data) is None, note
    assert_as_without(monkeypatch, data, note)


def test_notes_and_colour_spaces_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    notes = [
        chunk(b"gAMA", struct.pack(">I", 100_000)),
        chunk(b"sRGB", b"\0"),
        chunk(b"pHYs", struct.pack(">IIB", 2835, 2835, 1)),
        chunk(b"tEXt", b"Software\0x"),
        chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(200))),
    ]
    for note in notes:
        for where in ("before", "behind"):
            data = png(np.random.default_rng(2), **{where: note})  # type: ignore[arg-type]
            assert_as_without(monkeypatch, data, f"{note[4:8]!r} {where}")
    assert decode_plain_png(png(np.random.default_rng(2), behind=notes[3])) is not None


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_damage_ends_as_it_does_with_opencv(monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    buffer, rng = io.BytesIO(), random.Random(0)
    smooth = cv2.resize(np.random.default_rng(3).integers(0, 255, (6, 8, 3), np.uint8), (90, 70))
    Image.fromarray(smooth).convert(mode).save(buffer, "PNG", dpi=(72, 72))
    whole = buffer.getvalue()
    for part in range(30):
        cut = np.frombuffer(whole[: 1 + len(whole) * part // 30], np.uint8)
        assert decode_plain_png(cut) is None
        assert_as_without(monkeypatch, cut, f"cut at {part}/30")
    starts = [at for name in (b"IHDR", b"pHYs", b"IDAT", b"IEND") if (at := whole.find(name)) > 0]
    for number in range(120):
        damaged = bytearray(whole)
        start = starts[number % len(starts)]
        at = min(start + rng.randrange(-4, 24), len(whole) - 1)
        damaged[at] ^= rng.randrange(1, 256)
        assert_as_without(monkeypatch, np.frombuffer(bytes(damaged), np.uint8), f"byte {at} flipped")


def test_without_kornia_rs_everything_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    data = png(np.random.default_rng(4))
    expected = decode_image(data)
    monkeypatch.setitem(sys.modules, "kornia_rs.io", None)  # makes the import fail
    plain_png._decoder.cache_clear()
    try:
        assert decode_plain_png(data) is None
        assert np.array_equal(decode_image(data), expected)
    finally:
        plain_png._decoder.cache_clear()


def test_a_panic_of_the_decoder_leaves_the_file_to_opencv(monkeypatch: pytest.MonkeyPatch) -> None:
    class PanicException(BaseException):
        """By the name that the Rust bindings give it."""

    def panic(*_: object) -> None:
        raise PanicException("index out of bounds")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    data = png(np.random.default_rng(5))
    expected = decode_image(data)
    monkeypatch.setattr(plain_png, "_decoder", lambda: panic)
    assert np.array_equal(decode_image(data), expected)
    monkeypatch.setattr(plain_png, "_decoder", lambda: interrupt)
    with pytest.raises(KeyboardInterrupt):
        decode_image(data)


def test_threads_get_the_same_pixels_and_never_hold_the_interpreter_for_long() -> None:
    rng = np.random.default_rng(6)
    files = [png(rng, (40 + n, 50), colour=(0, 2, 6)[n % 3]) for n in range(12)]
    expected = [decode_image(data) for data in files]
    with ThreadPoolExecutor(4) as pool:
        for ours, theirs in zip(pool.map(decode_image, files * 20), expected * 20, strict=True):
            assert np.array_equal(ours, theirs)
    large = png(rng, (400, 400))
    assert large.size > plain_png._MOST_BYTES_BESIDE and decode_plain_png(large) is not None
    found: list[object] = []

    def beside() -> None:
        for allowed in (None, True, False):
            if allowed is not None:
                may_keep_lock(allowed)
            found.append(decode_plain_png(large) is not None)

    thread = threading.Thread(target=beside)
    thread.start()
    thread.join()
    assert found == [False, True, False]


def test_real_files_are_decoded_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is absent: no real files to compare")
    paths = sorted(SHARED.rglob("*.png"))[::12]
    assert paths
    for path in paths:
        assert_as_without(monkeypatch, np.fromfile(path, np.uint8), str(path))

"""The common kinds of PNG, decoded by kornia-rs three times as fast as by OpenCV's libpng, bit for bit alike."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from src.core.dataset.files.image_files import png_info, too_large

#: How kornia-rs names the layout of a colour type (grey, RGB, RGBA).
_MODES = {0: "mono", 2: "rgb", 6: "rgba"}
#: Chunks that leave the values of the pixels alone. Transparency, palettes, animation, significant bits and
#: orientation are not among them, nor is anything unknown.
_HARMLESS = frozenset(b"pHYs tIME tEXt zTXt iTXt gAMA cHRM sRGB iCCP bKGD hIST oFFs".split())
#: kornia-rs keeps the interpreter lock while it decodes. So a thread beside one that must not wait (a window, a
#: training loop that feeds a GPU) leaves files of more bytes than this, about a millisecond's work, to OpenCV,
#: which lets the lock go.
_MOST_BYTES_BESIDE = 1 << 18
#: The same of files that are small because they are nearly empty, as masks are: 10,000 x 10,000 pixels take 0.25 s.
_MOST_PIXELS_BESIDE = 1 << 21
_this_thread = threading.local()


@functools.cache
def _decoder() -> Callable[[bytes, tuple[int, int], str], Any] | None:
    """Of kornia-rs; None where it is not installed or does not load. Not at import: windows need no decoder."""
    try:
        from kornia_rs.io import decode_image_png_u8
    except (ImportError, OSError):
        return None
    return decode_image_png_u8  # type: ignore[no-any-return]


def decode_plain_png(data: np.ndarray, only_grey: bool = False) -> np.ndarray | None:
    """The pixels of a PNG of 8 bits, not interlaced, grey, RGB or RGBA, without chunks that change them.

    Args:
        data: The bytes of a file, 1-D uint8; of any kind.
        only_grey: Leave files with colour to the other decoder, which turns them to grey by its own weights.

    Returns:
        ``H×W×C`` uint8 as stored, C of 1, 3 or 4; None for other files, for damaged ones and where kornia-rs
        is absent: then another decoder has the last word, also on what is wrong. (Not looked at: the checksum
        inside the compressed data, which only a faulty writer gets wrong; those of the chunks are.)
    """
    decode = _decoder()
    if (
        decode is None
        or (data.size > _MOST_BYTES_BESIDE and not _may_keep_lock())
        or not _is_plain(data.data)
    ):
        return None
    info = png_info(data.data)
    if info is None or too_large(info.width, info.height) or (only_grey and info.colour != 0):
        return None
    if info.width * info.height > _MOST_PIXELS_BESIDE and not _may_keep_lock():
        return None
    try:
        return np.asarray(decode(data.tobytes(), (info.height, info.width), _MODES[info.colour]))
    except Exception:
        return None
    except BaseException as error:  # a panic of the Rust code is no Exception, but it ends only the decoding
        if type(error).__name__ != "PanicException":
            raise
        return None


def may_keep_lock(allowed: bool) -> None:
    """Whether this thread may keep the interpreter lock for as long as a large file takes.

    By default only the main thread may: where that one decodes, nobody waits for it. Reader threads of a model
    that computes on the CPU may as well: its operations run for long without the lock.
    """
    _this_thread.may_keep_lock = allowed


def _may_keep_lock() -> bool:
    main = threading.current_thread() is threading.main_thread()
    return bool(getattr(_this_thread, "may_keep_lock", main))


def _is_plain(view: memoryview) -> bool:
    """A PNG of header, harmless chunks and one row of data chunks, as nearly all programs write them."""
    size = len(view)
    if size < 57 or bytes(view[:8]) != b"\x89PNG\r\n\x1a\n" or bytes(view[8:16]) != b"\0\0\0\rIHDR":
        return False
    # depth of 8 bits; compression, filter and interlace method 0
    if view[24] != 8 or view[25] not in _MODES or bytes(view[26:29]) != b"\0\0\0":
        return False
    at, data_chunks, last = 33, 0, b"IHDR"
    while at + 12 <= size:
        name = bytes(view[at + 4 : at + 8])
        if name == b"IEND":
            return data_chunks > 0
        if name == b"IDAT":
            if data_chunks and last != b"IDAT":
                return False
            data_chunks += 1
        elif name not in _HARMLESS:
            return False
        at += 12 + int.from_bytes(view[at : at + 4], "big")
        last = name
    return False

"""What the files of one row hold: header, hashes, mask values, and a small form of the image."""

from __future__ import annotations

import functools
import hashlib
import os
import threading
from collections import Counter
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from src.core.dataset.checking.near_duplicates import Signature, signature
from src.core.dataset.checking.objects import Objects
from src.core.dataset.files.decoding import jpeg_end_inside
from src.core.dataset.files.image_files import (
    TAIL_BYTES,
    ColourMaskError,
    UnreadableImageError,
    jpeg_info,
    kind_of,
    missing_end,
    png_damage,
    png_orientation,
    read_bytes,
    too_large,
    why,
)
from src.core.dataset.files.images import (
    ImageHeader,
    as_model_sees,
    decode_image,
    read_header,
    read_image,
    read_native,
)
from src.core.dataset.files.large_tiff import LargeTiff, large_tiff
from src.core.dataset.files.mask_files import decode_mask, read_mask_bands
from src.core.dataset.sources.source_rows import Row

#: Images up to this size are read and hashed as a whole; of larger ones the two ends.
WHOLE_BYTES = 1 << 20
END_BYTES = 1 << 18
#: Sides of the small form of an image: JPEGs are decoded no larger than needed for it.
SMALL_SIDE = 96
_VALUE = np.dtype([("value", "<u2"), ("pixels", "<u4")])
_HUGE_PIXELS = 1 << 25
_HUGE = threading.Lock()
CHANGED = "changed while it was read: wait until it is written, then check again"


@dataclass(slots=True)
class Facts:
    """What the files of one row hold; about 2 KiB.

    Attributes:
        header: Of the image.
        image_bytes, mask_bytes: File sizes.
        image_digest, mask_digest: Content hashes; see ``WHOLE_BYTES``.
        mask_content: Hash of the values of the mask, whatever its format.
        mask_size: Width and height.
        counted_values: Pixels of each mask value, packed; ``values`` gives them. A dict of the 256 levels of a
            smoothed mask would need 9 KiB.
        lossy_mask: The mask is a JPEG.
        problems: File and reason, for each file that cannot be used.
        colour_mask: The mask is a coloured picture.
        orientation: EXIF orientation of the image, 1 where it has none.
        signature: For near duplicates; ``None`` for a picture without structure, or when not looked for.
        brightness, contrast: Mean grey and its deviation, 0 to 255, of more than 8 bits in the image's own range;
            ``None`` when not looked for.
        grey_range: Lightest less darkest grey value of the small form.
        objects: What ``scan_objects`` found.
    """

    header: ImageHeader | None = None
    image_bytes: int = 0
    mask_bytes: int = 0
    image_digest: str = ""
    mask_digest: str = ""
    mask_content: bytes = b""
    mask_size: tuple[int, int] | None = None
    counted_values: bytes = b""
    lossy_mask: bool = False
    problems: list[tuple[str, str]] = field(default_factory=list)
    colour_mask: bool = False
    orientation: int = 1
    signature: Signature | None = None
    brightness: float | None = None
    contrast: float | None = None
    grey_range: int = 0
    objects: Objects | None = None

    @property
    def values(self) -> dict[int, int]:
        """Pixels of each mask value."""
        table = np.frombuffer(self.counted_values, dtype=_VALUE)
        return dict(zip(table["value"].tolist(), table["pixels"].tolist(), strict=True))


def read_row(row: Row, quick: bool = False) -> Facts:
    """The facts of one row; problems are in them, never raised."""
    facts = Facts()
    before = [_state(path) for path in (row.image, row.mask)]
    try:
        small = _read_image(row.image, facts)
        if not quick:
            _look(row.image, facts, small)
    except UnreadableImageError as error:
        facts.problems.append((row.image, error.reason))
    if row.mask is not None:
        try:
            _read_mask(row.mask, facts)
        except ColourMaskError:
            facts.colour_mask = True
        except UnreadableImageError as error:
            facts.problems.append((row.mask, error.reason))
    for path, state in zip((row.image, row.mask), before, strict=True):
        if (
            path is not None and _state(path) != state
        ):  # a copy that is still running, or a program that writes
            facts.problems = [p for p in facts.problems if p[0] != path] + [(path, CHANGED)]
    return facts


def _state(path: str | None) -> tuple[int, int] | None:
    try:
        found = Path(path).stat() if path is not None else None
    except OSError:
        return None
    return (found.st_size, found.st_mtime_ns) if found else None


def _look(path: str, facts: Facts, small: np.ndarray | None) -> None:
    """Brightness, contrast and signature, from a small form of the image, or the one that is there already."""
    assert facts.header is not None
    shape = (min(SMALL_SIDE, facts.header.height), min(SMALL_SIDE, facts.header.width))
    size = (facts.header.width, facts.header.height)
    if small is not None:
        grey = as_model_sees(small, 1, _range_of(small) if small.dtype != np.uint8 else None)[..., 0]
    else:
        with one_at_a_time(size):
            span = _range_of(read_native(path)) if facts.header.bits > 8 else None
            grey = read_image(path, 1, min_size=shape, intensity_range=span)[..., 0]
    if max(grey.shape) > 4 * SMALL_SIDE:
        grey = cv2.resize(grey, (2 * SMALL_SIDE, 2 * SMALL_SIDE), interpolation=cv2.INTER_AREA)
    mean, deviation = cv2.meanStdDev(grey)
    facts.brightness, facts.contrast = round(float(mean[0, 0]), 2), round(float(deviation[0, 0]), 2)
    facts.grey_range = int(grey.max()) - int(grey.min())
    facts.signature = signature(grey, size)


def _read_image(path: str, facts: Facts) -> np.ndarray | None:
    """Notes what is known without decoding; of a large TIFF a small form of its own depth, made of every piece."""
    head, tail, size, digest = _ends(path)
    facts.image_bytes, facts.image_digest = size, digest
    kind = kind_of(head[:16])
    reason = missing_end(kind, head, tail, size)
    if reason and not (kind == "jpeg" and size > TAIL_BYTES and jpeg_end_inside(read_bytes(path).data)):
        raise UnreadableImageError(path, reason)
    if kind == "png" and len(head) == size and (reason := png_damage(head)):
        raise UnreadableImageError(path, reason)
    header = read_header(path)
    facts.header = _shared(header)
    if kind == "jpeg" and (info := jpeg_info(head)) is not None:
        facts.orientation = info.orientation
    elif kind == "png":
        facts.orientation = png_orientation(head)
    large = large_tiff(path) if kind == "tiff" else None
    if header.frames > 1 and large is None:  # a large one has its smaller levels
        raise UnreadableImageError(path, f"holds {header.frames} pictures: save each as a file of its own")
    reason = "" if large is not None else too_large(header.width, header.height)
    if header.width * header.height == 0 or reason:
        raise UnreadableImageError(path, reason or "has no pixels")
    # no end marker: only decoding tells
    if large is not None:  # the full picture, whatever smaller levels there are
        return LargeTiff(path, large.levels[:1]).reduced((SMALL_SIDE, SMALL_SIDE))
    if kind in ("tiff", "other"):
        with one_at_a_time((header.width, header.height)):
            decode_image(read_bytes(path), path)
    return None


def _ends(path: str) -> tuple[bytes, bytes, int, str]:
    """Head, tail, size and digest; head and tail are the whole of a small file."""
    try:
        with Path(path).open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            if size <= WHOLE_BYTES:
                head = tail = stream.read()
            else:
                head = stream.read(END_BYTES)
                stream.seek(-END_BYTES, os.SEEK_END)
                tail = stream.read()
    except FileNotFoundError:
        raise UnreadableImageError(path, "does not exist") from None
    except OSError as error:
        raise UnreadableImageError(path, f"cannot be read: {why(error)}") from error
    if size == 0:
        raise UnreadableImageError(path, "is empty (0 bytes)")
    digest = hashlib.blake2b(str(size).encode(), digest_size=16)
    digest.update(head)
    if tail is not head:
        digest.update(tail)
    return head, tail, size, digest.hexdigest()


def _read_mask(path: str, facts: Facts) -> None:
    if (large := large_tiff(path)) is not None:
        return _read_large_mask(path, large, facts)
    data = read_bytes(path)
    facts.mask_bytes = data.size
    facts.mask_digest = hashlib.blake2b(data.data, digest_size=16).hexdigest()
    facts.lossy_mask = kind_of(bytes(data[:16])) == "jpeg"
    size = (facts.header.width, facts.header.height) if facts.header else (0, 0)
    with one_at_a_time(size):
        mask = decode_mask(data, path)
        _note_mask(facts, mask.shape[:2], [mask])


def _read_large_mask(path: str, large: LargeTiff, facts: Facts) -> None:
    digest = hashlib.blake2b(digest_size=16)
    try:
        with Path(path).open("rb") as stream:
            facts.mask_bytes = os.fstat(stream.fileno()).st_size
            while block := stream.read(WHOLE_BYTES):
                digest.update(block)
    except OSError as error:
        raise UnreadableImageError(path, f"cannot be read: {why(error)}") from error
    facts.mask_digest = digest.hexdigest()
    _note_mask(facts, large.size, read_mask_bands(path))


def _note_mask(facts: Facts, size: tuple[int, ...], bands: Iterable[np.ndarray]) -> None:
    """Size (height, width), content and values of a mask that comes in bands."""
    counts: Counter[int] = Counter()
    content = MaskContent(size)
    for band in bands:
        content.add(band)
        counts.update(count_values(band))
    facts.mask_size = (size[1], size[0])
    facts.mask_content = content.digest()
    facts.counted_values = np.array(sorted(counts.items()), dtype=_VALUE).tobytes()


@functools.lru_cache(maxsize=4096)
def _shared(header: ImageHeader) -> ImageHeader:
    """One object for equal headers: most images of a set have the same."""
    return header


def _range_of(native: np.ndarray) -> tuple[float, float]:
    """Darkest and lightest value of an image of more than 8 bits; its own range, for want of the set's."""
    finite = native[np.isfinite(native)] if native.dtype.kind == "f" else native
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    return low, max(high, low + 1e-6)


def one_at_a_time(size: tuple[int, int]) -> AbstractContextManager[Any]:
    """Threads decode small files side by side and huge ones one after the other: memory stays bounded."""
    return _HUGE if size[0] * size[1] > _HUGE_PIXELS else nullcontext()


class MaskContent:
    """Hash of the values of a mask, whatever file they came from; they may come in bands of rows."""

    def __init__(self, size: tuple[int, ...]) -> None:
        self._size = size
        self._hash: hashlib.blake2b | None = None

    def add(self, band: np.ndarray) -> None:
        """The next rows."""
        if self._hash is None:
            key = f"{tuple(self._size)}{band.dtype.itemsize}".encode()
            self._hash = hashlib.blake2b(digest_size=8, key=key)
        self._hash.update(np.ascontiguousarray(band).data)

    def digest(self) -> bytes:
        """Of all rows so far."""
        return self._hash.digest() if self._hash is not None else b""


def count_values(mask: np.ndarray) -> dict[int, int]:
    """Pixels of each value in ``H×W`` uint8 or uint16."""
    if mask.dtype != np.uint8:
        values, counts = np.unique(mask, return_counts=True)
        return dict(zip(values.tolist(), counts.tolist(), strict=True))
    rows = max(1, (1 << 24) // max(1, mask.shape[1]))  # OpenCV counts in float32, exact up to 2**24
    total = np.zeros(256, dtype=np.int64)
    for top in range(0, mask.shape[0], rows):
        total += cv2.calcHist([mask[top : top + rows]], [0], None, [256], [0, 256]).ravel().astype(np.int64)
    return {int(v): int(total[v]) for v in np.flatnonzero(total)}

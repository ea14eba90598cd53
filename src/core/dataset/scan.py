"""Reading every mask and the ends of every image once, in threads."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from src.core.dataset.decoding import jpeg_end_inside
from src.core.dataset.image_files import (
    TAIL_BYTES,
    ColourMaskError,
    UnreadableImageError,
    kind_of,
    missing_end,
    png_damage,
    read_bytes,
    too_large,
    why,
)
from src.core.dataset.images import ImageHeader, decode_image, read_header
from src.core.dataset.mask_files import decode_mask
from src.core.dataset.source_rows import Row

#: Images up to this size are read and hashed as a whole; of larger ones the two ends.
WHOLE_BYTES = 1 << 20
END_BYTES = 1 << 18
_REPORT_EVERY = 8

Progress = Callable[[int, int, str], None]


class DescriptionCancelledError(Exception):
    """The person stopped the scan."""


@dataclass
class Facts:
    """What the files of one row hold.

    Attributes:
        header: Of the image.
        image_bytes, mask_bytes: File sizes.
        image_digest, mask_digest: Content hashes; see ``WHOLE_BYTES``.
        mask_size: Width and height.
        values: Pixels of each mask value.
        lossy_mask: The mask is a JPEG.
        problems: File and reason, for each file that cannot be used.
        colour_mask: The mask is a coloured picture.
    """

    header: ImageHeader | None = None
    image_bytes: int = 0
    mask_bytes: int = 0
    image_digest: str = ""
    mask_digest: str = ""
    mask_size: tuple[int, int] | None = None
    values: dict[int, int] = field(default_factory=dict)
    lossy_mask: bool = False
    problems: list[tuple[str, str]] = field(default_factory=list)
    colour_mask: bool = False


def scan(
    rows: Sequence[Row],
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    workers: int | None = None,
) -> list[Facts]:
    """Read the masks and check the images of all rows.

    Args:
        rows: What to read.
        progress: Called with done, total and a word about what is done, at most about 200 times.
        cancelled: Asked between files.
        workers: Threads; decoders run outside the interpreter lock.

    Returns:
        One entry a row, in their order.

    Raises:
        DescriptionCancelledError: ``cancelled`` said so.
    """
    total, results = len(rows), [Facts() for _ in rows]
    every = max(_REPORT_EVERY, total // 200)
    with ThreadPoolExecutor(workers or min(8, os.cpu_count() or 1), "scan") as pool:
        waiting = {pool.submit(read_row, row): index for index, row in enumerate(rows)}
        try:
            for done, future in enumerate(as_completed(waiting), start=1):
                results[waiting[future]] = future.result()
                if cancelled is not None and cancelled():
                    raise DescriptionCancelledError(f"stopped after {done} of {total} images")
                if progress is not None and (done % every == 0 or done == total):
                    progress(done, total, "Reading images and masks")
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return results


def read_row(row: Row) -> Facts:
    """The facts of one row; problems are in them, never raised."""
    facts = Facts()
    try:
        _read_image(row.image, facts)
    except UnreadableImageError as error:
        facts.problems.append((row.image, error.reason))
    if row.mask is not None:
        try:
            _read_mask(row.mask, facts)
        except ColourMaskError:
            facts.colour_mask = True
        except UnreadableImageError as error:
            facts.problems.append((row.mask, error.reason))
    return facts


def _read_image(path: str, facts: Facts) -> None:
    head, tail, size, digest = _ends(path)
    facts.image_bytes, facts.image_digest = size, digest
    kind = kind_of(head[:16])
    reason = missing_end(kind, head, tail, size)
    if reason and not (kind == "jpeg" and size > TAIL_BYTES and jpeg_end_inside(read_bytes(path).data)):
        raise UnreadableImageError(path, reason)
    if kind == "png" and len(head) == size and (reason := png_damage(head)):
        raise UnreadableImageError(path, reason)
    header = read_header(path)
    facts.header = header
    if header.frames > 1:
        raise UnreadableImageError(path, f"holds {header.frames} pictures: save each as a file of its own")
    if header.width * header.height == 0 or too_large(header.width, header.height):
        raise UnreadableImageError(path, too_large(header.width, header.height) or "has no pixels")
    if kind in ("tiff", "other"):  # no end marker: only decoding tells
        decode_image(read_bytes(path), path)


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
    data = read_bytes(path)
    facts.mask_bytes = data.size
    facts.mask_digest = hashlib.blake2b(data.data, digest_size=16).hexdigest()
    facts.lossy_mask = kind_of(bytes(data[:16])) == "jpeg"
    mask = decode_mask(data, path)
    facts.mask_size = (mask.shape[1], mask.shape[0])
    facts.values = count_values(mask)


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

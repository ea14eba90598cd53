"""Small pictures of large images and masks, and a cache of them on disk that several windows may share."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from src.core.dataset.files.images import UnreadableImageError, read_image, read_mask
from src.core.dataset.masks import IGNORE_INDEX, MaskValueError

if TYPE_CHECKING:
    from src.core.dataset.masks import MaskMeaning

#: Longest side of a stored thumbnail in pixels.
SIDE = 320
#: Of all thumbnails on disk, in bytes: room for about 40,000.
MOST_BYTES = 1 << 30
_MAGIC = b"LTH1"
_QUALITY = 88
_DIGEST = 16
_LOOK_EVERY = 500  # writes between two looks at the size of the folder
_FRESH_S = 3600.0
#: Files from this size on are decoded one at a time: each takes hundreds of megabytes while it is read.
_LARGE_BYTES = 8 << 20
_one_large = threading.Lock()

Pair = tuple[np.ndarray, np.ndarray | None]


def reduced(array: np.ndarray, side: int) -> np.ndarray:
    """``H×W×3`` uint8 with its longest side at most ``side`` pixels; smaller ones as they are."""
    height, width = array.shape[:2]
    if max(height, width) <= side:
        return array
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(array, size, interpolation=cv2.INTER_AREA)


def reduced_labels(labels: np.ndarray, width: int, height: int) -> np.ndarray:
    """``H×W`` uint8 class numbers in another size, so that no object vanishes: where several pixels become one,
    the highest class among them stays, and a pixel is ignored only where no class is.
    """
    rows, columns = labels.shape
    if rows < height or columns < width:
        return cv2.resize(labels, (width, height), interpolation=cv2.INTER_NEAREST)
    if (rows, columns) == (height, width):
        return labels
    # Ignored becomes 0 and all others one more, so that the maximum prefers any object to ignored to background
    order = np.arange(256, dtype=np.uint8) + np.uint8(1)
    order[0], order[IGNORE_INDEX] = 0, 1
    tops = np.arange(height, dtype=np.int64) * rows // height
    lefts = np.arange(width, dtype=np.int64) * columns // width
    ranked = cv2.LUT(labels, order)
    small = np.maximum.reduceat(np.maximum.reduceat(ranked, tops, axis=0), lefts, axis=1)
    back = np.arange(256, dtype=np.int64) - 1
    back[0], back[1] = 0, IGNORE_INDEX
    return cv2.LUT(small, back.astype(np.uint8))


def read_pair(
    image: str,
    mask: str | None,
    meaning: MaskMeaning | None,
    side: int | None = None,
    intensity_range: tuple[float, float] | None = None,
) -> Pair:
    """An image and the class numbers on it.

    Args:
        image, mask: Paths; an image without a mask has no labels.
        meaning: Of the mask values; without it there are no labels.
        side: Longest side of the result in pixels; ``None`` keeps the size.
        intensity_range: See ``read_image``.

    Returns:
        ``H×W×3`` uint8 and ``H×W`` uint8 with ``IGNORE_INDEX``, or ``None`` where there is no usable mask.

    Raises:
        UnreadableImageError: the image cannot be read. A mask that cannot be read gives no labels.
    """
    with _one_large if _is_large(image) or _is_large(mask) else contextlib.nullcontext():
        pixels = read_image(image, 3, intensity_range, (side, side) if side else None)
        pixels = np.ascontiguousarray(reduced(pixels, side) if side else pixels)
        if not mask or meaning is None:
            return pixels, None
        try:
            labels = meaning.encode(read_mask(mask))
        except (UnreadableImageError, MaskValueError):
            return pixels, None
        return pixels, reduced_labels(labels, pixels.shape[1], pixels.shape[0])


def _is_large(path: str | None) -> bool:
    try:
        return path is not None and Path(path).stat().st_size >= _LARGE_BYTES
    except OSError:
        return False


class ThumbnailStore:
    """Thumbnails in a folder, keyed by path, time and size of the files and the meaning of the mask.

    Entries are written beside their place and moved there, so a reader sees a whole one or none; each carries a
    digest, and a damaged one is made again. When the folder holds more than ``most_bytes``, those that were not
    looked at for longest go. All of it is safe from several threads and processes; what cannot be written is not
    cached, and that is all.

    Attributes:
        folder: Where they are; made at the first write.
        most_bytes: Of all entries together.
    """

    def __init__(self, folder: str | os.PathLike[str], most_bytes: int = MOST_BYTES) -> None:
        self.folder = Path(folder)
        self.most_bytes = most_bytes
        self._written = _LOOK_EVERY  # the first write looks at what others left
        self._lock = threading.Lock()

    def pair(
        self,
        image: str,
        mask: str | None,
        meaning: MaskMeaning | None,
        intensity_range: tuple[float, float] | None = None,
    ) -> Pair:
        """As ``read_pair`` with ``SIDE``, from the cache where it can be.

        Raises:
            UnreadableImageError: the image cannot be read.
        """
        path = self._path(image, mask, meaning, intensity_range)
        if path is None:
            return read_pair(image, mask, meaning, SIDE, intensity_range)
        found = _read_entry(path)
        if found is None:
            found = read_pair(image, mask, meaning, SIDE, intensity_range)
            self._write(path, found)
        return found

    def drawn(self, file: str, kind: str, draw: Callable[[int], np.ndarray]) -> np.ndarray:
        """A picture that a task makes of a file that is none, from the cache where it can be.

        Args:
            file: What is drawn.
            kind: What tells apart pictures of one file: the task, and the sample in it.
            draw: Makes ``H×W×3`` uint8 of a longest side in pixels.
        """
        path = self._path(file, None, kind)
        found = _read_entry(path) if path is not None else None
        if found is None:
            found = reduced(draw(SIDE), SIDE), None
            if path is not None:
                self._write(path, found)
        return found[0]

    def _path(self, image: str, mask: str | None, *rest: object) -> Path | None:
        try:
            stamps = [(p, (s := Path(p).stat()).st_mtime_ns, s.st_size) for p in (image, mask) if p]
        except OSError:
            return None
        name = hashlib.sha256(repr((stamps, rest, SIDE)).encode("utf-8", "surrogatepass")).hexdigest()[:40]
        return self.folder / name[:2] / f"{name[2:]}.thumb"

    def _write(self, path: Path, pair: Pair) -> None:
        pixels, labels = pair
        good, jpeg = cv2.imencode(
            ".jpg", np.ascontiguousarray(pixels[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
        )
        png = cv2.imencode(".png", labels)[1].tobytes() if labels is not None else b""
        if not good:
            return
        body = len(jpeg).to_bytes(4, "little") + jpeg.tobytes() + png
        beside = path.with_name(f"{path.stem}.{os.getpid()}-{threading.get_ident()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(_MAGIC + _digest(body) + body)
            beside.replace(path)
        except OSError:  # the disk is full, or on Windows somebody reads it
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)
            return
        with self._lock:
            self._written += 1
            look = self._written >= _LOOK_EVERY
            if look:
                self._written = 0
        if look:
            self.evict()

    def evict(self) -> int:
        """Remove the entries that were not looked at for longest until a tenth of the room is free.

        Returns:
            Bytes that are left; nothing is removed while they are within ``most_bytes``.
        """
        found = []
        for place in _scan(self.folder):
            for entry in _scan(Path(place.path)):
                try:
                    facts = entry.stat()
                except OSError:  # another window was faster
                    continue
                found.append((facts.st_mtime, facts.st_size, entry.path))
        total = sum(size for _, size, _ in found)
        if total <= self.most_bytes:
            return total
        for _, size, path in sorted(found):
            if total <= 0.9 * self.most_bytes:
                break
            with contextlib.suppress(OSError):
                Path(path).unlink()
                total -= size
        return total


def _scan(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _digest(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=_DIGEST).digest()


def _read_entry(path: Path) -> Pair | None:
    """What was stored; None where there is nothing, or where it is damaged."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    start = len(_MAGIC) + _DIGEST
    body = data[start:]
    if data[: len(_MAGIC)] != _MAGIC or len(body) < 4 or data[len(_MAGIC) : start] != _digest(body):
        return None
    end = 4 + int.from_bytes(body[:4], "little")
    pixels = cv2.imdecode(np.frombuffer(body[4:end], np.uint8), cv2.IMREAD_COLOR)
    labels = cv2.imdecode(np.frombuffer(body[end:], np.uint8), cv2.IMREAD_GRAYSCALE) if body[end:] else None
    if pixels is None:
        return None
    _mark_used(path)
    return np.ascontiguousarray(pixels[..., ::-1]), labels


def _mark_used(path: Path) -> None:
    """The time of change says when an entry was looked at last; written at most once an hour."""
    import time

    with contextlib.suppress(OSError):
        if time.time() - path.stat().st_mtime > _FRESH_S:
            os.utime(path)

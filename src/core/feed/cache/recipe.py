"""What the bytes of a cached sample depend on, how they are made, and how many there will be."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import PIL

from src.core.dataset.files.decoding import is_plain_grey
from src.core.dataset.files.image_files import (
    UnreadableImageError,
    jpeg_info,
    kind_of,
    png_info,
    read_bytes,
    too_large,
)
from src.core.dataset.files.images import decode_image, read_header
from src.core.dataset.files.mask_files import decode_mask
from src.core.dataset.masks import MaskMeaning
from src.core.dataset.records import Sample

#: Of the files of a cache; another number makes other folders.
FORMAT = 1
#: Enough of a file for its header in all but the rarest cases.
_HEAD_BYTES = 1 << 16
_NO_FILE = (-1, -1)


class Want(NamedTuple):
    """A sample, and the least ``(height, width)`` to which its image may be reduced; None: not at all."""

    sample: Sample
    least: tuple[int, int] | None = None


@dataclass(frozen=True)
class Recipe:
    """How samples are read, the same for all of a cache.

    Attributes:
        meaning: Of the mask values.
        channels: 3 (RGB) or 1 (grey).
        intensity_range: Values that become black and white in images of more than 8 bits.
    """

    meaning: MaskMeaning
    channels: int = 3
    intensity_range: tuple[float, float] | None = None

    def to_dict(self) -> dict[str, object]:
        """As plain JSON types. Names of classes do not change a byte; the releases of the decoders may."""
        masks = {key: value for key, value in self.meaning.to_dict().items() if key != "classes"}
        return {
            "format": FORMAT,
            "channels": self.channels,
            "intensity_range": list(self.intensity_range) if self.intensity_range else None,
            "masks": masks,
            "decoders": {"opencv": cv2.__version__, "pillow": PIL.__version__},
        }

    def digest(self, *more: str) -> str:
        """16 hexadecimal digits of this recipe and ``more``."""
        text = json.dumps([self.to_dict(), *more], sort_keys=True, ensure_ascii=False)
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


class Decoded(NamedTuple):
    """The bytes of an entry: image uint8 H×W×C, mask uint8 H×W of class numbers or None."""

    image: np.ndarray
    mask: np.ndarray | None


class Content(NamedTuple):
    """The files of a sample in memory. ``key`` determines the decoded bytes under one recipe."""

    image: np.ndarray
    mask: np.ndarray | None
    key: tuple[bytes, bytes, int]


def sample_key(want: Want) -> tuple[int, int]:
    """128 bits that stand for the files of a sample and the wanted reduction, as two numbers."""
    sample, least = want
    text = (
        f"{sample.image}\0{sample.mask or ''}\0{least[0]}x{least[1]}"
        if least
        else f"{sample.image}\0{sample.mask or ''}"
    )
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")


def stamps(sample: Sample) -> tuple[int, int, int, int]:
    """Size (bytes) and time of change (ns) of image and mask file; -1 where there is no mask.

    Raises:
        OSError: a file is gone.
    """
    image = os.stat(sample.image)  # noqa: PTH116  (twice as fast, and done for each read)
    if sample.mask is None:
        return image.st_size, image.st_mtime_ns, *_NO_FILE
    mask = os.stat(sample.mask)  # noqa: PTH116
    return image.st_size, image.st_mtime_ns, mask.st_size, mask.st_mtime_ns


def _reduction(height: int, width: int, least: tuple[int, int] | None) -> int:
    """How many times smaller a JPEG is decoded."""
    for factor in (8, 4, 2):
        if least is not None and height // factor >= least[0] and width // factor >= least[1]:
            return factor
    return 1


def load(want: Want) -> Content:
    """Read the files of a sample.

    Raises:
        UnreadableImageError: either of them.
    """
    image = read_bytes(want.sample.image)
    mask = None if want.sample.mask is None else read_bytes(want.sample.mask)
    factor = 1
    if (
        want.least is not None
        and kind_of(bytes(image.data[:16])) == "jpeg"
        and (info := jpeg_info(image.data))
    ):
        size = (info.width, info.height) if info.turned else (info.height, info.width)
        factor = _reduction(*size, want.least)
    digests = [
        hashlib.blake2b(d.data, digest_size=16).digest() if d is not None else bytes(16)
        for d in (image, mask)
    ]
    return Content(image, mask, (digests[0], digests[1], factor))


def decode(want: Want, content: Content, recipe: Recipe) -> Decoded:
    """What the reader of the files makes of the same bytes.

    Raises:
        UnreadableImageError, MaskValueError: as the reader of the files.
    """
    sample = want.sample
    image = decode_image(
        content.image, sample.image, recipe.channels, recipe.intensity_range, want.least, keep_grey=True
    )
    if content.mask is None or sample.mask is None:
        return Decoded(image, None)
    return Decoded(image, np.ascontiguousarray(recipe.meaning.encode(decode_mask(content.mask, sample.mask))))


@dataclass(frozen=True)
class Estimate:
    """Bytes that samples take when they are decoded.

    Attributes:
        sizes: int64, for each sample; 0 for one that cannot be read and will not be cached.
    """

    sizes: np.ndarray

    @property
    def bytes(self) -> int:
        """Of all samples together."""
        return int(self.sizes.sum())

    @property
    def largest(self) -> int:
        """Of the largest sample."""
        return int(self.sizes.max(initial=0))


def estimate(
    wants: Sequence[Want], channels: int, cancelled: Callable[[], bool] = lambda: False, threads: int = 8
) -> Estimate:
    """The size of a cache before it is built, from the headers of the files; exact for samples that can be read.

    A cancelled estimate holds zeros for the files that were not looked at.
    """

    def one(chunk: Sequence[Want]) -> list[int]:
        return [0 if cancelled() else _decoded_bytes(want, channels) for want in chunk]

    if len(wants) < 32:
        return Estimate(np.array(one(wants), dtype=np.int64))
    chunks = [wants[at : at + 256] for at in range(0, len(wants), 256)]
    with ThreadPoolExecutor(threads, thread_name_prefix="cache-size") as pool:
        parts: Iterable[list[int]] = pool.map(one, chunks)
        return Estimate(np.array([size for part in parts for size in part], dtype=np.int64))


def _decoded_bytes(want: Want, channels: int) -> int:
    sample = want.sample
    try:
        height, width, depth, factor = _outline(want, channels)
    except UnreadableImageError:
        return 0
    if too_large(width, height):
        return 0
    image = -(-height // factor) * -(-width // factor) * depth
    return image + (height * width if sample.mask is not None else 0)


def _outline(want: Want, channels: int) -> tuple[int, int, int, int]:
    """Height, width, channels as decoded and the reduction."""
    path = Path(want.sample.image)
    try:
        with path.open("rb") as handle:
            head = handle.read(_HEAD_BYTES)
    except OSError as error:
        raise UnreadableImageError(path, "cannot be read") from error
    kind = kind_of(head[:16])
    if kind == "jpeg" and (jpeg := jpeg_info(head) or jpeg_info(read_bytes(path).data)):
        height, width = (jpeg.width, jpeg.height) if jpeg.turned else (jpeg.height, jpeg.width)
        depth = 1 if jpeg.components == 1 else channels
        return height, width, depth, _reduction(height, width, want.least)
    if kind == "png" and (png := png_info(head)) and png.bits == 8:
        grey = is_plain_grey(png, np.frombuffer(head, np.uint8))
        return png.height, png.width, 1 if grey else channels, 1
    header = read_header(path)
    return header.height, header.width, min(channels, header.channels), 1

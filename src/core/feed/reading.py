"""Where the pixels of a sample come from: its files. A cache stands in for them by the same method."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from src.core.dataset.image_files import UnreadableImageError
from src.core.dataset.images import read_image
from src.core.dataset.mask_files import read_mask
from src.core.dataset.masks import MaskMeaning
from src.core.dataset.records import Sample
from src.core.feed.geometry import Array, Region


class Reader(Protocol):
    """Gives the image and the class numbers of a sample."""

    def read(
        self, sample: Sample, least: tuple[int, int] | None = None, region: Region | None = None
    ) -> tuple[Array, Array]:
        """Read one pair; what comes back is not to be written to.

        Args:
            sample: With its size where ``region`` is given.
            least: ``(height, width)`` below which an image must not be reduced while it is decoded; None reads
                it in full.
            region: ``(top, left, height, width)`` of the part that is wanted, in pixels of the image; with
                None for ``least``.

        Returns:
            The image, uint8 H×W×C, with one channel also where three are wanted but the picture has no colour;
            and the class numbers, uint8 H×W, 255 where ignored.

        Raises:
            UnreadableImageError: either file.
            MaskValueError: values that have no meaning.
            ValueError: image and mask differ in size.
        """
        ...


class FileReader:
    """Reads the original files anew each time.

    Attributes:
        meaning: Of the mask values. A sample without a mask shows nothing: class 0 everywhere.
        channels: 3 (RGB) or 1 (grey).
        intensity_range: Values that become black and white in images of more than 8 bits.
    """

    def __init__(
        self, meaning: MaskMeaning, channels: int = 3, intensity_range: tuple[float, float] | None = None
    ) -> None:
        self.meaning = meaning
        self.channels = channels
        self.intensity_range = intensity_range

    def read(
        self, sample: Sample, least: tuple[int, int] | None = None, region: Region | None = None
    ) -> tuple[Array, Array]:
        """See `Reader.read`."""
        image = read_image(sample.image, self.channels, self.intensity_range, least, keep_grey=True)
        if sample.mask is None:
            mask = np.zeros(image.shape[:2], np.uint8)
        else:
            mask = self.meaning.encode(read_mask(sample.mask))
        if region is None:
            return image, mask
        return part_of(image, mask, sample, region)


def part_of(image: Array, mask: Array, sample: Sample, region: Region) -> tuple[Array, Array]:
    """The part of a whole pair, after a look at whether both are of the size that the part was chosen for."""
    if image.shape[:2] != (sample.height, sample.width):
        raise UnreadableImageError(
            sample.image,
            f"has {image.shape[1]} x {image.shape[0]} pixels, but had {sample.width} x {sample.height} when the "
            "data set was scanned: scan it again",
        )
    if mask.shape != image.shape[:2]:
        raise ValueError(
            f"Image and mask differ in size: {image.shape[1]}×{image.shape[0]} and "
            f"{mask.shape[1]}×{mask.shape[0]} pixels. Each mask must have the size of its image."
        )
    top, left, height, width = region
    rows, columns = slice(top, top + height), slice(left, left + width)
    return image[rows, columns], mask[rows, columns]

"""Where the pixels of a sample come from: its files. A cache stands in for them by the same method."""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np

from src.core.dataset.files.image_files import UnreadableImageError
from src.core.dataset.files.images import as_model_sees, read_image
from src.core.dataset.files.large_tiff import LargeTiff, Region, large_tiff
from src.core.dataset.files.mask_files import part_of, read_mask
from src.core.dataset.masks import MaskMeaning, unequal_sizes
from src.core.dataset.records import Sample
from src.core.feed.geometry import Array


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
        large = large_tiff(sample.image)
        if large is not None:
            return self._read_large(large, sample, least, region)
        image = read_image(sample.image, self.channels, self.intensity_range, least, keep_grey=True)
        mask = self._mask(sample, image.shape[:2])
        if region is None:
            return image, mask
        _refuse_change(sample, image.shape[:2])
        if mask.shape != image.shape[:2]:
            raise unequal_sizes(image.shape, mask.shape)
        return part_of(image, region), part_of(mask, region)

    def _mask(
        self,
        sample: Sample,
        size: tuple[int, ...],
        region: Region | None = None,
        least: tuple[int, int] | None = None,
    ) -> Array:
        if sample.mask is None:
            return np.zeros(size, np.uint8)
        return self.meaning.encode(read_mask(sample.mask, region, least))

    def _read_large(
        self, large: LargeTiff, sample: Sample, least: tuple[int, int] | None, region: Region | None
    ) -> tuple[Array, Array]:
        """Only the part that is wanted, or the whole made smaller; never the whole of 300 MB and more."""
        if region is not None:
            _refuse_change(sample, large.size)
            raw = large.read(region)
        else:
            raw = large.reduced(least) if least is not None else large.read((0, 0, *large.size))
        image = as_model_sees(raw, self.channels, self.intensity_range, keep_grey=True)
        size = image.shape[:2]
        mask = self._mask(sample, size, region, None if least is None else (size[0], size[1]))
        if region is None and least is not None and mask.shape != size:
            mask = cv2.resize(mask, (size[1], size[0]), interpolation=cv2.INTER_NEAREST_EXACT)
        if mask.shape != size:
            raise unequal_sizes(image.shape, mask.shape)
        return image, mask


def _refuse_change(sample: Sample, size: tuple[int, ...]) -> None:
    """A part was chosen for the size that the image had when it was scanned."""
    if tuple(size) != (sample.height, sample.width):
        raise UnreadableImageError(
            sample.image,
            f"has {size[1]} x {size[0]} pixels, but had {sample.width} x {sample.height} when the data set was "
            "scanned: scan it again",
        )

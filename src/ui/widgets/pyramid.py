"""An image and its labels in halving sizes: whatever is shown of it costs what is on the screen."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from src.core.dataset.files.thumbnails import reduced_labels

#: The smallest level has no side longer than this.
_SMALLEST = 512


@dataclass
class Pyramid:
    """Made in a thread, read by the window.

    Attributes:
        width, height: Of the image, in pixels; the coordinates of everything.
        pixels: Levels, each ``H×W×3`` uint8; the first has the factor ``first`` to the image.
        labels: Levels of class numbers, ``H×W`` uint8; empty without a mask.
        native: ``H×W[×3]`` values as stored, where they are not 8 bits wide.
        first: Factor of the first level; above 1 when this is a reduced picture that comes before the image.
    """

    width: int
    height: int
    pixels: list[np.ndarray]
    labels: list[np.ndarray] = field(default_factory=list)
    native: np.ndarray | None = None
    first: float = 1.0

    @classmethod
    def of(cls, pixels: np.ndarray, labels: np.ndarray | None, native: np.ndarray | None = None) -> Pyramid:
        """All levels of an image."""
        height, width = pixels.shape[:2]
        levels = [np.ascontiguousarray(pixels)]
        marks = [labels] if labels is not None else []
        while max(levels[-1].shape[:2]) > _SMALLEST:
            tall, wide = levels[-1].shape[:2]
            size = (max(1, wide // 2), max(1, tall // 2))
            levels.append(cv2.resize(levels[-1], size, interpolation=cv2.INTER_AREA))
            if marks:
                marks.append(reduced_labels(marks[-1], *size))
        return cls(width, height, levels, marks, native)

    @classmethod
    def preview(cls, pixels: np.ndarray, labels: np.ndarray | None, width: int, height: int) -> Pyramid:
        """A reduced picture in the place of an image of ``width × height`` pixels that is still read."""
        first = max(width, height) / max(pixels.shape[:2])
        return cls(width, height, [pixels], [labels] if labels is not None else [], None, first)

    def level(self, scale: float) -> int:
        """The smallest level that is still as fine as the screen at so many screen pixels an image pixel."""
        wanted = 1.0 / max(scale, 1e-9) / self.first
        return int(np.clip(np.floor(np.log2(max(1.0, wanted))), 0, len(self.pixels) - 1))

    def crop(
        self, level: int, left: float, top: float, right: float, bottom: float
    ) -> tuple[tuple[int, int, int, int], tuple[float, float]]:
        """Cells of a level that cover a part of the image.

        Returns:
            Left, top, right and bottom of the cells, and the image pixels that one of them covers each way.
        """
        tall, wide = self.pixels[level].shape[:2]
        across, down = self.width / wide, self.height / tall
        cells = (
            int(np.clip(np.floor(left / across), 0, wide)),
            int(np.clip(np.floor(top / down), 0, tall)),
            int(np.clip(np.ceil(right / across), 0, wide)),
            int(np.clip(np.ceil(bottom / down), 0, tall)),
        )
        return cells, (across, down)

    def at(self, x: int, y: int) -> tuple[tuple[float, ...], int | None] | None:
        """Values of a pixel and its class number; None outside, and while only a preview is there."""
        if self.first != 1.0 or not (0 <= x < self.width and 0 <= y < self.height):
            return None
        values = (self.native if self.native is not None else self.pixels[0])[y, x]
        return tuple(np.atleast_1d(values).tolist()), int(self.labels[0][y, x]) if self.labels else None


def read_pyramid(
    image: str, mask: str | None, meaning: object, intensity_range: tuple[float, float] | None
) -> Pyramid:
    """The whole image with all its levels. Runs outside the window's thread.

    Raises:
        UnreadableImageError: the image cannot be read.
    """
    from src.core.dataset.files.images import read_header, read_native
    from src.core.dataset.files.thumbnails import read_pair

    pixels, labels = read_pair(image, mask, meaning, None, intensity_range)  # type: ignore[arg-type]
    native = read_native(image) if read_header(image).bits > 8 else None
    return Pyramid.of(
        pixels, labels, native if native is not None and native.shape[:2] == pixels.shape[:2] else None
    )

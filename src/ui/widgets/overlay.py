"""How classes are drawn over a picture: their colours, which of them, filled or as outlines, ignored pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PyQt5.QtGui import QImage

from src.core.dataset.masks import IGNORE_INDEX
from src.core.dataset.palette import IGNORED, class_colours

_HATCH = 6


@dataclass(frozen=True)
class Overlay:
    """A way to draw the classes of a mask.

    Attributes:
        colours: RGB of each class; class 0 is never drawn.
        hidden: Numbers of classes that are switched off.
        outlines: Only the borders of objects.
        ignored: How pixels that count for nothing are drawn: grey, hatched or not at all.
    """

    colours: tuple[tuple[int, int, int], ...] = ()
    hidden: frozenset[int] = frozenset()
    outlines: bool = False
    ignored: Literal["hatched", "grey", "none"] = "hatched"

    @classmethod
    def of(cls, classes: int) -> Overlay:
        """For so many classes, background counted."""
        return cls(tuple(class_colours(max(2, classes))))

    def draw(self, labels: np.ndarray, pen: int = 1) -> QImage:
        """A transparent picture of its own memory.

        Args:
            labels: ``H×W`` uint8 class numbers.
            pen: Width of outlines in pixels.
        """
        shown = self._outlined(labels, pen) if self.outlines else labels
        drawn = self._table()[shown]
        if self.ignored == "hatched":
            self._hatch(drawn, labels)
        height, width = labels.shape
        return QImage(drawn.data, width, height, 4 * width, QImage.Format_ARGB32_Premultiplied).copy()

    def _table(self) -> np.ndarray:
        table = np.zeros(256, np.uint32)
        for number, (red, green, blue) in enumerate(self.colours[:IGNORE_INDEX]):
            if number and number not in self.hidden:
                table[number] = 0xFF000000 | red << 16 | green << 8 | blue
        if self.ignored != "none":
            red, green, blue = IGNORED
            table[IGNORE_INDEX] = 0xFF000000 | red << 16 | green << 8 | blue
        return table

    @staticmethod
    def _outlined(labels: np.ndarray, pen: int) -> np.ndarray:
        inner = labels
        same = np.ones(labels.shape, np.bool_)
        for _ in range(max(1, pen)):
            edge = np.zeros(labels.shape, np.bool_)
            across, down = inner[:, 1:] != inner[:, :-1], inner[1:] != inner[:-1]
            edge[:, 1:] |= across
            edge[:, :-1] |= across
            edge[1:] |= down
            edge[:-1] |= down
            same &= ~edge
            inner = np.where(same, labels, 0)
        return np.where(same & (labels != IGNORE_INDEX), 0, labels)

    @staticmethod
    def _hatch(drawn: np.ndarray, labels: np.ndarray) -> None:
        if not (labels == IGNORE_INDEX).any():
            return
        rows, columns = np.ogrid[: labels.shape[0], : labels.shape[1]]
        gaps = (rows + columns) % _HATCH >= _HATCH // 3
        drawn[(labels == IGNORE_INDEX) & gaps] = 0


def to_image(pixels: np.ndarray) -> QImage:
    """``H×W×3`` uint8 as a picture of its own memory, in the form that is drawn fastest."""
    pixels = np.ascontiguousarray(pixels)
    height, width = pixels.shape[:2]
    shown = QImage(pixels.data, width, height, 3 * width, QImage.Format_RGB888)
    return shown.convertToFormat(QImage.Format_RGB32)


def marks(colours: Sequence[tuple[int, int, int]]) -> list[str]:
    """The colours as ``#rrggbb``."""
    return ["#{:02x}{:02x}{:02x}".format(*rgb) for rgb in colours]

"""What the values of a mask mean, and how they become class numbers."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np

from src.core.dataset.findings import DatasetError, Finding, listed

if TYPE_CHECKING:
    from src.core.dataset.config import MaskConfig

#: Class number of pixels that are left out of loss and metrics.
IGNORE_INDEX = 255
#: Class numbers are stored in a byte, with one for ignored and one for values outside the table.
MAX_CLASSES = 254
_OUTSIDE = 254


class MaskValueError(ValueError):
    """A mask holds values that its table does not name.

    Attributes:
        values: Pixel count of each such value.
    """

    def __init__(self, values: Mapping[int, int]) -> None:
        self.values = dict(values)
        shown = listed([f"{v} ({n} px)" for v, n in sorted(self.values.items())], 6)
        super().__init__(f"the mask has values that no class has: {shown}")

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.values,))


def unequal_sizes(image: tuple[int, ...], mask: tuple[int, ...]) -> ValueError:
    """The error for an image and a mask of these shapes that do not belong together."""
    return ValueError(
        f"Image and mask differ in size: {image[1]}×{image[0]} and {mask[1]}×{mask[0]} pixels. "
        "Each mask must have the size of its image."
    )


@dataclass(frozen=True)
class MaskMeaning:
    """The declared meaning of mask values.

    Attributes:
        kind: ``binary``: an object against background. ``index``: each value is a class.
        classes: Names; for binary the background and the object.
        values: Mask value of each class (index only; empty for binary).
        threshold: Binary: values above it are bright.
        foreground: Binary: whether ``bright`` or ``dark`` pixels are the object.
        ignore_value: Pixels of this value become ``IGNORE_INDEX``, before anything else is asked.
    """

    kind: Literal["binary", "index"]
    classes: tuple[str, ...] = ("background", "object")
    values: tuple[int, ...] = ()
    threshold: int = 127
    foreground: Literal["bright", "dark"] = "bright"
    ignore_value: int | None = None

    @property
    def num_classes(self) -> int:
        """Classes in the encoded mask, background counted: 2 for binary."""
        return 2 if self.kind == "binary" else len(self.classes)

    @property
    def out_channels(self) -> int:
        """Channels of the model's output: 1 for binary."""
        return 1 if self.kind == "binary" else len(self.classes)

    def encode(self, raw: np.ndarray) -> np.ndarray:
        """Class numbers from mask values.

        Args:
            raw: ``H×W`` uint8 or uint16, as ``read_mask`` gives it.

        Returns:
            ``H×W`` uint8, class numbers or ``IGNORE_INDEX``.

        Raises:
            MaskValueError: values that no class has.
        """
        table = _table(self)
        encoded = cv2.LUT(raw, table[:256]) if raw.dtype == np.uint8 else table[raw]
        if self.kind == "index" and (encoded == _OUTSIDE).any():
            values, counts = np.unique(raw[encoded == _OUTSIDE], return_counts=True)
            raise MaskValueError(dict(zip(values.tolist(), counts.tolist(), strict=True)))
        return encoded

    def encode_counts(self, counts: Mapping[int, int]) -> tuple[np.ndarray, dict[int, int]]:
        """Pixel counts of the classes from pixel counts of the values.

        Returns:
            ``num_classes`` int64 counts, and the counts of the values outside the table; ignored pixels are
            in neither.
        """
        table, classes = _table(self), np.zeros(self.num_classes, dtype=np.int64)
        outside: dict[int, int] = {}
        for value, count in counts.items():
            number = int(table[value])
            if number == _OUTSIDE:
                outside[value] = outside.get(value, 0) + count
            elif number != IGNORE_INDEX:
                classes[number] += count
        return classes, outside

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return {**asdict(self), "classes": list(self.classes), "values": list(self.values)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> MaskMeaning:
        """The inverse of ``to_dict``."""
        return cls(**{**data, "classes": tuple(data["classes"]), "values": tuple(data["values"])})

    def to_config(self) -> MaskConfig:
        """The configuration section that declares this meaning."""
        from src.core.dataset.config import MaskConfig

        plain = self.values == tuple(range(len(self.values)))
        return MaskConfig(
            meaning=self.kind,
            threshold=self.threshold,
            foreground=self.foreground,
            classes=list(self.classes),
            values=[] if plain else list(self.values),
            ignore_value=self.ignore_value,
        )

    @classmethod
    def from_config(cls, config: MaskConfig) -> MaskMeaning:
        """The meaning that a configuration declares completely.

        Raises:
            DatasetError: it declares none (``detect``, or ``index`` without classes), or it contradicts
                itself.
        """
        if config.meaning == "detect" or (
            config.meaning == "index" and not (config.classes or config.values)
        ):
            raise DatasetError(
                Finding(
                    "error",
                    "masks.undeclared",
                    "The configuration does not say what the mask values mean.",
                    "Write data.masks.meaning: binary, or index with the names in data.masks.classes.",
                )
            )
        problems = contradictions(config)
        if problems:
            raise DatasetError(problems)
        if config.meaning == "binary":
            names = tuple(config.classes) if len(config.classes) == 2 else ("background", *config.classes)
            names = names if len(names) == 2 else ("background", "object")
            return cls("binary", names, (), config.threshold, config.foreground, config.ignore_value)
        values = tuple(config.values) or tuple(range(len(config.classes)))
        classes = tuple(config.classes) or tuple(f"class_{i}" for i in range(len(values)))
        return cls("index", classes, values, ignore_value=config.ignore_value)


def contradictions(config: MaskConfig) -> list[Finding]:
    """Errors in the declaration itself, whatever the files hold."""
    found: list[str] = []
    classes, values = config.classes, config.values
    if len(set(classes)) < len(classes):
        found.append(
            f"two classes have the same name ({listed([c for c in classes if classes.count(c) > 1])})"
        )
    if config.meaning == "binary" and len(classes) > 2:
        found.append(f"binary masks have a background and one object, but {len(classes)} classes are named")
    if config.meaning != "binary":
        if len(set(values)) < len(values):
            found.append(
                f"two classes have the same value ({listed([v for v in values if values.count(v) > 1])})"
            )
        if values and classes and len(values) != len(classes):
            found.append(f"{len(classes)} classes are named but {len(values)} values given")
        if any(not 0 <= v <= 65535 for v in values):
            found.append("a class value lies outside 0 to 65535")
        if max(len(classes), len(values)) > MAX_CLASSES:
            found.append(f"there are {max(len(classes), len(values))} classes, more than {MAX_CLASSES}")
    if config.meaning == "index" and max(len(classes), len(values)) == 1:
        found.append("there is only one class: a model needs two to tell apart")
    return [
        Finding(
            "error",
            "masks.declaration",
            f"The declared meaning of the masks contradicts itself: {text}.",
            "Correct data.masks.classes and data.masks.values.",
        )
        for text in found
    ]


@functools.lru_cache(maxsize=16)
def _table(meaning: MaskMeaning) -> np.ndarray:
    """65536 uint8: the class number of every possible value."""
    if meaning.kind == "binary":
        bright = np.arange(65536) > meaning.threshold
        table = (bright if meaning.foreground == "bright" else ~bright).astype(np.uint8)
    else:
        table = np.full(65536, _OUTSIDE, dtype=np.uint8)
        for number, value in enumerate(meaning.values):
            table[value] = number
    if meaning.ignore_value is not None:
        table[meaning.ignore_value] = IGNORE_INDEX
    table.setflags(write=False)
    return table

"""One image with its mask: what every later part of the program works on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from src.core.dataset.contract import SPLITS, Split
from src.core.dataset.findings import IMAGE, Noun

__all__ = ["SPLITS", "Sample", "Split"]


@dataclass(frozen=True, slots=True)
class Sample:
    """An image, its mask and what is known of both.

    Attributes:
        id: Path of the image relative to its source folder, with forward slashes, in Unicode form NFC: the
            same on every machine.
        image: Absolute path.
        mask: Absolute path; ``None`` means that nothing is on the image.
        group: What is physically one thing; never on two sides of a split.
        stratum: What the split spreads evenly.
        has_object: At least one pixel is of a class other than background (class 0).
        classes: Class numbers on the image, sorted, without ignored pixels.
        width, height: Pixels, after the EXIF orientation was applied.
    """

    noun: ClassVar[Noun] = IMAGE

    id: str
    image: str
    mask: str | None
    group: str
    stratum: str = ""
    has_object: bool = False
    classes: tuple[int, ...] = ()
    width: int = 0
    height: int = 0

    @property
    def files(self) -> tuple[str, ...]:
        """The image, and its mask where it has one."""
        return (self.image,) if self.mask is None else (self.image, self.mask)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return {**asdict(self), "classes": list(self.classes)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Sample:
        """The inverse of ``to_dict``."""
        return cls(**{**data, "classes": tuple(data.get("classes", ()))})

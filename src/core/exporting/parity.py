"""Whether an exported model says the same as its original, and how fast both are. numpy only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

Precision = Literal["fp32", "fp16", "int8"]


@dataclass(frozen=True)
class Limits:
    """What an export may differ by.

    Attributes:
        largest: Difference of a probability at any pixel; None where single pixels may differ by any amount.
        share: Share of the pixels whose class differs.
        iou_lost: IoU against the truth that the original has more.
    """

    largest: float | None
    share: float
    iou_lost: float


#: 32 bit: the order of sums differs, no more. 16 bit: 11 bits of mantissa through tens of layers. 8 bit: the borders of
#: objects move, so single pixels say nothing.
LIMITS: dict[Precision, Limits] = {
    "fp32": Limits(1e-3, 1e-4, 1e-3),
    "fp16": Limits(0.05, 5e-3, 5e-3),
    "int8": Limits(None, 0.02, 0.02),
}


def limits_for(precision: Precision, share: float | None = None) -> Limits:
    """The limits of a precision, with another ``share`` where one is given."""
    usual = LIMITS[precision]
    if share is None:
        return usual
    # Who allows more pixels to differ allows their probabilities, and the IoU that hangs on them, to differ too
    wider = share > usual.share
    return Limits(
        None if wider else usual.largest, share, max(share, usual.iou_lost) if wider else usual.iou_lost
    )


@dataclass
class Comparison:
    """Differences between two models, gathered image by image.

    Attributes:
        images, pixels, differing: Counts; ``differing`` pixels have another class.
        largest, total: Largest and summed absolute difference of a probability; NaN counts as infinite.
        probabilities: Numbers behind ``total``; 0 where only classes were compared.
        worst: Name of the image with the largest difference (of classes, then of probabilities).
        units, whole: What ``pixels`` counts, and what the name in ``worst`` is of: other models answer for windows of
            recordings.
    """

    images: int = 0
    pixels: int = 0
    differing: int = 0
    largest: float = 0.0
    total: float = 0.0
    probabilities: int = 0
    worst: str = ""
    units: str = "pixels"
    whole: str = "image"
    _worst: tuple[float, float] = field(default=(-1.0, -1.0), repr=False)

    def add(
        self, name: str, classes: np.ndarray, found_classes: np.ndarray, probabilities: np.ndarray,
        found: np.ndarray | None,
    ) -> None:  # fmt: skip
        """Add an image (or a batch).

        Args:
            name: For people.
            classes, found_classes: Class numbers of the original and of the export, of one shape.
            probabilities, found: Of the original and of the export; None where the export gives classes only.

        Raises:
            ValueError: The shapes differ.
        """
        pairs = [(classes, found_classes)] + ([(probabilities, found)] if found is not None else [])
        for one, other in pairs:
            if one.shape != other.shape:
                raise ValueError(f"the export gives {other.shape} for {name}, the original {one.shape}")
        differing, largest = int((classes != found_classes).sum()), 0.0
        if found is not None:
            apart = np.abs(probabilities.astype(np.float64) - found)
            apart[~np.isfinite(apart)] = np.inf
            largest = float(apart.max(initial=0.0))
            self.total += float(apart.sum())
            self.probabilities += apart.size
        self.images += classes.shape[0] if classes.ndim == 3 else 1
        self.pixels += classes.size
        self.differing += differing
        self.largest = max(self.largest, largest)
        rank = (differing / max(1, classes.size), largest)
        if rank > self._worst:
            self._worst, self.worst = rank, name

    @property
    def share(self) -> float:
        """Of the pixels, those with another class."""
        return self.differing / self.pixels if self.pixels else 0.0

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types; differences of probabilities are None where there are none."""
        known = self.probabilities > 0
        return {
            "units": self.units, "whole": self.whole, "images": self.images, "pixels": self.pixels,
            "pixels_with_another_class": self.differing,
            "share_of_pixels_with_another_class": self.share,
            "largest_difference": self.largest if known else None,
            "mean_difference": self.total / self.probabilities if known else None,
            "worst_image": self.worst,
        }  # fmt: skip

    def objections(self, limits: Limits, iou_lost: float | None = None) -> list[str]:
        """What is beyond the limits, as sentences; empty where the export may be used."""
        found = []
        if not np.isfinite(self.largest):
            found.append("It gives numbers that are not finite.")
        elif limits.largest is not None and self.probabilities and self.largest > limits.largest:
            found.append(
                f"A probability differs by {self.largest:.2g}, more than {limits.largest:.2g} ({self.whole} {self.worst})."
            )
        # One pixel on the edge between two classes is no disagreement, however small the images are
        if self.differing > max(1, limits.share * self.pixels):
            found.append(
                f"{self.differing} of {self.pixels} {self.units} ({self.share:.3%}) have another class, more than "
                f"{limits.share:.3%} (most in {self.worst})."
            )
        if iou_lost is not None and iou_lost > limits.iou_lost:
            found.append(
                f"Against the true masks the IoU is {iou_lost:.4f} lower, more than {limits.iou_lost:.4f}."
            )
        return found


def latency(seconds: list[float]) -> dict[str, float]:
    """Median, least and largest of measured times, in milliseconds."""
    times = np.asarray(seconds) * 1000
    return {
        "median_ms": round(float(np.median(times)), 3),
        "least_ms": round(float(times.min()), 3),
        "most_ms": round(float(times.max()), 3),
        "runs": len(seconds),
    }

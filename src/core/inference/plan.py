"""Which way a model goes over an image, decided from the sizes that it was trained with, and why, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from src.core.feed.geometry import Fit
from src.core.inference.windows import starts

#: Images more than so many times larger than any of the training are looked at through a window.
MUCH_LARGER = 2.0
#: A window chosen by hand that is larger than the image falls to the image's size, in steps of this.
_STEP = 32


class Options(Protocol):
    """What a prediction is told; ``InferenceConfig`` of a task's jobs is one."""

    geometry: Literal["auto", "resize", "tiles"]
    tile: int
    overlap: float
    scale: float
    tta: Literal["none", "flips", "all"]


@dataclass(frozen=True)
class Plan:
    """What is done with one image; all sizes are ``(height, width)``.

    Attributes:
        size: Of the image.
        canvas: Of what the model sees at once.
        fit: How the image comes to the canvas; ``crop`` is the sliding window.
        scaled: Of the image when the window slides over it.
        overlap: Pixels that neighbouring windows share, down and across.
        why: The reason, as half a sentence after “because”.
    """

    size: tuple[int, int]
    canvas: tuple[int, int]
    fit: Fit
    scaled: tuple[int, int]
    overlap: tuple[int, int]
    why: str

    @property
    def windows(self) -> int:
        """Pieces that are computed for the image."""
        if self.fit != "crop":
            return 1
        down, across = (
            len(starts(*axis)) for axis in zip(self.scaled, self.canvas, self.overlap, strict=True)
        )
        return down * across

    def words(self) -> str:
        """The plan as sentences."""
        image = f"{self.size[1]} × {self.size[0]} px"
        side = f"{self.canvas[1]} × {self.canvas[0]} px"
        if self.fit != "crop":
            kept = "keeping its shape, with neutral bars" if self.fit == "letterbox" else "stretched"
            return (
                f"An image of {image} is brought to {side} ({kept}) and its probabilities are brought back to its own "
                f"size, because {self.why}."
            )
        scale = ""
        if self.scaled != self.size:
            scale = f" over the image scaled to {self.scaled[1]} × {self.scaled[0]} px"
        if self.windows == 1:
            return f"An image of {image} fits into one window of {side}{scale}, because {self.why}."
        shared = (
            f"neighbours share {self.overlap[1]} px and are blended"
            if max(self.overlap)
            else "without overlap"
        )
        return (
            f"For an image of {image} a window of {side} slides{scale} in {self.windows} steps ({shared}), because "
            f"{self.why}."
        )


def choose(options: Options, facts: dict[str, Any], size: tuple[int, int]) -> Plan:
    """The plan for an image of ``(height, width)``.

    Args:
        options: ``geometry``, ``tile``, ``overlap``, ``scale``.
        facts: Of the model: ``resize``, ``image_size`` and, where known, ``sizes`` with ``median`` and ``max`` of
            the training images as ``(width, height)``.
    """
    fit: Fit = facts["resize"]
    trained = int(facts["image_size"])
    if options.geometry == "resize":
        why = "that was chosen, and it is what the training did"
        if fit == "crop":
            why = "that was chosen, although the model was trained on windows at full resolution"
        return _resized(size, trained, "letterbox" if fit == "crop" else fit, why)
    if options.geometry == "tiles":
        unknown = fit != "crop" and not options.scale and _pair(facts, "median") is None
        why = "that was chosen" + (
            " (at full resolution: the scale of the training is not known)" if unknown else ""
        )
        return _tiled(options, facts, size, why)
    if fit == "crop":
        return _tiled(
            options, facts, size, f"the model was trained on windows of {trained} px at full resolution"
        )
    known = _pair(facts, "max")
    if known is None:
        why = "that is what the training did (it is not known how large its images were)"
        return _resized(size, trained, fit, why)
    largest = f"{known[1]} × {known[0]} px"
    if max(size) > MUCH_LARGER * max(known):
        return _tiled(
            options, facts, size, f"it is much larger than the images of the training (up to {largest})"
        )
    return _resized(size, trained, fit, f"that is what the training did with images of up to {largest}")


def _pair(facts: dict[str, Any], name: str) -> tuple[int, int] | None:
    """``(height, width)`` from the facts."""
    found = (facts.get("sizes") or {}).get(name)
    return (max(1, int(found[1])), max(1, int(found[0]))) if found else None


def _training_scale(facts: dict[str, Any]) -> tuple[float, float]:
    """Pixels of the model for one pixel of the image, down and across, for the typical image of the training."""
    median = _pair(facts, "median")
    if facts["resize"] == "crop" or median is None:
        return 1.0, 1.0
    down, across = (int(facts["image_size"]) / side for side in median)
    return (down, across) if facts["resize"] == "stretch" else (min(down, across),) * 2


def _resized(size: tuple[int, int], trained: int, fit: Fit, why: str) -> Plan:
    return Plan(size, (trained, trained), fit, size, (0, 0), why)


def _tiled(options: Options, facts: dict[str, Any], size: tuple[int, int], why: str) -> Plan:
    scale = (options.scale, options.scale) if options.scale else _training_scale(facts)
    scaled = max(1, round(size[0] * scale[0])), max(1, round(size[1] * scale[1]))
    trained = int(facts["image_size"])
    side = options.tile or trained
    # a padded window shows what the training showed; beyond the trained size padding is only work
    down, across = (min(side, max(min(side, trained), -(-length // _STEP) * _STEP)) for length in scaled)
    overlap = tuple(min(round(length * options.overlap), length - 1) for length in (down, across))
    return Plan(size, (down, across), "crop", scaled, (overlap[0], overlap[1]), why)

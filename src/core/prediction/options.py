"""Options of what is done to predicted masks, the same for every job that writes masks."""

from __future__ import annotations

from typing import Literal

from src.core.config.conditions import when
from src.core.config.fields import Section, option

DENSE_CRF = "dense_crf"


class PostprocessConfig(Section):
    """Corrections of a predicted mask; all off leaves the mask as the model gave it. Done in this order."""

    refine: Literal["none", "dense_crf"] = option(
        "none", "Refinement", "A dense CRF moves the outlines of objects to edges in the image. Thin objects may vanish and "
        "textured ones break up, so compare. Needs pydensecrf2.",
        choice_labels={"none": "None", "dense_crf": "Dense CRF"},
    )  # fmt: skip
    crf_strength: float = option(
        5.0, "Pull of like pixels", "How much pixels of one colour draw each other to one class; higher trusts the image more "
        "than the model.", gt=0, le=100, applies=[when("refine", "dense_crf")],
    )  # fmt: skip
    crf_distance: float = option(
        40.0, "Reach of likeness", "How far apart pixels of one colour still pull at each other (standard deviation).",
        unit="px", ge=1, le=200, advanced=True, applies=[when("refine", "dense_crf")],
    )  # fmt: skip
    crf_colour: float = option(
        10.0, "Colour difference", "Pixels that differ by more, of 255, hardly pull at each other (standard deviation).",
        ge=1, le=255, advanced=True, applies=[when("refine", "dense_crf")],
    )  # fmt: skip
    crf_smoothness: float = option(
        3.0, "Smoothness", "How far apart pixels pull at each other whatever their colour (standard deviation); about the size "
        "of the specks that vanish.", unit="px", ge=0.5, le=50, advanced=True, applies=[when("refine", "dense_crf")],
    )  # fmt: skip
    crf_iterations: int = option(
        5, "CRF iterations", "Steps of the computation; more than 10 change little.", ge=1, le=50, advanced=True,
        applies=[when("refine", "dense_crf")],
    )  # fmt: skip
    opening: int = option(
        0, "Opening", "Removes what is thinner than about twice this; 0 does nothing.", unit="px", ge=0, le=100,
    )  # fmt: skip
    closing: int = option(
        0, "Closing", "Closes gaps and cracks narrower than about twice this; 0 does nothing. Models without a background "
        "class leave no gaps, so it does nothing there.", unit="px", ge=0, le=100,
    )  # fmt: skip
    fill_holes: bool = option(
        False, "Fill holes", "Background that an object encloses becomes part of it. Does nothing for models without a "
        "background class.",
    )  # fmt: skip
    largest_hole: int = option(
        0, "Largest hole", "Larger holes stay; 0 fills holes of any size.", unit="px²", ge=0, advanced=True,
        applies=[when("fill_holes")],
    )  # fmt: skip
    min_area: int = option(
        0, "Smallest object", "Smaller objects (connected regions of a class) are removed; 0 keeps all.", unit="px²", ge=0,
    )  # fmt: skip
    keep_largest: int = option(
        0, "Keep the largest", "Only so many objects of each class stay in an image, the largest; 0 keeps all.",
        unit="objects", ge=0,
    )  # fmt: skip

    @property
    def does_nothing(self) -> bool:
        """Whether masks stay as the model, refined or not, gave them."""
        return not any((self.opening, self.closing, self.fill_holes, self.min_area, self.keep_largest))

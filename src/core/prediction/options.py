"""Options of what is done to predicted masks, the same for every job that writes masks."""

from __future__ import annotations

from src.core.config.conditions import when
from src.core.config.fields import Section, option


class PostprocessConfig(Section):
    """Corrections of a predicted mask; all off leaves the mask as the model gave it. Done in this order."""

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
        """Whether masks stay as the model gave them."""
        return not any((self.opening, self.closing, self.fill_holes, self.min_area, self.keep_largest))

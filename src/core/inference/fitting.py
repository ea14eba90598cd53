"""A whole image on the canvas of a model, as in training, and where on the canvas it stands."""

from __future__ import annotations

import numpy as np

from src.core.feed.augment import Augmentation
from src.core.feed.geometry import Array, Placement, place
from src.core.inference.plan import Plan
from src.core.inference.rows import as_channels
from src.core.inference.sources import Source


def least_size(plan: Plan) -> tuple[int, int]:
    """``(height, width)`` below which reading an image would lose what the canvas can show."""
    if plan.fit == "stretch":
        return plan.canvas
    placement = place(plan.size, plan.canvas, plan.fit)
    return placement.height, placement.width


def fit_image(source: Source, plan: Plan, channels: int) -> tuple[Array, Placement]:
    """Read an image and fit it by the very code that validation uses, so that predictions are the same.

    Returns:
        uint8 H×W×C of the canvas, and the rectangle of it that shows the image.

    Raises:
        UnreadableImageError: with the reason.
    """
    pixels = source.read(None, least_size(plan))
    outline = pixels.shape[0], pixels.shape[1]
    labels = None
    if _halved(plan.size, outline):
        # A reduced JPEG: the size of a mask is what tells the full one. Of its zeros few are ever touched.
        outline, labels = plan.size, np.zeros(plan.size, np.uint8)
    change = Augmentation.only_fit(plan.canvas, plan.fit)
    return as_channels(change(pixels, labels)["image"], channels), place(outline, plan.canvas, plan.fit)


def _halved(size: tuple[int, int], read: tuple[int, int]) -> bool:
    return size != read and any((-(-size[0] // k), -(-size[1] // k)) == read for k in (2, 4, 8))

"""Pictures of masks over images."""

from __future__ import annotations

import cv2
import numpy as np

from src.core.dataset.masks import IGNORE_INDEX
from src.core.dataset.palette import IGNORED, class_colours


def overlay(image: np.ndarray, labels: np.ndarray, classes: int, opacity: float = 0.45) -> np.ndarray:
    """Class colours over an image, each region with an outline.

    Args:
        image: H×W×3 uint8 RGB.
        labels: H×W uint8 class numbers; background (0) shows the image, ignored pixels are greyed.
        classes: Number of classes with the background.
    """
    table = np.zeros((256, 3), np.uint8)
    table[:classes] = class_colours(classes)
    table[IGNORE_INDEX] = IGNORED
    coloured = table[labels]
    shown = labels > 0
    mixed = cv2.addWeighted(image, 1 - opacity, coloured, opacity, 0)
    result = np.where(shown[..., None], mixed, image)
    edges = cv2.morphologyEx(labels, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    return np.where((edges & shown & (labels != IGNORE_INDEX))[..., None], coloured, result)

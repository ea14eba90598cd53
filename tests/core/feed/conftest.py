"""Small files to load: photographs of several sizes with a dark object, and their masks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from src.core.dataset.records import Sample


def draw(height: int, width: int, seed: int, has_object: bool) -> tuple[np.ndarray, np.ndarray]:
    """A smooth coloured picture and a mask of 0 and 255."""
    rng = np.random.default_rng(seed)
    image = cv2.resize(
        rng.integers(60, 255, (6, 6, 3), dtype=np.uint8), (width, height), interpolation=cv2.INTER_CUBIC
    )
    mask = np.zeros((height, width), np.uint8)
    if has_object:
        cv2.circle(mask, (width // 3, height // 2), min(height, width) // 5, 255, -1)
        image[mask > 0] //= 3
    return image, mask


@pytest.fixture
def make_samples(tmp_path: Path) -> Callable[..., list[Sample]]:
    """``make_samples(count, suffix)``: files of alternating size, every third with an object."""

    def make(count: int = 12, suffix: str = ".png") -> list[Sample]:
        samples = []
        for number in range(count):
            height, width = ((50, 70), (64, 64), (90, 48))[number % 3]
            image, mask = draw(height, width, number, number % 3 == 0)
            path, mask_path = tmp_path / f"{number:02}{suffix}", tmp_path / f"{number:02}_mask.png"
            cv2.imwrite(str(path), image)
            cv2.imwrite(str(mask_path), mask)
            name, has_object = path.name, number % 3 == 0
            sample = Sample(
                name, str(path), str(mask_path), name, has_object=has_object, width=width, height=height
            )
            samples.append(sample)
        return samples

    return make

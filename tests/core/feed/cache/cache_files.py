"""Files of every kind that decodes in its own way, and a short way to a cache of them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from src.core.dataset.masks import MaskMeaning
from src.core.dataset.records import Sample

MEANING = MaskMeaning("binary")
SIZES = ((96, 130), (128, 128), (61, 200))


def write(path: Path, picture: np.ndarray) -> str:
    path.write_bytes(cv2.imencode(path.suffix, picture)[1].tobytes())
    return str(path)


def picture(number: int, height: int, width: int) -> np.ndarray:
    """Smooth colours with some noise."""
    rng = np.random.default_rng(number)
    image = cv2.resize(rng.integers(0, 255, (7, 9, 3), dtype=np.uint8), (width, height))
    return cv2.add(image, rng.integers(0, 20, image.shape, dtype=np.uint8))


def make(folder: Path, count: int) -> list[Sample]:
    """JPEG, PNG, grey JPEG, grey PNG, 16-bit PNG and TIFF in turns; each fifth without a mask."""
    folder.mkdir(parents=True, exist_ok=True)
    samples = []
    for number in range(count):
        height, width = SIZES[number % 3]
        image = picture(number, height, width)
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        kinds = [(".jpg", image), (".png", image), (".jpg", grey), (".png", grey), (".png", grey.astype(np.uint16) * 200),
                 (".tif", image)]  # fmt: skip
        suffix, pixels = kinds[number % 6]
        path = write(folder / f"Größe {number:03} 画像{suffix}", pixels)
        mask = np.zeros((height, width), np.uint8)
        cv2.circle(mask, (width // 2, height // 2), 10 + number % 17, 255, -1)
        mask_path = write(folder / f"{number:03}_mask.png", mask) if number % 5 else None
        samples.append(Sample(Path(path).name, path, mask_path, "g", width=width, height=height))
    return samples

"""Small image sets on disk for tests."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from src.core.dataset.config import ImageDataConfig, MaskConfig


class Files:
    """Writes images and masks below a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, name: str, array: np.ndarray) -> Path:
        """An image in the format of the name's suffix; any file name on any system."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cv2.imencode(path.suffix, array)[1].tobytes())
        return path

    def image(self, name: str, seed: int = 0, size: tuple[int, int] = (24, 32)) -> Path:
        """A picture of noise; another seed gives another one."""
        return self.write(name, np.random.default_rng(seed).integers(0, 255, (*size, 3), dtype=np.uint8))

    def mask(self, name: str, value: int = 255, size: tuple[int, int] = (24, 32), side: int = 6) -> Path:
        """A square of ``value`` on 0."""
        array = np.zeros(size, np.uint8)
        array[4 : 4 + side, 4 : 4 + side] = value
        return self.write(name, array)

    def pairs(self, count: int, value: int = 255) -> None:
        """``images/imgN.png`` and ``masks/imgN.png``."""
        for number in range(count):
            self.image(f"images/img{number}.png", seed=number)
            self.mask(f"masks/img{number}.png", value)

    def text(self, name: str, text: str, encoding: str = "utf-8") -> Path:
        """A text file."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode(encoding))
        return path

    def config(self, **options: object) -> ImageDataConfig:
        """The two folders; ``masks`` may be given as a mapping."""
        masks = options.pop("masks", {})
        sources = {"images_dir": str(self.root / "images"), "masks_dir": str(self.root / "masks")}
        return ImageDataConfig(**{**sources, **options}, masks=MaskConfig(**masks))  # type: ignore[arg-type]

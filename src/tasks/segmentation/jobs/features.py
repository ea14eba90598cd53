"""What the encoder of a model sees in whole images, as one row of numbers each; kept, so that nothing is computed twice."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from src.core.dataset.files.image_files import UnreadableImageError
from src.core.dataset.files.images import read_image
from src.core.dataset.formats.book import ImportCancelledError
from src.core.dataset.formats.threads import in_threads
from src.core.inference.model import LoadedModel
from src.core.job import JobCancelledError
from src.core.prediction.images import ImageFile
from src.core.prediction.index import JsonLines

_BATCH = 8
_MOST_SIDE = 512

Key = tuple[str, int, int]


def key_of(image: ImageFile) -> Key:
    """What a kept value belongs to: this file in this state."""
    return image.path, image.size, image.mtime_ns


class Kept:
    """Values of images in a file of JSON lines; a half-written line is passed over.

    Attributes:
        values: What is known, by file.
    """

    def __init__(self, path: Path) -> None:
        """Read what is there; raises OSError."""
        self.values: dict[Key, Any] = {}
        if path.exists():
            with path.open("rb") as stream:
                for line in stream:
                    try:
                        raw = json.loads(line)
                        self.values[raw["path"], raw["size"], raw["mtime_ns"]] = raw["value"]
                    except (ValueError, KeyError, TypeError):
                        continue
        self._lines = JsonLines(path)

    def keep(self, image: ImageFile, value: Any) -> None:
        """Note a value; raises OSError."""
        path, size, mtime_ns = key = key_of(image)
        self.values[key] = value
        self._lines.write(
            {"name": image.name, "path": path, "size": size, "mtime_ns": mtime_ns, "value": value}
        )

    def close(self) -> None:
        """Flush; raises OSError."""
        self._lines.close()


def features_of(
    loaded: LoadedModel,
    images: list[ImageFile],
    kept: Kept,
    progress: Callable[[int, int], None],
    cancelled: Callable[[], bool],
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Mean of the encoder's deepest features over each image, which is scaled to the size of the training.

    Args:
        loaded: The model.
        images: What to look at.
        kept: Where features are looked for and noted.
        progress: Told done and total.
        cancelled: Asked often.

    Returns:
        Name to ``D`` float32; and name to the reason for images that cannot be read.

    Raises:
        JobCancelledError: ``cancelled`` said so; what is known is kept.
    """
    found: dict[str, np.ndarray] = {}
    failed: dict[str, str] = {}
    todo = []
    for image in images:
        known = kept.values.get(key_of(image))
        if known is None:
            todo.append(image)
        else:
            found[image.name] = np.frombuffer(base64.b64decode(known), np.float16).astype(np.float32)
    side = min(_MOST_SIDE, max(64, round(loaded.size / 32) * 32))
    done, batch = len(found), list[tuple[ImageFile, np.ndarray]]()

    def compute() -> None:
        for (image, _), row in zip(batch, _features(loaded, [pixels for _, pixels in batch]), strict=True):
            found[image.name] = row
            kept.keep(image, base64.b64encode(row.astype(np.float16).tobytes()).decode("ascii"))
        batch.clear()

    for image, pixels in _read(loaded, todo, side, cancelled):
        done += 1
        if isinstance(pixels, UnreadableImageError):
            failed[image.name] = f"The image {pixels.reason}."
        else:
            batch.append((image, pixels))
        if len(batch) == _BATCH:
            compute()
        progress(done, len(images))
    if batch:
        compute()
    return found, failed


def _read(
    loaded: LoadedModel, images: list[ImageFile], side: int, cancelled: Callable[[], bool]
) -> Iterator[tuple[ImageFile, np.ndarray | UnreadableImageError]]:
    def read(image: ImageFile) -> tuple[ImageFile, np.ndarray | UnreadableImageError]:
        try:
            pixels = read_image(image.path, loaded.channels, loaded.intensity_range, (side, side))
        except UnreadableImageError as error:
            return image, error
        small = cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA)
        return image, small if small.ndim == 3 else small[..., None]

    try:
        yield from in_threads(read, images, cancelled)
    except ImportCancelledError:
        raise JobCancelledError from None


@torch.inference_mode()
def _features(loaded: LoadedModel, pixels: list[np.ndarray]) -> np.ndarray:
    batch = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2)
    with loaded.precision.context(loaded.device):
        deepest = loaded.model.encoder(loaded.normaliser.to_float(batch, loaded.device))[-1]  # type: ignore[operator]
    return deepest.float().flatten(2).mean(2).cpu().numpy()

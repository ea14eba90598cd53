"""Image and mask pairs for training a segmentation model with plain PyTorch: the public face of the feed
room.

Images come out as float32 C×H×W, normalised with the statistics of ImageNet unless told otherwise. Masks
come out as int64 H×W of class numbers, for binary masks (0 background, 1 object) and for several classes
alike; 255 marks pixels that neither loss nor metrics count.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any, NamedTuple

from src.core.dataset.config import ImageDataConfig
from src.core.dataset.describe import describe
from src.core.dataset.findings import DatasetError
from src.core.dataset.records import SPLITS, Split
from src.core.dataset.sources.sources import find_sources
from src.core.feed.augment import Augmentation, Size, as_size
from src.core.feed.dataset import ImageMaskDataset
from src.core.feed.float_loader import SegmentationLoader
from src.core.feed.geometry import Fit
from src.core.feed.loader import FeedLoader
from src.core.feed.meaning import MaskDeclaration, announce, declared
from src.core.feed.normalise import Normaliser
from src.core.feed.pairs import PathLike, SegmentationDataset
from src.core.feed.pixel_weights import compute_class_weights
from src.core.feed.workers import WorkerKind

__all__ = [
    "PathPairs",
    "SegmentationDataset",
    "SegmentationLoader",
    "compute_class_weights",
    "create_dataloaders",
    "get_training_augmentation",
    "get_validation_augmentation",
    "load_dataset_from_split_files",
]


class PathPairs(NamedTuple):
    """Images and, at the same positions, their masks (None: nothing is on the image)."""

    image_paths: list[Path]
    mask_paths: list[Path | None]


def get_training_augmentation(
    image_size: Size = 256,
    augmentation_prob: float = 0.5,
    fit: Fit = "stretch",
    seed: int = 0,
    **strengths: Any,
) -> Augmentation:
    """Random changes, then the model's size, as a callable ``(image=..., mask=...) -> {'image', 'mask'}`` on
    uint8 arrays.

    Args:
        image_size: Pixels, or ``(height, width)``.
        augmentation_prob: Of each change, for each image.
        fit: ``stretch`` (as a plain resize), ``letterbox`` (keeps the shape, pads; padding has mask 255)
            or ``crop``.
        seed: Of the changes when it is called directly.
        strengths: ``flips``, ``quarter_turns`` (bool), ``shift`` and ``scale`` (0.1), ``rotate`` (45
            degrees), ``brightness`` and ``contrast`` (0.2), ``hue``, ``saturation``, ``value`` (10, 20,
            20), ``noise`` (4.5 of 255), ``blur`` (3 pixels).

    >>> augmentation = get_training_augmentation(image_size=64, augmentation_prob=0.8)
    >>> out = augmentation(image=np.zeros((50, 70, 3), np.uint8), mask=np.zeros((50, 70), np.uint8))
    >>> out["image"].shape, out["mask"].shape
    ((64, 64, 3), (64, 64))
    """
    return Augmentation(as_size(image_size), fit=fit, probability=augmentation_prob, seed=seed, **strengths)


def get_validation_augmentation(image_size: Size = 256, fit: Fit = "stretch") -> Augmentation:
    """The model's size and nothing random; ``crop`` cuts the middle.

    >>> out = get_validation_augmentation((32, 64))(image=np.zeros((50, 70, 3), np.uint8))
    >>> out["image"].shape
    (32, 64, 3)
    """
    return Augmentation.only_fit(as_size(image_size), fit)


def load_dataset_from_split_files(
    split_dir: PathLike, images_dir: PathLike | None = None, masks_dir: PathLike | None = None
) -> dict[str, PathPairs]:
    """Read ``train.txt``, ``val.txt`` and, where there is one, ``test.txt``: a line an image, with or without
    its mask.

    Paths may be absolute ones of another machine: the files are looked for below ``images_dir`` and
    ``masks_dir``.

    Returns:
        `PathPairs` by ``train``, ``val`` and ``test``; a part without a file is missing.

    Raises:
        DatasetError: a folder or file is missing, or lines name no image.

    >>> parts = load_dataset_from_split_files(split_dir, images_dir, masks_dir)
    >>> dataset = SegmentationDataset(*parts["train"], image_size=64, mask_meaning="binary")
    >>> len(dataset) == len(parts["train"].image_paths)
    True
    """
    found = find_sources(
        ImageDataConfig(
            split_dir=os.fspath(split_dir),
            images_dir="" if images_dir is None else os.fspath(images_dir),
            masks_dir="" if masks_dir is None else os.fspath(masks_dir),
        )
    )
    announce(found.findings, None)
    if found.missing:
        shown = "; ".join(f"{path} ({reason})" for path, reason in found.missing[:3])
        warnings.warn(
            f"{len(found.missing)} files that the split names are not there: {shown}.", stacklevel=2
        )
    parts: dict[str, PathPairs] = {}
    for part in SPLITS:
        rows = [row for row in found.rows if (row.split or "train") == part]
        if rows:
            masks = [None if row.mask is None else Path(row.mask) for row in rows]
            parts[part] = PathPairs([Path(row.image) for row in rows], masks)
    return parts


def create_dataloaders(
    split_dir: PathLike | None = None,
    images_dir: PathLike | None = None,
    masks_dir: PathLike | None = None,
    image_size: Size = 256,
    batch_size: int = 8,
    num_workers: int = -1,
    augmentation_prob: float = 0.5,
    *,
    mask_meaning: MaskDeclaration = None,
    fit: Fit = "stretch",
    channels: int = 3,
    seed: int = 0,
    balance: float = 0.0,
    worker_kind: WorkerKind = "auto",
    normaliser: Normaliser | None = None,
) -> tuple[SegmentationLoader, SegmentationLoader]:
    """The training and the validation loader of a folder with ``train.txt`` and ``val.txt``.

    Args:
        split_dir: Folder of the split files; None splits the pairs of the two folders, 80 to 20.
        images_dir, masks_dir: Not needed when the split files hold paths that exist.
        num_workers: 0 reads in the calling thread, -1 chooses.
        augmentation_prob: Of each random change of a training image; 0 turns them off.
        mask_meaning, fit, channels, normaliser: As for `SegmentationDataset`.
        seed: Of order and changes, which are the same for every number of workers.
        balance: Least share of the training images that hold an object; see `FeedLoader`.

    Returns:
        Loaders of float batches: ``image`` N×C×H×W and ``mask`` int64 N×H×W. Training is shuffled, and a last
        batch that is not full is left out. Iterating again gives the next epoch.

    Raises:
        DatasetError: what is wrong with the data, and what to do.

    >>> train, val = create_dataloaders(
    ...     split_dir, images_dir, masks_dir, image_size=64, batch_size=2, mask_meaning="binary"
    ... )
    >>> for batch in train:
    ...     assert batch["image"].shape == (2, 3, 64, 64) and batch["mask"].shape == (2, 64, 64)
    """
    config = ImageDataConfig(
        split_dir="" if split_dir is None else os.fspath(split_dir),
        images_dir="" if images_dir is None else os.fspath(images_dir),
        masks_dir="" if masks_dir is None else os.fspath(masks_dir),
        masks=declared(mask_meaning),
    )
    found = describe(config, quick=True)
    announce(found.findings, found.meaning)
    if found.meaning is None:
        raise DatasetError(found.findings)
    size, meaning = as_size(image_size), found.meaning

    def loader(part: Split, change: Augmentation, training: bool) -> SegmentationLoader:
        samples = found.samples[part]
        data = ImageMaskDataset(
            samples, meaning, size, channels, fit, change if training else None, seed, found.intensity_range
        )
        feed = FeedLoader(
            data, batch_size, seed, shuffle=training, workers=num_workers, worker_kind=worker_kind,
            drop_last=training, balance=balance if training else 0.0,
        )  # fmt: skip
        pairs = SegmentationDataset.from_samples(
            samples, meaning, change, channels, normaliser, found.intensity_range
        )
        pairs.class_pixels = found.class_pixels[part]
        return SegmentationLoader(feed, pairs.normaliser, pairs)

    random_change = Augmentation(size, fit=fit, probability=augmentation_prob, seed=seed)
    return loader("train", random_change, True), loader("val", Augmentation.only_fit(size, fit), False)

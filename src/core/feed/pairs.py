"""Pairs of image and mask as a torch data set."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch
from torch.utils.data import Dataset

from src.core.dataset.config import ImageDataConfig
from src.core.dataset.masks import MaskMeaning
from src.core.dataset.records import Sample
from src.core.dataset.sources.sources import find_sources
from src.core.feed.augment import Augmentation, Size, as_size
from src.core.feed.dataset import least_size
from src.core.feed.geometry import Fit
from src.core.feed.meaning import MaskDeclaration, announce, resolve_meaning
from src.core.feed.normalise import Normaliser
from src.core.feed.reading import FileReader

PathLike = str | os.PathLike[str]


class SegmentationDataset(Dataset[dict[str, Any]]):
    """Pairs of image and mask. Works with torch's ``DataLoader``.

    >>> dataset = SegmentationDataset(images_dir, masks_dir, image_size=64, mask_meaning="binary")
    >>> pair = dataset[0]
    >>> pair["image"].shape, pair["image"].dtype, pair["mask"].shape, pair["mask"].dtype
    (torch.Size([3, 64, 64]), torch.float32, torch.Size([64, 64]), torch.int64)

    An augmentation draws from torch's random numbers, so that ``torch.manual_seed`` makes it repeatable
    and the workers of a ``DataLoader`` differ.

    Attributes:
        samples: `Sample` of each pair.
        meaning: What mask values mean; ``meaning.num_classes`` counts the background.
        class_pixels: Pixels of each class where they are known (from `create_dataloaders`), else None.
    """

    def __init__(
        self,
        image_paths: PathLike | Sequence[PathLike] | None = None,
        mask_paths: PathLike | Sequence[PathLike | None] | None = None,
        image_size: Size | None = None,
        augmentation: Any = None,
        mask_meaning: MaskDeclaration = None,
        *,
        images_dir: PathLike | None = None,
        masks_dir: PathLike | None = None,
        transform: Any = None,
        channels: int = 3,
        fit: Fit = "stretch",
        normaliser: Normaliser | None = None,
        intensity_range: tuple[float, float] | None = None,
    ) -> None:
        """
        Args:
            image_paths: Files, or a folder (then as ``images_dir``).
            mask_paths: The masks at the same positions (None: nothing is on the image), or a folder.
            image_size: Pixels or ``(height, width)``; by default the augmentation's, or 256.
            augmentation: Of `get_training_augmentation`, or any callable in albumentations' convention; it
                is given class numbers and must return one size. By default only the resize. ``transform``
                is another name for it.
            mask_meaning: ``'binary'``, ``'index'``, the number of classes, their names, or a
                `MaskMeaning`. By default what the files show, with a warning that says what.
            images_dir, masks_dir: Folders, sub-folders included; masks have their image's name with any
                usual suffix.
            channels: 3 for RGB or 1 for grey.
            fit: Of the resize when no augmentation is given.
            normaliser: By default ImageNet's mean and deviation.
            intensity_range: Values that become black and white in images of more than 8 bits.

        Raises:
            DatasetError: no pairs, or the meaning of the masks is not clear.
            ValueError: arguments that contradict each other.
        """
        pairs = _pairs(image_paths, mask_paths, images_dir, masks_dir)
        self.samples = [
            Sample(str(image), str(image), None if mask is None else str(mask), str(image))
            for image, mask in zip(*pairs, strict=True)
        ]
        change = augmentation if augmentation is not None else transform
        size = image_size if image_size is not None else getattr(change, "size", 256)
        self._set_up(
            as_size(size),
            change if change is not None else Augmentation.only_fit(as_size(size), fit),
            channels,
            normaliser,
            intensity_range,
        )
        self.meaning = resolve_meaning(mask_meaning, [s.mask for s in self.samples if s.mask is not None])

    def _set_up(
        self,
        size: tuple[int, int],
        change: Any,
        channels: int,
        normaliser: Normaliser | None,
        intensity_range: tuple[float, float] | None,
    ) -> None:
        self.image_size = size
        if isinstance(change, Augmentation) and change.size != size:
            raise ValueError(
                f"image_size is {size}, but the augmentation makes {change.size}: give both the same size, "
                "or leave image_size out."
            )
        self.augmentation = change
        self.channels = channels
        self.normaliser = normaliser or Normaliser()
        self.intensity_range = intensity_range
        self.class_pixels: list[int] | None = None

    @classmethod
    def from_samples(
        cls,
        samples: Sequence[Sample],
        meaning: MaskMeaning,
        augmentation: Augmentation,
        channels: int = 3,
        normaliser: Normaliser | None = None,
        intensity_range: tuple[float, float] | None = None,
    ) -> SegmentationDataset:
        """From what the description of a data set holds."""
        made = cls.__new__(cls)
        made.samples, made.meaning = list(samples), meaning
        made._set_up(augmentation.size, augmentation, channels, normaliser, intensity_range)
        return made

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """``image`` float32 C×H×W, ``mask`` int64 H×W, ``index``.

        Raises:
            IndexError: there is no such pair.
            UnreadableImageError, MaskValueError: its files cannot be used.
        """
        position = index + len(self) if index < 0 else index
        if not 0 <= position < len(self):
            raise IndexError(f"There is no pair {index}; the data set has {len(self)}.")
        sample, change = self.samples[position], self.augmentation
        own = isinstance(change, Augmentation)
        least = least_size(sample, change.size, change.fit) if own else None
        image, mask = FileReader(self.meaning, self.channels, self.intensity_range).read(sample, least)
        if image.shape[2] != self.channels:
            image = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
        if own:
            seed = int(torch.randint(2**62, ()).item())
            out = change(
                image=image,
                mask=mask,
                rng=np.random.Generator(np.random.PCG64(seed)) if change.training else None,
            )
        else:
            out = change(image=image, mask=mask)
        return {
            "image": self._as_float(out["image"]),
            "mask": torch.from_numpy(np.ascontiguousarray(out["mask"])).long(),
            "index": position,
        }

    def _as_float(self, image: Any) -> torch.Tensor:
        """Normalise what is still bytes; a foreign augmentation may have made floats or tensors already."""
        if not isinstance(image, torch.Tensor):
            array = image[..., None] if image.ndim == 2 else image
            image = torch.from_numpy(np.ascontiguousarray(array)).permute(2, 0, 1)
        if image.dtype != torch.uint8:
            return image.float()
        return self.normaliser.to_float(image[None], channels_last=False)[0]


def _pairs(
    image_paths: PathLike | Sequence[PathLike] | None,
    mask_paths: PathLike | Sequence[PathLike | None] | None,
    images_dir: PathLike | None,
    masks_dir: PathLike | None,
) -> tuple[list[PathLike], list[PathLike | None]]:
    if isinstance(image_paths, (str, os.PathLike)):
        images_dir, image_paths = image_paths, None
    if isinstance(mask_paths, (str, os.PathLike)):
        masks_dir, mask_paths = mask_paths, None
    if (images_dir is None) == (image_paths is None) or (masks_dir is None) == (mask_paths is None):
        raise ValueError(
            "Give images and masks either as two lists of files or as two folders (images_dir, masks_dir)."
        )
    if image_paths is not None and mask_paths is not None:
        images, masks = list(image_paths), list(mask_paths)
        if len(images) != len(masks) or not images:
            raise ValueError(
                f"There are {len(images)} images and {len(masks)} masks: give a mask (or None) for each of "
                "at least one image."
            )
        return images, masks
    if images_dir is None or masks_dir is None:
        raise ValueError(
            "One of images and masks is a folder, the other a list of files: give two folders or two lists."
        )
    found = find_sources(ImageDataConfig(images_dir=os.fspath(images_dir), masks_dir=os.fspath(masks_dir)))
    announce(found.findings, None, stacklevel=4)
    return [row.image for row in found.rows], [row.mask for row in found.rows]

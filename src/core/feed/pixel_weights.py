"""Class weights from whatever holds masks."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from src.core.dataset.files.images import read_header, read_mask
from src.core.dataset.masks import IGNORE_INDEX, MaskMeaning
from src.core.dataset.records import Sample
from src.core.dataset.sources.source_rows import walk
from src.core.dataset.weights import WeightMethod, class_weights
from src.core.feed.float_loader import SegmentationLoader
from src.core.feed.meaning import MaskDeclaration, resolve_meaning


def compute_class_weights(
    source: Any,
    num_classes: int | None = None,
    method: WeightMethod = "inverse_sqrt",
    mask_meaning: MaskDeclaration = None,
) -> torch.Tensor:
    """Weight of each class from how many pixels it has, for a weighted loss; rare classes weigh more.

    Args:
        source: A `SegmentationDataset`; a loader of `create_dataloaders`; any data set or loader whose
            items have ``mask``; mask files, or their folder; or pixel counts as a list, an array, a tensor
            or a mapping from class to count.
        num_classes: By default as many as there are.
        method: ``inverse_sqrt`` (1/sqrt(frequency)), ``inverse``, ``median_frequency`` or ``effective``.
        mask_meaning: Of mask files, as for `SegmentationDataset`.

    Returns:
        float32, one number a class, whose mean over the classes that occur is 1; for binary masks
        background and object. Ignored pixels (255) are not counted; a class without a pixel gets 0.

    >>> compute_class_weights([900, 100], method="inverse").tolist()
    [0.20000000298023224, 1.7999999523162842]
    """
    counts = _pixel_counts(source, mask_meaning)
    length = max(num_classes or 0, len(counts))
    if num_classes is not None and length > num_classes:
        if counts[num_classes:].any():
            raise ValueError(
                f"num_classes is {num_classes}, but the masks hold class "
                f"{int(np.flatnonzero(counts).max())}: give a larger number."
            )
        counts, length = counts[:num_classes], num_classes
    weights = class_weights(np.pad(counts, (0, length - len(counts))), method)
    return torch.as_tensor(weights, dtype=torch.float32)


def _pixel_counts(source: Any, mask_meaning: MaskDeclaration) -> np.ndarray:
    if isinstance(source, Mapping):
        counts = np.zeros(max(source) + 1, dtype=np.int64)
        for number, pixels in source.items():
            counts[number] = pixels
        return counts
    if isinstance(source, torch.Tensor):
        return source.detach().cpu().numpy()
    if isinstance(source, SegmentationLoader):
        source = source.dataset
    if getattr(source, "class_pixels", None) is not None:
        return np.asarray(source.class_pixels)
    if hasattr(source, "samples") and hasattr(source, "meaning"):
        return _count_samples(source.samples, source.meaning)
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        source = [file.path for file in walk(str(path))[0]] if path.is_dir() else [path]
    if isinstance(source, (list, tuple, np.ndarray)):
        if len(source) and isinstance(source[0], (str, os.PathLike)):
            files = [os.fspath(cast("str | os.PathLike[str]", path)) for path in source]
            return _count_files(files, resolve_meaning(mask_meaning, files))
        return np.asarray(source)
    return _count_items(source)


def _count_samples(samples: Iterable[Sample], meaning: MaskMeaning) -> np.ndarray:
    """From the files; an image without a mask is background, as many pixels as it has."""
    counts = np.zeros(meaning.num_classes, dtype=np.int64)
    for sample in samples:
        if sample.mask is not None:
            counts += _count_files([sample.mask], meaning)
        else:
            header = read_header(sample.image)
            counts[0] += header.width * header.height
    return counts


def _count_files(paths: Iterable[str], meaning: MaskMeaning) -> np.ndarray:
    counts = np.zeros(256, dtype=np.int64)
    for path in paths:
        counts += np.bincount(meaning.encode(read_mask(path)).ravel(), minlength=256)
    return counts[: meaning.num_classes]


def _count_items(source: Any) -> np.ndarray:
    """From anything that yields mappings with ``mask`` or pairs of image and mask."""
    counts = np.zeros(256, dtype=np.int64)
    items = source if not hasattr(source, "__getitem__") else (source[k] for k in range(len(source)))
    for item in items:
        mask = torch.as_tensor(item["mask"] if isinstance(item, Mapping) else item[1])
        counts += np.bincount(mask.reshape(-1).to(torch.uint8).cpu().numpy(), minlength=256)
    counts[IGNORE_INDEX] = 0
    used = np.flatnonzero(counts)
    return counts[: int(used.max()) + 1 if len(used) else 1]

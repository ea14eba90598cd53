"""The cache of a run: of the samples of training and validation, as its data sets will ask for them."""

from __future__ import annotations

from collections.abc import Callable

from src.core.dataset.description import DatasetDescription
from src.core.dataset.findings import Finding
from src.core.dataset.masks import MaskMeaning
from src.core.feed.augment import as_size
from src.core.feed.cache import PackedCache, Recipe, Want, prepare
from src.core.feed.dataset import least_size
from src.core.feed.workers import usable_cores
from src.tasks.segmentation.config import SegmentationConfig
from src.tasks.segmentation.description import labels


def prepare_cache(
    config: SegmentationConfig,
    data: DatasetDescription,
    meaning: MaskMeaning,
    progress: Callable[[int, int, str], None],
    cancelled: Callable[[], bool],
    note: Callable[[Finding], None],
) -> PackedCache | None:
    """Find or build it as ``data.cache`` says; None: the files are read.

    Built before the first step and not beside the first epoch: all cores decode, each image once, in less time than
    an epoch that decodes takes, and the loader's workers need not write.
    """
    options = config.data
    size = as_size(options.image_size)
    wants = [
        Want(sample, least_size(sample, size, options.resize))
        for part in ("train", "val")
        for sample in data.samples[part]
    ]
    done = prepare(
        wants, Recipe(meaning, options.channels, data.intensity_range), options.cache,
        int(options.cache_limit_gb * 1e9), epochs=config.training.epochs, dataset=labels(config)[0],
        threads=usable_cores(), progress=progress, cancelled=cancelled, note=note,
    )  # fmt: skip
    return done.cache

"""Stands in for the reader of the files: the same bytes, from the cache where it has them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from src.core.dataset.files.large_tiff import Region
from src.core.dataset.records import Sample
from src.core.feed.cache.index import DamagedIndexError
from src.core.feed.cache.packed import CacheWarning, DamagedEntryError, PackedCache

if TYPE_CHECKING:
    from src.core.feed.reading import Reader


class CachedReader:
    """Reads pairs from a cache, and from the files what is absent, changed or damaged there.

    What comes back are read-only views into mapped files, bit for bit what the reader of the files gives. It pickles
    as that reader and a path.

    Attributes:
        files: The reader of the files.
        cache: The cache.
    """

    def __init__(self, files: Reader, cache: PackedCache) -> None:
        self.files = files
        self.cache = cache
        self._warned = False

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (self.files, self.cache.folder)

    def read(
        self, sample: Sample, least: tuple[int, int] | None = None, region: Region | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `src.core.feed.reading.Reader.read`."""
        cache = self.cache
        number = cache.find(sample, least)
        if number is not None:
            if region is not None:
                entry = cache.entry(number)
                size = (sample.height, sample.width)
                mask = (entry.mask_height, entry.mask_width)
                if (entry.height, entry.width) != size or mask not in (size, (0, 0)):
                    number = None  # the reader of the files has the words for it
            if number is not None:
                try:
                    pair = cache.view(number, region)
                    cache.hits += 1
                    return pair
                except DamagedEntryError as error:
                    self._mend(error, sample, least)
        cache.misses += 1
        return self.files.read(sample, least, region)

    def _mend(self, error: DamagedEntryError, sample: Sample, least: tuple[int, int] | None) -> None:
        image, mask = self.files.read(sample, least)
        mended = self.cache.repair(error.number, image, mask)
        if not self._warned:
            self._warned = True
            what = "It was written anew" if mended else "The file is read instead"
            warnings.warn(
                f"The cached copy of {sample.image} is damaged ({error}). {what}; further ones are mended silently. "
                "If this comes again, check the disk of the workspace.",
                CacheWarning,
                stacklevel=3,
            )


def _reopen(files: Reader, folder: Path) -> Reader:
    """In another process: the same reader, or that of the files where the cache was deleted meanwhile."""
    try:
        return CachedReader(files, PackedCache(folder))
    except (OSError, DamagedIndexError) as error:
        warnings.warn(
            f"The cache cannot be opened ({error}). The files are read instead.", CacheWarning, stacklevel=2
        )
        return files

"""Decoded images and masks in a few large files that are mapped into memory: read once, decoded once.

``recipe`` says what the bytes of an entry depend on, ``index`` finds them, ``packed`` maps and checks them,
``reader`` stands in for the reader of the files, ``building`` decodes and appends, ``space`` keeps within limits,
``preparing`` decides. Needs only numpy and OpenCV.

A cache is a folder in ``<workspace>/cache/images``, one for each data set and way of reading it::

    cache.json         format, data set, recipe
    shard-0001.bin     the pixels of one sample after the other: image, then mask; only ever appended to
    index-000001.bin   where each sample lies, its sizes and checksums; a new file for each change
    journal.jsonl      entries that are finished and not yet in an index; there only while building
    suspects.txt       entries that were found damaged and could not be mended, for the next build
    build.lock         held by the process that builds
    leases/            a locked file for each process that uses the cache; the system unlocks it when that ends
"""

from src.core.feed.cache.building import BuildReport, build
from src.core.feed.cache.packed import CacheWarning, DamagedEntryError, PackedCache
from src.core.feed.cache.preparing import Prepared, caches_folder, open_or_build, prepare
from src.core.feed.cache.reader import CachedReader
from src.core.feed.cache.recipe import Estimate, Recipe, Want, estimate
from src.core.feed.cache.space import CacheInfo, clear, list_caches

__all__ = [
    "BuildReport", "CacheInfo", "CacheWarning", "CachedReader", "DamagedEntryError", "Estimate", "PackedCache", "Prepared",
    "Recipe", "Want", "build", "caches_folder", "clear", "estimate", "list_caches", "open_or_build", "prepare",
]  # fmt: skip

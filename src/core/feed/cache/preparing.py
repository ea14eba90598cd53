"""Whether a run gets a cache, and what is said about it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import psutil

from src.core.dataset.files.image_files import why
from src.core.dataset.findings import Finding, counted
from src.core.dataset.masks import MaskMeaning
from src.core.dataset.records import Sample
from src.core.feed.cache.building import BuildReport, Progress, build
from src.core.feed.cache.index import DamagedIndexError
from src.core.feed.cache.leases import Lease, registry
from src.core.feed.cache.packed import PackedCache, newest_index, read_suspects
from src.core.feed.cache.recipe import Recipe, Want, estimate, sample_key, stamps
from src.core.feed.cache.space import discard_if_stale, make_room, touch
from src.core.run.folder import slug, workspace

Mode = Literal["off", "auto", "on"]
#: Fewer epochs than this do not earn back what building and writing cost.
FEWEST_EPOCHS = 3
#: A cache that is to be read from memory must leave the other half to model, windows and workers.
MEMORY_SHARE = 0.5
GB = 10**9


@dataclass
class Prepared:
    """What a run works with.

    Attributes:
        cache: None: the files are read.
        findings: What was decided and why, in sentences.
        bytes: Decoded size of all samples.
        report: Of the build, where there was one.
    """

    cache: PackedCache | None = None
    findings: list[Finding] = field(default_factory=list)
    bytes: int = 0
    report: BuildReport | None = None


def caches_folder() -> Path:
    """Where caches are: ``<workspace>/cache/images``."""
    return workspace() / "cache" / "images"


def memory_bytes() -> int:
    """Memory that this process can hope for: of the machine, or of the container where that is less."""
    total = int(psutil.virtual_memory().total)
    for place in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            total = min(total, int(Path(place).read_text("ascii")))
        except (OSError, ValueError):
            continue
    return total


def common_root(wants: Sequence[Want]) -> str:
    """The folder that holds all images; empty where there is none (two drives)."""
    try:
        return os.path.commonpath({str(Path(want.sample.image).parent) for want in wants})
    except ValueError:
        return ""


def cache_name(wants: Sequence[Want], recipe: Recipe, dataset: str) -> str:
    """Folder of the cache: the data set's name, and a digest of its place and of the recipe."""
    return f"{slug(dataset or 'images')}-{recipe.digest(common_root(wants))[:12]}"


def prepare(
    wants: Sequence[Want],
    recipe: Recipe,
    mode: Mode,
    limit: int,
    *,
    epochs: int,
    dataset: str = "",
    caches: Path | None = None,
    threads: int = 2,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    note: Callable[[Finding], None] | None = None,
) -> Prepared:
    """Find, complete or build the cache of a run; never raises for want of disk, locks or permissions.

    ``on`` caches what fits. ``auto`` does so where it pays: nothing is missing in a cache that is there, or all of these
    hold: at least 3 epochs; everything fits into ``limit`` and on the disk; the decoded set fits into half of the
    memory, so that it is read from there and not from the disk again and again.

    Args:
        limit: Bytes that all caches together may take.
        epochs: That the run will read the samples for.
        dataset: What people call the data set.
        note: Told each finding at once, the size before the building begins.
    """
    choice = _Choice(wants, recipe, mode, limit, caches or caches_folder(), dataset, note)
    if mode == "off" or not wants:
        return choice.done
    try:
        choice.make(epochs, threads, progress or (lambda _done, _total, _what: None), cancelled)
    except (OSError, NotImplementedError, DamagedIndexError) as error:
        reason = why(error) if isinstance(error, OSError) else str(error) or "its file system has no locks"
        choice.say("warning", "unusable", f"The cache in {choice.folder} cannot be used: {reason}. The files are read "
                   "instead.", "Choose another workspace (LATHE_WORKSPACE), or set data.cache to off.")  # fmt: skip
    return choice.done


class _Choice:
    """One decision, step by step."""

    def __init__(
        self, wants: Sequence[Want], recipe: Recipe, mode: Mode, limit: int, caches: Path, dataset: str,
        note: Callable[[Finding], None] | None,
    ) -> None:  # fmt: skip
        self.wants, self.recipe, self.mode, self.limit = wants, recipe, mode, limit
        self.dataset, self.note = dataset, note
        self.folder = caches / cache_name(wants, recipe, dataset) if wants else caches
        self.done = Prepared()

    def say(self, severity: Literal["warning", "notice"], code: str, message: str, cure: str = "") -> None:
        self.done.findings.append(Finding(severity, f"cache.{code}", message, cure))
        if self.note is not None:
            self.note(self.done.findings[-1])

    def make(self, epochs: int, threads: int, progress: Progress, cancelled: Callable[[], bool]) -> None:
        """Decide, say so, and build."""
        missing = _missing(self.folder, self.wants)
        if missing and (self.mode == "on" or epochs >= FEWEST_EPOCHS):
            if discard_if_stale(self.folder):
                missing = list(self.wants)
            progress(0, len(missing), "Measuring the images for the cache")
            found = estimate(missing, self.recipe.channels, cancelled).sizes
            missing = [want for want, size in zip(missing, found.tolist(), strict=True) if size]
            sizes = found[found > 0]
            self.done.bytes = int(sizes.sum())
            if missing and not cancelled():
                reserve, missing = self._make_room(missing, sizes)
                if missing:
                    self._build(missing, reserve, int(sizes.max()), threads, progress, cancelled)
        if self.done.cache is None:
            self.done.cache = _open(self.folder)
        if self.done.cache is not None and self.done.report is None:
            self.say("notice", "found", f"Images are read from the cache {self.folder.name}.")

    def _make_room(self, missing: list[Want], sizes: np.ndarray) -> tuple[int, list[Want]]:
        """Bytes of the disk that stay free, and what of the missing samples is to be cached."""
        needed, place, name = self.done.bytes, self.folder.parent, self.folder.name
        decoded, memory = needed * len(self.wants) / len(missing), memory_bytes()
        if self.mode == "auto" and decoded > MEMORY_SHARE * memory:
            self.say("notice", "memory", f"There is no cache: decoded, the images take about {decoded / GB:.1f} GB, more "
                     f"than half of the memory ({memory / GB:.1f} GB), and would be read from the disk again and again.",
                     "Set data.cache to on where the disk is faster than decoding.")  # fmt: skip
            return 0, []
        room = make_room(place, needed, self.limit, name, evict=False)
        if self.mode == "on" or room.bytes >= needed:
            room = make_room(place, needed, self.limit, name)
            for gone in room.evicted:
                self.say(
                    "notice",
                    "evicted",
                    f"The cache {gone.name} ({size_words(gone.bytes)}) was deleted to make room.",
                )
        if room.bytes >= needed:
            self.say(
                "notice",
                "build",
                f"{size_words(needed)} of decoded images are written to the cache {self.folder}.",
            )
            return room.reserve, missing
        chosen = _that_fit(missing, sizes, room.bytes) if self.mode == "on" else []
        what = (
            f"{len(chosen)} of {counted(len(self.wants), 'image')} are cached"
            if chosen
            else "Nothing is cached"
        )
        self.say("notice", "partly", f"The cache does not fit: {size_words(needed)} are needed, {size_words(room.bytes)} may be used "
                 f"(limit of all caches {size_words(self.limit)}; {size_words(room.free)} free on the disk, of which "
                 f"{size_words(room.reserve)} stay free). {what}; the others are read from their files.",
                 "Raise data.cache_limit_gb, or make room: app.py cache clear.")  # fmt: skip
        return room.reserve, chosen

    def _build(
        self, missing: list[Want], reserve: int, largest: int, threads: int, progress: Progress, cancelled: Callable[[], bool]
    ) -> None:  # fmt: skip
        about = {"dataset": self.dataset, "root": common_root(self.wants)}
        report = self.done.report = build(
            self.folder, missing, self.recipe, about=about, threads=threads, reserve=reserve, largest=largest,
            progress=progress, cancelled=cancelled,
        )  # fmt: skip
        self.done.cache = report.cache
        touch(self.folder)
        if report.problem:
            self.say("warning", "problem", f"The cache could not be completed: {report.problem}. What is missing is read "
                     "from the files.", "Free disk space, or set data.cache to off.")  # fmt: skip


def size_words(count: int) -> str:
    """``3.2 GB``, ``410.0 MB``."""
    return f"{count / GB:.1f} GB" if count >= GB else f"{count / 1e6:.1f} MB"


def _missing(folder: Path, wants: Sequence[Want]) -> list[Want]:
    """What is not in a cache, or changed since."""
    index, suspects = newest_index(folder), read_suspects(folder)
    missing = []
    for want in wants:
        row = index.find(sample_key(want)) if index else None
        try:
            if row is not None and row.entry not in suspects and stamps(want.sample) == row.stamps:
                continue
        except OSError:
            continue  # gone: nothing can be cached
        missing.append(want)
    return missing


def _open(folder: Path) -> PackedCache | None:
    if not folder.is_dir():
        return None
    with registry(folder.parent):
        if newest_index(folder) is None:
            return None
        lease = Lease(folder)
    touch(folder)
    return PackedCache(folder, lease)


def _that_fit(wants: Sequence[Want], sizes: np.ndarray, room: int) -> list[Want]:
    """The same part each time: in the order of a hash of the names, as many as fit."""
    ranks = [
        hashlib.blake2b(want.sample.id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        for want in wants
    ]
    order = sorted(range(len(wants)), key=ranks.__getitem__)
    ends = np.cumsum(sizes[order])
    return [wants[i] for i in order[: int(np.searchsorted(ends, room, side="right"))]]


def open_or_build(
    samples: Sequence[Sample],
    meaning: MaskMeaning,
    channels: int = 3,
    intensity_range: tuple[float, float] | None = None,
    least: Callable[[Sample], tuple[int, int] | None] | None = None,
    folder: Path | None = None,
    *,
    threads: int = 2,
    dataset: str = "",
    progress: Progress | None = None,
) -> PackedCache:
    """The cache of some samples, built where it is not there; for scripts and benchmarks.

    Args:
        least: The size below which a sample's image is not reduced, as the data set asks for it.
        folder: Where caches are; by default those of the workspace.

    Raises:
        OSError: it cannot be written.
    """
    wants = [Want(sample, least(sample) if least else None) for sample in samples]
    done = prepare(
        wants, Recipe(meaning, channels, intensity_range), "on", 1 << 62, epochs=FEWEST_EPOCHS, dataset=dataset,
        caches=folder, threads=threads, progress=progress,
    )  # fmt: skip
    if done.cache is None:
        raise OSError(" ".join(str(finding) for finding in done.findings) or "Nothing could be cached.")
    return done.cache


__all__ = ["Prepared", "caches_folder", "open_or_build", "prepare"]

"""Decodes samples into a cache: in several threads, one building process at a time, interruptible at any byte."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from src.core.dataset.files.image_files import why
from src.core.feed.cache.draft import Draft
from src.core.feed.cache.index import Entry, Row, checksums
from src.core.feed.cache.journal import Journal, replay
from src.core.feed.cache.leases import Lease, registry
from src.core.feed.cache.packed import (
    ABOUT,
    JOURNAL,
    SUSPECTS,
    PackedCache,
    index_files,
    newest_index,
    read_about,
    read_suspects,
)
from src.core.feed.cache.recipe import Recipe, Want, decode, load, sample_key, stamps
from src.core.feed.cache.shards import ShardWriter
from src.core.run.folder import write_atomically

Progress = Callable[[int, int, str], None]
Stamps = tuple[int, int, int, int]
Key = tuple[bytes, bytes, int]
BUILD_LOCK = "build.lock"
#: Decoded images that threads hold at a time.
_MOST_MEMORY = 1 << 30
_MOST_THREADS = 16


@dataclass
class BuildReport:
    """What a build came to.

    Attributes:
        cache: Opened and leased; None where there is nothing in it.
        added: Samples that were decoded or found to be there under another name.
        skipped: Samples that cannot be read or changed meanwhile; they are read from their files.
        recovered: Entries that a killed build had finished.
        cancelled: It was stopped; what was finished is kept.
        problem: Half a sentence that says why writing ended early, or empty.
    """

    cache: PackedCache | None = None
    added: int = 0
    skipped: int = 0
    recovered: int = 0
    cancelled: bool = False
    problem: str = ""


def build(
    folder: Path,
    wants: Sequence[Want],
    recipe: Recipe,
    *,
    about: dict[str, Any] | None = None,
    threads: int = 2,
    reserve: int = 0,
    largest: int = 0,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> BuildReport:
    """Make sure that samples are in the cache in ``folder``, and open it.

    While another process builds there, this one waits, and then adds what is still missing; it takes over at once when
    the other one dies.

    Args:
        about: More for ``cache.json``: what people call the data set.
        threads: That decode.
        reserve: Bytes that stay free on the disk.
        largest: Bytes of the largest decoded sample, to bound memory; 0 where it is not known.
        progress: Called in this thread with samples done, samples in all, and what is going on.
        cancelled: Asked several times a second.

    Raises:
        OSError, NotImplementedError: the folder cannot be made or locked.
    """
    tell = progress or (lambda _done, _total, _what: None)
    lock = FileLock(folder / BUILD_LOCK, thread_local=False)
    while True:
        try:
            with registry(folder.parent):  # no eviction is in the middle of its work
                folder.mkdir(parents=True, exist_ok=True)
                lock.acquire(timeout=0)
            break
        except Timeout:
            tell(0, len(wants), "Waiting for the cache that another run builds")
            if cancelled():
                return BuildReport(cancelled=True)
            time.sleep(0.2)
    try:
        if not read_about(folder):
            text = json.dumps(
                {**recipe.to_dict(), **(about or {}), "created": time.time()}, ensure_ascii=False, indent=1
            )
            write_atomically(folder / ABOUT, text.encode("utf-8", "replace"))
        return _Builder(folder, recipe, reserve).run(wants, threads, largest, tell, cancelled)
    finally:
        lock.release()


class _Builder:
    """One build, under the lock of its folder."""

    def __init__(self, folder: Path, recipe: Recipe, reserve: int) -> None:
        self.folder, self.recipe = folder, recipe
        self.report = BuildReport()
        self.draft = Draft(newest_index(folder))
        self._journal: Journal | None = None
        self._lock = threading.Lock()
        self._shards = ShardWriter(folder, reserve)
        self._done = 0
        self._ended = False

    def run(
        self, wants: Sequence[Want], threads: int, largest: int, tell: Progress, cancelled: Callable[[], bool]
    ) -> BuildReport:
        report = self.report
        try:
            self._recover()
            missing = [want for want in wants if not self._is_fresh(want)]
            if missing:
                self._shards.go_on(self.draft.place)
                self._journal = Journal(self.folder / JOURNAL)
                self._decode_all(missing, threads, largest, tell, cancelled)
                self._commit()
        except OSError as error:
            report.problem = report.problem or why(error)
        finally:
            self._close()
        with suppress(OSError, ValueError, NotImplementedError):
            report.cache = PackedCache(self.folder, Lease(self.folder))
        return report

    def _recover(self) -> None:
        """Enter what a killed build left, forget what readers found damaged."""
        self.report.recovered = replay(self.folder / JOURNAL, self.draft)
        suspects = read_suspects(self.folder)
        self.draft.drop(suspects)
        if self.report.recovered or suspects:
            self._commit()
            (self.folder / SUSPECTS).unlink(missing_ok=True)

    def _is_fresh(self, want: Want) -> bool:
        row = self.draft.find(sample_key(want))
        try:
            return row is not None and stamps(want.sample) == row.stamps
        except OSError:
            return True  # gone: there is nothing to read

    def _decode_all(
        self,
        missing: Sequence[Want],
        threads: int,
        largest: int,
        tell: Progress,
        cancelled: Callable[[], bool],
    ) -> None:
        # a decoder holds a picture about three times: the file, the decoder's own form, and ours
        count = max(1, min(threads, _MOST_THREADS, _MOST_MEMORY // (3 * largest or 1)))
        work = iter(missing)
        name = f"Building the cache of {len(missing)} images"
        with ThreadPoolExecutor(count, thread_name_prefix="cache") as pool:
            running = {pool.submit(self._work, work) for _ in range(count)}
            try:
                while running:
                    ended, running = wait(running, timeout=0.1)
                    for future in ended:
                        future.result()
                    tell(self._done, len(missing), name)
                    if not self._ended and cancelled():
                        self.report.cancelled = self._ended = True
            finally:
                self._ended = True

    def _work(self, work: Iterator[Want]) -> None:
        while True:
            with self._lock:
                want = None if self._ended else next(work, None)
            if want is None:
                return
            try:
                read = self._read(want)
            except Exception:  # whatever is wrong with the files, their reader has the words for it
                read = None
            with self._lock:
                self._done += 1
                if read is None:
                    self.report.skipped += 1
                elif not self.report.problem:
                    try:
                        self._keep(want, *read)
                    except OSError as error:
                        self.report.problem, self._ended = why(error), True

    def _read(self, want: Want) -> tuple[Stamps, Key, list[np.ndarray], list[int]] | None:
        """Stamps, content, decoded bytes and their checksums; None where the files changed while they were read."""
        before = stamps(want.sample)
        content = load(want)
        parts: list[np.ndarray] = []
        with self._lock:
            known = self.draft.number_of(content.key) is not None
        if not known:
            decoded = decode(want, content, self.recipe)
            parts = [np.ascontiguousarray(part) for part in decoded if part is not None]
        if stamps(want.sample) != before:
            return None
        return before, content.key, parts, [crc for part in parts for crc in checksums(part)]

    def _keep(self, want: Want, before: Stamps, key: Key, parts: list[np.ndarray], sums: list[int]) -> None:
        number = self.draft.number_of(key)
        if number is None:
            number = self._append(parts, sums, key)
        row = Row(sample_key(want), number, before)
        assert self._journal is not None
        self._journal.row(row)
        self.draft.put(row)
        self.report.added += 1

    def _append(self, parts: list[np.ndarray], sums: list[int], key: Key) -> int:
        shard, offset = self._shards.append(parts)
        height, width, channels = parts[0].shape
        rows, columns = parts[1].shape if len(parts) > 1 else (0, 0)
        entry = Entry(
            shard, offset, height, width, channels, rows, columns, 0, key[2], key[0], key[1]
        )  # `Draft.add` says where its checksums are
        assert self._journal is not None
        self._journal.entry(len(self.draft), entry, sums)
        return self.draft.add(entry, sums)

    def _commit(self) -> None:
        """Write the index; then the journal has served."""
        old = index_files(self.folder)
        newest = int(old[0].stem.split("-")[1]) if old else 0
        self.draft.write(self.folder / f"index-{newest + 1:06}.bin")
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        for path in [*old, self.folder / JOURNAL]:
            # Windows keeps what another process has mapped; the next build removes it
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._journal is not None:
            self._journal.close()
        self._shards.close()

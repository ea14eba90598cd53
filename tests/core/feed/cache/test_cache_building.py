"""Several processes, processes that die, and disks that fill while a cache is built."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import numpy as np
import pytest
from cache_files import make, picture, write

from src.core.dataset.records import Sample
from src.core.feed.cache import CachedReader, Prepared, Want, estimate
from src.core.feed.cache.shards import ShardWriter
from src.core.feed.reading import FileReader

Get = Callable[..., Prepared]
Child = Callable[..., subprocess.Popen]


def out(child: subprocess.Popen) -> IO[str]:
    assert child.stdout is not None
    return child.stdout


def result(child: subprocess.Popen) -> tuple[int, int]:
    """What a child decoded, and what its cache holds."""
    for line in out(child):
        words = line.split()
        if words[0] == "decoded":
            return int(words[1]), int(words[3])
    raise AssertionError("the child ended without a result")


def wait_for(child: subprocess.Popen, done: int) -> None:
    for line in out(child):
        words = line.split()
        if words[0] == "progress" and int(words[1]) >= done:
            return
    raise AssertionError("the child ended early")


@pytest.fixture
def child(tmp_path: Path, samples: list[Sample]) -> Iterator[Child]:
    """``child(seconds)`` starts a process that builds the cache of ``samples``."""
    listed = tmp_path / "samples.json"
    listed.write_text(json.dumps([s.to_dict() for s in samples]), "utf-8")
    started: list[subprocess.Popen] = []

    def start(seconds: float) -> subprocess.Popen:
        words = [
            sys.executable,
            str(Path(__file__).with_name("cache_child.py")),
            str(listed),
            str(tmp_path / "caches"),
        ]
        started.append(
            subprocess.Popen(
                [*words, str(seconds)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def assert_whole(done: Prepared, samples: list[Sample], files: FileReader) -> None:
    assert done.cache is not None
    reader = CachedReader(files, done.cache)
    for sample in samples:
        for a, b in zip(reader.read(sample), files.read(sample), strict=True):
            assert np.array_equal(a, b)
    assert reader.cache.misses == 0


def test_two_processes_build_one_cache(
    samples: list[Sample], files: FileReader, get: Get, child: Child
) -> None:
    both = [child(0.02), child(0.02)]
    results = [result(process) for process in both]
    assert sorted(decoded for decoded, _ in results) == [0, len(samples)]
    assert [cached for _, cached in results] == [len(samples)] * 2
    assert_whole(get(samples), samples, files)


def test_a_killed_build_loses_only_what_it_was_at(
    samples: list[Sample], files: FileReader, get: Get, child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = child(0.05)
    wait_for(process, 8)
    process.kill()
    process.wait()
    done = get(samples)
    assert done.report is not None and done.report.recovered >= 8
    assert done.report.added == len(samples) - done.report.recovered
    assert_whole(done, samples, files)


def test_who_waits_takes_over_when_the_builder_dies(samples: list[Sample], child: Child) -> None:
    first = child(0.1)
    wait_for(first, 4)
    second = child(0.001)
    for line in out(second):
        if "Waiting" in line:
            break
    first.kill()
    decoded, cached = result(second)
    assert 0 < decoded <= len(samples) - 4 and cached == len(samples)


def test_a_torn_journal_is_read_up_to_its_tear(
    samples: list[Sample], files: FileReader, get: Get, child: Child
) -> None:
    process = child(0.05)
    wait_for(process, 6)
    process.kill()
    process.wait()
    journal = next((Path(samples[0].image).parent.parent / "caches").glob("*/journal.jsonl"))
    lines = journal.read_bytes().split(b"\n")
    lines[2] = lines[2].replace(b"e", b"f", 1)
    journal.write_bytes(b"\n".join(lines)[:-7])
    assert_whole(get(samples), samples, files)


def test_stopping_keeps_what_is_done(samples: list[Sample], files: FileReader, get: Get) -> None:
    stop = threading.Event()

    def progress(done: int, _total: int, _what: str) -> None:
        if done:
            stop.set()

    many = samples + make(Path(samples[0].image).parent / "more", 200)
    done = get(many, threads=1, progress=progress, cancelled=stop.is_set)
    assert done.cache is not None and 0 < len(done.cache) <= len(many)
    assert_whole(get(many), many, files)


def test_a_full_disk_ends_the_building_with_a_sentence(
    samples: list[Sample], files: FileReader, get: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    append, count = ShardWriter.append, 0

    def full(self: ShardWriter, parts: list[np.ndarray]) -> tuple[int, int]:
        nonlocal count
        count += 1
        if count > 10:
            raise OSError(errno.ENOSPC, "No space left on device")
        return append(self, parts)

    monkeypatch.setattr(ShardWriter, "append", full)
    done = get(samples)
    assert done.cache is not None and len(done.cache) == 10
    assert "No space left on device" in done.findings[-1].message and done.findings[-1].severity == "warning"
    reader = CachedReader(files, done.cache)
    for sample in samples:
        assert np.array_equal(reader.read(sample)[0], files.read(sample)[0])
    assert reader.cache.hits == 10
    monkeypatch.undo()
    assert_whole(get(samples), samples, files)


def test_the_reserve_of_the_disk_is_kept(
    samples: list[Sample], get: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    from shutil import disk_usage

    real = disk_usage(Path.cwd())
    nearly_full = type(real)(100 * 10**9, 97 * 10**9, 5 * 10**9 + 600_000)
    monkeypatch.setattr("shutil.disk_usage", lambda _: nearly_full)
    done = get(samples)
    said = done.findings[0].message
    assert done.findings[0].code == "cache.partly" and "5.0 GB stay free" in said, said
    held = sum(
        p.stat().st_size for p in (Path(samples[0].image).parent.parent / "caches").rglob("shard-*.bin")
    )
    assert held <= 600_000


def test_a_folder_that_cannot_be_written_is_a_sentence(
    samples: list[Sample], get: Get, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    done = get(samples, caches=tmp_path / "file")
    assert done.cache is None
    assert done.findings[-1].code == "cache.unusable" and "read instead" in done.findings[-1].message


def test_a_cache_does_not_grow_with_every_change_of_its_files(
    samples: list[Sample], files: FileReader, get: Get
) -> None:
    chosen = samples[:4]
    for change in range(6):
        for number, sample in enumerate(chosen):
            write(Path(sample.image), picture(10 * change + number, sample.height, sample.width))
        done = get(chosen)
        assert_whole(done, chosen, files)
        assert done.cache is not None
        held = sum(path.stat().st_size for path in done.cache.folder.glob("shard-*.bin"))
        done.cache.close()
    assert held <= 3 * estimate([Want(sample) for sample in chosen], 3).bytes

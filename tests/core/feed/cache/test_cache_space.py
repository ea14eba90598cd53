"""Limits, eviction, and the rule by which a run gets a cache; the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cache_files import MEANING, make

from src.cli.main import run_command
from src.core.dataset.records import Sample
from src.core.feed.cache import (
    CachedReader,
    Prepared,
    Want,
    caches_folder,
    clear,
    estimate,
    list_caches,
    open_or_build,
)
from src.core.feed.reading import FileReader

Get = Callable[..., Prepared]


def sets(tmp_path: Path, count: int) -> list[list[Sample]]:
    return [make(tmp_path / f"set {number}", 12) for number in range(count)]


def age(cache: Path, days: float) -> None:
    then = time.time() - days * 86400
    for name in ("last-use", "cache.json"):
        os.utime(cache / name, (then, then))


def test_what_does_not_fit_is_read_from_the_files(samples: list[Sample], files: FileReader, get: Get) -> None:
    whole = estimate([Want(s) for s in samples], 3).bytes
    done = get(samples, limit=whole // 2)
    assert done.cache is not None
    assert 0 < len(done.cache) < len(samples)
    said = done.findings[0].message
    assert f"{whole / 1e6:.1f} MB are needed, {whole // 2 / 1e6:.1f} MB may be used" in said, said
    assert f"{len(done.cache)} of {len(samples)} images are cached" in said
    reader = CachedReader(files, done.cache)
    for sample in samples:
        assert np.array_equal(reader.read(sample)[0], files.read(sample)[0])
    assert reader.cache.hits == len(done.cache)


def test_the_part_that_fits_is_the_same_each_time(samples: list[Sample], get: Get, tmp_path: Path) -> None:
    whole = estimate([Want(s) for s in samples], 3).bytes

    def part(order: list[Sample], name: str) -> set[str]:
        cache = get(order, limit=whole // 2, caches=tmp_path / name).cache
        assert cache is not None
        return {s.id for s in order if cache.find(s, None) is not None}

    assert part(samples, "one") == part(samples[::-1], "two")


def test_auto_caches_where_it_pays(samples: list[Sample], get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = estimate([Want(s) for s in samples], 3).bytes
    assert get(samples, mode="off").cache is None
    assert get(samples, mode="auto", epochs=2).cache is None
    short = get(samples, mode="auto", limit=whole // 2)
    assert short.cache is None and "Nothing is cached" in short.findings[0].message
    monkeypatch.setattr("src.core.feed.cache.preparing.memory_bytes", lambda: whole)
    much = get(samples, mode="auto")
    assert much.cache is None and "half of the memory" in much.findings[0].message
    monkeypatch.undo()
    assert get(samples, mode="auto").cache is not None
    assert get(samples, mode="auto", epochs=1).cache is not None, "one that is there costs nothing"


def test_the_one_used_longest_ago_makes_room(tmp_path: Path, get: Get) -> None:
    data = sets(tmp_path, 3)
    for number, samples in enumerate(data[:2]):
        cache = get(samples, dataset=f"set{number}").cache
        assert cache is not None
        cache.close()
        age(cache.folder, 5 - number)
    held = sum(info.bytes for info in list_caches(tmp_path / "caches"))
    done = get(data[2], dataset="set2", limit=held + 10_000)
    assert done.cache is not None and len(done.cache) == 12
    assert [info.dataset for info in list_caches(tmp_path / "caches")] == ["set2", "set1"]
    assert any(f.code == "cache.evicted" and "set0" in f.message for f in done.findings)


def test_a_cache_in_use_is_never_evicted(tmp_path: Path, get: Get, files: FileReader) -> None:
    used, other = sets(tmp_path, 2)
    first = get(used, dataset="used")
    assert first.cache is not None
    age(first.cache.folder, 99)
    done = get(other, dataset="other", limit=1000)
    assert done.cache is None
    assert not clear(tmp_path / "caches")[0]
    assert [info.in_use for info in list_caches(tmp_path / "caches")] == [True]
    assert np.array_equal(CachedReader(files, first.cache).read(used[0])[0], files.read(used[0])[0])
    first.cache.close()
    removed, kept = clear(tmp_path / "caches")
    assert [info.dataset for info in removed] == ["used"] and not kept
    assert not list_caches(tmp_path / "caches")


def test_the_lease_of_a_process_ends_with_it(tmp_path: Path, samples: list[Sample]) -> None:
    listed = tmp_path / "samples.json"
    listed.write_text(json.dumps([s.to_dict() for s in samples]), "utf-8")
    words = [
        sys.executable,
        str(Path(__file__).with_name("cache_child.py")),
        str(listed),
        str(tmp_path / "caches"),
        "0",
    ]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as child:
        assert child.stdout is not None
        while not child.stdout.readline().startswith("decoded"):
            assert child.poll() is None
        assert [info.in_use for info in list_caches(tmp_path / "caches")] == [True]
        child.kill()
    assert [info.in_use for info in list_caches(tmp_path / "caches")] == [False]


def test_the_command_lists_and_clears(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number, samples in enumerate(sets(tmp_path, 3)):
        cache = open_or_build(samples, MEANING, dataset=f"Sätze {number}")
        cache.close()
        age(cache.folder, 10 * number)

    def run(*words: str) -> tuple[int, dict]:
        code = run_command(["cache", *words, "--json"])
        return code, json.loads(capsys.readouterr().out)

    code, listed = run()
    assert code == 0 and [c["dataset"] for c in listed["caches"]] == ["Sätze 0", "Sätze 1", "Sätze 2"]
    assert listed["bytes"] == sum(c["bytes"] for c in listed["caches"]) > 0
    assert all(c["samples"] == 12 and c["in_use"] is False for c in listed["caches"])
    assert listed["caches"][1]["root"] == str(tmp_path / "set 1")
    assert run("clear")[0] == 2 and run("clear", "nothing")[0] == 2
    assert len(list_caches(caches_folder())) == 3
    code, gone = run("clear", "--older-than", "15")
    assert code == 0 and gone["removed"] == [listed["caches"][2]["name"]] and gone["bytes"] > 0
    assert run("clear", listed["caches"][0]["name"])[1]["removed"] == [listed["caches"][0]["name"]]
    assert run("clear", "--all")[1]["removed"] == [listed["caches"][1]["name"]]
    assert run_command(["cache"]) == 0
    assert "No cache" in capsys.readouterr().out

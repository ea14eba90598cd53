"""What comes out of a cache is, bit for bit, what the files hold; a file that changes is seen, damage is mended."""

from __future__ import annotations

import os
import pickle
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cache_files import MEANING, picture, write

from src.core.dataset.files.image_files import UnreadableImageError
from src.core.dataset.records import Sample
from src.core.feed.augment import Augmentation
from src.core.feed.cache import CachedReader, CacheWarning, Prepared, estimate, open_or_build
from src.core.feed.cache.recipe import Want
from src.core.feed.dataset import ImageMaskDataset, least_size
from src.core.feed.geometry import Fit
from src.core.feed.reading import FileReader, Reader

Get = Callable[..., Prepared]


def reader_of(done: Prepared, files: FileReader) -> CachedReader:
    assert done.cache is not None
    return CachedReader(files, done.cache)


def assert_same(one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]) -> None:
    for a, b in zip(one, other, strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        assert np.array_equal(a, b)


@pytest.mark.parametrize("least", [None, (30, 40), (60, 60)])
def test_pairs_are_those_of_the_files(
    samples: list[Sample], files: FileReader, get: Get, least: tuple[int, int] | None
) -> None:
    done = get(samples, least)
    reader = reader_of(done, files)
    for sample in samples:
        image, _ = pair = reader.read(sample, least)
        assert_same(pair, files.read(sample, least))
        assert not image.flags.writeable and not image.flags.owndata
    assert (reader.cache.hits, reader.cache.misses) == (len(samples), 0)


def test_regions_are_views_of_the_whole(samples: list[Sample], files: FileReader, get: Get) -> None:
    reader = reader_of(get(samples), files)
    for sample in samples:
        for region in ((0, 0, 20, 30), (11, 7, 40, 33), (sample.height - 5, sample.width - 9, 5, 9)):
            assert_same(reader.read(sample, None, region), files.read(sample, None, region))
        image, _ = reader.read(sample, None, (11, 7, 40, 33))
        assert image.base is not None and not image.flags.writeable


@pytest.mark.parametrize("fit", ["letterbox", "stretch", "crop"])
@pytest.mark.parametrize("training", [True, False])
def test_an_epoch_from_the_cache_is_the_epoch_from_the_files(
    samples: list[Sample], files: FileReader, tmp_path: Path, fit: Fit, training: bool
) -> None:
    def data(reader: Reader) -> ImageMaskDataset:
        change = Augmentation(48, fit=fit, probability=0.7) if training else None
        return ImageMaskDataset(samples, MEANING, 48, 3, fit, change, seed=3, reader=reader)

    cache = open_or_build(
        samples, MEANING, least=lambda s: least_size(s, (48, 48), fit), folder=tmp_path / "c"
    )
    reader: CachedReader = pickle.loads(pickle.dumps(CachedReader(files, cache)))
    plain, cached = data(files), data(reader)
    for epoch in (1, 2):
        for index in range(len(plain)):
            one, other = plain.fetch(epoch, index)[0], cached.fetch(epoch, index)[0]
            assert one is not None and other is not None
            assert np.array_equal(one.image, other.image) and np.array_equal(one.mask, other.mask)
    assert reader.cache.misses == 0
    cache.close()


def test_what_cannot_be_read_says_the_same(
    samples: list[Sample], files: FileReader, get: Get, tmp_path: Path
) -> None:
    broken = replace(samples[0], id="broken", image=str(tmp_path / "broken.png"))
    Path(broken.image).write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    absent = replace(samples[0], id="absent", image=str(tmp_path / "absent.png"))
    done = get([*samples, broken, absent])
    reader = reader_of(done, files)
    assert len(reader.cache) == len(samples)
    for sample in (broken, absent):
        with pytest.raises(UnreadableImageError) as plain:
            files.read(sample)
        with pytest.raises(UnreadableImageError) as cached:
            reader.read(sample)
        assert str(plain.value) == str(cached.value)
    assert not any(finding.code == "cache.build" for finding in get([*samples, broken, absent]).findings)


def test_a_changed_file_is_read_anew(samples: list[Sample], files: FileReader, get: Get) -> None:
    reader = reader_of(get(samples), files)
    write(Path(samples[1].image), picture(99, 128, 128))
    assert_same(reader.read(samples[1]), files.read(samples[1]))
    assert reader.cache.misses == 1
    again = get(samples)
    assert again.report is not None and again.report.added == 1
    renewed = reader_of(again, files)
    assert_same(renewed.read(samples[1]), files.read(samples[1]))
    assert renewed.cache.misses == 0


def test_a_touched_or_moved_file_is_not_decoded_again(
    samples: list[Sample], files: FileReader, get: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = get(samples)
    os.utime(samples[3].image, (1, 1))
    moved = str(Path(samples[4].image).with_name("moved.tif"))
    Path(samples[4].image).rename(moved)
    samples[4] = replace(samples[4], image=moved)
    monkeypatch.setattr("src.core.feed.cache.building.decode", lambda *_: pytest.fail("decoded again"))
    again = get(samples)
    assert again.report is not None and again.report.added == 2
    assert again.cache is not None and first.cache is not None
    assert again.cache.index.entry_count == first.cache.index.entry_count
    assert_same(reader_of(again, files).read(samples[4]), files.read(samples[4]))


def test_one_wrong_bit_is_found_and_mended(samples: list[Sample], files: FileReader, get: Get) -> None:
    done = get(samples)
    reader = reader_of(done, files)
    shard = next(reader.cache.folder.glob("shard-*.bin"))
    sound = shard.read_bytes()
    damaged = bytearray(sound)
    damaged[len(sound) // 2] ^= 16
    damaged[100] ^= 1
    shard.write_bytes(damaged)
    with pytest.warns(CacheWarning) as told:
        for sample in samples:
            assert_same(reader.read(sample), files.read(sample))
    assert len(told) == 1 and "written anew" in str(told[0].message)
    assert shard.read_bytes() == sound
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fresh = reader_of(get(samples), files)
        for sample in samples:
            assert_same(fresh.read(sample), files.read(sample))
    assert fresh.cache.misses == 0


def test_damage_that_cannot_be_mended_is_replaced_by_the_next_build(
    samples: list[Sample], files: FileReader, get: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = reader_of(get(samples), files)
    shard = next(reader.cache.folder.glob("shard-*.bin"))
    data = bytearray(shard.read_bytes())
    data[100] ^= 1
    shard.write_bytes(data)
    monkeypatch.setattr(reader.cache, "_overwrite", lambda *_: False)
    with pytest.warns(CacheWarning, match="The file is read instead"):
        for sample in samples:
            assert_same(reader.read(sample), files.read(sample))
    assert reader.cache.misses == 1
    again = get(samples)
    assert again.report is not None and again.report.added == 1
    renewed = reader_of(again, files)
    for sample in samples:
        assert_same(renewed.read(sample), files.read(sample))
    assert renewed.cache.misses == 0


def test_a_shard_that_was_cut_is_mended(samples: list[Sample], files: FileReader, get: Get) -> None:
    reader = reader_of(get(samples), files)
    shard = next(reader.cache.folder.glob("shard-*.bin"))
    shard.write_bytes(shard.read_bytes()[: shard.stat().st_size // 2])
    with pytest.warns(CacheWarning):
        for sample in samples:
            assert_same(reader.read(sample), files.read(sample))
    assert_same(reader.read(samples[-1]), files.read(samples[-1]))


def test_a_reader_pickles_small_and_survives_a_deleted_cache(
    samples: list[Sample], files: FileReader, get: Get
) -> None:
    reader = reader_of(get(samples), files)
    packed = pickle.dumps(reader)
    assert len(packed) < 2000
    for path in reader.cache.folder.glob("index-*.bin"):
        path.unlink()
    with pytest.warns(CacheWarning, match="read instead"):
        other = pickle.loads(packed)
    assert_same(other.read(samples[0]), files.read(samples[0]))


@pytest.mark.parametrize("least", [None, (30, 40)])
def test_the_size_is_known_before(samples: list[Sample], get: Get, least: tuple[int, int] | None) -> None:
    expected = estimate([Want(s, least) for s in samples], 3).bytes
    done = get(samples, least)
    assert done.cache is not None
    assert done.bytes == expected == sum(p.stat().st_size for p in done.cache.folder.glob("shard-*.bin"))

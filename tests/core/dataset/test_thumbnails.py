"""Thumbnails: no object vanishes, the cache mends itself, stays within its size and may be shared."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from src.core.dataset.files import thumbnails
from src.core.dataset.files.images import UnreadableImageError
from src.core.dataset.files.thumbnails import SIDE, ThumbnailStore, read_pair, reduced_labels
from src.core.dataset.masks import IGNORE_INDEX, MaskMeaning

MEANING = MaskMeaning("index", ("background", "object", "other"), (0, 1, 2), ignore_value=9)


def make(folder: Path, name: str = "a", shade: int = 90, size: int = 900) -> tuple[str, str]:
    image, mask = folder / f"{name}.png", folder / f"{name}_mask.png"
    labels = np.zeros((size, size), np.uint8)
    labels[5, 7] = 2  # one pixel
    labels[-40:] = 9
    cv2.imwrite(str(image), np.full((size, size, 3), shade, np.uint8))
    cv2.imwrite(str(mask), labels)
    return str(image), str(mask)


def entries(store: ThumbnailStore) -> list[Path]:
    return sorted(store.folder.rglob("*.thumb"))


def test_an_object_of_one_pixel_is_still_there(tmp_path: Path) -> None:
    pixels, labels = read_pair(*make(tmp_path), MEANING, 100)
    assert pixels.shape == (100, 100, 3) and labels is not None and labels.shape == (100, 100)
    assert np.count_nonzero(labels == 2) == 1 and (labels[-2:] == IGNORE_INDEX).all()


def test_a_pixel_is_ignored_only_where_no_class_is() -> None:
    labels = np.array([[IGNORE_INDEX, 0], [IGNORE_INDEX, 1]], np.uint8)
    assert reduced_labels(labels, 1, 1).tolist() == [[1]]
    assert reduced_labels(labels[:1], 1, 1).tolist() == [[IGNORE_INDEX]]
    assert reduced_labels(np.full((1, 1), 253, np.uint8), 4, 2).tolist() == [[253] * 4] * 2


def test_what_was_made_once_is_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image, mask = make(tmp_path)
    store = ThumbnailStore(tmp_path / "cache")
    pixels, labels = store.pair(image, mask, MEANING)
    assert max(pixels.shape) == SIDE and len(entries(store)) == 1
    monkeypatch.setattr(thumbnails, "read_pair", lambda *_: pytest.fail("it was read again"))
    again, marks = ThumbnailStore(tmp_path / "cache").pair(image, mask, MEANING)
    assert np.array_equal(marks, labels) and np.abs(again.astype(int) - pixels).max() <= 4


def test_another_file_time_size_or_meaning_is_another_thumbnail(tmp_path: Path) -> None:
    image, mask = make(tmp_path)
    store = ThumbnailStore(tmp_path / "cache")
    store.pair(image, mask, MEANING)
    make(tmp_path, shade=200)
    os.utime(image, (1, 1))
    assert store.pair(image, mask, MEANING)[0].mean() == pytest.approx(200, abs=3)
    assert store.pair(image, mask, None)[1] is None
    assert len(entries(store)) == 3


@pytest.mark.parametrize("damage", [b"", b"LTH1", b"no thumbnail at all" * 9, None])
def test_a_damaged_entry_is_made_again(tmp_path: Path, damage: bytes | None) -> None:
    image, mask = make(tmp_path)
    store = ThumbnailStore(tmp_path / "cache")
    expected = store.pair(image, mask, MEANING)
    path = entries(store)[0]
    data = bytearray(path.read_bytes())
    data[-30] ^= 0xFF
    path.write_bytes(bytes(data) if damage is None else damage)
    found = store.pair(image, mask, MEANING)
    assert np.abs(found[0].astype(int) - expected[0]).max() <= 4 and np.array_equal(found[1], expected[1])
    assert thumbnails._read_entry(path) is not None


def test_the_folder_stays_within_its_size_and_keeps_what_was_used_last(tmp_path: Path) -> None:
    store = ThumbnailStore(tmp_path / "cache")
    pairs = [make(tmp_path, f"i{k}", 40 + 10 * k) for k in range(10)]
    for pair in pairs:
        store.pair(*pair, MEANING)
    old = time.time() - 50_000
    for age, path in enumerate(entries(store)):
        os.utime(path, (old + age, old + age))
    size = entries(store)[0].stat().st_size
    oldest = min(entries(store), key=lambda p: p.stat().st_mtime)
    thumbnails._mark_used(oldest)
    store.most_bytes = 5 * size
    assert store.evict() <= store.most_bytes
    assert 3 <= len(entries(store)) <= 5 and oldest.exists()


def test_an_unreadable_image_raises_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    store = ThumbnailStore(tmp_path / "cache")
    with pytest.raises(UnreadableImageError):
        store.pair(str(tmp_path / "a.png"), None, MEANING)
    with pytest.raises(UnreadableImageError):
        store.pair(str(tmp_path / "gone.png"), None, MEANING)
    assert not entries(store)


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file stands in the way")
    assert ThumbnailStore(tmp_path / "cache").pair(*make(tmp_path), MEANING)[0].shape == (SIDE, SIDE, 3)


def test_two_windows_share_it(tmp_path: Path) -> None:
    pairs = [make(tmp_path, f"i{k}", 40 + 10 * k, 400) for k in range(6)]
    stores = [ThumbnailStore(tmp_path / "cache", 20_000) for _ in range(2)]
    for store in stores:
        store._written = 10**6  # each looks at the size after its first write

    def work(number: int) -> float:
        pixels, _ = stores[number % 2].pair(*pairs[number % 6], MEANING)
        stores[number % 2].evict()
        return abs(float(pixels.mean()) - (40 + 10 * (number % 6)))

    with ThreadPoolExecutor(4) as pool:
        assert max(pool.map(work, range(48))) < 3
    assert not list((tmp_path / "cache").rglob("*.part"))

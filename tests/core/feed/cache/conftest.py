"""A data set and a short way to a cache of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cache_files import MEANING, make

from src.core.dataset.records import Sample
from src.core.feed.cache import PackedCache, Prepared, Recipe, Want, prepare
from src.core.feed.reading import FileReader


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    return make(tmp_path / "Bilder ü", 24)


@pytest.fixture
def files() -> FileReader:
    return FileReader(MEANING)


@pytest.fixture
def get(tmp_path: Path) -> Iterator[Callable[..., Prepared]]:
    """``get(samples, least=None, mode="on", limit=10**12, ...)`` prepares a cache in the test's own folder."""
    opened: list[PackedCache] = []

    def call(
        samples: list[Sample],
        least: tuple[int, int] | None = None,
        mode: Any = "on",
        limit: int = 10**12,
        **more: Any,
    ) -> Prepared:
        options = {"epochs": 5, "dataset": "Bleche", "caches": tmp_path / "caches", **more}
        done = prepare([Want(s, least) for s in samples], Recipe(MEANING), mode, limit, **options)
        if done.cache:
            opened.append(done.cache)
        return done

    yield call
    for cache in opened:
        cache.close()

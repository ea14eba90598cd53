"""A configuration to search in, without data: what is tested here looks at none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from src.core.config import Layer, nest, resolve
from src.core.search import SearchConfig, SearchFolder, SearchPlan, parse_word, plan_of
from src.tasks.catalog import task_info

RATE = "training.optimizer.learning_rate"
NAME = "training.optimizer.name"
MOMENTUM = "training.optimizer.momentum"


@pytest.fixture
def make_plan(tmp_path: Path) -> Callable[..., SearchPlan]:
    """A plan from words such as ``key=1..3``, with options of the search and of the base."""

    def make(*words: str, base: dict[str, Any] | None = None, **settings: Any) -> SearchPlan:
        info = task_info("segmentation")
        folders = {"data.images_dir": str(tmp_path / "images"), "data.masks_dir": str(tmp_path / "masks")}
        for path in folders.values():
            Path(path).mkdir(exist_ok=True)
        shared = {**folders, "training.epochs": 9, **(base or {})}
        resolved = resolve(info.config, [Layer("file", nest(shared))])
        options = SearchConfig(searches_dir=str(tmp_path / "searches"), **settings)
        return plan_of(options, dict(parse_word(w) for w in words), resolved, info)

    return make


@pytest.fixture
def make_search(make_plan: Callable[..., SearchPlan]) -> Callable[..., tuple[SearchFolder, SearchPlan]]:
    """A search folder and its plan."""

    def make(*words: str, **options: Any) -> tuple[SearchFolder, SearchPlan]:
        plan = make_plan(*words, **options)
        return SearchFolder.create(plan), plan

    return make

"""Generated recordings as tasks and as runs."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.core.config import override_layer, resolve
from src.core.run import RunFolder, create_run
from src.tasks.bearing.config import BearingConfig
from src.tasks.bearing.description import BEARING
from src.tasks.bearing.inputs import KINDS
from src.tasks.bearing.task import BearingTask
from tests.tasks.bearing.made import wave, words


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three recordings of each class, at two loads."""
    folder = tmp_path_factory.mktemp("Lager Größe")
    for number, kind in enumerate(("normal", *KINDS)):
        (folder / kind).mkdir()
        for run in range(3):
            np.save(folder / kind / f"{kind}_{run}_load{run % 2}.npy", wave(kind, 10 * number + run))
    return folder


@pytest.fixture(scope="session")
def described(recordings: Path) -> Callable[[BearingConfig], Any]:
    """Reads recordings once for all tests that read them in the same way."""
    known: dict[str, Any] = {}

    def describe(config: BearingConfig) -> Any:
        key = config.data.model_dump_json(exclude={"augmentation"})
        if key not in known:
            known[key] = BEARING.describe(config, store=False)
        return copy.copy(known[key])

    return describe


@pytest.fixture
def make_task(recordings: Path, described: Callable[[BearingConfig], Any]) -> Callable[..., BearingTask]:
    def make(*more: str) -> BearingTask:
        config: BearingConfig = resolve(
            BEARING.config, [override_layer(words(recordings, *more), BEARING.config)]
        ).config
        data = described(config)
        assert not [f for f in BEARING.check(config, data) if f.severity == "error"]
        return BearingTask(config, data)

    return make


@pytest.fixture
def new_run(recordings: Path, tmp_path: Path) -> Callable[..., RunFolder]:
    def make(*more: str) -> RunFolder:
        pairs = words(recordings, f"runs_dir={tmp_path / 'runs'}", *more)
        return create_run(resolve(BEARING.config, [override_layer(pairs, BEARING.config)]), BEARING)

    return make

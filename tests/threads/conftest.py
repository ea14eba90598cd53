"""A child process that ends in the way a test asks for."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from src.core.run import process


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes child processes of the fake program that behave as named."""
    program = [sys.executable, str(Path(__file__).with_name("fake_job.py"))]
    monkeypatch.setattr(process, "program", lambda: program)
    return lambda mode: monkeypatch.setenv("FAKE_JOB", mode)


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, Any]:
    """A plain mapping with which a run can be made."""
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    return {"images_dir": str(tmp_path / "images"), "masks_dir": str(tmp_path / "masks"), "num_epochs": 3,
            "checkpoint_dir": str(tmp_path / "runs")}  # fmt: skip


@pytest.fixture
def until(qtbot: Any) -> Callable[..., None]:
    """Lets Qt work until something is so."""

    def wait(condition: Callable[[], object], seconds: float = 15.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "it took too long"
            qtbot.wait(10)

    return wait

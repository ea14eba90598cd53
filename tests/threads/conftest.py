"""What the tests of the threads share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fake_jobs import job, until

__all__ = ["job", "settings", "until"]


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, Any]:
    """A plain mapping with which a run can be made."""
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    return {
        "images_dir": str(tmp_path / "images"),
        "masks_dir": str(tmp_path / "masks"),
        "num_epochs": 3,
        "checkpoint_dir": str(tmp_path / "runs"),
    }

"""Where tests of data sets find files: in a fresh folder, and the real ones where they are at hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from dataset_files import Files

REAL = Path(__file__).resolve().parents[3].parent / "shared" / "data"


@pytest.fixture
def real() -> Callable[[str], Path]:
    """The folder of a real set; skips where it is absent."""

    def folder(name: str) -> Path:
        if not (REAL / name).is_dir():
            pytest.skip(f"the real data set {name} is not at ../shared/data")
        return REAL / name

    return folder


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """A folder with spaces and non-ASCII letters in its name."""
    root = tmp_path / "Bügel prüfen"
    root.mkdir()
    return Files(root)

"""What the tests of the windows share."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def what_is_imported_is_no_garbage() -> Iterator[None]:
    """After each test the garbage is collected, to see what was left behind. What the imports made need not be looked
    at each time: that would be most of the time of these tests.
    """
    from src.ui import application  # noqa: F401
    from src.ui.dialogs import train_config_dialog  # noqa: F401
    from src.ui.widgets import run_view  # noqa: F401

    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()

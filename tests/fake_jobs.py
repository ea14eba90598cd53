"""Fixtures with a child process that ends in the way a test asks for, and a list of all that a thread tells."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PyQt5.QtCore import QObject, QThread

from src.core.run import process


class Told(QObject):
    """All that a thread told, in order.

    Attributes:
        all: ``(signal, arguments)``.
    """

    def __init__(self, thread: QThread, *signals: str) -> None:
        super().__init__()
        self.thread_ = thread
        self.all: list[tuple[str, tuple[Any, ...]]] = []
        for name in signals:
            getattr(thread, name).connect(lambda *a, name=name: self.all.append((name, a)))

    def __getitem__(self, name: str) -> list[tuple[Any, ...]]:
        return [a for n, a in self.all if n == name]


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes child processes of the fake program that behave as named."""
    program = [sys.executable, str(Path(__file__).parent / "threads" / "fake_job.py")]
    monkeypatch.setattr(process, "program", lambda: program)
    return lambda mode: monkeypatch.setenv("FAKE_JOB", mode)


@pytest.fixture
def until(qtbot: Any) -> Callable[..., None]:
    """Lets Qt work until something is so."""

    def wait(condition: Callable[[], object], seconds: float = 20.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "it took too long"
            qtbot.wait(10)

    return wait

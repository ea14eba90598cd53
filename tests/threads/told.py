"""A list of all that a thread tells."""

from __future__ import annotations

from typing import Any

from PyQt5.QtCore import QObject, QThread


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

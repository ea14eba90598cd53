"""Watches a folder of searches: which there are, and how far each is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PyQt5.QtCore import QObject, pyqtSignal

from src.core.search import default_searches_dir, list_searches
from src.threads.worker import Worker

_EVERY_S = 2.0


class SearchesWatcher(Worker):
    """Looks at a folder of searches every two seconds.

    Signals:
        shown(list): The `SearchState` of each search, the newest first; once at the start, then when something changed.
    """

    shown = pyqtSignal(list)

    def __init__(self, root: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._root = root or default_searches_dir()

    def work(self) -> None:
        """Look until `stop`."""
        told: list[dict[str, Any]] | None = None
        while True:
            try:
                found = [folder.state() for folder in list_searches(self._root)]
            except OSError:  # a search went away between two calls
                found = []
            facts = [one.as_json() for one in found]
            if facts != told:
                told = facts
                self.shown.emit(found)
            if not self.pause_for(_EVERY_S):
                return

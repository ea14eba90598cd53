"""Watches a hyper-parameter search for a window, starts and stops the process that works on it."""

from __future__ import annotations

from typing import Any

from PyQt5.QtCore import QObject, pyqtSignal

from src.core.run import ChildProcess, commands, process_alive, summarise
from src.core.search import SearchFolder, need_optuna
from src.threads.resume import keep
from src.threads.worker import Worker

_EVERY_S = 0.7


def go_on(folder: SearchFolder) -> None:
    """Start a process that works on a search; it outlives the window.

    Raises:
        SearchError: Optuna is not installed; the sentence has the command that installs it.
        OSError: The process cannot be started.
    """
    need_optuna()
    child = ChildProcess(folder.new_runner(0), "search", detached=True)
    child.start()
    keep(child)


def halt(folder: SearchFolder) -> None:
    """Ask all processes of a search to save its trials and end.

    Raises:
        OSError: The folder cannot be written.
    """
    for runner in folder.runner_folders():
        if process_alive(runner):
            commands.send(runner, "stop")


class SearchWatcher(Worker):
    """Looks at a search more than once a second.

    Attributes:
        folder: The search.

    Signals:
        shown(dict, str, str): The results (see `src.core.search.results.results_of`), the state (see `SearchState`), and
            why its last process ended, where that was no success; once at the start, then when something changed.
        failed(str): The search cannot be watched any more.
    """

    shown = pyqtSignal(dict, str, str)
    failed = pyqtSignal(str)

    def __init__(self, folder: SearchFolder, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder = folder

    def work(self) -> None:
        """Look until `stop`."""
        told: tuple[dict[str, Any], str, str] | None = None
        while True:
            found = (self.folder.read_results(), *self._state())
            if found != told:
                told = found
                self.shown.emit(*found)
            if not self.pause_for(_EVERY_S):
                return

    def _state(self) -> tuple[str, str]:
        runners = self.folder.runner_folders()
        state = self.folder.state().state
        if state == "running" or not runners:
            return state, ""
        last = summarise(runners[-1])
        return state, f"{last.cause} {last.cure}".strip() if last.state in ("failed", "killed") else ""

    def crashed(self, error: Exception) -> None:
        """Tell it: the page would otherwise stand still without a word."""
        self.failed.emit(f"The search cannot be watched: {error}. Close its tab and open it again.")

"""Commands of the main window on many runs: the queue."""

from __future__ import annotations

from pathlib import Path

from PyQt5.QtWidgets import QWidget

from src.ui.job_commands import JobCommands


class RunCommands(JobCommands):
    """Between `JobCommands` and `MainWindow`."""

    def show_queue(self) -> None:
        """What waits for a device."""
        self.tabs.tool("queue", "Queue", self._make_queue).follow()
        self.pages_follow()

    def _make_queue(self) -> QWidget:
        from src.ui.widgets.queue_page import QueuePage

        made = QueuePage()
        made.run_asked.connect(lambda path: self.open_run_path(Path(path)))
        made.failed.connect(self.tell)
        return made

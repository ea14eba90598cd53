"""Imports what the window needs later, in a thread, so that the window is there at once and does not
stutter afterwards."""

from __future__ import annotations

import importlib

from PyQt5.QtCore import QThread, pyqtSignal

#: What the list of runs needs comes first; plots and pictures are needed when something is opened.
FIRST = ("src.threads.runs_watcher",)
THEN = ("numpy", "pyqtgraph", "src.tasks.catalog", "src.ui.widgets.run_view", "src.threads.run_follower",
        "src.ui.widgets.dataset_view", "src.ui.dataset_source", "src.ui.widgets.statistics_page",
        "src.ui.dialogs.train_config_dialog")  # fmt: skip


class Warmup(QThread):
    """Signals:

    ready(): The list of runs can be read.
    """

    ready = pyqtSignal()

    def run(self) -> None:
        """Body of the thread."""
        for name in FIRST:
            importlib.import_module(name)
        self.ready.emit()
        for name in THEN:
            if self.isInterruptionRequested():
                return
            importlib.import_module(name)

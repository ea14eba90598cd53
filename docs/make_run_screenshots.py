"""Makes the pictures of many runs and of measuring, from the real window and a workspace with real runs.

    export LATHE_WORKSPACE=FOLDER
    python app.py sample-data FOLDER/parts
    python app.py train FOLDER/parts/lathe.yaml name=a …        (two runs or more)
    python app.py search FOLDER/parts/lathe.yaml --space … --trials 8
    python app.py queue add FOLDER/parts/lathe.yaml …           (some runs)
    python docs/make_run_screenshots.py FOLDER/parts/lathe.yaml key=value …

writes docs/images/queue.png, comparison.png, search.png, searches.png, machine.png, tune_rate.png and tune_batch.png; the words
after the configuration are those with which learning rate and batch size are measured. With ``--tour PLACE`` every page is
written there, light and dark, in two sizes: to look at, not for the documents. Works without a screen, too.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from docs.make_screenshots import IMAGES, SIZES, Photographer, wait, wait_until

#: A measurement takes its time on a busy machine.
PATIENCE_S = 400.0
DIALOG = (1040, 720)


class Pictures:
    """Shows page after page and takes a picture of each, for the documents or for a tour."""

    def __init__(self, window: Any, tour: Path | None, only: list[str]) -> None:
        self.window, self.tour, self.only = window, tour, only
        self.photographer = Photographer(window, tour or IMAGES)

    def wants(self, *names: str) -> bool:
        """Whether one of these pictures was asked for."""
        return not self.only or bool(set(names) & set(self.only))

    def of(self, name: str, widget: Any = None) -> None:
        """One picture, or of a tour one for each theme and size."""
        if not self.wants(name):
            return
        if self.tour is None:
            if widget is None:
                self.window.resize(*SIZES[0])
                wait(0.5)
            self.photographer.small(name, widget)
            return
        from PyQt5.QtWidgets import QApplication

        from src.ui.theme import apply_theme

        for mode in ("light", "dark"):
            apply_theme(QApplication.instance(), mode)  # type: ignore[arg-type]
            self.photographer.take(name, widget)
        apply_theme(QApplication.instance(), "light")  # type: ignore[arg-type]

    def of_runs(self) -> None:
        """Queue, comparison, monitor and searches."""
        from src.core.run import RunFolder, default_runs_dir, list_runs, summarise
        from src.core.search import default_searches_dir, list_searches

        window = self.window
        window.show_queue()
        wait(2.5)
        self.of("queue")
        done: list[RunFolder] = [f for f in list_runs(default_runs_dir()) if summarise(f).epoch > 1]
        window.compare_these(done[-3:])
        wait(3.0)
        self.of("comparison")
        if done:
            window.show_run(done[0])
            wait(3.0)
            view = window.tabs.run_view()
            view.tabs.setCurrentWidget(view.machine)
            wait(1.5)
            self.of("machine")
        window.show_searches()
        wait(2.5)
        self.of("searches")
        for folder in list_searches(default_searches_dir())[:1]:
            window.show_search(folder)
            wait(2.5)
            self.of("search")

    def of_tuning(self, config: Path, words: list[str]) -> None:
        """The measuring window, after measuring."""
        from src.core.config import file_layer, override_layer, resolve
        from src.tasks.catalog import task_info
        from src.ui.dialogs.tune_dialog import open_tuning

        info = task_info("segmentation")
        resolved = resolve(info.config, [file_layer(config, info.config), override_layer(words, info.config)])
        dialog = open_tuning(lambda: resolved, info, self.window)
        dialog.resize(*DIALOG)
        for page, kind, name in (
            (dialog.rate, "lr", "tune_rate"), (dialog.batch, "batch", "tune_batch"), (dialog.machine, "machine", "tune_machine"),
        ):  # fmt: skip
            if not self.wants(name):
                continue
            dialog.tabs.setCurrentWidget(page)
            dialog.start(page, kind)
            end = time.monotonic() + PATIENCE_S
            while dialog.thread is not None and time.monotonic() < end:
                wait(0.2)
            wait_until(lambda: dialog.thread is None)
            self.of(name, dialog)
        dialog.close()


def main() -> int:
    """Read the words, take the pictures, close the window."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", type=Path, help="configuration to measure with")
    parser.add_argument("words", nargs="*", help="key=value words for it")
    parser.add_argument("--tour", type=Path, help="write all pages in all looks here instead")
    parser.add_argument("--only", nargs="*", default=[], help="only these pictures, by their names")
    arguments = parser.parse_args()
    os.environ["LATHE_SETTINGS"] = str(Path(tempfile.mkdtemp()) / "settings.ini")
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from src.threads.worker import stop_all
    from src.ui.application import make_application
    from src.ui.main_window import MainWindow
    from src.ui.theme import apply_theme

    app: Any = make_application([])
    apply_theme(app, "light")
    window = MainWindow()
    window.show()
    wait(1.5)
    pictures = Pictures(window, arguments.tour, arguments.only)
    if pictures.wants("queue", "comparison", "machine", "searches", "search"):
        pictures.of_runs()
    if pictures.wants("tune_rate", "tune_batch", "tune_machine"):
        pictures.of_tuning(arguments.config, arguments.words)
    window.close()
    stop_all()
    print(f"{len(pictures.photographer.taken)} pictures in {pictures.photographer.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

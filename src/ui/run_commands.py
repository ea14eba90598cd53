"""Commands of the main window on many runs: the queue, comparison, star and tags, the trash, cloning, reproducing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt5.QtWidgets import QMessageBox, QWidget

from src.ui.job_commands import JobCommands
from src.ui.text import run_title

if TYPE_CHECKING:
    from src.core.run import RunFolder
    from src.core.search import SearchFolder


class RunCommands(JobCommands):
    """Between `JobCommands` and `MainWindow`."""

    _trashed: Path | None = None

    def connect_runs(self) -> None:
        """Listen to the list of runs."""
        self.runs.compared.connect(self.compare_these)
        self.runs.trash_asked.connect(self.show_trash)
        self.runs.note.undo_asked.connect(self._bring_back)

    def order_run(self, folder: RunFolder, order: str) -> None:
        """An order from the list of runs."""
        known = {"queue": self.queue_run, "unqueue": self._take_out, "clone": self.clone,
                 "reproduce": self.reproduce, "star": self._star, "notes": self._edit_notes, "trash": self._trash}  # fmt: skip
        if order in known:
            known[order](folder)
        else:
            super().order_run(folder, order)

    def _shown_run(self) -> RunFolder | None:
        view = self.tabs.run_view()
        return view.folder if view is not None else None

    # ---- searches

    def search_settings(self) -> None:
        """Set up a search: for the run that is shown, the data set that is open, or a configuration."""
        from src.core.config import ConfigError, read_yaml
        from src.core.search.config import base_of
        from src.tasks.catalog import task_info
        from src.ui.dialogs.search_dialog import SearchDialog, start_of

        run, data = self._shown_run(), self.tabs.dataset_view()
        try:
            if run is not None:
                info = task_info(str(read_yaml(run.config).get("task", "segmentation")))
                base, source = base_of(run.config, info), run_title(run.name)
            else:
                config, values = data.training_start() if data is not None else (None, None)
                base, info = start_of(values, config)
                source = "the data set that is open" if data is not None else "the default"
            dialog = SearchDialog(base, source, info, self)
        except ConfigError as error:
            self.tell(str(error))
            return
        dialog.started.connect(self.show_search)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def open_search_dialog(self) -> None:
        """Choose the folder of a search."""
        from src.core.search import default_searches_dir

        self._choose_folder("Open search", str(default_searches_dir()), self.open_search_path)

    def show_searches(self) -> None:
        """The list of all searches."""
        self.tabs.tool("searches", "Searches", self._make_searches).follow()
        self.pages_follow()

    def _make_searches(self) -> QWidget:
        from src.ui.widgets.searches_page import SearchesPage

        made = SearchesPage()
        made.search_asked.connect(self.show_search)
        made.trashed.connect(lambda path: self.tabs.close_tool(f"search:{path}"))
        made.failed.connect(self.tell)
        return made

    def open_search_path(self, path: Path) -> None:
        """Show the search in this folder."""
        from src.core.search import SearchError, SearchFolder

        try:
            self.show_search(SearchFolder.open(path))
        except SearchError:
            self.tell(f"{path} is not the folder of a search: there is no search.yaml in it.")

    def show_search(self, folder: SearchFolder) -> None:
        """A search in a tab of its own."""
        self.tabs.tool(
            f"search:{folder.path}", run_title(folder.name), lambda: self._make_search(folder)
        ).follow()
        self.pages_follow()

    def _make_search(self, folder: SearchFolder) -> QWidget:
        from src.ui.widgets.search_page import SearchPage

        made = SearchPage(folder)
        made.run_asked.connect(self.open_run_path)
        made.train_asked.connect(self._train_with)
        made.failed.connect(self.tell)
        return made

    def _train_with(self, path: Path) -> None:
        from src.core.config import ConfigError, read_yaml
        from src.core.search.config import base_of
        from src.tasks.catalog import task_info

        try:
            info = task_info(str(read_yaml(path).get("task", "segmentation")))
            self.open_training(base_of(path, info))
        except ConfigError as error:
            self.tell(str(error))

    # ---- the queue

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

    def queue_run(self, folder: RunFolder) -> None:
        """Put a run that is to go on into the queue."""
        from src.core.run.queue import QueueError
        from src.ui.queueing import enqueue_run

        try:
            self.tell(enqueue_run(folder), "info")
        except QueueError as error:
            self.tell(str(error))

    def _take_out(self, folder: RunFolder) -> None:
        from src.core.run.queue import QueueError, RunQueue
        from src.ui.queueing import take_out

        try:
            self.runs.note.tell(take_out(RunQueue().find(str(folder.path)).id))
        except QueueError as error:
            self.tell(str(error))

    # ---- what is said of runs

    def _star(self, folder: RunFolder) -> None:
        from src.core.run.run_care import LibraryError, keep_said, read_said

        try:
            said = keep_said(folder, starred=not read_said(folder).starred)
        except LibraryError as error:
            self.tell(str(error))
            return
        self.runs.model.mark(folder.path, said)

    def _edit_notes(self, folder: RunFolder) -> None:
        from src.core.run.said import read_said
        from src.ui.dialogs.run_notes import RunNotesDialog

        dialog = RunNotesDialog(folder, self.runs.which.tags, self)
        dialog.accepted.connect(lambda: self.runs.model.mark(folder.path, read_said(folder)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    # ---- the trash

    def _trash(self, folder: RunFolder) -> None:
        from src.core.run.run_care import LibraryError, trash_run

        text = f"Move the run {run_title(folder.name)} with its model and results into the trash? Nothing is deleted."
        answer = QMessageBox.question(
            self, "Move to the trash?", text, QMessageBox.Yes | QMessageBox.Cancel, QMessageBox.Yes
        )
        if answer != QMessageBox.Yes:
            return
        self.tabs.close_run_of(folder.path)
        try:
            self._trashed = trash_run(folder)
        except LibraryError as error:
            self.tell(str(error))
            return
        self.runs.put([r for r in self.runs.model.runs() if r.folder.path != folder.path])
        self.runs.note.tell(f"{run_title(folder.name)} is in the trash.", undo=True)

    def _bring_back(self) -> None:
        from src.core.run.run_care import LibraryError, restore

        trashed, self._trashed = self._trashed, None
        self.runs.note.hide()
        if trashed is None:
            return
        try:
            restore(trashed)
        except LibraryError as error:
            self.tell(str(error))

    def show_trash(self) -> None:
        """What lies in the trash, and the way back."""
        from src.ui.dialogs.run_trash import RunTrashDialog

        dialog = RunTrashDialog(self.runs_dir(), self)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    # ---- comparing

    def compare_runs(self) -> None:
        """Compare the runs that are chosen in the list."""
        chosen = [run.folder for run in self.runs.all_chosen()]
        if len(chosen) < 2:
            self.tell(
                "Choose two to eight runs in the list first: Ctrl or Shift and a click choose several.",
                "info",
            )
            return
        self.compare_these(chosen[:8])

    def compare_these(self, folders: list[RunFolder]) -> None:
        """Show these runs side by side."""
        from src.ui.widgets.compare_page import ComparePage

        def make() -> Any:
            made = ComparePage()
            made.run_asked.connect(lambda path: self.open_run_path(Path(path)))
            made.failed.connect(self.tell)
            return made

        self.tabs.tool("compare", "Comparison", make).show_runs(folders)
        self.pages_follow()

    # ---- once more

    def clone_run(self) -> None:
        """Train again with other settings: those of the run that is shown."""
        if folder := self._shown_run():
            self.clone(folder)

    def clone(self, folder: RunFolder) -> None:
        """The training dialog with the configuration of a run."""
        from src.core.config import ConfigError
        from src.core.run.reproduce import configuration_of
        from src.tasks.catalog import task_info

        if self._dialog is not None:
            self.train_model()
            self.tell("The training window is open already. Close it first, then clone the run.", "info")
            return
        try:
            self.open_training(configuration_of(folder, task_info))
        except ConfigError as error:
            self.tell(f"The settings of {run_title(folder.name)} cannot be used by this version. {error}")

    def reproduce_run(self) -> None:
        """Train the run that is shown once more, exactly."""
        if folder := self._shown_run():
            self.reproduce(folder)

    def reproduce(self, folder: RunFolder) -> None:
        """A run from exactly the configuration and the split of another; what differs here is said first."""
        from src.ui.dialogs.reproduce_dialog import ReproduceDialog

        dialog = ReproduceDialog(folder, self)
        dialog.made.connect(self._started)
        dialog.queued.connect(lambda sentence: self.tell(sentence, "info"))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

"""Commands of the main window that make models and work with them: train, evaluate, predict, export, the library."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt5.QtCore import QEventLoop
from PyQt5.QtGui import QDropEvent
from PyQt5.QtWidgets import QApplication, QWidget

from src.ui.window_commands import WindowCommands

if TYPE_CHECKING:
    from src.core.job import JobInfo
    from src.core.run import RunFolder


def _let_events_pass() -> None:
    """Paint and follow runs while a large dialog is made; clicks and keys wait until it is there."""
    QApplication.processEvents(QEventLoop.ExcludeUserInputEvents)


class JobCommands(WindowCommands):
    """Between `WindowCommands` and `MainWindow`."""

    _dialog: Any = None

    # ---- Tools

    def train_model(self) -> None:
        """Open the training dialog, filled with the data set that is open."""
        if self._dialog is not None:
            self._dialog.show()
            self._dialog.raise_()
            self._dialog.activateWindow()
            return
        view = self.tabs.dataset_view()
        self.open_training(*(view.training_start() if view else (None, None)))

    def tune_settings(self) -> None:
        """Measure with the settings of the training window, which is opened first."""
        self.train_model()
        self._dialog.tune()

    def open_training(self, config: Any, paths: Any = None) -> None:
        """A new training dialog with these settings."""
        from src.ui.dialogs.train_config_dialog import TrainConfigDialog

        self._dialog = TrainConfigDialog(config, paths, self, breathe=_let_events_pass)
        self._dialog.run_started.connect(self._started)
        self._dialog.finished.connect(self._dialog_closed)
        self._dialog.show()

    def _dialog_closed(self) -> None:
        dialog, self._dialog = self._dialog, None
        if dialog is not None:
            dialog.deleteLater()

    def _started(self, folder: RunFolder) -> None:
        self.settings.add_recent("run", folder.path)
        self.show_run(folder)

    def evaluate_model(self) -> None:
        """How good a model is."""
        self.open_job_dialog("evaluate")

    def predict_images(self) -> None:
        """A model over new images."""
        self.open_job_dialog("predict")

    def rank_images(self) -> None:
        """What to label next."""
        self.open_job_dialog("rank")

    def pseudo_label_images(self) -> None:
        """A data set of what a model is sure of."""
        self.open_job_dialog("pseudo_label")

    def export_model(self) -> None:
        """A model as ONNX or in another form."""
        self.open_job_dialog("export")

    def open_job_dialog(self, job: str, model: str = "") -> None:
        """The settings of a job, as the problem of its model has them.

        Where no model is named it is the one that is shown (a run, or the model chosen in the library), else that of the run
        that was opened last; another one can be chosen in the dialog, of another problem too.
        """
        from src.core.run import ModelError
        from src.core.run.library import find_record
        from src.tasks.catalog import TASKS

        task = ""
        for name in [model] if model else [*self._shown_models(), *self.settings.recent("run")]:
            try:
                task, model = find_record(name).task, name
                break
            except ModelError:  # a run that has no model yet: another one is taken
                model = ""
        info = TASKS.get(task, next(iter(TASKS.values())))
        if job not in info.jobs:
            self.tell(f"“{info.title}” has no such command for its models.", "info")
            return
        self.ask_job(info.jobs[job], {"model": model, "task": info.id})

    def _shown_models(self) -> list[str]:
        """The model of the page that is shown: of a run, or chosen in the library."""
        page: Any = self.tabs.currentWidget()
        if hasattr(page, "close_library"):
            return [str(page.record.path)] if page.record is not None else []
        view = self.tabs.run_view()
        return [str(view.folder.path)] if view is not None and view.folder is not None else []

    def ask_job(self, info: JobInfo, values: Mapping[str, Any]) -> None:
        """The settings of a job, beginning with these values."""
        from src.core.config import ConfigError
        from src.ui.dialogs.job_dialog import JobDialog

        try:
            dialog = JobDialog(info, values, self, self.runs_dir())
        except ConfigError as error:
            self.tell(str(error))
            return
        dialog.started_job.connect(self._start_job)
        dialog.other_task.connect(self.open_job_dialog)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _start_job(self, resolved: Any, info: JobInfo) -> None:
        self.tabs.start_job(resolved, info)
        self.pages_follow()

    def show_models(self) -> None:
        """The models of all runs."""
        self.tabs.library(self._make_library).refresh()
        self.pages_follow()

    def _make_library(self) -> QWidget:
        from src.ui.widgets.model_library import ModelLibrary

        made = ModelLibrary(self.runs_dir())
        made.job_asked.connect(self.open_job_dialog)
        made.train_asked.connect(self.train_from)
        made.run_asked.connect(self.open_run_path)
        made.result_asked.connect(self.open_run_path)
        made.failed.connect(self.tell)
        return made

    def pages_follow(self) -> None:
        """The tabs are shown where the first page was."""
        self.tabs_changed()

    def train_from(self, model: str) -> None:
        """The training dialog with the settings of a run and its model as the start."""
        from src.core.config import ConfigError
        from src.core.run import ModelError
        from src.core.run.library import find_record
        from src.ui.model_start import training_from

        if self._dialog is not None:
            self.train_model()
            self.tell(
                "The training window is open already. Close it first, then start from this model.", "info"
            )
            return
        try:
            config = training_from(find_record(model))
        except (ConfigError, ModelError) as error:
            self.tell(f"No training can be set up from this model. {error}")
            return
        self.open_training(config)

    # ---- folders of jobs among those of runs

    def open_run_path(self, path: Path) -> None:
        """Show the run or the job in this folder."""
        from src.core.run.library_work import job_in

        if job_in(Path(path)):
            self.tabs.open_job(Path(path))
            self.pages_follow()
        else:
            super().open_run_path(Path(path))

    def order_run(self, folder: RunFolder, order: str) -> None:
        """An order from the list of runs."""
        kind, _, job = order.partition(":")
        if kind == "job":
            self.open_job_dialog(job, str(folder.path))
        else:
            super().order_run(folder, order)

    def dropEvent(self, event: QDropEvent) -> None:
        """The file of a model goes to the library, everything else is opened."""
        from src.core.run.library_care import LibraryError, add_file

        paths = [Path(u.toLocalFile()) for u in event.mimeData().urls() if u.isLocalFile()]
        models = [p for p in paths if p.is_file() and p.suffix.lower() in (".safetensors", ".pth", ".pt")]
        if not models:
            super().dropEvent(event)
            return
        try:
            for path in models:
                add_file(path)
        except LibraryError as error:
            self.tell(str(error))
            return
        self.show_models()

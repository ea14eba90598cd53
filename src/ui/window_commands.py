"""What each command of the main window does; see `src.ui.commands` for their words and keys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt5.QtCore import QUrl
from PyQt5.QtGui import QDesktopServices, QDragEnterEvent, QDropEvent
from PyQt5.QtWidgets import QFileDialog, QLineEdit, QMainWindow

from src.ui import help as help_pages
from src.ui.theme import theme

if TYPE_CHECKING:
    from src.core.run import RunFolder
    from src.ui.sample_data import SampleDataJob

_ZOOMS = (0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0)


class WindowCommands(QMainWindow):
    """Base of `MainWindow`, which has the attributes and methods that are only named here."""

    menus: Any
    settings: Any
    tabs: Any
    runs: Any
    splitter: Any
    message: Any
    tell: Any
    show_run: Any
    show_dataset: Any
    runs_dir: Any
    tabs_changed: Any
    set_theme: Any
    _sample_job: SampleDataJob | None = None

    # ---- File

    def open_dataset_dialog(self) -> None:
        """Choose a folder of images."""
        last = next(iter(self.settings.recent("dataset")), str(Path.home()))
        self._choose_folder("Open data set folder", last, self.show_dataset)

    def open_run_dialog(self) -> None:
        """Choose a run folder."""
        last = next(iter(self.settings.recent("run")), "")
        start = str(Path(last).parent) if last else str(self.runs_dir())
        self._choose_folder("Open run folder", start, self.open_run_path)

    def _choose_folder(self, title: str, start: str, then: Any) -> None:
        dialog = QFileDialog(self, title, start)
        dialog.setFileMode(QFileDialog.Directory)
        dialog.setOption(QFileDialog.ShowDirsOnly)
        dialog.fileSelected.connect(lambda path: then(Path(path)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def open_run_path(self, path: Path) -> None:
        """Show the run in this folder."""
        from src.core.run import RunFolder, RunFolderError

        try:
            folder = RunFolder.open(path)
        except RunFolderError:
            self.tell(
                f"{path} is not a run folder: there is no config.yaml in it. Choose the folder of one run."
            )
            return
        self.settings.add_recent("run", folder.path)
        self.show_run(folder)

    def open_recent(self, kind: str, path: Path) -> None:
        """Open what was open before."""
        self.open_run_path(path) if kind == "run" else self.show_dataset(path)

    def import_data(self, path: Path | None = None) -> None:
        """Recognise what lies in a folder or a file, and import it."""
        from src.ui.dialogs.import_dialog import ImportDialog

        dialog = ImportDialog(path, self)
        dialog.imported.connect(self._imported)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def export_data(self) -> None:
        """Write the data set that is open in another form."""
        from src.ui.dialogs.export_dialog import ExportDialog

        view = self.tabs.dataset_view()
        if view is None or view.source is None:
            self.tell("Open a data set first: it can then be exported.", "info")
            return
        resolved = view.decisions.applied(view.source.resolved) if view.decisions else view.source.resolved
        dialog = ExportDialog(resolved, view.source.folder.name, self)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _imported(self, folder: Path, sentence: str) -> None:
        self.show_dataset(folder)
        self.tell(sentence, "good")

    def close_tab(self) -> None:
        """Close what is shown."""
        if self.tabs.may_close([self.tabs.currentWidget()]):
            self.tabs.close_index(self.tabs.currentIndex())

    def quit(self) -> None:
        """Close the window; runs go on."""
        self.close()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """A folder or a file may be dropped on the window."""
        if any(u.isLocalFile() for u in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open the folder that was dropped: a run, or else a data set; a file is imported."""
        for url in event.mimeData().urls():
            path = Path(url.toLocalFile())
            if path.is_dir():
                is_run = (path / "config.yaml").is_file() and (path / "events.jsonl").is_file()
                self.open_recent("run" if is_run else "dataset", path)
            elif path.is_file():
                self.import_data(path)

    # ---- Run

    def order_run(self, folder: RunFolder, order: str) -> None:
        """An order from the list of runs."""
        from src.ui import run_control

        if order == "folder":
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder.path)))
        elif order == "resume":
            self.resume(folder)
        else:
            self.show_run(folder)
            try:
                run_control.ask(folder, order)
            except run_control.RunControlError as error:
                self.tell(str(error))

    def resume(self, folder: RunFolder) -> None:
        """Start a process that goes on with a run."""
        from src.core.run import RunFolderError
        from src.threads import resume_run

        try:
            resume_run(folder)
        except (RunFolderError, OSError) as error:
            self.tell(str(error))
            return
        self.show_run(folder)
        self.statusBar().showMessage("Resumed: it starts in a moment.", 6000)

    def _press(self, name: str) -> None:
        view = self.tabs.run_view()
        if view:
            getattr(view.header.buttons, name).click()
            self.tabs_changed()

    def finish_epoch(self) -> None:
        """End the run that is shown after this epoch."""
        self._press("finish")

    def pause_run(self) -> None:
        """Pause the run that is shown."""
        self._press("pause")

    def stop_run(self) -> None:
        """Stop the run that is shown."""
        self._press("stop")

    def resume_run(self) -> None:
        """Resume the run that is shown."""
        self._press("resume")

    def open_run_folder(self) -> None:
        """The files of the run that is shown."""
        self._press("folder")

    def open_report(self) -> None:
        """The report of the run that is shown."""
        self._press("report")

    # ---- Tools

    def make_sample_data(self) -> None:
        """Make the sample data (once) and show them."""
        from src.core.run import workspace
        from src.ui.sample_data import SampleDataJob

        if self._sample_job is not None:
            return
        folder = workspace() / "sample-data"
        self.message.tell(f"Making sample data in {folder}: this takes some seconds.", "info")
        self._sample_job = SampleDataJob(folder, self)
        self._sample_job.done.connect(self._sample_made)
        self._sample_job.failed.connect(self._sample_failed)
        self._sample_job.start()

    def _sample_made(self, folder: Path) -> None:
        self.stop_sample_job()
        self.message.hide()
        self.show_dataset(folder)

    def _sample_failed(self, reason: str) -> None:
        self.stop_sample_job()
        self.tell(reason)

    def stop_sample_job(self) -> None:
        """End the job that makes sample data, if one works."""
        job, self._sample_job = self._sample_job, None
        if job is not None:
            job.stop()
            job.deleteLater()

    # ---- View

    def theme_system(self) -> None:
        """Colours as the system says."""
        self.set_theme("system")

    def theme_light(self) -> None:
        """Light colours."""
        self.set_theme("light")

    def theme_dark(self) -> None:
        """Dark colours."""
        self.set_theme("dark")

    def show_runs(self, on: bool) -> None:
        """Show or hide the list of runs."""
        self.runs.setVisible(on)
        self.settings.keep("window/show_runs", "1" if on else "0")

    def show_toolbar(self, on: bool) -> None:
        """Show or hide the toolbar."""
        self.menus.toolbar.setVisible(on)
        self.settings.keep("window/show_toolbar", "1" if on else "0")

    def _zoom(self, step: int) -> None:
        nearest = min(range(len(_ZOOMS)), key=lambda k: abs(_ZOOMS[k] - theme().zoom))
        self._zoom_to(_ZOOMS[min(max(0, nearest + step), len(_ZOOMS) - 1)])

    def _zoom_to(self, zoom: float) -> None:
        self.set_theme(theme().mode, zoom)
        self.statusBar().showMessage(f"Text size {zoom:.0%}", 2500)

    def zoom_in(self) -> None:
        """Larger text."""
        self._zoom(1)

    def zoom_out(self) -> None:
        """Smaller text."""
        self._zoom(-1)

    def zoom_reset(self) -> None:
        """Text as large as the system says."""
        self._zoom_to(1.0)

    def next_tab(self) -> None:
        """Go to the next tab."""
        if self.tabs.count():
            self.tabs.setCurrentIndex((self.tabs.currentIndex() + 1) % self.tabs.count())

    def focus_filter(self) -> None:
        """Type a part of a run's name."""
        self.menus.actions["show_runs"].setChecked(True)
        self.show_runs(True)
        field: QLineEdit = self.runs.filter
        field.setFocus()
        field.selectAll()

    # ---- Help

    def show_guide(self) -> None:
        """The guide."""
        help_pages.show_guide(self)

    def show_shortcuts(self) -> None:
        """All keys."""
        help_pages.show_shortcuts(self)

    def show_about(self) -> None:
        """Version and licence."""
        help_pages.show_about(self)

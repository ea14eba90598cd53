"""The tabs of the main window: one data set and any number of runs, live or old."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import QMessageBox, QTabBar, QTabWidget, QWidget

from src.ui.icons import STATE_ROLES, icon, run_look, state_icon_name
from src.ui.text import run_title
from src.ui.theme import theme

if TYPE_CHECKING:
    from src.core.job import JobInfo
    from src.core.run import RunFolder, RunSummary
    from src.ui.widgets.dataset_view import DatasetView
    from src.ui.widgets.job_view import JobView
    from src.ui.widgets.run_view import RunView

#: Each open run is followed; the one that was opened first makes room for a further one.
MOST_RUNS = 8


class OpenTabs(QTabWidget):
    """Signals:

    changed(): Another tab is shown, or the run that is shown has another state.
    failed(str): Something could not be done; cause and cure.
    train_asked(): The person wants to train on the data set.
    import_asked(object): This `Path` has to be imported before it can be shown.
    resume_asked(object): The person wants this `RunFolder` resumed.
    job_asked(str, str): The person wants a job (its id) with a model (a run folder or a file).
    job_again_asked(object, dict): A `JobInfo` and the values to begin its settings with.
    dataset_asked(object): The person wants to see this folder as a data set.
    """

    changed = pyqtSignal()
    failed = pyqtSignal(str)
    train_asked = pyqtSignal()
    import_asked = pyqtSignal(object)
    resume_asked = pyqtSignal(object)
    job_asked = pyqtSignal(str, str)
    job_again_asked = pyqtSignal(object, dict)
    dataset_asked = pyqtSignal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTabsClosable(True)
        self.setMovable(True)
        self.setDocumentMode(True)
        self.tabBar().setAccessibleName("Open data sets and runs")
        self.tabBar().setElideMode(Qt.ElideMiddle)  # the number at the end tells runs apart
        self.tabCloseRequested.connect(self._ask_and_close)
        self.currentChanged.connect(lambda _: self.changed.emit())
        theme().changed.connect(self._dress)

    def run_view(self) -> RunView | None:
        """The run that is shown now."""
        page = self.currentWidget()
        return page if page is not None and hasattr(page, "close_run") else None  # type: ignore[return-value]

    def dataset_view(self) -> DatasetView | None:
        """The data set, shown or not."""
        return next((p for p in self._pages() if hasattr(p, "close_data")), None)  # type: ignore[return-value]

    def title(self) -> str:
        """Of the tab that is shown."""
        return self.tabText(self.currentIndex()).replace("&&", "&")

    def _pages(self) -> list[QWidget]:
        return [self.widget(i) for i in range(self.count())]

    def _runs(self) -> list[RunView]:
        return [p for p in self._pages() if hasattr(p, "close_run")]  # type: ignore[misc]

    def open_run(self, folder: RunFolder) -> None:
        """Show a run."""
        from src.ui.widgets.run_view import RunView

        for view in self._runs():
            if view.folder and view.folder.path == folder.path:
                self.setCurrentWidget(view)
                return
        if len(self._runs()) >= MOST_RUNS:
            self.close_index(self.indexOf(self._runs()[0]))
        view = RunView()
        view.summary_changed.connect(lambda summary, view=view: self._summary(view, summary))
        view.resume_asked.connect(self.resume_asked)
        view.failed.connect(self.failed)
        view.job_asked.connect(lambda folder, job: self.job_asked.emit(job, str(folder.path)))
        index = self.addTab(view, icon("state-new", "muted"), run_title(folder.name).replace("&", "&&"))
        self.setTabToolTip(index, str(folder.path))
        view.show_run(folder)
        self.setCurrentIndex(index)
        self.changed.emit()

    def close_run_of(self, path: Path) -> None:
        """Close the tab of a run whose folder goes elsewhere, if it has one."""
        for view in self._runs():
            if view.folder and view.folder.path == path:
                self.close_index(self.indexOf(view))

    def open_dataset(self, folder: Path) -> None:
        """Show a data set in the tab for data sets."""
        from src.ui.widgets.dataset_view import DatasetView

        view = self.dataset_view()
        if view is None:
            view = DatasetView()
            view.train_asked.connect(self.train_asked)
            view.import_asked.connect(self.import_asked)
            self.insertTab(0, view, icon("images"), "")
        index = self.indexOf(view)
        self.setTabText(index, folder.name.replace("&", "&&"))
        self.setTabToolTip(index, str(folder))
        self.setCurrentIndex(index)
        view.show_folder(folder)
        self.changed.emit()

    def _summary(self, view: RunView, summary: RunSummary) -> None:
        index = self.indexOf(view)
        if index >= 0:
            self.setTabIcon(index, icon(*run_look(summary)))
        if view is self.currentWidget():
            self.changed.emit()

    def show_states(self, runs: list[Any]) -> None:
        """States of all listed runs: the buttons of the one that is shown may have changed with the clock."""
        view = self.run_view()
        if view and view.folder and any(r.folder.path == view.folder.path for r in runs):
            self.changed.emit()

    def _dress(self) -> None:
        for index, page in enumerate(self._pages()):
            summary = getattr(page, "summary", None)
            if summary:
                self.setTabIcon(index, icon(*run_look(summary)))
            elif hasattr(page, "close_data") or hasattr(page, "close_library"):
                self.setTabIcon(index, icon("images" if hasattr(page, "close_data") else "library"))
            elif hasattr(page, "tool_icon"):
                self.setTabIcon(index, icon(page.tool_icon))
            elif hasattr(page, "open_job"):
                self.setTabIcon(index, icon(state_icon_name(page.state), STATE_ROLES[page.state]))

    # ---- jobs with a trained model, and the library

    def jobs(self) -> list[JobView]:
        """The jobs that are open, at work or done."""
        return [p for p in self._pages() if hasattr(p, "open_job")]  # type: ignore[misc]

    def start_job(self, resolved: Any, info: JobInfo) -> JobView:
        """Start a job in a tab of its own."""
        view = self._new_job()
        view.run(resolved, info)
        return view

    def open_job(self, path: Path) -> None:
        """Show the folder of a job."""
        for view in self.jobs():
            if view.folder and view.folder.path == path.resolve():
                self.setCurrentWidget(view)
                return
        self._new_job().open_job(path)

    def _new_job(self) -> JobView:
        from src.ui.widgets.job_view import JobView

        view = JobView()
        view.changed.connect(lambda: self._job_changed(view))
        view.again_asked.connect(self.job_again_asked)
        view.dataset_asked.connect(self.dataset_asked)
        view.failed.connect(self.failed)
        self.setCurrentIndex(self.addTab(view, icon("state-new", "muted"), ""))
        return view

    def _job_changed(self, view: JobView) -> None:
        index = self.indexOf(view)
        if index >= 0:
            self.setTabText(index, view.title.replace("&", "&&"))
            self.setTabToolTip(index, str(view.folder.path) if view.folder else view.title)
            self.setTabIcon(index, icon(state_icon_name(view.state), STATE_ROLES[view.state]))
        if view is self.currentWidget():
            self.changed.emit()

    def library(self, make: Callable[[], QWidget]) -> Any:
        """The tab of the model library; ``make`` builds it when there is none."""
        for page in self._pages():
            if hasattr(page, "close_library"):
                self.setCurrentWidget(page)
                return page
        page = make()
        self.setCurrentIndex(self.insertTab(0, page, icon("library"), "Models"))
        return page

    def tool(self, kind: str, title: str, make: Callable[[], Any]) -> Any:
        """The tab of a tool (the queue, a comparison), which has one place; ``make`` builds it when there is none."""
        for page in self._pages():
            if getattr(page, "tool_kind", "") == kind:
                self.setCurrentWidget(page)
                return page
        page = make()
        page.tool_kind = kind
        self.setCurrentIndex(self.addTab(page, icon(page.tool_icon), title))
        return page

    def close_tool(self, kind: str) -> None:
        """Close the tab of a tool, if it is open."""
        for page in self._pages():
            if getattr(page, "tool_kind", "") == kind:
                self.close_index(self.indexOf(page))

    def may_close(self, pages: list[QWidget] | None = None) -> bool:
        """Whether these pages (default: all) may be closed; asks in one sentence where a job would be ended by it."""
        asked = [q for p in (pages or self._pages()) if (q := getattr(p, "question", str)())]
        if not asked:
            return True
        text = asked[0] if len(asked) == 1 else (
            f"{len(asked)} jobs are still at work: closing ends them, and what is complete is kept. Close them?"
        )  # fmt: skip
        answer = QMessageBox.question(
            self, "End the job?", text, QMessageBox.Yes | QMessageBox.Cancel, QMessageBox.Cancel
        )
        return bool(answer == QMessageBox.Yes)

    def _ask_and_close(self, index: int) -> None:
        page = self.widget(index)
        if page is not None and self.may_close([page]):
            self.close_index(self.indexOf(page))

    def close_index(self, index: int) -> None:
        """Close a tab; a run that it showed goes on, a job that it carried out is ended."""
        page: Any = self.widget(index)
        if page is None:
            return
        for name in ("close_run", "close_data", "close_page", "close_library", "close_tool"):
            if hasattr(page, name):
                getattr(page, name)()
        self.removeTab(index)
        page.deleteLater()
        self.changed.emit()

    def close_all(self) -> None:
        """Close all tabs."""
        while self.count():
            self.close_index(0)

    def tabInserted(self, index: int) -> None:
        super().tabInserted(index)
        for side in (QTabBar.LeftSide, QTabBar.RightSide):
            button = self.tabBar().tabButton(index, side)
            if button:
                button.setToolTip("Close tab (a training goes on)")

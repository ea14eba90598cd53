"""The tabs of the main window: one data set and any number of runs, live or old."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import QTabBar, QTabWidget, QWidget

from src.ui.icons import STATE_ROLES, icon, state_icon_name
from src.ui.text import run_title
from src.ui.theme import theme

if TYPE_CHECKING:
    from src.core.run import RunFolder, RunSummary
    from src.ui.widgets.dataset_view import DatasetView
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
    """

    changed = pyqtSignal()
    failed = pyqtSignal(str)
    train_asked = pyqtSignal()
    import_asked = pyqtSignal(object)
    resume_asked = pyqtSignal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTabsClosable(True)
        self.setMovable(True)
        self.setDocumentMode(True)
        self.tabBar().setAccessibleName("Open data sets and runs")
        self.tabBar().setElideMode(Qt.ElideRight)
        self.tabCloseRequested.connect(self.close_index)
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
        index = self.addTab(view, icon("state-new", "muted"), run_title(folder.name).replace("&", "&&"))
        self.setTabToolTip(index, str(folder.path))
        view.show_run(folder)
        self.setCurrentIndex(index)
        self.changed.emit()

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
            self.setTabIcon(index, icon(state_icon_name(summary.state), STATE_ROLES[summary.state]))
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
                self.setTabIcon(index, icon(state_icon_name(summary.state), STATE_ROLES[summary.state]))
            elif hasattr(page, "close_data"):
                self.setTabIcon(index, icon("images"))

    def close_index(self, index: int) -> None:
        """Close a tab; what it showed goes on."""
        page: Any = self.widget(index)
        if page is None:
            return
        page.close_run() if hasattr(page, "close_run") else page.close_data()
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
                button.setToolTip("Close tab (a run goes on)")

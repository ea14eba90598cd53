"""The main window: the runs on the left, data sets and runs in tabs, everything also by keyboard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt5.QtCore import QByteArray, Qt, pyqtSignal
from PyQt5.QtGui import QCloseEvent, QPaintEvent
from PyQt5.QtWidgets import QApplication, QLabel, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from src.ui.icons import app_icon
from src.ui.menus import Menus
from src.ui.open_tabs import OpenTabs
from src.ui.run_commands import RunCommands
from src.ui.settings import Settings
from src.ui.theme import apply_theme, theme
from src.ui.warmup import Warmup
from src.ui.widgets.message_bar import MessageBar
from src.ui.widgets.runs_panel import RunsPanel
from src.ui.widgets.welcome import WelcomePage

if TYPE_CHECKING:
    from src.core.run import RunFolder

_WIDTH, _HEIGHT, _PANEL = 1280, 800, 300


class MainWindow(RunCommands):
    """The main window. Closing it ends no training.

    Attributes:
        menus: Actions by the id of their command.
        runs: The list of runs.
        tabs: What is open.
        message: Bar for errors and notes.

    Signals:
        painted(): The window is on the screen for the first time.
    """

    painted = pyqtSignal()

    def __init__(self, runs_dir: Path | None = None) -> None:
        super().__init__()
        self.settings = Settings()
        self._runs_dir = runs_dir
        self._watcher: Any = None
        self._is_painted = False
        self._said_over: QWidget | None = None
        self.setWindowTitle("Lathe")
        self.setWindowIcon(app_icon())
        self.setObjectName("main_window")
        self.setAcceptDrops(True)
        self.menus = Menus(self, self.open_recent, self.settings)
        self._build()
        self._restore()
        theme().changed.connect(self._dress)
        self._dress()
        self.tabs_changed()
        self.warmup = Warmup(self)
        self.warmup.ready.connect(self._watch)
        self.painted.connect(self.warmup.start)

    def _build(self) -> None:
        self.runs = RunsPanel()
        self.tabs = OpenTabs()
        self.welcome = WelcomePage()
        self.message = MessageBar()
        self.pages = QStackedWidget()
        self.pages.addWidget(self.welcome)
        self.pages.addWidget(self.tabs)
        centre = QWidget()
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.message)
        column.addWidget(self.pages, 1)
        self.splitter = QSplitter(Qt.Horizontal)
        self.splitter.addWidget(self.runs)
        self.splitter.addWidget(centre)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setSizes([_PANEL, _WIDTH - _PANEL])
        self.setCentralWidget(self.splitter)
        self.live = QLabel()
        self.live.setProperty("role", "muted")
        self.statusBar().addPermanentWidget(self.live)
        self.statusBar().setSizeGripEnabled(False)
        self.runs.opened.connect(self.show_run)
        self.runs.ordered.connect(self.order_run)
        self.connect_runs()
        self.welcome.wanted.connect(lambda command: self.menus.actions[command].trigger())
        self.welcome.recent.connect(self.open_recent)
        self.tabs.changed.connect(self.tabs_changed)
        self.tabs.failed.connect(self.tell)
        self.tabs.train_asked.connect(self.train_model)
        self.tabs.import_asked.connect(self.import_data)
        self.tabs.resume_asked.connect(self.resume)
        self.tabs.job_asked.connect(self.open_job_dialog)
        self.tabs.job_again_asked.connect(self.ask_job)
        self.tabs.dataset_asked.connect(self.show_dataset)

    # ---- appearance

    def _dress(self) -> None:
        self.menus.dress()
        self.welcome.dress()
        self.menus.actions[f"theme_{theme().mode}"].setChecked(True)

    def _restore(self) -> None:
        self.resize(_WIDTH, _HEIGHT)
        geometry = self.settings.blob("window/geometry")
        if not geometry.isEmpty():
            self.restoreGeometry(geometry)
        else:
            screen = QApplication.primaryScreen()
            if screen:
                area = screen.availableGeometry()
                self.resize(min(_WIDTH, area.width()), min(_HEIGHT, area.height()))
        sizes = self.settings.blob("window/splitter")
        if not sizes.isEmpty():
            self.splitter.restoreState(sizes)
        for command, widget in (("show_runs", self.runs), ("show_toolbar", self.menus.toolbar)):
            shown = self.settings.text(f"window/{command}", "1") == "1"
            self.menus.actions[command].setChecked(shown)
            widget.setVisible(shown)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._is_painted:
            self._is_painted = True
            self.painted.emit()

    # ---- the list of runs

    def runs_dir(self) -> Path:
        """The folder whose runs are listed."""
        if self._runs_dir is None:
            from src.core.run import default_runs_dir

            self._runs_dir = default_runs_dir()
        return self._runs_dir

    def _watch(self) -> None:
        from src.threads.runs_watcher import RunsWatcher

        if self._watcher is None and self.isVisible():
            self._watcher = RunsWatcher(self.runs_dir())
            self._watcher.runs.connect(self._put_runs)
            self._watcher.start()

    def _put_runs(self, runs: list[Any]) -> None:
        self.runs.put(runs)
        live = sum(r.alive for r in runs)
        word = "run is" if live == 1 else "runs are"
        self.live.setText(
            f"{live} {word} training; closing this window does not end {'it' if live == 1 else 'them'}."
            if live
            else ""
        )
        self.tabs.show_states(runs)

    # ---- what is open

    def show_run(self, folder: RunFolder) -> None:
        """Show a run, in the tab that it has or in a new one."""
        self.tabs.open_run(folder)
        self.pages.setCurrentWidget(self.tabs)

    def show_dataset(self, folder: Path) -> None:
        """Show a data set."""
        self.settings.add_recent("dataset", folder)
        self.tabs.open_dataset(folder)
        self.pages.setCurrentWidget(self.tabs)

    def tabs_changed(self) -> None:
        """Another tab, or another state of the run shown: the menus follow."""
        empty = self.tabs.count() == 0
        if self._said_over is not None and self._said_over is not self.tabs.currentWidget():
            self._said_over = None
            self.message.hide()
        if empty:
            self.welcome.put_recent(self.settings.recent("dataset"), self.settings.recent("run"))
        self.pages.setCurrentWidget(self.welcome if empty else self.tabs)
        self.menus.actions["close_tab"].setEnabled(not empty)
        self.menus.actions["next_tab"].setEnabled(self.tabs.count() > 1)
        view = self.tabs.run_view()
        self.setWindowTitle(f"{self.tabs.title()} – Lathe" if not empty else "Lathe")
        buttons = view.header.buttons if view else None
        for command, button in (
            ("finish_epoch", "finish"),
            ("pause_run", "pause"),
            ("stop_run", "stop"),
            ("resume_run", "resume"),
            ("open_report", "report"),
            ("open_run_folder", "folder"),
        ):
            widget = getattr(buttons, button) if buttons else None
            self.menus.actions[command].setEnabled(
                bool(widget and not widget.isHidden() and widget.isEnabled())
            )
        for command in ("clone_run", "reproduce_run"):
            self.menus.actions[command].setEnabled(bool(view and view.folder))
        if view and view.folder:
            self.runs.choose(view.folder.path)

    def tell(self, text: str, level: str = "bad") -> None:
        """Say what happened and what to do, without stopping anybody; good news goes with the page that it was said over."""
        self.message.tell(text, level)
        self._said_over = self.tabs.currentWidget() if level in ("good", "info") else None

    # ---- the end

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self.tabs.may_close():
            event.ignore()
            return
        self.settings.keep("window/geometry", QByteArray(self.saveGeometry()))
        self.settings.keep("window/splitter", QByteArray(self.splitter.saveState()))
        self.settings.flush()
        self.stop_following()
        super().closeEvent(event)

    def stop_following(self) -> None:
        """End what reads in the background. Runs go on: they are processes of their own."""
        self.warmup.requestInterruption()
        self.warmup.wait()
        if self._watcher is not None:
            self._watcher.runs.disconnect(self._put_runs)
            self._watcher.stop()
            self._watcher.wait()
            self._watcher = None
        self.tabs.close_all()
        self.stop_sample_job()

    def set_theme(self, mode: Any, zoom: float | None = None) -> None:
        """Light, dark or as the system; remembered."""
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        apply_theme(app, mode, zoom)
        self.settings.keep("theme", theme().mode)
        self.settings.keep("zoom", theme().zoom)

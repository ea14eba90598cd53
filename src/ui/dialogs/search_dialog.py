"""The dialog in which a hyper-parameter search is set up and started."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PyQt5.QtCore import QSize, Qt, QTimer, pyqtSignal
from PyQt5.QtGui import QCloseEvent
from PyQt5.QtWidgets import QApplication, QDialog, QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from src.core.config import ConfigError, Layer, Resolved, resolve
from src.core.search import SearchConfig, SearchError, SearchFolder, SearchPlan, need_optuna, plan_of
from src.core.search.config import base_of
from src.core.task_info import TaskInfo
from src.tasks.catalog import task_info
from src.threads.search_watcher import go_on
from src.ui.dialogs.search_space import SpaceEditor
from src.ui.dialogs.train_bars import StartBar, ask_open, button, line
from src.ui.dialogs.transfer_parts import heading, sentence
from src.ui.widgets.form import SchemaForm

_WIDTH, _HEIGHT = 1240, 760
_PAUSE_MS = 150
#: Options of a search that a window decides itself, or that only several machines need.
_ELSEWHERE = ("base", "overrides", "task", "storage", "study", "searches_dir", "devices")
#: What is searched unless the person says otherwise.
_FIRST = "training.optimizer.learning_rate"


class SearchDialog(QDialog):
    """Chooses what is searched and how, says what is wrong with it, and starts it.

    Attributes:
        space: The options that are varied.
        form: The options of the search.

    Signals:
        started(object): The `SearchFolder` of the search that was started; the dialog closes itself.
    """

    started = pyqtSignal(object)

    def __init__(
        self, base: Resolved[Any], source: str, task: TaskInfo, parent: QWidget | None = None
    ) -> None:
        """
        Args:
            base: The configuration that all trials share.
            source: Where it comes from, in words.
            task: The training problem.
            parent: As in Qt.
        """
        super().__init__(parent)
        self.task = task
        self.plan: SearchPlan | None = None
        self.setWindowTitle("Search for Good Settings")
        self.setWindowFlags(
            self.windowFlags() & ~Qt.WindowContextHelpButtonHint | Qt.WindowMaximizeButtonHint
        )
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE_MS)
        self._timer.timeout.connect(self.check)
        self._source = sentence("", "muted")
        self.load_button = button(
            "&Load configuration…", "Take the settings that all trials share from a YAML file"
        )
        self.space = SpaceEditor(task)
        self.form = SchemaForm(
            SearchConfig,
            lambda option: option.key not in _ELSEWHERE,
            task.choices,
            {},
            title="How",
            show_help=True,
        )
        self.bar = StartBar()
        self.bar.start.setText("&Start search")
        self.bar.queue.hide()
        self._lay_out()
        self.load_button.clicked.connect(lambda _: self._ask_file())
        self.space.edited.connect(self._edited)
        self.form.edited.connect(lambda _: self._edited())
        self.bar.start_asked.connect(self.start)
        self.bar.close_asked.connect(self.close)
        defaults = resolve(SearchConfig, [Layer("default", {"task": task.id})])
        self.form.load(defaults.flat(), defaults.origins, {"metric": base.config.monitoring.best_metric})
        self.form.show_all(True)
        self.take(base, source)
        self.space.add(_FIRST)
        screen = QApplication.primaryScreen()
        room = screen.availableSize() if screen else QSize(1280, 800)
        self.resize(min(_WIDTH, room.width()), min(_HEIGHT, room.height() - 40))

    def _lay_out(self) -> None:
        names = QVBoxLayout()
        names.setSpacing(2)
        names.addWidget(heading("Search for good settings", 1.25))
        names.addWidget(self._source)
        head = QHBoxLayout()
        head.setContentsMargins(16, 12, 16, 12)
        head.addLayout(names, 1)
        head.addWidget(self.load_button, 0, Qt.AlignBottom)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(16, 12, 8, 12)
        column.addWidget(self.space)
        middle = QSplitter(Qt.Horizontal)
        middle.setChildrenCollapsible(False)
        middle.addWidget(left)
        middle.addWidget(self.form)
        middle.setSizes([_WIDTH // 2, _WIDTH // 2])
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addLayout(head)
        whole.addWidget(line())
        whole.addWidget(middle, 1)
        whole.addWidget(line())
        whole.addWidget(self.bar)

    def take(self, base: Resolved[Any], source: str) -> None:
        """Begin with another configuration; what was chosen to be searched stays."""
        self.base = base
        self._source.setText(
            f"Every trial is a training of its own with the settings of {source} and other values of what is varied."
        )
        self.space.load(base.flat())
        self._edited()

    def _ask_file(self) -> None:
        path = ask_open(self)
        if path is not None:
            self.load_file(path)

    def load_file(self, path: Path) -> None:
        """Begin with the configuration in a file."""
        try:
            self.take(base_of(path, self.task), path.name)
        except ConfigError as error:
            self.plan = None
            self.bar.show_state("error", str(error).splitlines()[0], False)

    # ---- checks

    def _edited(self) -> None:
        self.plan = None
        self.bar.show_state("muted", "Checking the settings…", False)
        self._timer.start()

    def check(self) -> None:
        """Say what is wrong, or how many trials it will be."""
        self._timer.stop()
        self.plan, problems = None, {}
        try:
            need_optuna()
            if faults := self.form.faults():
                raise ConfigError(list(faults.items()))
            settings = resolve(
                SearchConfig, [Layer("dialog", {**self.form.values(), "task": self.task.id})]
            ).config
            self.plan = plan_of(settings, self.space.entries(), self.base, self.task)
        except ConfigError as error:
            problems = dict(error.problems)
        except SearchError as error:
            problems = {"": f"{error} {error.cure}"}
        self.space.tell(problems)
        self.form.show_messages({k: ("error", text) for k, text in problems.items() if k in self.form.fields})
        if self.plan is None:
            shown = next(iter(problems.values()), "")
            text = (
                "Nothing to search yet: add an option."
                if "space" in problems and not self.space.rows
                else shown
            )
            self.bar.show_state("error", f"Cannot start yet. {text}", False)
            return
        same = self.plan.combinations
        few = (
            f" There are no more than {same:,} different ones."
            if same and same < self.plan.settings.trials
            else ""
        )
        self.bar.show_state("muted", f"Ready: {self.plan.trials:,} trials.{few}", True)

    def start(self) -> None:
        """Make the folder of the search and start a process that works on it."""
        if self._timer.isActive():
            self.check()
        if self.plan is None:
            return
        try:
            folder = SearchFolder.create(self.plan)
            go_on(folder)
        except SearchError as error:
            self.bar.show_state("error", f"{error} {error.cure}".strip(), True)
            return
        except OSError as error:
            self.bar.show_state("error", f"The search could not be started: {error.strerror or error}.", True)
            return
        self.accept()
        self.started.emit(folder)

    def done(self, result: int) -> None:
        """Close."""
        self._timer.stop()
        super().done(result)

    def closeEvent(self, event: QCloseEvent) -> None:
        """As `done`, also for a window that was never shown."""
        self._timer.stop()
        super().closeEvent(event)


def start_of(values: dict[str, Any] | None, config: Resolved[Any] | None) -> tuple[Resolved[Any], TaskInfo]:
    """What the dialog begins with, of what a data set offers.

    Raises:
        ConfigError: Values out of bounds.
    """
    if config is not None:
        return config, task_info(config.config.task)
    from src.core.config import nest, preset_layer

    info = task_info(str((values or {}).get("task", "segmentation")))
    layers = [preset_layer(info.id, "default"), Layer("dialog", nest(values or {}))]
    return resolve(info.config, layers), info

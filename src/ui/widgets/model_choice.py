"""Which trained model: one of the runs, the newest first, or a file; its best or its last checkpoint."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import QComboBox, QFileDialog, QFrame, QGridLayout, QHBoxLayout, QLabel, QWidget

from src.core.run import ModelError
from src.core.run.library import ModelRecord, find_record, list_models
from src.tasks.catalog import TASKS
from src.ui.dialogs.train_bars import button
from src.ui.dialogs.transfer_parts import sentence
from src.ui.text import metric_title, moment, number, run_title
from src.ui.theme import set_role
from src.ui.widgets.choice import Choice
from src.ui.widgets.form_editors import guard_wheel
from src.ui.widgets.image_loader import ImageLoader

_FILES = "Models (*.safetensors *.pth *.pt);;All files (*)"
CHECKPOINTS = ("best", "last")


def model_line(record: ModelRecord) -> str:
    """A model in a list: its name, how good it is, from when."""
    parts = [run_title(record.name)]
    if record.value is not None:
        parts.append(f"{metric_title(record.metric)} {number(record.value, 3)}")
    if record.time:
        parts.append(moment(record.time))
    return "  ·  ".join(parts)


def model_facts(record: ModelRecord) -> str:
    """What a model is and what it was trained on, in a line."""
    facts, parts = record.facts, []
    if record.network:
        parts.append(record.network)
    if facts.get("in_channels"):
        channels = int(facts["in_channels"])
        parts.append("1 channel" if channels == 1 else f"{channels} channels")
    if record.classes:
        names = ", ".join(record.classes[:6])
        parts.append(f"classes {names}{' …' if len(record.classes) > 6 else ''}")
    if facts.get("image_size"):
        parts.append(f"trained at {facts['image_size']} px")
    if size := usual_size(facts.get("sizes")):
        parts.append(f"on images of {size}")
    if record.data:
        gone = " (not on this machine any more)" if record.data_gone else ""
        parts.append(f"data set {record.data}{gone}")
    if not facts and not record.problem:
        parts.append("A file from elsewhere: it does not say what it was trained for.")
    return " · ".join(parts)


def usual_size(sizes: Any) -> str:
    """The usual size of the training images."""
    try:
        width, height = (int(v) for v in sizes["median"])
    except (TypeError, KeyError, ValueError):
        return ""
    return f"{width:,} × {height:,} px"


class ModelChoice(QFrame):
    """A list of models that is read in the background.

    Signals:
        changed(): Another model, or another checkpoint of it.
    """

    changed = pyqtSignal()

    def __init__(
        self,
        task: str = "",
        runs_dir: Path | None = None,
        others: Collection[str] = (),
        parent: QWidget | None = None,
    ) -> None:
        """
        Args:
            task: Only models of this task are listed,
            others: and behind them those of these, with the name of their problem.
            runs_dir: Whose runs are listed; None: those of the workspace.
            parent: As in Qt.
        """
        super().__init__(parent)
        self.setProperty("role", "card")
        self._task, self._runs_dir, self._others = task, runs_dir, others
        self._waits = True
        self.box = QComboBox()
        self.box.setAccessibleName("Model")
        self.box.setMinimumContentsLength(36)
        self.box.setSizeAdjustPolicy(QComboBox.AdjustToMinimumContentsLengthWithIcon)
        self.box.setMaxVisibleItems(20)
        guard_wheel(self.box)
        self.browse = button("&File…", "Choose the file of a model (.safetensors or .pth)")
        self.which = Choice("Checkpoint", ["Best", "Last"])
        self.which.setToolTip("The model that was best on validation, or the one of the last epoch")
        self.facts = sentence("", "muted")
        self.message = sentence("")
        self.message.hide()
        self._lay_out()
        self.box.currentIndexChanged.connect(lambda _: self._chosen())
        self.which.changed.connect(lambda _: self._chosen())
        self.browse.clicked.connect(lambda _: self._ask())
        self._loader = ImageLoader(self)
        self._loader.loaded.connect(self._listed)
        self.box.setPlaceholderText("Looking for models…")
        self._loader.ask("models", lambda: list_models(runs_dir))

    def _lay_out(self) -> None:
        label = QLabel("&Model")
        label.setBuddy(self.box)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.box, 1)
        row.addWidget(self.browse)
        row.addSpacing(8)
        row.addWidget(self.which)
        grid = QGridLayout(self)
        grid.setContentsMargins(14, 10, 14, 10)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(5)
        grid.addWidget(label, 0, 0)
        grid.addLayout(row, 0, 1)
        grid.addWidget(self.facts, 1, 1)
        grid.addWidget(self.message, 2, 1)
        grid.setColumnStretch(1, 1)

    # -- what is chosen -------------------------------------------------------------------------
    @property
    def model(self) -> str:
        """The run folder or the file; empty while none is chosen."""
        record = self.record
        return str(record.path) if record else ""

    @property
    def record(self) -> ModelRecord | None:
        """What is known of the chosen model."""
        found = self.box.currentData()
        return found if isinstance(found, ModelRecord) else None

    @property
    def checkpoint(self) -> str:
        """``best`` or ``last``; does nothing for a file."""
        return CHECKPOINTS[self.which.index]

    def choose(self, model: str, checkpoint: str = "best") -> None:
        """Choose a model by its folder, its name or its file; says so where there is none."""
        self.which.choose(CHECKPOINTS.index(checkpoint) if checkpoint in CHECKPOINTS else 0)
        if not model:
            return
        try:
            record = find_record(model, checkpoint)
        except ModelError as error:
            self.show_message("error", f"{error} {error.cure}".strip())
            return
        index = self._index_of(record.path)
        if index < 0:
            self.box.insertItem(0, model_line(record), record)
            index = 0
        self.box.setCurrentIndex(index)
        self._chosen()

    def _index_of(self, path: Path) -> int:
        records = (self.box.itemData(i) for i in range(self.box.count()))
        return next((i for i, r in enumerate(records) if r.path == path), -1)

    def _listed(self, _key: object, records: list[ModelRecord] | None) -> None:
        """The list was read; a choice that was made meanwhile stays."""
        self._waits = False
        before = self.record
        mine = [r for r in records or [] if r.task in ("", self._task) or not self._task]
        mine += [r for r in records or [] if r.task in self._others]
        if before is not None and before.path not in [r.path for r in mine]:
            mine.insert(0, before)
        self.box.blockSignals(True)
        self.box.clear()
        for row, record in enumerate(mine):
            other = f"{TASKS[record.task].title}:  " if record.task in self._others else ""
            self.box.addItem(other + model_line(record), record)
            self.box.setItemData(row, record.problem or str(record.path), Qt.ToolTipRole)
            self.box.model().item(row).setEnabled(not record.problem)
        wanted = (
            self._index_of(before.path)
            if before
            else next((i for i, r in enumerate(mine) if not r.problem), -1)
        )
        self.box.setCurrentIndex(wanted)
        self.box.blockSignals(False)
        self.box.setPlaceholderText("No run has a model yet: train one, or choose a file")
        self._chosen()

    def _chosen(self) -> None:
        record = self.record
        self.which.setEnabled(bool(record and record.run is not None))
        self.facts.setText(model_facts(record) if record else "")
        self.facts.setVisible(bool(self.facts.text()))
        self.changed.emit()

    @property
    def looking(self) -> bool:
        """Whether the list is still being read."""
        return self._waits and self.record is None

    def show_message(self, severity: str, text: str) -> None:
        """What is wrong with the model; an empty text takes it away."""
        self.message.setText(text)
        set_role(self.message, severity if severity in ("error", "warning") else "muted")
        self.message.setVisible(bool(text))

    def _ask(self) -> None:
        record = self.record
        start = str(record.file.parent if record else Path.home())
        chosen, _ = QFileDialog.getOpenFileName(self, "Choose the file of a model", start, _FILES)
        if chosen:
            self.choose(chosen)

    def close_loader(self) -> None:
        """End the reading in the background."""
        self._loader.end()

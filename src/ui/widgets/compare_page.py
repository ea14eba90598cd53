"""Several runs side by side: their curves one over the other, results, settings, measures on the same images."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PyQt5.QtCore import QModelIndex, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QResizeEvent, QStandardItem, QStandardItemModel
from PyQt5.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QSizePolicy,
    QSplitter,
    QStackedWidget,
    QTableView,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from src.core.config import options
from src.core.run import RunFolder
from src.core.run.compare import Comparison, compare_runs
from src.tasks.catalog import TASKS
from src.threads.errand import Errand
from src.ui.dialogs.transfer_parts import heading, sentence
from src.ui.icons import icon
from src.ui.series import Series
from src.ui.text import count, metric_title
from src.ui.theme import theme
from src.ui.widgets.compare_tables import fill_paired, fill_runs, fill_settings, role_of
from src.ui.widgets.curve_plot import CurvePlot
from src.ui.widgets.empty import EmptyState
from src.ui.widgets.plot_legend import Curve
from src.ui.widgets.tables import table

_TITLES = {"train_loss": "Training loss", "val_loss": "Validation loss"}


class _Plot(CurvePlot):
    """One plot with a list of what it shows."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.which = QComboBox()
        self.which.setAccessibleName(f"What is plotted: {name}")
        self.which.setSizeAdjustPolicy(QComboBox.AdjustToMinimumContentsLengthWithIcon)
        self.which.setMinimumContentsLength(10)
        self.which.setSizePolicy(QSizePolicy.Maximum, QSizePolicy.Fixed)
        self.row.insertWidget(1, self.which)
        self.heading.hide()

    def offer(self, names: list[str], first: str) -> None:
        """What there is; what was chosen stays where it is there too."""
        chosen = self.which.currentData()
        self.which.blockSignals(True)
        self.which.clear()
        for name in names:
            self.which.addItem(
                _TITLES.get(name) or f"Validation {metric_title(name.removeprefix('metric:'))}", name
            )
        self.which.setCurrentIndex(max(0, self.which.findData(chosen if chosen in names else first)))
        self.which.view().setMinimumWidth(
            self.which.view().sizeHintForColumn(0) + 24
        )  # the list shows whole names
        self.which.blockSignals(False)


class ComparePage(QWidget):
    """Two plots, and three tables below them.

    Attributes:
        comparison: What is shown; None before it was read.
        tool_icon: Of its tab.

    Signals:
        run_asked(object): Show the run in this folder (`Path`).
        failed(str): The runs cannot be compared; cause and cure.
    """

    run_asked = pyqtSignal(object)
    failed = pyqtSignal(str)
    tool_icon = "compare"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.comparison: Comparison | None = None
        self._folders: list[RunFolder] = []
        self._errand: Errand | None = None
        self._shown: list[bool] = []
        self._filling = False
        self._series: dict[tuple[int, str], Series] = {}
        self._heading = heading("Comparison", 1.25)
        self.notes = sentence("", "warning")
        self.notes.hide()
        self.again = QToolButton()
        self.again.setToolTip("Read the runs again (F5)")
        self.again.setAccessibleName("Read the runs again")
        self.again.setShortcut("F5")
        self.left, self.right = _Plot("left"), _Plot("right")
        self.models = {name: QStandardItemModel(self) for name in ("runs", "settings", "paired")}
        self.tables: dict[str, QTableView] = {
            "runs": table("Runs"), "settings": table("Settings"), "paired": table("On the same images"),
        }  # fmt: skip
        self.differing = QCheckBox("Only those that &differ")
        self.differing.setChecked(True)
        self.no_pairs = EmptyState(
            "evaluate", "Not evaluated yet", "Evaluate at least two of these runs on the same images (Tools > Evaluate…): "
            "then it stands here whether their difference may be chance.",
        )  # fmt: skip
        self._lay_out()
        self._connect()
        theme().changed.connect(self._dress)
        self._dress()

    def _lay_out(self) -> None:
        bar = QHBoxLayout()
        bar.addWidget(self._heading)
        bar.addWidget(self.notes, 1)
        bar.addStretch(0)
        bar.addWidget(self.again)
        plots = QWidget()
        row = QHBoxLayout(plots)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        for plot in (self.left, self.right):
            card = QFrame()
            card.setProperty("role", "card")
            inner = QVBoxLayout(card)
            inner.setContentsMargins(1, 1, 6, 4)
            inner.addWidget(plot)
            plot.setMinimumHeight(plot.fontMetrics().height() * 11)
            row.addWidget(card, 1)
        settings = QWidget()
        column = QVBoxLayout(settings)
        column.setContentsMargins(0, 6, 0, 0)
        column.addWidget(self.differing)
        column.addWidget(self.tables["settings"], 1)
        self.pairs = QStackedWidget()
        self.pairs.addWidget(self.no_pairs)
        self.pairs.addWidget(self.tables["paired"])
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self.tables["runs"], "&Results")
        self.tabs.addTab(settings, "&Settings")
        self.tabs.addTab(self.pairs, "On the same &images")
        for name, view in self.tables.items():
            view.setModel(self.models[name])
            view.setWordWrap(False)
            view.setTextElideMode(Qt.ElideMiddle)  # the number at the end tells runs apart
            view.horizontalHeader().setStretchLastSection(True)
        split = QSplitter(Qt.Vertical)
        split.addWidget(plots)
        split.addWidget(self.tabs)
        split.setChildrenCollapsible(False)
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 2)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(16, 12, 16, 12)
        whole.setSpacing(10)
        whole.addLayout(bar)
        whole.addWidget(split, 1)

    def _connect(self) -> None:
        self.again.clicked.connect(lambda _: self.show_runs(self._folders))
        self.differing.toggled.connect(lambda _: self._fill_settings())
        self.models["runs"].itemChanged.connect(self._checked)
        self.tables["runs"].activated.connect(self._open)
        for plot in (self.left, self.right):
            plot.which.currentIndexChanged.connect(lambda _, plot=plot: self._draw(plot))
            plot.changed.connect(plot.redraw)
            plot.hovered.connect(self._hover)

    def _dress(self) -> None:
        self.again.setIcon(icon("reset"))
        if self.comparison is not None:
            self._fill()

    # ---- what is compared

    def show_runs(self, folders: list[RunFolder]) -> None:
        """Read these runs in the background, then show them."""
        if [f.path for f in folders] != [f.path for f in self._folders]:
            self._shown = [True] * len(folders)
        self._folders = list(folders)
        self._heading.setText("Reading the runs…")
        self._let_go()
        self._errand = Errand(lambda: compare_runs(folders), self)
        self._errand.done.connect(self.show_comparison)
        self._errand.failed.connect(self._not_read)
        self._errand.start()

    def _not_read(self, reason: str) -> None:
        self._heading.setText("Comparison")
        self.failed.emit(reason)

    def show_comparison(self, found: Comparison) -> None:
        """Show what was read."""
        self.comparison = found
        self._shown = self._shown if len(self._shown) == len(found.runs) else [True] * len(found.runs)
        self._series = {
            (place, name): _series(points)
            for place, run in enumerate(found.runs)
            for name, points in run.curves.items()
        }
        names = found.curve_names
        metric = f"metric:{found.runs[0].metric}"
        self.left.offer(names, metric)
        self.right.offer(names, "val_loss")
        self._heading.setText(f"Comparison of {count(len(found.runs), 'run')}")
        self.notes.setText(" ".join(found.notes))
        self.notes.setVisible(bool(found.notes))
        self._fill()

    def _fill(self) -> None:
        found = self.comparison
        assert found is not None, "read before it is shown"
        self._filling = True
        fill_runs(self.models["runs"], found, self._shown, self.fontMetrics().height())
        self._filling = False
        fill_paired(self.models["paired"], found)
        self.pairs.setCurrentIndex(int(bool(found.paired)))
        self._fill_settings()
        side = self.fontMetrics().height()
        self.tables["runs"].setIconSize(QSize(2 * side, side))
        self._fit_columns()
        for plot in (self.left, self.right):
            self._draw(plot)

    def _fill_settings(self) -> None:
        if self.comparison is None:
            return
        number = fill_settings(
            self.models["settings"], self.comparison, _labels(), self.differing.isChecked()
        )
        self.tabs.setTabText(1, f"&Settings ({number} {'differs' if number == 1 else 'differ'})")
        self._fit_columns()

    def _fit_columns(self) -> None:
        most = max(160, self.width() // 4)
        for view in self.tables.values():
            header: QHeaderView = view.horizontalHeader()
            for column in range(header.count() - 1):
                wide = max(view.sizeHintForColumn(column) + 18, header.sectionSizeHint(column) + 6)
                header.resizeSection(column, min(wide, most))
        for row in range(self.models["paired"].rowCount()):
            head = self.models["paired"].item(row, 1)
            if head is not None and not head.text():
                self.tables["paired"].setSpan(row, 0, 1, self.models["paired"].columnCount())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """More room, or less."""
        super().resizeEvent(event)
        self._fit_columns()

    # ---- the curves

    def _draw(self, plot: _Plot) -> None:
        if self.comparison is None:
            return
        name = plot.which.currentData()
        curves = []
        for place in range(len(self.comparison.runs)):
            series = self._series.get((place, name))
            if self._shown[place] and series is not None:
                role, dashed = role_of(place)
                curves.append(Curve("", role, series, dashed=dashed))
        plot.set_title(plot.which.currentText())
        plot.set_curves(curves)
        plot.redraw()

    def _hover(self, x: float | None) -> None:
        for plot in (self.left, self.right):
            plot.set_cross(x)

    def _checked(self, item: QStandardItem) -> None:
        if self._filling or item.column() != 0:
            return
        self._shown[item.row()] = item.checkState() == Qt.Checked
        for plot in (self.left, self.right):
            self._draw(plot)

    def _open(self, index: QModelIndex) -> None:
        if self.comparison is not None:
            path: Path = self.comparison.runs[index.row()].folder.path
            self.run_asked.emit(path)

    def _let_go(self) -> None:
        if self._errand is not None:
            self._errand.stop()
            self._errand = None

    def close_tool(self) -> None:
        """The tab goes."""
        self._let_go()


def _series(points: list[tuple[int, float | None]]) -> Series:
    made = Series()
    for epoch, value in points:
        made.append(epoch, value)
    return made


def _labels() -> Mapping[str, str]:
    return {o.key: f"{o.label} ({o.key})" for info in TASKS.values() for o in options(info.config)}

"""Read-only tables of a run: values of each class, and the configuration with the layer of each value."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PyQt5.QtCore import QSortFilterProxyModel, Qt
from PyQt5.QtGui import QFont, QKeySequence, QShowEvent, QStandardItem, QStandardItemModel
from PyQt5.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QShortcut,
    QStackedLayout,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from src.ui.run_data import RunData
from src.ui.text import metric_title, number, singular
from src.ui.theme import class_colours
from src.ui.widgets.choice import Choice
from src.ui.widgets.empty import EmptyState


def table(name: str) -> QTableView:
    """A table that is read, sorted, copied and walked through by keys."""
    view = QTableView()
    view.setAccessibleName(name)
    view.setEditTriggers(QAbstractItemView.NoEditTriggers)
    view.setSelectionBehavior(QAbstractItemView.SelectRows)
    view.setSelectionMode(QAbstractItemView.ExtendedSelection)
    view.setShowGrid(False)
    view.setAlternatingRowColors(True)
    view.setTabKeyNavigation(False)
    view.verticalHeader().hide()
    view.verticalHeader().setDefaultSectionSize(int(view.fontMetrics().height() * 1.9))
    view.horizontalHeader().setHighlightSections(False)
    view.horizontalHeader().setDefaultAlignment(Qt.AlignLeft | Qt.AlignVCenter)
    QShortcut(
        QKeySequence(QKeySequence.Copy), view, activated=lambda: copy_rows(view), context=Qt.WidgetShortcut
    )
    return view


def copy_rows(view: QTableView) -> None:
    """The chosen rows (all, when none is chosen) to the clipboard, as columns that a spreadsheet takes."""
    model = view.model()
    rows = sorted({i.row() for i in view.selectedIndexes()}) or list(range(model.rowCount()))
    head = "\t".join(str(model.headerData(c, Qt.Horizontal) or "") for c in range(model.columnCount()))
    body = ["\t".join(str(model.index(r, c).data() or "") for c in range(model.columnCount())) for r in rows]
    QApplication.clipboard().setText("\n".join([head, *body]))


def _item(text: str, sort: Any = None, right: bool = False) -> QStandardItem:
    item = QStandardItem(text)
    item.setData(text.lower() if sort is None else sort, Qt.UserRole)
    if right:
        item.setTextAlignment(Qt.AlignRight | Qt.AlignVCenter)
    return item


class ClassesPage(QWidget):
    """Values of each class at the best or at the newest epoch."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._data = RunData()
        self.which = Choice("Values of", ["Best epoch", "Newest epoch"])
        self.which.changed.connect(lambda _: self.mark())
        self._about = QLabel()
        self._about.setProperty("role", "muted")
        self._model = QStandardItemModel(self)
        self._model.setSortRole(Qt.UserRole)
        self.view = table("Values of each class")
        self.view.setModel(self._model)
        self.view.setSortingEnabled(True)
        row = QHBoxLayout()
        row.setContentsMargins(16, 10, 16, 8)
        row.addWidget(self.which)
        row.addSpacing(8)
        row.addWidget(self._about, 1)
        full = QWidget()
        column = QVBoxLayout(full)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(row)
        inner = QVBoxLayout()
        inner.setContentsMargins(16, 0, 16, 16)
        inner.addWidget(self.view)
        column.addLayout(inner, 1)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(
            EmptyState(
                "layers", "No values yet", "After the first epoch the values of each class stand here."
            )
        )
        self._stack.addWidget(full)

    def set_data(self, data: RunData) -> None:
        """Show another run."""
        self._data = data
        self.mark()

    def mark(self) -> None:
        """An epoch was completed; the table follows when it is on the screen."""
        if not self.isVisible():
            return
        row = self._row()
        per_class: dict[str, dict[str, Any]] = (row or {}).get("per_class") or {}
        self._stack.setCurrentIndex(1 if per_class else 0)
        if not row or not per_class:
            return
        names = list(dict.fromkeys(name for values in per_class.values() for name in values))
        header = self.view.horizontalHeader()
        sorted_by, order = header.sortIndicatorSection(), header.sortIndicatorOrder()
        known = self._model.columnCount() == len(names) + 1
        self._model.clear()
        self._model.setHorizontalHeaderLabels(["Class", *map(metric_title, names)])
        shades = class_colours(max(2, len(per_class)))
        order_of = [str(c) for c in self._data.started.get("class_names") or per_class]
        for position, (label, values) in enumerate(per_class.items()):
            place = order_of.index(label) if label in order_of else position
            first = _item(f"  {label}", place)
            first.setData(_swatch(shades[place % len(shades)]), Qt.DecorationRole)
            cells = [
                _item(number(values.get(n)), values.get(n) if values.get(n) is not None else -1.0)
                for n in names
            ]
            self._model.appendRow([first, *cells])
        self.view.horizontalHeader().setSectionResizeMode(QHeaderView.Stretch)
        self.view.sortByColumn(sorted_by if known else 0, order if known else Qt.AscendingOrder)
        self._about.setText(
            f"Validation {_of_validation(str(self._data.started.get('task') or ''), row['epoch'])}"
        )

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.mark()

    def _row(self) -> dict[str, Any] | None:
        epochs = self._data.epochs
        if not epochs:
            return None
        if self.which.index == 1:
            return epochs[-1]
        return next((e for e in reversed(epochs) if e["epoch"] == self._data.best_epoch), epochs[-1])


def _swatch(shade: Any) -> Any:
    from PyQt5.QtGui import QColor, QPainter, QPixmap

    pixmap = QPixmap(14, 14)
    pixmap.fill(Qt.transparent)
    painter = QPainter(pixmap)
    painter.setPen(QColor(128, 128, 128))
    painter.setBrush(shade)
    painter.drawRect(1, 1, 11, 11)
    painter.end()
    return pixmap


class SettingsPage(QWidget):
    """The resolved configuration of a run; values that somebody chose stand out."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = QStandardItemModel(0, 4, self)
        self._proxy = _Filter(self)
        self._proxy.setSourceModel(self._model)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Find a setting")
        self.filter.setAccessibleName("Find a setting")
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(self._proxy.look_for)
        self.which = Choice("Show", ["All", "Changed from the default"])
        self.which.changed.connect(self._proxy.only_changed)
        self.view = table("Settings of the run")
        self.view.setModel(self._proxy)
        row = QHBoxLayout()
        row.addWidget(self.filter, 1)
        row.addWidget(self.which)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 10, 16, 16)
        column.setSpacing(8)
        column.addLayout(row)
        column.addWidget(self.view, 1)

    def show_config(self, path: Path) -> None:
        """Read a run's ``config.yaml``; a damaged file is told in the table."""
        from src.core.config import ConfigError, flatten, read_yaml

        self._model.clear()
        self._model.setHorizontalHeaderLabels(["Setting", "Value", "Set by", "Name in the file"])
        try:
            values = dict(read_yaml(path))
        except ConfigError as error:
            self._model.appendRow(
                [_item("The settings cannot be read."), _item(str(error)), _item(""), _item("")]
            )
            return
        origins = values.pop("origins", None) or {}
        labels = _labels(str(values.get("task", "")))
        bold = QFont(self.font())
        bold.setWeight(QFont.DemiBold)
        for key, value in flatten(values).items():
            label, unit, help_text = labels.get(key, (key, "", ""))
            origin = str(origins.get(key, "default"))
            cells = [_item(label), _item(_shown(value, unit)), _item(origin), _item(key)]
            for cell in cells:
                cell.setToolTip(help_text)
                if origin != "default":
                    cell.setFont(bold)
            self._model.appendRow(cells)
        header = self.view.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.Interactive)
        self.view.resizeColumnsToContents()
        for column_of, most in ((0, 260), (1, 420), (2, 140)):
            header.resizeSection(column_of, min(most, max(header.sectionSize(column_of) + 24, 110)))
        header.setStretchLastSection(True)


class _Filter(QSortFilterProxyModel):
    """By words in any column, and by whether the value is a default."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._text = ""
        self._changed = False

    def look_for(self, text: str) -> None:
        self._text = text.casefold()
        self.invalidateFilter()

    def only_changed(self, index: int) -> None:
        self._changed = index == 1
        self.invalidateFilter()

    def filterAcceptsRow(self, row: int, parent: Any) -> bool:
        model = self.sourceModel()
        cells = [str(model.index(row, c, parent).data() or "") for c in range(4)]
        if self._changed and cells[2] == "default":
            return False
        return self._text in " ".join(cells).casefold()


def _shown(value: Any, unit: str) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(str, value)) or "–"
    text = str(value)
    return f"{text} {singular(unit) if value == 1 else unit}".strip() if text else "–"


def _of_validation(task: str, epoch: Any) -> str:
    """From what the values of an epoch come: images and all their pixels, or whatever the task's samples are."""
    from src.core.dataset.contract import IMAGES_WITH_MASKS
    from src.tasks.catalog import TASKS

    look = TASKS[task].look if task in TASKS else IMAGES_WITH_MASKS
    return f"{look.noun.many}, epoch {epoch}" + (", all pixels together" if look.masks else "")


def _labels(task: str) -> dict[str, tuple[str, str, str]]:
    from src.core.config import ConfigError, options
    from src.tasks.catalog import task_info

    try:
        schema = task_info(task).config
    except ConfigError:  # a run of a newer version of the program: its own names are shown
        return {}
    found = {}
    for item in options(schema):
        group = f"{item.group}: " if item.group else ""
        found[item.key] = (group + item.label, item.unit, item.help)
    return found

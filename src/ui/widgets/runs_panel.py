"""The list of runs: what each is called, its state in a word and a shape, how far and how good it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PyQt5.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPoint,
    QRect,
    QSize,
    QSortFilterProxyModel,
    Qt,
    pyqtSignal,
)
from PyQt5.QtGui import QFont, QFontMetrics, QPainter
from PyQt5.QtWidgets import (
    QLabel,
    QLineEdit,
    QListView,
    QMenu,
    QStackedLayout,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from src.ui.icons import STATE_ROLES, icon, paint_icon, state_icon_name
from src.ui.text import metric_title, moment, number, run_title
from src.ui.theme import colour, sized_font, theme
from src.ui.widgets.job_menu import add_jobs, has_model
from src.ui.wording import in_words

SUMMARY = Qt.UserRole + 1


def _titles() -> dict[str, str]:
    from src.core.run import TITLES

    return TITLES


def state_words(summary: Any) -> str:
    """State, progress and best value in one line."""
    parts = [_titles()[summary.state]]
    if summary.epochs and summary.state != "completed":
        parts.append(f"{summary.epoch:,} of {summary.epochs:,}")
    if summary.best_value is not None:
        parts.append(f"{metric_title(summary.metric)} {number(summary.best_value, 3)}")
    return " · ".join(parts)


class RunsModel(QAbstractListModel):
    """`RunSummary` objects, the newest first."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runs: list[Any] = []

    def put(self, runs: list[Any]) -> None:
        """The list now; rows that stay are updated, so that the choice is kept."""
        if [r.folder.path for r in runs] == [r.folder.path for r in self._runs]:
            changed = [k for k, (a, b) in enumerate(zip(self._runs, runs, strict=True)) if a != b]
            self._runs = runs
            for row in changed:
                self.dataChanged.emit(self.index(row), self.index(row))
            return
        self.beginResetModel()
        self._runs = runs
        self.endResetModel()

    def runs(self) -> list[Any]:
        """What is listed."""
        return self._runs

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._runs)

    def data(self, index: QModelIndex, role: int = Qt.DisplayRole) -> Any:
        if not index.isValid():
            return None
        run = self._runs[index.row()]
        if role == SUMMARY:
            return run
        if role == Qt.DisplayRole:
            return run_title(run.folder.name)
        if role == Qt.AccessibleTextRole:
            return f"{run_title(run.folder.name)}, {state_words(run)}, started {moment(run.started)}"
        if role == Qt.ToolTipRole:
            return "\n".join(filter(None, [str(run.folder.path), in_words(run.cause), in_words(run.cure)]))
        return None


class _Filter(QSortFilterProxyModel):
    """By name, state and best value, any of them in any case."""

    text = ""

    def look_for(self, text: str) -> None:
        self.text = text.casefold()
        self.invalidateFilter()

    def filterAcceptsRow(self, row: int, parent: QModelIndex) -> bool:
        index = self.sourceModel().index(row, 0, parent)
        run = index.data(SUMMARY)
        text = f"{index.data(Qt.AccessibleTextRole)} {run.folder.name}".casefold()
        return all(word in text for word in self.text.split())


class _Delegate(QStyledItemDelegate):
    """Name and time, then the state; a thin bar while the run works."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        return QSize(120, int(QFontMetrics(option.font).height() * 3.1))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        run = index.data(SUMMARY)
        area = option.rect
        painter.save()
        chosen = bool(option.state & QStyle.State_Selected)
        if chosen or option.state & QStyle.State_MouseOver:
            painter.fillRect(area, colour("selected" if chosen else "hover"))
        if option.state & QStyle.State_HasFocus and chosen:
            painter.setPen(colour("accent"))
            painter.drawRect(area.adjusted(0, 0, -1, -1))
        inside = area.adjusted(12, 0, -12, 0)
        bold = sized_font(option.widget, 1.0, QFont.DemiBold)
        small = sized_font(option.widget, 0.9)
        height = QFontMetrics(bold).height()
        top = area.top() + (area.height() - int(2.25 * height)) // 2
        side = int(height * 0.95)
        paint_icon(
            painter, state_icon_name(run.state), STATE_ROLES[run.state], QPoint(inside.left(), top), side
        )
        left = inside.left() + side + 8
        when = moment(run.started)
        painter.setFont(small)
        painter.setPen(colour("muted"))
        wide = QFontMetrics(small).horizontalAdvance(when) + 6
        second = top + int(1.2 * height)
        painter.drawText(
            QRect(inside.right() - wide, second, wide, height), Qt.AlignRight | Qt.AlignVCenter, when
        )
        painter.setFont(bold)
        painter.setPen(colour("text"))
        room = inside.right() - left
        name = QFontMetrics(bold).elidedText(index.data(Qt.DisplayRole), Qt.ElideMiddle, room)
        painter.drawText(QRect(left, top, room, height), Qt.AlignLeft | Qt.AlignVCenter, name)
        painter.setFont(small)
        painter.setPen(colour(STATE_ROLES[run.state] if run.state in ("failed", "killed") else "muted"))
        line = QRect(left, second, inside.right() - left - wide - 4, height)
        words = QFontMetrics(small).elidedText(state_words(run), Qt.ElideRight, line.width())
        painter.drawText(line, Qt.AlignLeft | Qt.AlignVCenter, words)
        if run.alive and run.epochs:
            bar = QRect(left, area.bottom() - 4, inside.right() - left, 3)
            painter.fillRect(bar, colour("border"))
            bar.setWidth(round(bar.width() * min(1.0, run.epoch / run.epochs)))
            painter.fillRect(bar, colour("accent"))
        painter.restore()


class RunsPanel(QWidget):
    """Heading, filter and list.

    Signals:
        opened(object): A `RunFolder` to be shown.
        ordered(object, str): A run and an order: ``stop``, ``pause``, ``finish_epoch``, ``resume``,
            ``folder``, or ``job:`` and the id of a job with its model.
    """

    opened = pyqtSignal(object)
    ordered = pyqtSignal(object, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = RunsModel(self)
        self._proxy = _Filter(self)
        self._proxy.setSourceModel(self.model)
        self._heading = QLabel("Runs")
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Find by name or state")
        self.filter.setAccessibleName("Find a run by name or state")
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(self._search)
        self.list = QListView()
        self.list.setModel(self._proxy)
        self.list.setItemDelegate(_Delegate(self.list))
        self.list.setMouseTracking(True)
        self.list.setAccessibleName("Runs")
        self.list.setUniformItemSizes(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.list.setContextMenuPolicy(Qt.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._menu)
        self.list.clicked.connect(self._open)
        self.list.activated.connect(self._open)
        self._none = QLabel()
        self._none.setProperty("role", "muted")
        self._none.setWordWrap(True)
        self._none.setAlignment(Qt.AlignTop)
        self._none.setMargin(8)
        holder = QWidget()
        self._stack = QStackedLayout(holder)
        self._stack.addWidget(self.list)
        self._stack.addWidget(self._none)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 10, 10, 10)
        column.setSpacing(8)
        column.addWidget(self._heading)
        column.addWidget(self.filter)
        column.addWidget(holder, 1)
        self.setMinimumWidth(200)
        theme().changed.connect(self._dress)
        self._dress()
        self._say()

    def _dress(self) -> None:
        self._heading.setFont(sized_font(self, 1.05, QFont.DemiBold))
        self.list.doItemsLayout()

    def put(self, runs: list[Any]) -> None:
        """The runs now."""
        shown = self.chosen()
        self.model.put(runs)
        live = sum(r.alive for r in runs)
        self._heading.setText(f"Runs · {live} running" if live else "Runs")
        if shown:
            self.choose(shown.folder.path)
        self._say()

    def _search(self, text: str) -> None:
        self._proxy.look_for(text)
        self._say()

    def _say(self) -> None:
        empty = self._proxy.rowCount() == 0
        self._stack.setCurrentIndex(int(empty))
        if self.filter.text():
            self._none.setText(f"No run has “{self.filter.text()}” in its name or state.")
        else:
            self._none.setText("No runs yet. Tools > Train Model… starts the first one.")

    def chosen(self) -> Any:
        """Summary of the chosen run, or None."""
        index = self.list.currentIndex()
        return index.data(SUMMARY) if index.isValid() else None

    def choose(self, path: Path) -> None:
        """Mark a run without opening it."""
        for row in range(self._proxy.rowCount()):
            index = self._proxy.index(row, 0)
            if index.data(SUMMARY).folder.path == path:
                self.list.setCurrentIndex(index)
                return
        self.list.clearSelection()

    def _open(self, index: QModelIndex) -> None:
        self.opened.emit(index.data(SUMMARY).folder)

    def _menu(self, place: QPoint) -> None:
        index = self.list.indexAt(place)
        if index.isValid():
            self.menu_of(index.data(SUMMARY)).popup(self.list.viewport().mapToGlobal(place))

    def menu_of(self, run: Any) -> QMenu:
        """The context menu of a run: only what can be done with it now."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WA_DeleteOnClose)
        orders = [("open", "&Show", "run-folder"), ("folder", "Open &Folder", "folder")]
        if run.alive:
            orders += [
                ("finish_epoch", "Finish This &Epoch", "finish"),
                ("pause", "&Pause", "pause"),
                ("stop", "S&top", "stop"),
            ]
        elif run.resumable and run.state != "new":
            orders.append(("resume", "&Resume", "resume"))
        for order, text, picture in orders:
            action = menu.addAction(icon(picture), text)
            action.setObjectName(order)
            action.triggered.connect(lambda _=False, order=order: self._order(run.folder, order))
        if has_model(run.folder):
            menu.addSeparator()
            add_jobs(menu, lambda job: self._order(run.folder, f"job:{job}"))
        return menu

    def _order(self, folder: Any, order: str) -> None:
        self.opened.emit(folder) if order == "open" else self.ordered.emit(folder, order)

"""The list of runs as a model, a filter and rows that are drawn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
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
)
from PyQt5.QtGui import QFont, QFontMetrics, QPainter
from PyQt5.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from src.ui.icons import paint_icon, run_look
from src.ui.text import metric_title, moment, number, run_title
from src.ui.theme import colour, sized_font
from src.ui.wording import in_words

SUMMARY = Qt.UserRole + 1


def state_words(summary: Any) -> str:
    """State, progress and best value in one line."""
    verdict = summary.verdict  # by itself it says enough, and the row is narrow
    parts = [verdict[:1].upper() + verdict[1:] if verdict else summary.title]
    if summary.epochs and summary.state != "completed":
        parts.append(f"{summary.epoch:,} of {summary.epochs:,}")
    if summary.best_value is not None:
        parts.append(f"{metric_title(summary.metric)} {number(summary.best_value, 3)}")
    return " · ".join(parts)


def tag_words(tags: Iterable[str]) -> str:
    """``#baseline #night``."""
    return " ".join(f"#{tag}" for tag in tags)


class RunsModel(QAbstractListModel):
    """`RunSummary` objects, the newest first."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runs: list[Any] = []

    def put(self, runs: list[Any]) -> None:
        """The list now; rows that stay are updated, so that the choice is kept."""
        if [r.folder.path for r in runs] == [r.folder.path for r in self._runs]:
            before, self._runs = self._runs, runs
            pairs = list(enumerate(zip(before, runs, strict=True)))
            for row in [k for k, (a, b) in pairs if a != b]:
                self.dataChanged.emit(self.index(row), self.index(row))
            if any(bool(a.said.tags) != bool(b.said.tags) for _, (a, b) in pairs):
                self.layoutChanged.emit()  # a row with tags is higher
            return
        self.beginResetModel()
        self._runs = runs
        self.endResetModel()

    def runs(self) -> list[Any]:
        """What is listed."""
        return self._runs

    def mark(self, path: Path, said: Any) -> None:
        """What a person said of a run has changed; shown at once, before the folder is read again."""
        self.put([replace(r, said=said) if r.folder.path == path else r for r in self._runs])

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
            star = "starred, " if run.said.starred else ""
            tags = f", {tag_words(run.said.tags)}" if run.said.tags else ""
            return (
                f"{run_title(run.folder.name)}, {star}{state_words(run)}, started {moment(run.started)}{tags}"
            )
        if role == Qt.ToolTipRole:
            said = [tag_words(run.said.tags), run.said.notes]
            return "\n".join(
                filter(None, [str(run.folder.path), in_words(run.cause), in_words(run.cure), *said])
            )
        return None


#: What may be asked for in the filter to the states that it means.
STATE_GROUPS: dict[str, tuple[str, ...]] = {
    "Running": ("starting", "running"),
    "Completed": ("completed", "stopped_early"),
    "Stopped or paused": ("stopped", "paused"),
    "Failed": ("failed", "killed"),
    "Not started or queued": ("new",),
}


@dataclass(frozen=True)
class Wanted:
    """What a run has to be to be listed; an empty part asks for nothing.

    Attributes:
        text: All of these words somewhere in name, state, value, tags and notes; ``#word`` in a tag.
        groups: One of these of `STATE_GROUPS`.
        tags: All of these tags.
        starred: A star.
    """

    text: str = ""
    groups: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    starred: bool = False

    def fits(self, run: Any, words: str) -> bool:
        """Whether a run is listed; ``words`` is what is known of it as text."""
        said = run.said
        text = f"{words} {run.folder.name} {said.notes}".casefold()
        return (
            (said.starred or not self.starred)
            and (not self.groups or any(run.state in STATE_GROUPS[g] for g in self.groups))
            and self.tags <= {tag.casefold() for tag in said.tags}
            and all(word in text for word in self.text.casefold().split())
        )

    def words(self) -> str:
        """What is asked for beside the text: ``Starred, Failed, #night``."""
        tags = [f"#{tag}" for tag in sorted(self.tags)]
        return ", ".join([*(["Starred"] if self.starred else []), *sorted(self.groups), *tags])


class RunsFilter(QSortFilterProxyModel):
    """The runs that are `wanted`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.wanted = Wanted()

    def want(self, wanted: Wanted) -> None:
        """List these from now on."""
        self.wanted = wanted
        self.invalidateFilter()

    def filterAcceptsRow(self, row: int, parent: QModelIndex) -> bool:
        index = self.sourceModel().index(row, 0, parent)
        return self.wanted.fits(index.data(SUMMARY), str(index.data(Qt.AccessibleTextRole)))


class RunDelegate(QStyledItemDelegate):
    """Name and time, then the state, then tags where there are some; a thin bar while the run works."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        lines = 4.1 if index.data(SUMMARY).said.tags else 3.1
        return QSize(120, int(QFontMetrics(option.font).height() * lines))

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
        lines = 3.2 if run.said.tags else 2.25
        top = area.top() + (area.height() - int(lines * height)) // 2
        side = int(height * 0.95)
        paint_icon(painter, *run_look(run), QPoint(inside.left(), top), side)
        left = inside.left() + side + 8
        when = moment(run.started).removeprefix("today ")  # the room is needed for the state
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
        if run.said.starred:
            room -= side + 4
            paint_icon(painter, "star-full", "warn", QPoint(inside.right() - side, top), side)
        name = QFontMetrics(bold).elidedText(index.data(Qt.DisplayRole), Qt.ElideMiddle, room)
        painter.drawText(QRect(left, top, room, height), Qt.AlignLeft | Qt.AlignVCenter, name)
        painter.setFont(small)
        loud = run.verdict or run.state in ("failed", "killed")
        painter.setPen(colour(run_look(run)[1] if loud else "muted"))
        line = QRect(left, second, inside.right() - left - wide - 4, height)
        metrics = QFontMetrics(small)
        words = metrics.elidedText(state_words(run), Qt.ElideRight, line.width())
        painter.drawText(line, Qt.AlignLeft | Qt.AlignVCenter, words)
        if run.said.tags:
            third = QRect(left, second + int(0.95 * height), room, height)
            painter.setPen(colour("accent"))
            tags = metrics.elidedText(tag_words(run.said.tags), Qt.ElideRight, room)
            painter.drawText(third, Qt.AlignLeft | Qt.AlignVCenter, tags)
        if run.alive and run.epochs:
            bar = QRect(left, area.bottom() - 4, inside.right() - left, 3)
            painter.fillRect(bar, colour("border"))
            bar.setWidth(round(bar.width() * min(1.0, run.epoch / run.epochs)))
            painter.fillRect(bar, colour("accent"))
        painter.restore()

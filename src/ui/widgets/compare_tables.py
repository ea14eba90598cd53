"""The tables of a comparison: the runs with their results, the settings, the measures on the same images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PyQt5.QtCore import QPointF, QSize, Qt
from PyQt5.QtGui import QFont, QIcon, QPainter, QPen, QPixmap, QStandardItem, QStandardItemModel

from src.core.run import TITLES
from src.core.run.compare import Comparison, Paired
from src.ui.text import DASH, duration, metric_title, number, run_title
from src.ui.theme import colour

RUN_HEADS = ("Run", "State", "Best", "Epoch", "Epochs", "Time", "An epoch", "Speed", "Device", "Parameters")
PAIRED_HEADS = ("On the same images", "First", "Second", "Difference", "95 % interval", "By chance?")
_DASHED_FROM = 4


def role_of(place: int) -> tuple[str, bool]:
    """Colour role and whether the stroke is dashed, for the run at a place from 0."""
    return f"run_{place + 1}", place >= _DASHED_FROM


def swatch(place: int, side: int) -> QIcon:
    """The stroke of a run's curves."""
    role, dashed = role_of(place)
    picture = QPixmap(QSize(2 * side, side))
    picture.fill(Qt.transparent)
    painter = QPainter(picture)
    pen = QPen(colour(role), max(2.0, side / 5))
    pen.setStyle(Qt.DashLine if dashed else Qt.SolidLine)
    if dashed:
        pen.setDashPattern([2.2, 1.4])
    painter.setPen(pen)
    painter.drawLine(QPointF(1, side / 2), QPointF(2 * side - 1, side / 2))
    painter.end()
    return QIcon(picture)


def fill_runs(model: QStandardItemModel, found: Comparison, shown: Sequence[bool], side: int) -> None:
    """A row a run, with a check box that shows its curves."""
    model.clear()
    model.setHorizontalHeaderLabels(list(RUN_HEADS))
    for place, run in enumerate(found.runs):
        speed = f"{run.images_per_second:,.1f} samples/s" if run.images_per_second else DASH
        millions = f"{run.parameters / 1e6:.1f} M" if run.parameters else DASH
        best = DASH if run.best_value is None else f"{metric_title(run.metric)} {number(run.best_value)}"
        texts = (run_title(run.folder.name), TITLES[run.state], best, str(run.best_epoch or DASH),
                 f"{run.epochs:,} of {run.planned:,}" if run.planned else DASH, duration(run.seconds),
                 duration(run.epoch_seconds), speed, run.device or DASH, millions)  # fmt: skip
        items = [QStandardItem(text) for text in texts]
        items[0].setCheckable(True)
        items[0].setCheckState(Qt.Checked if shown[place] else Qt.Unchecked)
        items[0].setIcon(swatch(place, side))
        items[0].setToolTip(str(run.folder.path))
        if place == found.best:
            font = QFont(items[2].font())
            font.setBold(True)
            items[2].setFont(font)
            items[2].setText(f"{best}  (best)")
        model.appendRow(items)


def fill_settings(
    model: QStandardItemModel, found: Comparison, labels: Mapping[str, str], differing: bool
) -> int:
    """A row an option, those that differ first; returns how many differ."""
    model.clear()
    model.setHorizontalHeaderLabels(["Setting", *(run_title(run.folder.name) for run in found.runs)])
    rows = [s for s in found.settings if s.differs or not differing]
    for row in rows:
        items = [
            QStandardItem(labels.get(row.key) or row.key),
            *(QStandardItem(_value(v)) for v in row.values),
        ]
        items[0].setToolTip(row.key)
        if row.differs:
            font = QFont(items[0].font())
            font.setBold(True)
            for item in items:
                item.setFont(font)
        model.appendRow(items)
    return sum(s.differs for s in found.settings)


def _value(value: Any) -> str:
    if value is None or value == "":
        return DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def fill_paired(model: QStandardItemModel, found: Comparison) -> None:
    """A heading a pair, then a row a measure."""
    model.clear()
    model.setHorizontalHeaderLabels(list(PAIRED_HEADS))
    for pair in found.paired:
        names = [run_title(found.runs[place].folder.name) for place in (pair.first, pair.second)]
        head = QStandardItem(f"{names[1]}  against  {names[0]}" + _images(pair))
        font = QFont(head.font())
        font.setBold(True)
        head.setFont(font)
        model.appendRow([head, *(QStandardItem("") for _ in PAIRED_HEADS[1:])])
        if pair.problem:
            model.appendRow([QStandardItem(pair.problem), *(QStandardItem("") for _ in PAIRED_HEADS[1:])])
            continue
        for measure in pair.result["measures"]:
            name = metric_title(measure["name"]) + (
                ", mean of the images" if measure["over"] == "images" else ""
            )
            model.appendRow([QStandardItem(text) for text in (name, *_cells(measure))])


def _images(pair: Paired) -> str:
    return "" if pair.problem else f"  ({pair.result['images']:,} images)"


def _cells(measure: Mapping[str, Any]) -> tuple[str, ...]:
    difference, p = measure["difference"], measure["p"]
    low, high = difference["low"], difference["high"]
    interval = DASH if low is None or high is None else f"{_signed(low)} to {_signed(high)}"
    chance = DASH if p is None else f"no (p = {p:.3f})" if p < 0.05 else f"may be (p = {p:.2f})"
    return (number(measure["a"]), number(measure["b"]), _signed(difference["value"]), interval, chance)


def _signed(value: float | None) -> str:
    return DASH if value is None else f"{value:+.4f}"

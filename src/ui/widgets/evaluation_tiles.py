"""The numbers that count, large, each with its interval; and what must be seen beside them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QFont, QResizeEvent
from PyQt5.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from src.core.report.text import DASH, count, metric_title, number, percent
from src.ui.icons import icon
from src.ui.theme import set_role, sized_font, theme
from src.ui.widgets.evaluation_data import EvaluationData, between, chosen_on, figure
from src.ui.wording import in_words

if TYPE_CHECKING:
    from src.core.evaluation.document import Evaluation


#: Of the narrowest tile.
_LETTERS = 21


@dataclass(frozen=True)
class Number:
    """What a tile says: a heading, the number, its interval, and what it is made of."""

    title: str
    value: str
    interval: str
    about: str
    tip: str = ""


class Tile(QFrame):
    """One number as a card."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self._title, self._value, self._interval, self._about = (QLabel() for _ in range(4))
        for label in (self._title, self._interval, self._about):
            label.setTextFormat(Qt.PlainText)
            label.setWordWrap(True)
            label.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Preferred)
            if label is not self._interval:
                label.setProperty("role", "muted")
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 10, 14, 10)
        column.setSpacing(2)
        for label in (self._title, self._value, self._interval, self._about):
            column.addWidget(label)
        column.addStretch(1)
        theme().changed.connect(self._dress)
        self._dress()

    def put(self, number: Number) -> None:
        """Show this."""
        self._title.setText(number.title)
        self._value.setText(number.value)
        self._interval.setText(number.interval or " ")
        self._about.setText(number.about)
        self.setToolTip(number.tip)
        words = filter(None, (f"{number.title}: {number.value}.", number.interval, number.about))
        self.setAccessibleName(" ".join(words))

    def _dress(self) -> None:
        self._value.setFont(sized_font(self, 2.0, QFont.DemiBold))


class Tiles(QWidget):
    """Tiles of one size, as many side by side as there is room for, in lines of equal length."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tiles: list[Tile] = []
        self._columns = 0
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(10)

    def put(self, numbers: Iterable[Number]) -> None:
        """Show these."""
        shown = list(numbers)
        while len(self.tiles) > len(shown):
            tile = self.tiles.pop()
            self._grid.removeWidget(tile)
            tile.deleteLater()
        if len(self.tiles) != len(shown):
            self._columns = 0
        while len(self.tiles) < len(shown):
            self.tiles.append(Tile(self))
        for tile, one in zip(self.tiles, shown, strict=True):
            tile.put(one)
        self._place()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        many = max(1, len(self.tiles))
        room = max(1, (self.width() + 10) // (self.fontMetrics().averageCharWidth() * _LETTERS + 10))
        columns = -(-many // -(-many // room))
        if columns == self._columns:
            return
        self._columns = columns
        for tile in self.tiles:
            self._grid.removeWidget(tile)
        for place, tile in enumerate(self.tiles):
            self._grid.addWidget(tile, place // columns, place % columns)
        for column in range(max(self._grid.columnCount(), columns)):
            self._grid.setColumnStretch(column, int(column < columns))


class Strip(QFrame):
    """A sentence that has to be seen, for as long as what it says is so."""

    def __init__(self, text: str, level: str = "warn", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._level = level
        self._icon, self.text = QLabel(), QLabel(text)
        self.text.setWordWrap(True)
        self.text.setTextFormat(Qt.PlainText)
        self.text.setTextInteractionFlags(Qt.TextSelectableByMouse)
        self.setAccessibleName(text)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 7, 12, 7)
        row.setSpacing(10)
        row.addWidget(self._icon, 0, Qt.AlignTop)
        row.addWidget(self.text, 1)
        set_role(self, level)
        theme().changed.connect(self._dress)
        self._dress()

    def _dress(self) -> None:
        name = {"bad": "error", "warn": "warning"}.get(self._level, "info")
        self._icon.setPixmap(icon(name, self._level if self._level != "info" else "accent").pixmap(18, 18))


def put_strips(place: QVBoxLayout, shown: Iterable[tuple[str, str]]) -> None:
    """Show these, level and text, in the place of others."""
    while place.count():
        strip = place.takeAt(0).widget()
        strip.hide()
        strip.deleteLater()
    for level, text in shown:
        place.addWidget(Strip(text, level))


def headline(data: EvaluationData) -> list[Number]:
    """The tiles of an evaluation."""
    document = data.document
    key, metrics = document.metrics.primary, document.metrics
    pooled, mean = metrics.pooled[key], metrics.images[key]
    title, why = metric_title(key), document.interval.reason
    level = f"{100 * document.interval.level:.0f} %: "
    of = "the object" if document.binary else "all classes, mean"
    found = [
        Number(f"{title}, all pixels together", figure(pooled.value), _framed(level, between(pooled)), f"of {of}", why),
        Number(f"{title}, mean over images", figure(mean.value), _framed(level, between(mean)),
               f"median {figure(mean.median)}, {count(mean.images, 'image')}", why),
    ]  # fmt: skip
    return [*found, *_decision(document, level), _objects(document, level), *_threshold(document)]


def _framed(level: str, words: str) -> str:
    return level + words if words else "no interval"


def _decision(document: Evaluation, level: str) -> list[Number]:
    decision = document.decision
    auroc = Number(
        "Image with or without object: AUROC", figure(decision.auroc.value),
        _framed(level, between(decision.auroc)) if decision.auroc.value is not None else "",
        f"{decision.images_with:,} with, {decision.images_without:,} without", decision.reason or decision.score,
    )  # fmt: skip
    miss, alarms = decision.miss_rate, decision.false_alarm_rate
    if miss.value is None:
        about = decision.reason or "No threshold for this decision is known."
        return [auroc, Number("Images with an object missed", DASH, "", about, about)]
    says = f"at {percent(alarms.value)} false alarms (asked for {percent(decision.asked_false_alarm_rate)})"
    fitted = " Fitted on these images." if decision.fitted_here else ""
    many = f"{len(decision.missed):,} of {decision.images_with:,}"
    tip = f"{decision.score} Threshold {figure(decision.threshold)}, {chosen_on(decision.threshold_from)}."
    return [auroc, Number("Images with an object missed", percent(miss.value),
                          _framed(level, between(miss, share=True)), f"{many}, {says}.{fitted}", tip)]  # fmt: skip


def _objects(document: Evaluation, level: str) -> Number:
    objects = document.objects
    seen, many = sum(b.found for b in objects.bins), sum(b.objects for b in objects.bins)
    false = objects.false_per_image.value
    none_or = "no" if false == 0 else number(false, 3)
    about = f"{seen:,} of {many:,}; {none_or} false objects an image"
    shown = percent(objects.rate.value)
    interval = _framed(level, between(objects.rate, share=True)) if objects.rate.value is not None else ""
    return Number("Objects found", shown, interval, about, objects.sentence)


def _threshold(document: Evaluation) -> list[Number]:
    threshold = document.threshold
    if threshold.value is None:
        return []
    return [Number("Threshold", figure(threshold.value), "", _origin(document), threshold.sentence)]


def _origin(document: Evaluation) -> str:
    """Where the threshold comes from, in a few words."""
    threshold = document.threshold
    best = f"highest {metric_title(threshold.measure)}"
    return {
        "validation": f"{best} on the validation part",
        "stored": f"{best} on the validation part, chosen earlier",
        "evaluated": f"{best} on these very images",
        "given": "as it was given",
    }.get(threshold.source, "not chosen on any images")


def warnings(document: Evaluation) -> list[tuple[str, str]]:
    """Level and text of what must be read with the numbers; the worst first."""
    found = []
    mask, image = (
        document.threshold.fitted_here,
        document.decision.fitted_here and document.decision.threshold is not None,
    )
    if mask or image:
        what = "The threshold" if mask else "The threshold of the image decision"
        scores = "every score looks" if mask else "its miss rate and false alarms look"
        too = " So was the threshold of the image decision." if mask and image else ""
        words = f"{what} was fitted on the very images that judge it here: at it {scores} better than on new images."
        found.append(("bad", f"{words}{too} Do not report this as a test."))
    for note in document.notes:
        if note.severity == "warning" and note.code != "evaluation.fitted_here":
            found.append(("warn", in_words(f"{note.message} {note.cure}".strip())))
    return found

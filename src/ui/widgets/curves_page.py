"""The four plots of a run, redrawn a few times a second and one after the other, never all at once."""

from __future__ import annotations

import time

from PyQt5.QtCore import QSize, Qt, QTimer
from PyQt5.QtGui import QHideEvent, QShowEvent
from PyQt5.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFrame,
    QGridLayout,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from src.ui.run_data import RunData
from src.ui.series import Series
from src.ui.text import metric_title
from src.ui.widgets.curve_plot import CurvePlot
from src.ui.widgets.plot_legend import Curve
from src.ui.widgets.plot_range import Limits

_EACH_MS = 100
_BETWEEN_MS = 25
_NOTHING = Series()


class _Yielding(QComboBox):
    """As wide as the text that it shows, where there is room; beside a legend in a small window it gives way."""

    def __init__(self) -> None:
        super().__init__()
        self.currentIndexChanged.connect(lambda _: self.updateGeometry())

    def sizeHint(self) -> QSize:
        letters = self.fontMetrics()
        width = letters.horizontalAdvance(self.currentText()) + 3 * letters.horizontalAdvance("m")
        return QSize(max(width, self.minimumSizeHint().width()), super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance("m") * 7, super().minimumSizeHint().height())


class CurvesPage(QWidget):
    """Loss, metric, learning rate and resources of one run.

    `mark` says which parts of the run changed; what is on the screen follows at most ten times a second.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._data = RunData()
        self._dirty: dict[CurvePlot, float] = {}
        self._drawn: dict[CurvePlot, float] = {}
        self.loss = CurvePlot("Loss")
        self.validation = CurvePlot("Metric")
        self.validation.set_limits(Limits(0.0, 1.0, least=0.1))
        self.rate = CurvePlot("Learning rate")
        self.rate.set_limits(Limits(low=0.0, from_low=True))
        self.use = CurvePlot("Machine", time=True)
        self.use.set_limits(Limits(low=0.0, from_low=True))
        self._plots = (self.loss, self.validation, self.rate, self.use)
        self._log = QCheckBox("Lo&g")
        self._log.setToolTip("Logarithmic axis for the loss")
        self._log.toggled.connect(self.loss.set_log)
        self.loss.row.insertWidget(2, self._log)
        self._metrics = self._combo("Which metric is plotted", self.validation)
        self._metrics.currentIndexChanged.connect(lambda: self._later(self.validation))
        self._uses = self._combo("What of the machine is plotted", self.use)
        self._uses.addItems(["Load (%)", "Memory (GB)"])
        self._uses.currentIndexChanged.connect(lambda: self._later(self.use))
        inner_page = QWidget()
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.NoFocus)
        scroll.setWidget(inner_page)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(scroll)
        grid = QGridLayout(inner_page)
        grid.setContentsMargins(12, 12, 12, 12)
        grid.setSpacing(10)
        for index, plot in enumerate(self._plots):
            plot.setMinimumHeight(plot.fontMetrics().height() * 11)
            card = QFrame()
            card.setProperty("role", "card")
            inner = QVBoxLayout(card)
            inner.setContentsMargins(1, 1, 6, 4)
            inner.addWidget(plot)
            grid.addWidget(card, index // 2, index % 2)
            plot.hovered.connect(lambda x, source=plot: self._hover(x, source))
            plot.changed.connect(lambda source=plot: self._later(source))
        for index in (0, 1):
            grid.setRowStretch(index, 1)
            grid.setColumnStretch(index, 1)
        grid.setRowStretch(0, 5)
        grid.setRowStretch(1, 4)
        self._clock = QTimer(self)
        self._clock.setSingleShot(True)
        self._clock.timeout.connect(self._draw_next)

    def _combo(self, what: str, plot: CurvePlot) -> QComboBox:
        combo = _Yielding()
        combo.setAccessibleName(what)
        combo.setToolTip(what)
        combo.setSizePolicy(QSizePolicy.Maximum, QSizePolicy.Fixed)
        plot.row.insertWidget(1, combo)
        return combo

    def set_data(self, data: RunData) -> None:
        """Show another run (or the same one, read again)."""
        self._data = data
        self._metrics.clear()
        for plot in self._plots:
            plot.set_curves([])
            plot.set_best(None)
            plot.show_all()
        self.mark({"epochs", "batches", "resources"})

    def mark(self, changed: set[str]) -> None:
        """Parts of the run changed."""
        if "epochs" in changed:
            for plot in (self.loss, self.validation, self.rate):
                self._later(plot)
        elif "batches" in changed:
            self._later(self.loss)
        if "resources" in changed:
            self._later(self.use)

    def _later(self, plot: CurvePlot) -> None:
        self._dirty.setdefault(plot, time.monotonic())
        if self.isVisible() and not self._clock.isActive():
            self._clock.start(_BETWEEN_MS)

    def _draw_next(self) -> None:
        now = time.monotonic()
        ready = [p for p in self._dirty if now - self._drawn.get(p, 0.0) >= _EACH_MS / 1000]
        if ready:
            plot = min(ready, key=lambda p: self._dirty[p])
            del self._dirty[plot]
            self._give(plot)
            plot.redraw()
            self._drawn[plot] = time.monotonic()
        if self._dirty and self.isVisible():
            self._clock.start(_BETWEEN_MS)

    def _give(self, plot: CurvePlot) -> None:
        data = self._data
        if plot is self.loss:
            plot.set_curves(
                [
                    Curve("each batch", "plot_train", data.batch_loss, pale=True),
                    Curve("training", "plot_train", data.curves.get("train_loss", _NOTHING)),
                    Curve("validation", "plot_val", data.curves.get("val_loss", _NOTHING)),
                ]
            )
            plot.set_best(data.best_epoch)
        elif plot is self.validation:
            self._give_metric()
        elif plot is self.rate:
            plot.set_curves([Curve("", "plot_rate", data.curves.get("lr", _NOTHING))])
        else:
            self._give_use()

    def _give_metric(self) -> None:
        data, combo = self._data, self._metrics
        keys = [k.removeprefix("metric:") for k in data.curves if k.startswith("metric:")]
        if [combo.itemData(i) for i in range(combo.count())] != keys:
            chosen = combo.currentData() or data.metric
            combo.blockSignals(True)
            combo.clear()
            for key in keys:
                combo.addItem(metric_title(key), key)
            combo.setCurrentIndex(max(0, combo.findData(chosen)))
            combo.view().setMinimumWidth(combo.view().sizeHintForColumn(0) + 24)  # the list shows whole names
            combo.blockSignals(False)
            combo.updateGeometry()
        combo.setVisible(len(keys) > 1)
        key = combo.currentData() or data.metric
        self.validation.set_title(
            "Validation" if len(keys) > 1 else "Validation " + (metric_title(key) if key else "metric")
        )
        self.validation.set_curves([Curve("", "plot_val", data.curves.get(f"metric:{key}", _NOTHING))])
        self.validation.set_best(data.best_epoch, data.best_value if key == data.metric else None)

    def _give_use(self) -> None:
        get = self._data.resources.get
        if self._uses.currentIndex() == 0:
            wanted = [
                ("processor", "plot_a", "cpu_percent", 1.0),
                ("GPU", "plot_b", "gpu_percent", 1.0),
                ("waiting", "plot_c", "wait_share", 100.0),
            ]
            unit = " %"
        else:
            wanted = [
                ("memory", "plot_a", "memory_mb", 1 / 1024),
                ("GPU memory", "plot_b", "gpu_memory_mb", 1 / 1024),
            ]
            unit = " GB"
        self.use.set_curves(
            [
                Curve(n, r, s, f, unit=unit)
                for n, r, k, f in wanted
                if (s := get(k)) is not None and _has_values(s)
            ]
        )

    def _hover(self, x: float | None, source: CurvePlot) -> None:
        for plot in self._plots if source is not self.use else (self.use,):
            if plot is self.use and source is not self.use:
                continue
            plot.set_cross(x)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._dirty:
            self._clock.start(0)

    def hideEvent(self, event: QHideEvent) -> None:
        self._clock.stop()
        super().hideEvent(event)


def _has_values(series: Series) -> bool:
    import numpy as np

    return bool(len(series)) and bool(np.isfinite(series.y[-200:]).any())

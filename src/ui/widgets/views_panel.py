"""The views of one sample: those over time below each other, the others beside them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtGui import QKeySequence
from PyQt5.QtWidgets import QHBoxLayout, QShortcut, QVBoxLayout, QWidget

from src.core.dataset.shown import Shown
from src.core.dataset.views import TIME, Views
from src.ui.widgets.listening import Player
from src.ui.widgets.view_options import ViewOptions
from src.ui.widgets.view_plot import ViewPlot
from src.ui.widgets.view_requests import ViewRequests


class ViewsPanel(QWidget):
    """Shows what a task offers to look at in a sample.

    Attributes:
        plots: By the id of their view.
        common: The options that several views share.
        player: Listening, or None where samples cannot be heard.
        requests: What asks the child process.

    Signals:
        busy(str): What is done now; empty when all is done.
    """

    busy = pyqtSignal(str)

    def __init__(self, views: Views, only: Collection[str] = (), parent: QWidget | None = None) -> None:
        """Build it.

        Args:
            views: What is offered.
            only: Ids of the views that are shown; empty: all of them.
            parent: Owner.
        """
        super().__init__(parent)
        self._extent = self._span = (0.0, 1.0)
        self._across: dict[str, tuple[float, float] | None] = {}
        self._hidden: Mapping[str, str] = {}
        self._large = ""
        self.requests = ViewRequests(self._about, self)
        self.plots = {view.id: ViewPlot(view) for view in views.offered if not only or view.id in only}
        axes = {plot.view.axis for plot in self.plots.values()}
        self.common = ViewOptions([o for o in views.common if not o.axes or axes & set(o.axes)])
        self.player = Player() if views.listens else None
        self._build()
        self._connect()

    def _build(self) -> None:
        body = QHBoxLayout()
        body.setSpacing(8)
        self._columns = (QWidget(), QWidget())
        for number, column in enumerate(self._columns):
            inner = QVBoxLayout(column)
            inner.setContentsMargins(0, 0, 0, 0)
            inner.setSpacing(8)
            body.addWidget(column, 1)
            for plot in self.plots.values():
                if (plot.view.axis != TIME) == bool(number):
                    inner.addWidget(plot, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(8)
        whole.addWidget(self.common)
        whole.addLayout(body, 1)
        if self.player is not None:
            whole.addWidget(self.player)
        self._arrange()

    def _connect(self) -> None:
        self.requests.opened.connect(self._opened)
        self.requests.shown.connect(self._put)
        self.requests.refused.connect(self._refused)
        self.requests.busy.connect(self.busy)
        self.common.changed.connect(self._option_changed)
        for plot in self.plots.values():
            plot.moved.connect(lambda low, high, plot=plot: self._moved(plot, low, high))
            plot.pointed.connect(lambda x, plot=plot: self._pointed(plot, x))
            plot.changed.connect(lambda plot=plot: self.requests.want([plot.view.id], now=True))
            plot.resized.connect(lambda plot=plot: self.requests.want([plot.view.id]))
            plot.enlarge_asked.connect(lambda plot=plot: self.enlarge(plot.view.id))
        if self.player is not None:
            self.player.asked.connect(
                lambda speed, rate, many: self.requests.listen(speed, rate, many, self._about_sound())
            )
            self.player.moved.connect(self._playing)
            self.requests.heard.connect(self.player.play)
            self.requests.unheard.connect(self.player.refuse)
            space = QShortcut(QKeySequence(Qt.Key_Space), self, activated=self.player.toggle)
            space.setContext(Qt.WidgetWithChildrenShortcut)
            self.player.find_device()

    def show_sample(self, config: str, sample: Mapping[str, Any]) -> None:
        """Show a sample, as ``Views.open`` takes it; ``config`` is YAML text."""
        if self.player is not None:
            self.player.silence()
        for plot in self.plots.values():
            plot.begin(self._extent, self._span)
        self.requests.open(config, sample)

    def close_panel(self) -> None:
        """Be silent, and end the child process."""
        if self.player is not None:
            self.player.silence()
        self.requests.close()

    def _opened(self, found: dict[str, Any]) -> None:
        self._extent, self._span = tuple(found["extent"]), tuple(found["begins"])
        self._hidden, self._across = found["hidden"], {}
        self.common.put(found["choices"], found["values"])
        for plot in self.plots.values():
            plot.options.put(found["choices"], found["values"])
            plot.begin(self._extent, self._span)
        self._arrange()
        self.requests.want(list(self.plots), now=True)

    def refuse(self, reason: str) -> None:
        """Show no sample, and say why."""
        for plot in self.plots.values():
            plot.refuse(reason)

    def _refused(self, view: str, reason: str) -> None:
        if view:
            self.plots[view].refuse(reason)
        else:
            self.refuse(reason)

    # ---- what is seen of it

    def enlarge(self, view: str) -> None:
        """Give a view all the room, or all views theirs again."""
        self._large = "" if self._large == view else view
        self._arrange()
        self.requests.want(
            [name for name, plot in self.plots.items() if self._seen(name) and plot.shown is None], now=True
        )

    def _arrange(self) -> None:
        for name, plot in self.plots.items():
            plot.setVisible(self._seen(name))
        for number, column in enumerate(self._columns):
            column.setVisible(
                any(self._seen(n) for n, p in self.plots.items() if (p.view.axis != TIME) == number)
            )

    def _seen(self, view: str) -> bool:
        return view not in self._hidden and self._large in ("", view)

    def _about(self, view: str) -> dict[str, Any] | None:
        """What the child process must know to compute a view; None where it is not seen."""
        if not self._seen(view):
            return None
        plot = self.plots[view]
        across = self._across.get(plot.view.axis) if plot.view.axis != TIME else None
        return self._about_sound() | {
            "options": {**self.common.values(), **plot.options.values()},
            "across": list(across) if across else None,
            "columns": plot.columns,
        }

    def _about_sound(self) -> dict[str, Any]:
        return {"options": self.common.values(), "span": list(self._span)}

    def _moved(self, moved: ViewPlot, low: float, high: float) -> None:
        axis = moved.view.axis
        alike = [plot for plot in self.plots.values() if plot.view.axis == axis]
        for plot in alike:
            plot.by_hand = True
            if plot is not moved:
                plot.set_range(low, high)
        if axis == TIME:
            self._span = (low, high)
            if self.player is not None:
                self.player.silence()
            self.requests.want(list(self.plots))
        else:
            self._across[axis] = (low, high)
            self.requests.want([plot.view.id for plot in alike])

    def _option_changed(self) -> None:
        self.requests.want(list(self.plots), now=True)

    def _put(self, view: str, data: dict[str, Any]) -> None:
        plot, shown = self.plots[view], Shown.from_dict(data)
        other = plot.shown is not None and plot.shown.x != shown.x
        plot.put(shown)
        if other and self._across.pop(
            plot.view.axis, None
        ):  # the axis counts something else than the stretch did
            self.requests.want([view], now=True)

    def _pointed(self, pointed: ViewPlot, x: float | None) -> None:
        for plot in self.plots.values():
            if plot.view.axis == pointed.view.axis:
                plot.set_cross(x)

    def _playing(self, x: float | None) -> None:
        for plot in self.plots.values():
            if plot.view.axis == TIME:
                plot.set_playing(x)

"""A sample in a window of its own, with all views that its task has of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PyQt5.QtCore import QModelIndex, Qt
from PyQt5.QtGui import QCloseEvent, QFont, QKeySequence
from PyQt5.QtWidgets import QHBoxLayout, QLabel, QShortcut, QVBoxLayout, QWidget

from src.core.dataset.views import Views
from src.ui.theme import sized_font
from src.ui.widgets.elided import ElidedLabel
from src.ui.widgets.sample_steps import step_buttons
from src.ui.widgets.thumbnail_model import SAMPLE, SPLIT_TITLES
from src.ui.widgets.views_panel import ViewsPanel

_SIZE, _LEAST = (1600, 1000), (820, 560)


class ViewsWindow(QWidget):
    """Shows samples one at a time; Escape closes it.

    Attributes:
        panel: The views.
    """

    def __init__(self, parent: QWidget, views: Views, one: str) -> None:
        """Build the window.

        Args:
            parent: The window that it belongs to.
            views: What is offered.
            one: What a sample is called.
        """
        super().__init__(parent, Qt.Window)
        self.setAttribute(Qt.WA_DeleteOnClose)
        self._grid: Any = None
        self._config, self._position = "", -1
        self.panel = ViewsPanel(views)
        self._name, self._facts, self._busy = QLabel(), ElidedLabel(), QLabel()
        self._name.setTextFormat(Qt.PlainText)
        self._name.setFont(sized_font(self, 1.15, QFont.DemiBold))
        for label in (self._facts, self._busy):
            label.setProperty("role", "muted")
        self.panel.busy.connect(self._busy.setText)
        self._steps = step_buttons(self, one, self.step)
        head = QHBoxLayout()
        head.setSpacing(8)
        for widget in (*self._steps, self._name):
            head.addWidget(widget)
        head.addWidget(self._facts, 1)
        head.addWidget(self._busy)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(12, 10, 12, 10)
        whole.setSpacing(8)
        whole.addLayout(head)
        whole.addWidget(self.panel, 1)
        QShortcut(QKeySequence(Qt.Key_Escape), self, activated=self.close)
        screen = parent.screen().availableGeometry() if parent.screen() else None
        if screen:
            self.resize(min(_SIZE[0], screen.width() - 40), min(_SIZE[1], screen.height() - 60))
        self.setMinimumSize(*_LEAST)

    def show_sample(self, config: str, sample: Mapping[str, Any], title: str = "", facts: str = "") -> None:
        """Show a sample, as ``Views.open`` takes it.

        Args:
            config: Of its data set, YAML text.
            sample: A row as a mapping.
            title: Of the window; its id where there is none.
            facts: What is known of it.
        """
        self._config = config
        self.setWindowTitle(title or str(sample["id"]))
        self._name.setText(Path(str(sample["id"])).name)
        self._facts.setText(facts)
        for button in self._steps:
            button.setVisible(self._grid is not None and self._grid.samples.rowCount() > 1)
        self.panel.show_sample(config, sample)
        self.show()
        self.raise_()

    def show_row(self, config: str, grid: Any, index: QModelIndex) -> None:
        """Show a sample of a ``Thumbnails`` grid; buttons and keys go to its neighbours."""
        self._grid, self._position = grid, index.row()
        sample, view = index.data(SAMPLE), grid.samples.view
        facts = "     ".join(f"{c.title} {words}" for c, words in view.table.words(sample["row"]))
        place = f"{SPLIT_TITLES[sample['split']]}, {self._position + 1:,} of {grid.samples.rowCount():,}"
        self.show_sample(config, sample, f"{sample['id']} – {place}", facts)

    def step(self, step: int) -> None:
        """Show the sample that stands so many places further in the grid."""
        index = self._grid.samples.index(self._position + step) if self._grid is not None else QModelIndex()
        if index.isValid():
            self._grid.setCurrentIndex(index)
            self.show_row(self._config, self._grid, index)

    def closeEvent(self, event: QCloseEvent) -> None:
        self.panel.close_panel()
        super().closeEvent(event)

"""The train dialog as it is laid out; what happens in it is in `train_config_dialog`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PyQt5.QtCore import QSize, Qt
from PyQt5.QtGui import QKeySequence
from PyQt5.QtWidgets import QApplication, QShortcut, QSplitter, QTabWidget, QVBoxLayout, QWidget

from src.ui.dialogs.augment_preview import AugmentPreview
from src.ui.dialogs.closing import ClosingDialog
from src.ui.dialogs.groups_preview import GroupsPreview
from src.ui.dialogs.schedule_preview import SchedulePreview
from src.ui.dialogs.start_wish import StartWish
from src.ui.dialogs.train_bars import SourceBar, StartBar, line
from src.ui.dialogs.train_check import TrainCheck
from src.ui.dialogs.train_monitoring import MonitoringTab
from src.ui.dialogs.train_notes import ValueNotes
from src.ui.dialogs.train_setup import TrainSetup
from src.ui.dialogs.train_summary import SummaryPanel
from src.ui.dialogs.train_tabs import TABS, make_forms

_WIDTH, _HEIGHT = 1360, 880


def go_on() -> None:
    """Work without a breath."""


class TrainWindow(ClosingDialog):
    """Base of `TrainConfigDialog`.

    Attributes:
        setup: The configuration below the changes made here.
        check: What is known about the configuration and the data.
        wish: A start that was asked for while the data are checked again.
        tabs: ``Model``, ``Training``, ``Data``, ``Monitoring``; their pages have these object names.
        forms: Tab to form.
    """

    def __init__(
        self, setup: TrainSetup, parent: QWidget | None = None, breathe: Callable[[], None] | None = None
    ) -> None:
        super().__init__(parent)
        self.setup = setup
        self._breathe = breathe or go_on
        self.check = TrainCheck(setup, self)
        self.wish = StartWish()
        self.setWindowTitle("Train model")
        self.setWindowFlags(
            self.windowFlags() & ~Qt.WindowContextHelpButtonHint | Qt.WindowMaximizeButtonHint
        )
        self._build()
        self._number_tabs()
        self.resize(self._first_size())

    def _build(self) -> None:
        self._lay_out()
        self._breathe()
        self.forms = make_forms(self.setup.info, self._breathe)
        self.monitoring = MonitoringTab(self.forms["Monitoring"])
        self.groups = GroupsPreview()
        self.preview = AugmentPreview()
        self.preview.setVisible(self.setup.info.look.augments)
        self.schedule = SchedulePreview()
        self.notes = ValueNotes(self.setup.info.explain)
        for card, tab, after in (
            (self.groups, "Data", "Split"),
            (self.preview, "Data", ""),
            (self.schedule, "Training", "Learning-rate schedule"),
            (self.notes, "Model", ""),
        ):
            self._breathe()
            self.forms[tab].add_widget(card, after)
        for name in TABS:
            page = self.monitoring if name == "Monitoring" else self.forms[name]
            page.setObjectName(name)
            self._breathe()
            self.tabs.addTab(page, name)
        self._breathe()

    def _lay_out(self) -> None:
        """Everything but the pages: a page that is added to what has its place already is dressed alone."""
        self.tabs = QTabWidget()
        self.tabs.setObjectName("tabs")
        self.tabs.setDocumentMode(True)
        self.summary = SummaryPanel(self.setup.info, self.check.labels)
        self.source = SourceBar(self.setup.preset_titles())
        self.bar = StartBar()
        self.start_button, self.status = self.bar.start, self.bar.status
        self._breathe()
        self.splitter = QSplitter(Qt.Horizontal)
        self.splitter.addWidget(self.tabs)
        self.splitter.addWidget(self.summary)
        self.splitter.setStretchFactor(0, 5)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setSizes([960, 320])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.source)
        column.addWidget(line())
        column.addWidget(self.splitter, 1)
        column.addWidget(line())
        column.addWidget(self.bar)

    def changes(self) -> dict[str, Any]:
        """Key to value of what was changed here."""
        return {k: v for form in self.forms.values() for k, v in form.changes().items()}

    def _faults(self) -> dict[str, str]:
        return {k: text for form in self.forms.values() for k, text in form.faults().items()}

    def show_all(self, everything: bool) -> None:
        """Show the settings that are rarely needed too."""
        for form in self.forms.values():
            form.show_all(everything)

    def _later(self, do: Callable[[], None]) -> bool:
        """Whether the data are being checked again: then it is done when they are."""
        if self.check.scan.busy:
            self.wish.keep(do, [*self.check.findings(), *self.check.scan.findings])
            self.check.progressed.emit()
        return self.check.scan.busy

    def _number_tabs(self) -> None:
        for number, name in enumerate(TABS, 1):
            shortcut = QShortcut(QKeySequence(f"Ctrl+{number}"), self)
            shortcut.activated.connect(lambda name=name: self.tabs.setCurrentIndex(TABS.index(name)))
            self.tabs.setTabToolTip(number - 1, f"Ctrl+{number}")

    def _first_size(self) -> QSize:
        screen = QApplication.primaryScreen()
        room = screen.availableSize() if screen else QSize(1280, 800)
        return QSize(min(_WIDTH, room.width()), min(_HEIGHT, room.height() - 40))

"""A data set: what is in it in a sentence, its images, what is wrong with it and how to mend that, its numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtGui import QFont, QKeySequence
from PyQt5.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QShortcut,
    QStackedWidget,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from src.ui.dataset_decisions import Decisions
from src.ui.dataset_prepare import Finder, Prepared, Preparer, let_go
from src.ui.icons import icon
from src.ui.text import count
from src.ui.theme import set_role, sized_font, theme
from src.ui.widgets.dataset_commands import DatasetCommands
from src.ui.widgets.dataset_images import ImagesPage
from src.ui.widgets.empty import EmptyState
from src.ui.widgets.findings import FindingsPage, short
from src.ui.widgets.note_bar import NoteBar, tell_when_gone
from src.ui.widgets.thumbnail_model import Reading
from src.ui.widgets.wait_page import WaitPage

if TYPE_CHECKING:
    from src.ui.dataset_source import Source

_WORST = (("error", "error", "bad"), ("warning", "warning", "warn"))


def _scan(resolved: Any) -> Any:
    from src.threads.scan_thread import ScanThread

    return ScanThread(resolved)


class DatasetView(DatasetCommands):
    """Checks a data set in a child process and shows it.

    Attributes:
        source: Where the data set is, or None while nothing was recognised.
        decisions: What was decided about it, or None.
        images, findings: The pages; the third is made when it is first seen.
        scan: Makes the object that runs the check; replaced in tests.

    Signals:
        train_asked(): The person wants to train on this data.
        import_asked(object): The folder (a `Path`) holds annotations that have to be imported first.
    """

    train_asked = pyqtSignal()
    import_asked = pyqtSignal(object)
    scan: Callable[[Any], Any] = staticmethod(_scan)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.source: Source | None = None
        self.decisions: Decisions | None = None
        self.prepared: Prepared | None = None
        self._resolved: Any = None
        self._scanner: Any = None
        self._finder: Finder | None = None
        self._preparer: Preparer | None = None
        self._statistics: Any = None
        self._augment: Any = None
        self._build()
        theme().changed.connect(self._dress)
        self._dress()

    # ---- building

    def _build(self) -> None:
        self.images = ImagesPage()
        self.images.config = self._as_found
        self.thumbnails = self.images.thumbnails
        self.findings = FindingsPage(self.thumbnails.thumbs, lambda: self.images.bar.overlay)
        self.note = NoteBar()
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setAccessibleName("Views of the data set")
        self._numbers = QWidget()
        QVBoxLayout(self._numbers).setContentsMargins(0, 10, 0, 0)
        place = QWidget()
        inner = QVBoxLayout(place)
        inner.setContentsMargins(0, 10, 0, 0)
        inner.addWidget(self.findings)
        self.tabs.setCornerWidget(self.images.status)
        for page, words in ((self.images, "&Images"), (place, "&Findings"), (self._numbers, "&Statistics")):
            self.tabs.addTab(page, words)
        shown = QWidget()
        column = QVBoxLayout(shown)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(8)
        column.addLayout(self._head())
        column.addWidget(self.note)
        column.addWidget(self.tabs, 1)
        self.empty = EmptyState(
            "images", "No data set is open", "File > Open Data Set Folder… shows what is in a folder."
        )
        self.pages = QStackedWidget()
        self.waiting = WaitPage()
        for page in (self.empty, self.waiting, shown):
            self.pages.addWidget(page)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.pages)
        self._connect()

    def _head(self) -> QVBoxLayout:
        self.title = QLabel()
        self.title.setTextFormat(Qt.PlainText)
        self.sentence = QLabel()
        self.sentence.setWordWrap(True)
        self.sentence.setProperty("role", "muted")
        self.sentence.setTextInteractionFlags(Qt.TextSelectableByMouse)
        self.augment = QPushButton("Preview a&ugmentation…")
        self.augment.setToolTip("What the random changes of training make of the current image")
        self.train = QPushButton("Train on this &data…")
        set_role(self.train, "primary")
        head, row = QVBoxLayout(), QHBoxLayout()
        head.setSpacing(2)
        row.addWidget(self.title, 1)
        row.addWidget(self.augment)
        row.addWidget(self.train)
        head.addLayout(row)
        head.addWidget(self.sentence)
        return head

    def _connect(self) -> None:
        self.train.clicked.connect(self.train_asked)
        self.waiting.cancelled.connect(self.cancel)
        self.augment.clicked.connect(lambda _: self._augment_current())
        self.images.augment_asked.connect(self.show_augmentation)
        self.images.exclude_asked.connect(self._exclude)
        self.findings.chosen.connect(self._show_finding)
        self.findings.opened.connect(self._show_image)
        self.findings.acted.connect(self.act)
        self.findings.pictures_wanted.connect(self._read_pictures)
        self.note.undo_asked.connect(self.undo)
        self.note.check_asked.connect(self.check_again)
        tell_when_gone(self.note, self.thumbnails.thumbs, lambda: self.source.folder if self.source else None)
        self.tabs.currentChanged.connect(self._tab_shown)
        for keys, slot in (("Ctrl+Z", self.undo), ("F5", self.check_again)):
            QShortcut(QKeySequence(keys), self, activated=slot, context=Qt.WidgetWithChildrenShortcut)

    def _dress(self) -> None:
        self.title.setFont(sized_font(self, 1.3, QFont.DemiBold))
        self.train.setIcon(icon("train", "accent_text"))
        self.augment.setIcon(icon("layers"))
        self._mark_findings()

    # ---- opening

    def show_folder(self, folder: Path) -> None:
        """Recognise and check a folder, then show it."""
        self.close_data()
        self.title.setText(folder.name)
        self.title.setToolTip(str(folder))
        self.waiting.begin(f"Looking at {folder.name}…")
        self.pages.setCurrentIndex(1)
        self._finder = Finder(folder)
        self._finder.ready.connect(self._found)
        self._finder.failed.connect(lambda error: self._not_found(folder, error))
        self._finder.start()

    def _found(self, source: Source) -> None:
        self._finder = None
        self.source, self.decisions = source, Decisions(source.folder, source.noun)
        self.check_again()

    def _not_found(self, folder: Path, error: Exception) -> None:
        from src.ui.dataset_source import ToImportError

        self._finder = None
        if isinstance(error, ToImportError):
            self._say_nothing("This data set has to be imported first", str(error))
            self.import_asked.emit(folder)
        else:
            self._say_nothing("This folder cannot be shown as a data set", str(error))

    def check_again(self) -> None:
        """Check the data set with what was decided about it."""
        if self.source is None or self.decisions is None:
            return
        self._stop_checking()
        self.note.hide()
        self.waiting.begin(f"Reading {self.source.folder.name}…")
        self.pages.setCurrentIndex(1)
        self._resolved = self.decisions.applied(self.source.resolved)
        self._scanner = self.scan(self._resolved)
        self._scanner.progress.connect(self.waiting.show_progress)
        self._scanner.done.connect(self.show_answer)
        self._scanner.failed.connect(self._failed)
        self._scanner.start()

    def _stop_checking(self) -> None:
        if self._scanner is not None:
            scanner, self._scanner = self._scanner, None
            scanner.progress.disconnect(self.waiting.show_progress)
            scanner.done.disconnect(self.show_answer)
            scanner.failed.disconnect(self._failed)
            scanner.cancel()
        let_go(self._finder)
        let_go(self._preparer)
        self._finder = self._preparer = None

    def close_data(self) -> None:
        """Read nothing any more."""
        self._stop_checking()
        if self._augment is not None:
            self._augment.close()
        self.images.filters.close_bar()
        self.images.put(None, Reading())
        self.thumbnails.thumbs.close()
        self.findings.put([])
        self.findings.close_page()
        if self._statistics is not None:
            self._statistics.put([])
        self.note.hide()
        self.source = self.decisions = self.prepared = None

    def cancel(self) -> None:
        """The person does not want to wait."""
        if self.prepared is not None:  # it was a further check: the last answer is still there
            self._stop_checking()
            self.pages.setCurrentIndex(2)
            return
        self.close_data()
        self._say_nothing("Reading was cancelled", "Open the folder again to look at it.")

    def _say_nothing(self, title: str, text: str) -> None:
        self.empty.set_text(title, text)
        self.pages.setCurrentIndex(0)

    def _failed(self, reason: str) -> None:
        self._say_nothing("The data set cannot be read", reason)

    def show_answer(self, answer: dict[str, Any]) -> None:
        """What the check found; it is prepared in a thread."""
        let_go(self._preparer)
        self._given = answer.get("resolved") or {}
        preparer = self._preparer = Preparer(answer, self.decisions.excluded if self.decisions else {})
        preparer.ready.connect(self._show)
        preparer.failed.connect(self._failed)
        preparer.start()

    def _show(self, prepared: Prepared) -> None:
        self._preparer = None
        self.prepared = prepared
        description = prepared.description
        if not prepared.view.table.total and not prepared.findings:
            noun = prepared.view.table.look.noun
            self._say_nothing("There is nothing to show", f"No {noun.one} was found.")
            return
        classes = [str(c) for c in description.get("classes") or ()]
        named = [(tuple(rows), short(f, 40)) for f, rows in prepared.findings if rows]
        look = prepared.view.table.look
        self.tabs.setTabText(0, f"&{look.noun.many.capitalize()}")
        self.augment.setVisible(look.augments)
        self.images.put(prepared.view, prepared.reading, classes, description.get("class_share") or {}, named)
        self.findings.put(prepared.findings)
        self.sentence.setText(str(description.get("summary") or f"No {look.noun.one} that can be used."))
        self.augment.setEnabled(prepared.view.table.total > 0)
        if self._statistics is not None:
            self._statistics.put(self._charts())
        self._mark_findings()
        self.pages.setCurrentIndex(2)
        if not prepared.view.table.total:
            self.tabs.setCurrentIndex(1)
        elif self.tabs.currentIndex() == 0:
            self.thumbnails.setFocus()
        if self.decisions and self.decisions.problem:
            self.note.tell(self.decisions.problem, "warn")

    def _mark_findings(self) -> None:
        found = [f.get("severity") for f, _ in self.findings.found]
        self.tabs.setTabText(1, f"&Findings ({len(found):,})" if found else "&Findings")
        worst = next(((name, role) for key, name, role in _WORST if key in found), None)
        self.tabs.setTabIcon(1, icon(*worst) if worst else icon("info"))
        self.tabs.setTabIcon(0, icon("images"))
        self.tabs.setTabIcon(2, icon("report"))
        serious = sum(f in ("error", "warning") for f in found)
        self.tabs.setTabToolTip(
            1, f"{count(serious, 'finding')} to be looked at" if serious else "What was found"
        )

    # ---- pages

    def _tab_shown(self, index: int) -> None:
        if index == 0:
            self.thumbnails.look_again()
        elif index == 2 and self._statistics is None:
            from src.ui.widgets.statistics_page import StatisticsPage

            self._statistics = StatisticsPage()
            self._numbers.layout().addWidget(self._statistics)
            self._statistics.put(self._charts())

    def _read_pictures(self) -> None:
        self.thumbnails.thumbs.want(self.findings.wanted(), self.thumbnails.picture_side())

    def _show_finding(self, number: int) -> None:
        rows = self.findings.found[number][1]
        if rows:
            self.tabs.setCurrentIndex(0)
            self.images.show_only(rows)

    def _show_image(self, row: int) -> None:
        self.tabs.setCurrentIndex(0)
        self.images.show_image(row)

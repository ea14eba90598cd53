"""The result of an evaluation of a classifier: its numbers beside the baselines, its matrix, its samples, its groups."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QStandardItem, QStandardItemModel
from PyQt5.QtWidgets import QLabel, QStackedLayout, QTableView, QTabWidget, QVBoxLayout, QWidget

from src.core.evaluation.classified import ClassEvaluation
from src.core.report.text import percent
from src.tasks.catalog import TASKS
from src.threads.errand import Errand
from src.ui.widgets.class_compare import ClassComparePage
from src.ui.widgets.class_overview import ClassOverview, ShownClasses
from src.ui.widgets.empty import EmptyState
from src.ui.widgets.tables import table
from src.ui.widgets.views_window import ViewsWindow

_PLACE = Qt.UserRole + 2


class ClassPage(QWidget):
    """See ``result_pages.ResultPage``.

    Attributes:
        data: What is shown; None before there is anything.
        shows_said, shows_notes: What the job said, and warned of, stands here already.
        overview, samples, comparison: The pages.
    """

    shows_said = True
    shows_notes = True

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.data: ShownClasses | None = None
        self.folder: Path | None = None
        self._errand: Errand | None = None
        self._empty = EmptyState("report", "No result yet", "It stands here when the evaluation has ended.")
        self.overview, self.comparison = ClassOverview(), ClassComparePage()
        self.samples, self.groups = _Rows("Samples"), _Rows("Groups")
        self.samples.view.activated.connect(lambda index: self.look_closer(index.row()))
        self.overview.matrix.opened.connect(self._show_cell)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        for page, title in (
            (self.overview, "Over&view"),
            (self.samples, "&Samples"),
            (self.groups, "&Groups"),
            (self.comparison, "Com&pare with…"),
        ):
            self.tabs.addTab(page, title)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self._empty)
        self._stack.addWidget(self.tabs)

    # -- ResultPage -----------------------------------------------------------------------------
    def open_folder(self, path: Path) -> None:
        """Show the evaluation in this folder; one that has not ended is shown when it ends."""
        self.close_page()
        self.folder = Path(path) if Path(path).is_dir() else Path(path).parent
        self._stack.setCurrentIndex(0)
        if not (self.folder / "evaluation.json").is_file():
            self._empty.set_text("No result yet", "It stands here when the evaluation has ended.")
            return
        self._empty.set_text("Reading the evaluation…", "")
        folder = self.folder
        self._errand = Errand(lambda: ShownClasses.read(folder), self)
        self._errand.done.connect(self._show)
        self._errand.failed.connect(lambda why: self._empty.set_text("This evaluation cannot be shown", why))
        self._errand.start()

    def tell(self, event: Any) -> None:
        """An event of the job that runs now."""
        if event.type != "run_ended" or self.folder is None:
            return
        if event.get("status") == "completed":
            self.open_folder(self.folder)
        elif self.data is None:
            why = f"{event.get('cause') or ''} {event.get('cure') or ''}".strip()
            self._empty.set_text(
                "There is no result", why or "The evaluation was ended before it was through."
            )

    def close_page(self) -> None:
        """Read nothing more."""
        if self._errand is not None:
            self._errand.stop()
            self._errand = None
        self.comparison.stop()

    # -- what is shown --------------------------------------------------------------------------
    def _show(self, data: ShownClasses) -> None:
        if data.folder != self.folder:
            return
        self.data = data
        outer = data.document.levels[-1]
        self.tabs.setTabText(1, f"&{outer.many.capitalize()}")
        self.overview.put(data)
        self.samples.about.setText(f"The most doubtful first. Enter or a double click opens a {outer.one}.")
        self.samples.fill(*_samples(data.document), data.document.worst)
        self.groups.about.setText(
            "Each group by itself: what belongs together never stood on both sides of the split."
        )
        self.groups.fill(*_groups(data.document))
        self.comparison.put(data)
        self._stack.setCurrentIndex(1)

    def _show_cell(self, true: int, predicted: int) -> None:
        """Choose the samples of a cell of the matrix."""
        if self.data is None:
            return
        found = [s.true == [true] and s.predicted == [predicted] for s in self.data.document.samples]
        self.tabs.setCurrentWidget(self.samples)
        self.samples.choose(found)

    def look_closer(self, row: int) -> None:
        """All views of a sample in a window of its own, with what was said along it."""
        place = self.samples.place(row)
        document = self.data.document if self.data is not None else None
        views = TASKS[document.task].look.views if document is not None and document.task in TASKS else None
        if document is None or views is None or not document.samples[place].sample:
            return
        one = document.samples[place]
        made = ViewsWindow(self.window(), views, document.levels[-1].one)
        true, said = (_names(document, x) for x in (one.true, one.predicted))
        made.show_sample(_config(document), one.sample, facts=f"True: {true}. Predicted: {said}.")


class _Rows(QWidget):
    """A sentence, and a table that can be sorted."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.about = QLabel()
        self.about.setWordWrap(True)
        self.about.setProperty("role", "muted")
        self.model = QStandardItemModel(self)
        self.model.setSortRole(Qt.UserRole)
        self.view: QTableView = table(name)
        self.view.setModel(self.model)
        self.view.setSortingEnabled(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 16)
        column.setSpacing(8)
        column.addWidget(self.about)
        column.addWidget(self.view, 1)

    def fill(self, heads: list[str], rows: list[list[tuple[str, Any]]], places: Sequence[int] = ()) -> None:
        """Show rows of cells: text, and what it is sorted by; ``places`` says which sample each row is."""
        self.view.setSortingEnabled(False)
        self.model.clear()
        self.model.setHorizontalHeaderLabels(heads)
        for number, cells in enumerate(rows):
            items = []
            for text, key in cells:
                item = QStandardItem(text)
                item.setData(key, Qt.UserRole)
                item.setToolTip(text)
                items.append(item)
            if places:
                items[0].setData(places[number], _PLACE)
            self.model.appendRow(items)
        self.view.setSortingEnabled(True)
        self.view.sortByColumn(-1, Qt.AscendingOrder)
        self.view.resizeColumnsToContents()
        header = self.view.horizontalHeader()
        for column in range(len(heads)):
            header.resizeSection(column, min(420, header.sectionSize(column) + 16))
        header.setStretchLastSection(True)

    def place(self, row: int) -> int:
        """Which sample a row is."""
        return int(self.model.item(row, 0).data(_PLACE))

    def choose(self, which: list[bool]) -> None:
        """Choose the rows of these samples."""
        self.view.clearSelection()
        rows = [row for row in range(self.model.rowCount()) if which[self.place(row)]]
        mode = self.view.selectionModel()
        for row in rows:
            mode.select(self.model.index(row, 0), mode.Select | mode.Rows)
        if rows:
            self.view.scrollTo(self.model.index(rows[0], 0))


def _config(document: ClassEvaluation) -> str:
    """The configuration of the model's run, which knows what the data are; without one that of the task."""
    try:
        return (Path(document.model.run or "") / "config.yaml").read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return f"task: {document.task}\n"


def _names(document: ClassEvaluation, numbers: list[int]) -> str:
    return "+".join(document.classes[k] for k in numbers) or "no fault"


def _samples(document: ClassEvaluation) -> tuple[list[str], list[list[tuple[str, Any]]]]:
    inner, outer = document.levels[0], document.levels[-1]
    facts = list(dict.fromkeys(key for s in document.samples for key in s.facts))
    heads = [
        outer.one.capitalize(),
        "Right",
        "True",
        "Predicted",
        "Probability",
        f"{inner.many.capitalize()} right",
        "Group",
        *facts,
    ]
    rows = []
    for place in document.worst:
        s = document.samples[place]
        best, share = max(s.scores, default=0.0), s.counts.right / max(1, s.counts.parts)
        true, said = _names(document, s.true), _names(document, s.predicted)
        cells = [(s.id, s.id.lower()), ("yes" if s.right else "no", int(s.right)), (true, true), (said, said), (percent(best), best),
                 (f"{s.counts.right:,} of {s.counts.parts:,}", share), (s.group, s.group.lower())]  # fmt: skip
        rows.append([*cells, *((_words(s.facts.get(key)), _key(s.facts.get(key))) for key in facts)])
    return heads, rows


def _words(value: Any) -> str:
    return "–" if value is None else f"{value:,g}" if isinstance(value, int | float) else str(value)


def _key(value: Any) -> Any:
    return -1.0 if value is None else value


def _groups(document: ClassEvaluation) -> tuple[list[str], list[list[tuple[str, Any]]]]:
    inner, outer = document.levels[0], document.levels[-1]
    heads = ["Group", f"{outer.many.capitalize()} right", f"{inner.many.capitalize()} right", "Share"]
    rows = []
    for g in document.groups:
        share = g.parts_right / max(1, g.parts)
        rows.append([(g.name, g.name.lower()), (f"{g.samples_right:,} of {g.samples:,}", g.samples_right / max(1, g.samples)),
                     (f"{g.parts_right:,} of {g.parts:,}", share), (percent(share), share)])  # fmt: skip
    return heads, rows

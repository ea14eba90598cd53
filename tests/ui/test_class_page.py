"""The page of a classifier's evaluation: numbers, matrix, samples, groups, comparison."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PyQt5.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from src.core.evaluation import write_evaluation
from src.core.run import Event
from src.tasks.catalog import TASKS
from src.ui.widgets.class_page import ClassPage
from src.ui.widgets.evaluation_page import EvaluationPage
from src.ui.widgets.result_pages import make_page
from tests.core.evaluation.test_classes import answers, document


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, skill in (("one", 1.0), ("other", 3.0)):
        (tmp_path / name).mkdir()
        write_evaluation(tmp_path / name, document(answers(skill=skill), name))
    return tmp_path


@pytest.fixture
def page(qtbot: QtBot, folder: Path) -> Iterator[ClassPage]:
    made = ClassPage()
    qtbot.addWidget(made)
    made.open_folder(folder / "one")
    qtbot.waitUntil(lambda: made.data is not None, timeout=10_000)
    yield made
    made.close_page()


def cells(table: Any) -> list[list[str]]:
    return [
        [table.item(row, column).text() for column in range(table.columnCount())]
        for row in range(table.rowCount())
    ]


def test_it_says_what_the_document_says(page: ClassPage) -> None:
    shown = page.data.document  # type: ignore[union-attr]
    told = {tile.accessibleName().split(":")[0] for tile in page.overview.tiles.tiles}
    assert {"Balanced accuracy of windows", "Balanced accuracy of recordings"} <= told
    rows = cells(page.overview.beside.model)
    assert [row[:2] for row in rows] == [["This model", "windows"], ["This model", "recordings"]]
    assert rows[0][2].startswith(f"{shown.primary.value:.3f}")
    assert page.overview.matrix.model.matrix.tolist() == shown.levels[0].matrix
    assert "windows" in page.overview.matrix.model.words(0, 0)
    page.overview.which.choose(1)
    assert page.overview.matrix.model.matrix.tolist() == shown.levels[1].matrix
    assert len(cells(page.groups.model)) == 4 and page.tabs.tabText(1) == "&Recordings"


def test_the_samples_of_a_cell_are_chosen(page: ClassPage) -> None:
    shown = page.data.document  # type: ignore[union-attr]
    assert cells(page.samples.model)[0][0] == shown.samples[shown.worst[0]].id
    page.overview.matrix.opened.emit(0, 1)
    chosen = {page.samples.place(i.row()) for i in page.samples.view.selectionModel().selectedRows()}
    assert chosen == {k for k, s in enumerate(shown.samples) if (s.true, s.predicted) == ([0], [1])}
    assert page.tabs.currentWidget() is page.samples
    page.look_closer(0)  # of a task that nobody knows there are no views


def test_two_are_compared(qtbot: QtBot, page: ClassPage, folder: Path) -> None:
    page.comparison.compare_with(folder / "other")
    qtbot.waitUntil(lambda: bool(page.comparison.result), timeout=20_000)
    titles = [row[0] for row in cells(page.comparison.model)]
    assert "Balanced accuracy, windows" in titles and "Recall of inner" in titles
    assert not any("ixel" in title for title in titles)
    assert "the other one is better" in page.comparison.words.text()


def test_folders_without_a_result_and_of_another_kind(qtbot: QtBot, tmp_path: Path, folder: Path) -> None:
    page, other = ClassPage(), EvaluationPage()
    for made in (page, other):
        qtbot.addWidget(made)
    page.open_folder(tmp_path)
    assert "No result yet" in words(page)
    page.tell(Event(1, 0.0, "run_ended", {"status": "failed", "cause": "It broke.", "cure": "Mend it."}))
    assert "It broke. Mend it." in words(page)
    other.open_folder(folder / "one")
    qtbot.waitUntil(lambda: "classifier" in words(other), timeout=10_000)
    for made in (page, other):
        made.close_page()


def words(page: QWidget) -> str:
    return " ".join(label.text() for label in page.findChildren(QLabel))


@pytest.mark.parametrize("task", list(TASKS))
def test_every_evaluation_has_its_page(task: str, qtbot: QtBot) -> None:
    made = make_page(task, "evaluate")
    qtbot.addWidget(made)
    assert type(made) is {"classes": ClassPage, "": EvaluationPage}[TASKS[task].jobs["evaluate"].page]
    made.close_page()  # type: ignore[attr-defined]

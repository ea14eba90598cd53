"""The list of searches: what stands in it, opening, going on, and the trash with its way back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PyQt5.QtWidgets import QMessageBox

from src.core.search import SearchFolder
from src.core.search.folder import SearchState
from src.ui.widgets import searches_page
from src.ui.widgets.searches_page import SearchesPage


def a_search(root: Path, name: str) -> SearchFolder:
    folder = SearchFolder(root / name)
    folder.runs.mkdir(parents=True)
    folder.runners.mkdir()
    folder.search.write_text("trials: 4\n", "utf-8")
    folder.base.write_text("task: segmentation\n", "utf-8")
    return folder


@pytest.fixture
def rows(tmp_path: Path) -> list[SearchState]:
    names = ("2026-05-01_tiles_2", "2026-05-01_tiles_1")
    done, left = (a_search(tmp_path, name) for name in names)
    return [
        SearchState(done, "completed", 4, 4, "iou", 0.8123, 3),
        SearchState(left, "interrupted", 1, 4, "iou", None, None),
    ]


@pytest.fixture
def page(qtbot, rows: list[SearchState]) -> Iterator[SearchesPage]:
    made = SearchesPage()
    qtbot.addWidget(made)
    made.show()
    assert made.stack.currentWidget() is made.empty
    made.show_searches(rows)
    yield made
    made.close_tool()


def test_how_far_each_is(page: SearchesPage) -> None:
    texts = [[page.model.index(r, c).data() for c in range(5)] for r in range(2)]
    assert texts[0] == ["Completed", "2026-05-01_tiles_2", "4 of 4", "IoU 0.8123", "3"]
    assert texts[1][:3] == ["Interrupted", "2026-05-01_tiles_1", "1 of 4"]
    assert page._about.text() == "2 searches, 1 interrupted: they can go on"


def test_open_and_go_on(page: SearchesPage, qtbot, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(searches_page, "go_on", lambda folder: asked.append(folder.name))
    page.view.selectRow(0)
    assert not page.work.isEnabled()  # nothing is left of it
    with qtbot.waitSignal(page.search_asked) as opened:
        page.open.click()
    assert opened.args[0].name == "2026-05-01_tiles_2"
    page.view.selectRow(1)
    page.work.click()
    assert asked == ["2026-05-01_tiles_1"]


def test_to_the_trash_and_back(
    page: SearchesPage, rows: list[SearchState], qtbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.Cancel)
    page.view.selectRow(0)
    page.trash.click()
    assert page.model.rowCount() == 2
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.Yes)
    with qtbot.waitSignal(page.trashed) as gone:
        page.trash.click()
    assert gone.args[0] == rows[0].folder.path and not rows[0].folder.path.exists()
    assert page.model.rowCount() == 1 and "trash" in page.note.text.text()
    page.note.undo.click()
    assert rows[0].folder.path.is_dir() and page.model.rowCount() == 2
    page.view.selectRow(1)
    assert page.chosen is not None and page.chosen.state == "interrupted"


def test_the_choice_stays_when_the_searches_go_on(page: SearchesPage, rows: list[SearchState]) -> None:
    page.view.selectRow(1)
    page.show_searches([rows[0], SearchState(rows[1].folder, "running", 2, 4, "iou", 0.5, 1)])
    assert page.chosen is not None and page.chosen.state == "running"
    assert page.work.text() == "&Stop" and not page.trash.isEnabled()


def test_what_is_in_the_folder_is_watched(
    qtbot, rows: list[SearchState], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = SearchesPage()
    qtbot.addWidget(made)
    monkeypatch.setattr(made, "watcher", lambda: searches_page.SearchesWatcher(tmp_path))
    made.follow()
    qtbot.waitUntil(lambda: made.model.rowCount() == 2, timeout=5000)
    watcher = made._watcher
    made.close_tool()
    qtbot.waitUntil(watcher.isFinished, timeout=5000)

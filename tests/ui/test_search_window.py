"""The windows of a search: setting one up, what is drawn of it, and the way to its runs and its best settings."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PyQt5.QtCore import QObject, Qt, pyqtSignal

from src.core.config import Layer, nest, resolve
from src.core.search import SearchConfig, SearchFolder, SearchPlan, parse_word, plan_of
from src.tasks.catalog import task_info
from src.ui.dialogs import search_dialog
from src.ui.dialogs.search_dialog import SearchDialog
from src.ui.widgets import search_page
from src.ui.widgets.search_page import SearchPage
from src.ui.widgets.search_parallel import marks, place

RATE, NAME = "training.optimizer.learning_rate", "training.optimizer.name"
INFO = task_info("segmentation")


class Still(QObject):
    """Watches nothing: the test shows what it wants."""

    shown = pyqtSignal(dict, str, str)
    failed = pyqtSignal(str)

    def __init__(self, folder: SearchFolder) -> None:
        super().__init__()

    def start(self) -> None:
        pass

    stop = start


def base(tmp_path: Path) -> Any:
    return resolve(
        INFO.config,
        [Layer("file", nest({"data.images_dir": str(tmp_path), "data.masks_dir": str(tmp_path)}))],
    )


@pytest.fixture
def plan(tmp_path: Path) -> SearchPlan:
    words = (f"{RATE}=1e-5..1e-2:log", f"{NAME}=adamw,sgd")
    settings = SearchConfig(searches_dir=str(tmp_path / "searches"), trials=6)
    return plan_of(settings, dict(map(parse_word, words)), base(tmp_path), INFO)


@pytest.fixture
def results(plan: SearchPlan) -> dict[str, Any]:
    results_of = pytest.importorskip("src.core.search.results", exc_type=ImportError).results_of
    from src.core.search.trials import TrialView

    def trial(number: int, state: str, value: float | None, rate: float, cause: str = "") -> TrialView:
        run = f"runs/2026-01-01_trial-{number}_unet_1"
        return TrialView(
            number, state, {RATE: rate, NAME: "adamw"}, value, run, cause, "", 3.0, 1, {1: value or 0.2}
        )

    views = [trial(1, "completed", 0.5, 1e-4), trial(2, "pruned", 0.1, 1e-5), trial(3, "completed", 0.8, 1e-3),
             trial(4, "failed", None, 1e-2, "The memory was not enough."), trial(5, "running", None, 2e-3)]  # fmt: skip
    found: dict[str, Any] = results_of(plan, views, {RATE: 0.9, NAME: 0.1})
    return found


@pytest.fixture
def page(qtbot, monkeypatch: pytest.MonkeyPatch, plan: SearchPlan) -> Iterator[SearchPage]:
    monkeypatch.setattr(SearchPage, "watcher", staticmethod(Still))
    made = SearchPage(SearchFolder.create(plan))
    qtbot.addWidget(made)
    made.resize(1200, 760)
    made.show()
    made.follow()
    yield made
    made.close_tool()


def test_a_new_search_has_nothing_to_show_and_can_be_started(page: SearchPage) -> None:
    page.show_search({}, "new", "")
    assert not page.best.isEnabled() and not page.open_run.isEnabled() and page.halt.text() == "&Go on"


def test_trials_their_values_and_what_mattered(page: SearchPage, results: dict[str, Any]) -> None:
    page.show_search(results, "running", "")
    cells = [
        [page.model.index(r, c).data() for c in range(page.model.columnCount())]
        for r in range(page.model.rowCount())
    ]
    assert [c[1] for c in cells] == ["To its end", "Ended early", "To its end", "Failed", "Running"]
    assert cells[2][2:] == ["0.8000", "1", "0.001", "AdamW"]
    assert page.model.index(3, 0).data(Qt.ToolTipRole) == "The memory was not enough."
    said = page._about.text()
    assert "best IoU 0.8000 in trial 3" in said and "4 of 6 trials ended" in said and "1 failed" in said
    assert page.progress.value() == 4 and page.progress.maximum() == 6
    assert page.importance._names.names == ("Optimiser", "Learning rate")
    assert page.halt.text() == "&Stop" and page.best.isEnabled()


def test_a_line_goes_on_over_an_option_that_its_trial_did_not_use(
    page: SearchPage, results: dict[str, Any]
) -> None:
    assert "did not use" not in page.parallel.value.text()
    lines = results["parallel"]["lines"]
    lines[0]["values"][1] = None  # neither a break in the line nor a value of the option
    lines[1]["values"][0] = None
    page.show_search(results, "completed", "")
    drawn = page.parallel._lines
    assert np.isfinite(drawn).all() and drawn[0, 1] == pytest.approx(drawn[0, [0, 2]].mean())
    assert drawn[1, 0] == drawn[1, 1] and "did not use" in page.parallel.value.text()
    results["parallel"]["lines"] = lines[:1]
    page.show_search(results, "completed", "")
    assert marks(page.parallel._axes()[-1]) == [(0.5, "0.5")]


def test_the_choice_stays_while_results_come_in(page: SearchPage, results: dict[str, Any]) -> None:
    page.show_search(results, "running", "")
    page.choose(3)
    page.show_search(results | {"updated": 1.0}, "running", "")
    assert page.chosen == 3
    page.history.picked.emit(1)
    assert page.chosen == 1


def test_the_run_of_a_trial_and_the_best_settings_are_one_click_away(
    page: SearchPage, results: dict[str, Any], qtbot
) -> None:
    page.show_search(results, "completed", "")
    page.choose(2)
    with qtbot.waitSignal(page.run_asked) as asked:
        qtbot.mouseClick(page.open_run, Qt.LeftButton)
    assert asked.args == [page.folder.path / "runs/2026-01-01_trial-2_unet_1"]
    with qtbot.waitSignal(page.train_asked) as asked:
        qtbot.mouseClick(page.best, Qt.LeftButton)
    assert asked.args == [page.folder.best] and not page.halt.isEnabled()


def test_stop_and_go_on(
    page: SearchPage, results: dict[str, Any], qtbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(search_page, "go_on", lambda folder: asked.append("go on"))
    monkeypatch.setattr(search_page, "halt", lambda folder: asked.append("stop"))
    page.show_search(results, "running", "")
    qtbot.mouseClick(page.halt, Qt.LeftButton)
    page.show_search(results, "interrupted", "The process was killed.")
    assert page._cause.isVisible()
    qtbot.mouseClick(page.halt, Qt.LeftButton)
    assert asked == ["stop", "go on"]


def test_without_optuna_the_page_says_what_to_install(
    page: SearchPage, results: dict[str, Any], qtbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    page.show_search(results, "interrupted", "")
    with qtbot.waitSignal(page.failed) as failed:
        page.stop_or_go_on()
    assert "requirements-search.txt" in failed.args[0]


def test_places_on_the_axes() -> None:
    log = {"kind": "float", "low": 1e-4, "high": 1e-2, "log": True, "choices": [], "names": []}
    assert place(log, 1e-3) == pytest.approx(0.5) and math.isnan(place(log, None))
    words = {
        "kind": "choice",
        "low": 0,
        "high": 0,
        "log": False,
        "choices": ["a", "b", "c"],
        "names": ["A", "B", "C"],
    }
    assert place(words, "b") == 0.5 and [text for _, text in marks(words)] == ["A", "B", "C"]


@pytest.fixture
def dialog(qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SearchDialog]:
    monkeypatch.setattr(search_dialog, "need_optuna", lambda: None)
    made = SearchDialog(base(tmp_path), "lathe.yaml", INFO)
    qtbot.addWidget(made)
    made.show()
    yield made
    made.close()


def test_the_dialog_begins_ready_and_says_what_is_wrong_beside_the_option(dialog: SearchDialog) -> None:
    dialog.check()
    assert (
        dialog.plan is not None and dialog.bar.start.isEnabled() and "20 trials" in dialog.bar.status.text()
    )
    (rate,) = dialog.plan.space
    assert rate.log and rate.low < dialog.base.config.training.optimizer.learning_rate < rate.high
    row = dialog.space.rows[RATE]
    row._high.setText("1e-9")
    assert not dialog.bar.start.isEnabled()
    dialog.check()
    assert dialog.plan is None and "must lie below" in row.problem.text() and not dialog.bar.start.isEnabled()


def test_every_option_that_is_offered_can_be_added_and_taken_away(dialog: SearchDialog) -> None:
    for index in range(dialog.space.box.count()):
        dialog.space.add(dialog.space.box.itemData(index))
    assert len(dialog.space.rows) == dialog.space.box.count() > 40
    dialog.check()
    said = {key: row.problem.text() for key, row in dialog.space.rows.items() if row.problem.text()}
    # a range that nobody has thought about yet can be searched; of choices a person takes a second one
    assert said and all("at least two different values" in text for text in said.values()), said
    assert not any(dialog.space.rows[key].option.kind in ("int", "float", "bool") for key in said)
    for key in said:
        dialog.space.remove(key)
    dialog.check()  # beside AdamW a momentum would never be drawn
    said = {key: row.problem.text() for key, row in dialog.space.rows.items() if row.problem.text()}
    assert "training.optimizer.momentum" in said and all("does nothing" in text for text in said.values()), (
        said
    )
    for key in list(dialog.space.rows):
        dialog.space.remove(key)
    dialog.check()
    assert "add an option" in dialog.bar.status.text()


def test_start_makes_the_search_and_says_so(
    dialog: SearchDialog, qtbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[SearchFolder] = []
    monkeypatch.setattr(search_dialog, "go_on", begun.append)
    dialog.space.add(NAME)
    row = dialog.space.rows[NAME]
    for choice, box in row._boxes:
        box.setChecked(choice in ("adamw", "sgd"))
    with qtbot.waitSignal(dialog.started) as started:
        dialog.check()
        qtbot.mouseClick(dialog.bar.start, Qt.LeftButton)
    (folder,) = started.args
    assert begun == [folder] and {d.key for d in folder.plan(task_info).space} == {RATE, NAME}

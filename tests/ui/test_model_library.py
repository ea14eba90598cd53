"""The model library in its tab, and the ways from the main window to jobs with a model."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QAbstractScrollArea, QHeaderView, QMessageBox, QScrollArea, QWidget

from src.core.run import summarise
from src.core.run.library import find_record
from src.core.run.library_care import add_file, set_notes
from src.tasks import catalog
from src.ui.dialogs.job_dialog import JobDialog
from src.ui.main_window import MainWindow
from src.ui.model_start import training_from
from src.ui.theme import apply_theme
from src.ui.widgets.job_view import JobView
from src.ui.widgets.model_library import ModelLibrary
from src.ui.widgets.run_view import RunView
from tests.fake_jobs import job, until
from tests.fakes import FakeFollower, make_fake_run
from tests.toy_jobs import TOY
from tests.ui.job_windows import make_job, make_model_run, write_model

__all__ = ["job", "until"]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two runs with a model, and one without."""
    make_model_run(tmp_path / "runs", "2026-05-01_tiles_unet_1", 0.7)
    make_model_run(tmp_path / "runs", "2026-05-02_nuts_fpn_1", 0.8)
    make_fake_run(tmp_path / "runs", name="2026-05-03_new_unet_1", epochs=1, previews=False)
    return tmp_path / "runs"


@pytest.fixture
def library(qtbot: Any, qapp: Any, runs: Path, until: Any) -> Iterator[ModelLibrary]:
    apply_theme(qapp, "light", 1.0)
    made = ModelLibrary(runs)
    qtbot.addWidget(made)
    made.resize(1200, 700)
    made.show()
    until(lambda: made.proxy.rowCount() == 2)
    yield made
    made.close_library()


def column(library: ModelLibrary, number: int) -> list[str]:
    return [library.proxy.index(row, number).data() for row in range(library.proxy.rowCount())]


def test_models_are_listed_the_newest_first_and_sorted_by_any_column(library: ModelLibrary) -> None:
    assert column(library, 1) == ["nuts · fpn · 1", "tiles · unet · 1"]
    library.view.sortByColumn(2, Qt.AscendingOrder)
    assert column(library, 2) == ["IoU 0.7000", "IoU 0.8000"]


def test_the_details_follow_the_choice(library: ModelLibrary, runs: Path) -> None:
    assert library.choose(runs / "2026-05-01_tiles_unet_1")
    said = [library.details.facts.itemAt(i).widget().text() for i in range(library.details.facts.count())]
    assert "unet · resnet18" in said and "background, scratch, pit, stain" in [
        t.replace("\u200b", "") for t in said
    ]
    assert library.details.train.isEnabled() and library.details.run.isVisible()


def test_the_filter_reads_names_classes_and_notes(library: ModelLibrary, runs: Path, until: Any) -> None:
    set_notes(find_record(str(runs / "2026-05-01_tiles_unet_1")), "Für die Gießerei")
    library.refresh()
    until(lambda: any(r.notes for r in library.models.rows()))
    library.filter.setText("gießerei tiles")
    assert column(library, 1) == ["tiles · unet · 1"]
    library.filter.setText("zebra")
    assert library.stack.currentIndex() == 0 and not library.details.isVisible()
    library.filter.clear()
    assert len(column(library, 1)) == 2


def test_a_click_on_the_star_marks_and_the_box_shows_only_those(
    library: ModelLibrary, runs: Path, qtbot: Any
) -> None:
    index = library.proxy.index(1, 0)
    qtbot.mouseClick(library.view.viewport(), Qt.LeftButton, pos=library.view.visualRect(index).center())
    assert find_record(str(runs / "2026-05-01_tiles_unet_1")).starred
    library.starred.setChecked(True)
    assert column(library, 1) == ["tiles · unet · 1"]


def test_notes_are_kept_by_themselves_and_when_the_tab_goes(
    library: ModelLibrary, runs: Path, until: Any
) -> None:
    library.choose(runs / "2026-05-01_tiles_unet_1")
    library.details.notes.setPlainText("Good on scratches")
    until(lambda: find_record(str(runs / "2026-05-01_tiles_unet_1")).notes == "Good on scratches")
    library.details.notes.setPlainText("Very good")
    library.choose(runs / "2026-05-02_nuts_fpn_1")  # before the time is up
    assert find_record(str(runs / "2026-05-01_tiles_unet_1")).notes == "Very good"
    assert library.details.notes.toPlainText() == ""
    library.details.notes.setPlainText("Other")
    library.close_library()
    assert find_record(str(runs / "2026-05-02_nuts_fpn_1")).notes == "Other"


def test_removing_asks_moves_and_can_be_undone(
    library: ModelLibrary, runs: Path, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [QMessageBox.Cancel, QMessageBox.Yes]
    monkeypatch.setattr(QMessageBox, "question", lambda *_: answers.pop(0))
    library.choose(runs / "2026-05-02_nuts_fpn_1")
    library.details.remove.click()
    assert len(column(library, 1)) == 2
    library.details.remove.click()
    assert column(library, 1) == ["tiles · unet · 1"] and library.note.isVisible()
    assert (runs / "trash" / "2026-05-02_nuts_fpn_1" / "config.yaml").is_file()
    library.note.undo.click()
    until(lambda: len(column(library, 1)) == 2)
    assert (runs / "2026-05-02_nuts_fpn_1").is_dir()


def test_a_file_is_added_and_taken_off_without_a_question(
    library: ModelLibrary, tmp_path: Path, until: Any
) -> None:
    write_model(tmp_path / "other.safetensors")
    library.add_file(tmp_path / "other.safetensors")
    until(lambda: "other.safetensors" in column(library, 1))
    library.choose(tmp_path / "other.safetensors")
    assert not library.details.run.isVisible()
    library.details.remove.click()
    until(lambda: "other.safetensors" not in column(library, 1))
    assert (tmp_path / "other.safetensors").is_file()


def test_a_damaged_model_says_why_and_offers_nothing(library: ModelLibrary, runs: Path, until: Any) -> None:
    (runs / "2026-05-02_nuts_fpn_1" / "checkpoints" / "epoch2.safetensors").unlink()
    library.refresh()
    until(lambda: any(r.problem for r in library.models.rows()))
    library.choose(runs / "2026-05-02_nuts_fpn_1")
    assert "cannot be read" in library.details.problem.text() and not library.details.train.isEnabled()
    menu = library.menu_of(library.record)
    assert {a.objectName() for a in menu.actions()} == {"run", "folder", "star", "remove"}
    menu.deleteLater()


def test_what_was_done_with_a_model_opens(library: ModelLibrary, runs: Path, until: Any, qtbot: Any) -> None:
    run = runs / "2026-05-02_nuts_fpn_1"
    made = make_job(run / "evaluations" / "a", "evaluate", run)
    library.refresh()
    until(lambda: "1 evaluation" in column(library, 7))
    library.choose(run)
    with qtbot.waitSignal(library.result_asked) as asked:
        library.details.results.itemAt(0).widget().click()
    assert asked.args == [made]


# ---- the main window


@pytest.fixture
def window(qtbot: Any, qapp: Any, runs: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    monkeypatch.setattr(RunView, "follower", staticmethod(FakeFollower))
    info = dataclasses.replace(catalog.TASKS["segmentation"], jobs={"evaluate": TOY, "toy": TOY})
    monkeypatch.setitem(catalog.TASKS, "segmentation", info)
    apply_theme(qapp, "light", 1.0)
    made = MainWindow(runs)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitUntil(made.warmup.isFinished, timeout=15000)
    yield made
    made.close()


def dialogs(window: MainWindow) -> list[JobDialog]:
    return [d for d in window.findChildren(JobDialog) if d.isVisible()]


def test_from_the_menu_to_the_results(
    window: MainWindow, runs: Path, job: Any, until: Any, tmp_path: Path
) -> None:
    from src.core.run import RunFolder

    job("well")
    window.show_run(RunFolder(runs / "2026-05-01_tiles_unet_1"))
    window.menus.actions["evaluate_model"].trigger()
    (dialog,) = dialogs(window)
    assert dialog.model.model == str(runs / "2026-05-01_tiles_unet_1")
    until(dialog.start_button.isEnabled)
    dialog.start()
    view = window.tabs.currentWidget()
    assert isinstance(view, JobView)
    until(lambda: view.state == "completed")
    assert view.folder.path.parent == runs / "2026-05-01_tiles_unet_1" / "toys"
    assert window.windowTitle() == "Play · tiles · unet · 1 – Lathe"
    assert window.menus.actions["close_tab"].isEnabled() and not window.menus.actions["stop_run"].isEnabled()


def test_a_job_that_the_task_does_not_have_is_told(window: MainWindow) -> None:
    window.menus.actions["rank_images"].trigger()
    assert not dialogs(window) and "no such command" in window.message.text.text()


def test_the_model_decides_whose_job_it_is(window: MainWindow, runs: Path, until: Any) -> None:
    """The one that is shown, chosen in the library, or of the run that was opened last; or chosen in the dialog."""
    facts = {"task": "bearing", "classes": ["inner", "outer"]}
    bearing = make_model_run(runs, "2026-04-01_rig_lines_1", 0.6, facts)
    evaluate = window.menus.actions["evaluate_model"]

    def opened(model: Path, task: str) -> JobDialog:
        evaluate.trigger()
        dialog = dialogs(window)[-1]
        assert (dialog.model.model, dialog.setup.task) == (str(model), task)
        return dialog

    window.menus.actions["show_models"].trigger()
    library = window.tabs.currentWidget()
    until(lambda: library.proxy.rowCount() == 3)
    library.choose(bearing.path)
    opened(bearing.path, "bearing").close()
    window.open_run_path(bearing.path)
    opened(bearing.path, "bearing").close()
    window.tabs.close_all()
    dialog = opened(bearing.path, "bearing")  # the run that was opened last
    until(lambda: dialog.model.box.count() == 3)
    assert dialog.model.box.itemText(1).startswith("Semantic segmentation:")
    dialog.model.choose(str(runs / "2026-05-01_tiles_unet_1"))
    assert not dialog.isVisible()
    other = dialogs(window)[-1]
    assert other.setup.task == "segmentation" and other.model.model == str(runs / "2026-05-01_tiles_unet_1")


def test_the_run_and_its_context_menu_offer_the_jobs(window: MainWindow, runs: Path, qtbot: Any) -> None:
    from src.core.run import RunFolder

    folder = RunFolder(runs / "2026-05-01_tiles_unet_1")
    menu = window.runs.menu_of(summarise(folder))
    assert "job:evaluate" in {a.objectName() for a in menu.actions()}
    menu.deleteLater()
    window.show_run(folder)
    view = window.tabs.run_view()
    qtbot.waitUntil(view.header.buttons.use.isVisible)
    next(a for a in view.header.buttons.use.menu().actions() if a.objectName() == "job:evaluate").trigger()
    assert len(dialogs(window)) == 1
    without = RunFolder(runs / "2026-05-03_new_unet_1")
    menu = window.runs.menu_of(summarise(without))
    assert not any(a.objectName().startswith("job:") for a in menu.actions())
    menu.deleteLater()


def test_a_folder_of_a_job_opens_as_one_and_only_once(window: MainWindow, runs: Path) -> None:
    made = make_job(runs / "2026-05-01_tiles_unet_1" / "toys" / "a", "toy", runs / "2026-05-01_tiles_unet_1")
    window.open_run_path(made)
    window.open_run_path(made)
    assert window.tabs.count() == 1 and isinstance(window.tabs.currentWidget(), JobView)


def test_closing_the_window_while_a_job_works_asks(
    window: MainWindow, job: Any, until: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from src.core.config import Layer, resolve
    from tests.toy_jobs import ToyConfig

    job("waits")
    (tmp_path / "m.pth").write_bytes(b"x")
    values = {"model": str(tmp_path / "m.pth"), "out": str(tmp_path / "out"), "job": "toy"}
    view = window.tabs.start_job(resolve(ToyConfig, [Layer("dialog", values)]), TOY)
    until(lambda: view.folder is not None)
    asked: list[str] = []
    monkeypatch.setattr(QMessageBox, "question", lambda *a: (asked.append(a[2]), QMessageBox.Cancel)[1])
    window.close()
    assert window.isVisible() and view.works and len(asked) == 1
    monkeypatch.setattr(QMessageBox, "question", lambda *a: QMessageBox.Yes)
    window.close()
    assert not window.isVisible()


def test_the_library_is_one_tab_and_leads_to_a_training(
    window: MainWindow, runs: Path, until: Any, job: Any
) -> None:
    job("completes")
    window.menus.actions["show_models"].trigger()
    window.menus.actions["show_models"].trigger()
    library = window.tabs.currentWidget()
    assert isinstance(library, ModelLibrary) and window.tabs.count() == 1
    until(lambda: library.proxy.rowCount() == 2)
    library.choose(runs / "2026-05-01_tiles_unet_1")
    library.details.train.click()
    dialog = window._dialog
    values = dialog.forms["Model"].values()
    assert values["model.start_from"] == str(runs / "2026-05-01_tiles_unet_1")
    assert dialog.forms["Training"].values()["training.epochs"] == 3
    library.details.train.click()
    assert "open already" in window.message.text.text()
    dialog.close()


def test_a_training_from_a_file_takes_what_the_file_says(tmp_path: Path) -> None:
    write_model(tmp_path / "m.safetensors")
    config = training_from(add_file(tmp_path / "m.safetensors")).config
    assert (config.model.architecture, config.data.channels) == ("unet", 3)
    assert config.model.start_from == str(tmp_path / "m.safetensors")


def test_everything_that_takes_input_has_a_name(window: MainWindow, runs: Path, until: Any) -> None:
    window.menus.actions["show_models"].trigger()
    library = window.tabs.currentWidget()
    until(lambda: library.proxy.rowCount() == 2)
    window.open_job_dialog("evaluate", str(runs / "2026-05-01_tiles_unet_1"))
    (dialog,) = dialogs(window)
    for place in (library, dialog):
        nameless = [
            w for w in place.findChildren(QWidget)
            if w.focusPolicy() & Qt.TabFocus and w.isVisible() and w.isEnabled() and not w.objectName().startswith("qt_")
            and not isinstance(w.parent(), QAbstractScrollArea) and not isinstance(w, (QScrollArea, QHeaderView))
            and not (w.accessibleName() or getattr(w, "text", str)() or w.toolTip())
        ]  # fmt: skip
        assert [type(w).__name__ for w in nameless] == []

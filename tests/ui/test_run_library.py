"""The list of runs as a library: filter, star, tags, notes, trash; several runs chosen and compared; cloned and reproduced."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PyQt5.QtCore import QItemSelectionModel, Qt
from PyQt5.QtWidgets import QApplication, QDialog, QMessageBox

from src.core.run import RunFolder, summarise
from src.core.run.compare import compare_runs
from src.core.run.queue import RunQueue
from src.core.run.run_care import keep_said, list_trash, trash_run
from src.core.run.said import Said, read_said
from src.ui.dialogs import reproduce_dialog
from src.ui.dialogs.reproduce_dialog import ReproduceDialog
from src.ui.dialogs.run_notes import RunNotesDialog
from src.ui.dialogs.run_trash import RunTrashDialog
from src.ui.main_window import MainWindow
from src.ui.run_data import RunData
from src.ui.theme import apply_theme
from src.ui.widgets.compare_page import ComparePage
from src.ui.widgets.machine_page import MachinePage
from src.ui.widgets.run_view import RunView
from src.ui.widgets.runs_list import Wanted
from src.ui.widgets.runs_panel import RunsPanel
from tests.fakes import FakeFollower, make_fake_run
from tests.ui.evaluation_document import evaluation, write
from tests.ui.job_windows import make_job


@pytest.fixture
def runs(tmp_path: Path) -> list[RunFolder]:
    place = tmp_path / "runs"
    made = [
        make_fake_run(place, "2026-05-01_nuts_unet_1", epochs=3, previews=False),
        make_fake_run(
            place, "2026-05-01_nuts_unet_2", epochs=4, done=2, ending="failed", previews=False, cause="Why."
        ),
        make_fake_run(place, "2026-05-01_tiles_fpn_1", epochs=5, previews=False),
    ]
    keep_said(made[0], starred=True, tags="base night", notes="warmer light")
    keep_said(made[2], tags="Base")
    return made


@pytest.fixture
def panel(qtbot, qapp, runs: list[RunFolder]) -> RunsPanel:
    apply_theme(qapp, "light", 1.0)
    made = RunsPanel()
    qtbot.addWidget(made)
    made.resize(300, 700)
    made.show()
    made.put([summarise(run) for run in runs])
    return made


@pytest.fixture
def window(
    qtbot, qapp, tmp_path: Path, runs: list[RunFolder], monkeypatch: pytest.MonkeyPatch
) -> Iterator[MainWindow]:
    monkeypatch.setattr(RunView, "follower", staticmethod(FakeFollower))
    monkeypatch.setattr(RunQueue, "ensure_runner", lambda self: None)
    apply_theme(qapp, "light", 1.0)
    made = MainWindow(tmp_path / "runs")
    qtbot.addWidget(made)
    made.show()
    qtbot.waitUntil(made.warmup.isFinished, timeout=15000)
    made._put_runs([summarise(run) for run in runs])
    yield made
    made.close()


def listed(panel: RunsPanel) -> list[str]:
    model = panel.list.model()
    return [model.index(row, 0).data() for row in range(model.rowCount())]


def select(panel: RunsPanel, *rows: int) -> None:
    for row in rows:
        panel.list.selectionModel().select(panel.list.model().index(row, 0), QItemSelectionModel.Select)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [(Wanted(starred=True), ["nuts · unet · 1"]), (Wanted(groups=frozenset({"Failed"})), ["nuts · unet · 2"]),
     (Wanted(tags=frozenset({"base"})), ["nuts · unet · 1", "tiles · fpn · 1"]),
     (Wanted(tags=frozenset({"base", "night"})), ["nuts · unet · 1"]),
     (Wanted(groups=frozenset({"Failed", "Completed"}), starred=True), ["nuts · unet · 1"])],
)  # fmt: skip
def test_the_filter(panel: RunsPanel, wanted: Wanted, found: list[str]) -> None:
    panel.which.want(wanted)
    assert listed(panel) == found and panel._wanted.isVisible()
    panel._wanted.linkActivated.emit("all")
    assert len(listed(panel)) == 3 and not panel._wanted.isVisible()


@pytest.mark.parametrize(
    ("text", "number"),
    [("#night", 1), ("#base", 2), ("warmer", 1), ("nuts completed", 1), ("starred", 1), ("x9", 0)],
)
def test_the_text_looks_at_tags_and_notes_too(panel: RunsPanel, text: str, number: int) -> None:
    panel.filter.setText(text)
    assert len(listed(panel)) == number


def test_a_run_with_tags_has_a_line_for_them(panel: RunsPanel) -> None:
    view = panel.list

    def heights() -> list[int]:
        QApplication.processEvents()
        return [
            view.visualRect(view.model().index(row, 0)).height() for row in range(view.model().rowCount())
        ]

    tagged = [bool(run.said.tags) for run in panel.model.runs()]
    low, high = min(heights()), max(heights())
    assert low < high and [height == high for height in heights()] == tagged == [True, False, True]
    panel.model.mark(panel.model.runs()[1].folder.path, Said(tags=("new",)))
    assert heights() == [high] * 3


def test_the_menu_of_the_filter_has_every_tag_once(panel: RunsPanel) -> None:
    panel.which.fill()
    texts = {a.text(): a for a in panel.which.menu_.actions()}
    assert {"#base", "#night", "Failed", "&Starred"} <= texts.keys() and not texts["Show &all"].isEnabled()
    texts["#night"].trigger()
    assert listed(panel) == ["nuts · unet · 1"]
    with_all = panel.which.menu_
    panel.which.fill()
    next(a for a in with_all.actions() if a.text() == "Show &all").trigger()
    assert len(listed(panel)) == 3


def test_several_are_chosen_and_compared(panel: RunsPanel, qtbot) -> None:
    select(panel, 0)
    assert not panel.compare.isVisible()
    select(panel, 2)
    assert panel.compare.text() == "&Compare 2 runs"
    panel.put(panel.model.runs()[::-1])  # the list is read again
    assert len(panel.all_chosen()) == 2, "the choice stays"
    with qtbot.waitSignal(panel.compared) as asked:
        qtbot.mouseClick(panel.compare, Qt.LeftButton)
    assert sorted(f.name[-6:] for f in asked.args[0]) == ["_fpn_1", "unet_1"]


def test_star_and_notes_from_the_list(window: MainWindow, runs: list[RunFolder], qtbot) -> None:
    window.order_run(runs[1], "star")
    assert read_said(runs[1]).starred and window.runs.model.runs()[1].said.starred
    window.order_run(runs[1], "notes")
    dialog = next(d for d in window.findChildren(RunNotesDialog))
    dialog.tags.setText("later, #Later")
    dialog.notes.setPlainText("Again with more light")
    dialog.accept()
    assert (
        read_said(runs[1]).tags == ("later",)
        and window.runs.model.runs()[1].said.notes == "Again with more light"
    )


def test_what_cannot_be_kept_is_told_and_stays_open(qtbot, runs: list[RunFolder]) -> None:
    dialog = RunNotesDialog(runs[0], ["base"])
    qtbot.addWidget(dialog)
    (runs[0].path / "library.json").unlink()
    (runs[0].path / "library.json").mkdir()
    dialog.accept()
    assert dialog.result() != QDialog.Accepted and "cannot be written" in dialog.fault.text()


def test_to_the_trash_and_back(
    window: MainWindow, runs: list[RunFolder], qtbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.Cancel)
    window.order_run(runs[0], "trash")
    assert runs[0].path.exists()
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.Yes)
    window.show_run(runs[0])
    window.order_run(runs[0], "trash")
    assert not runs[0].path.exists() and window.tabs.run_view() is None
    assert "trash" in window.runs.note.text.text()
    qtbot.mouseClick(window.runs.note.undo, Qt.LeftButton)
    assert runs[0].path.exists() and not window.runs.note.isVisible()


def test_the_trash_lists_and_gives_back(qtbot, runs: list[RunFolder]) -> None:
    place = runs[0].path.parent
    trash_run(runs[0])
    dialog = RunTrashDialog(place)
    qtbot.addWidget(dialog)
    assert dialog.model.item(0, 0).text() == "nuts · unet · 1" and not dialog.back.isEnabled()
    dialog.view.selectRow(0)
    with qtbot.waitSignal(dialog.restored):
        dialog.bring_back()
    assert runs[0].path.exists() and list_trash(place) == [] and "empty" in dialog.about.text()


# ---- comparison


def test_the_comparison_shows_curves_settings_and_pairs(
    window: MainWindow, runs: list[RunFolder], qtbot
) -> None:
    for run in (runs[0], runs[2]):
        make_job(run.path / "evaluations" / "a", "evaluate", run.path)
        write(run.path / "evaluations" / "a", evaluation(skill=0.8 if run is runs[0] else 0.9))
    select(window.runs, 0, 1, 2)
    window.compare_runs()
    page = window.tabs.currentWidget()
    assert isinstance(page, ComparePage)
    qtbot.waitUntil(lambda: page.comparison is not None)
    assert page.left.which.currentData() == "metric:iou" and page.right.which.currentData() == "val_loss"
    assert len(page.left._curves) == 3 and len({c.role for c in page.left._curves}) == 3
    page.models["runs"].item(1, 0).setCheckState(Qt.Unchecked)
    assert len(page.left._curves) == len(page.right._curves) == 2
    settings = page.models["settings"]
    assert settings.rowCount() == 1 and [settings.item(0, c).text() for c in (1, 2, 3)] == ["3", "4", "5"]
    page.differing.setChecked(False)
    assert settings.rowCount() > 5 and "Epochs" in settings.item(0, 0).text()
    paired = page.models["paired"]
    assert "against" in paired.item(0, 0).text() and paired.item(1, 3).text().startswith("+")
    with qtbot.waitSignal(page.run_asked) as asked:
        page.tables["runs"].activated.emit(page.models["runs"].index(2, 0))
    assert asked.args == [runs[2].path]


def test_eight_runs_differ_in_colour_or_stroke(qtbot, tmp_path: Path) -> None:
    many = [make_fake_run(tmp_path, f"2026-05-01_a_unet_{n}", epochs=2, previews=False) for n in range(8)]
    page = ComparePage()
    qtbot.addWidget(page)
    page.show_comparison(compare_runs(many))
    looks = {(c.role, c.dashed) for c in page.left._curves}
    assert len(looks) == 8
    page.close_tool()


def test_too_few_runs_are_told(window: MainWindow) -> None:
    window.compare_runs()
    assert "Choose two to eight" in window.message.text.text()


# ---- once more


def test_a_clone_opens_the_training_window_with_the_settings(
    window: MainWindow, runs: list[RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []
    monkeypatch.setattr(window, "open_training", given.append)
    window.show_run(runs[2])
    window.clone_run()
    assert given[0].config.training.epochs == 5 and given[0].config.name == ""


class StillScan:
    """Checks nothing; the test answers."""

    def __init__(self, *_: object) -> None:
        self.progress = self.done = self.failed = self

    def connect(self, *_: object) -> None:
        pass

    start = stop = connect


def test_reproducing_says_what_differs_and_waits_in_the_queue(
    qtbot, runs: list[RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reproduce_dialog, "ScanThread", StillScan)
    monkeypatch.setattr(RunQueue, "ensure_runner", lambda self: None)
    run = runs[0]
    images = run.path.parent / "images"
    images.mkdir()
    run.config.write_text(
        run.config.read_text("utf-8").replace("data:\n", f"data:\n  masks_dir: {images.as_posix()}\n"),
        "utf-8",
    )
    run.dataset.mkdir()
    (run.dataset / "train.txt").write_text("a.png\n", "utf-8")
    run.write_json(run.environment, {"data_fingerprint": "aa", "versions": {"numpy": "0.1"}})
    dialog = ReproduceDialog(run)
    qtbot.addWidget(dialog)
    dialog.show()
    assert not dialog.start.isEnabled() and [d.what for d in dialog.differences] == ["numpy"]
    dialog._checked({"description": {"fingerprint": "bb"}})
    assert [d.what for d in dialog.differences] == [
        "the data",
        "numpy",
    ] and "2 things are not" in dialog.status.text()
    with qtbot.waitSignal(dialog.queued):
        qtbot.mouseClick(dialog.queue, Qt.LeftButton)
    assert len(RunQueue().state().waiting) == 1 and not dialog.isVisible()


# ---- the machine


def test_the_machine_page_says_what_helps(qtbot, runs: list[RunFolder]) -> None:
    page = MachinePage()
    qtbot.addWidget(page)
    page.resize(900, 600)
    data = RunData()
    page.set_run(runs[0].config)
    page.set_data(data)
    page.show()
    qtbot.waitUntil(lambda: not page._clock.isActive())
    assert page._stack.currentIndex() == 0
    from src.core.run import EventTail, EventWriter

    writer = EventWriter(runs[0].events)
    for n in range(8):
        writer.write(
            "resource_sample", cpu_percent=50.0 + n, memory_mb=900.0, wait_share=0.62, gpu_percent=None
        )
    writer.close()
    data.take(EventTail(runs[0].events).read())
    page._draw()
    assert page._stack.currentIndex() == 1 and page.hints[0].severity == "warn"
    seen = {title for title, card in page._cards.items() if card.isVisible()}
    assert seen == {"Waiting for data", "Processor", "Memory"}, "what was not measured is left out"
    assert replace(page.hints[0]).said.startswith("The computation waits")
    page.hide()

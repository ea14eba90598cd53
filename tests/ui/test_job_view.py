"""One job in a tab: at work in a real child process, cancelled, failed, old; and the pages of results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PyQt5.QtGui import QImage
from PyQt5.QtWidgets import QApplication, QMessageBox

from src.core.config import Layer, resolve
from src.core.run import Event, EventWriter, RunFolder
from src.core.run.state import claim
from src.ui.open_tabs import OpenTabs
from src.ui.theme import apply_theme
from src.ui.widgets.export_page import ExportPage
from src.ui.widgets.job_view import JobView
from src.ui.widgets.pseudo_page import PseudoPage
from src.ui.widgets.rank_page import RankPage
from src.ui.widgets.result_pages import PAGES, FilesPage, make_page
from tests.fake_jobs import job, until
from tests.toy_jobs import TOY, ToyConfig
from tests.ui.job_windows import make_job

__all__ = ["job", "until"]


@pytest.fixture
def view(qtbot: Any, qapp: Any) -> Any:
    apply_theme(qapp, "light")
    made = JobView()
    qtbot.addWidget(made)
    made.resize(1000, 700)
    made.show()
    yield made
    made.close_page()


@pytest.fixture
def start(view: JobView, job: Any, tmp_path: Path) -> Any:
    """Starts the fake child so that it behaves as named."""

    def begin(mode: str, **values: Any) -> JobView:
        job(mode)
        model = tmp_path / "m.pth"
        model.write_bytes(b"weights")
        chosen = {"model": str(model), "out": str(tmp_path / "out ü"), "job": "toy", **values}
        view.run(resolve(ToyConfig, [Layer("dialog", chosen)]), TOY)
        return view

    return begin


def test_a_job_from_start_to_results(start: Any, until: Any, tmp_path: Path) -> None:
    view = start("well")
    assert view.works and view.question() and view.state == "starting"
    until(lambda: not view.works)
    assert view.state == "completed" and view.head.state.text() == "Completed" and not view.question()
    assert view.head.said.text() == "Done." and not view.head.work.isVisible()
    assert isinstance(view.page, FilesPage) and view.folder.path == tmp_path / "out ü"
    assert view.title == "Play · m.pth"
    assert not view.head.cancel.isVisible() and view.head.again.isVisible() and view.head.folder.isVisible()


def test_cancel_ends_it_and_says_that_all_complete_is_kept(start: Any, until: Any) -> None:
    view = start("waits")
    until(lambda: "Working: 1 of 2" in view.head.words.text())
    view.head.cancel.click()
    assert not view.head.cancel.isEnabled() and "kept" in view.head.words.text()
    until(lambda: not view.works)
    assert view.state == "stopped" and "what is complete is kept" in view.head.message.text.text()


def test_a_failure_is_a_sentence_with_its_cure(start: Any, until: Any) -> None:
    view = start("fails")
    until(lambda: not view.works)
    assert (
        view.state == "failed" and view.head.message.isVisible() and len(view.head.message.text.text()) > 10
    )


def test_a_job_that_cannot_begin_has_no_folder_and_says_why(start: Any, until: Any, qtbot: Any) -> None:
    view = start("well", model="/nowhere")
    until(lambda: not view.works)
    assert view.state == "failed" and "/nowhere" in view.head.message.text.text()
    assert view.page is None and not view.head.folder.isVisible()
    with qtbot.waitSignal(view.again_asked) as asked:
        view.head.again.click()
    assert asked.args[0] is TOY and asked.args[1]["model"] == "/nowhere" and asked.args[1]["out"] == ""


def test_closing_while_it_works_asks_once_and_ends_it(
    qtbot: Any, job: Any, until: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job("waits")
    (tmp_path / "m.pth").write_bytes(b"weights")
    tabs = OpenTabs()
    qtbot.addWidget(tabs)
    chosen = {"model": str(tmp_path / "m.pth"), "out": str(tmp_path / "out"), "job": "toy"}
    view = tabs.start_job(resolve(ToyConfig, [Layer("dialog", chosen)]), TOY)
    assert tabs.tabText(0) == "Play · m.pth"
    until(lambda: view.folder is not None)
    asked: list[str] = []
    answers = [QMessageBox.Cancel, QMessageBox.Yes]
    monkeypatch.setattr(QMessageBox, "question", lambda *a: (asked.append(a[2]), answers.pop(0))[1])
    tabs.tabCloseRequested.emit(0)
    assert tabs.count() == 1 and view.works
    thread = view.thread_
    tabs.tabCloseRequested.emit(0)
    assert tabs.count() == 0 and len(asked) == 2 and "what is complete is kept" in asked[0]
    until(lambda: thread.isFinished())


# ---- folders of jobs that were done before


def test_what_the_page_counts_is_not_said_twice(view: JobView, tmp_path: Path) -> None:
    figures = ["2 images were predicted, 8 a second.", "5 objects on 2 images in all."]
    view.open_job(
        make_job(
            tmp_path / "a", "predict", tmp_path / "m.pth", said=[*figures, "1 was removed."], figures=figures
        )
    )
    assert view.state == "completed" and view.head.said.text() == "1 was removed."


def test_an_old_job_is_shown_with_what_it_said(view: JobView, tmp_path: Path) -> None:
    folder = make_job(
        tmp_path / "a", "tidy", tmp_path / "m.pth", said=["Good.", "Better."], report="report/index.html"
    )
    (folder / "result.txt").write_text("x", "utf-8")
    view.open_job(folder)
    assert view.state == "completed" and view.head.said.text() == "Good.\nBetter."
    assert isinstance(view.page, FilesPage)
    assert [view.page.files.item(i).text() for i in range(view.page.files.count())] == [
        "result.txt   1 bytes"
    ]
    assert not view.head.report.isVisible()
    (folder / "report").mkdir()
    (folder / "report" / "index.html").write_text("x", "utf-8")
    view.open_job(folder)
    assert view.head.report.isVisible()


def test_one_of_another_version_is_shown_as_far_as_it_goes(view: JobView, tmp_path: Path, qtbot: Any) -> None:
    view.open_job(make_job(tmp_path / "a", "divine", tmp_path / "m", task="weather"))
    assert "weather" in view.head.message.text.text() and view.title.startswith("Divine")
    with qtbot.waitSignal(view.failed):
        view.head.again.click()


def test_a_job_that_disappeared_is_told_and_can_go_on_in_its_folder(view: JobView, tmp_path: Path) -> None:
    view.open_job(make_job(tmp_path / "a", "predict_", tmp_path / "m.pth", status=None))
    assert view.state == "killed" and "Start it again" in view.head.message.text.text()


def test_a_job_of_another_window_is_followed_to_its_end(view: JobView, tmp_path: Path, until: Any) -> None:
    folder = make_job(tmp_path / "a", "tidy", tmp_path / "m.pth", status=None)
    claim(RunFolder(folder))
    writer = EventWriter(folder / "events.jsonl")
    writer.write("stage", what="Tidying", done=3, total=9)
    view.open_job(folder)
    assert (
        view.state == "running"
        and view.head.words.text() == "Tidying: 3 of 9"
        and not view.head.cancel.isVisible()
    )
    writer.write("warning", severity="warning", code="w", message="Dusty.", cure="Wipe.", where=[])
    writer.write("run_ended", status="completed", cause="", cure="", said=["Tidy."])
    writer.close()
    until(lambda: view.state == "completed")
    assert view.head.said.text() == "Tidy." and [c.finding.code for c in view.notes.cards()] == ["w"]


def test_a_damaged_folder_is_told(view: JobView, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "config.yaml").write_text("{ [", "utf-8")
    view.open_job(tmp_path / "a")
    assert "cannot be read" in view.head.message.text.text()


# ---- the pages


def test_every_page_of_the_table_is_there_and_empty_folders_are_no_fault(qtbot: Any, tmp_path: Path) -> None:
    for name in PAGES:
        page = make_page("segmentation", name)
        qtbot.addWidget(page)
        page.open_folder(tmp_path)
        page.tell(Event(1, 0.0, "anything", {}))
        if hasattr(page, "close_page"):
            page.close_page()


PARITY = {
    "agrees": True, "objections": [], "images": 16, "pixels": 1_000_000, "pixels_with_another_class": 12,
    "share_of_pixels_with_another_class": 12e-6, "largest_difference": 4e-5, "worst_image": "part_7.png",
    "limits": {"largest_difference": 1e-3, "share_of_pixels": 1e-4, "iou_lost": 1e-3},
    "iou": {"original": 0.81, "export": 0.8095}, "iou_lost": 0.0005, "bytes": 7_000_000, "original_bytes": 14_000_000,
    "latency": {"original": {"median_ms": 30.0}, "export": {"median_ms": 10.0}, "threads": 2},
    "runtime": {"runtime": "onnxruntime"}, "compared_on": "16 validation images",
    "export": {"format": "onnx", "opset": 18, "precision": "fp16", "dynamic_size": True, "normalisation": "inside"},
}  # fmt: skip


def texts(page: ExportPage) -> list[str]:
    items = (page.table.itemAt(i).widget().text() for i in range(page.table.count()))
    return [text for text in items if text]


def test_the_comparison_of_an_export_is_a_table(qtbot: Any, tmp_path: Path) -> None:
    page = ExportPage()
    qtbot.addWidget(page)
    page.open_folder(tmp_path)
    assert page.full.isHidden()
    (tmp_path / "parity.json").write_text(json.dumps(PARITY), "utf-8")
    (tmp_path / "model.onnx").write_bytes(b"x" * 2000)
    (tmp_path / "MODEL_CARD.md").write_text("# The card\n\nUse with care.", "utf-8")
    page.open_folder(tmp_path)
    shown = texts(page)
    assert "12 of 1,000,000 (0.001%)" in shown and "4e-05" in shown and "0.0005 lost" in shown
    assert "3.0 × as fast" in shown and "30.0 ms" in shown and "7.0 MB" in shown and "at most 0.01%" in shown
    assert "same as the original" in page.verdict_text.text() and "16 images" in page.verdict_text.text()
    assert "ONNX (opset 18), 16 bit, any image size" in page.about.text()
    assert "Use with care." in page.text.toPlainText() and page.files.count() == 3


def test_a_refused_export_says_why_and_the_newest_of_several_is_shown(qtbot: Any, tmp_path: Path) -> None:
    page = ExportPage()
    qtbot.addWidget(page)
    (tmp_path / "parity.json").write_text(json.dumps(PARITY), "utf-8")
    (tmp_path / "2").mkdir()
    refused = {**PARITY, "agrees": False, "objections": ["A probability differs by 0.5."]}
    (tmp_path / "2" / "parity.json").write_text(json.dumps(refused), "utf-8")
    page.open_folder(tmp_path)
    assert "refused" in page.verdict_text.text() and "0.5" in page.verdict_text.text()


def test_suggestions_are_pictures_in_their_order_and_their_paths_can_be_copied(
    qtbot: Any, tmp_path: Path, until: Any
) -> None:
    rows = []
    for place in (1, 2):
        path = tmp_path / f"part_{place}.png"
        image = QImage(64, 40, QImage.Format_RGB32)
        image.fill(0x808080)
        image.save(str(path))
        rows.append(
            {"rank": place, "image": path.name, "path": str(path), "uncertainty": 0.5, "novelty": 0.25}
        )
    rows.append(
        {
            "rank": 3,
            "image": "gone.png",
            "path": str(tmp_path / "gone.png"),
            "uncertainty": 0.1,
            "novelty": None,
        }
    )
    rows[1] |= {"worth": 0.8, "gain": 0.2, "most_like": rows[0]["image"]}
    document = {"images": 9, "suggested": rows, "diversity": 1.0}
    (tmp_path / "ranking.json").write_text(json.dumps(document), "utf-8")
    page = RankPage()
    qtbot.addWidget(page)
    page.open_folder(tmp_path)
    model = page.grid.model()
    assert "3 images of 9" in page.about.text() and "like one above it stands lower" in page.about.text()
    assert "like 1." in model.index(1, 0).data() and "like" not in model.index(0, 0).data()
    assert (
        model.index(0, 0).data().startswith("1.\u00a0part_1.png") and "new 0.25" in model.index(0, 0).data()
    )
    until(lambda: "cannot be read" in model.index(2, 0).data())
    page.copy_list()
    assert QApplication.clipboard().text().splitlines() == [row["path"] for row in rows]
    page.grid.setCurrentIndex(model.index(1, 0))
    page.copy_list()
    assert QApplication.clipboard().text() == rows[1]["path"] and page.copied.text() == "1 path copied"
    page.close_page()


def test_pseudo_labels_open_as_a_data_set(qtbot: Any, tmp_path: Path) -> None:
    made = tmp_path / "set"
    made.mkdir()
    folder = make_job(
        tmp_path / "job", "pseudo_label", tmp_path / "m", dataset=str(made), combined=str(tmp_path / "gone")
    )
    page = PseudoPage()
    qtbot.addWidget(page)
    page.open_folder(tmp_path)
    assert page.stack.currentIndex() == 0
    page.open_folder(folder)
    assert page.stack.currentIndex() == 1 and not page.open_combined.isEnabled()
    with qtbot.waitSignal(page.dataset_asked) as asked:
        page.open_made.click()
    assert asked.args == [made]
    page.close_page()

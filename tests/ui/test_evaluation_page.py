"""The page that shows an evaluation: what it says, what slider, matrix and lists do, what it writes, how smooth it is."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PyQt5.QtCore import QPointF, Qt, QTimer
from PyQt5.QtGui import QImage, QPixmap
from PyQt5.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from src.core.evaluation.build import at_threshold
from src.core.evaluation.document import read_evaluation
from src.core.evaluation.scores import class_scores
from src.core.run import Event
from src.threads.evaluation_files import find_evaluations, read_head, read_in_pieces
from src.ui.theme import apply_theme
from src.ui.widgets.evaluation_images import ALARMS, MISSED
from src.ui.widgets.evaluation_page import EvaluationPage
from src.ui.widgets.evaluation_tiles import headline
from src.ui.widgets.paired import verdict
from tests.ui.evaluation_document import evaluation, write

ROOT = Path(__file__).parents[2]
CLASSES = ("background", "crack", "scratch", "dent")


@pytest.fixture
def page(qtbot: QtBot) -> Iterator[EvaluationPage]:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    apply_theme(app, "light")
    made = EvaluationPage()
    qtbot.addWidget(made)
    made.resize(1280, 800)
    made.show()
    yield made
    made.close_page()


def opened(qtbot: QtBot, page: EvaluationPage, folder: Path) -> EvaluationPage:
    with qtbot.waitSignal(page.shown, timeout=10_000):
        page.open_folder(folder)
    return page


def test_a_document_read_in_pieces_is_the_document(tmp_path: Path) -> None:
    folder = write(tmp_path / "e", evaluation(30, CLASSES, pictures=3))
    assert read_in_pieces(folder) == read_evaluation(folder)


@pytest.mark.parametrize(
    "text", ["", "{", '{"format": "lathe-evaluation"', "[1]", '{"format": "other"}', "{} x", '{"a" 1}']
)
def test_a_damaged_document_is_told_and_not_shown(
    qtbot: QtBot, page: EvaluationPage, tmp_path: Path, text: str
) -> None:
    (tmp_path / "evaluation.json").write_text(text, "utf-8")
    page.open_folder(tmp_path)
    qtbot.waitUntil(lambda: page._empty._title.text() == "This evaluation cannot be shown", timeout=5000)
    assert str(tmp_path) in page._empty._text.text()
    assert page.data is None


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (lambda d: d.confusion.matrix.pop(), "confusion matrix"),
        (lambda d: d.curves[0].iou.pop(), "curves"),
        (lambda d: d.images[3].counts.hit.append(1), "counts of its images"),
        (lambda d: d.decision.thresholds.pop(), "image decision"),
        (lambda d: d.metrics.classes.pop(), "scores of its classes"),
        (lambda d: d.classes.append("more"), "number of classes"),
    ],
)
def test_a_document_whose_pieces_contradict_is_told(
    qtbot: QtBot, page: EvaluationPage, tmp_path: Path, spoil: Callable[[Any], Any], what: str
) -> None:
    document = evaluation(8)
    spoil(document)
    page.open_folder(write(tmp_path, document))
    qtbot.waitUntil(lambda: what in page._empty._text.text(), timeout=5000)


def test_indices_beyond_the_images_are_passed_over(
    qtbot: QtBot, page: EvaluationPage, tmp_path: Path
) -> None:
    document = evaluation(8)
    document.decision.missed, document.worst = [3, 99, -1], [500, *range(8)]
    opened(qtbot, page, write(tmp_path, document))
    page.tabs.setCurrentWidget(page.images)
    page.images.show_kind(MISSED)
    assert page.images.list.images.rows.tolist() == [3]


def test_nothing_on_any_image_and_nothing_known(qtbot: QtBot, page: EvaluationPage, tmp_path: Path) -> None:
    """Null wherever a null may stand, no curves, no objects, no group: pages have words for it."""
    raw = json.loads(evaluation(4).model_dump_json())
    raw.update(curves=[], calibration=[], interval={}, worst=[], images=[])
    raw["decision"] = {"score": "s", "pixels": 9, "reason": "No image shows an object."}
    raw["objects"].update(bins=[], classes=[], rate={}, false_per_image={})
    for scores in (raw["metrics"], *raw["metrics"]["classes"]):
        scores["pooled"] = {key: {} for key in scores["pooled"]}
        scores["images"] = {key: {} for key in scores["images"]}
    (tmp_path / "evaluation.json").write_text(json.dumps(raw), "utf-8")
    opened(qtbot, page, tmp_path)
    for place in range(page.tabs.count()):
        page.tabs.setCurrentIndex(place)
        page.grab()
    assert "IoU, all pixels together: –" in page.overview.tiles.tiles[0].accessibleName()
    assert page.decision.roc.value.text() == "No image shows an object."
    assert not page.thresholds.slider.isEnabled()


def test_before_the_end_there_is_no_result_and_then_there_is(
    qtbot: QtBot, page: EvaluationPage, tmp_path: Path
) -> None:
    page.open_folder(tmp_path)
    assert page._empty._title.text() == "No result yet"
    page.tell(Event(1, 0.0, "job_started", {"job": "evaluate"}))
    write(tmp_path, evaluation(8))
    with qtbot.waitSignal(page.shown, timeout=5000):
        page.tell(Event(2, 0.0, "run_ended", {"status": "completed"}))
    assert len(page.overview.tiles.tiles) == 6


def test_a_failed_evaluation_says_why(page: EvaluationPage, tmp_path: Path) -> None:
    page.open_folder(tmp_path)
    page.tell(
        Event(
            1, 0.0, "run_ended", {"status": "failed", "cause": "No mask was found.", "cure": "Choose masks."}
        )
    )
    assert page._empty._text.text() == "No mask was found. Choose masks."


def test_tiles_say_the_numbers_with_their_intervals(
    qtbot: QtBot, page: EvaluationPage, tmp_path: Path
) -> None:
    document = evaluation(40)
    opened(qtbot, page, write(tmp_path, document))
    said = [tile.accessibleName() for tile in page.overview.tiles.tiles]
    pooled = document.metrics.pooled["iou"]
    assert said[0].startswith(
        f"IoU, all pixels together: {pooled.value:.3f}. 95 %: {pooled.low:.3f}–{pooled.high:.3f}"
    )
    assert f"{len(document.decision.missed)} of {document.decision.images_with}" in said[3]
    assert "40 images" in page.overview.facts.text() and "10 groups (by folder)" in page.overview.facts.text()


@pytest.mark.parametrize(
    ("value", "said"), [(12.5, "12.5"), (0.21, "0.210"), (1234.5, "1,234"), (0.0, "no"), (None, "–")]
)
def test_false_objects_are_not_written_like_thousands(value: float | None, said: str) -> None:
    document = evaluation(12)
    document.objects.false_per_image.value = value
    shown: Any = SimpleNamespace(document=document)
    about = next(n.about for n in headline(shown) if n.title == "Objects found")
    assert about.endswith(f"; {said} false objects an image")


@pytest.mark.parametrize("here", [True, False])
def test_a_threshold_fitted_on_the_evaluated_images_is_said_loudly(
    qtbot: QtBot, page: EvaluationPage, tmp_path: Path, here: bool
) -> None:
    opened(qtbot, page, write(tmp_path, evaluation(12, fitted_here=here)))
    said = [page._strips.itemAt(i).widget().accessibleName() for i in range(page._strips.count())]
    assert any("fitted on the very images" in text for text in said) == here


def test_warnings_stand_above_the_numbers(qtbot: QtBot, page: EvaluationPage, tmp_path: Path) -> None:
    opened(qtbot, page, write(tmp_path, evaluation(12, part="train")))
    assert "has seen images of these groups" in page.overview._strips.itemAt(0).widget().text.text()


def test_one_group_gives_no_interval_and_says_why(qtbot: QtBot, page: EvaluationPage, tmp_path: Path) -> None:
    opened(qtbot, page, write(tmp_path, evaluation(6, group_of=100)))
    assert "no interval" in page.overview.tiles.tiles[0].accessibleName()
    assert "belong to one group" in page.overview.classes.about.text()


def test_figures_follow_the_slider_and_are_those_of_the_core(
    qtbot: QtBot, page: EvaluationPage, tmp_path: Path
) -> None:
    document = evaluation(20)
    opened(qtbot, page, write(tmp_path, document))
    page.tabs.setCurrentWidget(page.thresholds)
    assert page.thresholds.place == round((document.threshold.value or 0) * 255)
    for place in (0, 77, 254):
        page.thresholds.slider.setValue(place)
        exact = at_threshold(document.curves[0], place)
        matrix = np.asarray(exact["matrix"])
        said = page.thresholds.figures.accessibleName()
        assert f"IoU {document.curves[0].iou[place]:.3f}" in said
        assert (
            f"{matrix[1, 1]:,} pixels of crack found, {matrix[1, 0]:,} missed, {matrix[0, 1]:,} falsely"
            in said
        )
        assert page.thresholds.at.text() == f"Threshold {place / 255:.3f}"
    best = round((document.curves[0].best["iou"] or 0) * 255)
    qtbot.mouseClick(page.thresholds.best, Qt.LeftButton)
    assert page.thresholds.place == best
    qtbot.keyClick(page.thresholds.scores, Qt.Key_Right)
    assert page.thresholds.place == best + 1


def run_of(tmp_path: Path) -> Path:
    run = tmp_path / "run"
    run.mkdir()
    return run


@pytest.mark.parametrize("part", ["val", "test"])
def test_a_threshold_is_kept_only_when_asked_for_and_can_be_taken_back(
    qtbot: QtBot, page: EvaluationPage, tmp_path: Path, part: str
) -> None:
    run = run_of(tmp_path)
    folder = write(run / "evaluations" / "e", evaluation(20, run=run, part=part))
    opened(qtbot, page, folder)
    page.tabs.setCurrentWidget(page.thresholds)
    kept = run / "threshold.json"
    before = {"value": 0.5, "measure": "iou", "score": 0.7, "part": "val", "decision": {"threshold": 0.9, "false_alarm_rate": 0.05},
              "checkpoint": "best abc", "inference": {}}  # fmt: skip
    kept.write_text(json.dumps(before), "utf-8")
    qtbot.mouseClick(page.thresholds.best, Qt.LeftButton)
    assert json.loads(kept.read_text("utf-8")) == before
    with qtbot.waitSignal(page.threshold_kept, timeout=10_000) as signal:
        qtbot.mouseClick(page.thresholds.use, Qt.LeftButton)
    written = json.loads(kept.read_text("utf-8"))
    assert written["value"] == pytest.approx(page.thresholds.place / 255) == pytest.approx(signal.args[0])
    assert (written["part"], written["checkpoint"], written["epoch"]) == (part, "best abc", 12)
    assert written["measure"] == (
        "iou" if part == "val" else "none"
    )  # fitted is only what was fitted on validation
    assert written["decision"] == before["decision"]
    said = page.thresholds.note.text.text()
    assert "before: 0.500" in said
    assert f"Predictions of this model use {written['value']:.3f}" in page.thresholds.says.text()
    assert ("validation part" if part == "val" else "no test of it any more") in said
    qtbot.waitUntil(page.thresholds.use.isEnabled, timeout=5000)
    qtbot.mouseClick(page.thresholds.note.undo, Qt.LeftButton)
    qtbot.waitUntil(lambda: json.loads(kept.read_text("utf-8")) == before, timeout=5000)
    qtbot.waitUntil(page.thresholds.use.isEnabled, timeout=5000)


def test_without_a_run_no_threshold_can_be_kept(qtbot: QtBot, page: EvaluationPage, tmp_path: Path) -> None:
    opened(qtbot, page, write(tmp_path, evaluation(8)))
    page.tabs.setCurrentWidget(page.thresholds)
    assert not page.thresholds.use.isEnabled()
    assert "belongs to no run" in page.thresholds.use.toolTip()


def test_a_cell_of_the_matrix_opens_the_images_behind_it(
    qtbot: QtBot, page: EvaluationPage, tmp_path: Path
) -> None:
    document = evaluation(40, CLASSES)
    opened(qtbot, page, write(tmp_path, document))
    view = page.overview.matrix.view
    cell = next(c for c in document.confusion.cells if (c.true, c.predicted) == (2, 3))
    assert f"{cell.pixels:,} pixels of scratch" in page.overview.matrix.model.words(2, 3)
    view.setCurrentIndex(page.overview.matrix.model.index(2, 3))
    qtbot.keyClick(view, Qt.Key_Return)
    assert page.tabs.currentWidget() is page.images
    pixels = dict(cell.images)
    assert [pixels[i] for i in page.images.list.images.rows] == [n for _, n in cell.images]
    assert page.images.which.currentText() == "scratch taken for dent"
    assert page.images.list.images.index(0, 1).data() == f"{cell.images[0][1]:,}"
    page.tabs.setCurrentWidget(page.overview)
    rect = view.visualRect(page.overview.matrix.model.index(1, 1))
    qtbot.mouseClick(view.viewport(), Qt.LeftButton, pos=rect.center())
    assert page.images.which.currentText() == "crack found"
    assert len(page.images.list.images.rows) == sum(image.counts.hit[1] > 0 for image in document.images)


def test_cells_of_two_classes_need_no_list(qtbot: QtBot, page: EvaluationPage, tmp_path: Path) -> None:
    document = evaluation(20)
    document.confusion.cells = []
    opened(qtbot, page, write(tmp_path, document))
    page.show_cell(1, 0)
    missed = [i.counts.true[1] - i.counts.hit[1] for i in document.images]
    assert page.images.list.images.rows.tolist() == [
        int(i) for i in np.argsort([-m for m in missed], kind="stable") if missed[i]
    ]


def test_images_behind_a_large_cell_are_read_from_the_arrays(
    qtbot: QtBot, page: EvaluationPage, tmp_path: Path
) -> None:
    document = evaluation(30, CLASSES)
    cell = next(c for c in document.confusion.cells if (c.true, c.predicted) == (2, 1))
    everything = cell.images
    cell.images = everything[:2]
    np.savez(tmp_path / "arrays.npz", cells=np.array([[i, 2, 1, n] for i, n in everything], np.int64))
    opened(qtbot, page, write(tmp_path, document))
    page.show_cell(2, 1)
    qtbot.waitUntil(lambda: len(page.images.list.images.rows) == len(everything), timeout=5000)
    assert set(page.images.list.images.rows) == {index for index, _ in everything}


def test_images_are_sorted_and_filtered(qtbot: QtBot, page: EvaluationPage, tmp_path: Path) -> None:
    document = evaluation(40, CLASSES)
    opened(qtbot, page, write(tmp_path, document))
    page.tabs.setCurrentWidget(page.images)
    model, images = page.images.list.images, document.images
    ious = [images[i].scores["iou"] for i in model.rows]
    assert ious == sorted(ious) and model.rows[0] == document.worst[0]
    page.images.list.sortByColumn(5, Qt.DescendingOrder)
    assert [images[i].wrong for i in model.rows] == sorted((i.wrong for i in images), reverse=True)
    for column, key in ((0, lambda i: i.id), (page.images.list.images.columnCount() - 1, lambda i: i.group)):
        page.images.list.sortByColumn(column, Qt.AscendingOrder)
        assert [key(images[i]) for i in model.rows] == sorted(map(key, images))
    page.images.list.sortByColumn(1, Qt.AscendingOrder)
    page.images.of.setCurrentText("dent")
    there = [i for i, image in enumerate(images) if image.counts.true[3] + image.counts.predicted[3]]
    assert sorted(model.rows) == there
    counts = np.array(
        [
            images[model.rows[0]].counts.hit,
            images[model.rows[0]].counts.predicted,
            images[model.rows[0]].counts.true,
        ]
    )
    assert model.index(0, 1).data() == f"{class_scores(counts)[3, 0]:.3f}"
    page.images.of.setCurrentIndex(0)
    page.images.show_kind(MISSED)
    assert sorted(model.rows) == sorted(document.decision.missed)
    page.images.show_kind(ALARMS)
    assert sorted(model.rows) == sorted(document.decision.false_alarms)
    page.images.which.setCurrentIndex(0)
    page.images.find.setText("PART_3/")
    assert {images[i].id[:7] for i in model.rows} == {"part_3/"} and len(model.rows) == 4


def test_an_image_opens_with_linked_pictures_and_goes_to_the_next(
    qtbot: QtBot, page: EvaluationPage, tmp_path: Path
) -> None:
    document = evaluation(12, pictures=3)
    opened(qtbot, page, write(tmp_path, document))
    page.tabs.setCurrentWidget(page.images)
    page.images.list.setFocus()
    page.images.list.go_to(0)
    qtbot.keyClick(page.images.list, Qt.Key_Return)
    window = page.images._window
    views = [pane.view for pane in window.panes]
    qtbot.waitUntil(lambda: all(v.picture is not None and v.picture.first == 1 for v in views), timeout=5000)
    assert [pane.title.text() for pane in window.panes] == ["Image", "Truth", "Prediction", "Errors"]
    shown = {(round(v.scale, 6), v.to_picture(QPointF(v.width() / 2, 0)).x()) for v in views}
    assert shown == {(views[0].scale.__round__(6), 48.0)}  # whole and in the middle, whichever came first
    views[2].zoom_by(3.0)
    views[2].move_by(0.1, 0.0)
    assert len({(round(v.scale, 6), v.to_picture(QPointF(v.width() / 2, 0)).x()) for v in views}) == 1
    qtbot.keyClick(window, Qt.Key_PageDown)
    assert document.images[document.worst[1]].id in window.windowTitle()
    assert page.images.list.currentIndex().row() == 1
    window.step(2)
    assert "kept pictures of the 3 worst images" in window.panes[3].note.text()
    qtbot.waitUntil(
        lambda: "cannot be read" in window.panes[0].note.text(), timeout=5000
    )  # there is no such file
    qtbot.keyClick(window, Qt.Key_Escape)
    qtbot.waitUntil(lambda: page.images._window is None, timeout=2000)


def test_two_evaluations_are_compared(
    qtbot: QtBot, page: EvaluationPage, tmp_path: Path, monkeypatch: Any
) -> None:
    runs = tmp_path / "workspace" / "runs"
    monkeypatch.setenv("LATHE_WORKSPACE", str(tmp_path / "workspace"))
    mine, other, wrong = runs / "a", runs / "b", runs / "c"
    folder = write(mine / "evaluations" / "1", evaluation(24, CLASSES, run=mine, skill=0.9))
    write(other / "evaluations" / "1", evaluation(24, CLASSES, run=other, skill=0.6, seed=3))
    write(wrong / "evaluations" / "1", evaluation(8, run=wrong))
    opened(qtbot, page, folder)
    page.tabs.setCurrentWidget(page.comparison)
    others = page.comparison.others
    qtbot.waitUntil(lambda: others.model.rowCount() == 2, timeout=5000)
    assert "the same images" in others.model.item(0, 2).text()
    assert "cannot be compared" in others.model.item(1, 2).text() and not others.model.item(1, 0).isEnabled()
    qtbot.mouseClick(others.compare, Qt.LeftButton)
    qtbot.waitUntil(lambda: page.comparison.comparison is not None, timeout=10_000)
    assert page.comparison.comparison is not None
    result = page.comparison.comparison.result
    assert "this one is better" in page.comparison.words.text()
    differences = [abs(r["difference"] or 0) for r in result["rows"]]
    shown = page.comparison.list.images.rows
    assert [differences[i] for i in shown] == sorted(differences, reverse=True)
    page.comparison.which.choose(1)
    assert all(result["rows"][i]["difference"] < 0 for i in page.comparison.list.images.rows)
    page.comparison.which.choose(0)
    page.comparison._open(0)
    assert page.comparison._window.panes[3].title.text() == "Prediction of the other model"


def test_what_cannot_be_compared_is_told(qtbot: QtBot, page: EvaluationPage, tmp_path: Path) -> None:
    opened(qtbot, page, write(tmp_path / "a", evaluation(8)))
    page.compare_with(write(tmp_path / "b", evaluation(8, CLASSES)))
    qtbot.waitUntil(lambda: "different classes" in page.comparison.others.words.text(), timeout=5000)


@pytest.mark.parametrize(
    ("difference", "p", "said"),
    [(0.1, 0.001, "this one is better by 0.100 (p 0.001)"), (-0.1, 0.2, "the other one is better by 0.100, but that may be chance"),
     (0.0, 1.0, "no difference"), (None, None, "not defined"), (0.1, None, "nothing can be said about chance")],
)  # fmt: skip
def test_what_a_difference_means(difference: float | None, p: float | None, said: str) -> None:
    assert said in verdict({"difference": {"value": difference}, "p": p})


def test_evaluations_are_found_by_their_beginning(tmp_path: Path) -> None:
    write(tmp_path / "a" / "evaluations" / "1", evaluation(400, CLASSES, run=tmp_path / "a"))
    broken = tmp_path / "b" / "evaluations" / "1"
    broken.mkdir(parents=True)
    (broken / "evaluation.json").write_text("{", "utf-8")
    found = find_evaluations(tmp_path)
    assert [(one.run, one.classes, one.data["images"]) for one in found] == [("a", CLASSES, 400)]
    assert find_evaluations(tmp_path, tmp_path / "a" / "evaluations" / "1") == []
    assert read_head(tmp_path) is None


def test_plots_and_tables_are_there_in_both_looks(qtbot: QtBot, page: EvaluationPage, tmp_path: Path) -> None:
    opened(qtbot, page, write(tmp_path, evaluation(20, CLASSES)))
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    pictures: dict[str, list[QImage]] = {}
    for mode in ("light", "dark"):
        apply_theme(app, mode)  # type: ignore[arg-type]
        for place in range(page.tabs.count()):
            page.tabs.setCurrentIndex(place)
            qtbot.wait(20)
            grabbed: QPixmap = page.grab()
            pictures.setdefault(mode, []).append(grabbed.toImage())
    apply_theme(app, "light")
    for light, dark in zip(pictures["light"], pictures["dark"], strict=True):
        assert light.pixelColor(2, 400).lightness() > 150 > 100 > dark.pixelColor(2, 400).lightness()
    assert page.decision.sizes.graph.x_label == "Area of the object (pixels)"
    page.decision.sizes.look_at(3)
    assert "found" in page.decision.sizes.value.text() and "px" in page.decision.sizes.value.text()


def test_the_page_is_imported_without_opencv_and_torch() -> None:
    code = "import sys, src.ui.widgets.evaluation_page; sys.exit(str([m for m in ('cv2', 'torch') if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stderr.strip().splitlines()[-1] == "[]"


def longest_pause(qtbot: QtBot, until: Callable[[], bool], limit_s: float = 30.0) -> float:
    """Seconds between two turns of the event loop, at most."""
    longest, last = 0.0, time.perf_counter()
    timer = QTimer()

    def tick() -> None:
        nonlocal longest, last
        now = time.perf_counter()
        longest, last = max(longest, now - last), now

    timer.timeout.connect(tick)
    timer.start(0)
    try:
        qtbot.waitUntil(until, timeout=int(limit_s * 1000))
    finally:
        timer.stop()
    return longest


def test_ten_thousand_images_do_not_hold_the_window_up(
    qtbot: QtBot, page: EvaluationPage, tmp_path: Path
) -> None:
    """Measured alone it is under 50 ms; the limit here leaves room for a busy machine."""
    folder = write(tmp_path, evaluation(10_000, group_of=20))
    page.open_folder(folder)
    assert longest_pause(qtbot, lambda: page.data is not None) < 0.2
    page.tabs.setCurrentWidget(page.images)
    started = time.perf_counter()
    page.images.list.sortByColumn(5, Qt.DescendingOrder)
    page.images.find.setText("image_09")
    assert time.perf_counter() - started < 0.2
    assert len(page.images.list.images.rows) == 1000


@pytest.mark.parametrize(
    "classes", [("background", "crack"), ("sky", "a class with a long name", "road", "tree")]
)
def test_no_page_is_wider_than_a_small_window(
    qtbot: QtBot, page: EvaluationPage, tmp_path: Path, classes: tuple[str, ...]
) -> None:
    """1280 px less the list of runs and a scroll bar."""
    page.open_folder(write(tmp_path, evaluation(40, classes=classes)))
    qtbot.waitUntil(lambda: page.data is not None)
    for index in range(page.tabs.count()):
        page.tabs.setCurrentIndex(index)
        widest = page.tabs.widget(index).minimumSizeHint().width()
        assert widest <= 940, (page.tabs.tabText(index), widest)

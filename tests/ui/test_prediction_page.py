"""The page of predictions: what it lists and shows, what a click and a key do, what it keeps, how smooth it is."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PyQt5.QtCore import QPoint, QPointF, Qt, QTimer
from PyQt5.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from src.core.prediction.decisions import Decisions
from src.core.prediction.index import Prediction, read_index
from src.core.prediction.index import read_objects as read_all_objects
from src.core.run import Event, EventWriter
from src.threads.predictions_tail import ACCEPTED, REJECTED, UNDECIDED
from src.ui.theme import apply_theme
from src.ui.widgets.prediction_files import Head, object_at, read_objects, read_shown
from src.ui.widgets.prediction_page import PredictionPage
from src.ui.widgets.prediction_table import (
    FAILED,
    LEAST_SURE,
    MOST,
    ONLY_ACCEPTED,
    SUREST,
    TO_DECIDE,
    WITH,
    WITHOUT,
)
from src.ui.widgets.result_pages import make_page
from tests.ui.prediction_folder import HEIGHT, WIDTH, Predicted, header, labels_of, large_folder


@pytest.fixture
def page(qtbot: QtBot) -> Iterator[PredictionPage]:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    apply_theme(app, "light")
    made = make_page("segmentation", "predict")
    assert isinstance(made, PredictionPage)
    qtbot.addWidget(made)
    made.resize(1280, 700)
    made.show()
    yield made
    made.close_page()


@pytest.fixture
def alive(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Whether a process seems to work on the folder; it does at first."""
    state = [True]
    monkeypatch.setattr("src.threads.predictions_tail.process_alive", lambda _: state[0])
    return lambda on: state.__setitem__(0, on)


def opened(qtbot: QtBot, page: PredictionPage, folder: Path) -> PredictionPage:
    with qtbot.waitSignal(page.caught_up, timeout=10_000):
        page.open_folder(folder)
    if len(page.table):
        qtbot.waitUntil(lambda: page.viewer.shown is not None, timeout=5000)
    return page


def show(qtbot: QtBot, page: PredictionPage, line: int) -> None:
    page.list.go_to(line)
    qtbot.waitUntil(lambda: page.viewer.shown is not None, timeout=5000)


def names(page: PredictionPage) -> list[str]:
    return [page.table.names[row] for row in page.list.images.rows]


def kept(folder: Path) -> Decisions:
    return Decisions(folder)


# ---- what is there


def test_images_counts_and_facts_are_shown(qtbot: QtBot, page: PredictionPage, tmp_path: Path) -> None:
    folder = Predicted(tmp_path).add(6).fail().close()
    writer = EventWriter(folder / "events.jsonl")
    writer.write("geometry", words="A window of 64 × 64 px slides.")
    writer.write("run_ended", status="completed", images_per_second=12.5)
    writer.close()
    opened(qtbot, page, folder)
    assert names(page) == [f"part{n:03d}.png" for n in range(7)]
    assert page.counts.text() == "6 images · 13 objects · 1 failed · 12.5 images/s"
    about = page.about.text()
    assert "tiles, best (epoch 3)" in about and "unet with resnet18" in about and "A window of 64" in about
    model = page.list.images
    assert model.words(0) == "2 objects · 1.00–1.00"
    assert model.words(4) == "no object"
    assert model.words(6) == "Failed: The image is damaged."
    assert model.data(model.index(0), Qt.AccessibleTextRole) == "part000.png, 2 objects, score 1.00–1.00"
    page.decide(REJECTED)
    assert model.data(model.index(0), Qt.AccessibleTextRole).endswith("1.00–1.00, rejected")


def test_a_binary_model_says_its_threshold(tmp_path: Path) -> None:
    (tmp_path / "prediction.json").write_text(json.dumps(header(("background", "hole"), True)), "utf-8")
    assert "threshold 0.35, as set" in Head.read(tmp_path).words
    (tmp_path / "prediction.json").write_text(json.dumps(header()), "utf-8")
    assert "threshold" not in Head.read(tmp_path).words


def test_the_shown_image_has_its_mask_and_its_objects(
    qtbot: QtBot, page: PredictionPage, tmp_path: Path
) -> None:
    opened(qtbot, page, Predicted(tmp_path).add(2).close())
    show(qtbot, page, 1)
    shown = page.viewer.shown
    assert shown is not None and shown.picture is not None
    np.testing.assert_array_equal(shown.picture.labels[0], labels_of(1))
    model = page.objects.objects
    cells = [[model.index(r, c).data() for c in range(model.columnCount())] for r in range(model.rowCount())]
    assert sorted(row[1] for row in cells) == ["crack", "crack", "dent"]
    dent = next(row for row in cells if row[1] == "dent")
    assert dent[2] == "264" and dent[3] == "0.961" and dent[7:11] == ["10", "10", "40", "30"]
    model.sort(2, Qt.DescendingOrder)
    assert [model.index(r, 2).data() for r in range(3)] == ["264", "50", "40"]


def test_empty_states_say_what_is_going_on(
    qtbot: QtBot, page: PredictionPage, tmp_path: Path, alive: Callable[[bool], None]
) -> None:
    title = page._empty._title
    (tmp_path / "new").mkdir()
    page.open_folder(tmp_path / "new")
    qtbot.waitUntil(lambda: title.text() == "The job begins", timeout=5000)
    folder = Predicted(tmp_path).close()
    page.open_folder(folder)
    qtbot.waitUntil(lambda: title.text() == "No image is done yet", timeout=5000)
    alive(False)
    qtbot.waitUntil(lambda: title.text() == "No image was predicted", timeout=5000)
    page.open_folder(tmp_path / "new")
    qtbot.waitUntil(lambda: title.text() == "There are no predictions yet", timeout=5000)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"classes": 3}', '{"classes": ["a"], "binary": true}', "null"]
)
def test_damaged_predictions_are_told(qtbot: QtBot, page: PredictionPage, tmp_path: Path, text: str) -> None:
    (tmp_path / "prediction.json").write_text(text, "utf-8")
    page.open_folder(tmp_path)
    qtbot.waitUntil(lambda: page._empty._title.text() == "These predictions cannot be shown", timeout=5000)
    assert str(tmp_path) in page._empty._text.text()


def test_another_folder_takes_nothing_of_the_one_before(
    qtbot: QtBot, page: PredictionPage, tmp_path: Path
) -> None:
    first, second = large_folder(tmp_path / "first", 3000), Predicted(tmp_path).add(2).close()
    page.open_folder(first)
    qtbot.waitUntil(lambda: len(page.table) > 0, timeout=5000)
    opened(qtbot, page, second)
    qtbot.wait(50)
    assert names(page) == ["part000.png", "part001.png"]


def test_damaged_lines_are_passed_over(qtbot: QtBot, page: PredictionPage, tmp_path: Path) -> None:
    folder = Predicted(tmp_path).add(2).close()
    with (folder / "predictions.jsonl").open("a", encoding="utf-8") as stream:
        stream.write('nonsense\n[1]\n{"name":"a"}\n{"name":"b","path":"b","objects":"many"}\n')
        stream.write('{"name":"c","path":"c","scores":[1]}\n{"name":"d","path":"d","by_class":{"x":1}}\n')
        stream.write('{"name":"e","path":"e","objects":1e400}\n')
    opened(qtbot, page, folder)
    assert names(page) == ["part000.png", "part001.png"]


def test_all_that_takes_keys_has_a_name(qtbot: QtBot, page: PredictionPage, tmp_path: Path) -> None:
    opened(qtbot, page, Predicted(tmp_path).add(1).close())
    page.viewer.layer.choose(1)
    nameless = [
        type(widget).__name__ for widget in page.findChildren(QWidget)
        if widget.focusPolicy() & Qt.TabFocus and widget.isVisible()
        and not (widget.accessibleName() or getattr(widget, "text", str)())
    ]  # fmt: skip
    assert not nameless


def test_another_theme_paints_the_page_anew(qtbot: QtBot, page: PredictionPage, tmp_path: Path) -> None:
    opened(qtbot, page, Predicted(tmp_path).add(1).close())
    light = page.list.grab().toImage()
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    apply_theme(app, "dark")
    dark = page.list.grab().toImage()
    apply_theme(app, "light")
    place = QPoint(light.width() // 2, light.height() - 20)
    assert light.pixelColor(place).lightness() > 200 > 100 > dark.pixelColor(place).lightness()


# ---- a folder that grows


def test_images_appear_as_they_are_predicted(
    qtbot: QtBot, page: PredictionPage, tmp_path: Path, alive: Callable[[bool], None]
) -> None:
    made = Predicted(tmp_path).add(1)
    opened(qtbot, page, made.folder)
    assert len(page.table) == 1 and "images/s" not in page.counts.text()
    index = made.folder / "predictions.jsonl"
    line = json.dumps(Prediction("half.png", "half.png", mask="masks/half.png").to_dict())
    made.add(2)
    qtbot.waitUntil(lambda: len(page.table) == 3, timeout=5000)
    assert "images/s" in page.counts.text()
    with index.open("a", encoding="utf-8") as stream:
        stream.write(line[:20])
        stream.flush()
        with qtbot.waitSignal(page.caught_up, timeout=5000):
            pass
        assert len(page.table) == 3
        stream.write(line[20:] + "\n")
    qtbot.waitUntil(lambda: len(page.table) == 4, timeout=5000)
    alive(False)
    qtbot.waitUntil(lambda: page._tail is not None and not page._tail.isRunning(), timeout=5000)
    made.add(1)
    page.tell(Event(1, 0.0, "job_started", {}))
    qtbot.waitUntil(lambda: len(page.table) == 5, timeout=5000)
    assert page.list.currentIndex().row() == 0  # whoever looks at an image is not torn away
    made.close()


def test_an_image_predicted_again_takes_the_place_of_the_failed_one(
    qtbot: QtBot, page: PredictionPage, tmp_path: Path, alive: Callable[[bool], None]
) -> None:
    folder = Predicted(tmp_path).fail().add(1).close()
    opened(qtbot, page, folder)
    assert page.table.errors
    with (folder / "predictions.jsonl").open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(Prediction("part000.png", "p", objects=3).to_dict()) + "\n")
    qtbot.waitUntil(lambda: not page.table.errors, timeout=5000)
    assert len(page.table) == 2 and page.table.column("objects")[0] == 3


# ---- finding


def test_filters_and_orders(qtbot: QtBot, page: PredictionPage, tmp_path: Path) -> None:
    opened(qtbot, page, Predicted(tmp_path).add(9).fail().close())
    bar = page.filters

    def listed(which: int = 0, order: int = 0) -> list[int]:
        bar.which.setCurrentIndex(which)
        bar.order.setCurrentIndex(order)
        return page.list.images.rows.tolist()

    assert listed(FAILED) == [9]
    assert listed(WITHOUT) == [4]
    assert listed(WITH) == [0, 1, 2, 3, 5, 6, 7, 8]
    assert listed(WITH, MOST) == [1, 3, 5, 7, 0, 2, 6, 8]
    assert listed(WITH, LEAST_SURE) == [8, 7, 6, 5, 3, 2, 1, 0]
    assert listed(0, SUREST) == [0, 1, 2, 3, 5, 6, 7, 8, 4, 9]
    assert bar.status.text() == "10 listed"
    page.decisions.decide(np.array([0, 1]), ACCEPTED)
    assert listed(ONLY_ACCEPTED) == [0, 1]
    assert listed(TO_DECIDE) == [2, 3, 4, 5, 6, 7, 8]
    assert listed() == list(range(10))
    bar.text.setText(" PART007")
    qtbot.waitUntil(lambda: page.list.images.rows.tolist() == [7], timeout=2000)
    assert bar.status.text() == "1 of 10 listed"
    bar.text.setText("nothing is called so")
    qtbot.waitUntil(lambda: page.list.images.rowCount() == 0, timeout=2000)
    assert page.objects.about.text() == "No image passes the filters."
    assert page.viewer.view.picture is None


def test_classes_far_up_are_filtered_too(qtbot: QtBot, page: PredictionPage, tmp_path: Path) -> None:
    many = ("background", *(f"class {n}" for n in range(1, 200)))
    folder = Predicted(tmp_path, classes=many).close()
    with (folder / "predictions.jsonl").open("w", encoding="utf-8") as stream:
        for number in (1, 63, 64, 199):
            found = Prediction(f"{number}.png", "p", objects=1, by_class={str(number): 1})
            stream.write(json.dumps(found.to_dict()) + "\n")
    opened(qtbot, page, folder)
    for number in (1, 63, 64, 199):
        page.filters.kind.setCurrentIndex(page.filters.kind.findText(f"class {number}"))
        assert names(page) == [f"{number}.png"]
    page.filters.kind.setCurrentIndex(page.filters.kind.findText("class 65"))
    assert names(page) == []


# ---- deciding


def test_keys_decide_go_on_and_are_kept_at_once(qtbot: QtBot, page: PredictionPage, tmp_path: Path) -> None:
    folder = Predicted(tmp_path).add(3).fail().close()
    opened(qtbot, page, folder)
    page.list.setFocus()
    qtbot.keyClick(page.list, Qt.Key_A)
    assert page.list.currentIndex().row() == 1
    qtbot.keyClick(page.list, Qt.Key_R)
    assert "1 accepted · 1 rejected" in page.counts.text()
    qtbot.waitUntil(lambda: kept(folder).names("rejected") == ["part001.png"], timeout=5000)
    assert kept(folder).names("accepted") == ["part000.png"]
    source = read_index(folder)["part000.png"]
    assert kept(folder).of("part000.png", (source.size, source.mtime_ns)) == "accepted"
    assert kept(folder).of("part000.png", (source.size + 1, source.mtime_ns)) is None
    qtbot.keyClick(page.list, Qt.Key_P)
    page.viewer.decisions.go_on.setChecked(False)
    assert page.viewer.decisions.buttons[REJECTED].isChecked()
    qtbot.mouseClick(page.viewer.decisions.buttons[UNDECIDED], Qt.LeftButton)
    assert page.list.currentIndex().row() == 1
    qtbot.waitUntil(lambda: kept(folder).names("rejected") == [], timeout=5000)
    page.list.go_to(3)
    assert not page.viewer.decisions.buttons[ACCEPTED].isEnabled()  # nothing was predicted there
    qtbot.keyClick(page.list, Qt.Key_A)
    assert page.table.column("verdict")[3] == UNDECIDED


def test_typing_a_name_decides_nothing(qtbot: QtBot, page: PredictionPage, tmp_path: Path) -> None:
    opened(qtbot, page, Predicted(tmp_path).add(2).close())
    page.filters.text.setFocus()
    qtbot.keyClicks(page.filters.text, "par")
    assert page.filters.text.text() == "par"
    assert page.table.totals()["accepted"] == page.table.totals()["rejected"] == 0


def test_many_are_decided_together_and_found_again(
    qtbot: QtBot, page: PredictionPage, tmp_path: Path
) -> None:
    folder = Predicted(tmp_path).add(6).close()
    opened(qtbot, page, folder)
    page.list.selectAll()
    page.decide(ACCEPTED)
    qtbot.waitUntil(lambda: len(kept(folder).names("accepted")) == 6, timeout=5000)
    other = PredictionPage()
    qtbot.addWidget(other)
    opened(qtbot, other, folder)
    assert other.table.totals()["accepted"] == 6
    other.close_page()


def test_what_was_decided_last_is_kept_though_the_page_closes(
    qtbot: QtBot, page: PredictionPage, tmp_path: Path
) -> None:
    folder = Predicted(tmp_path).add(2).close()
    opened(qtbot, page, folder)
    page.decide(ACCEPTED)
    page.close_page()
    qtbot.waitUntil(lambda: kept(folder).names("accepted") == ["part000.png"], timeout=5000)


def test_a_decision_that_cannot_be_kept_is_told_and_taken_back(
    qtbot: QtBot, page: PredictionPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Predicted(tmp_path).add(2).close()
    opened(qtbot, page, folder)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("src.core.prediction.decisions.write_atomically", full)
    page.decide(ACCEPTED)
    qtbot.waitUntil(lambda: page.message.isVisible(), timeout=5000)
    assert "No space left" in page.message.text.text()
    assert page.table.totals()["accepted"] == 0


def test_damaged_decisions_are_told_and_not_overwritten(
    qtbot: QtBot, page: PredictionPage, tmp_path: Path
) -> None:
    folder = Predicted(tmp_path).add(1).close()
    (folder / "decisions.json").write_text('{"version": 1,\n"images": ', "utf-8")
    opened(qtbot, page, folder)
    assert "line 2" in page.message.text.text()
    page.decide(ACCEPTED)
    assert page.table.totals()["accepted"] == 0
    assert not page.viewer.decisions.buttons[ACCEPTED].isEnabled()
    assert (folder / "decisions.json").read_text("utf-8").endswith('"images": ')


def test_the_accepted_become_a_data_set(qtbot: QtBot, page: PredictionPage, tmp_path: Path) -> None:
    folder = Predicted(tmp_path).add(3).close()
    opened(qtbot, page, folder)
    assert not page.actions.make.isEnabled()
    page.decide(ACCEPTED)
    with qtbot.waitSignal(page.dataset_asked, timeout=5000) as asked:
        page.actions.make.click()
    made = asked.args[0]
    rows = (made / "table.csv").read_text("utf-8").splitlines()
    assert len(rows) == 2 and "part000.png" in rows[1] and "model, accepted" in rows[1]
    assert str(made) in page.message.text.text()
    assert page.actions.make.isEnabled()


# ---- looking


def test_a_click_on_the_image_selects_the_object_and_one_on_the_line_goes_to_it(
    qtbot: QtBot, page: PredictionPage, tmp_path: Path
) -> None:
    opened(qtbot, page, Predicted(tmp_path).add(2).close())
    show(qtbot, page, 1)
    view, model = page.viewer.view, page.objects.objects
    crack = next(n for n, entry in enumerate(model.objects) if entry["class"] == 1 and entry["area"] == 50)

    def place(x: float, y: float) -> QPoint:
        corner = view.to_picture(QPointF(0, 0))
        return ((QPointF(x, y) - corner) * view.scale).toPoint()

    qtbot.mouseClick(view, Qt.LeftButton, pos=place(25.5, 17.5))  # inside the box of the dent, too
    qtbot.waitUntil(lambda: view.marked is not None, timeout=2000)
    assert page.objects.view.currentIndex().isValid()
    assert model.order[page.objects.view.currentIndex().row()] == crack
    assert view.marked is not None and view.marked.getRect() == (20, 15, 10, 5)
    qtbot.mouseClick(view, Qt.LeftButton, pos=place(75, 20))
    qtbot.waitUntil(lambda: view.marked is None, timeout=2000)
    view.zoom_by(8.0)
    dent = int(np.flatnonzero(model.objects["class"] == 2)[0])
    line = int(np.flatnonzero(model.order == dent)[0])
    page.objects.view.setCurrentIndex(model.index(line, 0))
    assert view.marked is not None and view.marked.getRect() == (10, 10, 40, 30)
    middle = view.to_picture(QPointF(view.width() / 2, view.height() / 2))
    assert abs(middle.x() - 30) < 1 and abs(middle.y() - 25) < 1
    assert view.scale * 40 <= view.width()


def test_probability_as_a_heat_map_and_nothing(qtbot: QtBot, page: PredictionPage, tmp_path: Path) -> None:
    opened(qtbot, page, Predicted(tmp_path).add(1).close())
    viewer = page.viewer
    viewer.layer.choose(1)
    assert viewer.kind.currentText() == "crack"
    qtbot.waitUntil(lambda: viewer.view.opacity > 0, timeout=2000)
    heat = viewer.view.picture
    assert heat is not None and heat.labels[0][17, 25] == 200 and heat.labels[0][0, 0] == 20
    viewer.kind.setCurrentIndex(viewer.kind.findText("dent"))
    qtbot.waitUntil(lambda: viewer.view.picture is not heat and viewer.view.picture is not None, timeout=2000)
    qtbot.waitUntil(lambda: viewer.view.opacity > 0, timeout=2000)
    dents = viewer.view.picture
    assert dents is not None and dents.labels[0][12, 12] == 200
    drawn = viewer.view.overlay.draw(np.array([[0, 255]], np.uint8))
    assert drawn.pixelColor(0, 0).alpha() == 0 and drawn.pixelColor(1, 0).alpha() == 255
    viewer.layer.choose(2)
    assert viewer.view.opacity == 0 and viewer.bar.isHidden()
    viewer.layer.choose(0)
    assert viewer.view.opacity == viewer.bar.opacity.value() / 100
    viewer.bar.outlines.setChecked(True)
    viewer.bar.classes.set_hidden(frozenset({2}))
    assert viewer.view.overlay.outlines and viewer.view.overlay.hidden == {2}


def test_probabilities_that_were_not_kept_are_said(
    qtbot: QtBot, page: PredictionPage, tmp_path: Path
) -> None:
    opened(qtbot, page, Predicted(tmp_path, probabilities=False).add(1).close())
    page.viewer.layer.choose(1)
    assert "were not kept" in page.viewer.note.text() and page.viewer.note.isVisible()
    assert page.viewer.view.opacity == 0
    page.viewer.layer.choose(0)
    assert not page.viewer.note.isVisible()


def test_what_is_gone_or_changed_is_said(qtbot: QtBot, page: PredictionPage, tmp_path: Path) -> None:
    folder = Predicted(tmp_path).add(4).fail().close()
    images = sorted((tmp_path / "images").iterdir())
    images[0].unlink()
    next((folder / "masks").glob("part001*")).unlink()
    images[2].write_bytes(images[3].read_bytes() + b"\0")
    for file in (folder / "probabilities").glob("part003*"):
        file.write_bytes(b"no picture")
    opened(qtbot, page, folder)
    for line, words in ((0, "Its overlay is shown instead"), (1, "The mask cannot be read"), (2, "was changed"),
                        (4, "The image is damaged.")):  # fmt: skip
        show(qtbot, page, line)
        assert words in page.viewer.note.text()
    assert page.objects.about.text() == "There is no prediction of this image."
    page.viewer.layer.choose(1)
    show(qtbot, page, 3)
    qtbot.waitUntil(lambda: "The probability cannot be read" in page.viewer.note.text(), timeout=2000)


def test_the_pixel_under_the_pointer_is_said(qtbot: QtBot, page: PredictionPage, tmp_path: Path) -> None:
    opened(qtbot, page, Predicted(tmp_path).add(1).close())
    page.viewer.view.pointed.emit(25, 17)
    assert page.viewer.words.text() == "x 25  y 17    value 40    crack"
    page.viewer.view.pointed.emit(-1, -1)
    assert page.viewer.words.text().startswith(f"part000.png    {WIDTH} × {HEIGHT} px")


# ---- the objects of an image


def test_objects_are_read_in_pieces_as_they_are(tmp_path: Path) -> None:
    entries = [
        {"class": n % 3, "area": n + 1, "box": [n, 1, 2, 3], "centroid": [n + 0.5, 1.25], "score_mean": 0.5, "score_max": 0.75,
         "at_border": bool(n % 2), "rle": "a\\b1"} for n in range(1203)
    ]  # fmt: skip
    for many in (0, 1, 499, 500, 501, 1203):
        name = f'odd "}},{{" {many}.png'
        found = Prediction(name, "p", objects=many, objects_at=0)
        line = json.dumps({"image": name, "objects": entries[:many]}, separators=(",", ":"))
        (tmp_path / "objects.jsonl").write_text(line + "\n", "utf-8")
        read = read_objects(tmp_path, found)
        assert len(read) == many == len(read_all_objects(tmp_path, found))
        assert read["area"].tolist() == list(range(1, many + 1))
        assert read["box"][:, 0].tolist() == list(range(many))
    found.name = "another"
    assert len(read_objects(tmp_path, found)) == 0
    (tmp_path / "objects.jsonl").write_text(line[: len(line) // 2], "utf-8")
    found.name = name
    assert len(read_objects(tmp_path, found)) == 0


def test_the_object_at_a_pixel(tmp_path: Path) -> None:
    folder = Predicted(tmp_path).add(2).close()
    shown = read_shown(Head.read(folder), 0)
    assert shown.picture is not None
    labels, objects = shown.picture.labels[0], shown.objects
    for number, entry in enumerate(objects):
        rows, columns = np.nonzero(labels == entry["class"])
        assert object_at(labels, objects, int(columns[0]), int(rows[0]), 0) == number
    assert object_at(labels, objects, 79, 0, 0) == -1
    crack = int(np.flatnonzero(objects["class"] == 1)[0])
    assert object_at(labels, objects, 31, 15, 0) == -1
    assert object_at(labels, objects, 31, 13, 3) in (crack, 1 - crack)  # near enough to be meant
    assert object_at(labels, objects, 0, 0, 3) == -1


# ---- speed


def pauses(qtbot: QtBot, work: Callable[[], object], until: Callable[[], bool]) -> float:
    """The longest time for which the window did nothing, in seconds."""
    last, longest = time.monotonic(), 0.0

    def beat() -> None:
        nonlocal last, longest
        now = time.monotonic()
        longest, last = max(longest, now - last), now

    timer = QTimer()
    timer.timeout.connect(beat)
    timer.start(1)
    last = time.monotonic()
    work()
    qtbot.waitUntil(until, timeout=30_000)
    beat()
    timer.stop()
    return longest


def test_a_hundred_thousand_images_do_not_stop_the_window(
    qtbot: QtBot, page: PredictionPage, tmp_path: Path
) -> None:
    folder = large_folder(tmp_path / "large", 100_000)
    done: list[bool] = []
    page.caught_up.connect(done.append)
    waits = {"open": pauses(qtbot, lambda: page.open_folder(folder), lambda: bool(done))}
    assert len(page.table) == 100_000 == page.list.images.rowCount()
    for name, work in {
        "order": lambda: page.filters.order.setCurrentIndex(MOST),
        "class": lambda: page.filters.kind.setCurrentIndex(1),
        "end": lambda: page.list.go_to(page.list.images.rowCount() - 1),
        "decide": lambda: page.decide(ACCEPTED),
    }.items():
        before = time.monotonic()
        waits[name] = pauses(qtbot, work, lambda before=before: time.monotonic() - before > 0.2)  # type: ignore[misc]
    # A tenth of the images a second would do; five times the goal leaves room for a machine that is busy with other tests
    assert max(waits.values()) < 0.25, waits

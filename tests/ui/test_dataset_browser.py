"""The window of a data set: grid, filters, large view, findings with their cures, statistics, augmentation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PyQt5.QtCore import QObject, QPoint, QPointF, Qt, pyqtSignal
from PyQt5.QtWidgets import QApplication

from src.core.dataset.sample_filter import SampleFilter, SampleView
from src.core.dataset.sample_table import SampleTable
from src.ui.widgets.dataset_view import DatasetView
from src.ui.widgets.sample_window import SampleWindow
from src.ui.widgets.thumbnail_model import EXCLUDED, SAMPLE, Reading, Thumb, Thumbs
from tests.fakes import answer_of_check, make_fake_dataset


class FakeScan(QObject):
    """Answers at once what it was told."""

    progress = pyqtSignal(int, int, str)
    done = pyqtSignal(dict)
    failed = pyqtSignal(str)
    answer: Any = None
    asked: list[Any] = []  # noqa: RUF012

    def __init__(self, resolved: Any) -> None:
        super().__init__()
        self.asked.append(resolved)

    def start(self) -> None:
        if self.answer is not None:
            self.failed.emit(self.answer) if isinstance(self.answer, str) else self.done.emit(self.answer)

    def cancel(self) -> None:
        self.deleteLater()


@pytest.fixture
def view(qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[DatasetView]:
    monkeypatch.setattr(DatasetView, "scan", staticmethod(FakeScan))
    monkeypatch.setattr(FakeScan, "asked", [])
    made = DatasetView()
    qtbot.addWidget(made)
    made.resize(900, 600)
    made.show()
    yield made
    made.close_data()


Open = Callable[..., dict[str, Any]]


@pytest.fixture
def opened(view: DatasetView, qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Opens a made-up data set; gives the answer of its check. ``change`` changes that before."""

    def act(many: int = 8, change: Callable[[dict[str, Any]], None] | None = None) -> dict[str, Any]:
        folder = make_fake_dataset(tmp_path / "Teile für Prüfung", many)
        answer = answer_of_check(folder, many)
        for samples in answer["description"]["samples"].values():
            for sample in samples:
                sample.update(classes=[0, 1], width=96, height=96, share=0.1)
        answer["description"]["root"] = str(folder / "images")
        if change:
            change(answer)
        monkeypatch.setattr(FakeScan, "answer", answer)
        view.show_folder(folder)
        qtbot.waitUntil(lambda: view.pages.currentIndex() == 2, timeout=8000)
        return answer

    return act


def names(view: DatasetView) -> list[str]:
    model = view.thumbnails.samples
    return [model.index(r).data() for r in range(model.rowCount())]


def picture(view: DatasetView, qtbot: Any, row: int = 0) -> Any:
    qtbot.waitUntil(lambda: view.thumbnails.thumbs.find(row) != "waiting", timeout=8000)
    return view.thumbnails.thumbs.find(row)


def finding(message: str, severity: str = "warning", **fields: Any) -> dict[str, Any]:
    return {
        "severity": severity,
        "code": "x",
        "message": message,
        "cure": "",
        "where": [],
        "actions": [],
        **fields,
    }


def action(kind: str, label: str, ids: list[str] | None = None, **settings: Any) -> dict[str, Any]:
    return {"kind": kind, "label": label, "ids": ids or [], "settings": settings}


# ---- grid


def test_images_are_shown_with_their_masks(view: DatasetView, opened: Open, qtbot: Any) -> None:
    opened(12)
    assert view.thumbnails.samples.rowCount() == 12 and "12 images" in view.sentence.text()
    thumb = picture(view, qtbot)
    assert isinstance(thumb, Thumb) and thumb.labels is not None
    drawn = thumb.drawn(view.images.bar.overlay)
    assert drawn is not None and drawn.pixelColor(30, 40).getRgb() == (230, 159, 0, 255)
    assert drawn.pixelColor(5, 5).alpha() == 0


def test_thumbnails_come_from_the_workspace_the_second_time(
    view: DatasetView, opened: Open, qtbot: Any
) -> None:
    from src.core.run import workspace

    opened(4)
    picture(view, qtbot)
    qtbot.waitUntil(
        lambda: len(list((workspace() / "cache" / "thumbnails").rglob("*.thumb"))) == 4, timeout=8000
    )


def test_a_damaged_image_is_shown_as_such(view: DatasetView, opened: Open, qtbot: Any) -> None:
    def damage(answer: dict[str, Any]) -> None:
        Path(answer["description"]["samples"]["train"][0]["image"]).write_bytes(b"\x89PNG\r\n\x1a\n broken")

    opened(4, damage)
    assert picture(view, qtbot) is None


def test_only_what_is_near_the_screen_is_read_and_visible_comes_first(
    view: DatasetView, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = SampleTable()
    table.append("train", [[f"{k}.png", f"/none/{k}.png"] for k in range(50_000)])
    view.show_answer({"description": {"samples": table}})
    qtbot.waitUntil(lambda: view.thumbnails.samples.rowCount() == 50_000, timeout=8000)
    grid, wanted = view.thumbnails, []
    monkeypatch.setattr(grid.thumbs, "want", lambda rows, side: wanted.append(rows))
    bar = grid.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    grid.viewport().repaint()
    shown = grid.visible()
    assert wanted[-1][: len(shown)] == list(shown) and len(wanted[-1]) < 4 * len(shown)
    assert 24_000 < shown.start < 26_000


def test_wishes_that_left_the_screen_are_dropped(qtbot: Any) -> None:
    import threading

    from src.ui.widgets.image_loader import ImageLoader

    gate, done = threading.Event(), []
    loader = ImageLoader()
    loader.loaded.connect(lambda key, _: done.append(key))
    loader.want([(k, gate.wait) for k in range(100)])
    qtbot.waitUntil(lambda: len(loader.waiting()) == 99, timeout=8000)
    loader.want([(k, gate.wait) for k in (0, 7, 3)])
    assert loader.waiting() == [7, 3]  # 0 is being read
    gate.set()
    qtbot.waitUntil(lambda: done == [0, 7, 3], timeout=8000)
    loader.stop()


def test_pictures_in_memory_stay_within_their_bound(qtbot: Any, tmp_path: Path) -> None:
    folder = make_fake_dataset(tmp_path / "set", 12)
    table = SampleTable.from_parts({"train": answer_of_check(folder, 12)["description"]["samples"]["train"]})
    thumbs, one = Thumbs(most_bytes=4 * 60 * 60 * 4), 60 * 60 * 4
    thumbs.put(SampleView(table), Reading())
    came: list[int] = []
    thumbs.loaded.connect(came.append)
    thumbs.want(range(table.total), 60)
    qtbot.waitUntil(lambda: len(came) == table.total, timeout=8000)
    assert thumbs.kept_bytes == 4 * one
    assert [row for row in range(table.total) if thumbs.find(row) != "waiting"] == sorted(came[-4:])
    thumbs.close()


def test_keys_go_through_the_grid(view: DatasetView, opened: Open, qtbot: Any) -> None:
    opened(12)
    grid = view.thumbnails
    grid.setFocus()
    columns = grid.places.columns
    for key, expected in (
        (Qt.Key_Home, 0), (Qt.Key_Right, 1), (Qt.Key_Down, 1 + columns), (Qt.Key_Left, columns),
        (Qt.Key_Up, 0), (Qt.Key_End, 11), (Qt.Key_Down, 11), (Qt.Key_Home, 0),
    ):  # fmt: skip
        qtbot.keyClick(grid, key)
        assert grid.currentIndex().row() == expected, key
    qtbot.keyClick(grid, Qt.Key_Right, Qt.ShiftModifier)
    assert grid.selected_rows() == [0, 1]
    qtbot.keyClick(grid, "a", Qt.ControlModifier)
    assert len(grid.selected_rows()) == 12 and "12 selected" in view.images.status.text()
    qtbot.keyClick(grid, "c", Qt.ControlModifier)
    assert len(QApplication.clipboard().text().splitlines()) == 12


def test_what_is_under_the_pointer_is_what_is_drawn_there(view: DatasetView, opened: Open) -> None:
    opened(12)
    grid = view.thumbnails
    for row in range(grid.samples.rowCount()):
        index = grid.samples.index(row)
        grid.scrollTo(index)
        assert grid.viewport().rect().contains(grid.visualRect(index).center())
        assert grid.indexAt(grid.visualRect(index).center()).row() == row
    assert not grid.indexAt(QPoint(grid.viewport().width() - 1, 100_000)).isValid()


def test_classes_outlines_and_ignored_pixels() -> None:
    from src.ui.widgets.overlay import Overlay

    labels = np.zeros((20, 20), np.uint8)
    labels[4:12, 4:12], labels[14:, 14:] = 1, 255
    way = Overlay.of(3)
    assert way.draw(labels).pixelColor(8, 8).alpha() == 255
    outlines = Overlay(way.colours, outlines=True).draw(labels)
    assert outlines.pixelColor(4, 8).alpha() == 255 and outlines.pixelColor(8, 8).alpha() == 0
    assert Overlay(way.colours, hidden=frozenset({1})).draw(labels).pixelColor(8, 8).alpha() == 0
    hatched = {way.draw(labels).pixelColor(14 + k, 17).alpha() for k in range(6)}
    assert hatched == {0, 255}
    grey = Overlay(way.colours, ignored="grey").draw(labels)
    assert {grey.pixelColor(14 + k, 17).getRgb() for k in range(6)} == {(128, 128, 128, 255)}
    assert Overlay(way.colours, ignored="none").draw(labels).pixelColor(15, 17).alpha() == 0


def test_a_class_is_switched_off_by_its_tick(view: DatasetView, opened: Open, qtbot: Any) -> None:
    opened(4)
    item = view.images.bar.classes.item(1)
    item.setCheckState(Qt.Unchecked)
    assert view.thumbnails.cells.overlay.hidden == {1}
    thumb = picture(view, qtbot)
    assert thumb.drawn(view.thumbnails.cells.overlay).pixelColor(30, 40).alpha() == 0


# ---- filters


def test_filters_work_together_and_say_how_many(view: DatasetView, opened: Open, qtbot: Any) -> None:
    opened(12)
    bar = view.images.filters
    bar.part.chosen.emit("val")
    assert names(view) == ["part_03.png", "part_07.png", "part_11.png"]
    bar.name.setText("_07")
    qtbot.waitUntil(lambda: names(view) == ["part_07.png"], timeout=3000)
    assert "1 of 12 images" in view.images.status.text()
    qtbot.waitUntil(lambda: "1" in bar.part.itemText(2), timeout=3000)
    assert bar.part.itemText(bar.part.currentIndex()).startswith("Validation")
    bar.clear.click()
    assert len(names(view)) == 12 and bar.name.text() == "" and bar.part.currentIndex() == 0


def test_near_duplicates_are_chosen_and_shown_side_by_side(
    view: DatasetView, opened: Open, qtbot: Any
) -> None:
    first, second = "part_01.png", "part_02.png"
    of = {first: first, "part_09.png": first, second: second, "part_03.png": second}

    def mark(answer: dict[str, Any]) -> None:
        for samples in answer["description"]["samples"].values():
            for sample in samples:
                sample["alike"] = of.get(sample["id"])

    opened(12, mark)
    bar = view.images.filters
    assert bar.alike.isVisibleTo(view)
    words = [bar.alike.itemText(k).rsplit("  ", 1) for k in range(1, bar.alike.count())]
    assert words == [
        ["All alike", "4"], ["Alike across parts", "2"],
        ["Like part_01.png", "2"], ["Like part_02.png", "2"],
    ]  # fmt: skip
    bar.alike.chosen.emit(bar.alike.value_at(1))
    assert names(view) == ["part_01.png", "part_09.png", "part_02.png", "part_03.png"]
    bar.alike.chosen.emit(bar.alike.value_at(2))
    assert names(view) == ["part_02.png", "part_03.png"]
    bar.alike.chosen.emit("part_01.png")
    assert names(view) == ["part_01.png", "part_09.png"]
    bar.clear.click()
    assert len(names(view)) == 12 and bar.alike.currentIndex() == 0


def test_orders_turn_round_and_the_current_image_stays(view: DatasetView, opened: Open) -> None:
    opened(8)
    view.thumbnails.go_to(2)
    bar = view.images.filters
    bar.sort.setCurrentIndex(1)
    bar.descending.setChecked(True)
    assert names(view) == sorted(names(view), reverse=True)
    assert view.thumbnails.current_row() == 2


def test_a_group_is_typed_or_shown_from_an_image(view: DatasetView, opened: Open, qtbot: Any) -> None:
    def group(answer: dict[str, Any]) -> None:
        for samples in answer["description"]["samples"].values():
            for k, sample in enumerate(samples):
                sample["group"] = f"tile {k // 2}"

    opened(8, group)
    view.thumbnails.go_to(0)
    view.images.show_group()
    every = {
        view.thumbnails.samples.index(r).data(SAMPLE)["group"]
        for r in range(view.thumbnails.samples.rowCount())
    }
    assert every == {"tile 0"} and view.images.filters.group.currentText() == "tile 0"
    field = view.images.filters.group.lineEdit()
    field.setText("")
    qtbot.keyClicks(field, "tile 2")
    qtbot.waitUntil(lambda: view.images.filters.wanted.group == "tile 2", timeout=3000)


def test_nothing_that_passes_is_said(view: DatasetView, opened: Open) -> None:
    opened(4)
    view.images.filters.set(SampleFilter(name="nowhere"))
    assert view.images.none.isVisible()
    view.images.filters.set(SampleFilter())
    assert not view.images.none.isVisible()


# ---- large view


def large(view: DatasetView, row: int = 0) -> SampleWindow:
    view.images.enlarge(view.thumbnails.samples.index(row))
    return next(w for w in QApplication.topLevelWidgets() if isinstance(w, SampleWindow))


def test_a_double_click_opens_one_large_view(view: DatasetView, opened: Open, qtbot: Any) -> None:
    opened(4)
    grid = view.thumbnails
    place = grid.visualRect(grid.samples.index(1)).center()
    qtbot.mouseClick(grid.viewport(), Qt.LeftButton, pos=place)
    qtbot.mouseDClick(grid.viewport(), Qt.LeftButton, pos=place)
    windows = [w for w in QApplication.topLevelWidgets() if isinstance(w, SampleWindow) and w.isVisible()]
    for window in windows:
        window.close()
    assert [w.windowTitle().split(" ")[0] for w in windows] == ["part_01.png"]


def test_a_folder_that_has_gone_is_told_in_the_large_view_and_above_the_grid(
    view: DatasetView, opened: Open, qtbot: Any
) -> None:
    opened(4)
    assert view.source is not None
    folder = view.source.folder
    folder.rename(folder.with_name("elsewhere"))
    window = large(view)
    try:
        qtbot.waitUntil(lambda: "has gone" in window.words.text(), timeout=8000)
        assert "part_00.png" in window.words.text() and "Put it back" in window.words.text()
        view.thumbnails.thumbs.want([2], 500)  # another size is read anew
        qtbot.waitUntil(view.note.isVisible, timeout=8000)
        assert str(folder) in view.note.text.text() and view.note.check.isVisible()
    finally:
        window.close()


def test_the_large_view_goes_on_by_keys_and_tells_of_pixels(
    view: DatasetView, opened: Open, qtbot: Any
) -> None:
    opened(4)
    window = large(view)
    try:
        qtbot.waitUntil(lambda: "96" in window.words.text(), timeout=8000)
        window.view.pointed.emit(30, 40)
        assert "x 30" in window.words.text() and "class 1 object" in window.words.text()
        window.view.pointed.emit(2, 2)
        assert "class 0 background" in window.words.text()
        window.step(1)
        assert window.windowTitle().startswith("part_01.png") and "2 of 4" in window.windowTitle()
        assert view.thumbnails.currentIndex().row() == 1
        window.step(9)
        assert window.windowTitle().startswith("part_01.png")
    finally:
        window.close()


def test_zoom_keeps_the_place_under_the_pointer_and_has_limits(
    view: DatasetView, opened: Open, qtbot: Any
) -> None:
    opened(4)
    window = large(view)
    try:
        qtbot.waitUntil(
            lambda: window.view.picture is not None and window.view.picture.first == 1.0, timeout=8000
        )
        shown, place = window.view, QPointF(100, 90)
        before = shown.to_picture(place)
        shown.zoom_by(3, place)
        assert (shown.to_picture(place) - before).manhattanLength() < 1e-6
        for _ in range(40):
            shown.zoom_by(2)
        assert shown.scale == 64
        qtbot.keyClick(shown, Qt.Key_1)
        assert shown.scale * shown.devicePixelRatioF() == pytest.approx(1)
        qtbot.keyClick(shown, Qt.Key_0)
        assert shown.scale == pytest.approx(min(shown.width(), shown.height()) / 96)
    finally:
        window.close()


def test_single_pixels_are_drawn_as_squares(qtbot: Any) -> None:
    from src.ui.widgets.image_view import ImageView
    from src.ui.widgets.pyramid import Pyramid

    board = np.zeros((8, 8, 3), np.uint8)
    board[::2, ::2] = 255
    shown = ImageView()
    qtbot.addWidget(shown)
    shown.resize(320, 320)
    shown.set_picture(Pyramid.of(board, None))
    seen = shown.grab().toImage().scaled(320, 320)
    assert seen.pixelColor(20, 20).red() == 255 and seen.pixelColor(38, 20).red() == 255
    assert seen.pixelColor(42, 20).red() == 0


def test_a_pyramid_shows_no_more_than_the_screen_needs() -> None:
    from src.ui.widgets.pyramid import Pyramid

    pixels = np.zeros((3000, 5000, 3), np.uint8)
    labels = np.zeros((3000, 5000), np.uint8)
    labels[1000, 2001] = 1
    made = Pyramid.of(pixels, labels)
    assert made.level(1.0) == 0 and made.level(0.3) == 1 and made.level(0.1) == 3
    assert all(np.count_nonzero(level) == 1 for level in made.labels)
    cells, (across, _) = made.crop(2, -50, 100, 1000, 900)
    assert cells == (0, 25, 250, 225) and across == 4
    assert made.at(2001, 1000) == ((0, 0, 0), 1) and made.at(5000, 0) is None


def test_values_of_deep_images_are_those_of_the_file(tmp_path: Path) -> None:
    import cv2

    from src.ui.widgets.pyramid import read_pyramid

    cv2.imwrite(str(tmp_path / "a.png"), np.full((6, 7), 4000, np.uint16))
    assert read_pyramid(str(tmp_path / "a.png"), None, None, (0, 8000)).at(1, 1) == ((4000,), None)


# ---- findings and decisions


def test_findings_are_shown_worst_first_with_pictures(view: DatasetView, opened: Open, qtbot: Any) -> None:
    def find(answer: dict[str, Any]) -> None:
        answer["findings"] = [finding("A note.", "notice"), finding("Bad.", "error", where=["part_01.png"])]

    opened(8, find)
    assert view.tabs.tabText(1).endswith("(2)")
    view.tabs.setCurrentIndex(1)
    qtbot.waitUntil(lambda: len(view.findings.cards) == 2, timeout=3000)
    first, second = view.findings.cards
    assert first.message.text() == "Bad." and first.pictures is not None and second.pictures is None
    picture(view, qtbot, first.rows[0])
    first.buttons[0].click()
    assert view.tabs.currentIndex() == 0 and names(view) == ["part_01.png"]


def test_left_out_by_a_finding_undone_and_checked_again(view: DatasetView, opened: Open, qtbot: Any) -> None:
    def find(answer: dict[str, Any]) -> None:
        answer["findings"] = [
            finding("Alike.", actions=[action("exclude", "Leave out 2", ["part_01.png", "part_02.png"])])
        ]

    opened(8, find)
    view.tabs.setCurrentIndex(1)
    qtbot.waitUntil(lambda: len(view.findings.cards) == 1, timeout=3000)
    view.findings.cards[0].buttons[0].click()
    model = view.thumbnails.samples
    out = [model.index(r).data() for r in range(8) if model.index(r).data(EXCLUDED)]
    assert out == ["part_01.png", "part_02.png"] and "2 images are left out" in view.note.text.text()
    view.images.filters.set(SampleFilter(content="excluded"))
    assert names(view) == out
    view.note.undo.click()
    assert names(view) == [] and view.decisions is not None and not view.decisions.excluded


def test_what_an_earlier_check_left_out_can_be_seen_and_taken_in(
    view: DatasetView, opened: Open, qtbot: Any
) -> None:
    def forget(answer: dict[str, Any]) -> None:  # as a check with data.exclude does
        samples = answer["description"]["samples"]
        samples["train"] = [s for s in samples["train"] if s["id"] != "part_01.png"]

    opened(8)
    assert view.source is not None
    view._exclude(["part_01.png"], True)
    folder = view.source.folder
    view.close_data()
    opened(8, forget)
    assert view.source is not None and view.source.folder == folder
    index = next(i for i in map(view.thumbnails.samples.index, range(8)) if i.data() == "part_01.png")
    assert index.data(SAMPLE)["split"] == "out" and index.data(EXCLUDED)
    assert isinstance(picture(view, qtbot, index.data(SAMPLE)["row"]), Thumb)
    view.thumbnails.setCurrentIndex(index)
    qtbot.keyClick(view.thumbnails, Qt.Key_Delete)
    assert view.decisions is not None and not view.decisions.excluded


def test_settings_of_a_cure_are_checked_and_reach_the_training(
    view: DatasetView, opened: Open, qtbot: Any
) -> None:
    opened(4)
    before = len(FakeScan.asked)
    view.act(action("set", "Dark objects", **{"data.masks.foreground": "dark"}))
    assert len(FakeScan.asked) == before + 1
    assert FakeScan.asked[-1].config.data.masks.foreground == "dark"
    config, paths = view.training_start()
    assert config is None and paths is not None and paths["data.masks.foreground"] == "dark"
    qtbot.waitUntil(lambda: view.pages.currentIndex() == 2, timeout=8000)
    view.undo()
    assert "data.masks.foreground" not in (view.training_start()[1] or {})


def test_the_menu_offers_everything_for_a_selection(view: DatasetView, opened: Open) -> None:
    opened(4)
    view.thumbnails.go_to(1)
    menu = view.images.menu()
    words = [a.text().replace("&", "").split("\t")[0] for a in menu.actions() if a.text()]
    assert {"Open image file", "Show in folder", "Copy path", "Leave out", "Preview augmentation…"} <= set(
        words
    )
    menu.deleteLater()
    view.images.toggle_excluded()
    menu = view.images.menu()
    assert any(a.text().startswith("Take in again") for a in menu.actions())
    menu.deleteLater()


def test_decisions_that_cannot_be_read_are_told(view: DatasetView, opened: Open) -> None:
    opened(4)
    view._exclude(["part_01.png"], True)
    assert view.decisions is not None
    damaged = view.decisions._memory.folder / "decisions.json"  # type: ignore[union-attr]
    damaged.write_text("{", "utf-8")
    view.close_data()
    opened(4)
    assert "damaged" in view.note.text.text()
    view._exclude(["part_02.png"], True)
    assert "damaged" in view.note.text.text() and damaged.read_text("utf-8") == "{"


def test_a_check_that_fails_is_told(
    view: DatasetView, qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeScan, "answer", "The masks cannot be read. Save them as PNG.")
    view.show_folder(make_fake_dataset(tmp_path / "set", 2))
    qtbot.waitUntil(lambda: view.pages.currentIndex() == 0, timeout=8000)
    assert "Save them as PNG" in view.empty._text.text()


def test_data_that_cannot_be_used_show_their_findings(view: DatasetView, qtbot: Any) -> None:
    view.show_answer({"error": "x", "findings": [finding("No image has a mask.", "error")]})
    qtbot.waitUntil(lambda: view.pages.currentIndex() == 2, timeout=8000)
    assert view.tabs.currentIndex() == 1
    qtbot.waitUntil(lambda: len(view.findings.cards) == 1, timeout=3000)


# ---- statistics and augmentation

HISTOGRAM = {
    "label": "Object side",
    "unit": "px",
    "scale": "log",
    "edges": [1, 10, 100],
    "counts": {"train": [3, 9]},
}
STATISTICS = {
    "parts": {"train": {"images": 10}, "val": {"images": 4}},
    "classes": ["background", "scratch"],
    "class_pixels": {"train": [990, 10], "val": [100, 0]},
    "class_images": {"train": [10, 5], "val": [4, 0]},
    "class_objects": {"train": [0, 12], "val": [0, 0]},
    "histograms": {"object_side": HISTOGRAM},
    "small_objects": {"image_size": 256, "share": 0.25, "under": 3},
}


def test_statistics_become_plots_with_values_under_the_pointer(
    view: DatasetView, opened: Open, qtbot: Any
) -> None:
    opened(
        4, lambda answer: answer["description"].update(statistics=STATISTICS, sizes={"median": [512, 300]})
    )
    view.tabs.setCurrentIndex(2)
    qtbot.waitUntil(lambda: len(view._statistics.plots) == 4, timeout=8000)
    pixels, images, objects, sides = view._statistics.plots
    pixels.show_at(1)
    assert pixels.value.text() == "scratch:  Training 1.0 %,  Validation 0.0 %"
    images.show_at(1)
    assert "50.0 %" in images.value.text()
    assert objects.chart.names == ("scratch",)
    assert sides.chart.line == (6.0, " 3 px at image size 256 ")
    assert sides.value.text().startswith("25.0% of the objects are under 3 px")
    qtbot.keyClick(sides, Qt.Key_Right)
    assert sides.value.text() == "1 to 10 px:  Training 3"


def test_crops_leave_objects_as_they_are() -> None:
    from src.ui.widgets.statistics_page import charts

    found = charts(STATISTICS, {"median": [512, 300]}, "crop")
    assert found[-1].line is not None and found[-1].line[0] == 3


def test_augmentation_of_the_selected_image_follows_its_settings(
    view: DatasetView, opened: Open, qtbot: Any
) -> None:
    opened(4)
    view.thumbnails.go_to(2)
    view.augment.click()
    window = view._augment
    qtbot.waitUntil(lambda: len(window.preview.strip._pictures) == 6, timeout=15000)
    assert "part_02.png" in window.windowTitle()
    first = window.preview.strip._pictures[0]
    window.form.fields["data.image_size"].editor.set_value(64)
    window.form.edited.emit("data.image_size")
    qtbot.waitUntil(lambda: window.preview.strip._pictures[0].width() != first.width(), timeout=15000)
    window.keep.click()
    paths = view.training_start()[1]
    assert paths is not None and paths["data.image_size"] == 64
    qtbot.waitUntil(lambda: view._augment is None, timeout=3000)

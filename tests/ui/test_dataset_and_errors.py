"""The data set view, what a folder is taken for, and what happens to an error that nobody caught."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PyQt5.QtCore import QObject, Qt, pyqtSignal
from PyQt5.QtWidgets import QApplication

from src.ui.dataset_source import SourceError, find_source
from src.ui.errors import ErrorCatcher, log_file
from src.ui.widgets.dataset_view import DatasetView
from src.ui.widgets.sample_window import SampleWindow
from src.ui.widgets.thumbnails import SAMPLE
from tests.fakes import answer_of_check, make_fake_dataset


class FakeScan(QObject):
    """Answers at once what it was told."""

    progress = pyqtSignal(int, int, str)
    done = pyqtSignal(dict)
    failed = pyqtSignal(str)
    answer: object = None

    def __init__(self, resolved: object) -> None:
        super().__init__()

    def start(self) -> None:
        self.failed.emit(self.answer) if isinstance(self.answer, str) else self.done.emit(self.answer)

    def cancel(self) -> None:
        self.deleteLater()


@pytest.fixture
def view(qtbot, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(DatasetView, "scan", staticmethod(FakeScan))
    made = DatasetView()
    qtbot.addWidget(made)
    made.resize(900, 600)
    made.show()
    yield made
    made.close_data()


def test_images_with_their_masks_are_shown(view: DatasetView, qtbot, tmp_path: Path, monkeypatch) -> None:
    folder = make_fake_dataset(tmp_path / "Teile für Prüfung")
    monkeypatch.setattr(FakeScan, "answer", answer_of_check(folder))
    view.show_folder(folder)
    model = view.thumbnails.samples
    assert view.pages.currentIndex() == 2 and model.rowCount() == 12
    assert "12 images" in view.sentence.text() and "object" in view.legend.text()
    qtbot.waitUntil(lambda: isinstance(model.layers(model.index(0)), tuple), timeout=8000)
    picture, mask = model.layers(model.index(0))
    assert picture.width() == 96
    inside, outside = mask.toImage().pixelColor(30, 40), mask.toImage().pixelColor(5, 5)
    assert inside.getRgb() == (230, 159, 0, 255) and outside.alpha() == 0


def test_one_part_of_the_split_is_shown(view: DatasetView, tmp_path: Path, monkeypatch) -> None:
    folder = make_fake_dataset(tmp_path / "set", 12)
    monkeypatch.setattr(FakeScan, "answer", answer_of_check(folder))
    view.show_folder(folder)
    assert view._choice is not None
    view._choice.choose(2)
    model = view.thumbnails.samples
    assert {model.index(r).data(SAMPLE)["split"] for r in range(model.rowCount())} == {"val"}
    assert model.rowCount() == 3


def test_a_damaged_image_is_shown_as_such(view: DatasetView, qtbot, tmp_path: Path, monkeypatch) -> None:
    folder = make_fake_dataset(tmp_path / "set", 4)
    (folder / "images" / "part_00.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    monkeypatch.setattr(FakeScan, "answer", answer_of_check(folder, 4))
    view.show_folder(folder)
    model = view.thumbnails.samples
    qtbot.waitUntil(lambda: model.layers(model.index(0)) is None, timeout=8000)


def test_the_large_view_goes_to_the_next_image_by_key(
    view: DatasetView, qtbot, tmp_path: Path, monkeypatch
) -> None:
    folder = make_fake_dataset(tmp_path / "set", 4)
    monkeypatch.setattr(FakeScan, "answer", answer_of_check(folder, 4))
    view.show_folder(folder)
    view.thumbnails.activated.emit(view.thumbnails.samples.index(0))
    large = next(w for w in QApplication.topLevelWidgets() if isinstance(w, SampleWindow))
    qtbot.waitUntil(lambda: "96" in large._words.text(), timeout=8000)
    large._step(1)
    assert large.windowTitle().startswith("part_01.png")
    qtbot.waitUntil(lambda: "96" in large._words.text(), timeout=8000)
    large.close()


def test_a_check_that_fails_is_told(view: DatasetView, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(FakeScan, "answer", "The masks cannot be read. Save them as PNG.")
    view.show_folder(make_fake_dataset(tmp_path / "set", 2))
    assert view.pages.currentIndex() == 0 and "Save them as PNG" in view.empty._text.text()


def test_findings_are_shown_worst_first(view: DatasetView, tmp_path: Path, monkeypatch) -> None:
    folder = make_fake_dataset(tmp_path / "set", 4)
    answer = answer_of_check(folder, 4)
    answer["findings"].append({"severity": "notice", "message": "A note.", "cure": "", "where": []})
    monkeypatch.setattr(FakeScan, "answer", answer)
    view.show_folder(folder)
    lines = view.findings._lines
    assert lines[0].isVisible() and not lines[1].isVisible() and "1 more" in view.findings.more.text()
    view.findings.more.click()
    assert lines[1].isVisible()


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        (("images/a.png", "masks/a.png"), {"images_dir", "masks_dir"}),
        (
            ("Images/a.png", "Labels/a.png", "splits/train.txt", "splits/val.txt"),
            {"images_dir", "masks_dir", "split_dir"},
        ),
        (("a.jpg", "a.png"), {"images_dir", "masks_dir"}),
        (("train.txt", "val.txt"), {"split_dir"}),
    ],
)
def test_what_a_folder_is_taken_for(tmp_path: Path, layout: tuple[str, ...], expected: set[str]) -> None:
    for name in layout:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    source = find_source(tmp_path)
    assert set(source.paths) == expected
    assert all(getattr(source.resolved.config.data, key) == value for key, value in source.paths.items())


def test_a_table_is_recognised_by_its_columns(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("image,mask,part\na.png,b.png,1\n")
    assert set(find_source(tmp_path).paths) == {"table"}


def test_an_empty_folder_and_one_that_is_gone_are_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No images were found"):
        find_source(tmp_path)
    with pytest.raises(SourceError, match="cannot be read"):
        find_source(tmp_path / "gone")


def test_an_error_nobody_caught_is_written_and_shown_with_details(qtbot, qapp, capsys) -> None:
    catcher = ErrorCatcher()
    try:
        try:
            raise ZeroDivisionError("the lathe stands still")
        except ZeroDivisionError:
            sys.excepthook(*sys.exc_info())
        qtbot.waitUntil(lambda: catcher.dialog is not None)
        assert catcher.dialog is not None
        assert "ZeroDivisionError" in catcher.dialog.details.toPlainText()
        assert "the lathe stands still" in log_file().read_text("utf-8")
        catcher.dialog.setAttribute(Qt.WA_DeleteOnClose)
        catcher.dialog.close()
        qtbot.waitUntil(lambda: catcher.dialog is None)
    finally:
        catcher.restore()

"""What a folder is taken for, and what happens to an error that nobody caught."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PyQt5.QtCore import Qt

from src.ui.dataset_source import SourceError, find_source
from src.ui.errors import ErrorCatcher, log_file


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

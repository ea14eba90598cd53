"""The groups that a key makes, and the report on leakage, in the train dialog."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PyQt5.QtWidgets import QApplication, QLabel

from src.core.config import Layer, Resolved, nest, resolve
from src.core.dataset.findings import Finding
from src.core.dataset.sample_table import SampleTable
from src.tasks.segmentation.config import SegmentationConfig
from src.ui.dialogs.groups_preview import GroupsPreview
from tests.fake_jobs import until
from tests.fakes import make_fake_dataset

__all__ = ["until"]


@pytest.fixture
def card(qtbot: Any) -> Iterator[GroupsPreview]:
    made = GroupsPreview(delay_ms=10)
    qtbot.addWidget(made)
    made.show()
    yield made
    session = made._session
    made.close_preview()
    if session is not None:
        session.wait()


@pytest.fixture
def configured(tmp_path: Path) -> Any:
    place = make_fake_dataset(tmp_path / "tiles")

    def make(**split: Any) -> Resolved[Any]:
        flat = {"data.images_dir": str(place / "images"), "data.masks_dir": str(place / "masks")}
        return resolve(
            SegmentationConfig,
            [Layer("dialog", nest(flat | {f"data.split.{k}": v for k, v in split.items()}))],
        )

    return make


def words(card: GroupsPreview) -> str:
    QApplication.processEvents()  # new labels are shown by the event loop
    return "\n".join(
        label.text().replace("\u200b", "") for label in card.findChildren(QLabel) if label.isVisible()
    )


def test_groups_are_shown_while_the_pattern_is_typed(
    card: GroupsPreview, until: Any, configured: Any
) -> None:
    card.update_from(configured())
    assert "Each image stands for itself" in words(card)
    card.update_from(configured(group_by="pattern", group_pattern=r"part_(\d)"))
    until(lambda: card.answer is not None)
    assert "2 groups of 2 to 10 images, 12 images in all." in words(card)
    assert "“0” (10): part_00.png, part_01.png, part_02.png and 7 more" in words(card)
    card.update_from(configured(group_by="pattern", group_pattern=r"part_(0\d)"))
    until(lambda: "2 images" in words(card) and "stand for themselves" in words(card))
    assert "part_10.png, part_11.png" in words(card)
    card.update_from(configured(group_by="pattern", group_pattern="(part"))
    until(lambda: "not a regular expression" in words(card))
    assert "“Pattern”" in words(card) and "data.split" not in words(card)
    assert "stand for themselves" not in words(card)


def test_near_duplicates_that_are_joined_are_not_said_to_stand_alone(
    card: GroupsPreview, configured: Any
) -> None:
    card.update_from(configured(join="near"))
    assert "Images that look alike stay on one side" in words(card)
    card.update_from(configured(join="copies"))
    assert "Each image stands for itself" in words(card)


def test_check_tells_of_leakage_or_that_there_is_none(card: GroupsPreview, configured: Any) -> None:
    table = SampleTable()
    table.append("train", [["a", "/a", None, "one"], ["b", "/b", None, "one"], ["c", "/c", None, "two"]])
    table.append("val", [["d", "/d", None, "one"]])
    description = {"samples": table.prepare()}
    card.show_check(description, [], True)
    assert "3 images in 2 groups for training, 1 image in 1 group for validation." in words(card)
    assert "No leakage was found" in words(card)
    leak = Finding(
        "warning", "split.group_leak", "1 group stands on more than one side of the split.", "Move it."
    )
    other = Finding("notice", "masks.empty", "Nothing is marked.", "")
    card.show_check(description, [leak, other], True)
    assert "more than one side" in words(card) and "Nothing is marked" not in words(card)
    assert "No leakage" not in words(card)
    card.show_check(description, [leak], False)  # a check of other settings says nothing of these
    assert "more than one side" not in words(card) and "for training" not in words(card)


def test_without_a_data_set_nothing_is_asked(card: GroupsPreview) -> None:
    card.update_from(resolve(SegmentationConfig, []))
    assert "Choose the images first." in words(card) and card._session is None

"""The augmentation preview shows objects that copy-paste would bring in, and only where it is on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PyQt5.QtGui import QColor, QImage

from src.core.config import Layer, nest, resolve
from src.tasks.segmentation.config import SegmentationConfig
from src.ui.dialogs.augment_preview import AugmentPreview, AugmentWorker, Wish
from tests.fakes import answer_of_check, make_fake_dataset

RED = QColor(255, 0, 0)


def config(probability: float) -> Any:
    values = {"data.image_size": 96, "data.augmentation.probability": 0.0, "data.copy_paste.probability": probability,
              "data.copy_paste.scale": 0.0}  # fmt: skip
    return resolve(SegmentationConfig, [Layer("dialog", nest(values))]).config


@pytest.fixture
def description(tmp_path: Path) -> dict[str, Any]:
    make_fake_dataset(tmp_path / "set")
    found: dict[str, Any] = answer_of_check(tmp_path / "set")["description"]
    for sample in found["samples"]["train"]:
        sample["classes"] = [0, 1]
    giver = QImage(96, 96, QImage.Format_RGB32)
    giver.fill(RED)
    assert giver.save(found["samples"]["train"][1]["image"])
    return found


def red(picture: QImage) -> int:
    image = picture.convertToFormat(QImage.Format_RGB888)
    bits = image.constBits()
    bits.setsize(image.byteCount())
    rows = np.frombuffer(bits, np.uint8).reshape(image.height(), image.bytesPerLine())[:, : 3 * image.width()]
    pixels = rows.reshape(image.height(), image.width(), 3)
    return int((pixels == (255, 0, 0)).all(2).sum())


def test_objects_of_the_giver_are_pasted_into_each_variant(description: dict[str, Any]) -> None:
    sample, giver = description["samples"]["train"][:2]
    shown: list[list[QImage]] = []
    worker = AugmentWorker(Wish(config(1.0), sample, description["masks"], False, 1, giver))
    worker.ready.connect(shown.append)
    worker.work()
    assert [red(picture) for picture in shown[0]] == [
        0,
        800,
        800,
        800,
        800,
        800,
    ]  # the mask of 40 x 20 pixels


def test_another_sample_with_objects_gives_and_none_where_it_is_off(
    description: dict[str, Any], qtbot: Any
) -> None:
    card = AugmentPreview()
    qtbot.addWidget(card)
    card.update_from(config(0.0), description)
    assert card._giver() is None
    card.update_from(config(0.5), description)
    giver = card._giver()
    assert giver is not None and giver["id"] != description["samples"]["train"][0]["id"]
    for sample in description["samples"]["train"]:
        sample["classes"] = [0]
    assert card._giver() is None

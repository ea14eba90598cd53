"""The dialogs for import and export: what they show, what they write, and that nothing is left when they are closed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PyQt5.QtCore import QMimeData, QPointF, Qt, QUrl
from PyQt5.QtGui import QDropEvent
from PyQt5.QtWidgets import QLabel

from src.core.config import file_layer, resolve
from src.core.dataset.export import EXPORTS
from src.core.dataset.formats import MERGE_WORDS
from src.tasks.segmentation.config import SegmentationConfig
from src.ui.dialogs.export_dialog import FORMS, ExportDialog
from src.ui.dialogs.import_dialog import ImportDialog
from src.ui.dialogs.import_window import MERGES
from src.ui.main_window import MainWindow
from tests.fake_jobs import until

__all__ = ["until"]


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    """Eight photographs with boxes of two classes; category ids do not start at 1."""
    root = tmp_path / "Nüsse 1"
    root.mkdir()
    images, annotations = [], []
    for number in range(8):
        noise = np.random.default_rng(number).integers(0, 120, (60, 80, 3)).astype(np.uint8)
        (root / f"{number}.png").write_bytes(cv2.imencode(".png", noise)[1].tobytes())
        images.append({"id": number, "file_name": f"{number}.png", "width": 80, "height": 60})
        for kind, x in ((7, 5), (9, 40)):
            box = [x, 10, x + 20, 10, x + 20, 30 + number, x, 30 + number]
            annotations.append({"id": len(annotations), "image_id": number, "category_id": kind, "segmentation": [box],
                                "bbox": [x, 10, 20, 20], "area": 400, "iscrowd": 0})  # fmt: skip
    categories = [{"id": 7, "name": "date"}, {"id": 9, "name": "fig"}]
    text = json.dumps({"images": images, "annotations": annotations, "categories": categories})
    (root / "instances.json").write_text(text, "utf-8")
    return root


@pytest.fixture
def open_import(qtbot: Any) -> Iterator[Any]:
    made: list[ImportDialog] = []

    def show(path: Path | None = None) -> ImportDialog:
        dialog = ImportDialog(path)
        dialog.show()
        made.append(dialog)
        return dialog

    yield show
    for dialog in made:
        dialog.close()
        dialog.session.wait()
        dialog.deleteLater()


def words(widget: Any) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisibleTo(widget))


def test_coco_is_shown_before_anything_is_written_and_then_imported(
    open_import: Any, until: Any, coco: Path, tmp_path: Path
) -> None:
    dialog = open_import()
    assert not dialog.start_button.isEnabled() and "Choose a folder" in dialog.start_button.toolTip()
    before = sorted(coco.iterdir())
    dialog.look_at(coco)
    until(lambda: dialog.plan is not None)
    assert dialog.summary.text() == "COCO JSON: 8 images" and dialog.format.currentText() == "COCO JSON"
    shown = words(dialog.pages)
    assert (
        "date" in shown
        and "fig" in shown
        and "16 objects on 8 images." in shown
        and "1 date, 1 fig" not in shown
    )
    until(lambda: sum(w.pixmap() is not None for w in dialog.samples.findChildren(QLabel)) == 8)
    target = Path(dialog.target.text())
    assert target.parent.name == "datasets" and not target.exists()
    told: list[tuple[Path, str]] = []
    dialog.imported.connect(lambda folder, sentence: told.append((folder, sentence)))
    dialog.start_button.click()
    assert not dialog.start_button.isEnabled()
    until(lambda: told)
    assert told[0][0] == target and (target / "lathe.yaml").is_file() and "not changed" in told[0][1]
    assert sorted(coco.iterdir()) == before and not dialog.isVisible()


def test_another_rule_and_another_reading_are_looked_at_again(
    open_import: Any, until: Any, coco: Path
) -> None:
    dialog = open_import(coco)
    until(lambda: dialog.plan is not None)
    assert dialog.plan["merge"] == "area"
    dialog.merge.setCurrentIndex(dialog.merge.findData("later"))
    dialog.merge.activated.emit(dialog.merge.currentIndex())
    assert dialog.plan is None and not dialog.start_button.isEnabled()
    until(lambda: dialog.plan is not None)
    assert dialog.plan["merge"] == "later" and dialog.merge.currentData() == "later"
    assert "later lies on top" in words(dialog.pages)


def test_place_that_is_taken_is_told_and_the_preview_stays(
    open_import: Any, until: Any, coco: Path, tmp_path: Path
) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "a.txt").write_text("mine", "utf-8")
    dialog = open_import(coco)
    until(lambda: dialog.plan is not None)
    dialog.target.setText(str(tmp_path / "taken"))
    dialog.start()
    until(lambda: dialog.message.isVisible())
    assert "exists and holds something else" in dialog.message.text.text()
    assert dialog.start_button.isEnabled() and [p.name for p in (tmp_path / "taken").iterdir()] == ["a.txt"]


def test_folder_without_data_says_what_is_expected(open_import: Any, until: Any, tmp_path: Path) -> None:
    dialog = open_import(tmp_path)
    until(lambda: dialog.nothing.isVisible() and "Nothing to import" in words(dialog.nothing))
    assert "COCO JSON" in words(dialog.nothing) and not dialog.start_button.isEnabled()


def test_file_can_be_dropped_and_the_look_cancelled(open_import: Any, until: Any, coco: Path) -> None:
    dialog = open_import()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(coco / "instances.json"))])
    dialog.dropEvent(QDropEvent(QPointF(9, 9), Qt.CopyAction, data, Qt.LeftButton, Qt.NoModifier))
    assert dialog.path.text().endswith("instances.json") and dialog.working.isVisible()
    dialog.working.cancel.click()
    assert not dialog.working.isVisible() and "Cancelled" in words(dialog.nothing)
    dialog.look_at(coco / "instances.json")
    until(lambda: dialog.plan is not None)
    assert dialog.summary.text() == "COCO JSON: 8 images"


@pytest.fixture
def window(qtbot: Any, qapp: Any, tmp_path: Path) -> Iterator[MainWindow]:
    made = MainWindow(tmp_path / "runs")
    qtbot.addWidget(made)
    made.show()
    qtbot.waitUntil(made.warmup.isFinished, timeout=15000)
    yield made
    for dialog in made.findChildren(ImportDialog):
        dialog.close()
        dialog.session.wait()
    made.close()


def test_opened_annotations_are_offered_for_import_and_shown_then(
    window: MainWindow, until: Any, coco: Path
) -> None:
    window.show_dataset(coco)
    until(lambda: window.findChildren(ImportDialog))
    (dialog,) = window.findChildren(ImportDialog)
    session = dialog.session
    until(lambda: dialog.plan is not None)
    dialog.start()
    until(lambda: window.message.isVisible())
    assert "Imported into" in window.message.text.text()
    view = window.tabs.dataset_view()
    assert view is not None
    until(lambda: view.prepared is not None)
    assert view.source is not None and view.source.folder.name == "Nüsse_1"
    session.wait()


def test_file_dropped_on_the_window_is_imported_and_a_folder_opened(
    window: MainWindow, until: Any, coco: Path
) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(coco / "instances.json"))])
    window.dropEvent(QDropEvent(QPointF(9, 9), Qt.CopyAction, data, Qt.LeftButton, Qt.NoModifier))
    (dialog,) = window.findChildren(ImportDialog)
    assert dialog.path.text().endswith("instances.json")
    until(lambda: dialog.plan is not None)


def test_export_needs_a_data_set(window: MainWindow) -> None:
    window.menus.actions["export_data"].trigger()
    assert window.message.isVisible() and "Open a data set first" in window.message.text.text()
    assert not window.findChildren(ExportDialog)


def test_dialogs_know_every_rule_and_every_form() -> None:
    assert list(MERGES) == list(MERGE_WORDS) and list(FORMS) == list(EXPORTS)
    assert {key for key, (_, _, reason) in FORMS.items() if reason} == {
        key for key, writer in EXPORTS.items() if not writer.can_reference
    }


def test_open_data_set_is_exported(qtbot: Any, until: Any, tmp_path: Path) -> None:
    root = tmp_path / "tiles"
    for name in ("images", "masks"):
        (root / name).mkdir(parents=True)
    for number in range(6):
        noise = np.random.default_rng(number).integers(0, 120, (40, 40, 3)).astype(np.uint8)
        mask = np.zeros((40, 40), np.uint8)
        mask[5 + number : 20, 5:20] = 255
        (root / "images" / f"{number}.png").write_bytes(cv2.imencode(".png", noise)[1].tobytes())
        (root / "masks" / f"{number}.png").write_bytes(cv2.imencode(".png", mask)[1].tobytes())
    (root / "lathe.yaml").write_text(
        "data: {images_dir: images, masks_dir: masks, masks: {meaning: binary}}", "utf-8"
    )
    resolved = resolve(SegmentationConfig, [file_layer(root / "lathe.yaml", SegmentationConfig)])
    dialog = ExportDialog(resolved, "tiles")
    qtbot.addWidget(dialog)
    dialog.show()
    assert Path(dialog.target.text()).name == "tiles-masks" and dialog.reference.isEnabled()
    dialog.form.setCurrentIndex(dialog.form.findData("yolo"))
    assert Path(dialog.target.text()).name == "tiles-yolo" and not dialog.reference.isEnabled()
    assert "beside the images" in dialog.reference.toolTip()
    dialog.target.setText(str(tmp_path / "out"))
    dialog.start_button.click()
    assert not dialog.start_button.isEnabled() and dialog.working.isVisible()
    until(lambda: dialog.message.isVisible())
    assert "6 images with 6 objects" in dialog.message.text.text() and dialog.show_button.isVisible()
    assert (tmp_path / "out" / "data.yaml").is_file()
    dialog.start_button.click()
    until(lambda: dialog.message.isVisible())
    assert "exists and holds something" in dialog.message.text.text()
    dialog.close()
    dialog.session.wait()

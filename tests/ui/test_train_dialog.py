"""The train dialog: what it says, when it lets people start, and what happens then."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from PyQt5.QtCore import QPoint, Qt
from PyQt5.QtWidgets import QFileDialog, QMessageBox, QPushButton

from src.core.config import ConfigError, file_layer, read_yaml, resolve
from src.core.run import RunFolder, process_alive, summarise
from src.tasks.segmentation.config import SegmentationConfig
from src.ui.dialogs.train_config_dialog import TrainConfigDialog
from tests.fake_jobs import job, until
from tests.fakes import answer_of_check, make_fake_dataset, make_fake_run

__all__ = ["job", "until"]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Folders with pictures, and a check that finds them good but for a warning."""
    place = make_fake_dataset(tmp_path / "tiles")
    answer = tmp_path / "answer.json"
    answer.write_text(json.dumps(answer_of_check(place)), "utf-8")
    monkeypatch.setenv("FAKE_ANSWER", str(answer))
    return {
        "images_dir": str(place / "images"),
        "masks_dir": str(place / "masks"),
        "runs_dir": str(tmp_path / "runs"),
    }


@pytest.fixture
def open_dialog(qtbot: Any, job: Any, until: Any) -> Any:
    """Opens a dialog; it is closed at the end, and its threads with it."""
    job("completes")
    made: list[TrainConfigDialog] = []

    def show(
        config: Any = None, paths: dict[str, Any] | None = None, breathe: Any = None
    ) -> TrainConfigDialog:
        dialog = TrainConfigDialog(config, paths, breathe=breathe)
        dialog.check.scan._timer.setInterval(20)
        dialog.resize(1280, 800)
        dialog.show()
        made.append(dialog)
        return dialog

    yield show
    for dialog in made:
        dialog.close()
        dialog.deleteLater()


def test_a_window_can_go_on_while_the_dialog_is_made_but_not_while_it_is_edited(
    data: dict[str, str], open_dialog: Any
) -> None:
    breaths: list[float] = []
    dialog = open_dialog(None, data, lambda: breaths.append(time.perf_counter()))
    made = len(breaths)
    fields = sum(len(form.fields) for form in dialog.forms.values())
    assert made > fields / 8, "a breath for every few fields"
    pauses = sorted(b - a for a, b in pairwise(breaths))
    assert pauses[len(pauses) // 2] < 0.05
    for name in dialog.setup.preset_titles():
        dialog.choose_preset(name)
    assert len(breaths) == made


def ready(dialog: TrainConfigDialog) -> bool:
    return dialog.start_button.isEnabled()


def facts(dialog: TrainConfigDialog) -> dict[str, str]:
    labels = dialog.summary._fact_labels
    return {word.text(): text.text().replace("\u200b", "") for word, text in labels if word.text()}


def codes(dialog: TrainConfigDialog) -> list[str]:
    return [card.finding.code for card in dialog.summary.findings.cards()]


def type_into(qtbot: Any, line: Any, text: str) -> None:
    line.selectAll()
    qtbot.keyClicks(line, text)


def test_tabs_have_their_names(open_dialog: Any) -> None:
    dialog = open_dialog()
    tabs = dialog.tabs
    assert [tabs.tabText(i) for i in range(tabs.count())] == ["Model", "Training", "Data", "Monitoring"]
    assert [tabs.widget(i).objectName() for i in range(tabs.count())] == [
        "Model",
        "Training",
        "Data",
        "Monitoring",
    ]


def test_without_images_start_is_off_and_says_why(open_dialog: Any) -> None:
    dialog = open_dialog()
    assert not ready(dialog)
    assert dialog.status.text() == "Cannot start yet. Images: No images were chosen."
    assert "No images were chosen." in dialog.forms["Data"].fields["data.images_dir"].message.text()
    assert not dialog.tabs.tabIcon(2).isNull() and dialog.tabs.tabIcon(0).isNull()


def test_the_data_are_checked_and_summed_up(open_dialog: Any, data: Any, until: Any) -> None:
    dialog = open_dialog(None, data)
    assert not ready(dialog) and "Checking the data" in dialog.status.text()
    until(lambda: ready(dialog))
    shown = facts(dialog)
    assert shown["Images"] == "9 for training, 3 for validation"
    assert shown["Training"] == "50 epochs of 1 step with 8 images; 1 image, each time others, left out"
    assert shown["Model"].startswith("U-Net with resnet18, 14.3 million parameters")
    assert shown["Run goes to"].startswith(data["runs_dir"])
    assert "object 8.0 %" in dialog.summary.classes.accessibleName()
    assert codes(dialog) == ["split.small"]
    assert "warnings" in dialog.status.text()
    assert dialog.summary.findings.y() < dialog.summary.classes.y()


def test_summary_follows_the_settings(open_dialog: Any, data: Any, until: Any) -> None:
    dialog = open_dialog(None, data)
    until(lambda: ready(dialog))
    dialog.forms["Training"].fields["training.epochs"].editor.spin.setValue(7)
    assert (
        facts(dialog)["Training"] == "7 epochs of 1 step with 8 images; 1 image, each time others, left out"
    )


def test_wrong_value_is_told_at_the_field_at_once(
    open_dialog: Any, data: Any, until: Any, qtbot: Any
) -> None:
    dialog = open_dialog(None, data)
    until(lambda: ready(dialog))
    field = dialog.forms["Training"].fields["training.optimizer.learning_rate"]
    type_into(qtbot, field.editor.line, "0")
    assert field.message.text() == "Must be more than 0."
    assert not ready(dialog) and "Learning rate: Must be more than 0." in dialog.status.text()
    dialog.tabs.setCurrentIndex(0)
    (card,) = (c for c in dialog.summary.findings.cards() if c.finding.severity == "error")
    qtbot.mouseClick(card, Qt.LeftButton)
    assert dialog.tabs.currentIndex() == 1 and field.editor.line.hasFocus()
    type_into(qtbot, field.editor.line, "1e-4")
    assert field.message.text() == "" or field.message.isHidden()
    until(lambda: ready(dialog))


def test_changed_data_are_checked_again_and_the_old_check_is_cancelled(
    open_dialog: Any, data: Any, until: Any, job: Any
) -> None:
    import os

    answer = os.environ.pop("FAKE_ANSWER")
    job("dies")  # a check that never answers
    dialog = open_dialog(None, data)
    until(lambda: dialog.check.scan.state == "running")
    first = dialog.check.scan._thread
    job("completes")
    os.environ["FAKE_ANSWER"] = answer
    dialog.forms["Data"].fields["data.image_size"].editor.spin.setValue(64)
    until(lambda: ready(dialog) and first.isFinished())
    assert facts(dialog)["Model sees"] == "64 × 64 px, padded to a square"


def test_check_that_fails_is_told_but_does_not_forbid_to_start(
    open_dialog: Any, data: Any, until: Any, job: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FAKE_ANSWER")
    job("silent")
    dialog = open_dialog(None, data)
    until(lambda: dialog.check.scan.state == "failed")
    assert ready(dialog) and "could not be checked" in dialog.status.text()
    assert "exit code 3" in dialog.summary.scan_note.text()


def test_errors_of_the_data_forbid_to_start(open_dialog: Any, data: Any, until: Any) -> None:
    import os

    finding = {
        "severity": "error",
        "code": "masks.values",
        "message": "3 masks hold the value 7, which no class has.",
        "cure": "Declare it in data.masks.values.",
        "where": ["a.png", "b.png"],
    }
    Path(os.environ["FAKE_ANSWER"]).write_text(json.dumps({"error": "…", "findings": [finding]}), "utf-8")
    dialog = open_dialog(None, data)
    until(lambda: codes(dialog) == ["masks.values"])
    assert not ready(dialog)
    card = dialog.summary.findings.cards()[0]
    assert card.key == "data.masks.meaning" and "“Values”" in card.findChildren(type(dialog.status))[3].text()


def test_given_configuration_and_paths(open_dialog: Any, data: Any) -> None:
    config = SegmentationConfig()
    config.training.epochs = 3
    dialog = open_dialog(config, {**data, "num_workers": 0})
    resolved = dialog.configuration()
    assert (resolved.config.training.epochs, resolved.config.data.images_dir) == (3, data["images_dir"])
    assert resolved.config.data.workers == 0
    with pytest.raises(ConfigError, match="images_dir"):
        TrainConfigDialog(None, {"image_dir": "x"})


def test_preset_changes_what_it_says_and_keeps_the_folders(
    open_dialog: Any, data: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "resources" / "presets" / "segmentation"
    place.mkdir(parents=True)
    (place / "default.yaml").write_text("title: Usual\nabout: First.\n", "utf-8")
    (place / "fast.yaml").write_text("title: Fast\nabout: A try.\ntraining: {epochs: 5}\n", "utf-8")
    monkeypatch.setattr("src.core.config.files.RESOURCES", tmp_path / "resources")
    dialog = open_dialog(None, data)
    dialog.forms["Training"].fields["training.epochs"].editor.spin.setValue(9)
    dialog.forms["Training"].fields["training.batch_size"].editor.spin.setValue(3)
    box = dialog.source.preset
    assert [box.itemText(i) for i in range(box.count())] == ["Usual, changed", "Fast"]
    box.setCurrentIndex(1)
    box.activated.emit(1)
    assert [box.itemText(i) for i in range(box.count())] == ["Usual", "Fast, changed"]  # the batch size is
    dialog.forms["Training"].fields["training.batch_size"].reset.click()
    assert box.currentText() == "Fast", "folders are nothing of a preset's"
    dialog.forms["Training"].fields["training.batch_size"].editor.spin.setValue(3)
    resolved = dialog.configuration()
    assert (resolved.config.training.epochs, resolved.config.training.batch_size) == (5, 3)
    assert (
        resolved.origins["training.epochs"] == "preset"
        and resolved.origins["training.batch_size"] == "dialog"
    )
    assert resolved.config.data.images_dir == data["images_dir"]


def test_dialog_says_what_the_settings_are_based_on(open_dialog: Any, data: Any, tmp_path: Path) -> None:
    own = tmp_path / "lathe.yaml"
    own.write_text(f"data: {{images_dir: {data['images_dir']!r}}}\n", "utf-8")
    dialog = open_dialog(resolve(SegmentationConfig, [file_layer(own, SegmentationConfig)]), data)
    box = dialog.source.preset
    assert box.currentIndex() == -1 and box.placeholderText() == "From the data set's file"
    assert dialog.load_file(own) and box.placeholderText() == "From lathe.yaml"
    dialog.forms["Training"].fields["training.epochs"].editor.spin.setValue(9)
    assert box.placeholderText() == "From lathe.yaml, changed"


def test_option_that_does_nothing_is_noted_in_the_words_of_the_window(
    open_dialog: Any, data: Any, until: Any, tmp_path: Path
) -> None:
    dialog = open_dialog({"data.split.val_fraction": 0.3}, {**data, "split_dir": str(tmp_path)})
    notes = [c for c in dialog.summary.findings.cards() if c.finding.code == "option.no_effect"]
    assert len(notes) == 1 and notes[0].key == "data.split.val_fraction"
    texts = [label.text() for label in notes[0].findChildren(type(dialog.status))]
    assert "“Validation share” does nothing: the split files decide." in texts
    assert "To use it, leave “Split files” empty." in texts
    assert "data.split.val_fraction" in notes[0].toolTip()


def test_saved_configuration_is_loaded_again(open_dialog: Any, data: Any, tmp_path: Path) -> None:
    dialog = open_dialog({"epochs": 4, "loss": "dice"}, data)
    path = tmp_path / "mein Versuch ä.yaml"
    assert dialog.save_file(path)
    again = resolve(SegmentationConfig, [file_layer(path, SegmentationConfig)]).config
    found = (again.training.epochs, again.training.loss.name, again.data.images_dir)
    assert found == (
        4,
        "dice",
        data["images_dir"],
    )
    other = open_dialog()
    assert other.load_file(path)
    assert other.configuration().flat() == dialog.configuration().flat()
    assert "Set by the loaded file." in other.forms["Training"].fields["training.epochs"].label.toolTip()


def test_bad_file_is_told_and_changes_nothing(open_dialog: Any, data: Any, tmp_path: Path) -> None:
    dialog = open_dialog(None, data)
    before = dialog.configuration().flat()
    path = tmp_path / "bad.yaml"
    path.write_text("training: {epoch: 3}\n", "utf-8")
    assert not dialog.load_file(path)
    assert "bad.yaml was not loaded" in dialog.status.text() and "training.epochs" in dialog.status.text()
    assert dialog.configuration().flat() == before


def test_existing_file_is_replaced_only_when_asked(
    open_dialog: Any, data: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialog = open_dialog(None, data)
    path = tmp_path / "mine.yaml"
    path.write_text("keep: me\n", "utf-8")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(path.with_suffix("")), ""))
    asked: list[str] = []

    def answer(button: int) -> Any:
        return lambda parent, title, text, *rest: asked.append(text) or button

    monkeypatch.setattr(QMessageBox, "question", answer(QMessageBox.Cancel))
    dialog.ask_save()
    assert read_yaml(path) == {"keep": "me"} and "mine.yaml exists already" in asked[0]
    monkeypatch.setattr(QMessageBox, "question", answer(QMessageBox.Yes))
    dialog.ask_save()
    assert read_yaml(path)["task"] == "segmentation"


def test_place_that_cannot_be_written_is_told(open_dialog: Any, data: Any, tmp_path: Path) -> None:
    dialog = open_dialog(None, data)
    (tmp_path / "file").write_text("")
    assert not dialog.save_file(tmp_path / "file" / "mine.yaml")
    assert "mine.yaml was not written" in dialog.status.text()


@pytest.fixture
def started(open_dialog: Any, data: Any, until: Any, job: Any) -> Any:
    """A dialog with a run that was started in it and waits for a command."""
    dialog = open_dialog(None, data)
    until(lambda: ready(dialog))
    job("obeys")
    told: list[RunFolder] = []
    dialog.run_started.connect(told.append)
    dialog.start_button.click()
    assert not ready(dialog)
    until(lambda: told and summarise(told[0]).epoch == 1)
    yield dialog, told[0]
    if process_alive(told[0]):
        told[0].write_json(told[0].command, {"command": "stop"})
        until(lambda: not process_alive(told[0]))


def test_started_run_is_shown_and_its_settings_stand_still(started: Any, until: Any, data: Any) -> None:
    dialog, folder = started
    assert folder.path.parent == Path(data["runs_dir"])
    assert dialog.tabs.tabText(dialog.tabs.currentIndex()) == "Monitoring"
    until(lambda: dialog.monitoring.view.summary is not None)
    assert dialog.monitoring.view.isVisible()
    assert not dialog.forms["Training"].fields["training.epochs"].editor.spin.isEnabled()
    assert not ready(dialog) and "cannot be changed" in dialog.status.text()
    assert "goes on when this window is closed" in dialog.monitoring.note.text()


def test_closing_the_dialog_does_not_end_the_run(started: Any, until: Any, qtbot: Any) -> None:
    dialog, folder = started
    thread = dialog.thread
    with qtbot.waitSignal(dialog.finished):
        dialog.close()
    assert not dialog.isVisible()
    until(thread.isFinished)
    assert process_alive(folder)
    dialog.show()
    dialog.attach(folder)
    until(lambda: dialog.monitoring.view.summary is not None and dialog.monitoring.view.summary.alive)


def test_after_the_end_another_run_can_be_set_up(started: Any, until: Any) -> None:
    dialog, folder = started
    folder.write_json(folder.command, {"command": "stop"})
    until(lambda: "has ended" in dialog.monitoring.note.text() and dialog.thread is None)
    dialog.monitoring.another.click()
    until(lambda: ready(dialog))
    assert dialog.forms["Training"].fields["training.epochs"].editor.spin.isEnabled()
    assert dialog.forms["Monitoring"].isVisible()


def test_data_are_checked_again_for_another_run(started: Any, until: Any) -> None:
    dialog, folder = started
    folder.write_json(folder.command, {"command": "stop"})
    until(lambda: dialog.thread is None)
    dialog.monitoring.another.click()
    assert dialog.check.scan.busy and not ready(dialog)
    until(lambda: ready(dialog))


def test_failure_is_not_said_twice(open_dialog: Any, tmp_path: Path, until: Any) -> None:
    folder = make_fake_run(
        tmp_path, epochs=3, done=1, ending="failed", cause="No masks.", cure="Choose them."
    )
    dialog = open_dialog()
    dialog.attach(folder)
    until(lambda: dialog.monitoring.view.summary is not None)
    dialog.monitoring.tell_failure("No masks. Choose them.")
    assert dialog.monitoring.view.header.cause.text() == "No masks."
    assert "No masks" not in dialog.monitoring.note.text()


def test_model_tab_explains_what_is_chosen(open_dialog: Any, data: Any) -> None:
    dialog = open_dialog(None, data)
    assert "U-Net" in dialog.notes.text() and "11.2 million parameters" in dialog.notes.text()
    fields = dialog.forms["Model"].fields
    fields["model.architecture"].editor.box.setCurrentIndex(
        fields["model.architecture"].editor.box.findData("fpn")
    )
    weights = fields["model.encoder_weights"].editor.box
    weights.setCurrentIndex(weights.findData("imagenet"))
    assert "pyramid of features" in dialog.notes.text() and "licence" in dialog.notes.text()
    assert dialog.notes.isVisible()


def test_weights_that_a_training_does_not_begin_with_are_not_explained(open_dialog: Any, data: Any) -> None:
    dialog = open_dialog(None, data)
    assert "Random weights" in dialog.notes.text()
    dialog.forms["Model"].fields["model.start_from"].editor.line.setText("/runs/teile")
    assert (
        "Random weights" not in dialog.notes.text()
        and "Weights of a model\n/runs/teile" in dialog.notes.text()
    )


def test_a_click_on_start_while_the_data_are_checked_again_is_not_lost(
    open_dialog: Any, data: Any, until: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Any] = []
    dialog = open_dialog(None, data)
    assert not ready(dialog)  # they were not checked yet
    monkeypatch.setattr(dialog.started, "start", begun.append)
    until(lambda: ready(dialog))
    size = dialog.forms["Data"].fields["data.image_size"].editor.spin
    size.setValue(96)
    assert dialog.check.scan.busy and ready(dialog)
    qtbot.mouseClick(dialog.start_button, Qt.LeftButton)
    assert not begun and dialog.status.text().startswith("Starts as soon as")
    until(lambda: len(begun) == 1)
    assert begun[0].config.data.image_size == 96


def test_a_start_that_waits_is_given_up_for_an_edit_or_for_what_the_check_finds(
    open_dialog: Any, data: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    begun: list[Any] = []
    dialog = open_dialog(None, data)
    monkeypatch.setattr(dialog.started, "start", begun.append)
    until(lambda: ready(dialog))
    size = dialog.forms["Data"].fields["data.image_size"].editor.spin
    size.setValue(96)
    dialog.start()
    size.setValue(128)
    assert not dialog.wish.waits
    until(lambda: dialog.check.scan.state == "done")
    assert not begun
    answer = Path(os.environ["FAKE_ANSWER"])
    told = json.loads(answer.read_text("utf-8"))
    told["findings"].append(
        {"severity": "warning", "code": "new.one", "message": "New.", "cure": "", "where": []}
    )
    answer.write_text(json.dumps(told), "utf-8")
    size.setValue(160)
    dialog.start()
    until(lambda: "found something new" in dialog.status.text())
    assert not begun and ready(dialog)


def test_run_that_cannot_be_made_is_told(open_dialog: Any, data: Any, until: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    dialog = open_dialog(None, {**data, "runs_dir": str(tmp_path / "file" / "runs")})
    until(lambda: ready(dialog))
    dialog.start_button.click()
    until(lambda: "No run folder can be made" in dialog.status.text())
    assert dialog.forms["Training"].fields["training.epochs"].editor.spin.isEnabled()


def test_escape_closes_the_window(open_dialog: Any, data: Any, qtbot: Any) -> None:
    dialog = open_dialog(None, data)
    with qtbot.waitSignal(dialog.finished):
        qtbot.keyClick(dialog, Qt.Key_Escape)
    assert not dialog.isVisible() and not dialog.check.scan.busy


def test_close_during_start_leaves_nothing_behind(open_dialog: Any, data: Any, until: Any, job: Any) -> None:
    dialog = open_dialog(None, data)
    until(lambda: ready(dialog))
    thread_of = dialog.start_button.click
    thread_of()
    thread = dialog.thread
    dialog.close()
    until(thread.isFinished)
    runs = Path(data["runs_dir"])
    until(lambda: runs.is_dir() and list(runs.iterdir()))
    folder = RunFolder(next(runs.iterdir()))
    until(lambda: summarise(folder).state == "completed")


def test_old_run_is_shown_in_the_dialog(open_dialog: Any, tmp_path: Path, until: Any) -> None:
    folder = make_fake_run(tmp_path, epochs=4)
    dialog = open_dialog()
    dialog.attach(folder)
    until(lambda: dialog.monitoring.view.summary is not None)
    assert dialog.monitoring.view.summary.state == "completed"
    assert dialog.forms["Training"].fields["training.epochs"].value == 4
    assert dialog.forms["Data"].fields["data.image_size"].value == 128
    assert not ready(dialog)


def test_preview_shows_augmented_images(open_dialog: Any, data: Any, until: Any, qtbot: Any) -> None:
    dialog = open_dialog({"image_size": 48}, data)
    dialog.tabs.setCurrentIndex(2)
    until(lambda: ready(dialog) and len(dialog.preview.strip._pictures) == 6)
    first = dialog.preview.strip._pictures
    assert {(p.width(), p.height()) for p in first} == {(48, 48)}
    dialog.preview.again.click()
    until(lambda: dialog.preview.strip._pictures is not first)
    second = dialog.preview.strip._pictures
    assert second[0] == first[0] and second[1:] != first[1:]
    dialog.forms["Data"].fields["data.augmentation.probability"].editor.set_value(0.0)
    dialog.forms["Data"].edited.emit("data.augmentation.probability")
    until(lambda: dialog.preview.strip._pictures is not second)
    assert all(p == first[0] for p in dialog.preview.strip._pictures)


@pytest.mark.parametrize("tab", [0, 1, 2, 3])
def test_nothing_is_cut_at_1280_by_800(open_dialog: Any, data: Any, until: Any, tab: int, qtbot: Any) -> None:
    dialog = open_dialog(None, data)
    dialog.source.everything.setChecked(True)
    dialog.tabs.setCurrentIndex(tab)
    until(lambda: ready(dialog))
    qtbot.wait(20)
    form = list(dialog.forms.values())[tab]
    assert form.widget().width() <= form.viewport().width()
    assert dialog.summary.widget().width() <= dialog.summary.viewport().width()
    for button in dialog.findChildren(QPushButton):
        if button.isVisible():
            assert button.width() >= button.sizeHint().width(), button.text()
    for field in form.fields.values():
        label = field.label
        if label.isVisible():
            assert label.height() >= label.heightForWidth(label.width()), field.option.key
            assert label.mapTo(form.widget(), QPoint(0, 0)).x() >= 0


def test_dialog_needs_no_torch() -> None:
    code = (
        "import sys\n"
        "from PyQt5.QtWidgets import QApplication\n"
        "app = QApplication([])\n"
        "from src.ui.dialogs.train_config_dialog import TrainConfigDialog\n"
        "dialog = TrainConfigDialog()\n"
        "dialog.show()\n"
        "app.processEvents()\n"
        "dialog.close()\n"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == 0

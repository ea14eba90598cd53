"""The dialog of a job: the model, the form, what is wrong, what is remembered."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
from PyQt5.QtCore import Qt

from src.core.config.conditions import when
from src.core.config.fields import Section, option, section
from src.core.config.job import ComputeConfig, JobConfig
from src.core.dataset.findings import Finding
from src.core.job import JobInfo
from src.core.run.library_care import add_file
from src.tasks.catalog import task_info
from src.ui.dialogs.job_dialog import JobDialog
from src.ui.theme import apply_theme
from tests.fake_jobs import until
from tests.ui.job_windows import FACTS, make_job, make_model_run, write_model

__all__ = ["until"]


class MoreConfig(Section):
    """A section of the job."""

    level: int = option(3, "Level", "How much.", ge=1, le=9, advanced=True)


class ShowConfig(JobConfig):
    """The options of a job that tests make up."""

    images: list[str] = option(list, "Images", "Images and folders.", path="folder")
    form: Literal["plain", "rich"] = option(
        "plain", "Form", "Which.", choice_labels={"plain": "Plain", "rich": "Rich"}
    )
    depth: int = option(2, "Depth", "How deep.", ge=0, le=10, applies=[when("form", "plain")])
    more: MoreConfig = section(MoreConfig, "More")
    compute: ComputeConfig = section(ComputeConfig, "Machine")


def _unavailable() -> dict[str, dict[str, str]]:
    """Read by the dialog, as it reads that of a real job."""
    return {"form": {"rich": "The library for it is not installed. Install it."}}


def _check(config: ShowConfig) -> list[Finding]:
    found = []
    if config.depth == 7:
        found.append(Finding("error", "show.depth", "7 is unlucky.", "Take 6.", ("depth",)))
    if not config.images:
        found.append(Finding("warning", "show.images", "No images.", "Choose some."))
    return found


SHOW = JobInfo(
    "show", "Show", "Shows what a model does.", ShowConfig, "none:none", "shows", takes="images", check=_check,
    unavailable=_unavailable,
)  # fmt: skip


@pytest.fixture
def open_dialog(qtbot: Any, qapp: Any, tmp_path: Path) -> Any:
    """Opens a dialog over the runs of this test; it is closed at the end."""
    apply_theme(qapp, "light", 1.0)
    made: list[JobDialog] = []

    def show(**values: Any) -> JobDialog:
        dialog = JobDialog(SHOW, values, None, tmp_path / "runs")
        dialog.show()
        made.append(dialog)
        return dialog

    yield show
    for dialog in made:
        dialog.close()
        dialog.deleteLater()


def ready(dialog: JobDialog) -> bool:
    return dialog.start_button.isEnabled()


def test_models_are_offered_the_newest_first_with_their_metric(
    open_dialog: Any, tmp_path: Path, until: Any
) -> None:
    make_model_run(tmp_path / "runs", "2026-05-01_old_unet_1", 0.7)
    new = make_model_run(tmp_path / "runs", "2026-05-02_new_unet_1", 0.8)
    broken = make_model_run(tmp_path / "runs", "2026-05-03_broken_unet_1", 0.9)
    (broken.checkpoints / "epoch2.safetensors").unlink()
    dialog = open_dialog()
    assert not ready(dialog) and "Looking for models" in dialog.status.text()
    until(lambda: dialog.model.box.count() == 3)
    lines = [dialog.model.box.itemText(i) for i in range(3)]
    assert "new · unet" in lines[0] and "0.8" in lines[0] and "old" in lines[1]
    assert not dialog.model.box.model().item(2).isEnabled()
    assert dialog.model.model == str(new.path)
    assert (
        "unet · resnet18 · 3 channels" in dialog.model.facts.text()
        and "320 × 240 px" in dialog.model.facts.text()
    )
    until(lambda: ready(dialog))


def test_without_any_model_start_is_off_and_says_why(open_dialog: Any, until: Any) -> None:
    dialog = open_dialog()
    until(lambda: "No model was chosen" in dialog.status.text())
    assert not ready(dialog)


def test_a_file_is_chosen_and_the_checkpoint_does_nothing_then(
    open_dialog: Any, tmp_path: Path, until: Any
) -> None:
    write_model(tmp_path / "m.safetensors")
    add_file(tmp_path / "m.safetensors")
    dialog = open_dialog(model=str(tmp_path / "m.safetensors"))
    until(lambda: ready(dialog))
    assert not dialog.model.which.isEnabled()
    assert dialog.configuration().config.model == str(tmp_path / "m.safetensors")


def test_nothing_is_called_wrong_before_anything_was_chosen(
    qtbot: Any, qapp: Any, tmp_path: Path, until: Any
) -> None:
    apply_theme(qapp, "light", 1.0)
    run, image = make_model_run(tmp_path / "runs"), tmp_path / "a.png"
    image.write_bytes(b"picture")
    dialog = JobDialog(
        task_info("segmentation").jobs["predict"], {"model": str(run.path)}, None, tmp_path / "runs"
    )
    dialog.show()
    until(lambda: dialog.status.text() == "Choose images or a folder.")
    assert not ready(dialog) and not dialog.findings.isVisible()
    dialog.take([str(image)])
    until(lambda: ready(dialog))
    dialog.form.fields["images"].editor.set_value([])
    dialog.form.fields["images"].editor.edited.emit()
    until(lambda: "No images were chosen" in dialog.status.text())  # now it is
    assert dialog.findings.isVisible()
    dialog.close()
    dialog.deleteLater()


@pytest.mark.parametrize(
    ("job", "keys"), [("predict", ["threshold"]), ("evaluate", ["threshold", "threshold_for"])]
)
def test_a_threshold_is_grey_with_the_reason_while_the_model_has_several_classes(
    qtbot: Any, qapp: Any, tmp_path: Path, job: str, keys: list[str]
) -> None:
    write_model(tmp_path / "several.safetensors")
    write_model(tmp_path / "one.safetensors", {**FACTS, "out_channels": 1, "classes": ["background", "pit"]})
    dialog = JobDialog(task_info("segmentation").jobs[job], {}, None, tmp_path / "runs")
    fields = [dialog.form.fields[key] for key in keys]
    for name, several in (("several", True), ("one", False), ("several", True)):
        dialog.model.choose(str(tmp_path / f"{name}.safetensors"))
        assert [field.enabled for field in fields] == [not several] * len(keys)
        assert ("knows several classes" in fields[0].label.toolTip()) == several
    dialog.close()
    dialog.deleteLater()


def test_last_checkpoint_is_what_is_started(open_dialog: Any, tmp_path: Path, until: Any) -> None:
    run = make_model_run(tmp_path / "runs")
    dialog = open_dialog(model=str(run.path))
    dialog.model.which.choose(1)
    until(lambda: ready(dialog))
    assert dialog.configuration().config.checkpoint == "last"


def test_a_model_that_is_gone_is_told_at_the_model(open_dialog: Any, tmp_path: Path, until: Any) -> None:
    run = make_model_run(tmp_path / "runs")
    dialog = open_dialog(model=str(run.path))
    until(lambda: ready(dialog))
    run.path.rename(tmp_path / "moved")
    dialog.form.fields["depth"].editor.spin.setValue(5)
    until(lambda: "There is no run" in dialog.model.message.text())
    assert not ready(dialog)


def test_findings_stand_beside_their_fields_and_start_follows(
    open_dialog: Any, tmp_path: Path, until: Any
) -> None:
    dialog = open_dialog(model=str(make_model_run(tmp_path / "runs").path))
    until(lambda: ready(dialog))
    assert "warnings" in dialog.status.text() and [c.finding.code for c in dialog.findings.cards()] == [
        "show.images"
    ]
    depth = dialog.form.fields["depth"]
    depth.editor.spin.setValue(7)
    until(lambda: "7 is unlucky. Take 6." in depth.message.text())
    assert not ready(dialog) and dialog.status.text() == "Cannot start yet. Depth: 7 is unlucky."
    depth.editor.spin.setValue(6)
    until(lambda: ready(dialog))


def test_what_is_not_available_is_grey_with_the_reason(open_dialog: Any) -> None:
    box = open_dialog().form.fields["form"].editor.box
    assert box.model().item(0).isEnabled() and not box.model().item(1).isEnabled()
    assert "not installed" in box.itemData(1, Qt.ToolTipRole)


def test_advanced_options_show_when_asked(open_dialog: Any) -> None:
    dialog = open_dialog()
    assert not dialog.form.fields["more.level"].editor.isVisible()
    dialog.everything.setChecked(True)
    assert dialog.form.fields["more.level"].editor.isVisible()
    assert {"job", "task", "model", "checkpoint"}.isdisjoint(dialog.form.fields)


def test_a_folder_that_is_taken_is_refused_and_one_of_this_job_goes_on(
    open_dialog: Any, tmp_path: Path, until: Any
) -> None:
    run = make_model_run(tmp_path / "runs")
    dialog = open_dialog(model=str(run.path), images=["/x"])
    out = dialog.form.fields["out"]
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").write_text("mine", "utf-8")
    out.editor.line.setText(str(tmp_path / "taken"))
    until(lambda: "nothing is overwritten" in out.message.text())
    assert not ready(dialog)
    out.editor.line.setText(str(make_job(tmp_path / "begun", "show", run.path, status=None)))
    until(lambda: ready(dialog))
    assert any("goes on" in card.finding.message for card in dialog.findings.cards())


def test_what_is_dropped_is_worked_on(open_dialog: Any, tmp_path: Path, until: Any) -> None:
    dialog = open_dialog(model=str(make_model_run(tmp_path / "runs").path))
    dialog.take([str(tmp_path), str(tmp_path), "/b.png"])
    assert dialog.form.fields["images"].value == [str(tmp_path), "/b.png"]
    editor = dialog.form.fields["images"].editor
    editor.list.item(0).setSelected(True)
    editor.remove.click()
    assert editor.value() == ["/b.png"]


def test_start_hands_over_and_the_values_are_remembered(
    open_dialog: Any, tmp_path: Path, until: Any, qtbot: Any
) -> None:
    run = make_model_run(tmp_path / "runs")
    dialog = open_dialog(model=str(run.path))
    dialog.form.fields["depth"].editor.spin.setValue(4)
    dialog.form.fields["name"].editor.line.setText("once")
    dialog.take(["/a"])
    until(lambda: ready(dialog))
    with qtbot.waitSignal(dialog.started_job) as started:
        qtbot.mouseClick(dialog.start_button, Qt.LeftButton)
    resolved, info = started.args
    assert info is SHOW and not dialog.isVisible()
    assert (resolved.config.depth, resolved.config.model, resolved.config.name) == (4, str(run.path), "once")
    assert resolved.origins["depth"] == "dialog"
    values = open_dialog().form.values()
    assert (values["depth"], values["images"], values["name"]) == (4, ["/a"], "")
    assert open_dialog(depth=1).form.values()["depth"] == 1


def test_a_click_on_start_while_the_settings_are_checked_is_not_lost(
    open_dialog: Any, tmp_path: Path, until: Any, qtbot: Any
) -> None:
    dialog = open_dialog(model=str(make_model_run(tmp_path / "runs").path))
    dialog.take(["/a"])
    assert not ready(dialog)  # nothing was checked yet
    until(lambda: ready(dialog))
    depth = dialog.form.fields["depth"].editor.spin
    depth.setValue(7)
    assert ready(dialog)
    qtbot.mouseClick(dialog.start_button, Qt.LeftButton)
    assert dialog.status.text().startswith("Starts as soon as")
    until(lambda: "found something new" in dialog.status.text())
    assert dialog.isVisible() and not ready(dialog)
    depth.setValue(4)
    until(lambda: ready(dialog))
    depth.setValue(5)
    with qtbot.waitSignal(dialog.started_job) as started:
        qtbot.mouseClick(dialog.start_button, Qt.LeftButton)
    assert started.args[0].config.depth == 5 and not dialog.isVisible()


def test_a_number_that_may_be_empty_is_automatic_then(qtbot: Any) -> None:
    from src.core.config import Option
    from src.ui.widgets.form_editors import FloatEditor

    editor = FloatEditor(Option("a", "float", None, "A", "", optional=True, minimum=0, maximum=1))
    qtbot.addWidget(editor)
    editor.set_value(None)
    assert (editor.value(), editor.fault(), editor.line.text()) == (None, "", "")
    editor.set_value(0.25)
    assert editor.value() == 0.25
    editor.line.setText("x")
    assert editor.fault()
    editor.set_value(None)
    assert editor.value() is None

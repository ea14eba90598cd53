"""The form that is made from the schema."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from PyQt5.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PyQt5.QtGui import QDropEvent, QWheelEvent
from PyQt5.QtWidgets import QApplication, QCheckBox, QLabel

from src.core.config import options
from src.tasks.catalog import TASKS, task_info
from src.ui.dialogs.train_tabs import TABS, make_forms, tab_of
from src.ui.widgets.form import SchemaForm
from src.ui.widgets.form_editors import number_text, parse_number


@pytest.fixture
def forms(qtbot: Any) -> dict[str, SchemaForm]:
    made = make_forms(task_info("segmentation"))
    base = {o.key: o.default for o in options(task_info("segmentation").config)}
    for form in made.values():
        qtbot.addWidget(form)
        form.load(base, {}, {})
        form.resize(900, 600)
        form.show()
    return made


def typed(qtbot: Any, line: Any, text: str) -> None:
    line.selectAll()
    qtbot.keyClicks(line, text)


@pytest.mark.parametrize("task", list(TASKS))
def test_every_option_stands_on_exactly_one_tab(task: str, qtbot: Any) -> None:
    made = make_forms(task_info(task))
    for form in made.values():
        qtbot.addWidget(form)
    shown = [key for form in made.values() for key in form.fields]
    assert sorted(shown) == sorted(o.key for o in options(task_info(task).config) if tab_of(o))
    assert tuple(made) == TABS


def test_every_field_can_be_reached_and_named(forms: dict[str, SchemaForm]) -> None:
    for form in forms.values():
        for field in form.fields.values():
            target = field.editor.focusProxy()
            assert target is not None and target.focusPolicy() & Qt.TabFocus, field.option.key
            assert target.accessibleName() == field.option.label
            assert field.option.help[:20] in target.accessibleDescription()


def test_mnemonics_are_unique_on_a_tab(forms: dict[str, SchemaForm]) -> None:
    for form in forms.values():
        texts = [label.text() for label in form.findChildren(QLabel)]
        texts += [box.text() for box in form.findChildren(QCheckBox)]
        marked = [t.replace("&&", "").replace("& ", "") for t in texts]  # in running text it is a letter
        letters = [t[t.index("&") + 1].lower() for t in marked if "&" in t]
        assert len(letters) == len(set(letters)), [t for t in marked if "&" in t]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[(text, 1e-3) for text in ("0.001", "1e-3", "1E-3", "0,001", " 1e-03 ")],
        *[(".5", 0.5), ("2", 2.0), ("-1", -1.0)],
        *[(text, None) for text in ("abc", "", "1e", "nan", "inf", "1,000,000", "1e999")],
    ],
)
def test_numbers_are_read_in_both_notations(text: str, value: float | None) -> None:
    assert parse_number(text) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e-3, "0.001"),
        (1e-5, "1e-5"),
        (2.5e-7, "2.5e-7"),
        (10.0, "10"),
        (0.0, "0"),
        (0.3, "0.3"),
        (1e20, "1e20"),
    ],
)
def test_numbers_are_written_shortly_and_read_back(value: float, text: str) -> None:
    assert number_text(value) == text
    assert parse_number(text) == value


def test_number_out_of_bounds_and_no_number_have_reasons(forms: dict[str, SchemaForm], qtbot: Any) -> None:
    form = forms["Training"]
    key = "training.optimizer.learning_rate"
    line = form.fields[key].editor.line
    typed(qtbot, line, "3e-4")
    assert form.changes() == {key: 3e-4} and form.faults() == {}
    typed(qtbot, line, "0")
    assert form.faults() == {key: "Must be more than 0."}
    typed(qtbot, line, "11")
    assert form.faults() == {key: "Must be at most 10."}
    average = "training.ema_decay"
    typed(qtbot, form.fields[average].editor.line, "1")
    assert form.faults() == {key: "Must be at most 10.", average: "Must be less than 1."}
    typed(qtbot, form.fields[average].editor.line, "0.99")
    typed(qtbot, line, "fast")
    assert form.faults() == {key: "Write a number, such as 0.001 or 1e-3."}


def test_arrow_keys_step_by_a_digit(forms: dict[str, SchemaForm], qtbot: Any) -> None:
    field = forms["Training"].fields["training.optimizer.learning_rate"]
    typed(qtbot, field.editor.line, "0.001")
    qtbot.keyClick(field.editor.line, Qt.Key_Up)
    assert field.value == pytest.approx(0.002)
    qtbot.keyClick(field.editor.line, Qt.Key_Down)
    qtbot.keyClick(field.editor.line, Qt.Key_Down)
    assert field.value == pytest.approx(0.0009)


def wheel(widget: Any) -> None:
    event = QWheelEvent(
        QPointF(5, 5),
        QPointF(5, 5),
        QPoint(0, 0),
        QPoint(0, 120),
        Qt.NoButton,
        Qt.NoModifier,
        Qt.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)


def test_wheel_over_a_field_without_focus_changes_nothing(forms: dict[str, SchemaForm]) -> None:
    form = forms["Training"]
    spin, box = form.fields["training.epochs"].editor.spin, form.fields["training.loss.name"].editor.box
    spin.clearFocus()
    for widget in (spin, box):
        wheel(widget)
    assert form.changes() == {}


def test_option_without_effect_is_disabled_and_says_why(forms: dict[str, SchemaForm]) -> None:
    fields = forms["Training"].fields
    step = fields["training.schedule.step_epochs"]
    assert not step.editor.isEnabled()
    reason = "Used only while Schedule is “Lower every N epochs”."
    assert reason in step.label.toolTip() and step.message.text() == reason and step.message.isVisible()
    box = fields["training.schedule.name"].editor.box
    box.setCurrentIndex(box.findData("step"))
    assert step.editor.isEnabled()
    assert "Used only" not in step.label.toolTip() and "Used only" not in step.message.text()


def test_option_without_effect_because_of_another_tab(forms: dict[str, SchemaForm]) -> None:
    weights = forms["Training"].fields["training.loss.class_weights"]
    assert weights.editor.isEnabled()
    forms["Training"].see({"data.masks.meaning": "binary"})
    assert (
        not weights.editor.isEnabled()
        and "Does nothing while Mask values is “Binary”." in weights.label.toolTip()
    )


def test_split_files_take_the_effect_from_the_shares(forms: dict[str, SchemaForm]) -> None:
    fields = forms["Data"].fields
    fields["data.split_dir"].editor.line.setText("/lists")
    share = fields["data.split.val_fraction"]
    assert not share.editor.isEnabled() and share.message.text() == "Does nothing: the split files decide."
    fields["data.table"].editor.line.setText("/table.csv")  # goes before the split files
    assert share.editor.isEnabled() and not fields["data.split_dir"].editor.isEnabled()


def test_changed_value_can_go_back_and_tells_where_it_was_from(
    forms: dict[str, SchemaForm], qtbot: Any
) -> None:
    form = forms["Training"]
    base = {key: field.value for key, field in form.fields.items()}
    form.load({**base, "training.epochs": 30}, {"training.epochs": "preset"}, {})
    field = form.fields["training.epochs"]
    assert "Set by the preset." in field.label.toolTip() and not field.reset.isVisible()
    with qtbot.waitSignal(form.edited):
        field.editor.spin.setValue(31)
    assert field.reset.isVisible() and "30 epochs (the preset)" in field.reset.toolTip()
    qtbot.mouseClick(field.reset, Qt.LeftButton)
    assert form.changes() == {} and not field.reset.isVisible()


def test_advanced_settings_are_hidden_until_asked_for_or_changed(forms: dict[str, SchemaForm]) -> None:
    form = forms["Training"]
    field = form.fields["training.seed"]
    assert not field.editor.isVisible()
    form.show_all(True)
    assert field.editor.isVisible()
    form.show_all(False)
    assert not field.editor.isVisible()
    base = {key: f.value for key, f in form.fields.items()}
    form.load(base, {}, {"training.seed": 3})
    assert field.editor.isVisible()


def drop(line: Any, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    line.dropEvent(QDropEvent(QPointF(2, 2), Qt.CopyAction, data, Qt.LeftButton, Qt.NoModifier))


def test_dropped_file_stands_for_its_folder(forms: dict[str, SchemaForm], tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    image = tmp_path / "a b" / "ä.png"
    image.write_bytes(b"")
    form = forms["Data"]
    drop(form.fields["data.images_dir"].editor.line, image)
    drop(form.fields["data.masks_dir"].editor.line, tmp_path)
    drop(form.fields["data.table"].editor.line, image)
    assert form.changes() == {
        "data.images_dir": str(image.parent), "data.masks_dir": str(tmp_path), "data.table": str(image)
    }  # fmt: skip


def test_class_table_keeps_order_and_refuses_doubles(forms: dict[str, SchemaForm]) -> None:
    form = forms["Data"]
    editor = form.fields["data.masks.classes"].editor
    for _ in range(3):
        editor.add.click()
    assert editor.value() == ["background", "object", "object 2"]
    editor.table.item(2, 0).setText("scratch")
    editor.up.click()
    assert form.changes() == {"data.masks.classes": ["background", "scratch", "object"]}
    editor.table.item(2, 0).setText("scratch")
    assert form.faults() == {"data.masks.classes": "The name “scratch” stands there twice."}
    editor.table.setCurrentCell(2, 0)
    editor.remove.click()
    assert editor.value() == ["background", "scratch"] and form.faults() == {}


def test_optional_number_is_none_while_it_is_off(forms: dict[str, SchemaForm]) -> None:
    field = forms["Data"].fields["data.masks.ignore_value"]
    assert field.value is None
    field.editor.switch.setChecked(True)
    field.editor.spin.setValue(255)
    assert field.value == 255
    field.editor.switch.setChecked(False)
    assert field.value is None


def test_empty_fields_say_what_empty_means(forms: dict[str, SchemaForm]) -> None:
    start = forms["Model"].fields["model.start_from"]
    assert start.value is None and start.editor.line.placeholderText() == "empty: begins anew"
    start.editor.line.setText("/runs/one")
    assert start.value == "/runs/one"
    shown = {
        key: f.editor.line.placeholderText()
        for key, f in forms["Data"].fields.items()
        if hasattr(f.editor, "line")
    }
    assert (
        shown["data.split_dir"] == "empty: Lathe splits"
        and shown["data.images_dir"] == "Choose or drop a folder"
    )


def test_encoder_is_searched_and_an_unknown_one_is_refused(forms: dict[str, SchemaForm], qtbot: Any) -> None:
    form = forms["Model"]
    editor = form.fields["model.encoder"].editor
    typed(qtbot, editor.box.lineEdit(), "resnet81")
    assert form.faults()["model.encoder"] == "There is no “resnet81”. Did you mean resnet18?" or (
        "resnet18" in form.faults()["model.encoder"]
    )
    editor.box.completer().popup().hide()
    typed(qtbot, editor.box.lineEdit(), "resnet18")
    editor.box.completer().popup().hide()
    assert form.faults() == {} and editor.value() == "resnet18"


def test_weights_may_be_a_word_nothing_or_a_file(
    forms: dict[str, SchemaForm], tmp_path: Path, monkeypatch: Any
) -> None:
    field = forms["Model"].fields["model.encoder_weights"]
    assert field.value is None
    monkeypatch.setattr("src.ui.widgets.form_path.ask_path", lambda *_: str(tmp_path / "w.pth"))
    field.editor.browse()
    assert field.value == str(tmp_path / "w.pth")
    field.editor.box.setCurrentIndex(field.editor.box.findData("imagenet"))
    assert field.value == "imagenet"


def test_device_is_offered_but_may_be_typed(forms: dict[str, SchemaForm], qtbot: Any) -> None:
    editor = forms["Training"].fields["training.device"].editor
    assert editor.value() == "auto"
    typed(qtbot, editor.box.lineEdit(), "cuda:3")
    editor.box.completer().popup().hide()
    assert editor.value() == "cuda:3" and editor.fault() == ""


def test_more_room_makes_more_columns(forms: dict[str, SchemaForm], qtbot: Any) -> None:
    form = forms["Training"]

    def columns() -> int:
        return len(
            {
                field.label.mapTo(form, QPoint(0, 0)).x()
                for field in form.fields.values()
                if field.label.isVisible()
            }
        )

    found = []
    for width in (560, 1150, 1700):
        form.resize(width, 600)
        qtbot.wait(1)
        found.append(columns())
        assert form.widget().minimumSizeHint().width() <= form.viewport().width()
    assert found == [1, 2, 3]


def test_what_needs_a_library_that_is_absent_is_grey_and_says_what_installs_it(
    qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = ("tensorboard", "mlflow", "wandb", "lightning_fabric")
    real = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, *a: None if name in absent else real(name, *a)
    )
    forms = make_forms(task_info("segmentation"))
    defaults = {o.key: o.default for o in options(task_info("segmentation").config)}
    for form in forms.values():
        qtbot.addWidget(form)
        form.load(defaults, {}, {})
        form.show_all(True)
    monitoring, training = forms["Monitoring"], forms["Training"]
    for name, words in (
        ("tensorboard", "requirements-track.txt"),
        ("mlflow", "mlflow-skinny"),
        ("wandb", "wandb>="),
    ):
        field = monitoring.fields[f"monitoring.trackers.{name}"]
        assert not field.editor.isEnabled() and "is not installed" in field.message.text()
        assert words in field.message.text() and not field.message.isHidden()
    assert "requirements-devices.txt" in training.fields["training.devices"].message.text()
    # a configuration of another machine may have it on: then it can be turned off
    values = {k: f.value for k, f in monitoring.fields.items()} | {"monitoring.trackers.mlflow": True}
    monitoring.load(values, {}, {})
    assert monitoring.fields["monitoring.trackers.mlflow"].editor.isEnabled()

    monkeypatch.setattr("importlib.util.find_spec", lambda name, *a: object())
    there = make_forms(task_info("segmentation"))
    assert there["Monitoring"].fields["monitoring.trackers.mlflow"].editor.isEnabled()
    for form in there.values():
        qtbot.addWidget(form)

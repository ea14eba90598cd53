"""The run view through its face: live and old runs, resume, gaps, previews, log, orders."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QApplication

from src.core.run import EventWriter, RunFolder
from src.core.run.state import claim, summarise
from src.ui import run_control
from src.ui.icons import run_look
from src.ui.theme import apply_theme
from src.ui.widgets.run_buttons import RunButtons
from src.ui.widgets.run_view import RunView
from src.ui.widgets.runs_list import state_words
from tests.fakes import FakeFollower, make_fake_run, write_epoch, write_preview, write_start


@pytest.fixture
def view(qtbot, qapp, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunView]:
    monkeypatch.setattr(RunView, "follower", staticmethod(FakeFollower))
    apply_theme(qapp, "light")
    made = RunView()
    qtbot.addWidget(made)
    made.resize(1000, 700)
    made.show()
    yield made
    made.close_run()


def alive(folder: RunFolder) -> RunFolder:
    """As if this process worked on the run."""
    claim(folder)
    return folder


def test_an_old_run_is_complete_at_once(view: RunView, qtbot, tmp_path: Path) -> None:
    view.show_run(make_fake_run(tmp_path, epochs=12, previews=False))
    qtbot.waitUntil(lambda: len(view.data.epochs) == 12)
    assert len(view.data.batch_loss) == 12 * 20
    assert view.header.state.text() == "Completed"
    qtbot.waitUntil(lambda: "12 epochs of 12" in view.header.run_text.text())
    assert view.header.left.name.text() == "Time taken" and view.header.left.value.text() != "–"
    assert view.header.best.value.text().endswith(f"(epoch {view.data.best_epoch})")


@pytest.mark.parametrize(("epoch", "said"), [(3, "resumed 1 time"), (1, "begun anew 1 time")])
def test_what_started_afresh_is_not_called_resumed(
    view: RunView, qtbot, tmp_path: Path, epoch: int, said: str
) -> None:
    folder = alive(make_fake_run(tmp_path, epochs=6, done=2, previews=False, ending="killed"))
    writer = EventWriter(folder.events)
    write_start(writer, 6, 20, attempt=2, epoch=epoch, resumed=epoch > 1)
    writer.close()
    view.show_run(folder)
    qtbot.waitUntil(lambda: said in view.header._about.text())


def test_a_live_run_grows(view: RunView, qtbot, tmp_path: Path) -> None:
    folder = alive(make_fake_run(tmp_path, epochs=9, done=2, previews=False, ending=None))
    view.show_run(folder)
    qtbot.waitUntil(lambda: len(view.data.epochs) == 2)
    writer = EventWriter(folder.events)
    write_epoch(writer, 3, 9, 20, (0.1, 1))
    writer.write("epoch_started", epoch=4, epochs=9)
    writer.write(
        "batch_progress",
        epoch=4,
        phase="train",
        batch=5,
        batches=20,
        loss=0.3,
        terms={},
        lr=1e-3,
        per_second=99.0,
    )
    writer.close()
    qtbot.waitUntil(lambda: "batch 5 of 20" in view.header.epoch_text.text())
    assert len(view.data.epochs) == 3
    assert view.header.speed.value.text() == "99 images/s"
    assert view.header.left.name.text() == "Time left" and view.header.left.value.text() != "–"


def test_a_failed_run_says_why_and_what_to_do(view: RunView, qtbot, tmp_path: Path) -> None:
    view.show_run(
        make_fake_run(
            tmp_path,
            epochs=9,
            done=3,
            previews=False,
            ending="failed",
            cause="The loss became NaN.",
            cure="Lower the learning rate.",
        )
    )
    qtbot.waitUntil(view.header.ending.isVisible)
    assert (view.header.cause.text(), view.header.cure.text()) == (
        "The loss became NaN.",
        "Lower the learning rate.",
    )
    assert view.header.buttons.resume.isVisible() and not view.header.buttons.stop.isVisible()


def test_what_a_resumed_attempt_repeats_counts_once(view: RunView, qtbot, tmp_path: Path) -> None:
    folder = make_fake_run(tmp_path, epochs=9, done=4, previews=False, ending=None)
    view.show_run(folder)
    qtbot.waitUntil(lambda: len(view.data.epochs) == 4)
    writer = EventWriter(folder.events)
    write_start(writer, 9, 20, attempt=2, epoch=3, step=10)
    write_epoch(writer, 3, 9, 20, (0.1, 1))
    writer.close()
    qtbot.waitUntil(lambda: len(view.data.attempts) == 2 and len(view.data.epochs) == 3)
    assert [e["epoch"] for e in view.data.epochs] == [1, 2, 3]
    assert len(view.data.batch_loss) == 2 * 20 + 10 + 20
    assert list(view.data.curves["train_loss"].x) == [1, 2, 3]


def test_what_a_run_did_before_it_was_rolled_back_counts_no_more(
    view: RunView, qtbot, tmp_path: Path
) -> None:
    folder = make_fake_run(tmp_path, epochs=9, done=4, previews=False, ending=None)
    writer = EventWriter(folder.events)
    writer.write("rolled_back", epoch=3, step=10, steps_per_epoch=20, times=1, lr=1e-4)
    write_epoch(writer, 3, 9, 20, (0.1, 1))
    writer.close()
    view.show_run(folder)
    qtbot.waitUntil(lambda: [e["epoch"] for e in view.data.epochs] == [1, 2, 3])
    assert len(view.data.batch_loss) == 2 * 20 + 10 + 20
    assert summarise(folder).epoch == 3


def shown(view: RunView) -> list[float]:
    """The epochs that the line of the training loss goes through."""
    x = view.curves.loss._items[1][0].getData()[0]
    return [] if x is None else list(x)


@pytest.mark.parametrize("epochs", [1, 700])
def test_curves_with_one_epoch_and_with_many(view: RunView, qtbot, tmp_path: Path, epochs: int) -> None:
    view.show_run(make_fake_run(tmp_path, epochs=epochs, batches=2, previews=False))
    qtbot.waitUntil(lambda: len(view.data.epochs) == epochs, timeout=8000)
    qtbot.waitUntil(lambda: "training" in view.curves.loss.accessibleDescription())
    qtbot.waitUntil(lambda: len(shown(view)) >= min(epochs, 100), timeout=8000)
    assert len(shown(view)) <= epochs
    axis = view.curves.loss._plot.getPlotItem().getAxis("bottom")
    spacings = [s for s, _ in axis.tickSpacing(0, max(1, epochs), 400)]
    assert all(s >= 1 and s == int(s) for s in spacings)


def test_a_value_that_was_no_number_is_a_gap(view: RunView, qtbot, tmp_path: Path) -> None:
    view.show_run(make_fake_run(tmp_path, epochs=5, nan_at=3, previews=False))
    qtbot.waitUntil(lambda: len(view.data.epochs) == 5)
    loss = view.data.curves["val_loss"].y
    assert [math.isnan(v) for v in loss] == [False, False, True, False, False]
    view.curves._log.setChecked(True)
    view.curves.loss.redraw()


def test_values_under_the_pointer_by_keys(view: RunView, qtbot, tmp_path: Path) -> None:
    view.show_run(make_fake_run(tmp_path, epochs=6, previews=False))
    qtbot.waitUntil(lambda: len(view.data.epochs) == 6)
    qtbot.waitUntil(lambda: "0." in view.curves.loss.accessibleDescription())
    newest = view.curves.loss.accessibleDescription()
    qtbot.keyClick(view.curves.loss, Qt.Key_Left)
    qtbot.keyClick(view.curves.loss, Qt.Key_Left)
    assert "Epoch&nbsp;4" in view.curves.loss.legend.text()
    assert "Epoch&nbsp;4" in view.curves.validation.legend.text()
    assert view.curves.loss.accessibleDescription() != newest
    qtbot.keyClick(view.curves.loss, Qt.Key_Escape)
    assert view.curves.loss.accessibleDescription() == newest


def test_nothing_is_drawn_while_the_curves_are_hidden(view: RunView, qtbot, tmp_path: Path) -> None:
    folder = alive(make_fake_run(tmp_path, epochs=9, done=2, previews=False, ending=None))
    view.show_run(folder)
    qtbot.waitUntil(lambda: len(view.data.epochs) == 2)
    view.tabs.setCurrentWidget(view.log)
    drawn = []
    view.curves.loss.redraw = lambda: drawn.append(1)  # type: ignore[method-assign]
    writer = EventWriter(folder.events)
    write_epoch(writer, 3, 9, 20, (0.1, 1))
    writer.close()
    qtbot.waitUntil(lambda: len(view.data.epochs) == 3)
    qtbot.wait(250)
    assert drawn == []
    view.tabs.setCurrentWidget(view.curves)
    qtbot.waitUntil(lambda: len(drawn) >= 1)


def test_previews_by_epoch_and_keyboard(view: RunView, qtbot, tmp_path: Path) -> None:
    folder = make_fake_run(tmp_path, epochs=4, ending=None)
    view.show_run(folder)
    view.tabs.setCurrentWidget(view.previews)
    qtbot.waitUntil(lambda: view.previews.slider.maximum() == 3)
    assert view.previews._which.text().startswith("Epoch 4")
    pictures, label = view.previews._rows[0]
    qtbot.waitUntil(lambda: all(not p._pixmap.isNull() for p in pictures))
    assert "part_00.png" in label.text() and "IoU" in label.text()
    view.previews.slider.setFocus()
    qtbot.keyClick(view.previews.slider, Qt.Key_Home)
    assert view.previews._which.text().startswith("Epoch 1")
    assert pictures[2].key.endswith("epoch00001.png")
    assert not view.previews.follow.isChecked()
    writer = EventWriter(folder.events)
    write_preview(folder, writer, 5)
    writer.close()
    qtbot.waitUntil(lambda: view.previews.slider.maximum() == 4)
    assert view.previews._which.text().startswith("Epoch 1"), "the person chose this epoch"


def test_a_preview_file_that_is_gone_is_shown_as_such(view: RunView, qtbot, tmp_path: Path) -> None:
    folder = make_fake_run(tmp_path, epochs=1)
    (folder.path / "previews" / "00_truth.png").unlink()
    view.show_run(folder)
    view.tabs.setCurrentWidget(view.previews)
    qtbot.waitUntil(lambda: len(view.previews._rows) == 4 and view.previews._rows[0][0][1]._failed)


def test_classes_of_best_and_newest_epoch(view: RunView, qtbot, tmp_path: Path) -> None:
    view.show_run(make_fake_run(tmp_path, epochs=7, previews=False))
    qtbot.waitUntil(lambda: len(view.data.epochs) == 7)
    view.tabs.setCurrentWidget(view.classes)
    model = view.classes.view.model()
    assert [model.index(r, 0).data().strip() for r in range(4)] == ["background", "scratch", "pit", "stain"]
    assert model.headerData(1, Qt.Horizontal) == "IoU"
    view.classes.which.choose(1)
    assert "epoch 7" in view.classes._about.text()


def test_log_levels_filter_and_copy(view: RunView, qtbot, tmp_path: Path) -> None:
    view.show_run(
        make_fake_run(
            tmp_path,
            epochs=2,
            previews=False,
            warning="part_07.png cannot be read.",
            ending="failed",
            cause="The disk is full.",
            cure="Free some space.",
        )
    )
    view.tabs.setCurrentWidget(view.log)
    qtbot.waitUntil(lambda: view.log.list.count() >= 4)
    view.log.level.choose(1)
    texts = [view.log.list.item(i).text() for i in range(view.log.list.count())]
    assert len(texts) == 2 and "What to do: Replace the file." in texts[0] and "The disk is full." in texts[1]
    view.log.filter.setText("part_07")
    view.log.copy()
    assert "part_07.png cannot be read" in QApplication.clipboard().text()
    assert "disk" not in QApplication.clipboard().text()


def test_raw_log_is_bounded_in_memory(view: RunView, qtbot, tmp_path: Path) -> None:
    folder = make_fake_run(tmp_path, epochs=1, previews=False)
    view.show_run(folder)
    view.log.what.choose(1)
    view.log.add_text("".join(f"line {k}\n" for k in range(9000)))
    assert view.log.raw.blockCount() <= 5001
    assert "line 8999" in view.log.raw.toPlainText()


def test_settings_show_the_layer_of_each_value(view: RunView, tmp_path: Path) -> None:
    view.show_run(make_fake_run(tmp_path, epochs=1, previews=False))
    model = view.settings.view.model()
    rows = {
        model.index(r, 3).data(): (model.index(r, 1).data(), model.index(r, 2).data())
        for r in range(model.rowCount())
    }
    assert rows["training.epochs"] == ("1 epoch", "dialog")
    assert rows["training.batch_size"][1] == "default"
    view.settings.which.choose(1)
    assert model.rowCount() == 3


def test_a_damaged_run_folder_does_not_break_the_view(view: RunView, qtbot, tmp_path: Path) -> None:
    folder = make_fake_run(tmp_path, epochs=3, previews=False)
    folder.config.write_text("a: [", "utf-8")
    with folder.events.open("ab") as handle:
        handle.write(b'{"v":1,"n":9999,"t":1,"type":"epoch_comp')
    view.show_run(folder)
    qtbot.waitUntil(lambda: len(view.data.epochs) == 3)
    assert "cannot be read" in view.settings.view.model().index(0, 0).data()


def test_the_real_follower_shows_the_same(qtbot, qapp, tmp_path: Path) -> None:
    made = RunView()
    qtbot.addWidget(made)
    made.show()
    made.show_run(make_fake_run(tmp_path, epochs=5, previews=False))
    qtbot.waitUntil(lambda: len(made.data.epochs) == 5 and made.header.state.text() == "Completed")
    assert "Reading the data set" in made.log.raw.toPlainText()
    made.close_run()


def test_stopping_escalates_visibly(qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = alive(make_fake_run(tmp_path, epochs=9, done=2, previews=False, ending=None))
    buttons = RunButtons()
    qtbot.addWidget(buttons)
    buttons.patience_s = 0.05
    signals: list[str] = []
    monkeypatch.setattr(psutil.Process, "terminate", lambda self: signals.append(f"terminate {self.pid}"))
    monkeypatch.setattr(psutil.Process, "kill", lambda self: signals.append(f"kill {self.pid}"))
    buttons.show_run(folder)
    buttons.show_summary(summarise(folder))
    buttons.show()
    assert buttons.stop.isVisible() and not buttons.force.isVisible()
    buttons.pause.click()
    assert folder.read_json(folder.command)["command"] == "pause" and not buttons.pause.isEnabled()
    buttons.stop.click()
    assert folder.read_json(folder.command)["command"] == "stop" and not buttons.stop.isEnabled()
    assert "Asked to stop" in buttons.note.text()
    qtbot.waitUntil(buttons.force.isVisible, timeout=3000)
    assert "checkpoint is lost" in buttons.force.toolTip()
    buttons.force.click()
    assert signals == [f"terminate {os.getpid()}"]
    qtbot.waitUntil(lambda: buttons.force.isVisible() and buttons.force.text() == "&Kill", timeout=3000)
    buttons.force.click()
    assert signals[-1] == f"kill {os.getpid()}" and not buttons.force.isVisible()
    buttons.show_run(None)


def test_an_order_to_a_run_of_another_machine_is_refused_with_a_cure(tmp_path: Path) -> None:
    folder = make_fake_run(tmp_path, epochs=2, previews=False, ending=None)
    folder.write_json(folder.job, {"pid": 1, "create_time": 0, "host": "elsewhere"})
    with pytest.raises(run_control.RunControlError, match=r"another machine .*elsewhere.*app\.py stop"):
        run_control.kill(folder)


def test_a_run_without_a_process_cannot_be_killed(tmp_path: Path) -> None:
    with pytest.raises(run_control.RunControlError, match="No process works"):
        run_control.terminate(make_fake_run(tmp_path, epochs=2, previews=False))


def test_report_is_found_also_in_a_folder_that_was_moved(view: RunView, qtbot, tmp_path: Path) -> None:
    folder = make_fake_run(tmp_path, epochs=2, previews=False)
    view.show_run(folder)
    qtbot.waitUntil(lambda: view.summary is not None)
    assert not view.header.buttons.report.isVisible()
    folder.report.mkdir()
    (folder.report / "index.html").write_text("<p>", "utf-8")
    named = dataclasses.replace(view.summary, report=str(tmp_path / "elsewhere" / "report" / "index.html"))
    view.header.buttons.show_summary(named)
    assert view.header.buttons.report.isVisible()
    assert view.header.buttons._report().toLocalFile() == str(folder.report / "index.html")


def test_run_that_failed_at_once_does_not_wait(view: RunView, qtbot, tmp_path: Path) -> None:
    folder = make_fake_run(tmp_path, epochs=2, start=False)
    writer = EventWriter(folder.events)
    writer.write("run_ended", status="failed", cause="No masks.", cure="Choose them.")
    writer.close()
    view.show_run(folder)
    qtbot.waitUntil(lambda: view.header.run_text.text() == "Ended before the first step")


def test_a_run_that_found_nothing_does_not_look_like_a_success(view: RunView, qtbot, tmp_path: Path) -> None:
    folder = make_fake_run(tmp_path, epochs=3, previews=False, ending=None)
    writer = EventWriter(folder.events)
    writer.write("run_ended", status="completed", verdict="found only background", cause="Of the 2 classes …",
                 cure="See the previews.", epoch=3)  # fmt: skip
    writer.close()
    view.show_run(folder)
    qtbot.waitUntil(lambda: view.header.state.text() == "Completed, found only background")
    assert view.header.ending.property("role") == "warn" and view.header.cause.text()
    found = summarise(folder)
    assert run_look(found) == ("warning", "warn") and state_words(found).startswith("Found only background")
    qtbot.waitUntil(lambda: any(m.level == "warning" and "2 classes" in m.text for m in view.data.messages))

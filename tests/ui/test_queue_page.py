"""The queue in the window: what it shows, and that its buttons change the real queue."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PyQt5.QtCore import QObject, Qt, pyqtSignal

from src.core.run import RunFolder
from src.core.run.queue import RunQueue
from src.core.run.queue_runner import QueueRunner
from src.core.run.state import claim
from src.threads import queue_watcher
from src.threads.queue_watcher import QueueWatcher, rows_of
from src.ui import queueing
from src.ui.dialogs.train_config_dialog import TrainConfigDialog
from src.ui.widgets.queue_page import QueuePage
from tests.fakes import make_fake_run


class Still(QObject):
    """Watches nothing: the test shows what it wants."""

    shown = pyqtSignal(list, bool, bool)
    failed = pyqtSignal(str)

    def start(self) -> None:
        pass

    stop = start


@pytest.fixture(autouse=True)
def no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is started: these tests are about the window."""
    monkeypatch.setattr(RunQueue, "ensure_runner", lambda self: None)


@pytest.fixture
def page(qtbot, monkeypatch: pytest.MonkeyPatch) -> Iterator[QueuePage]:
    monkeypatch.setattr(QueuePage, "watcher", staticmethod(Still))
    made = QueuePage()
    qtbot.addWidget(made)
    made.resize(1000, 500)
    made.show()
    made.follow()
    yield made
    made.close_tool()


def a_run(place: Path, number: int) -> RunFolder:
    return make_fake_run(place / "runs", f"2026-05-01_tiles_unet_{number}", start=False, previews=False)


def fill(page: QueuePage) -> None:
    state = RunQueue().state()
    page.show_queue(rows_of(state), state.paused, False)


def shown(page: QueuePage) -> list[tuple[str, str]]:
    model = page.model
    return [(model.index(r, 1).data(), model.index(r, 0).data()) for r in range(model.rowCount())]


def test_an_empty_queue_says_how_to_fill_it(page: QueuePage) -> None:
    fill(page)
    assert page.stack.currentWidget() is page.empty
    assert not any(b.isEnabled() for b in (page.up, page.down, page.out, page.clear, page.hold))


def test_the_order_is_changed_by_the_buttons(page: QueuePage, qtbot, tmp_path: Path) -> None:
    for number in (1, 2, 3):
        RunQueue().add(a_run(tmp_path, number))
    fill(page)
    assert [state for _, state in shown(page)] == ["Next", "Number 2", "Number 3"]
    page.choose(3)
    assert page.up.isEnabled() and not page.down.isEnabled()
    qtbot.mouseClick(page.up, Qt.LeftButton)
    qtbot.waitUntil(lambda: [name[-1] for name, _ in shown(page)] == ["1", "3", "2"])
    assert page.chosen and page.chosen.entry.id == 3, "the choice goes with the run"
    qtbot.mouseClick(page.up, Qt.LeftButton)
    qtbot.waitUntil(lambda: [e.id for e in RunQueue().state().waiting] == [3, 1, 2])
    qtbot.waitUntil(lambda: not page.up.isEnabled())


def test_taking_out_says_where_the_run_went(page: QueuePage, qtbot, tmp_path: Path) -> None:
    made = a_run(tmp_path, 1)
    RunQueue().add(made, made=True)
    fill(page)
    page.choose(1)
    qtbot.mouseClick(page.out, Qt.LeftButton)
    qtbot.waitUntil(lambda: page.model.rowCount() == 0)
    assert "trash" in page.note.text.text() and not made.path.exists()


def test_pausing_and_going_on(page: QueuePage, qtbot, tmp_path: Path) -> None:
    RunQueue().add(a_run(tmp_path, 1))
    fill(page)
    qtbot.mouseClick(page.hold, Qt.LeftButton)
    qtbot.waitUntil(lambda: page.hold.text() == "&Go on")
    assert RunQueue().state().paused and "Paused" in page._about.text()
    qtbot.mouseClick(page.hold, Qt.LeftButton)
    qtbot.waitUntil(lambda: not RunQueue().state().paused and page.hold.text() == "&Pause queue")


def test_states_causes_and_what_has_ended(page: QueuePage, qtbot, tmp_path: Path) -> None:
    failed = make_fake_run(
        tmp_path / "runs", "2026-05-01_a_unet_1", epochs=4, done=2, ending="paused", previews=False
    )
    RunQueue().add(failed)
    QueueRunner(RunQueue(), lambda *_: (_ for _ in ()).throw(OSError(12, "No memory")), cards=[]).step()  # type: ignore[arg-type]
    live = a_run(tmp_path, 2)
    RunQueue().add(live)
    with RunQueue().edit() as edit:
        entry = edit.state.waiting[0]
        edit.state = edit.state.with_entry(
            type(entry)(**{**entry.__dict__, "state": "running", "slot": "cuda:1"})
        )
    claim(live)
    fill(page)
    assert shown(page) == [("tiles · unet · 2", "Starting"), ("a · unet · 1", "Failed")]
    assert page.model.index(0, 2).data() == "GPU 1"
    assert "No memory" in page.model.index(1, 0).data(Qt.ToolTipRole)
    page.choose(2)
    assert not page.out.isEnabled()
    qtbot.mouseClick(page.clear, Qt.LeftButton)
    qtbot.waitUntil(lambda: page.model.rowCount() == 1)
    with qtbot.waitSignal(page.run_asked) as asked:
        page.view.activated.emit(page.model.index(0, 0))
    assert asked.args == [live.path]


def test_errors_are_told(page: QueuePage, qtbot, tmp_path: Path) -> None:
    RunQueue().add(a_run(tmp_path, 1))
    fill(page)
    RunQueue().file.write_text("{", "utf-8")
    with qtbot.waitSignal(page.failed) as told:
        page.choose(1)
        qtbot.mouseClick(page.out, Qt.LeftButton)
    assert "Move this file away" in told.args[0]


def test_the_watcher_tells_what_changed(qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_watcher, "_EVERY_S", 0.02)
    RunQueue().add(a_run(tmp_path, 1))
    watcher = QueueWatcher()
    with qtbot.waitSignal(watcher.shown) as first:
        watcher.start()
    assert [row.state for row in first.args[0]] == ["waiting"] and first.args[1] is False
    with qtbot.waitSignal(watcher.shown) as second:
        RunQueue().pause()
    assert second.args[1] is True
    with qtbot.waitSignal(watcher.failed):
        RunQueue().file.write_text("{", "utf-8")
    watcher.stop()
    assert watcher.wait(2000)


def test_what_cannot_be_queued_leaves_no_run_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = a_run(tmp_path, 1)
    monkeypatch.setattr(queueing, "create_run", lambda *_: made)
    monkeypatch.setattr(queueing, "task_info", lambda _: None)
    RunQueue().folder.path.mkdir(parents=True)
    RunQueue().file.write_text("{", "utf-8")

    class Config:
        task = "segmentation"

    class Given:
        config = Config()

    with pytest.raises(queueing.QueueError):
        queueing.enqueue(Given())  # type: ignore[arg-type]
    assert not made.path.exists()


def test_the_training_window_adds_to_the_queue_and_keeps_its_settings(
    qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialog = TrainConfigDialog({"training": {"epochs": 7}})
    qtbot.addWidget(dialog)
    assert not dialog.bar.queue.isEnabled(), "as Start: there are no data yet"
    given: list[int] = []

    def enqueue(resolved: Any) -> tuple[RunFolder, str]:
        given.append(resolved.config.training.epochs)
        return a_run(tmp_path, 1), "It was added; it is the next one."

    monkeypatch.setattr(queueing, "enqueue", enqueue)
    with qtbot.waitSignal(dialog.queued):
        dialog.add_to_queue()
    assert given == [7] and "next one" in dialog.status.text() and dialog.thread is None

    def refuse(_: Any) -> tuple[RunFolder, str]:
        raise queueing.QueueError("The queue cannot be written. Free some space.")

    monkeypatch.setattr(queueing, "enqueue", refuse)
    dialog.add_to_queue()
    assert "Free some space" in dialog.status.text()
    dialog.close()

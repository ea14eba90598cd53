"""A follower shows the past, what comes, what a resumed attempt replaced, and the end of a dead run."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from PyQt5 import sip

from src.core.run import EventWriter, RunFolder, summarise
from src.threads import run_follower
from src.threads.run_follower import RunFollower
from src.threads.runs_watcher import RunsWatcher
from src.threads.tail import PieceTail, TextTail
from src.threads.worker import stop_all
from tests.fake_jobs import Told
from tests.fakes import make_fake_run, write_epoch, write_start


@pytest.fixture
def follow(until: Any) -> Any:
    """Follows a folder; every follower is stopped at the end."""
    made: list[Any] = []

    def start(folder: RunFolder) -> Told:
        thread = RunFollower(folder)
        made.append((thread, Told(thread, "restarted", "events", "summary", "log")))
        thread.start()
        return made[-1][1]

    yield start
    for thread, _ in made:
        thread.stop()
        until(thread.isFinished)


def events_of(told: Told, kind: str) -> list[Any]:
    return [e for (batch,) in told["events"] for e in batch if e.type == kind]


def test_attached_late_all_of_the_past_is_there(tmp_path: Path, follow: Any, until: Any) -> None:
    folder = make_fake_run(tmp_path, epochs=6)
    told = follow(folder)
    until(lambda: told["summary"] and told["log"])
    assert [e["epoch"] for e in events_of(told, "epoch_completed")] == [1, 2, 3, 4, 5, 6]
    assert told["summary"][-1][0].state == "completed"
    assert told["log"][0][0].startswith("Reading the data set")


def test_new_events_come_and_old_ones_do_not_come_again(tmp_path: Path, follow: Any, until: Any) -> None:
    folder = make_fake_run(tmp_path, epochs=6, done=2, ending=None)
    told = follow(folder)
    until(lambda: told["summary"])
    writer = EventWriter(folder.events)
    write_epoch(writer, 3, 6, 4, (0.1, 1))
    writer.close()
    with folder.log.open("a", encoding="utf-8") as log:
        log.write("Größe: 3 µm\n")
    until(lambda: len(events_of(told, "epoch_completed")) == 3 and len(told["log"]) == 2)
    until(lambda: told["summary"][-1][0].epoch == 3)
    assert told["log"][1] == ("Größe: 3 µm\n",)
    assert not told["restarted"]


def test_what_a_resumed_attempt_replaces_is_taken_back(tmp_path: Path, follow: Any, until: Any) -> None:
    folder = make_fake_run(tmp_path, epochs=6, done=4, ending="killed")
    told = follow(folder)
    until(lambda: told["summary"])
    writer = EventWriter(folder.events)
    write_start(writer, 6, 4, attempt=2, epoch=3)
    write_epoch(writer, 3, 6, 4, (0.1, 1))
    writer.close()
    until(lambda: told["restarted"])
    until(lambda: told["summary"][-1][0].epoch == 3)
    names = [n for n, _ in told.all]
    after = names[names.index("restarted") :]
    shown = [
        e
        for n, a in told.all[names.index("restarted") :]
        if n == "events"
        for e in a[0]
        if e.type == "epoch_completed"
    ]
    assert [e["epoch"] for e in shown] == [1, 2, 3]
    assert after[1] == "events"


def test_ending_of_a_dead_run_is_written(
    tmp_path: Path, follow: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_follower, "_DEAD_S", 0.3)
    folder = make_fake_run(tmp_path, epochs=6, done=2, ending=None)
    with subprocess.Popen([sys.executable, "-c", "pass"]) as gone:
        folder.write_json(
            folder.job,
            {
                "pid": gone.pid,
                "create_time": psutil.Process(gone.pid).create_time(),
                "host": socket.gethostname(),
            },
        )
    told = follow(folder)
    until(lambda: events_of(told, "run_ended"))
    assert summarise(folder).state == "killed"
    assert "killed from outside" in summarise(folder).cause


def test_a_disk_that_is_full_does_not_end_the_following(
    tmp_path: Path, follow: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def full(*_: Any, **__: Any) -> None:
        tried.append(1)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run_follower, "_DEAD_S", 0.1)
    folder = make_fake_run(tmp_path, epochs=6, done=2, ending=None)
    folder.write_json(folder.job, {"pid": 1, "create_time": 0.0, "host": socket.gethostname()})
    with monkeypatch.context() as patched:
        patched.setattr(EventWriter, "write", full)
        told = follow(folder)
        until(lambda: tried)
    writer = EventWriter(folder.events)  # room was made, and the run resumed
    write_start(writer, 6, 4, attempt=2, epoch=3)
    writer.close()
    until(lambda: told["restarted"])


def test_run_of_another_machine_is_not_settled(
    tmp_path: Path, follow: Any, until: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_follower, "_DEAD_S", 0.1)
    monkeypatch.setattr("src.core.run.state.REMOTE_SILENCE_S", -1.0)
    folder = make_fake_run(tmp_path, epochs=6, done=2, ending=None)
    folder.write_json(folder.job, {"pid": 1, "create_time": 0.0, "host": "another-machine"})
    told = follow(folder)
    until(lambda: told["summary"])
    qtbot.wait(1200)
    assert not events_of(told, "run_ended")


def test_folder_that_goes_away_is_no_crash(tmp_path: Path, follow: Any, until: Any, qtbot: Any) -> None:
    import shutil

    folder = make_fake_run(tmp_path, epochs=2)
    told = follow(folder)
    until(lambda: told["summary"])
    shutil.rmtree(folder.path)
    qtbot.wait(300)
    assert told.thread_.isRunning()


def test_watcher_tells_of_new_runs_and_changes(tmp_path: Path, until: Any) -> None:
    watcher = RunsWatcher(tmp_path / "runs")
    told = Told(watcher, "runs")
    watcher.start()
    until(lambda: told["runs"])
    assert told["runs"][0] == ([],)
    folder = make_fake_run(tmp_path / "runs", epochs=5, done=1, ending=None, previews=False)
    until(lambda: told["runs"][-1][0])
    assert [s.epoch for s in told["runs"][-1][0]] == [1]
    writer = EventWriter(folder.events)
    write_epoch(writer, 2, 5, 3, (0.1, 1))
    writer.close()
    until(lambda: told["runs"][-1][0][0].epoch == 2)
    watcher.stop()
    until(watcher.isFinished)


def test_half_a_line_waits_for_its_other_half(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    line = b'{"v":1,"n":1,"t":1.0,"type":"epoch_started","epoch":1,"epochs":2}\n'
    tail = PieceTail(path)
    path.write_bytes(line[:20])
    assert tail.read() == []
    path.write_bytes(line)
    assert [e["epoch"] for e in tail.read()] == [1]


def test_long_history_is_thinned_but_no_epoch_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("src.threads.tail._FULL_BYTES", 20_000)
    folder = make_fake_run(tmp_path, epochs=30, batches=50, previews=False)
    kinds = [e.type for e in PieceTail(folder.events).read()]
    assert kinds.count("epoch_completed") == 30
    assert 50 < kinds.count("batch_progress") < 750


def test_old_log_is_shown_from_near_its_end(tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    path.write_text("x" * 1000 + "end", "utf-8")
    assert TextTail(path, first=10).read() == "xxxxxxxend"


def test_end_of_the_program_is_no_error_where_qt_is_gone_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = RunsWatcher(tmp_path)
    monkeypatch.setattr("src.threads.worker._running", {worker})
    sip.delete(worker)
    stop_all()

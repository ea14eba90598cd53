"""The queue of runs: its order, its file, one run a device, and that nothing is lost when processes die."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from src.core.run import EventWriter, RunFolder, summarise
from src.core.run import queue_runner as runner_module
from src.core.run.device_slots import environment_for, free_slot, visible_cards
from src.core.run.queue import QueueEntry, QueueError, RunQueue
from src.core.run.queue_runner import QueueRunner
from src.core.run.state import claim
from tests.fakes import make_fake_run


def a_run(place: Path, number: int, device: str = "cpu") -> RunFolder:
    run = make_fake_run(place / "runs", f"2026-05-01_tiles_unet_{number}", start=False, previews=False)
    run.config.write_text(f"task: segmentation\ntraining:\n  device: {device}\n", "utf-8")
    return run


@pytest.fixture
def queue(tmp_path: Path) -> RunQueue:
    return RunQueue(tmp_path / "queue")


class FakeRun:
    """A process of a run that the test ends."""

    pid = None

    def __init__(self, folder: RunFolder, resume: bool, environment: dict[str, str]) -> None:
        self.folder, self.resume, self.environment = folder, resume, environment
        self.code: int | None = None

    def poll(self) -> int | None:
        return self.code

    def end(self, status: str) -> None:
        self.code = 0 if status == "completed" else 1
        writer = EventWriter(self.folder.events)
        writer.write("run_ended", status=status, cause="", cure="")
        writer.close()

    def settle(self) -> None:
        runner_module.settle(self.folder, "It ended without a word.", "Look again.", status="failed")


class Fakes(list[FakeRun]):
    def start(self, folder: RunFolder, resume: bool, environment: dict[str, str]) -> FakeRun:
        self.append(FakeRun(folder, resume, environment))
        return self[-1]


def order(queue: RunQueue) -> list[str]:
    return [e.run.name[-1] for e in queue.state().waiting]


def test_the_order_is_the_one_that_people_give(queue: RunQueue, tmp_path: Path) -> None:
    entries = [queue.add(a_run(tmp_path, n)) for n in (1, 2, 3, 4)]
    assert order(queue) == ["1", "2", "3", "4"]
    assert queue.move(entries[3].id, 1) == 1 and queue.move(entries[0].id, 99) == 4
    assert order(queue) == ["4", "2", "3", "1"]
    queue.remove(entries[1].id)
    assert order(RunQueue(queue.folder.path)) == ["4", "3", "1"]  # another process reads the same
    assert queue.add(a_run(tmp_path, 5)).id == 5, "numbers are never used again"
    with pytest.raises(QueueError, match="not in the queue any more"):
        queue.remove(entries[1].id)


def test_what_cannot_be_queued_is_refused_with_the_reason(queue: RunQueue, tmp_path: Path) -> None:
    run = a_run(tmp_path, 1)
    queue.add(run)
    with pytest.raises(QueueError, match="in the queue already"):
        queue.add(run)
    with pytest.raises(QueueError, match="nothing left to do"):
        queue.add(make_fake_run(tmp_path / "runs", "done", epochs=1, previews=False))
    live = make_fake_run(tmp_path / "runs", "live", epochs=2, done=1, ending=None, previews=False)
    claim(live)
    with pytest.raises(QueueError, match="at work already"):
        queue.add(live)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"entries": [{"id": "x"}]}', '{"entries": [{"id": 1, "run": "a", "state": "odd"}]}']
)
def test_a_damaged_queue_is_named_and_not_overwritten(queue: RunQueue, tmp_path: Path, text: str) -> None:
    queue.folder.path.mkdir()
    queue.file.write_text(text, "utf-8")
    for act in (queue.state, lambda: queue.add(a_run(tmp_path, 1)), queue.pause):
        with pytest.raises(QueueError, match="Move this file away"):
            act()
    assert queue.file.read_text("utf-8") == text


def test_many_processes_may_add_at_once(queue: RunQueue, tmp_path: Path) -> None:
    runs = [a_run(tmp_path, n) for n in range(12)]
    with ThreadPoolExecutor(6) as pool:
        entries = list(pool.map(lambda run: RunQueue(queue.folder.path).add(run), runs))
    assert sorted(e.id for e in entries) == list(range(1, 13)) and len(queue.state().waiting) == 12


def test_one_run_a_device_and_a_failure_stops_nothing(queue: RunQueue, tmp_path: Path) -> None:
    for number, device in enumerate(["cpu", "auto", "auto", "cuda:1", "cpu", "cuda"], 1):
        queue.add(a_run(tmp_path, number, device))
    fakes = Fakes()
    runner = QueueRunner(queue, fakes.start, cards=["0", "3"])
    runner.step()
    assert [f.folder.name[-1] for f in fakes] == ["1", "2", "3"]
    assert [f.environment for f in fakes] == [
        {},
        {"CUDA_VISIBLE_DEVICES": "0"},
        {"CUDA_VISIBLE_DEVICES": "3"},
    ]
    runner.step()
    assert len(fakes) == 3
    fakes[0].end("failed")
    fakes[2].code = 1  # without a word
    runner.step()
    assert [f.folder.name[-1] for f in fakes] == ["1", "2", "3", "4", "5"]
    states = {e.run.name[-1]: e.shown_state() for e in queue.state().entries}
    assert states == {
        "1": "failed",
        "2": "starting",
        "3": "failed",
        "4": "starting",
        "5": "starting",
        "6": "waiting",
    }
    assert summarise(fakes[2].folder).cause == "It ended without a word."


def test_a_paused_queue_starts_nothing_and_its_process_ends(queue: RunQueue, tmp_path: Path) -> None:
    queue.add(a_run(tmp_path, 1))
    queue.pause()
    fakes = Fakes()
    QueueRunner(queue, fakes.start, cards=[], every_s=0.01).run()
    assert not fakes and queue.state().paused and not queue.runner_alive
    assert queue.ensure_runner() is None


def test_the_process_ends_when_nothing_is_left(queue: RunQueue, tmp_path: Path) -> None:
    queue.add(a_run(tmp_path, 1))
    queue.add(a_run(tmp_path, 2))

    def start(folder: RunFolder, resume: bool, environment: dict[str, str]) -> FakeRun:
        made = FakeRun(folder, resume, environment)
        made.end("completed")
        return made

    QueueRunner(queue, start, cards=[], every_s=0.01).run()
    assert [e.shown_state() for e in queue.state().entries] == ["completed", "completed"]
    assert not queue.folder.job.exists()
    assert queue.clear_ended() == 2 and queue.state().entries == ()


def test_a_run_that_was_stopped_before_is_resumed(queue: RunQueue, tmp_path: Path) -> None:
    queue.add(make_fake_run(tmp_path / "runs", "half", epochs=4, done=2, ending="paused", previews=False))
    queue.add(a_run(tmp_path, 2, "cpu"))
    fakes = Fakes()
    QueueRunner(queue, fakes.start, cards=["0"]).step()
    assert {f.folder.name: f.resume for f in fakes} == {"half": True, "2026-05-01_tiles_unet_2": False}


def test_a_run_by_hand_keeps_its_device(queue: RunQueue, tmp_path: Path) -> None:
    by_hand = a_run(tmp_path, 9)
    claim(by_hand)
    queue.add(a_run(tmp_path, 1))
    fakes = Fakes()
    runner = QueueRunner(queue, fakes.start, cards=[])
    runner.step()
    assert not fakes
    by_hand.job.unlink()
    runner.step()
    assert len(fakes) == 1


def died_with(queue: RunQueue, entry: QueueEntry) -> None:
    with queue.edit() as edit:
        edit.state = edit.state.with_entry(entry)


def test_after_a_crash_dead_runs_are_settled_and_living_ones_found_again(
    queue: RunQueue, tmp_path: Path
) -> None:
    dead = make_fake_run(tmp_path / "runs", "dead", epochs=4, done=2, ending=None, previews=False)
    entries = [queue.add(dead), queue.add(a_run(tmp_path, 2)), queue.add(a_run(tmp_path, 3))]
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    died_with(
        queue,
        replace(entries[0], state="running", slot="cuda:0", started=time.time(), pid=gone.pid, born=1.0),
    )
    died_with(queue, replace(entries[1], state="running", slot="cpu", started=time.time()))
    claim(entries[1].folder)  # by this process, which lives
    fakes = Fakes()
    QueueRunner(queue, fakes.start, cards=[]).step()
    found = {e.run.name: e.shown_state() for e in queue.state().entries}
    assert found == {"dead": "killed", entries[1].run.name: "starting", entries[2].run.name: "waiting"}
    assert "disappeared" in summarise(dead).cause and not fakes


def test_what_was_never_started_waits_again(
    queue: RunQueue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "_GRACE_S", 0.0)
    entry = queue.add(a_run(tmp_path, 1))
    died_with(queue, replace(entry, state="running", slot="cpu", started=time.time()))
    fakes = Fakes()
    runner = QueueRunner(queue, fakes.start, cards=[])
    runner.step()
    assert len(fakes) == 1 and queue.state().running[0].id == entry.id


def test_a_run_whose_folder_went_away_or_that_cannot_start_is_said(queue: RunQueue, tmp_path: Path) -> None:
    first, second = a_run(tmp_path, 1), a_run(tmp_path, 2)
    queue.add(first)
    queue.add(second, made=True)
    first.config.unlink()

    def refuse(*_: object) -> FakeRun:
        raise OSError(12, "Cannot allocate memory")

    runner = QueueRunner(queue, refuse, cards=[])
    runner.step()
    runner.step()
    gone, failed = sorted(queue.state().ended, key=lambda e: e.id)
    assert gone.shown_state() == "gone" and "not there" in gone.problem
    assert failed.shown_state() == "failed" and "Cannot allocate memory" in failed.problem


def test_a_second_process_leaves_the_queue_to_the_first(queue: RunQueue, tmp_path: Path) -> None:
    queue.add(a_run(tmp_path, 1))
    lock = queue.folder.lock()
    fakes = Fakes()
    QueueRunner(queue, fakes.start, cards=[]).run()
    lock.release()
    assert not fakes


def test_a_running_entry_is_not_removed_or_moved(queue: RunQueue, tmp_path: Path) -> None:
    entry = queue.add(a_run(tmp_path, 1))
    QueueRunner(queue, Fakes().start, cards=[]).step()
    with pytest.raises(QueueError, match="Stop the run"):
        queue.remove(entry.id)
    with pytest.raises(QueueError, match="only what waits"):
        queue.move(entry.id, 1)


def test_the_file_says_what_people_may_read(queue: RunQueue, tmp_path: Path) -> None:
    queue.add(a_run(tmp_path, 1))
    raw = json.loads(queue.file.read_text("utf-8"))
    assert raw["version"] == 1 and raw["entries"][0]["state"] == "waiting"
    assert queue.find("1").id == queue.find("2026-05-01_tiles_unet_1").id == 1
    with pytest.raises(QueueError, match="is not in the queue"):
        queue.find("other")


def test_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2, GPU-5")
    assert visible_cards() == ["2", "GPU-5"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert visible_cards() == []
    assert (
        free_slot("auto", ["2", "5"], {"cuda:0"}) == "cuda:1" and free_slot("auto", ["2"], {"cuda:0"}) is None
    )
    assert free_slot("cuda", [], set()) == "cuda:0"
    assert environment_for("auto", "cuda:1", ["2", "GPU-5"]) == {"CUDA_VISIBLE_DEVICES": "GPU-5"}
    assert environment_for("cuda:1", "cuda:1", ["0", "1"]) == {}


@pytest.mark.skipif(os.name == "nt", reason="a script stands for nvidia-smi")
def test_cards_are_counted_by_the_tool_of_the_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'GPU 0: A (UUID: x)'\necho '  MIG 1g'\necho 'GPU 1: B (UUID: y)'\n")
    tool.chmod(0o755)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")
    assert visible_cards() == ["0", "1"]

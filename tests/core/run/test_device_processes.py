"""Places of processes, and how those of the other devices are started, heard and ended."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from src.core.run import device_processes
from src.core.run.device_processes import FAILED, DeviceLostError, DeviceProcesses
from src.core.run.device_slots import asked_for, environment_for, free_slot, taken
from src.core.run.places import Place, environment_of, place_here

Start = Callable[..., DeviceProcesses]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start processes that carry out a few lines of Python in place of the program."""
    found: list[DeviceProcesses] = []

    def begin(
        lines: str, size: int = 2, give_up: Callable[[DeviceLostError], None] = print
    ) -> DeviceProcesses:
        script = tmp_path / "device.py"
        script.write_text("import os, sys, time\nrank = int(os.environ['RANK'])\n" + lines, "utf-8")
        monkeypatch.setattr(device_processes, "program", lambda: [sys.executable, str(script)])
        found.append(DeviceProcesses(size, 29_000, give_up))
        found[-1].start()
        return found[-1]

    yield begin
    for processes in found:
        processes.close(at_once=True)


def test_their_words_come_with_their_number(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    processes = start("print('Größe of', os.environ['WORLD_SIZE'])", size=3)
    processes.close()
    assert sorted(capsys.readouterr().out.splitlines()) == ["[device 2] Größe of 3", "[device 3] Größe of 3"]
    assert processes.lost(0.0) is None


def test_they_end_when_their_standard_input_does(start: Start) -> None:
    processes = start("sys.stdin.read()", size=3)
    pids, began = processes.pids, time.monotonic()
    processes.close(at_once=True)
    assert time.monotonic() - began < 8 and not any(psutil.pid_exists(pid) for pid in pids)


def test_one_that_does_not_end_is_killed(start: Start) -> None:
    processes = start("time.sleep(600)")
    pids = processes.pids
    processes.close(at_once=True)
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_a_killed_one_is_told_in_a_sentence(start: Start) -> None:
    processes = start("time.sleep(600)", size=3)
    psutil.Process(processes.pids[1]).kill()
    lost = processes.lost(5.0)
    assert lost is not None and "device 3 of 3" in str(lost) and "Resume" in lost.cure
    assert "killed" in str(lost) or "exit code" in str(lost)


def test_what_one_says_of_its_failure_is_the_cause_and_not_who_was_cut_off(start: Start) -> None:
    said = FAILED + json.dumps({"cause": "The disk is full.", "cure": "Free some space."}, ensure_ascii=False)
    processes = start(f"if rank == 1: sys.exit(3)\nprint({said!r}, flush=True)\nsys.exit(1)", size=3)
    lost = processes.lost(5.0)
    assert (
        str(lost) == "On device 3 of 3: The disk is full."
        and lost is not None
        and lost.cure == "Free some space."
    )


def test_who_waits_for_a_lost_device_for_ever_is_given_up(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_processes, "NOTICE_S", 0.1)
    given: list[DeviceLostError] = []
    start("sys.exit(7)", give_up=given.append)
    deadline = time.monotonic() + 10
    while not given and time.monotonic() < deadline:
        time.sleep(0.02)
    assert "exit code 7" in str(given[0])


def test_torchrun_srun_and_lathe_are_known_by_their_environment() -> None:
    place = Place(3, 4, 1, 2, 1, 2, "lathe")
    assert place_here(environment_of(place, "host", 29_500)) == place
    assert place.words() == "device 4 of 4 (machine 2 of 2)"
    torchrun = {
        "TORCHELASTIC_RUN_ID": "x", "RANK": "2", "WORLD_SIZE": "4", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "2", "GROUP_RANK": "1",
    }  # fmt: skip
    assert place_here(torchrun) == Place(2, 4, 0, 2, 1, 2, "torchrun")
    slurm = {
        "SLURM_STEP_NUM_TASKS": "8", "SLURM_STEP_NUM_NODES": "2", "SLURM_STEP_TASKS_PER_NODE": "4(x2)", "SLURM_PROCID": "5",
        "SLURM_LOCALID": "1", "SLURM_NODEID": "1",
    }  # fmt: skip
    assert place_here(slurm) == Place(5, 8, 1, 4, 1, 2, "slurm")
    batch_script = {"SLURM_NTASKS": "8", "SLURM_PROCID": "0", "SLURM_LOCALID": "0"}
    one = {**torchrun, "RANK": "0", "WORLD_SIZE": "1", "LOCAL_WORLD_SIZE": "1"}
    for alone in ({}, batch_script, one, {"TORCHELASTIC_RUN_ID": "x"}):
        assert place_here(alone) is None


def test_a_run_of_the_queue_claims_as_many_devices_as_it_asks_for() -> None:
    cards = ["0", "1", "2", "7"]
    assert free_slot("auto", cards, {"cuda:1"}, 2) == "cuda:0+cuda:2"
    assert free_slot("auto", cards, {"cuda:1", "cuda:2", "cuda:3"}, 2) is None
    assert free_slot("auto", cards, {"cuda:1"}, 0) is None  # all of them
    assert free_slot("cuda", cards, (), 0) == "cuda:0+cuda:1+cuda:2+cuda:3"
    assert free_slot("auto", cards, (), 9) == "cuda:0+cuda:1+cuda:2+cuda:3"  # the run says what is wrong
    assert free_slot("cpu", cards, (), 2) == "cpu" and free_slot("cpu", cards, {"cpu"}, 2) is None
    assert taken("cuda:0+cuda:3") == ["cuda:0", "cuda:3"] and taken("") == []
    assert environment_for("auto", "cuda:0+cuda:3", cards) == {"CUDA_VISIBLE_DEVICES": "0,7"}
    assert environment_for("auto", "cpu", cards) == environment_for("cuda:1", "cuda:1", cards) == {}
    assert asked_for({"training": {"device": "cuda", "devices": 2}}) == ("cuda", 2)
    assert asked_for({}) == asked_for({"training": {"devices": "many"}}) == ("auto", 1)

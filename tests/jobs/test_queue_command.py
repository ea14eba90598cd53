"""The queue on the command line, with real processes that are killed."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from src.cli.main import run_command
from src.core.run.queue import RunQueue
from tests.jobs.conftest import lathe

FEW = ("training.epochs=1", "monitoring.preview_samples=0")


def wait_for_end(seconds: float = 150.0) -> list[str]:
    """The states of the entries by their numbers, once none runs or waits."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        state = RunQueue().state()
        if not state.running and not state.waiting:
            return [e.shown_state() for e in sorted(state.entries, key=lambda e: e.id)]
        time.sleep(0.05)
    raise AssertionError(f"the queue did not end: {RunQueue().state()}")


def here(capsys: pytest.CaptureFixture[str], *words: str | Path) -> dict[str, Any]:
    """What a command says that starts no process, carried out in this one."""
    capsys.readouterr()
    assert run_command([*map(str, words), "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_the_queue_goes_on_after_a_failure_and_after_its_own_death(
    config_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here(capsys, "queue", "pause")
    empty = config_file.parent / "nothing in it"
    empty.mkdir()
    code, found, _ = lathe("queue", "add", config_file, f"data.images_dir={empty}", *FEW)
    assert code == 0 and [e["status"] for e in found["entries"]] == ["waiting"] and found["paused"]
    here(capsys, "queue", "add", config_file, *FEW)
    here(capsys, "queue", "add", config_file, *FEW)
    found = here(capsys, "queue", "move", "3", "1")
    assert [(e["id"], e["place"]) for e in found["entries"]] == [(3, 1), (1, 2), (2, 3)]
    lathe("queue", "go")
    until = time.monotonic() + 60
    while not (state := RunQueue().state()).running and time.monotonic() < until:
        time.sleep(0.05)
    assert [e.id for e in state.running] == [3], "one at a time on the processor"
    runner = int(RunQueue().folder.read_json(RunQueue().folder.job)["pid"])
    psutil.Process(runner).kill()
    until = time.monotonic() + 30
    while RunQueue().runner_alive and time.monotonic() < until:
        time.sleep(0.05)
    lathe("queue")  # whoever looks starts it again
    assert wait_for_end() == ["failed", "completed", "completed"]


def test_what_is_taken_out_before_it_began_lies_in_the_trash(config_file: Path) -> None:
    lathe("queue", "pause")
    _, found, _ = lathe("queue", "add", config_file)
    run = Path(found["entries"][0]["run"])
    assert run.is_dir()
    _, found, said = lathe("queue", "remove", run.name)
    assert found["entries"] == [] and "trash" in said
    assert not run.exists() and (run.parent / "trash" / run.name / "config.yaml").is_file()


def test_mistakes_are_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    for words, said in (
        (("add",), "Say what to queue"), (("remove",), "Say which"), (("move", "1"), "Say which and where to"),
        (("remove", "7"), "not in the queue"), (("list", "x"), "takes no x"),
    ):  # fmt: skip
        assert run_command(["queue", *words, "--json"]) == 2
        assert said in json.loads(capsys.readouterr().out)["cause"]

"""Real child processes: killed at any moment, they go on bit for bit; signals, commands and the terminal's end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from src.core.engine.checkpoint import read_state
from src.core.run import CheckpointIndex, ChildProcess, EventTail, RunFolder, list_runs, summarise
from src.jobs.train import run_training
from tests.jobs.conftest import APP, lathe

OPTIONS = ["training.ema_decay=0.9", "training.schedule.name=plateau", "training.accumulate=2", "training.epochs=5",
           "monitoring.save_every_minutes=0.0001"]  # fmt: skip


def final_state(folder: RunFolder) -> dict[str, Any]:
    index = CheckpointIndex(folder)
    entry = index.with_role("last")
    assert entry is not None and not index.problem(entry)
    state = read_state(index.file_of(entry))[0]
    return {k: state[k] for k in ("model", "optimizer", "average")}


def assert_equal(a: Any, b: Any, where: str = "") -> None:
    if isinstance(a, torch.Tensor):
        assert torch.equal(a, b), where
    elif isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            assert_equal(a[key], b[key], f"{where}/{key}")
    else:
        assert a == b, where


def wait_for(condition: Callable[[], Any], seconds: float = 100) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.01)
    raise AssertionError("it did not happen in time")


def count(folder: RunFolder, type: str) -> int:
    return sum(e.type == type for e in EventTail(folder.events).read())


@pytest.mark.timeout(240)
def test_killed_and_resumed_is_the_undisturbed_run(
    new_run: Callable[..., RunFolder], no_signals: None
) -> None:
    """One run with no workers undisturbed; one with a worker process killed while training and while saving."""
    reference = new_run(*OPTIONS)
    assert run_training(reference.path, resume=False, follow_parent=False) == 0
    assert summarise(reference).state == "completed"

    folder = new_run(*OPTIONS, "data.workers=1", "data.worker_kind=process")
    moments: list[Callable[[], Any]] = [
        lambda: count(folder, "epoch_completed") >= 2,
        lambda: any(folder.checkpoints.glob(".*.tmp")),
    ]
    for number, moment in enumerate(moments):
        child = ChildProcess(folder, detached=True, resume=number > 0)
        child.start()
        wait_for(moment)
        child.kill()
        child.wait(30)
        child.settle()
        assert summarise(folder).state == "killed" and "SIGKILL" in summarise(folder).cause
    code, result, said = lathe("resume", folder.path)
    assert code == 0 and result["status"] == "completed", said
    assert_equal(final_state(folder), final_state(reference))
    assert [e["resumed"] for e in EventTail(folder.events).read() if e.type == "run_started"] == [
        False,
        True,
        True,
    ]
    best = [json.dumps(summarise(f).as_json()["best_value"]) for f in (folder, reference)]
    assert best[0] == best[1]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no gentle signal between processes")
@pytest.mark.timeout(120)
def test_signals_and_the_end_of_the_terminal_stop_gently(config_file: Path) -> None:
    words = [sys.executable, str(APP), "train", str(config_file), "training.epochs=500", "--json"]
    command = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    runs = config_file.parent / "runs"
    folder = wait_for(lambda: list_runs(runs))[0]
    wait_for(lambda: count(folder, "epoch_completed") >= 1)
    command.send_signal(signal.SIGINT)
    out, _ = command.communicate(timeout=60)
    result = json.loads(out)
    assert result["status"] == "stopped" and command.returncode == 0 and Path(result["model"]).is_file()

    again = subprocess.Popen(
        [*words[:2], "resume", str(folder.path), "--json"], stdout=subprocess.PIPE, text=True
    )
    wait_for(lambda: count(folder, "run_started") >= 2)
    again.kill()  # the terminal is gone; its job must not go on unseen
    again.communicate()
    wait_for(lambda: count(folder, "run_ended") >= 2)
    assert summarise(folder).state == "stopped"


@pytest.mark.timeout(120)
def test_stop_and_runs_from_another_shell(config_file: Path) -> None:
    code, result, _ = lathe("train", config_file, "training.epochs=500", "--detach")
    assert code == 0 and result["status"] == "started"
    folder = RunFolder(result["run"])
    wait_for(lambda: count(folder, "epoch_completed") >= 1)
    code, listed, _ = lathe("runs", folder.path.parent)
    assert [r["status"] for r in listed["runs"]] == ["running"]
    code, _, said = lathe("resume", folder.path)
    assert code == 2 and "still running" in said
    code, result, _ = lathe("stop", folder.path, "--pause")
    assert code == 0 and result["status"] == "paused"
    assert not summarise(folder).alive and summarise(folder).resumable

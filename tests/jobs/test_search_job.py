"""Searches with real processes: killed and continued, trials that fall behind or die, Ctrl-C, and the command line."""

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

import psutil
import pytest

pytest.importorskip("optuna", reason="a search needs Optuna: requirements-search.txt")

from src.core.run import EventTail, RunFolder, list_runs, summarise
from src.core.search import SearchFolder, default_searches_dir, list_searches
from src.core.search.study import SearchStudy
from src.tasks.catalog import task_info
from tests.jobs.conftest import APP, lathe

RATE = "training.optimizer.learning_rate=1e-5..1e-2:log"
QUICK = ["monitoring.preview_samples=0", "training.epochs=12"]


def begin(*words: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(APP), "search", *map(str, words), "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
    )  # fmt: skip


def wait_for(condition: Callable[[], Any], seconds: float = 100) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def only_search() -> SearchFolder | None:
    return next(iter(list_searches(default_searches_dir())), None)


def trials(folder: SearchFolder) -> list[dict[str, Any]]:
    return folder.read_results().get("trials", [])


def kill_all(*commands: subprocess.Popen[str]) -> None:
    """The commands, their searching processes and the trainings, at one moment."""
    victims = [
        p for c in commands for p in (psutil.Process(c.pid), *psutil.Process(c.pid).children(recursive=True))
    ]
    for process in victims:
        process.kill()
    for command in commands:
        command.communicate(timeout=30)
    assert not psutil.wait_procs(victims, timeout=30)[1]


def epochs_done(run: RunFolder) -> int:
    return sum(e.type == "epoch_completed" for e in EventTail(run.events).read())


@pytest.mark.timeout(240)
def test_a_search_on_two_processes_killed_in_the_middle_goes_on(config_file: Path) -> None:
    first = begin(
        config_file, *QUICK, "--space", RATE, "--trials", "4", "--pruner", "none", "--sampler", "random"
    )
    folder = wait_for(only_search)
    second = begin("--resume", folder.path)
    wait_for(lambda: sum(t["state"] == "completed" for t in trials(folder)) >= 2)
    wait_for(
        lambda: any(0 < epochs_done(r) < 10 for r in list_runs(folder.runs))
    )  # in the middle of a training
    kill_all(first, second)
    before = {t["number"]: t for t in trials(folder)}
    assert folder.state().state == "interrupted"

    both = [begin("--resume", folder.path), begin("--resume", folder.path)]
    said = [json.loads(p.communicate(timeout=150)[0]) for p in both]
    assert [p.returncode for p in both] == [0, 0] and any(s["status"] == "completed" for s in said)
    after = trials(folder)
    assert [t["state"] for t in after] == ["completed"] * 4 and [t["number"] for t in after] == [1, 2, 3, 4]
    assert all(after[n - 1]["params"] == t["params"] for n, t in before.items())
    assert all(after[n - 1]["value"] == t["value"] for n, t in before.items() if t["state"] == "completed")
    assert (
        max(t["attempts"] for t in after) == 2
    )  # at least one was continued, none more often than it was killed
    assert len({t["params"]["training.optimizer.learning_rate"] for t in after}) == 4
    runs = list_runs(folder.runs)
    assert len(runs) == 4 and all(
        summarise(r).state == "completed" and summarise(r).epoch == 12 for r in runs
    )
    assert {str(r.path.relative_to(folder.path).as_posix()) for r in runs} == {t["run"] for t in after}
    assert folder.state().state == "completed"
    code, listed, _ = lathe("searches")
    assert code == 0 and listed["searches"][0]["ended"] == listed["searches"][0]["trials"] == 4
    code, best, _ = lathe("train", folder.best, "--dry-run")
    assert code == 0 and best["config"]["training"]["optimizer"]["learning_rate"] == pytest.approx(
        max(after, key=lambda t: t["value"])["params"]["training.optimizer.learning_rate"]
    )


@pytest.mark.timeout(240)
def test_a_trial_that_falls_behind_is_ended_and_one_that_dies_is_told(config_file: Path) -> None:
    """Five trials that another process has done are far better than the two that this one trains."""
    words = ["training.epochs=400", "monitoring.preview_samples=0", "training.optimizer.name=sgd"]
    command = begin(config_file, *words, "--space", RATE, "--trials", "1", "--prune-after", "2")
    folder = wait_for(only_search)
    kill_all(command)
    folder.change({"trials": 8, "prune_after": 2, "parallel": 1})
    study = SearchStudy(folder, folder.plan(task_info))
    for _ in range(6):
        claim = study.begin()
        if claim and claim.run is None:
            for epoch in (1, 2, 3, 4):
                study.report(claim, epoch, 0.99)
            study.finish(claim, "completed", 0.99)
    done = sum(v.state == "completed" for v in study.views())
    assert done >= 5
    command = begin("--resume", folder.path)

    def training() -> psutil.Process | None:
        found = psutil.Process(command.pid).children(recursive=True)
        return next((p for p in found if "train" in p.cmdline()), None)

    first = wait_for(training)
    wait_for(lambda: sum(1 for t in trials(folder) if t["curve"] and t["state"] == "running"), 60)
    first.kill()
    said = json.loads(command.communicate(timeout=150)[0])
    states = [t["state"] for t in trials(folder)]
    assert (
        said["status"] == "completed"
        and states.count("failed") == 1
        and states.count("pruned") == 8 - done - 1
    )
    failed = next(t for t in trials(folder) if t["state"] == "failed")
    assert "SIGKILL" in failed["cause"] and "memory" in failed["cause"]
    pruned = next(t for t in trials(folder) if t["state"] == "pruned")
    run = summarise(RunFolder(folder.path / pruned["run"]))
    assert run.state == "stopped" and run.cause.startswith(
        f"Ended early by the search {folder.name}: after epoch 2"
    )
    assert "iou of 0." in run.cause and run.resumable and run.checkpoint


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGINT to another process on Windows")
@pytest.mark.timeout(120)
def test_an_interrupt_stops_gently_and_every_trial_can_go_on(config_file: Path) -> None:
    command = begin(config_file, "training.epochs=400", "--space", RATE, "--trials", "3", "--name", "sanft")
    folder = wait_for(only_search)
    wait_for(lambda: any(t["curve"] for t in trials(folder)))
    command.send_signal(signal.SIGINT)
    out, _ = command.communicate(timeout=60)
    said = json.loads(out)
    assert command.returncode == 0 and said["status"] == "stopped" and "--resume" in said["cure"]
    (run,) = list_runs(folder.runs)
    assert summarise(run).state == "stopped" and summarise(run).resumable and "sanft" in folder.name
    assert [t["state"] for t in trials(folder)] == ["interrupted"] and folder.state().state == "interrupted"


def test_refusals_of_the_command_line(config_file: Path, tmp_path: Path) -> None:
    code, said, _ = lathe("search", config_file, "--space", "training.optimizer.learnin_rate=1..2")
    assert code == 2 and "Did you mean training.optimizer.learning_rate" in said["cause"]
    code, said, _ = lathe("search", "--resume", tmp_path)
    assert code == 2 and "no search.yaml" in said["cause"]
    assert not list_searches(default_searches_dir())

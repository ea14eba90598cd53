"""Every way in which a training can end is told exactly once, and the thread ends."""

from __future__ import annotations

import math
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from src.core.config import ConfigError
from src.core.run import RunFolder, RunFolderError, process_alive, summarise
from src.tasks.segmentation.config import SegmentationConfig
from src.threads import resume_run
from src.threads.training_thread import TrainingThread
from tests.fake_jobs import Told

SIGNALS = (
    "run_created",
    "epoch_started",
    "epoch_completed",
    "batch_progress",
    "training_completed",
    "training_failed",
)


@pytest.fixture
def run(job: Any, settings: dict[str, Any], until: Any) -> Any:
    """Starts a training of a kind; gives the thread and what it told."""

    def start(mode: str, thread: TrainingThread | None = None) -> tuple[TrainingThread, Told]:
        job(mode)
        made = thread or TrainingThread(settings)
        told = Told(made, *SIGNALS)
        made.start()
        return made, told

    return start


@pytest.fixture
def ended(until: Any) -> Any:
    """Waits for the end and gives the only outcome."""

    def wait(thread: TrainingThread, told: Told) -> tuple[str, Any]:
        until(lambda: thread.isFinished() and (told["training_completed"] or told["training_failed"]))
        until(lambda: True)
        outcomes = [(n, a[0]) for n, a in told.all if n in ("training_completed", "training_failed")]
        assert len(outcomes) == 1, outcomes
        return outcomes[0]

    return wait


def process_of(folder: RunFolder) -> int:
    return int(folder.read_json(folder.job)["pid"])


def test_completed_run_tells_every_epoch_and_its_history(
    run: Any, ended: Any, settings: dict[str, Any]
) -> None:
    thread, told = run("completes")
    name, history = ended(thread, told)
    assert name == "training_completed"
    assert [a for (a,) in told["epoch_started"]] == [1, 2, 3]
    assert told["epoch_completed"][1] == (2, 0.5, 1.0, {"iou": 0.5, "dice": 0.6})
    assert told["batch_progress"][0] == (1, 3, "train", 1.0, {"dice": 0.5, "lr": 1e-3, "per_second": 40.0})
    assert history["train_loss"] == [1.0, 0.5, pytest.approx(1 / 3)]
    assert history["val_iou"] == [0.5, 0.5, 0.5]
    assert history["seconds"] == [pytest.approx(0.15)] * 3
    assert (history["status"], history["best_val_metric"], history["best_epoch"]) == ("completed", 0.5, 3)
    folder = told["run_created"][0][0]
    assert folder.path.parent == Path(settings["checkpoint_dir"]).resolve()
    assert history["run_dir"] == str(folder.path)
    assert Path(history["checkpoint"]) == folder.path / "checkpoints" / "best.safetensors"


def test_typed_configuration_trains_like_a_mapping(
    run: Any, ended: Any, settings: dict[str, Any], job: Any
) -> None:
    config = SegmentationConfig()
    config.data.images_dir, config.data.masks_dir = settings["images_dir"], settings["masks_dir"]
    config.runs_dir, config.training.epochs = settings["checkpoint_dir"], 3
    thread, told = run("completes", TrainingThread(config))
    assert ended(thread, told)[1]["status"] == "completed"


def test_values_that_are_no_numbers_become_nan(run: Any, ended: Any) -> None:
    thread, told = run("nan")
    _, history = ended(thread, told)
    epoch, train, val, metrics = told["epoch_completed"][1]
    assert (epoch, train) == (2, 0.5)
    assert math.isnan(val) and math.isnan(metrics["iou"]) and metrics["dice"] == 0.6
    assert [math.isnan(v) for v in history["val_loss"]] == [False, True, False]


def test_early_stop_is_a_completion(run: Any, ended: Any) -> None:
    name, history = ended(*run("early"))
    assert (name, history["status"], history["cause"]) == (
        "training_completed",
        "stopped_early",
        "No better value for 2 epochs.",
    )


def test_failure_is_told_with_cause_and_cure(run: Any, ended: Any) -> None:
    assert ended(*run("fails")) == ("training_failed", "The disk is full. Free some space, then resume.")


def test_child_that_ends_without_a_word_is_a_failure(run: Any, ended: Any) -> None:
    thread, told = run("silent")
    name, sentence = ended(thread, told)
    assert name == "training_failed"
    assert "exit code 3" in sentence and "out of luck" in sentence
    assert summarise(told["run_created"][0][0]).state == "failed"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_child_killed_from_outside_is_a_failure(run: Any, ended: Any, until: Any) -> None:
    thread, told = run("dies")
    until(lambda: told["epoch_completed"])
    os.kill(process_of(thread.folder), signal.SIGKILL)
    name, sentence = ended(thread, told)
    assert name == "training_failed" and "killed from outside" in sentence and "Resume" in sentence
    assert summarise(thread.folder).state == "killed"


def test_stop_twice_keeps_the_model(run: Any, ended: Any, until: Any) -> None:
    thread, told = run("obeys")
    until(lambda: told["epoch_completed"])
    thread.stop()
    thread.stop()
    name, history = ended(thread, told)
    assert (name, history["status"], history["epochs"]) == ("training_completed", "stopped", 1)
    assert history["checkpoint"]


def test_stop_before_the_first_batch(run: Any, ended: Any) -> None:
    thread, told = run("waits")
    thread.stop()
    name, history = ended(thread, told)
    assert (name, history["status"], history["train_loss"], history["checkpoint"]) == (
        "training_completed",
        "stopped",
        [],
        None,
    )


def test_stop_before_the_start_begins_nothing(run: Any, ended: Any, settings: dict[str, Any]) -> None:
    thread = TrainingThread(settings)
    thread.stop()
    name, history = ended(*run("completes", thread))
    assert (name, history["status"], history["run_dir"]) == ("training_completed", "stopped", None)
    assert not Path(settings["checkpoint_dir"]).exists()


def test_run_that_does_not_listen_is_killed_in_the_end(run: Any, ended: Any, until: Any, qtbot: Any) -> None:
    thread, told = run("deaf")
    until(lambda: told["epoch_completed"])
    thread.stop()
    qtbot.wait(200)
    if sys.platform != "win32":  # there the signal ends a process at once
        thread.terminate_run()
        qtbot.wait(200)
    assert process_alive(thread.folder)
    thread.kill_run()
    name, sentence = ended(thread, told)
    assert name == "training_failed" and "as you asked" in sentence
    assert not process_alive(thread.folder)


def test_pause_then_resume(run: Any, ended: Any, until: Any) -> None:
    thread, told = run("obeys")
    until(lambda: told["epoch_completed"])
    with pytest.raises(RunFolderError, match="still running"):
        TrainingThread.resume(thread.folder)
    thread.pause()
    assert ended(thread, told)[1]["status"] == "paused"
    again, told = run("completes", TrainingThread.resume(thread.folder.path))
    _, history = ended(again, told)
    assert [a for (a,) in told["epoch_started"]] == [2, 3]
    assert (history["epoch"], history["status"]) == ([1, 2, 3], "completed")
    with pytest.raises(RunFolderError, match="nothing left"):
        resume_run(thread.folder)


def test_resume_that_cannot_begin_is_a_failure(run: Any, ended: Any, until: Any) -> None:
    thread, told = run("obeys")
    until(lambda: told["epoch_completed"])
    thread.pause()
    ended(thread, told)
    name, sentence = ended(*run("silent", TrainingThread.resume(thread.folder)))
    assert name == "training_failed" and "exit code 3" in sentence
    assert summarise(thread.folder).state == "paused"


def test_detached_run_goes_on_without_the_thread(run: Any, until: Any) -> None:
    thread, told = run("obeys")
    until(lambda: told["epoch_completed"])
    thread.detach()
    until(thread.isFinished)
    assert process_alive(thread.folder)
    assert not told["training_completed"] and not told["training_failed"]
    thread.folder.write_json(thread.folder.command, {"command": "stop"})
    until(lambda: not process_alive(thread.folder))
    assert summarise(thread.folder).state == "stopped"


def test_missing_folder_is_a_failure_not_a_crash(run: Any, ended: Any, settings: dict[str, Any]) -> None:
    settings["images_dir"] += "_not_there"
    name, sentence = ended(*run("completes"))
    assert name == "training_failed" and "does not exist" in sentence


def test_unknown_keys_are_refused_with_the_nearest_name(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="learning_rate"):
        TrainingThread({**settings, "learning_rat": 0.1})

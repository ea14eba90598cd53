"""The check of a data set in a child process: an answer, a reason, or silence after cancel."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from src.core.run import process
from src.threads.scan_thread import ScanThread
from tests.fake_jobs import Told


@pytest.fixture
def scan(job: Any) -> Any:
    """Starts a check that behaves as named."""

    def start(mode: str) -> Told:
        job(mode)
        thread = ScanThread("task: segmentation\n")
        told = Told(thread, "progress", "done", "failed")
        thread.start()
        return told

    return start


def test_answer(scan: Any, until: Any) -> None:
    told = scan("completes")
    until(lambda: told["done"] and told.thread_.isFinished())
    assert told["progress"] == [(1, 4, "Reading images")]
    assert told["done"][0][0]["description"]["splits"] == {"train": 3, "val": 1}
    assert not told["failed"]


def test_error_of_the_job_is_told(scan: Any, until: Any) -> None:
    told = scan("fails")
    until(lambda: told["failed"] and told.thread_.isFinished())
    assert told["failed"] == [("The folder is empty.",)]


def test_job_that_dies_is_told_with_its_last_words(scan: Any, until: Any) -> None:
    told = scan("silent")
    until(lambda: told["failed"])
    assert "exit code 3" in told["failed"][0][0] and "out of luck" in told["failed"][0][0]
    until(told.thread_.isFinished)


def test_cancelled_check_is_silent(scan: Any, until: Any) -> None:
    told = scan("dies")
    until(lambda: told["progress"])
    told.thread_.cancel()
    until(told.thread_.isFinished)
    assert not told["done"] and not told["failed"]


def test_program_that_cannot_be_started_is_told(
    until: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(process, "program", lambda: [str(tmp_path / "not_there")])
    thread = ScanThread("task: segmentation\n")
    told = Told(thread, "done", "failed")
    thread.start()
    until(lambda: told["failed"] and thread.isFinished())
    assert "could not be run" in told["failed"][0][0]


def test_threads_need_no_torch() -> None:
    import subprocess

    code = (
        "import sys, src.threads.training_thread, src.threads.scan_thread, src.threads.runs_watcher\n"
        "sys.exit('torch' in sys.modules or 'cv2' in sys.modules)"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False).returncode
        == 0
    )


def test_samples_in_portions_become_one_table(scan: Any, until: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_ROWS", "3000")
    told = scan("completes")
    until(lambda: told["done"] and told.thread_.isFinished())
    answer = told["done"][0][0]
    table = answer["description"]["samples"]
    assert len(table["train"]) == 3000 and table["train"][2999]["id"] == "2999.png"
    assert [f["message"] for f in answer["findings"]] == ["One."]


def test_a_check_that_prints_without_end_can_be_cancelled(
    scan: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_ROWS", "100000000")
    told = scan("completes")
    until(lambda: told["progress"])
    told.thread_.cancel()
    until(told.thread_.isFinished)
    assert not told["done"] and not told["failed"]

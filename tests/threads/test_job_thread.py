"""Every way in which a job with a trained model can end is told exactly once, and the thread ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from src.core.config import Layer, resolve
from src.core.run import summarise
from src.threads.job_thread import JobThread
from tests.fake_jobs import Told
from tests.toy_jobs import TOY, ToyConfig


@pytest.fixture
def start(job: Any, tmp_path: Path) -> Any:
    """Starts a job that behaves as named; gives the thread and what it told."""

    def begin(mode: str, **values: Any) -> tuple[JobThread, Told]:
        job(mode)
        model = tmp_path / "foreign model.pth"
        model.write_bytes(b"weights")
        chosen = {"model": str(model), "out": str(tmp_path / "results ü"), **values}
        thread = JobThread(resolve(ToyConfig, [Layer("dialog", chosen)]), TOY)
        told = Told(thread, "created", "progress", "told", "done", "failed")
        thread.start()
        return thread, told

    return begin


@pytest.fixture
def outcome(until: Any) -> Any:
    def wait(thread: JobThread, told: Told) -> tuple[str, Any]:
        until(lambda: thread.isFinished() and (told["done"] or told["failed"]))
        outcomes = [(n, a[0]) for n, a in told.all if n in ("done", "failed")]
        assert len(outcomes) == 1, outcomes
        return outcomes[0]

    return wait


def test_a_job_that_goes_well(start: Any, outcome: Any) -> None:
    thread, told = start("well")
    name, ended = outcome(thread, told)
    assert name == "done" and ended["status"] == "completed" and ended["said"] == ["Done."]
    assert ended["folder"] == str(told["created"][0][0].path)
    assert told["progress"][0][:3] == (1, 2, "Working") and told["told"][0][0].type == "job_started"


def test_cancelled_it_ends_and_what_is_complete_is_kept(start: Any, outcome: Any, until: Any) -> None:
    thread, told = start("waits")
    until(lambda: told["progress"])
    thread.cancel()
    thread.cancel()
    name, ended = outcome(thread, told)
    assert name == "done" and ended["status"] == "stopped"


@pytest.mark.parametrize(("mode", "words"), [("fails", "It broke. Mend it."), ("silent", "out of luck")])
def test_a_job_that_fails_says_why(start: Any, outcome: Any, mode: str, words: str) -> None:
    thread, told = start(mode)
    name, reason = outcome(thread, told)
    assert name == "failed" and words in reason
    assert summarise(told["created"][0][0]).state == "failed"  # also where it could not say so itself


def test_faults_are_told_before_a_process_is_started(start: Any, outcome: Any) -> None:
    name, reason = outcome(*start("well", steps=99))
    assert name == "failed" and "too many" in reason


def test_a_thread_that_is_stopped_takes_its_job_along_and_says_nothing(start: Any, until: Any) -> None:
    thread, told = start("waits")
    until(lambda: told["progress"])
    thread.stop()
    until(thread.isFinished)
    assert not told["done"] and not told["failed"]
    assert not summarise(told["created"][0][0]).alive

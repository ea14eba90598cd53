"""A job with a trained model writes down what it does and how it ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from src.core.config import ConfigError, Layer, dump_yaml, resolve
from src.core.job import JobError
from src.core.run import Event, EventTail, RunFolder, commands, summarise
from src.jobs import face, work
from tests.toy_jobs import TOY, ToyConfig


@pytest.fixture(autouse=True)
def _toy(no_signals: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every job is the toy."""
    monkeypatch.setattr(work, "job_info", lambda _task, _job: TOY)


def carried_out(path: Path, code: int = 0, **values: Any) -> list[Event]:
    folder = RunFolder(path)
    folder.path.mkdir(exist_ok=True)
    folder.config.write_text(
        dump_yaml(resolve(ToyConfig, [Layer("dialog", {"job": "toy", **values})])), "utf-8"
    )
    assert work.run_work(path, follow_parent=False) == code
    return list(EventTail(folder.events).read())


def test_a_job_that_goes_well(tmp_path: Path) -> None:
    events = carried_out(tmp_path / "a", words=["grün", "blau"])
    kinds = [e.type for e in events]
    assert kinds[:2] == ["job_started", "warning"] and "stage" in kinds and kinds[-1] == "run_ended"
    assert (
        events[-1]["status"] == "completed"
        and events[-1]["said"] == ["Counted to 3."]
        and events[-1]["counted"] == 3
    )
    assert (tmp_path / "a" / "words.txt").read_text("utf-8") == "grün blau"
    assert summarise(RunFolder(tmp_path / "a")).state == "completed"


@pytest.mark.parametrize(
    ("ends", "cause", "cure"),
    [("badly", "The toy broke.", "Take another."), ("data", "There are no data.", "Bring some."),
     ("bug", "ZeroDivisionError: division by zero", "start the job again")],
)  # fmt: skip
def test_an_error_is_a_cause_and_a_cure(tmp_path: Path, ends: str, cause: str, cure: str) -> None:
    ended = carried_out(tmp_path / "a", code=1, ends=ends)[-1]
    assert ended["status"] == "failed" and ended["cause"] == cause and cure in ended["cure"]


def test_a_command_ends_it_before_its_first_step(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    commands.send(RunFolder(tmp_path / "a"), "stop")
    ended = carried_out(tmp_path / "a")[-1]
    assert (ended["status"], ended["cause"]) == ("stopped", "Stopped by request.")
    assert carried_out(tmp_path / "a")[-1]["status"] == "completed"  # the command was obeyed once


def test_a_fault_in_the_file_of_options_is_its_ending(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "a")
    folder.path.mkdir()
    folder.config.write_text("job: toy\nstepps: 3\n", "utf-8")
    assert work.run_work(folder.path, follow_parent=False) == 1
    ended = list(EventTail(folder.events).read())[-1]
    assert ended["status"] == "failed" and "steps" in ended["cause"]


def test_from_python_it_returns_what_came_of_it_or_raises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(face, "job_info", lambda _task, _job: TOY)
    model = tmp_path / "foreign.pth"
    model.write_bytes(b"weights")
    seen: list[tuple[int, int, str]] = []
    found = face.do(
        "toy", model, progress=lambda *a: seen.append(a), out=tmp_path / "a", words=[Path("grün"), "blau"]
    )
    assert found["counted"] == 3 and found["folder"] == tmp_path / "a" and seen[-1] == (2, 3, "Counting")
    assert (tmp_path / "a" / "words.txt").read_text("utf-8") == "grün blau"
    assert summarise(RunFolder(tmp_path / "a")).state == "completed"
    with pytest.raises(JobError, match="The toy broke"):
        face.do("toy", model, out=tmp_path / "b", ends="badly")
    assert summarise(RunFolder(tmp_path / "b")).state == "failed"
    with pytest.raises(ConfigError, match="steps"):
        face.do("toy", model, out=tmp_path / "c", stepps=1)
    assert not (tmp_path / "c").exists()

"""Lists of runs say which place in the queue a run has."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from src.core.run import RunFolder, summarise
from src.core.run.queue import RunQueue
from src.core.run.queue_place import queue_place
from src.core.run.state import ordinal
from src.threads.runs_watcher import _Watched
from src.ui.widgets.runs_list import state_words
from src.ui.widgets.runs_menus import orders_of
from tests.fakes import make_fake_run


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[RunFolder]:
    monkeypatch.setenv("LATHE_WORKSPACE", str(tmp_path / "workspace"))
    made = []
    for number in (1, 2, 3):
        run = make_fake_run(tmp_path / "runs", f"2026-05-01_tiles_unet_{number}", start=False, previews=False)
        run.config.write_text("task: segmentation\ntraining:\n  device: cpu\n", "utf-8")
        made.append(run)
    return made


def test_a_queued_run_says_its_place_and_not_that_it_has_not_started(runs: list[RunFolder]) -> None:
    queue = RunQueue()
    assert [summarise(r).title for r in runs] == ["Not started"] * 3 and queue_place(runs[0].path) == 0
    entries = [queue.add(run) for run in runs]
    assert [summarise(r).title for r in runs] == ["Queued (next)", "Queued (2nd)", "Queued (3rd)"]
    assert summarise(runs[2]).as_json()["queued"] == 3
    time.sleep(0.01)
    queue.move(entries[2].id, 1)
    assert [summarise(r).queued for r in runs] == [2, 3, 1]
    assert state_words(summarise(runs[1])) == "Queued (3rd)"
    time.sleep(0.01)
    with queue.edit() as edit:  # the first one is started
        edit.state = edit.state.with_entry(replace(edit.state.waiting[0], state="running"))
    assert [summarise(r).queued for r in runs] == [1, 2, 0]


def test_the_list_follows_although_nothing_is_written_into_the_run(runs: list[RunFolder]) -> None:
    watched = _Watched(runs[0])
    assert watched.summary().title == "Not started"
    entry = RunQueue().add(runs[0])
    assert watched.summary().title == "Queued (next)"
    orders = [order for order, *_ in orders_of(watched.summary())]
    assert "unqueue" in orders and "queue" not in orders
    time.sleep(0.01)
    RunQueue().remove(entry.id)
    assert watched.summary().title == "Not started"
    assert "queue" in [order for order, *_ in orders_of(watched.summary())]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"entries": 3}', '{"entries": [{}]}'])
def test_a_damaged_queue_is_no_place(runs: list[RunFolder], text: str) -> None:
    file = RunQueue().file
    file.parent.mkdir(parents=True)
    file.write_text(text, "utf-8")
    assert queue_place(runs[0].path) == 0


def test_ordinals() -> None:
    assert [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 102, 111)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd", "111th",
    ]  # fmt: skip

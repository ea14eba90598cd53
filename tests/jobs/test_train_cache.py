"""A run with a cache is the run without it, builds it before its first step, and can be stopped while it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from src.core.feed.cache import caches_folder, list_caches
from src.core.run import EventTail, RunFolder, summarise
from src.core.run.commands import CommandInbox
from src.jobs import train as job
from src.ui.run_data import RunData

NewRun = Callable[..., RunFolder]
pytestmark = pytest.mark.usefixtures("no_signals")


def run(folder: RunFolder) -> list[Any]:
    job.run_training(folder.path, resume=False, follow_parent=False)
    return list(EventTail(folder.events).read())


def losses(events: list[Any]) -> list[tuple[float, float]]:
    return [(e["train_loss"], e["val_loss"]) for e in events if e.type == "epoch_completed"]


def test_a_cached_run_is_the_run_from_the_files(new_run: NewRun) -> None:
    plain = run(new_run("data.cache=off"))
    assert not list_caches(caches_folder())
    first, second = run(new_run("data.cache=auto")), run(new_run("data.cache=auto"))
    assert len(losses(plain)) == 3
    assert losses(plain) == losses(first) == losses(second)
    (cache,) = list_caches(caches_folder())
    assert cache.samples == 12
    stages = [e for e in first if e.type == "stage"]
    assert (
        stages[-1]["what"] == "Building the cache of 12 images"
        and stages[-1]["done"] == stages[-1]["total"] == 12
    )
    assert [e["code"] for e in first if e.type == "warning" and e["code"].startswith("cache")] == [
        "cache.build"
    ]
    assert [e["code"] for e in second if e.type == "warning" and e["code"].startswith("cache")] == [
        "cache.found"
    ]
    assert max(e.n for e in stages) < next(e.n for e in first if e.type == "run_started")


def test_the_window_says_how_far_the_building_is(new_run: NewRun) -> None:
    events = run(new_run("data.cache=on"))
    data, seen = RunData(), []
    for event in events:
        data.take([event])
        if event.type == "stage":
            seen.append(data.stage)
    assert seen[-1] == "Building the cache of 12 images: 100 %"
    assert data.stage == "", "once the run has begun, its epochs tell"


def test_a_run_can_be_stopped_while_it_builds(new_run: NewRun, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[CommandInbox] = []
    poll = CommandInbox.poll

    def stop_at_the_stage(inbox: CommandInbox) -> str | None:
        if list_caches(caches_folder()) and not asked:
            asked.append(inbox)
            inbox.give("stop")
        return poll(inbox)

    monkeypatch.setattr(CommandInbox, "poll", stop_at_the_stage)
    folder = new_run("data.cache=on")
    run(folder)
    assert asked and summarise(folder).state == "stopped"

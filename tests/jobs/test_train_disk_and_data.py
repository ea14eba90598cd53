"""What a run says of the disk before it trains, what it leaves on a full one, and what becomes of it without its data."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from src.cli.follow import TerminalView
from src.core.engine import recorder
from src.core.engine.callbacks import Callback
from src.core.engine.ending import found_nothing
from src.core.run import CheckpointIndex, RunFolder, commands, summarise
from src.core.run.compare import compare_runs
from src.jobs import train as job

NewRun = Callable[..., RunFolder]
pytestmark = pytest.mark.usefixtures("no_signals")


def run(folder: RunFolder, resume: bool = False) -> Any:
    job.run_training(folder.path, resume=resume, follow_parent=False)
    return summarise(folder)


def warnings(found: Any, code: str) -> list[Any]:
    return [e for e in found.history if e.type == "warning" and e["code"] == code]


def test_a_disk_without_room_for_the_checkpoints_is_told_before_the_first_epoch(
    new_run: NewRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []

    def usage(place: Path) -> Any:
        asked.append(Path(place))
        return SimpleNamespace(free=5_000_000)

    roomy = run(new_run("training.epochs=1"))
    state = CheckpointIndex(roomy.folder).with_role("last")
    assert not warnings(roomy, "disk-space") and state is not None
    monkeypatch.setattr(recorder.shutil, "disk_usage", usage)
    found = run(new_run("training.epochs=2", "monitoring.save_every_epochs=1"))
    (told,) = warnings(found, "disk-space")
    kinds = [e.type for e in found.history]
    assert kinds.index("warning") < kinds.index("epoch_started") and found.state == "completed"
    assert "has 5.0 MB free" in told["message"] and "the 2 checkpoints" in told["message"] and told["cure"]
    assert found.folder.path in asked
    # no less than what was written, and not out of proportion (parts of this network have no state of the optimiser)
    estimated = float(told["message"].rsplit("up to ", 1)[1].split(" MB")[0]) * 1e6
    assert state.bytes <= estimated < 3 * state.bytes


def test_a_copy_of_the_model_that_fails_is_not_left_on_the_full_disk(
    new_run: NewRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(source: Path, target: Path) -> None:
        Path(target).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device", str(target))

    monkeypatch.setattr(job.shutil, "copyfile", half)
    found = run(new_run("training.epochs=1"))
    assert found.state == "completed" and warnings(found, "ending.model")
    assert not list(found.folder.path.glob("*.tmp")) and not list(found.folder.path.glob(".*.tmp"))


def test_a_stopped_run_whose_images_are_away_stays_stopped_and_goes_on_when_they_are_back(
    new_run: NewRun, config_file: Path
) -> None:
    folder = new_run("training.epochs=2")

    class Stops(Callback):
        def on_epoch_end(self, trainer: Any, entry: dict[str, Any]) -> None:
            commands.send(folder, "stop")

    job.run_training(folder.path, resume=False, follow_parent=False, callbacks=[Stops()])
    before = summarise(folder)
    assert before.state == "stopped" and before.epoch == 1
    images = config_file.parent / "images"
    away = images.rename(images.with_name("away"))
    assert job.run_training(folder.path, resume=True, follow_parent=False) == 1
    found = summarise(folder)
    assert (found.state, found.resumable, found.epoch) == ("stopped", True, before.epoch)
    assert found.cause.startswith("It could not go on.") and str(images) in found.cause
    assert found.cure == "Put it back where it was, then Resume."
    away.rename(images)
    assert run(folder, resume=True).state == "completed"


@pytest.mark.parametrize(
    ("recalls", "best", "verdict", "says"),
    [
        ({"background": 1.0, "scratch": 0.0}, 0.9, "found only background", "recognises background alone"),
        ({"background": 1.0, "scratch": 0.0, "dent": float("nan")}, 0.5, "found only background", "Of the 2 classes"),
        ({"dent": 0.0, "scratch": 0.0}, 0.0, "found nothing", "recognises none"),
        ({}, 0.0, "found nothing", "is 0"),
        ({"background": 0.9, "scratch": 0.01}, 0.01, "", ""),
        ({"background": 1.0, "scratch": float("nan")}, 1.0, "", ""),
    ],
)  # fmt: skip
def test_a_model_that_recognises_one_class_at_most_has_found_nothing(
    recalls: dict[str, float], best: float, verdict: str, says: str
) -> None:
    history = [{"epoch": 1, "per_class": {name: {"recall": value} for name, value in recalls.items()}}]
    state = SimpleNamespace(history=history, best_epoch=1, best_value=best)
    found: Any = found_nothing(SimpleNamespace(state=state, maximise=True, metric="iou"))  # type: ignore[arg-type]
    assert (found.verdict if found else "") == verdict and (not found or says in found.cause)


def test_a_run_that_found_one_class_only_is_not_plainly_completed(
    new_run: NewRun, capsys: pytest.CaptureFixture[str]
) -> None:
    class OnlyBackground(Callback):
        def on_run_end(self, trainer: Any, outcome: Any) -> None:
            trainer.state.history[-1]["per_class"] = {"background": {"recall": 1.0}, "dent": {"recall": 0.0}}

    folder = new_run("training.epochs=1")
    job.run_training(folder.path, resume=False, follow_parent=False, callbacks=[OnlyBackground()])
    found = summarise(folder)
    assert found.state == "completed" and found.title == "Completed, found only background"
    assert "previews" in found.cure and found.as_json()["verdict"] == "found only background"
    TerminalView(silent=False).end(found)
    assert "Completed, found only background after 1 epoch." in capsys.readouterr().err


def test_time_and_speed_of_a_comparison_are_those_of_the_header(new_run: NewRun) -> None:
    from src.core.run import EventTail
    from src.ui.run_data import RunData

    first = run(new_run("training.epochs=2")).folder
    shutil.copytree(first.path, first.path.with_name("copy"))
    compared = compare_runs([first, RunFolder(first.path.with_name("copy"))]).runs[0]
    data = RunData()
    data.take(EventTail(first.events).read())
    assert compared.seconds == data.taken_s and compared.seconds is not None
    assert compared.seconds > sum(sum(e["seconds"].values()) for e in data.epochs)

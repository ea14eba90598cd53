"""Whole runs with every regulariser and a teacher: exact resume, the same with any workers, and what check() says."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest
import torch
import yaml

from src.core.config import ConfigError
from src.core.engine import trainer
from src.core.engine.checkpoint import read_state, read_weights
from src.core.run import CheckpointIndex, CommandInbox, RunFolder, summarise
from src.core.run.model_source import find_model
from src.jobs import train as job
from src.tasks.segmentation.loaded import load_model
from src.tasks.segmentation.task import SegmentationTask

NewRun = Callable[..., RunFolder]
#: The usual network of these tests has drop-out of its own.
UNDROPPED = "model.architecture=linknet"
pytestmark = pytest.mark.usefixtures("no_signals")
REGULARISED = (
    "training.regularisation.mixup=0.5", "training.regularisation.cutmix=0.5", "training.regularisation.label_smoothing=0.1",
    "model.stochastic_depth=0.2", "model.dropout=0.2", "data.copy_paste.probability=0.7", "data.copy_paste.soft_edge=1",
)  # fmt: skip


def run(folder: RunFolder, resume: bool = False) -> Any:
    job.run_training(folder.path, resume=resume, follow_parent=False)
    return summarise(folder)


def last(folder: RunFolder) -> dict[str, torch.Tensor]:
    index = CheckpointIndex(folder)
    entry = index.with_role("last")
    assert entry is not None
    found: dict[str, torch.Tensor] = read_state(index.file_of(entry))[0]["model"]
    return found


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(v, other[k]) for k, v in one.items())


def run_and_stop(folder: RunFolder, steps: int, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Stop a run in the middle, after so many batches."""
    done: list[int] = []
    step = SegmentationTask.training_step

    def counted(self: SegmentationTask, *arguments: Any) -> Any:
        done.append(1)
        return step(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(trainer, "REPORT_EVERY_S", 0.0)
        patch.setattr(SegmentationTask, "training_step", counted)
        patch.setattr(CommandInbox, "poll", lambda _: "stop" if len(done) >= steps else None)
        stopped = run(folder)
    assert stopped.state == "stopped" and CheckpointIndex(folder).with_role("last") is not None, stopped.cause
    return stopped


@pytest.fixture
def taught(new_run: NewRun) -> tuple[str, ...]:
    """Words that add a teacher."""
    first = new_run("training.epochs=1", "training.seed=5")
    assert run(first).state == "completed"
    return (
        f"distillation.teacher={first.path}",
        "distillation.weight=0.4",
        "distillation.feature_weight=0.1",
    )


def test_resume_is_exact_with_everything_on_and_any_number_of_workers(
    new_run: NewRun, taught: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = (
        *REGULARISED,
        *taught,
        "training.epochs=2",
        "training.accumulate=2",
        "monitoring.preview_samples=0",
    )
    whole, halves = new_run(*words), new_run(*words, "data.workers=2", "data.worker_kind=thread")
    assert run(whole).state == "completed"
    run_and_stop(halves, 6, monkeypatch)
    ended = run(halves, resume=True)
    assert ended.state == "completed", ended.cause
    assert same(last(whole), last(halves))
    terms = [e.data["terms"] for e in _epochs(whole)]
    assert set(terms[0]) == {"dice", "bce", "teacher", "features"}
    model = load_model(find_model(str(whole.path)))  # the projection is no part of it
    assert model.model(torch.zeros(1, 3, 32, 32)).shape == (1, 1, 32, 32)
    assert (
        "distillation.weight" in last(whole)
        and "distillation.weight" not in read_weights(whole.path / "model.safetensors")[0]
    )


def _epochs(folder: RunFolder) -> list[Any]:
    from src.core.run import EventTail

    return [e for e in EventTail(folder.events).read() if e.type == "epoch_completed"]


def test_at_0_every_regulariser_is_bit_for_bit_absent(new_run: NewRun) -> None:
    still = ("training.epochs=1", "monitoring.preview_samples=0", UNDROPPED)
    plain = new_run(*still)
    off = new_run(
        *still, "training.regularisation.mixup=0", "training.regularisation.cutmix_alpha=0.7", "data.copy_paste.objects=9",
        "model.stochastic_depth=0", "model.dropout=0", "training.regularisation.mixup_alpha=3",
    )  # fmt: skip
    assert run(plain).state == run(off).state == "completed"
    assert same(last(plain), last(off))


def test_each_regulariser_changes_what_is_learnt(new_run: NewRun) -> None:
    still = ("training.epochs=1", "monitoring.preview_samples=0", UNDROPPED)
    runs = [new_run(*still), *(new_run(*still, word) for word in REGULARISED if "soft_edge" not in word)]
    assert all(run(folder).state == "completed" for folder in runs)
    learnt = [last(folder) for folder in runs]
    assert not any(same(learnt[0], other) for other in learnt[1:])


def test_a_run_goes_on_with_its_own_teacher_only(
    new_run: NewRun, taught: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = new_run(*taught, "training.epochs=2")
    run_and_stop(folder, 3, monkeypatch)
    other = new_run("training.epochs=1", "training.seed=6")
    run(other)
    path = taught[0].partition("=")[2]
    text = folder.config.read_text("utf-8")
    values = yaml.safe_load(text)
    values["distillation"]["teacher"] = str(other.path)
    folder.config.write_text(yaml.safe_dump(values), "utf-8")
    refused = run(folder, resume=True)
    assert (
        refused.state == "stopped"
        and "was taught by" in refused.cause
        and "distillation.teacher" in refused.cure
    )
    shutil.rmtree(path)
    folder.config.write_text(text, "utf-8")
    missing = run(folder, resume=True)
    assert missing.state == "stopped" and "teacher" in missing.cause.lower() and missing.cure


def test_what_does_not_fit_is_told_before_the_start(new_run: NewRun, taught: tuple[str, ...]) -> None:
    for words, said in (
        (("training.regularisation.mixup=0.6", "training.regularisation.cutmix=0.6"), "more than there are"),
        (("model.encoder=vgg11", "model.stochastic_depth=0.1"), "vgg11 has none"),
        ((taught[0], "data.channels=1"), "takes images of 3 channels"),
        ((taught[0], "data.normalise=pretrained"), "normalised in another way"),
        (("distillation.teacher=nowhere/at_all",), "teacher cannot be used"),
    ):
        try:
            folder = new_run(*words)
        except ConfigError as error:
            assert said in str(error)
            continue
        found = run(folder)
        assert found.state == "failed" and said in found.cause, found.cause
    folder = new_run(taught[0], "data.masks.classes=[ground, square]")
    found = run(folder)
    assert found.state == "failed" and "background, object" in found.cause and "ground, square" in found.cause

"""Several faults at once (inner, outer and ball by themselves): from labels to previews, baselines and a teacher."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from src.core.config import override_layer, resolve
from src.core.engine.distil import soft_loss
from src.core.run import EventTail, RunFolder, create_run
from src.jobs.train import run_training
from src.tasks.bearing.description import BEARING
from src.tasks.bearing.inputs import KINDS
from src.tasks.bearing.task import BearingTask
from tests.tasks.bearing.made import CPU, wave, words

LABELS = ("normal", "inner", "outer", "ball", "inner+ball", "outer & ball")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three recordings of each state; two faults are the sum of their signals."""
    folder = tmp_path_factory.mktemp("mehrere")
    for number, label in enumerate(LABELS):
        (folder / label).mkdir()
        parts = [part for part in KINDS if part in label] or ["normal"]
        for run in range(3):
            signal = sum(wave(part, 100 * number + 10 * k + run) for k, part in enumerate(parts))
            np.save(folder / label / f"m_{run}_load{run % 2}.npy", np.asarray(signal, np.float32))
    return folder


def several(folder: Path, *more: str) -> list[str]:
    return words(
        folder, "data.several_faults=true", "data.name_pattern=m_{run}_load{load}", "inputs.band=full", *more
    )


@pytest.fixture(scope="module")
def task(folder: Path) -> BearingTask:
    config = resolve(BEARING.config, [override_layer(several(folder), BEARING.config)]).config
    return BearingTask(config, BEARING.describe(config, store=False))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    more = (f"runs_dir={tmp_path_factory.mktemp('runs')}", "training.epochs=8")
    made = create_run(
        resolve(BEARING.config, [override_layer(several(folder, *more), BEARING.config)]), BEARING
    )
    assert run_training(made.path, resume=False, follow_parent=False, signals=False) == 0
    return made


def test_each_label_is_a_row_of_zeros_and_ones_and_healthy_is_none(task: BearingTask) -> None:
    assert task.class_names == ["ball", "inner", "outer"] and not task.exclusive
    task.build_loaders(CPU)
    rows = {}
    for number in range(len(task.train_set)):
        label = task.train_set.index[number].recording.label
        rows[label] = task.train_set.batch(1, [number])["target"][0].tolist()
    assert rows == {
        "normal": [0, 0, 0], "ball": [1, 0, 0], "inner": [0, 1, 0], "outer": [0, 0, 1], "inner+ball": [1, 1, 0],
        "outer & ball": [1, 0, 1],
    }  # fmt: skip


def test_a_run_learns_both_faults_and_says_so_of_each_class(run: RunFolder) -> None:
    events = list(EventTail(run.events).read())
    last = [e for e in events if e.type == "epoch_completed"][-1]
    assert set(last["per_class"]) == {"ball", "inner", "outer"}
    assert {"balanced_accuracy", "macro_f1", "accuracy", "auroc", "recording_balanced_accuracy"} <= set(
        last["metrics"]
    )
    assert "top2" not in last["metrics"] and last["metrics"]["balanced_accuracy"] > 0.8
    assert last["terms"]["classification_gradient"] > 0
    found = {b["name"]: b["metrics"] for b in next(e for e in events if e.type == "baselines")["items"]}
    assert found["Most frequent class"]["balanced_accuracy"] == 0.5
    assert (
        found["Envelope rule"]["balanced_accuracy"] > 0.7
        and found["Random forest"]["balanced_accuracy"] > 0.5
    )
    items = next(e for e in events if e.type == "preview_written")["items"]
    assert len(items) == 2 and all((run.path / item["prediction"]).is_file() for item in items)


def test_a_teacher_of_several_faults_is_followed_class_by_class(
    run: RunFolder, folder: Path, tmp_path: Path
) -> None:
    more = (f"runs_dir={tmp_path}", f"distillation.teacher={run.path}", "training.epochs=1")
    student = create_run(
        resolve(BEARING.config, [override_layer(several(folder, *more), BEARING.config)]), BEARING
    )
    assert run_training(student.path, resume=False, follow_parent=False, signals=False) == 0
    told = next(e for e in EventTail(student.events).read() if e.type == "epoch_completed")["terms"]
    assert told["teacher"] > 0 and np.isfinite(told["teacher"])


def test_predictions_of_several_classes_are_compared_as_questions_of_their_own() -> None:
    draw = torch.Generator().manual_seed(0)
    student, teacher = (torch.randn(5, 3, generator=draw) for _ in range(2))
    p, q = (teacher / 2).sigmoid(), (student / 2).sigmoid()
    expected = 4 * (p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()).mean()
    assert torch.allclose(soft_loss(student.unsqueeze(1), teacher.unsqueeze(1), 2.0), expected, atol=1e-5)

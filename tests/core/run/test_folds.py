"""The folds of one configuration: made as runs, and put side by side with mean and deviation."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

import cv2
import numpy as np
import pytest

from src.cli.main import run_command
from src.core.config import override_layer, read_yaml, resolve
from src.core.dataset.findings import DatasetError
from src.core.run import EventWriter, RunFolder
from src.core.run.compare import compare_runs
from src.core.run.folds import create_folds, read_folds
from src.tasks.catalog import task_info
from tests.fakes import make_fake_run

VALUES = {1: 0.6, 2: 0.86, 3: 0.92}


def fold(place: Path, number: int, value: float | None, more: str = "") -> RunFolder:
    """A run of two epochs whose last is worth ``value``, and whose best epoch was a little better."""
    run = make_fake_run(place, f"2026-05-01_tiles_unet_{number}{more}", start=False, previews=False)
    text = run.config.read_text("utf-8").replace(
        "data:\n", f"data:\n  split:\n    folds: 3\n    fold: {number}\n"
    )
    run.config.write_text(text + ("" if not more else "seed: 7\n"), "utf-8")
    writer = EventWriter(run.events)
    writer.write(
        "run_started", metric="iou", mode="max", epochs=2, task="segmentation", split_hash=str(number)
    )
    writer.write("baselines", items=[{"name": "Rule", "about": "", "metrics": {"iou": 0.1 * number}}])
    for epoch in () if value is None else (1, 2):
        assert value is not None
        writer.write(
            "epoch_completed",
            epoch=epoch,
            metrics={"iou": value + 0.01 * (2 - epoch)},
            best_value=value + 0.01,
            best_epoch=1,
        )
    writer.close()
    return run


@pytest.fixture
def folds(tmp_path: Path) -> list[RunFolder]:
    return [fold(tmp_path, number, value) for number, value in VALUES.items()]


def test_each_fold_is_shown_and_not_only_the_mean(
    folds: list[RunFolder], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["folds", str(folds[1].path), "--json"]) == 0, (
        "the others are found beside one of them"
    )
    said = json.loads(capsys.readouterr().out)
    assert [(row["fold"], row["last"], row["best"]) for row in said["folds"]] == [
        (n, pytest.approx(v), pytest.approx(v + 0.01)) for n, v in VALUES.items()
    ]
    over = said["over_folds"]
    assert (
        over["last"]["mean"] == pytest.approx(statistics.fmean(VALUES.values()))
        and over["last"]["folds"] == 3
    )
    assert over["last"]["deviation"] == pytest.approx(statistics.stdev(VALUES.values()))
    assert over["baseline:Rule"]["mean"] == pytest.approx(0.2)
    assert run_command(["folds", *(str(run.path) for run in reversed(folds))]) == 0
    text = capsys.readouterr().out
    rows = [line.split()[:3] for line in text.splitlines()[2:5]]
    assert rows == [[str(n), f"{v:.4f}", f"{v + 0.01:.4f}"] for n, v in VALUES.items()]
    assert "0.7933" in text and "0.1701" in text and "Rule" in text


def test_what_is_no_fold_of_it_does_not_count(
    folds: list[RunFolder], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = fold(tmp_path, 2, 0.1, "_other")
    assert run_command(["folds", str(folds[0].path), "--json"]) == 0
    assert other.name not in capsys.readouterr().out
    assert run_command(["folds", str(folds[0].path), str(other.path)]) == 2
    assert "differ by data.split.fold" in capsys.readouterr().err


def test_a_fold_that_has_not_begun_is_a_row_without_a_value(tmp_path: Path) -> None:
    found = read_folds([(fold(tmp_path, 2, None), 2), (fold(tmp_path, 1, 0.5), 1)])
    assert [(row.number, row.last) for row in found.rows] == [(1, 0.5), (2, None)]
    spread = found.spread(lambda row: row.last)
    assert spread is not None and spread[0] == 0.5 and spread[1] != spread[1] and spread[2] == 1


def test_the_comparison_says_that_they_are_folds(folds: list[RunFolder]) -> None:
    (note,) = compare_runs(folds).notes
    assert "1: 0.6000, 2: 0.8600, 3: 0.9200; mean 0.7933 ± 0.1701 (standard deviation of 3)" in note


def test_a_run_is_made_for_each_fold(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(6):
        for folder in ("images", "masks"):
            path = tmp_path / "data" / folder / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), 255 * rng.integers(0, 2, (16, 16), dtype=np.uint8))
    info = task_info("segmentation")
    pairs = [f"data.images_dir={tmp_path / 'data' / 'images'}", f"data.masks_dir={tmp_path / 'data' / 'masks'}",
             "data.masks.meaning=binary", f"runs_dir={tmp_path / 'runs'}"]  # fmt: skip
    resolved = resolve(info.config, [override_layer([*pairs, "data.split.folds=3", "name=a"], info.config)])
    made = create_folds(resolved, info)
    configs = [read_yaml(run.config) for run in made]
    assert [c["data"]["split"]["fold"] for c in configs] == [1, 2, 3]
    assert [c["name"] for c in configs] == ["a-fold1", "a-fold2", "a-fold3"]
    with pytest.raises(DatasetError, match="no folds"):
        create_folds(resolve(info.config, [override_layer(pairs, info.config)]), info)

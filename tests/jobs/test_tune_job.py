"""``app.py tune``: results as JSON, kept for this machine, and used by runs that leave the choice open."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from src.core.config import Layer, nest, resolve
from src.core.run import EventTail, RunFolder, summarise
from src.core.run.tuned import keep, machine_key, measured
from src.jobs.train import load_config, run_training
from src.jobs.tune import run_tune, with_measured
from src.tasks.segmentation.config import SegmentationConfig
from tests.jobs.conftest import lathe


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LATHE_WORKSPACE", str(tmp_path / "workspace"))
    return tmp_path / "workspace"


@pytest.mark.timeout(120)
def test_the_command_measures_in_a_folder_of_its_own(config_file: Path, workspace: Path) -> None:
    code, found, said = lathe("tune", "lr", config_file)
    assert code == 0 and found["status"] == "completed", said
    assert len(found["curve"]) > 20 and found["curve"][0]["lr"] == pytest.approx(1e-7)
    assert Path(found["folder"]).parent == workspace / "tuning"
    assert json.loads((Path(found["folder"]) / "result.json").read_text())["curve"] == found["curve"]
    assert set(found["values"]) <= {"training.optimizer.learning_rate"}


@pytest.mark.timeout(120)
def test_batch_sizes_of_a_real_configuration(new_run: Callable[..., RunFolder]) -> None:
    folder = new_run()
    assert run_tune(folder.path, "batch", follow_parent=False) == 0
    found = json.loads((folder.path / "result.json").read_text())
    assert [row["batch_size"] for row in found["curve"]][:2] == [2, 4]
    assert found["suggestion"] in [row["batch_size"] for row in found["curve"]]
    assert summarise(folder).state == "completed"


@pytest.mark.timeout(120)
def test_the_machine_is_measured_and_runs_take_it(
    new_run: Callable[..., RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("src.jobs.tune.READING_S", 0.2)
    folder = new_run("data.workers=-1")
    assert run_tune(folder.path, "machine", follow_parent=False) == 0
    found = json.loads((folder.path / "result.json").read_text())
    assert found["machine"] == machine_key("CPU", torch.__version__)
    assert found["not_measured"] and all(row["images_per_second"] > 0 for row in found["computing"])
    rows = [e["row"] for e in EventTail(folder.events).read() if e.type == "measured"]
    assert rows == [*found["computing"], *found["reading"]]  # told while they were measured
    assert measured(found["machine"]) == {}  # keeping them is up to who asked
    assert set(found["values"]) == {"training.precision", "training.channels_last", "data.workers"}

    keep(
        found["machine"],
        {"values": {"training.channels_last": False, "training.precision": "fp32", "data.workers": 1}},
    )
    run = new_run("training.precision=auto", "training.epochs=1")  # a value that somebody set stays
    assert run_training(run.path, resume=False, follow_parent=False) == 0
    config = load_config(run)
    assert (
        config.config.training.channels_last is False
        and config.origins["training.channels_last"] == "detected"
    )
    assert config.config.training.precision == "auto" and config.config.data.workers == 0  # type: ignore[attr-defined]
    assert any(e.get("code") == "tuned" for e in EventTail(run.events).read())


def test_it_can_be_turned_off_and_another_machine_does_not_count() -> None:
    keep(machine_key("CPU", "1.0"), {"values": {"training.precision": "fp32"}})

    def made(**values: object) -> SegmentationConfig:
        resolved = resolve(
            SegmentationConfig, [Layer("dialog", nest({k.replace("__", "."): v for k, v in values.items()}))]
        )
        return with_measured(resolved, "CPU", "1.0").config

    assert made().training.precision == "fp32"
    assert made(training__machine_tuning=False).training.precision == "auto"
    resolved = resolve(SegmentationConfig, [])
    assert with_measured(resolved, "CPU", "2.0") is resolved


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"x": 3}', '{"x": {"values": 4}}'])
def test_a_damaged_file_is_no_measurement(workspace: Path, text: str) -> None:
    workspace.mkdir(parents=True)
    (workspace / "machine.json").write_text(text)
    assert measured("x") == {}

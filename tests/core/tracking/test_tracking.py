"""What each tracker is given: the same events for all, each library by its own documented interface."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from src.core.config.extras import TRACKERS, TrackersConfig, availability
from src.core.run import EventWriter, RunFolder
from src.core.tracking import TrackerError, track
from src.core.tracking import sinks as sinks_module

ROOT = Path(__file__).resolve().parents[3]


def needs(name: str) -> pytest.MarkDecorator:
    missing = importlib.util.find_spec(TRACKERS[name][0]) is None
    return pytest.mark.skipif(
        missing, reason=f"{TRACKERS[name][1]} is not installed (requirements-track.txt)"
    )


def write_run(folder: RunFolder, first: int = 1, last: int = 3, ended: bool = True) -> None:
    """Epochs of a run of four steps an epoch, as a training writes them."""
    writer = EventWriter(folder.events)
    writer.write("run_started", attempt=1, epoch=first, step=0, steps_per_epoch=4)
    for epoch in range(first, last + 1):
        writer.write("batch_progress", epoch=epoch, phase="train", batch=4, batches=4, loss=1 / epoch, terms={"dice": 0.5},
                     lr=0.01, per_second=7.0)  # fmt: skip
        writer.write("gradients", epoch=epoch, phase="train", batch=4, total=2.0, parts={"encoder": 2.0})
        writer.write("resource_sample", cpu_percent=12.5, memory_mb=300.0, wait_share=0.1)
        writer.write("epoch_completed", epoch=epoch, train_loss=1 / epoch, val_loss=None, metrics={"iou": 0.1 * epoch},
                     per_class={"Größe (ß)": {"iou": 0.2}}, lr=0.01)  # fmt: skip
        item = {"sample": "a", "prediction": "previews/00.png", "metric": 0.5}
        writer.write(
            "preview_written", epoch=epoch, items=[item, {"sample": "gone", "prediction": "previews/no.png"}]
        )
    if ended:
        writer.write("run_ended", status="completed", cause="", cure="")
    writer.close()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    monkeypatch.setenv("LATHE_WORKSPACE", str(tmp_path / "workspace"))
    made = RunFolder(tmp_path / "2026-01-01_ß_1")
    (made.path / "previews").mkdir(parents=True)
    values = {
        "training": {"epochs": 3},
        "monitoring": {"trackers": {"project": "Blech"}},
        "origins": {"a": "b"},
    }
    made.config.write_text(yaml.safe_dump(values), "utf-8")
    picture = np.full((6, 9, 3), 200, np.uint8)
    (made.path / "previews" / "00.png").write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    return made


class Given:
    """A tracker that keeps what it is given."""

    def __init__(self) -> None:
        self.scalars: list[tuple[str, int, float]] = []
        self.images: list[tuple[str, int]] = []
        self.opened: list[str] = []
        self.closed: list[str] = []

    def open(self, run: Any) -> str:
        self.opened.append(run.known_as)
        self.options, self.project = run.options, run.project
        return "id-1"

    def values(self, values: dict[str, float], step: int, time: float) -> None:
        self.scalars += [(name, step, v) for name, v in values.items()]

    def image(self, name: str, file: Path, step: int, time: float) -> None:
        assert file.is_file()
        self.images.append((name, step))

    def flush(self) -> None: ...

    def close(self, status: str) -> None:
        self.closed.append(status)


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Given:
    made = Given()
    monkeypatch.setattr(sys.modules["src.core.tracking.follow"], "make_sink", lambda name, config: made)
    return made


def test_every_value_once_with_its_step(folder: RunFolder, given: Given) -> None:
    write_run(folder)
    assert track(folder, "tensorboard", lambda: True) == 17
    found = {(name, step): v for name, step, v in given.scalars}
    assert len(found) == len(given.scalars)
    assert found["epoch/val_iou", 2] == pytest.approx(0.2) and found["train/loss", 4] == 1.0
    assert found["gradients/encoder", 8] == 2.0 and found["machine/memory_mb", 12] == 300.0
    assert found["epoch/val_iou/Größe (ß)", 1] == 0.2
    assert not any(name == "epoch/val_loss" for name, _, _ in given.scalars)  # null is no value
    assert given.images == [("preview/00", 1), ("preview/00", 2), ("preview/00", 3)]
    assert given.closed == ["completed"] and given.project == "Blech"
    assert given.options == {"training.epochs": 3, "monitoring.trackers.project": "Blech"}


def test_a_second_attempt_gives_only_what_is_new_under_the_same_name(folder: RunFolder, given: Given) -> None:
    write_run(folder, 1, 2, ended=False)
    track(folder, "mlflow", lambda: True)
    assert given.closed == ["killed"]
    before = len(given.scalars)
    write_run(folder, 3, 3)
    assert track(folder, "mlflow", lambda: False) == 7  # ends at the end of the run, not when it is told to
    assert given.opened == ["", "id-1"] and given.closed == ["killed", "completed"]
    assert {step for name, step, _ in given.scalars[before:] if name.startswith("epoch/")} == {3}
    assert {step for name, step, _ in given.scalars[before:] if name.startswith("train/")} == {12}


def test_a_library_that_is_not_there_is_said_with_its_cure(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert all("python -m pip install" in reason for reason in availability().values())
    with pytest.raises(TrackerError, match="Weights & Biases is not installed") as caught:
        track(folder, "wandb", lambda: True)
    assert "pip install" in caught.value.cure


@needs("tensorboard")
def test_tensorboard_reads_what_was_written(folder: RunFolder) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    write_run(folder)
    track(folder, "tensorboard", lambda: True)
    reader = EventAccumulator(str(folder.path / "tensorboard"))
    reader.Reload()
    assert [(s.step, round(s.value, 4)) for s in reader.Scalars("epoch/val_iou")] == [
        (1, 0.1),
        (2, 0.2),
        (3, 0.3),
    ]
    assert [s.step for s in reader.Scalars("train/loss")] == [4, 8, 12]
    image = reader.Images("preview/00")[0]
    assert (image.width, image.height) == (9, 6)
    assert image.encoded_image_string == (folder.path / "previews" / "00.png").read_bytes()


@needs("mlflow")
def test_mlflow_keeps_a_run_in_the_workspace(folder: RunFolder, tmp_path: Path) -> None:
    from mlflow.tracking import MlflowClient

    write_run(folder)
    track(folder, "mlflow", lambda: True)
    client = MlflowClient(tracking_uri=sinks_module._local_store())
    run = client.get_run(json.loads((folder.path / "tracking" / "mlflow.json").read_text())["known_as"])
    assert run.info.status == "FINISHED" and run.data.params["training.epochs"] == "3"
    history = client.get_metric_history(run.info.run_id, "epoch/val_iou")
    assert [(m.step, round(m.value, 4)) for m in history] == [(1, 0.1), (2, 0.2), (3, 0.3)]
    assert "epoch/val_iou/Größe _ß_" in run.data.metrics


@needs("wandb")
def test_wandb_offline_keeps_everything_in_the_run(folder: RunFolder) -> None:
    write_run(folder)
    words = [
        sys.executable,
        str(ROOT / "app.py"),
        "_job",
        "track",
        str(folder.path),
        "wandb",
    ]  # it leaves a process of its own
    done = subprocess.run(
        words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    files = list((folder.path / "wandb").glob("offline-run-*/*.wandb"))
    assert len(files) == 1 and files[0].stat().st_size > 500


def test_wandb_is_called_as_it_is_documented(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[dict[str, Any]] = []
    begun: dict[str, Any] = {}

    class Run:
        def __init__(self) -> None:
            self.summary: dict[str, Any] = {}
            self.axes: dict[str, Any] = {}
            self.code: int | None = None

        def define_metric(self, name: str, step_metric: str | None = None) -> None:
            self.axes[name] = step_metric

        def log(self, values: dict[str, Any]) -> None:
            logged.append(values)

        def finish(self, exit_code: int) -> None:
            self.code = exit_code

    run = Run()
    fake = types.ModuleType("wandb")
    fake.init = lambda **words: begun.update(words) or run  # type: ignore[attr-defined]
    fake.Image = lambda path: ("image", path)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wandb", fake)
    monkeypatch.setattr(sinks_module, "availability", lambda: dict.fromkeys(TRACKERS, ""))
    write_run(folder)
    track(folder, "wandb", lambda: True)
    assert begun["mode"] == "offline" and begun["project"] == "Blech" and begun["dir"] == str(folder.path)
    assert (
        begun["resume"] == "allow"
        and begun["id"] == "2026-01-01_ß_1"
        and begun["config"]["training.epochs"] == 3
    )
    assert run.axes["epoch/*"] == "epoch" and run.axes["*"] == "step" and run.code == 0
    assert {v["epoch"] for v in logged if "epoch/val_iou" in v} == {1, 2, 3}
    assert all(("step" in v) != ("epoch" in v) for v in logged)


def test_options_of_trackers_that_are_on() -> None:
    assert TrackersConfig(tensorboard=True, wandb=True).wanted() == ["tensorboard", "wandb"]

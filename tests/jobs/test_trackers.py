"""Trackers beside a real run: one that is dead, hangs or is not installed costs one warning and nothing else."""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from src.core.engine import tracking
from src.core.engine.tracking import TrackerFollowers
from src.core.engine.trainer import Trainer
from src.core.run import EventTail, EventWriter, RunFolder, summarise
from src.jobs.train import run_training
from tests.toy import ToyLoader, make_trainer

#: A follower that says one thing; its words are [script, _job, track, run folder, tracker].
SAYS = "import sys, pathlib\npathlib.Path(sys.argv[3], 'tracking', sys.argv[4] + '.said').write_text({!r} + '\\n')\n"


def warnings_of(folder: RunFolder) -> list[tuple[str, str]]:
    return [(e["code"], e["message"]) for e in EventTail(folder.events).read() if e.type == "warning"]


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder(tmp_path / "run")
    made.path.mkdir()
    made.config.write_text("monitoring:\n  trackers:\n    tensorboard: true\n", "utf-8")
    return made


def followed(folder: RunFolder, monkeypatch: pytest.MonkeyPatch, body: str) -> tuple[Trainer, EventWriter]:
    """A run whose follower is a program of three lines; no library is needed."""
    script = folder.path / "follower.py"
    script.write_text(body, "utf-8")
    monkeypatch.setattr(tracking, "program", lambda: [os.sys.executable, str(script)])  # type: ignore[attr-defined]
    monkeypatch.setattr(tracking, "availability", lambda: {"tensorboard": ""})
    monkeypatch.setattr(tracking, "PATIENCE_S", 5.0)
    writer = EventWriter(folder.events)
    return make_trainer(epochs=3, callbacks=(TrackerFollowers(folder, writer, ["tensorboard"]),)), writer


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (SAYS.format('{"message": "No server.", "cure": "Start it."}') + "raise SystemExit(1)", "No server."),
        ("import os\nos._exit(9)", "exit code 9"),
        ("raise OSError(28, 'No space left on device')", "exit code 1"),
        ("print('noise that is no JSON', flush=True)\nraise SystemExit(4)", "exit code 4"),
        # a full disk cut its words short, and what it said next stands in the same line
        (SAYS.format('{"rea') + "raise SystemExit(5)", "exit code 5"),
    ],
)
def test_a_dead_tracker_costs_one_warning(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch, body: str, said: str
) -> None:
    trainer, writer = followed(folder, monkeypatch, body)
    assert trainer.fit().status == "completed" and len(trainer.state.history) == 3
    writer.close()
    found = warnings_of(folder)
    assert len(found) == 1 and found[0][0] == "tracker-tensorboard" and said in found[0][1]


def test_one_that_never_answers_takes_no_time_in_the_loop(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer, writer = followed(folder, monkeypatch, "import sys\nsys.stdin.read()")
    monkeypatch.setattr(tracking, "PATIENCE_S", 0.3)
    trainer.train_loader = ToyLoader(50)
    began = time.perf_counter()
    trainer.fit()
    assert time.perf_counter() - began < 4
    writer.close()
    assert [m for _, m in warnings_of(folder)] == ["TensorBoard had not answered when the run ended."]


def test_one_that_is_well_costs_none(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer, writer = followed(
        folder, monkeypatch, SAYS.format('{"ready": true}') + "import sys\nsys.stdin.read()"
    )
    trainer.fit()
    writer.close()
    assert warnings_of(folder) == []


def test_a_library_that_is_not_installed_costs_one_warning(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer, writer = followed(folder, monkeypatch, "")
    monkeypatch.setattr(
        tracking, "availability", lambda: {"tensorboard": "TensorBoard is not installed. Install with: x"}
    )
    assert trainer.fit().status == "completed"
    writer.close()
    assert [m for _, m in warnings_of(folder)] == [
        "TensorBoard is not installed; the run goes on without it."
    ]


@pytest.mark.skipif(importlib.util.find_spec("tensorboard") is None, reason="TensorBoard is not installed")
@pytest.mark.timeout(120)
def test_a_real_run_is_in_tensorboard_a_moment_after_its_end(new_run: Callable[..., RunFolder]) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = new_run(
        "monitoring.trackers.tensorboard=true", "training.epochs=2", "monitoring.resource_every_s=0"
    )
    assert run_training(folder.path, resume=False, follow_parent=False) == 0
    assert summarise(folder).state == "completed"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        reader = EventAccumulator(str(folder.path / "tensorboard"))
        reader.Reload()
        if "epoch/val_iou" in reader.Tags()["scalars"] and len(reader.Scalars("epoch/val_iou")) == 2:
            break
        time.sleep(0.2)
    known = [e["metrics"]["iou"] for e in EventTail(folder.events).read() if e.type == "epoch_completed"]
    assert [s.value for s in reader.Scalars("epoch/val_iou")] == pytest.approx(known)
    assert reader.Tags()["images"]
    assert not [w for w in warnings_of(folder) if w[0].startswith("tracker")]


@pytest.mark.timeout(120)
def test_a_server_that_does_not_answer(new_run: Callable[..., RunFolder]) -> None:
    if importlib.util.find_spec("mlflow") is None:
        pytest.skip("MLflow is not installed")
    folder = new_run("monitoring.trackers.mlflow=true", "monitoring.trackers.mlflow_server=http://127.0.0.1:9",
                     "training.epochs=2")  # fmt: skip
    assert run_training(folder.path, resume=False, follow_parent=False) == 0
    assert summarise(folder).state == "completed"
    found = [w for w in warnings_of(folder) if w[0] == "tracker-mlflow"]
    assert len(found) == 1 and "MLflow" in found[0][1]

"""Nothing is replaced here: the real program trains, pauses, resumes and completes under a thread."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from src.core.run import summarise
from src.threads.training_thread import TrainingThread
from tests.fake_jobs import Told
from tests.fakes import make_fake_dataset

SIGNALS = ("epoch_started", "epoch_completed", "batch_progress", "training_completed", "training_failed")


def finish(thread: TrainingThread, told: Told, until: Any) -> dict[str, Any]:
    until(lambda: told["training_completed"] or told["training_failed"], 90.0)
    until(thread.isFinished)
    assert not told["training_failed"]
    found: dict[str, Any] = told["training_completed"][0][0]
    return found


def test_train_pause_resume(tmp_path: Path, until: Any) -> None:
    data = make_fake_dataset(tmp_path / "tiles", many=12)
    settings = {
        "architecture": "unet",
        "encoder": "resnet18",
        "encoder_weights": None,
        "num_epochs": 3,
        "batch_size": 3,
        "learning_rate": 1e-3,
        "images_dir": data / "images",
        "masks_dir": data / "masks",
        "checkpoint_dir": tmp_path / "runs",
        "image_size": 32,
        "num_workers": 0,
        "device": "cpu",
        "training.cpu_threads": 1,
        "monitoring": {"report": False, "preview_samples": 0},
    }
    thread = TrainingThread(settings)
    told = Told(thread, *SIGNALS)
    thread.epoch_completed.connect(lambda *_: thread.pause())
    thread.start()
    history = finish(thread, told, until)
    assert history["status"] == "paused"
    assert 1 <= len(history["train_loss"]) < 3
    assert told["epoch_started"][0] == (1,)
    batch, batches, phase, loss, _ = told["batch_progress"][0]
    assert 1 <= batch <= batches and phase in ("train", "val") and loss > 0

    again = TrainingThread.resume(history["run_dir"])
    told = Told(again, *SIGNALS)
    again.start()
    history = finish(again, told, until)
    assert history["status"] == "completed"
    assert history["epoch"] == [1, 2, 3]
    assert len(history["val_iou"]) == 3 and 0 <= history["best_val_metric"] <= 1
    assert Path(history["checkpoint"]).is_file() and Path(history["model"]).is_file()
    assert summarise(again.folder).state == "completed"

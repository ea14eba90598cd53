"""The training job in this process: its endings, its files, and what it says when something is wrong."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from src.core.engine import recorder
from src.core.engine.checkpoint import read_header, read_weights
from src.core.run import CheckpointIndex, EventTail, RunFolder, commands, summarise
from src.jobs import in_folder
from src.jobs import train as job

NewRun = Callable[..., RunFolder]
pytestmark = pytest.mark.usefixtures("no_signals")


def run(folder: RunFolder, resume: bool = False) -> Any:
    job.run_training(folder.path, resume=resume, follow_parent=False)
    return summarise(folder)


def events(folder: RunFolder, type: str) -> list[Any]:
    return [e for e in EventTail(folder.events).read() if e.type == type]


def test_a_run_leaves_everything_that_its_readers_need(new_run: NewRun) -> None:
    folder = new_run("monitoring.report=true", "monitoring.save_every_epochs=1")
    summary = run(folder)
    assert summary.state == "completed" and summary.epoch == 3 and summary.cause == ""
    assert (
        Path(summary.model).is_file()
        and Path(summary.report).is_file()
        and Path(summary.checkpoint).is_file()
    )
    facts = read_header(Path(summary.model))["facts"]
    assert facts["classes"] == ["background", "object"] or len(facts["classes"]) == 2
    weights, header = read_weights(Path(summary.model))
    assert header["value"] == summary.best_value and all(torch.isfinite(v).all() for v in weights.values())
    entries = CheckpointIndex(folder).entries()
    assert sum("keep" in e.roles for e in entries) == 3 and all(
        not CheckpointIndex(folder).problem(e) for e in entries
    )
    previews = events(folder, "preview_written")
    assert len(previews) == 3 and all(
        (folder.path / item["prediction"]).is_file() for p in previews for item in p["items"]
    )
    environment = folder.read_json(folder.environment)
    assert environment["versions"]["torch"] and environment["data_fingerprint"] and environment["split_hash"]
    split = folder.read_json(folder.dataset / "split.json")["hash"]
    assert environment["split_hash"] == split == header["split_hash"]
    assert {e.split_hash for e in entries} == {split}
    assert [e["split_hash"] for e in events(folder, "run_started")] == [split]
    assert (folder.dataset / "train.txt").is_file() and not folder.command.exists()
    progress = [e for e in events(folder, "batch_progress") if e["phase"] == "train"]
    assert progress and {"loss", "terms", "lr", "batch", "batches"} <= progress[0].data.keys()


def test_what_was_detected_is_entered_under_its_own_layer(new_run: NewRun) -> None:
    folder = new_run("data.masks.meaning=detect", "training.epochs=1")
    assert run(folder).state == "completed"
    resolved = job.load_config(folder)
    assert resolved.config.data.masks.meaning == "binary"  # type: ignore[attr-defined]
    assert resolved.origins["data.masks.meaning"] == "detected"
    assert any("mask" in w["message"].lower() for w in events(folder, "warning"))


def test_stop_before_the_first_batch_and_twice(new_run: NewRun) -> None:
    folder = new_run()
    commands.send(folder, "stop")
    commands.send(folder, "stop")
    summary = run(folder)
    assert summary.state == "stopped" and summary.epoch == 0 and "before the first batch" in summary.cause
    assert summary.resumable
    assert run(folder, resume=True).state == "completed"


def test_nothing_says_resumed_when_it_started_afresh(new_run: NewRun) -> None:
    folder = new_run("training.epochs=1")
    run(folder, resume=True)
    assert events(folder, "run_started")[0]["resumed"] is False


def test_a_complete_run_is_not_resumed_but_can_be_made_longer(new_run: NewRun) -> None:
    folder = new_run("training.epochs=1")
    before = run(folder)
    assert before.best_value is not None
    written = (folder.path / "model.safetensors").stat().st_mtime_ns
    summary = run(folder, resume=True)
    assert (folder.path / "model.safetensors").stat().st_mtime_ns == written
    assert (
        (summary.state, summary.epoch, summary.best_value) == ("completed", 1, before.best_value)
        and "has done all its 1 epochs" in summary.cause
        and "training.epochs=2" in summary.cure
    )
    folder.config.write_text(folder.config.read_text("utf-8").replace("epochs: 1\n", "epochs: 2\n"), "utf-8")
    assert run(folder, resume=True).state == "completed" and summarise(folder).epoch == 2


def test_resume_with_other_classes_is_refused(new_run: NewRun) -> None:
    folder = new_run("training.epochs=2", "data.masks.classes=[ground, square]")
    run(folder)
    description = folder.dataset / "description.json"
    description.write_text(description.read_text("utf-8").replace("square", "circle"), "utf-8")
    summary = run(folder, resume=True)
    assert (
        summary.state == "completed" and "circle" in summary.cause and "square" in summary.cause and summary.cure
    )


@pytest.mark.parametrize("damage", ["flip", "cut"])
def test_a_damaged_checkpoint_is_told_and_the_one_before_is_used(
    new_run: NewRun, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "SAVING_SHARE", 1e9)
    folder = new_run()
    run(folder)
    reference = CheckpointIndex(folder).with_role("last")
    assert reference is not None
    path = CheckpointIndex(folder).file_of(reference)
    expected = torch.cat([v.double().flatten() for v in recorder_state(path).values()])
    data = bytearray(path.read_bytes())
    if damage == "flip":
        data[len(data) // 2] ^= 4
    path.write_bytes(data if damage == "flip" else data[: len(data) // 2])
    summary = run(folder, resume=True)
    assert summary.state == "completed"
    assert any(
        w["code"] == "checkpoint-damaged" and path.name in w["message"] for w in events(folder, "warning")
    )
    again = CheckpointIndex(folder).with_role("last")
    assert again is not None
    found = torch.cat(
        [v.double().flatten() for v in recorder_state(CheckpointIndex(folder).file_of(again)).values()]
    )
    assert torch.equal(found, expected)


def recorder_state(path: Path) -> dict[str, torch.Tensor]:
    from src.core.engine.checkpoint import read_state

    weights: dict[str, torch.Tensor] = read_state(path)[0]["model"]
    return weights


def test_a_full_disk_ends_the_run_and_loses_nothing(new_run: NewRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "SAVING_SHARE", 1e9)
    folder = new_run()
    real, calls = recorder.write_verified, []

    def write_verified(path: Path, data: bytes) -> str:
        calls.append(path)
        if len(calls) > 2:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return real(path, data)

    monkeypatch.setattr(recorder, "write_verified", write_verified)
    summary = run(folder)
    assert summary.state == "failed" and "disk is full" in summary.cause and "resume" in summary.cure
    entry, problems = CheckpointIndex(folder).newest_sound()
    assert entry is not None and not problems and not list(folder.checkpoints.glob(".*"))
    monkeypatch.setattr(recorder, "write_verified", real)
    assert run(folder, resume=True).state == "completed"


def test_out_of_memory_names_a_batch_that_fits(new_run: NewRun, monkeypatch: pytest.MonkeyPatch) -> None:
    from src.tasks.segmentation.task import SegmentationTask

    def full(*_: Any) -> None:
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(SegmentationTask, "training_step", full)
    summary = run(new_run())
    assert summary.state == "failed" and "memory" in summary.cause and "training.batch_size=1" in summary.cure


def test_nan_names_the_files(new_run: NewRun) -> None:
    folder = new_run("training.optimizer.learning_rate=10", "training.optimizer.name=sgd", "training.clip_norm=0",
                     "training.schedule.warmup_epochs=0", "training.loss.name=bce", "training.loss.positive_weight=1000",
                     "training.epochs=30", "training.optimizer.momentum=0.99")  # fmt: skip
    summary = run(folder)
    if summary.state == "completed":
        pytest.fail("the test's learning rate did not diverge")
    assert summary.state == "failed" and "no longer a number" in summary.cause and "teil" in summary.cause


def test_the_best_model_survives_a_failure(new_run: NewRun, monkeypatch: pytest.MonkeyPatch) -> None:
    from src.tasks.segmentation.task import SegmentationTask

    real, calls = SegmentationTask.training_step, []

    def fails_in_epoch_three(*values: Any) -> Any:
        calls.append(1)
        if len(calls) > 10:  # five steps an epoch
            raise RuntimeError("a fault of the driver")
        return real(*values)

    monkeypatch.setattr(SegmentationTask, "training_step", fails_in_epoch_three)
    summary = run(new_run())
    assert (
        summary.state == "failed" and "fault of the driver" in summary.cause and "train.log" in summary.cure
    )
    assert summary.epoch == 2 and Path(summary.model).is_file()
    assert read_header(Path(summary.model))["value"] == summary.best_value


def test_a_report_that_fails_says_why_and_what_is_left(
    new_run: NewRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise PermissionError(13, "Permission denied", "/reports")

    monkeypatch.setattr("src.core.report.write_report", fails)
    summary = run(new_run("monitoring.report=true", "training.epochs=1"))
    told = [e for e in summary.history if e.type == "warning" and e["code"] == "ending.report"]
    assert summary.state == "completed" and Path(summary.model).is_file() and not summary.report
    assert told[0]["message"] == "The report was not written: Permission denied (/reports)."
    assert "log" not in told[0]["cure"] and "complete" in told[0]["cure"]


def test_a_run_cannot_be_taken_twice(
    new_run: NewRun, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_folder, "LOCK_PATIENCE_S", 0.1)
    folder = new_run()
    lock = folder.lock()
    assert job.run_training(folder.path, resume=False, follow_parent=False) == 1
    assert "in use by another process" in capsys.readouterr().err
    lock.release()


def test_data_that_cannot_be_trained_on(new_run: NewRun, config_file: Path) -> None:
    folder = new_run()
    for mask in (config_file.parent / "masks").iterdir():
        mask.unlink()
    summary = run(folder)
    assert summary.state == "failed" and summary.cause and summary.cure and not summary.checkpoint


def test_the_check_job_tells_of_masks_that_are_gone(
    config_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import json

    from src.jobs.check import run_check

    splits = config_file.parent / "splits"
    splits.mkdir()
    for part, numbers in (("train", range(8)), ("val", range(8, 12))):
        (splits / f"{part}.txt").write_text("\n".join(f"teil {n}.png" for n in numbers), "utf-8")
    config_file.write_text(
        config_file.read_text("utf-8").replace("data:\n", "data:\n  split_dir: splits\n"), "utf-8"
    )
    for mask in (config_file.parent / "masks").iterdir():
        mask.unlink()
    assert run_check(config_file) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    findings = [line["finding"] for line in lines if "finding" in line]
    assert any(f["severity"] == "error" and f["cure"] for f in findings)


def test_a_truncated_image_is_named_and_the_run_goes_on(new_run: NewRun, config_file: Path) -> None:
    victim = config_file.parent / "images" / "teil 3.png"
    victim.write_bytes(victim.read_bytes()[:200])
    folder = new_run("training.epochs=1", "data.max_unreadable=0.2")
    assert run(folder).state == "completed"
    assert any("teil 3.png" in str(w.data) for w in events(folder, "warning"))


@pytest.mark.parametrize("options", [
    ["model.freeze_epochs=1", "training.schedule.name=plateau", "training.optimizer.name=sgd", "training.ema_decay=0.9"],
    ["model.architecture=fpn", "training.loss.name=focal", "training.schedule.name=step", "training.accumulate=3"],
    ["model.architecture=deeplabv3plus", "training.loss.name=iou", "data.resize=crop", "training.batch_size=3"],
    ["model.architecture=unet", "data.channels=1", "training.loss.name=tversky", "data.resize=stretch", "training.batch_size=64"],
    ["training.loss.name=bce", "training.loss.positive_weight=5", "data.balance=0.5", "data.worker_kind=thread", "data.workers=2"],
])  # fmt: skip
def test_options_train(new_run: NewRun, options: list[str]) -> None:
    folder = new_run("training.epochs=2", *options)
    summary = run(folder)
    assert summary.state == "completed", summary.cause
    losses = [e["train_loss"] for e in events(folder, "epoch_completed")]
    assert len(losses) == 2 and all(x == x for x in losses)

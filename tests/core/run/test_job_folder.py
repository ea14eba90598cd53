"""Which model a person means, and the folder of a job with it."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from src.core.config import ConfigError, Layer, override_layer, read_yaml, resolve
from src.core.run import (
    CheckpointEntry,
    CheckpointIndex,
    EventWriter,
    ModelError,
    RunFolder,
    RunFolderError,
    create_job,
    find_model,
)
from src.core.run.checkpoints import write_verified
from src.tasks.catalog import job_info
from tests.toy_jobs import TOY, ToyConfig


def checkpoint(header: dict[str, Any]) -> bytes:
    """A safetensors file without tensors, with the header of a checkpoint."""
    meta = {"__metadata__": {"lathe": json.dumps({"format": "lathe-checkpoint-1", "header": header})}}
    text = json.dumps(meta).encode()
    return struct.pack("<Q", len(text)) + text


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run with a best and a last checkpoint."""
    made = RunFolder.create(tmp_path / "läufe mit raum", "teile", "unet")
    made.checkpoints.mkdir()
    made.config.write_text("task: segmentation\n")
    EventWriter(made.events).close()
    for name, epoch, role in (("a", 3, "best"), ("b", 5, "last")):
        file = made.checkpoints / f"{name}.safetensors"
        data = checkpoint(
            {"facts": {"task": "segmentation", "classes": ["x", name]}, "state": {"epoch": epoch}}
        )
        digest = write_verified(file, data)
        CheckpointIndex(made).add(file, CheckpointEntry(file.name, digest, len(data), epoch, 1, (role,)))
    return made


def resolved(**values: Any) -> Any:
    return resolve(ToyConfig, [Layer("dialog", values)])


def test_a_run_by_folder_by_name_and_a_file_by_itself(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    best, last = find_model(str(run.path)), find_model(str(run.path), "last")
    assert (best.facts["classes"], best.epoch, best.run) != (last.facts["classes"], last.epoch, last.run)
    assert best.epoch == 3 and last.epoch == 5 and best.run is not None and best.run.path == run.path
    monkeypatch.setattr("src.core.run.folder.workspace", lambda: tmp_path)
    run.path.parent.rename(tmp_path / "runs")
    assert find_model(run.name).path.parent == tmp_path / "runs" / run.name / "checkpoints"
    alone = tmp_path / "alone.safetensors"
    alone.write_bytes(checkpoint({"facts": {"task": "t"}}))
    assert find_model(str(alone)).run is None and find_model(str(alone)).facts == {"task": "t"}


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 a zip", struct.pack("<Q", 1 << 62) + b"{", struct.pack("<Q", 2) + b"{x"]
)
def test_a_foreign_or_broken_file_says_nothing_of_itself(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "foreign.pth").write_bytes(content)
    assert find_model(str(tmp_path / "foreign.pth")).facts == {}


def test_what_is_no_model_is_a_sentence(run: RunFolder, tmp_path: Path) -> None:
    for word, match in (
        ("", "No model"),
        ("no-such-run", "There is no run"),
        (str(tmp_path), "not a run folder"),
    ):
        with pytest.raises(ModelError, match=match):
            find_model(word)
    (run.checkpoints / "a.safetensors").write_bytes(b"cut")
    with pytest.raises(ModelError, match="cannot be trusted") as error:
        find_model(str(run.path))
    assert "checkpoint=last" in error.value.cure
    for file in run.checkpoints.iterdir():
        file.unlink()
    with pytest.raises(ModelError, match="no model yet"):
        find_model(str(run.path))


def test_results_go_into_the_run_and_are_numbered(run: RunFolder) -> None:
    first, second = (create_job(resolved(model=str(run.path), steps=5), TOY) for _ in range(2))
    assert first.path.parent == run.path / "toys" and first.path != second.path
    written = read_yaml(first.config)
    assert (written["job"], written["model"], written["steps"]) == ("toy", str(run.path), 5)
    assert written["origins"]["steps"] == "dialog"


def test_a_chosen_folder_is_taken_when_empty_or_when_the_same_job_was_begun_there(
    run: RunFolder, tmp_path: Path
) -> None:
    out = str(tmp_path / "ergebnis ö")
    first = create_job(resolved(model=str(run.path), out=out), TOY)
    assert first.path == Path(out)
    (first.path / "words.txt").write_text("done before")
    assert create_job(resolved(model=str(run.path), out=out, steps=7), TOY).path == first.path
    assert (first.path / "words.txt").read_text() == "done before" and read_yaml(first.config)["steps"] == 7
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_text("mine")
    with pytest.raises(RunFolderError, match="nothing is overwritten"):
        create_job(resolved(model=str(run.path), out=str(tmp_path / "other")), TOY)
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFolderError, match="cannot be written"):
        create_job(resolved(model=str(run.path), out=str(tmp_path / "file" / "x")), TOY)


def test_faults_of_the_configuration_are_told_before_a_folder_is_made(run: RunFolder) -> None:
    with pytest.raises(ConfigError, match="too many"):
        create_job(resolved(model=str(run.path), steps=99), TOY)
    assert not (run.path / "toys").exists()


def test_a_run_of_that_name_is_meant_also_in_a_file_of_options() -> None:
    assert (
        override_layer(["model=2026-01-01_teile_unet_1"], ToyConfig).values["model"]
        == "2026-01-01_teile_unet_1"
    )


@pytest.mark.parametrize("task", ["segmentation", "bearing"])
def test_the_folder_of_an_evaluation_is_called_by_the_part_that_is_evaluated(
    run: RunFolder, task: str
) -> None:
    info = job_info(task, "evaluate")

    def name(filled: dict[str, list[str]] | None = None, **asked: Any) -> str:
        run.dataset.mkdir(exist_ok=True)
        told = {"samples": {"train": ["a"], "val": [], "test": [], **(filled or {})}}
        (run.dataset / "description.json").write_text(json.dumps(told))
        config = resolve(info.config, [Layer("dialog", {"model": str(run.path), **asked})])
        return create_job(config, info).name.split("_", 1)[1].rsplit("_", 1)[0]

    assert name({"val": ["b"], "test": ["c"]}) == "test" and name({"val": ["b"]}) == "val" and name() == "all"
    assert name({"val": ["b"]}, part="train") == "train"
    assert name(data=str(run.path.parent / "neu")) == "neu"
    assert name(data=str(run.path.parent / "neu"), part="val") == "neu-val"

"""A run once more, and what the machine says of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from src.core.config import file_layer, resolve
from src.core.run import RunFolder, RunFolderError
from src.core.run.machine import hints
from src.core.run.machine_sample import MachineSampler
from src.core.run.reproduce import (
    configuration_of,
    differences,
    differences_now,
    differences_of,
    reproduce,
    reproduced_from,
)
from src.tasks.catalog import task_info
from tests.fakes import make_fake_run

THEN = {"lathe": "0.0.1", "python": "3.9.1", "device": "GPU A", "data_fingerprint": "aa", "split_hash": "s",
        "versions": {"torch": "1.0", "numpy": "2.0"}}  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    images = tmp_path / "runs" / "images"
    images.mkdir(parents=True)
    made = make_fake_run(tmp_path / "runs", epochs=4, previews=False)
    text = made.config.read_text("utf-8").replace("data:\n", f"data:\n  masks_dir: {images.as_posix()}\n")
    made.config.write_text(text, "utf-8")
    made.dataset.mkdir()
    (made.dataset / "train.txt").write_text("a.png\n", "utf-8")
    (made.dataset / "val.txt").write_text("b.png\n", "utf-8")
    made.write_json(made.environment, THEN)
    return made


def test_a_reproduction_has_the_same_settings_and_its_own_copy_of_the_split(run: RunFolder) -> None:
    made = reproduce(run, task_info)
    schema = task_info("segmentation").config
    before, now = (resolve(schema, [file_layer(r.config, schema)]).flat() for r in (run, made))
    assert {k for k in before if before[k] != now[k]} == {"data.split_dir"}
    assert now["data.split_dir"] == str(made.path / "split")
    assert (made.path / "split" / "train.txt").read_bytes() == (run.dataset / "train.txt").read_bytes()
    other = reproduced_from(made)
    assert made.path != run.path and other is not None and other.path == run.path


def test_a_run_without_a_split_cannot_be_repeated(run: RunFolder) -> None:
    for name in ("train.txt", "val.txt"):
        (run.dataset / name).unlink()
    with pytest.raises(RunFolderError, match="Clone it instead"):
        reproduce(run, task_info)
    assert len(list(run.path.parent.glob("*/config.yaml"))) == 1, "no half of a run is left"


def test_a_clone_begins_with_all_settings_but_the_name(run: RunFolder) -> None:
    run.config.write_text(run.config.read_text("utf-8").replace("name: ''", "name: mine"), "utf-8")
    resolved = configuration_of(run, task_info)
    assert resolved.config.name == "" and resolved.config.training.epochs == 4


def test_what_differs_is_said_and_the_serious_first() -> None:
    now = {**THEN, "data_fingerprint": "bb", "device": "GPU B", "versions": {"torch": "2.0"}}
    found = differences(THEN, now)
    assert [d.what for d in found] == ["the data", "torch", "numpy", "the device"]
    assert (
        found[0].serious and "torch 1.0 then, 2.0 now" in found[1].said and "not installed" in found[2].said
    )
    assert differences(THEN, THEN) == [] and differences({}, now) == []


def test_what_is_not_known_yet_is_not_said(run: RunFolder) -> None:
    assert not {"the data", "the device", "the split"} & {d.what for d in differences_now(run)}
    assert "the data" in {d.what for d in differences_now(run, data_fingerprint="other")}
    made = reproduce(run, task_info)
    assert differences_of(made) == []
    made.write_json(made.environment, {**THEN, "device": "GPU B"})
    assert [d.what for d in differences_of(made)] == ["the device"]


# ---- hints


def samples(**fields: float | None) -> list[dict[str, float | None]]:
    return [dict(fields) for _ in range(8)]


def test_waiting_for_data_names_what_helps() -> None:
    (hint,) = hints(samples(wait_share=0.62, cpu_percent=40.0), {"data.workers": 4, "data.cache": "off"})
    assert hint.severity == "warn"
    assert hint.said.startswith("The computation waits 62% of the time for data: more workers or the cache")
    (hint,) = hints(samples(wait_share=0.2), {"data.workers": 0, "data.cache": "on"})
    assert hint.severity == "info" and "set to 0" in hint.said and "the cache" not in hint.said
    (hint,) = hints(samples(wait_share=0.5, cpu_percent=97.0), {})
    assert "fully busy" in hint.said


def test_other_hints() -> None:
    (good,) = hints(samples(wait_share=0.02, gpu_percent=None))
    assert good.severity == "good" and "keeps up" in good.said
    (idle,) = hints(samples(wait_share=0.02, gpu_percent=30.0))
    assert "larger batch" in idle.said
    (full,) = hints(samples(wait_share=0.02, gpu_memory_mb=97.0, gpu_memory_total_mb=100.0))
    assert full.severity == "warn" and "97%" in full.said
    (disk,) = hints(samples(wait_share=0.02, disk_free_gb=1.5))
    assert "1.5 GB" in disk.said
    assert (
        hints(samples(wait_share=0.9)[:3]) == [] and hints([]) == [] and hints(samples(cpu_percent=3.0)) == []
    )


def test_the_machine_is_measured(tmp_path: Path) -> None:
    sampler = MachineSampler(tmp_path)
    first, second = sampler.sample(), sampler.sample()
    assert 0 < first["memory_used_mb"] < first["memory_total_mb"] and first["disk_free_gb"] > 0
    assert second.get("disk_read_mb_s", 0.0) >= 0 and "disk_read_mb_s" not in first
    assert "disk_free_gb" not in MachineSampler(tmp_path / "gone").sample()

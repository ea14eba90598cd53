"""Runs with a model and folders of jobs that tests of the windows make up; no torch, no real weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from src.core.run import EventWriter, RunFolder
from src.core.run.checkpoints import CheckpointEntry, file_hash
from tests.fakes import make_fake_run

FACTS = {
    "task": "segmentation", "architecture": "unet", "encoder": "resnet18", "in_channels": 3, "out_channels": 4,
    "classes": ["background", "scratch", "pit", "stain"], "image_size": 128, "resize": "crop",
    "sizes": {"min": [200, 180], "median": [320, 240], "max": [400, 300]}, "normalise": {"by": "image"},
}  # fmt: skip


def write_model(path: Path, facts: dict[str, Any] | None = None) -> None:
    """A safetensors file whose header says ``facts`` and that holds no tensor."""
    meta = {
        "lathe": json.dumps({"format": "lathe-checkpoint-1", "header": {"facts": facts or FACTS}, "tree": {}})
    }
    text = json.dumps({"__metadata__": meta}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(len(text).to_bytes(8, "little") + text)


def make_model_run(
    runs_dir: Path,
    name: str = "2026-05-01_tiles_unet-resnet18_1",
    value: float = 0.81,
    facts: dict[str, Any] | None = None,
) -> RunFolder:
    """A completed run with a best and a last checkpoint."""
    folder = make_fake_run(runs_dir, name=name, epochs=3, previews=False)
    with folder.config.open("a", encoding="utf-8") as handle:
        handle.write("monitoring:\n  best_metric: iou\n")
    entries = []
    for epoch, roles in ((2, ("best",)), (3, ("last",))):
        file = folder.checkpoints / f"epoch{epoch}.safetensors"
        write_model(file, facts)
        entries.append(
            CheckpointEntry(file.name, file_hash(file), file.stat().st_size, epoch, 0, roles, value)
        )
    folder.write_json(
        folder.checkpoints / "index.json",
        {"version": 1, "checkpoints": [{**e.__dict__, "roles": list(e.roles)} for e in entries]},
    )
    return folder


def make_job(
    path: Path,
    job: str,
    model: Path,
    status: str | None = "completed",
    task: str = "segmentation",
    **ended: Any,
) -> Path:
    """The folder of a job that ended so (None: without a word)."""
    path.mkdir(parents=True)
    (path / "config.yaml").write_text(f"job: {job}\ntask: {task}\nmodel: {model.as_posix()}\n", "utf-8")
    writer = EventWriter(path / "events.jsonl")
    writer.write("job_started", job=job, task=task, model=model.name, device="CPU", precision="fp32")
    if status:
        writer.write("run_ended", **{"status": status, "cause": "", "cure": "", **ended})
    writer.close()
    return path

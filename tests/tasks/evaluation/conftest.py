"""A run with a small untrained network and its data on disk, made without a training."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from src.core.dataset.config import ImageDataConfig, MaskConfig, SplitConfig
from src.core.dataset.describe import describe
from src.core.engine.checkpoint import encode_state
from src.core.job import Job
from src.core.run import CommandInbox, EventWriter, RunFolder
from src.models.segmentation_models import build_model
from src.tasks.segmentation.jobs.evaluate import run as evaluate
from src.tasks.segmentation.jobs.evaluate_config import EvaluateConfig

ENCODER = "tu-mobilenetv3_small_100"
SIZE = (40, 48)


def picture(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, array)[1].tobytes())


def write_data(
    root: Path, count: int, classes: int = 2, empty: int = 3, values: int = 255, ignore: int | None = None
) -> None:
    """Squares on noise: `count` images in folders of four, every `empty`-th without any."""
    rng = np.random.default_rng(0)
    for number in range(count):
        image = rng.integers(0, 80, (*SIZE, 3)).astype(np.uint8)
        mask = np.zeros(SIZE, np.uint8)
        if number % empty:
            for kind in range(1, classes):
                y, x = rng.integers(0, 24, 2)
                mask[y : y + 5 + 4 * kind, x : x + 12] = values if classes == 2 else kind
        image[mask > 0] += 120
        if ignore is not None:
            mask[:4, :9] = ignore
        name = f"part{number // 4}/teil ß{number}.png"
        picture(root / "images" / name, image)
        picture(root / "masks" / name, mask)


def make_run(
    folder: Path,
    data: Path,
    classes: tuple[str, ...] = ("background", "object"),
    test: float = 0.3,
    **masks: Any,
) -> RunFolder:
    """A run folder as a training leaves it, as far as an evaluation looks."""
    binary = len(classes) == 2
    kind = {"meaning": "binary"} if binary else {"meaning": "index"}
    options = ImageDataConfig(
        images_dir=str(data / "images"), masks_dir=str(data / "masks"), masks=MaskConfig(**kind, classes=list(classes), **masks),
        split=SplitConfig(group_by="folder", val_fraction=0.3, test_fraction=test),
    )  # fmt: skip
    found = describe(options, quick=True)
    assert not found.has_errors, found.findings
    assert found.meaning is not None
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("task: segmentation\n", "utf-8")
    (folder / "events.jsonl").write_text("", "utf-8")
    found.save(folder / "dataset")
    torch.manual_seed(0)
    model = build_model("unet", ENCODER, None, 3, found.meaning.out_channels)
    facts = {
        "task": "segmentation", "architecture": "unet", "encoder": ENCODER, "in_channels": 3,
        "out_channels": found.meaning.out_channels, "classes": list(classes), "masks": found.meaning.to_dict(),
        "image_size": 32, "resize": "stretch", "normalise": {"by": "image", "floor": 4.0}, "intensity_range": None,
    }  # fmt: skip
    state = encode_state({"model": model.state_dict()}, {"facts": facts, "split_hash": found.split_hash})
    (folder / "model.safetensors").write_bytes(state)
    return RunFolder(folder)


Evaluate = Callable[..., Any]


@pytest.fixture
def work(tmp_path: Path) -> Evaluate:
    """``work(run, **options)`` evaluates into a new folder and returns (result, folder, warnings of its log)."""
    count = iter(range(100))

    def go(model: Path | RunFolder, **options: Any) -> tuple[dict[str, Any], Path, list[str]]:
        folder = tmp_path / f"evaluation {next(count)}"
        folder.mkdir()
        path = model.path if isinstance(model, RunFolder) else model
        options = {"bootstrap": 50, "worst": 2, "report": False, **options}
        compute = {"device": "cpu", "precision": "fp32", "cpu_threads": 1}
        config = EvaluateConfig.model_validate({"model": str(path), "compute": compute, **options})
        place = RunFolder(folder)
        writer = EventWriter(place.events)
        try:
            result = evaluate(Job(config, place, writer, CommandInbox(place)))
        finally:
            writer.close()
        events = [json.loads(line) for line in place.events.read_text("utf-8").splitlines()]
        return result, folder, [e["code"] for e in events if e["type"] == "warning"]

    return go

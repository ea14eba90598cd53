"""Run folders as the training job leaves them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from src.core.config import override_layer, resolve
from src.core.run import EventWriter, RunFolder, create_run
from src.tasks.catalog import task_info

Epoch = dict[str, Any]


def epoch(number: int, **changes: Any) -> Epoch:
    """The fields of one completed epoch of a binary run."""
    iou = 0.1 * number
    names = ("iou", "dice", "accuracy", "precision", "recall", "f1")
    metrics = (
        dict.fromkeys(names, iou)
        | {f"{n}_mean": iou - 0.02 for n in names}
        | {f"{n}_std": 0.3 for n in names}
    )
    fields = {
        "epoch": number,
        "train_loss": 1.0 / number,
        "val_loss": 1.1 / number,
        "metrics": metrics,
        "per_class": {"object": dict.fromkeys(names, iou)},
        "terms": {},
        "lr": 1e-3 / number,
        "seconds": {"train": 8.0, "validation": 2.0},
        "images_per_second": 20.0 + number,
        "wait_share": 0.0,
        "is_best": True,
        "best_value": iou,
        "best_epoch": number,
    }
    return {**fields, **changes}


def started(**changes: Any) -> dict[str, Any]:
    """The fields of ``run_started``."""
    fields = {
        "attempt": 1,
        "resumed": False,
        "epoch": 1,
        "step": 0,
        "task": "segmentation",
        "device": "CPU",
        "precision": "fp32",
        "epochs": 4,
        "steps_per_epoch": 5,
        "batch_size": 4,
        "train_samples": 20,
        "val_samples": 5,
        "parameters": 14_300_000,
        "metric": "iou",
        "mode": "max",
        "class_names": ["background", "object"],
        "data": "",
    }
    return {**fields, **changes}


DESCRIPTION: dict[str, Any] = {
    "version": 1,
    "summary": "25 images (20 for training, 5 for validation), object on 18.",
    "fingerprint": "f" * 64,
    "split_hash": "a" * 64,
    "root": "/data",
    "meaning": {"kind": "binary", "classes": ["background", "object"]},
    "class_pixels": {"train": [9000, 1000], "val": [950, 50], "test": [0, 0]},
    "sizes": {"min": [64, 48], "max": [96, 64]},
    "findings": [
        {"severity": "notice", "code": "masks.binary", "message": "Taken as binary.", "cure": "", "where": []}
    ],
    "quarantined": [["broken.png", "it is cut short"]],
    "samples": {
        "train": [{"id": f"{i}.png", "group": f"g{i // 2}", "has_object": i % 2 == 0} for i in range(20)],
        "val": [{"id": f"v{i}.png", "group": "h", "has_object": True} for i in range(5)],
        "test": [],
    },
}


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., RunFolder]:
    """Makes a run folder: events of the given types, configuration pairs, previews of the given epochs."""

    def make(
        events: list[tuple[str, dict[str, Any]]],
        pairs: tuple[str, ...] = (),
        description: dict[str, Any] | None = None,
        previews: tuple[int, ...] = (),
        size: tuple[int, int] = (40, 30),
    ) -> RunFolder:
        images = tmp_path / "images"
        images.mkdir(exist_ok=True)
        schema = task_info("segmentation").config
        words = [
            f"data.images_dir={images}",
            f"data.masks_dir={images}",
            f"runs_dir={tmp_path / 'runs'}",
            *pairs,
        ]
        folder = create_run(resolve(schema, [override_layer(words, schema)]), task_info("segmentation"))
        writer = EventWriter(folder.events)
        for kind, fields in events:
            writer.write(kind, **fields)
            if kind == "epoch_completed" and fields["epoch"] in previews:
                writer.write(
                    "preview_written", epoch=fields["epoch"], items=[_preview(folder, fields["epoch"], size)]
                )
        writer.close()
        if description is not None:
            folder.write_json(folder.dataset / "description.json", description)
        return folder

    return make


def _preview(folder: RunFolder, number: int, size: tuple[int, int]) -> dict[str, Any]:
    names = {"image": "00_image.png", "truth": "00_truth.png", "prediction": f"00_epoch{number:05d}.png"}
    for place, name in enumerate(names.values()):
        picture = np.full((size[1], size[0], 3), 40 * place + number, np.uint8)
        Image.fromarray(picture).save(folder.previews / name)
    return {
        "sample": "teil <1>/b&w.png",
        "metric": 0.5,
        **{kind: f"previews/{name}" for kind, name in names.items()},
    }

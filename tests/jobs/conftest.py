"""A tiny set of pictures and a configuration that trains on it in a second or two."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from src.core.config import file_layer, override_layer, resolve
from src.core.run import RunFolder, create_run
from src.jobs import in_folder
from src.tasks.catalog import task_info

APP = Path(__file__).resolve().parents[2] / "app.py"


@pytest.fixture
def no_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that is carried out in the tests' own process leaves its signal handlers alone."""
    monkeypatch.setattr(in_folder, "_listen", lambda *_: None)


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    """Twelve bright squares on dark ground, in a folder whose name is no plain ASCII."""
    root = tmp_path / "Blech Größe β"
    rng = np.random.default_rng(0)
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    for number in range(12):
        image = rng.integers(0, 80, (40, 48, 3)).astype(np.uint8)
        mask = np.zeros((40, 48), np.uint8)
        y, x = rng.integers(0, 24, 2)
        mask[y : y + 14, x : x + 14] = 255
        image[mask > 0] += 120
        for folder, picture in (("images", image), ("masks", mask)):
            (root / folder / f"teil {number}.png").write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    values = {
        "task": "segmentation",
        "runs_dir": "runs",
        "data": {"images_dir": "images", "masks_dir": "masks", "image_size": 32, "workers": 0,
                 "masks": {"meaning": "binary", "threshold": 127}},
        "model": {"architecture": "pspnet", "encoder": "tu-mobilenetv3_small_100"},  # writing checkpoints is most of a short run
        "training": {"epochs": 3, "batch_size": 2, "cpu_threads": 1, "device": "cpu"},
        "monitoring": {"preview_samples": 2, "report": False, "resource_every_s": 0},
    }  # fmt: skip
    (root / "lathe.yaml").write_text(yaml.safe_dump(values), "utf-8")
    return root / "lathe.yaml"


@pytest.fixture
def new_run(config_file: Path) -> Callable[..., RunFolder]:
    """Make a run folder from the configuration and ``key=value`` words."""

    def make(*pairs: str) -> RunFolder:
        info = task_info("segmentation")
        layers = [file_layer(config_file, info.config), override_layer(pairs, info.config)]
        return create_run(resolve(info.config, layers), info)

    return make


def lathe(*words: str | Path, check: bool = False) -> tuple[int, dict[str, Any], str]:
    """Run the command line with ``--json``: exit code, the object, and what was said beside it."""
    done = subprocess.run(
        [sys.executable, str(APP), *map(str, words), "--json"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=110,
        check=check,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 1, f"{done.stdout}\n{done.stderr}"
    return done.returncode, json.loads(lines[0]), done.stderr

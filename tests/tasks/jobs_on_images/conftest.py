"""A made-up network that finds bright pixels, jobs that are carried out in this process, and small pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from src.core.dataset.masks import MaskMeaning
from src.core.engine.device import Precision
from src.core.feed.normalise import Normaliser
from src.core.inference.model import LoadedModel
from src.core.job import Job
from src.core.run import CommandInbox, EventTail, EventWriter, RunFolder
from src.core.run.model_source import ModelSource
from src.tasks.segmentation.jobs import over_images


class Bright(nn.Module):
    """Logit 20·(grey - ½) of the object; with three classes those of dark, middle and bright pixels."""

    def __init__(self, outputs: int = 1) -> None:
        super().__init__()
        self.outputs = outputs
        self.classes = outputs
        weights = torch.randn(32, 3, 5, 5, generator=torch.Generator().manual_seed(0))
        shift = torch.linspace(-8, 8, 32)
        self.encoder = lambda x: [nn.functional.conv2d(x, weights, shift, stride=4).relu()]

    def forward(self, x: Tensor) -> Tensor:
        grey = x.mean(1, keepdim=True)
        if self.outputs == 1:
            return 20 * (grey - 0.5)
        return torch.cat([-60 * (grey - level).abs() for level in (0.1, 0.5, 0.9)], 1)


def loaded(outputs: int = 1, names: tuple[str, ...] = ("background", "spot"), size: int = 64) -> LoadedModel:
    kind = "binary" if outputs == 1 else "index"
    values = () if outputs == 1 else tuple(range(outputs))
    facts = {"task": "segmentation", "architecture": "bright", "encoder": "none", "in_channels": 3, "out_channels": outputs,
             "classes": list(names), "image_size": size, "resize": "crop", "intensity_range": None}  # fmt: skip
    normaliser = Normaliser((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    return LoadedModel(Bright(outputs).eval(), facts, names, MaskMeaning(kind, names, values), normaliser, torch.device("cpu"),
                       Precision("fp32", None), "bright")  # fmt: skip


@dataclass
class Bench:
    """Carries out jobs on the made-up model."""

    root: Path
    model: LoadedModel
    run: RunFolder | None = None

    def source(self) -> ModelSource:
        return ModelSource(self.root / "model.bin", self.run, {}, "bright", 3)

    def job(self, config: Any, name: str = "results") -> Job:
        folder = self.root / name
        folder.mkdir(parents=True, exist_ok=True)
        place = RunFolder(folder)
        return Job(config, place, EventWriter(place.events), CommandInbox(place, 0.0))

    def do(
        self, runtime: Callable[[Job], dict[str, Any]], config: Any, name: str = "results"
    ) -> dict[str, Any]:
        return runtime(self.job(config, name))

    def events(self, name: str = "results") -> list[Any]:
        return list(EventTail(self.root / name / "events.jsonl").read())


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    (tmp_path / "model.bin").write_bytes(b"weights")
    monkeypatch.setenv("LATHE_WORKSPACE", str(tmp_path / "workspace"))
    found = Bench(tmp_path, loaded())
    monkeypatch.setattr(over_images, "find_model", lambda model, checkpoint: found.source())
    monkeypatch.setattr(over_images, "load_model", lambda *_: found.model)
    yield found


def spots(
    path: Path, size: tuple[int, int] = (40, 50), at: list[tuple[int, int, int, int]] | None = None
) -> np.ndarray:
    """A dark picture with bright rectangles (left, top, width, height); the mask of them."""
    mask = np.zeros(size, np.uint8)
    for left, top, width, height in [(5, 6, 10, 8), (30, 20, 4, 3)] if at is None else at:
        mask[top : top + height, left : left + width] = 255
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.repeat(np.where(mask > 0, 230, 20).astype(np.uint8)[..., None], 3, 2)
    path.write_bytes(cv2.imencode(path.suffix, image)[1].tobytes())
    return mask


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Six readable images of several kinds and a broken one."""
    folder = tmp_path / "Bilder Größe"
    spots(folder / "a.png")
    spots(folder / "a.bmp", at=[(0, 0, 3, 3)])
    spots(folder / "Tür" / "β.png", (3, 90), [(2, 0, 5, 3)])
    spots(folder / "leer.png", at=[])
    cv2.imwrite(str(folder / "grey.png"), spots(folder / "g.png"))
    (folder / "g.png").unlink()
    deep = np.full((33, 20), 1000, np.uint16)
    deep[4:9, 4:9] = 60000
    cv2.imwrite(str(folder / "deep.tif"), deep)
    (folder / "broken.png").write_bytes((folder / "a.png").read_bytes()[:60])
    cv2.imwrite(str(folder / "one.png"), np.full((1, 1), 255, np.uint8))
    return folder

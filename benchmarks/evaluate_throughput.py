"""How many images a second the evaluation takes beside the bare model, on images and masks in memory.

    python benchmarks/evaluate_throughput.py [--device cuda] [--size 256] [--images 256] [--out results.json]

Bare is the model's forward pass with the same weights, precision and batch over batches that lie on the device. The
evaluation is all that the job does for an image: normalise, predict, resize to the mask's size, count curves, calibration,
confusion and objects. Rounds alternate, and the best of each counts, since other programs only ever make it slower.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from src.core.config.job import ComputeConfig
from src.core.dataset.masks import MaskMeaning
from src.core.dataset.records import Sample
from src.core.engine.device import choose_device, choose_precision
from src.core.evaluation.collect import Collector
from src.core.evaluation.measure import Rules
from src.core.feed.normalise import ImageStandardiser
from src.core.inference.model import LoadedModel
from src.core.inference.predictor import Predictor
from src.core.inference.sources import ArraySource
from src.models.segmentation_models import build_model
from src.tasks.segmentation.jobs.evaluate_sink import sink_maker
from src.tasks.segmentation.jobs.inference_config import InferenceConfig


class MemorySource(ArraySource):
    """An image and its mask in memory."""

    def __init__(self, pixels: np.ndarray, truth: np.ndarray, name: str) -> None:
        super().__init__(pixels, name)
        self.truth: Future[np.ndarray] = Future()
        self.truth.set_result(truth)


def load(size: int, classes: int, device: str, precision: str, encoder: str) -> LoadedModel:
    """An untrained U-Net that scales images to its size."""
    torch.manual_seed(0)
    binary = classes == 2
    where = choose_device(device)
    outputs = 1 if binary else classes
    model = build_model("unet", encoder, None, 3, outputs).eval().requires_grad_(False)
    ready = model.to(where, memory_format=torch.channels_last)  # type: ignore[call-overload]
    names = tuple(f"class {k}" for k in range(classes))
    meaning = MaskMeaning("binary") if binary else MaskMeaning("index", names, tuple(range(classes)))
    facts = {"in_channels": 3, "out_channels": outputs, "image_size": size, "resize": "stretch"}
    how = choose_precision(precision, where)
    return LoadedModel(ready, facts, meaning.classes, meaning, ImageStandardiser(), where, how)


def bare(loaded: LoadedModel, batch: int, images: int) -> float:
    """Images a second of the forward pass."""
    x = torch.rand(batch, 3, loaded.size, loaded.size, device=loaded.device).to(
        memory_format=torch.channels_last
    )
    rounds = -(-images // batch)
    started = time.perf_counter()
    with torch.inference_mode():
        for _ in range(rounds):
            with torch.autocast(
                loaded.device.type, loaded.precision.dtype, enabled=loaded.precision.dtype is not None
            ):
                out = loaded.model(x)
        float(out.float().mean())  # waits for the device
    return rounds * batch / (time.perf_counter() - started)


def evaluated(loaded: LoadedModel, predictor: Predictor, sources: list[MemorySource], rules: Rules) -> float:
    """Images a second of the evaluation."""
    started = time.perf_counter()
    collected = Collector(rules)
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        make = sink_maker(rules, 0.5 if rules.binary else None, pool)
        waiting: list[Future[Any]] = []
        for source, result in predictor.stream(sources, make):
            if isinstance(result, Exception):
                raise result
            waiting.append(result)
            if len(waiting) > 16:
                collected.add(Sample(source.name, "", None, source.name), waiting.pop(0).result())
        for result in waiting:
            collected.add(Sample("rest", "", None, "rest"), result.result())
    assert len(collected) == len(sources)
    return len(sources) / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--encoder", default="resnet18")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--classes", type=int, default=2)
    parser.add_argument("--batch", type=int, default=0)
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", default="")
    given = parser.parse_args()
    loaded = load(given.size, given.classes, given.device, given.precision, given.encoder)
    rng = np.random.default_rng(0)
    size = (given.size, given.size)
    sources = []
    for number in range(given.images):
        truth = np.zeros(size, np.uint8)
        for k in range(1, given.classes):
            y, x = rng.integers(0, given.size - 40, 2)
            truth[y : y + 30, x : x + 30] = k
        sources.append(MemorySource(rng.integers(0, 256, (*size, 3), dtype=np.uint8), truth, str(number)))
    compute = ComputeConfig(batch_size=given.batch)
    predictor = Predictor(loaded, InferenceConfig(), compute)
    rules = Rules(given.classes, given.classes == 2)
    batch = predictor.batch_size
    bare(loaded, batch, batch), evaluated(loaded, predictor, sources[: 2 * batch], rules)
    found = [
        (bare(loaded, batch, given.images), evaluated(loaded, predictor, sources, rules))
        for _ in range(given.rounds)
    ]
    best = [max(x[i] for x in found) for i in (0, 1)]
    result = {
        "device": str(loaded.device), "precision": loaded.precision.name, "encoder": given.encoder, "size": given.size,
        "classes": given.classes, "batch": batch, "images": given.images, "threads": torch.get_num_threads(),
        "bare_images_s": round(best[0], 1), "evaluated_images_s": round(best[1], 1), "ratio": round(best[1] / best[0], 3),
        "rounds": [[round(v, 1) for v in pair] for pair in found],
    }  # fmt: skip
    print(json.dumps(result, indent=1))
    if given.out:
        Path(given.out).write_text(json.dumps(result, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()

"""Images a second of `Predictor.stream` on images in memory, over those of the bare model on the same batches.

Bare is the least that anybody could do: float batches that lie ready, ``model(batch)`` in evaluation mode without
gradients, nothing done with the logits. Ours begins with the uint8 images in memory and ends with a mask of each at its
own size: fitting or cutting, normalisation, the network, probabilities, blending of windows, threshold.

Both take turns in this process, several times; the result is the median of the ratios of a turn, by the clock and by
the time of the processor. The aim is 0.95.

usage: python benchmarks/predict_throughput.py [--cases a,b] [--repeats R] [--seconds S] [--device D] [--precision P]
       [--threads T] [--out DIR]
"""

from __future__ import annotations

import argparse
import csv
import platform
import statistics
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from src.core.config.job import ComputeConfig
from src.core.dataset.masks import MaskMeaning
from src.core.engine.device import choose_device, choose_precision
from src.core.feed.normalise import ImageStandardiser, Normaliser
from src.core.feed.workers import usable_cores
from src.core.inference.model import LoadedModel
from src.core.inference.predictor import Predictor
from src.core.inference.rows import Windows
from src.core.inference.sinks import labels_of
from src.core.inference.sources import ArraySource, Source
from src.models.segmentation_models import build_model
from src.tasks.segmentation.jobs.inference_config import InferenceConfig

RESULTS = Path(__file__).parent / "results"


class Case(NamedTuple):
    """``image``: ``(height, width)``; ``fit`` and ``size``: of the training; ``classes``: outputs of the model."""

    image: tuple[int, int]
    fit: str
    size: int
    classes: int = 1
    by_image: bool = True


CASES = {
    "as_trained_128": Case((128, 128), "letterbox", 128),
    "as_trained_256": Case((256, 256), "letterbox", 256),
    "as_trained_300x400_to_128": Case((300, 400), "letterbox", 128),
    "as_trained_256_6_classes": Case((256, 256), "stretch", 256, 6, False),
    "windows_1024_of_256": Case((1024, 1024), "crop", 256),
    "windows_1024_of_256_6_classes": Case((1024, 1024), "crop", 256, 6, False),
}


class MaskSink:
    """A mask of class numbers, as a prediction writes it."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.mask = np.empty(size, np.uint8)

    def band(self, top: int, probabilities: torch.Tensor) -> None:
        labels, _ = labels_of(probabilities)
        self.mask[top : top + len(labels)] = labels.cpu().numpy()

    def end(self) -> np.ndarray:
        return self.mask


def load(case: Case, device: torch.device, precision: str) -> LoadedModel:
    torch.manual_seed(0)
    model = build_model("unet", "resnet18", None, 3, case.classes).eval().requires_grad_(False)
    kind = "binary" if case.classes == 1 else "index"
    names = (
        ("background", "object") if case.classes == 1 else tuple(f"class {k}" for k in range(case.classes))
    )
    meaning = MaskMeaning(kind, names, () if case.classes == 1 else tuple(range(case.classes)))  # type: ignore[arg-type]
    facts = {"in_channels": 3, "out_channels": case.classes, "image_size": case.size, "resize": case.fit}
    normaliser = ImageStandardiser() if case.by_image else Normaliser()
    ready: Any = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return LoadedModel(ready, facts, names, meaning, normaliser, device, choose_precision(precision, device))


def sources_of(case: Case, count: int) -> list[Source]:
    rng = np.random.default_rng(0)
    return [ArraySource(rng.integers(0, 255, (*case.image, 3), dtype=np.uint8), f"{k}") for k in range(count)]


def ready_batches(predictor: Predictor, sources: list[Source]) -> list[torch.Tensor]:
    """What the network gets of these images, as float batches on the device."""
    loaded, size = predictor.loaded, predictor.batch_size
    pieces: list[np.ndarray] = []
    for source in sources:
        plan = predictor.plan(source.size)
        if plan.fit == "crop":
            windows = Windows(source, plan, loaded.channels)
            pieces += [piece for row in range(len(windows.tops)) for piece in windows.cut(row)]
        else:
            pieces.append(np.zeros((*plan.canvas, loaded.channels), np.uint8))
    batches = [np.stack(pieces[k : k + size]) for k in range(0, len(pieces), size)]
    return [
        loaded.normaliser.to_float(torch.from_numpy(b).permute(0, 3, 1, 2), loaded.device) for b in batches
    ]


def bare(loaded: LoadedModel, batches: list[torch.Tensor]) -> None:
    with torch.no_grad(), loaded.precision.context(loaded.device):
        for batch in batches:
            loaded.model(batch)
    if loaded.device.type == "cuda":
        torch.cuda.synchronize(loaded.device)


def ours(predictor: Predictor, sources: list[Source]) -> None:
    for _, result in predictor.stream(sources, lambda _source, size: MaskSink(size)):
        if isinstance(result, Exception):
            raise result


def measure(name: str, case: Case, options: argparse.Namespace) -> dict[str, Any]:
    device = choose_device(options.device)
    loaded = load(case, device, options.precision)
    compute = ComputeConfig(device=options.device, cpu_threads=options.threads or usable_cores())
    predictor = Predictor(loaded, InferenceConfig(), compute)
    per_image = predictor.plan(case.image).windows
    few = sources_of(case, max(1, predictor.batch_size // per_image))
    begun = time.perf_counter()
    for _ in range(2):
        bare(loaded, ready_batches(predictor, few))
    second = (time.perf_counter() - begun) / 2
    count = max(len(few), round(options.seconds / second) * len(few))
    sources = sources_of(case, min(count, 4096))
    batches = ready_batches(predictor, sources)
    ours(predictor, few)
    times: list[tuple[float, float, float, float]] = []
    for turn in range(options.repeats):
        row = {}
        for who in ("bare", "ours") if turn % 2 else ("ours", "bare"):
            wall, cpu = time.perf_counter(), time.process_time()
            bare(loaded, batches) if who == "bare" else ours(predictor, sources)
            row[who] = time.perf_counter() - wall, time.process_time() - cpu
        times.append((*row["bare"], *row["ours"]))
    ratios = [bare_s / ours_s for bare_s, _, ours_s, _ in times]
    return {
        "case": name,
        "images": len(sources),
        "pieces_an_image": per_image,
        "batch": predictor.batch_size,
        "bare_images_s": round(len(sources) / statistics.median(t[0] for t in times), 2),
        "ours_images_s": round(len(sources) / statistics.median(t[2] for t in times), 2),
        "ratio_median": round(statistics.median(ratios), 3),
        "ratio_min": round(min(ratios), 3),
        "ratio_max": round(max(ratios), 3),
        "ratio_cpu": round(statistics.median(t[1] / t[3] for t in times), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=6.0, help="of the bare model in one turn")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--threads", type=int, default=0, help="of the CPU; 0: all cores")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    rows = []
    for name in options.cases.split(","):
        rows.append(measure(name, CASES[name], options))
        print(rows[-1], flush=True)
    machine = f"{platform.system().lower()}-{platform.machine()}-{options.threads or usable_cores()}cores"
    device = options.device.replace(":", "")
    target = (
        options.out
        / f"predict_throughput_{machine}-{device}_{options.precision}_torch{torch.__version__.split('+')[0]}.csv"
    )
    options.out.mkdir(parents=True, exist_ok=True)
    with target.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    print(target)


if __name__ == "__main__":
    main()

"""Resident memory and time of predicting one image of 10,000 x 10,000 pixels, as a tiled TIFF and as a PNG.

Makes the pictures, then predicts each in a process of its own (U-Net over ResNet-18 with random weights, a sliding
window) and writes the mask row by row. The memory is read from outside, every 20 ms. The aim is below 2 GB.

usage: python benchmarks/predict_memory.py [--side N] [--files tiff,png] [--window PX] [--precision P] [--threads T]
       [--folder DIR] [--out DIR]
"""

from __future__ import annotations

import argparse
import csv
import json
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

RESULTS = Path(__file__).parent / "results"


def make(path: Path, side: int) -> None:
    """A texture with colour, as large as it is long."""
    import tifffile

    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 255, (side // 20, side // 20, 3), dtype=np.uint8)
    image = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
    if path.suffix == ".png":
        cv2.imwrite(str(path), image)
    else:
        tifffile.imwrite(path, image, tile=(256, 256), compression="zlib", photometric="rgb")


def predict(path: Path, window: int, precision: str, threads: int) -> dict[str, Any]:
    """In this process: predict, write the mask, say how long it took."""
    import torch

    from src.core.config.job import ComputeConfig
    from src.core.dataset.masks import MaskMeaning
    from src.core.engine.device import choose_precision
    from src.core.feed.normalise import ImageStandardiser
    from src.core.inference.model import LoadedModel
    from src.core.inference.predictor import Predictor
    from src.core.inference.sinks import labels_of
    from src.core.inference.sources import FileSource, Source
    from src.models.segmentation_models import build_model
    from src.tasks.segmentation.jobs.inference_config import InferenceConfig

    class MaskFile:
        """A mask as PGM, written band by band."""

        def __init__(self, _source: Source, size: tuple[int, int]) -> None:
            self._file = path.with_suffix(path.suffix + ".pgm").open("wb")
            self._file.write(f"P5 {size[1]} {size[0]} 255\n".encode())

        def band(self, top: int, probabilities: torch.Tensor) -> None:
            self._file.write((labels_of(probabilities) * 255).cpu().numpy().tobytes())

        def end(self) -> int:
            self._file.close()
            return 1

    device = torch.device("cpu")
    torch.manual_seed(0)
    model: Any = build_model("unet", "resnet18", None, 3, 1).eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    meaning = MaskMeaning("binary")
    facts = {"in_channels": 3, "out_channels": 1, "image_size": window, "resize": "crop"}
    loaded = LoadedModel(
        model,
        facts,
        meaning.classes,
        meaning,
        ImageStandardiser(),
        device,
        choose_precision(precision, device),
    )
    predictor = Predictor(loaded, InferenceConfig(), ComputeConfig(cpu_threads=threads))
    begun = time.perf_counter()
    for source, result in predictor.stream([FileSource(path)], MaskFile):
        if isinstance(result, Exception):
            raise result
        size = source.size
    return {"windows": predictor.plan(size).windows, "seconds": round(time.perf_counter() - begun, 1)}


def measure(path: Path, options: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, __file__, "--child", str(path), "--window", str(options.window)]
    command += ["--precision", options.precision, "--threads", str(options.threads)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    watched, most = psutil.Process(child.pid), 0
    while child.poll() is None:
        try:
            most = max(most, watched.memory_info().rss)
        except psutil.Error:
            break
        time.sleep(0.02)
    said = child.communicate()[0]
    if child.returncode:
        raise RuntimeError(f"The process that predicted {path.name} ended with {child.returncode}.")
    row = {"file": path.suffix[1:], "side": options.side, "file_mb": round(path.stat().st_size / 1e6)}
    return {
        **row,
        "window": options.window,
        **json.loads(said.splitlines()[-1]),
        "peak_mb": round(most / 1e6),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--side", type=int, default=10_000)
    parser.add_argument("--files", default="tiff,png")
    parser.add_argument("--window", type=int, default=512)
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(predict(options.child, options.window, options.precision, options.threads)))
        return
    rows = []
    with tempfile.TemporaryDirectory() as made:
        folder = options.folder or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        for kind in options.files.split(","):
            path = folder / f"image_{options.side}.{kind}"
            if not path.exists():
                make(path, options.side)
            rows.append(measure(path, options))
            print(rows[-1], flush=True)
    machine = f"{platform.system().lower()}-{platform.machine()}-cpu_{options.precision}"
    options.out.mkdir(parents=True, exist_ok=True)
    target = options.out / f"predict_memory_{machine}.csv"
    with target.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    print(target)


if __name__ == "__main__":
    main()

"""Resident memory of preparing and loading many images against few, as a training job does it.

Makes N small photographs with masks (or takes those that are there), then, in a process of its own for each size:
describes the data set, saves the description, lets go of it as the training job does, and reads one epoch.

usage: python benchmarks/loader_memory.py [--sizes 1000,100000] [--folder DIR] [--workers N] [--kind thread|process]
       [--out DIR]
"""

from __future__ import annotations

import argparse
import csv
import gc
import json
import os
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


def make(folder: Path, count: int) -> None:
    """Ten photographs of each part, 96 pixels a side, with a disc on every third."""
    rng = np.random.default_rng(1)
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        stem = f"part{number // 10:05}_{number % 10}"
        coarse = rng.integers(0, 255, (12, 12, 3), dtype=np.uint8)
        mask = np.zeros((96, 96), np.uint8)
        if number % 3 == 0:
            x, y, radius = (int(v) for v in rng.integers((10, 10, 3), (86, 86, 9)))
            cv2.circle(mask, (x, y), radius, 255, -1)
        image = cv2.resize(coarse, (96, 96), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / "images" / f"{stem}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 80])
        cv2.imwrite(str(folder / "masks" / f"{stem}.png"), mask)


def resident() -> float:
    """MB of this process and its children."""
    gc.collect()
    own = psutil.Process()
    return float(sum(p.memory_info().rss for p in (own, *own.children(recursive=True)))) / 1e6


def measure(folder: Path, workers: int, kind: str) -> dict[str, Any]:
    """In this process: memory before, after the description, and at most while an epoch is read."""
    import torch

    from src.core.dataset.config import ImageDataConfig
    from src.core.dataset.describe import describe
    from src.core.feed.augment import Augmentation
    from src.core.feed.dataset import ImageMaskDataset
    from src.core.feed.loader import FeedLoader

    torch.set_num_threads(1)
    config = ImageDataConfig(images_dir=str(folder / "images"), masks_dir=str(folder / "masks"))
    config.split.group_by, config.split.group_pattern = "pattern", r"(part\d+)_"
    before, start = resident(), time.perf_counter()
    data = describe(config)
    described_s = time.perf_counter() - start
    with tempfile.TemporaryDirectory() as place:
        data.save(place)
    data.compact()
    after = resident()
    if data.meaning is None:
        raise SystemExit("\n".join(map(str, data.findings)))
    dataset = ImageMaskDataset(
        data.samples["train"],
        data.meaning,
        64,
        augmentation=Augmentation(64, fit="letterbox", probability=0.5),
    )
    most, images = after, 0
    with FeedLoader(dataset, 32, shuffle=True, workers=workers, worker_kind=kind) as loader:  # type: ignore[arg-type]
        every = max(1, len(loader) // 8)
        for number, batch in enumerate(loader.epoch(1)):
            images += len(batch["index"])
            if number % every == 0:
                most = max(most, resident())
    return {
        "before_mb": round(before),
        "described_mb": round(after - before),
        "loading_mb": round(most - before),
        "describe_s": round(described_s, 1),
        "images_read": images,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", default="1000,100000")
    parser.add_argument(
        "--folder", type=Path, help="where the photographs are or go, in a folder for each size"
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kind", default="thread", choices=("thread", "process"))
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure, options.workers, options.kind)))
        return
    rows = []
    with tempfile.TemporaryDirectory() as place:
        for size in map(int, options.sizes.split(",")):
            folder = (options.folder or Path(place)) / str(size)
            if not folder.is_dir():
                make(folder, size)
            words = [sys.executable, __file__, "--measure", str(folder)]
            words += ["--workers", str(options.workers), "--kind", options.kind]
            done = subprocess.run(words, capture_output=True, text=True, check=True)
            row = {"images": size, "workers": options.workers, "kind": options.kind}
            row |= json.loads(done.stdout.splitlines()[-1])
            row["more_than_least_mb"] = row["loading_mb"] - rows[0]["loading_mb"] if rows else 0
            print("  ".join(f"{key} {value}" for key, value in row.items()), flush=True)
            rows.append(row)
    machine = f"{platform.system()}-{platform.machine()}-{os.cpu_count()}cores".lower()
    path = options.out / f"loader_memory_{machine}_{options.kind}.csv"
    options.out.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    print(f"written to {path}")


if __name__ == "__main__":
    main()

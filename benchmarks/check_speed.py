"""How long the check of a data set takes, beside decoding every file whole with Pillow.

    python benchmarks/check_speed.py --images 10000

Makes JPEG images of 256 to 512 pixels with PNG masks, checks them in full and quickly, and decodes them all with
Pillow in as many threads. Beside that, the search for near duplicates alone among 5,000 noisy frames of a camera
that moves slowly along one scene, by a pixel or a twentieth of one a frame: the most that the search may meet. Each
runs in a process of its own, so that the largest resident memory is its own.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import cv2  # noqa: E402
import numpy as np  # noqa: E402


def make(folder: Path, number: int) -> None:
    """Images with a texture of their own and one to five discs on each mask."""
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()

    def one(index: int) -> None:
        random = np.random.default_rng(index)
        height, width = (int(v) for v in random.integers(256, 513, 2))
        image = np.full((height, width, 3), 110, np.float32)
        for cells in (7, 19, 53, 131):
            coarse = random.normal(0, 14, (cells, cells, 3)).astype(np.float32)
            image += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        mask = np.zeros((height, width), np.uint8)
        for _ in range(int(random.integers(1, 6))):
            centre = (int(random.integers(0, width)), int(random.integers(0, height)))
            cv2.circle(mask, centre, int(random.integers(4, 30)), 255, -1)
        image[mask > 0] *= 0.6
        cv2.imwrite(str(folder / "images" / f"{index:06}.jpg"), np.clip(image, 0, 255).astype(np.uint8))
        cv2.imwrite(str(folder / "masks" / f"{index:06}.png"), mask)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(one, range(number)))


def check(folder: Path, quick: bool) -> int:
    """The check as ``app.py check`` makes it; returns the number of images."""
    from src.core.dataset.config import ImageDataConfig
    from src.core.dataset.describe import describe

    config = ImageDataConfig(images_dir=str(folder / "images"), masks_dir=str(folder / "masks"))
    return len(describe(config, quick=quick).all_samples)


def naive(folder: Path) -> int:
    """Decode all images and masks whole with Pillow, and nothing else."""
    from PIL import Image

    files = sorted([*(folder / "images").iterdir(), *(folder / "masks").iterdir()])

    def one(path: Path) -> int:
        with Image.open(path) as image:
            return int(np.asarray(image).size)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return len(list(pool.map(one, files))) // 2


def film(step: float, noise: float, frames: int = 5000) -> tuple[int, float]:
    """Frames and the seconds in which their near duplicates are found; drawing them does not count."""
    from src.core.dataset.checking.near_duplicates import clusters
    from src.core.dataset.checking.signatures import signature

    random = np.random.default_rng(0)
    scene = np.full((160, int(168 + frames * step)), 120, np.float32)
    for cell in (4, 9, 20, 50):
        cells = random.normal(0, 22, (160 // cell + 2, scene.shape[1] // cell + 2)).astype(np.float32)
        scene += cv2.resize(cells, scene.shape[::-1], interpolation=cv2.INTER_CUBIC)
    marks = {}
    for k in range(frames):
        move = np.array([[1, 0, -step * k], [0, 1, 0]], np.float32)
        frame = cv2.warpAffine(scene, move, (160, 160)) + random.normal(0, noise, (160, 160))
        if (mark := signature(np.clip(frame, 0, 255).astype(np.uint8))) is not None:
            marks[f"frame{k:05}"] = mark
    started = time.perf_counter()
    clusters(marks)
    return len(marks), time.perf_counter() - started


WAYS: dict[str, Callable[[Path], int | tuple[int, float]]] = {
    "check": lambda folder: check(folder, quick=False),
    "check --quick": lambda folder: check(folder, quick=True),
    "decode all with Pillow": naive,
    "near duplicates of a film": lambda _: film(1.0, 10),
    "near duplicates of a slow film": lambda _: film(0.05, 15),
}


def peak_mib() -> float:
    """Largest resident memory of this process; 0 where the system does not tell (Windows)."""
    try:
        import resource
    except ImportError:
        return 0.0
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def main() -> None:
    """Measure, print and write the CSV; with ``--way`` one way in this process."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument(
        "--folder", type=Path, help="where the images are, or are made (default: a temporary folder)"
    )
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way:
        started = time.perf_counter()
        result = WAYS[arguments.way](arguments.folder)
        number, seconds = result if isinstance(result, tuple) else (result, time.perf_counter() - started)
        print(json.dumps({"images": number, "seconds": seconds, "peak_mib": peak_mib()}))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary) / "set"
        if not folder.is_dir():
            make(folder, arguments.images)
        rows = []
        for way in WAYS:
            command = [sys.executable, __file__, "--way", way, "--folder", str(folder)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            found = json.loads(done.stdout.splitlines()[-1])
            rows.append({
                "what": way,
                "images": found["images"],
                "seconds": round(found["seconds"], 2),
                "images_per_second": round(found["images"] / found["seconds"], 1),
                "peak_mib": round(found["peak_mib"], 1),
                "cores": os.cpu_count(),
            })  # fmt: skip
            print(rows[-1], flush=True)
    machine = f"{platform.system()}-{platform.machine()}-{os.cpu_count()}cores"
    target = ROOT / "benchmarks" / "results" / f"check_speed_{machine}_opencv{cv2.__version__}.csv"
    with target.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    print(f"written to {target}")


if __name__ == "__main__":
    main()

"""Images a second from the original files to normalised float batches: a plain pipeline against the feed
room.

Plain is what a competent user writes: decode with OpenCV, albumentations (Resize, flips, RandomRotate90,
Affine, RandomBrightnessContrast, HueSaturationValue, GaussNoise, GaussianBlur, each with p = 0.5),
normalise to float, ToTensorV2, DataLoader. Ours does the same operations with the same probability, number
of workers and batch size, up to and with the normalisation to float in the calling thread. It saves,
legitimately: decoding plain PNG by a faster library, decoding a JPEG only as large as needed, one
resampling, and moving bytes instead of floats.

Cases with "crop" cut random windows at full resolution instead of resizing (RandomCrop). Each case is measured
from the original files and, with ``--source cache`` or ``both``, from the packed cache, which is built before; the
time of its building is in the result.

Both run in turns in this process, several times; the result is the median. Start-up of workers is not
counted.

usage: python benchmarks/loader_throughput.py [--seconds S] [--repeats R] [--cases a,b] [--kinds k,l]
       [--source files|cache|both] [--profile] [--folder DIR --masks DIR --size N] [--out DIR]

Needs albumentations, which the application itself does not use.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from src.core.dataset.masks import MaskMeaning
from src.core.dataset.records import Sample
from src.core.feed.augment import Augmentation
from src.core.feed.cache import CachedReader, PackedCache, open_or_build
from src.core.feed.dataset import ImageMaskDataset, least_size
from src.core.feed.geometry import Fit
from src.core.feed.loader import FeedLoader
from src.core.feed.normalise import Normaliser
from src.core.feed.reading import FileReader

BATCH = 8
#: name: (suffix, side of the file, side of the model's input, number of files, colour)
CASES = {
    "jpeg_1024_crop_512": (".jpg", 1024, 512, 32, True),
    "png_1024_crop_512": (".png", 1024, 512, 32, True),
    "jpeg_1024_to_512": (".jpg", 1024, 512, 32, True),
    "jpeg_grey_1024_to_512": (".jpg", 1024, 512, 32, False),
    "jpeg_256_to_128": (".jpg", 256, 128, 256, True),
    "jpeg_grey_256_to_128": (".jpg", 256, 128, 256, False),
    "png_1024_to_512": (".png", 1024, 512, 32, True),
    "png_256_to_128": (".png", 256, 128, 256, True),
    "png_grey_1024_to_512": (".png", 1024, 512, 32, False),
    "png_grey_256_to_128": (".png", 256, 128, 256, False),
}


def scene(side: int, colour: bool, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A photograph-like texture with a few dark discs, and the anti-aliased mask of the discs."""
    rng = np.random.default_rng(seed)
    channels = 3 if colour else 1
    image = np.full((side, side, channels), 128, np.float32)
    for cells, strength in ((8, 50), (32, 25), (side // 4, 10), (side, 3)):
        layer = rng.standard_normal((cells, cells, channels), dtype=np.float32) * strength
        image += cv2.resize(layer, (side, side), interpolation=cv2.INTER_CUBIC).reshape(image.shape)
    mask = np.zeros((side, side), np.uint8)
    for _ in range(4):
        centre = tuple(int(v) for v in rng.integers(0, side, 2))
        cv2.circle(mask, centre, int(rng.integers(side // 40, side // 8)), 255, -1, cv2.LINE_AA)
    image *= 1 - 0.4 * (mask[..., None] / 255.0)
    return image.clip(0, 255).astype(np.uint8).squeeze(), mask


def write_files(folder: Path, suffix: str, side: int, count: int, colour: bool) -> list[Sample]:
    """Files as cameras and tools write them: JPEG quality 92, PNG by Pillow's defaults."""
    samples = []
    for number in range(count):
        image, mask = scene(side, colour, number)
        path, mask_path = folder / f"{number}{suffix}", folder / f"{number}_mask.png"
        Image.fromarray(image).save(path, **({"quality": 92} if suffix == ".jpg" else {}))
        Image.fromarray(mask).save(mask_path)
        samples.append(Sample(path.name, str(path), str(mask_path), path.name, width=side, height=side))
    return samples


def read_folder(images: Path, masks: Path) -> list[Sample]:
    """Pairs of the same stem in folders of the user's own."""
    by_stem = {p.stem: p for p in sorted(masks.rglob("*")) if p.suffix.lower() == ".png"}
    samples = []
    for path in sorted(images.rglob("*")):
        if (
            path.stem in by_stem
            and path != by_stem[path.stem]
            and path.suffix.lower() in (".jpg", ".jpeg", ".png")
        ):
            width, height = Image.open(path).size
            samples.append(
                Sample(path.name, str(path), str(by_stem[path.stem]), path.stem, width=width, height=height)
            )
    return samples


class PlainDataset(torch.utils.data.Dataset):  # type: ignore[type-arg]
    """The control: everything in ``__getitem__``."""

    def __init__(self, samples: list[Sample], size: int, crop: bool) -> None:
        import albumentations as A
        from albumentations.pytorch import ToTensorV2

        self.samples = samples
        self.transform = A.Compose(
            [
                A.RandomCrop(size, size) if crop else A.Resize(size, size),
                A.HorizontalFlip(p=0.5),
                A.VerticalFlip(p=0.5),
                A.RandomRotate90(p=0.5),
                A.Affine(translate_percent=0.1, scale=(0.9, 1.1), rotate=(-45, 45), p=0.5),
                A.RandomBrightnessContrast(p=0.5),
                A.HueSaturationValue(10, 20, 20, p=0.5),
                A.GaussNoise(std_range=(0.005, 0.0175), p=0.5),
                A.GaussianBlur(blur_limit=3, p=0.5),
                A.Normalize(),
                ToTensorV2(),
            ]
        )

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        sample = self.samples[index]
        image = cv2.cvtColor(cv2.imread(sample.image), cv2.COLOR_BGR2RGB)
        mask = (cv2.imread(str(sample.mask), 0) > 127).astype(np.float32)
        out = self.transform(image=image, mask=mask)
        return out["image"], out["mask"][None]


def plain(
    samples: list[Sample], size: int, workers: int, crop: bool = False
) -> tuple[Callable[[int], Iterator[int]], Callable[[], None]]:
    """An epoch as an iterator of batch sizes, and how to end it."""
    loader: Any = torch.utils.data.DataLoader(
        PlainDataset(samples, size, crop),
        BATCH,
        shuffle=True,
        num_workers=workers,
        persistent_workers=workers > 0,
    )

    def epoch(_: int) -> Iterator[int]:
        for image, _mask in loader:
            yield len(image)

    return epoch, lambda: None


def ours(
    samples: list[Sample],
    size: int,
    workers: int,
    kind: Any,
    crop: bool = False,
    cache: PackedCache | None = None,
) -> tuple[Callable[[int], Iterator[int]], Callable[[], None]]:
    """The same for the feed room; ``stretch`` is what Resize does."""
    fit: Fit = "crop" if crop else "stretch"
    meaning = MaskMeaning("binary")
    files = FileReader(meaning)
    dataset = ImageMaskDataset(
        samples,
        meaning,
        size,
        fit=fit,
        augmentation=Augmentation(size, fit=fit, probability=0.5),
        reader=CachedReader(files, cache) if cache else files,
    )
    loader = FeedLoader(dataset, BATCH, shuffle=True, workers=workers, worker_kind=kind)
    normaliser = Normaliser()

    def epoch(number: int) -> Iterator[int]:
        for batch in loader.epoch(number):
            image = normaliser.to_float(batch["image"])
            batch["mask"].float()
            yield len(image)

    return epoch, loader.close


def cpu_seconds() -> float:
    """Of this process and its worker processes, which live through the measurement."""
    times = [child.cpu_times() for child in psutil.Process().children()]
    return time.process_time() + sum(t.user + t.system for t in times)


def rate(epoch: Callable[[int], Iterator[int]], seconds: float, number: int) -> tuple[float, float]:
    """Images a second, and images a CPU second, over whole epochs that last so long."""
    count, start, cpu = 0, time.perf_counter(), cpu_seconds()
    while True:
        count += sum(epoch(number))
        number += 1
        if (spent := time.perf_counter() - start) >= seconds:
            return count / spent, count / (cpu_seconds() - cpu)


def built(samples: list[Sample], size: int, crop: bool, folder: Path) -> tuple[PackedCache, float]:
    """A cache of the samples, and the seconds that it took."""
    start = time.perf_counter()
    fit: Fit = "crop" if crop else "stretch"
    cache = open_or_build(
        samples, MaskMeaning("binary"), least=lambda s: least_size(s, (size, size), fit), folder=folder
    )
    return cache, time.perf_counter() - start


def compare(
    name: str,
    samples: list[Sample],
    size: int,
    seconds: float,
    repeats: int,
    kinds: list[str],
    sources: list[str],
) -> list[dict[str, Any]]:
    """One row for each source, number and kind of workers.

    ``ratio_cpu`` compares CPU time, that of worker processes counted in, instead of wall time: other programs
    on the machine hardly touch it.
    """
    rows, crop = [], "crop" in name
    with tempfile.TemporaryDirectory() as folder:
        cache, build_s = built(samples, size, crop, Path(folder)) if "cache" in sources else (None, 0.0)
        for source in sources:
            for kind in kinds:
                workers = 0 if kind == "caller" else 2
                baseline, end_plain = plain(samples, size, workers, crop)
                chosen = cache if source == "cache" else None
                candidate, end_ours = ours(
                    samples, size, workers, "auto" if kind == "caller" else kind, crop, chosen
                )
                row = {"case": name, "source": source, "workers": workers, "kind": kind}
                row |= measure(baseline, candidate, seconds, repeats)
                end_plain()
                end_ours()
                row["build_s"] = round(build_s, 2) if source == "cache" else ""
                print("  ".join(f"{key} {value}" for key, value in row.items()), flush=True)
                rows.append(row)
        if cache is not None:
            cache.close()
    return rows


def measure(
    baseline: Callable[[int], Iterator[int]],
    candidate: Callable[[int], Iterator[int]],
    seconds: float,
    repeats: int,
) -> dict[str, Any]:
    """Rates of the two in turns, and their ratios."""
    for warm in (baseline, candidate):
        sum(warm(0))
    pairs = [(rate(baseline, seconds, 1), rate(candidate, seconds, 1000 * r)) for r in range(1, repeats + 1)]
    ratios = sorted(b[0] / a[0] for a, b in pairs)
    return {
        "plain_images_s": round(statistics.median(a[0] for a, _ in pairs), 1),
        "ours_images_s": round(statistics.median(b[0] for _, b in pairs), 1),
        "ratio_median": round(statistics.median(ratios), 2),
        "ratio_min": round(ratios[0], 2),
        "ratio_max": round(ratios[-1], 2),
        "ratio_cpu": round(statistics.median(b[1] / a[1] for a, b in pairs), 2),
    }


def where_the_time_goes(name: str, samples: list[Sample], size: int) -> list[dict[str, Any]]:
    """Microseconds of each stage of an image, in one thread: read (and decode), change, copy into the batch,
    normalise."""
    rows, crop = [], "crop" in name
    fit: Fit = "crop" if crop else "stretch"
    change = Augmentation(size, fit=fit, probability=0.5)
    normaliser = Normaliser()
    batch = torch.empty((BATCH, size, size, 3), dtype=torch.uint8)
    with tempfile.TemporaryDirectory() as folder:
        cache, _ = built(samples, size, crop, Path(folder))
        files = FileReader(MaskMeaning("binary"))
        for source, reader in (("files", files), ("cache", CachedReader(files, cache))):
            spent = dict.fromkeys(("read", "change", "copy", "normalise"), 0.0)
            for turn in range(4):
                if turn == 1:  # the first fills the caches of system and processor
                    spent = dict.fromkeys(spent, 0.0)
                for number, sample in enumerate(samples):
                    rng = np.random.default_rng(number)
                    t0 = time.perf_counter()
                    drawn = change.draw((sample.height, sample.width), rng)
                    region = change.region(drawn)
                    image, mask = reader.read(sample, None if region else (size, size), region)
                    t1 = time.perf_counter()
                    out = change.apply(drawn, image, mask, region)["image"]
                    t2 = time.perf_counter()
                    batch.numpy()[number % BATCH] = out
                    t3 = time.perf_counter()
                    normaliser.to_float(batch[:1].permute(0, 3, 1, 2))
                    t4 = time.perf_counter()
                    for stage, took in zip(spent, (t1 - t0, t2 - t1, t3 - t2, t4 - t3), strict=True):
                        spent[stage] += took
            row = {"case": name, "source": source}
            row |= {f"{stage}_us": round(took / 3 / len(samples) * 1e6) for stage, took in spent.items()}
            print("  ".join(f"{key} {value}" for key, value in row.items()), flush=True)
            rows.append(row)
        cache.close()
    return rows


def write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    print(f"written to {path}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement, at least")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--kinds", default="caller,thread,process", help="who reads; caller: no workers")
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--source", choices=("files", "cache", "both"), default="files")
    parser.add_argument("--profile", action="store_true", help="say where the time of an image goes")
    parser.add_argument("--folder", type=Path, help="images of your own instead of generated ones")
    parser.add_argument("--masks", type=Path, help="their masks (PNG, same stem)")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows: list[dict[str, Any]] = []
    kinds = options.kinds.split(",")
    sources = ["files", "cache"] if options.source == "both" else [options.source]
    stages: list[dict[str, Any]] = []
    if options.folder:
        samples = read_folder(options.folder, options.masks or options.folder)
        name = f"{options.folder.resolve().name}_{len(samples)}_to_{options.size}"
        rows += compare(name, samples, options.size, options.seconds, options.repeats, kinds, sources)
    else:
        for name in options.cases.split(","):
            suffix, side, size, count, colour = CASES[name]
            with tempfile.TemporaryDirectory() as folder:
                samples = write_files(Path(folder), suffix, side, count, colour)
                if options.profile:
                    stages += where_the_time_goes(name, samples, size)
                else:
                    rows += compare(name, samples, size, options.seconds, options.repeats, kinds, sources)
    machine = f"{platform.system()}-{platform.machine()}-{os.cpu_count()}cores-cpu".lower()
    version = torch.__version__.split("+")[0]
    options.out.mkdir(parents=True, exist_ok=True)
    what = "loader_stages" if options.profile else "loader_throughput"
    if options.source != "files" and not options.profile:
        what += "_cache"
    if options.folder:
        what += f"_{options.folder.resolve().name}"
    write_csv(options.out / f"{what}_{machine}_fp32_torch{version}.csv", stages or rows)


if __name__ == "__main__":
    main()

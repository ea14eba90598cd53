"""What each regulariser and a teacher are worth: validation IoU after the same epochs, on the same split, over several seeds.

The default preset stands beside itself with one option changed at a time, and beside a plain loop of segmentation_models_pytorch,
albumentations and PyTorch as a competent user writes it (U-Net, AdamW with one cycle, Dice and cross-entropy, no averaged
weights). All see the same files, size, batch and epochs. One row an epoch goes into the CSV; what is said at the end is the
mean and the deviation over the seeds of the last epoch, and how many epochs a variant needs to reach the plain loop's end.

A few epochs on a small set show that nothing breaks, and no more: differences within the deviation of the seeds are noise.
Regularisers pay on long runs that would otherwise overfit. Without a configuration the sample data are drawn and used.

Run: ``python benchmarks/regularisers_quality.py [--config lathe.yaml] [--epochs 8] [--size 64] [--seeds 3] [--only mixup]``
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
from pathlib import Path
from typing import Any, NamedTuple

import albumentations as album
import cv2
import numpy as np
import segmentation_models_pytorch as smp
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from src.core.config import file_layer, override_layer, preset_layer, resolve
from src.core.dataset.files.images import read_image
from src.core.dataset.files.mask_files import read_mask
from src.core.dataset.sample.sample_data import make_sample_data
from src.core.run import EventTail, RunFolder, create_run
from src.jobs.train import run_training
from src.tasks.catalog import task_info

RESULTS = Path(__file__).parent / "results"
INFO = task_info("segmentation")
#: Name to the words that change the default preset; {teacher} is a run of a larger network for twice the epochs.
VARIANTS: dict[str, tuple[str, ...]] = {
    "default": (),
    "mixup": ("training.regularisation.mixup=0.5",),
    "cutmix": ("training.regularisation.cutmix=0.5",),
    "label_smoothing": ("training.regularisation.label_smoothing=0.1",),
    "stochastic_depth": ("model.stochastic_depth=0.1",),
    "dropout": ("model.dropout=0.1",),
    "copy_paste": ("data.copy_paste.probability=0.5",),
    "teacher": ("distillation.teacher={teacher}", "distillation.weight=0.5"),
}


class Row(NamedTuple):
    """One epoch of one run; ``iou`` is pooled over the validation pixels, ``seconds`` those of its training part."""

    variant: str
    seed: int
    epoch: int
    iou: float
    seconds: float


def configured(config: Path, runs: Path, arguments: argparse.Namespace, *words: str, scale: int = 1) -> Any:
    """The default preset with the words of the command line and those of a variant."""
    common = (
        f"training.epochs={arguments.epochs * scale}", f"data.image_size={arguments.size}", f"runs_dir={runs}", "training.device=cpu",
        f"training.batch_size={arguments.batch}", f"training.cpu_threads={arguments.threads}", "data.workers=0", "data.cache=off",
        "training.precision=fp32", "training.machine_tuning=false",
        "monitoring.preview_samples=0", "monitoring.report=false", "monitoring.resource_every_s=0",
    )  # fmt: skip
    layers = [preset_layer("segmentation", "default"), file_layer(config, INFO.config)]
    return resolve(INFO.config, [*layers, override_layer((*common, *words), INFO.config)])


def train(variant: str, seed: int, resolved: Any) -> tuple[list[Row], RunFolder]:
    """One run of Lathe, in this process."""
    folder = create_run(resolved, INFO)
    if run_training(folder.path, resume=False, follow_parent=False):
        raise SystemExit(f"{variant} failed; see {folder.path}")
    events = [e.data for e in EventTail(folder.events).read() if e.type == "epoch_completed"]
    if len(events) < resolved.config.training.epochs:  # a signal stops a run softly; half a run is no figure
        raise SystemExit(f"{variant} was stopped in epoch {len(events) + 1}.")
    return [
        Row(variant, seed, e["epoch"], e["metrics"]["iou"], e["seconds"]["train"]) for e in events
    ], folder


class Plain(torch.utils.data.Dataset):  # type: ignore[type-arg]
    """Decode, augment, normalise: as in the examples of the libraries."""

    def __init__(self, samples: Any, meaning: Any, change: Any) -> None:
        self.samples, self.meaning, self.change = list(samples), meaning, change

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        sample = self.samples[index]
        image = read_image(sample.image, 3)
        mask = np.zeros(image.shape[:2], np.uint8)
        if sample.mask:
            mask = self.meaning.encode(read_mask(sample.mask))
        out = self.change(image=image, mask=mask)
        return torch.from_numpy(out["image"].transpose(2, 0, 1).copy()), torch.from_numpy(out["mask"]).long()


def changes(size: int, training: bool) -> Any:
    """The control's augmentation; the same for all images of the validation."""
    random = [
        album.HorizontalFlip(p=0.5), album.VerticalFlip(p=0.5),
        album.Affine(translate_percent=0.05, scale=(0.9, 1.1), rotate=(-10, 10), p=0.5),
        album.RandomBrightnessContrast(p=0.5), album.HueSaturationValue(5, 15, 0, p=0.5),
    ] if training else []  # fmt: skip
    return album.Compose([album.Resize(size, size), *random, album.Normalize()])


def train_plain(seed: int, data: Any, arguments: argparse.Namespace) -> list[Row]:
    """The control. Its IoU is pooled over objects like ours: of the object, or the mean over the classes."""
    torch.manual_seed(seed)
    np.random.seed(seed)
    outputs, meaning, batch = data.meaning.out_channels, data.meaning, arguments.batch
    train_set, val_set = (
        Plain(data.samples[s], meaning, changes(arguments.size, s == "train")) for s in ("train", "val")
    )
    loader = torch.utils.data.DataLoader(train_set, batch, shuffle=True, drop_last=True)
    val = torch.utils.data.DataLoader(val_set, batch)
    model = smp.Unet("resnet18", encoder_weights=None, classes=outputs)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
    steps = arguments.epochs * len(loader)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, total_steps=steps)
    mode = "binary" if outputs == 1 else "multiclass"
    dice = smp.losses.DiceLoss(mode, ignore_index=255)
    cross = (
        smp.losses.SoftBCEWithLogitsLoss(ignore_index=255)
        if outputs == 1
        else torch.nn.CrossEntropyLoss(ignore_index=255)
    )
    rows = []
    for epoch in range(1, arguments.epochs + 1):
        began = time.perf_counter()
        model.train()
        for image, mask in loader:
            logits, truth = model(image), mask[:, None].float() if outputs == 1 else mask
            loss = dice(logits, truth) + cross(logits, truth)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        seconds = time.perf_counter() - began
        rows.append(Row("plain_smp", seed, epoch, plain_iou(model, val, data.meaning.num_classes), seconds))
    return rows


@torch.no_grad()
def plain_iou(model: Any, loader: Any, classes: int) -> float:
    """IoU pooled over all pixels, mean over the classes but the background of a binary problem."""
    model.eval()
    counts = torch.zeros(classes, classes)
    for image, mask in loader:
        logits = model(image)
        labels = (logits[:, 0] > 0).long() if logits.shape[1] == 1 else logits.argmax(1)
        known = mask != 255
        pairs = mask[known] * classes + labels[known]
        counts += torch.bincount(pairs, minlength=classes**2).view(classes, classes)
    hit = counts.diag()
    union = counts.sum(0) + counts.sum(1) - hit
    values = (hit / union.clamp_min(1))[union > 0]
    return float(values[1:].mean() if classes == 2 else values.mean())


def summary(rows: list[Row], epochs: int) -> None:
    """Last epoch by variant, and the first epoch in which the mean reaches the plain loop's end."""
    by: dict[str, dict[int, list[float]]] = {}
    for row in rows:
        by.setdefault(row.variant, {}).setdefault(row.epoch, []).append(row.iou)
    goal = statistics.mean(by["plain_smp"][epochs]) if "plain_smp" in by else float("nan")
    for variant, found in by.items():
        last = found[epochs]
        spread = statistics.stdev(last) if len(last) > 1 else 0.0
        reached = next((e for e in sorted(found) if statistics.mean(found[e]) >= goal), None)
        cost = statistics.mean(r.seconds for r in rows if r.variant == variant)
        print(f"{variant:17} IoU {statistics.mean(last):.4f} ± {spread:.4f}   reaches the plain loop's end in epoch "
              f"{reached or '–'}   {cost:.2f} s an epoch")  # fmt: skip


def write(output: Path, rows: list[Row], facts: list[int]) -> None:
    """All rows so far, after each run: what is done is kept where somebody stops it."""
    with output.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow([*Row._fields, "train_images", "val_images", "image_size", "batch"])
        writer.writerows(
            [[r.variant, r.seed, r.epoch, f"{r.iou:.5f}", f"{r.seconds:.3f}", *facts] for r in rows]
        )


def main() -> None:
    """Train everything, write the rows, say what came out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--config", type=Path, help="a configuration with a data section; without it: the sample data"
    )
    for name, value in (
        ("epochs", 8),
        ("size", 64),
        ("batch", 8),
        ("seeds", 3),
        ("threads", 1),
        ("parts", 30),
    ):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--only", nargs="*", default=[*VARIANTS, "plain_smp"], help="variants to train")
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    cv2.setNumThreads(0)
    torch.set_num_threads(arguments.threads)
    rows: list[Row] = []
    RESULTS.mkdir(exist_ok=True)
    name = f"regularisers_quality_{platform.system()}-{platform.machine()}-cpu_fp32_torch{torch.__version__.split('+')[0]}.csv"
    output = arguments.output or RESULTS / name
    with tempfile.TemporaryDirectory() as place:
        os.environ["LATHE_WORKSPACE"] = place
        config = arguments.config or make_sample_data(Path(place) / "sample", parts=arguments.parts).config
        runs = Path(place) / "runs"
        data = INFO.describe(configured(config, runs, arguments).config, store=False)
        teacher = ""
        if "teacher" in arguments.only:
            wide = configured(config, runs, arguments, "model.encoder=resnet34", "training.seed=100", scale=2)
            found, folder = train("teacher_itself", 100, wide)
            teacher, best = str(folder.path), max(row.iou for row in found)
            print(f"the teacher (resnet34, {2 * arguments.epochs} epochs) reaches {best:.4f}", flush=True)
        for seed in range(arguments.seeds):
            for variant in arguments.only:
                if variant == "plain_smp":
                    rows += train_plain(seed, data, arguments)
                else:
                    words = [word.format(teacher=teacher) for word in VARIANTS[variant]]
                    rows += train(
                        variant, seed, configured(config, runs, arguments, f"training.seed={seed}", *words)
                    )[0]
                print(f"seed {seed} {variant:17} IoU {rows[-1].iou:.4f}", flush=True)
                write(
                    output,
                    rows,
                    [len(data.samples["train"]), len(data.samples["val"]), arguments.size, arguments.batch],
                )
    summary(rows, arguments.epochs)
    print(output)


if __name__ == "__main__":
    main()

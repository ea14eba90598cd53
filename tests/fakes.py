"""Run folders, data sets and followers that tests and benchmarks make up, quickly and always the same."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

from PyQt5.QtCore import QObject, QTimer, pyqtSignal
from PyQt5.QtGui import QColor, QImage, QPainter

from src.core.run import Event, EventTail, EventWriter, RunFolder, history, process_alive, summarise_events

CONFIG = """\
task: segmentation
name: ''
training:
  epochs: {epochs}
  batch_size: 8
  optimizer:
    name: adamw
    learning_rate: 0.001
model:
  architecture: unet
  encoder: resnet18
data:
  images_dir: {images}
  image_size: 128
origins:
  training.epochs: dialog
  data.images_dir: dialog
  model.encoder: preset
"""
CLASSES = ["background", "scratch", "pit", "stain"]


def picture(path: Path, side: int, seed: int, marks: int = 0, shade: QColor | None = None) -> None:
    """A grey picture with ``marks`` coloured blots."""
    image = QImage(side, side, QImage.Format_RGB32)
    draw = random.Random(seed)
    image.fill(QColor.fromHsv(30 * seed % 360, 18, 120 + 40 * (seed % 3)))
    painter = QPainter(image)
    for _ in range(60):
        painter.setPen(QColor.fromHsv(30 * seed % 360, 18, draw.randrange(110, 190)))
        painter.drawLine(0, draw.randrange(side), side, draw.randrange(side))
    for _ in range(marks):
        painter.setBrush(shade or QColor(40, 40, 40))
        painter.drawEllipse(draw.randrange(side), draw.randrange(side), 6 + side // 8, 4 + side // 12)
    painter.end()
    assert image.save(str(path))


def epoch_fields(epoch: int, epochs: int, best: tuple[float, int], classes: list[str]) -> dict[str, Any]:
    """Fields of one ``epoch_completed`` event of a run that learns."""
    draw = random.Random(epoch)
    gain = 1 - math.exp(-3.2 * epoch / max(epochs, 8))
    iou = max(0.0, 0.86 * gain + draw.uniform(-0.025, 0.025))
    value, at = max(best, (iou, epoch), key=lambda pair: pair[0])
    return {
        "epoch": epoch,
        "train_loss": 1.3 * math.exp(-2.6 * epoch / max(epochs, 8)) + 0.09,
        "val_loss": 1.25 * math.exp(-2.3 * epoch / max(epochs, 8)) + 0.13 + draw.uniform(0, 0.05),
        "metrics": {
            "iou": iou,
            "dice": 2 * iou / (1 + iou),
            "accuracy": 0.9 + iou / 10,
            "iou_mean": iou * 0.93,
        },
        "per_class": {
            c: {"iou": max(0.0, iou - 0.04 * k), "dice": iou, "precision": iou, "recall": 0.97 * iou}
            for k, c in enumerate(classes)
        },
        "terms": {},
        "lr": 1e-3 * (0.5 + 0.5 * math.cos(math.pi * epoch / max(epochs, 1))),
        "seconds": {"train": 5.2, "validation": 1.2},
        "images_per_second": 154.0,
        "wait_share": 0.03,
        "is_best": at == epoch,
        "best_value": value,
        "best_epoch": at,
    }


def make_fake_run(
    runs_dir: Path,
    name: str = "2026-05-01_tiles_unet-resnet18_1",
    epochs: int = 12,
    done: int | None = None,
    batches: int = 20,
    previews: bool = True,
    ending: str | None = "completed",
    cause: str = "",
    cure: str = "",
    nan_at: int | None = None,
    warning: str = "",
    start: bool = True,
    previews_every: int = 1,
) -> RunFolder:
    """A run folder whose event log tells of ``done`` of ``epochs`` epochs and ends by ``ending`` (None: it
    goes on)."""
    folder = RunFolder(runs_dir / name)
    for path in (folder.path, folder.previews, folder.checkpoints):
        path.mkdir(parents=True, exist_ok=True)
    folder.config.write_text(CONFIG.format(epochs=epochs, images=(runs_dir / "images").as_posix()), "utf-8")
    folder.log.write_text("Reading the data set\nTraining on the CPU\n", "utf-8")
    if not start:
        return folder
    writer = EventWriter(folder.events)
    write_start(writer, epochs, batches)
    best: tuple[float, int] = (-1.0, 0)
    for epoch in range(1, (epochs if done is None else done) + 1):
        fields = write_epoch(writer, epoch, epochs, batches, best, nan=epoch == nan_at)
        best = (fields["best_value"], fields["best_epoch"])
        if previews and (epoch - 1) % previews_every == 0:
            write_preview(folder, writer, epoch)
    if warning:
        writer.write(
            "warning",
            code="file-unreadable",
            message=warning,
            cure="Replace the file.",
            where=["part_07.png"],
        )
    if ending:
        writer.write(
            "run_ended",
            status=ending,
            cause=cause,
            cure=cure,
            epoch=done or epochs,
            best_value=best[0],
            best_epoch=best[1],
            checkpoint=None,
            model=None,
            report=None,
        )
    writer.close()
    return folder


def write_start(
    writer: EventWriter,
    epochs: int,
    batches: int,
    attempt: int = 1,
    epoch: int = 1,
    step: int = 0,
    resumed: bool | None = None,
) -> None:
    """A ``run_started`` event; ``resumed`` None: every attempt after the first one is."""
    writer.write(
        "run_started",
        attempt=attempt,
        resumed=attempt > 1 if resumed is None else resumed,
        epoch=epoch,
        step=step,
        task="segmentation",
        device="cpu",
        precision="fp32",
        epochs=epochs,
        steps_per_epoch=batches,
        batch_size=8,
        train_samples=434,
        val_samples=108,
        parameters=14_328_209,
        metric="iou",
        mode="max",
        class_names=CLASSES,
    )


def write_epoch(
    writer: EventWriter, epoch: int, epochs: int, batches: int, best: tuple[float, int], nan: bool = False
) -> dict[str, Any]:
    """The events of one epoch; returns the fields of the last."""
    writer.write("epoch_started", epoch=epoch, epochs=epochs)
    fields = epoch_fields(epoch, epochs, best, CLASSES)
    if nan:
        fields["val_loss"] = math.nan
    draw = random.Random(1000 + epoch)
    for batch in range(1, batches + 1):
        loss = fields["train_loss"] * draw.uniform(0.7, 1.5)
        writer.write(
            "batch_progress",
            epoch=epoch,
            phase="train",
            batch=batch,
            batches=batches,
            loss=loss,
            terms={},
            lr=fields["lr"],
            per_second=154.0,
        )
    writer.write(
        "resource_sample",
        cpu_percent=70 + draw.uniform(-9, 9),
        memory_mb=1400 + 3 * epoch,
        gpu_percent=None,
        gpu_memory_mb=None,
        wait_share=0.04,
    )
    writer.write("epoch_completed", **fields)
    if fields["is_best"]:
        writer.write(
            "checkpoint_saved", epoch=epoch, step=0, roles=["best"], file="checkpoints/x.safetensors", bytes=9
        )
    return fields


def write_preview(folder: RunFolder, writer: EventWriter, epoch: int, many: int = 4) -> None:
    """Pictures and the event of one preview."""
    items = []
    for k in range(many):
        names = {kind: f"previews/{k:02d}_{kind}.png" for kind in ("image", "truth")}
        names["prediction"] = f"previews/{k:02d}_epoch{epoch:05d}.png"
        for kind, name in names.items():
            if not (folder.path / name).exists():
                marks = {"image": 2, "truth": 2, "prediction": 1 + epoch % 3}[kind]
                picture(folder.path / name, 128, k, marks, None if kind == "image" else QColor(230, 159, 0))
        items.append({"sample": f"part_{k:02d}.png", "metric": 0.9 - 0.4 / epoch, **names})
    writer.write("preview_written", epoch=epoch, items=items)


def make_fake_dataset(folder: Path, many: int = 12) -> Path:
    """``images/`` and ``masks/`` with pictures of 96 pixels."""
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for k in range(many):
        picture(folder / "images" / f"part_{k:02d}.png", 96, k, 1)
        mask = QImage(96, 96, QImage.Format_Grayscale8)
        mask.fill(0)
        for x in range(20, 60):
            for y in range(30, 50):
                mask.setPixel(x, y, 0xFFFFFFFF)
        assert mask.save(str(folder / "masks" / f"part_{k:02d}.png"))
    return folder


def answer_of_check(folder: Path, many: int = 12) -> dict[str, Any]:
    """What the check job prints for `make_fake_dataset`."""
    samples: dict[str, list[dict[str, Any]]] = {"train": [], "val": []}
    for k in range(many):
        name = f"part_{k:02d}.png"
        samples["val" if k % 4 == 3 else "train"].append(
            {
                "id": name,
                "image": str(folder / "images" / name),
                "mask": str(folder / "masks" / name),
                "group": name,
            }
        )
    return {
        "description": {
            "summary": f"{many} images with masks, 96 × 96 px, 8 % of the pixels are object.",
            "splits": {k: len(v) for k, v in samples.items()},
            "classes": ["background", "object"],
            "class_share": {"background": 0.92, "object": 0.08},
            "sizes": {"median": [96, 96]},
            "samples": samples,
            "masks": {
                "kind": "binary",
                "classes": ["background", "object"],
                "values": [],
                "threshold": 127,
                "foreground": "bright",
                "ignore_value": None,
            },
        },
        "findings": [
            {
                "severity": "warning",
                "code": "split.small",
                "message": "There are only 3 validation images.",
                "cure": "Add images, or raise the validation share.",
                "where": [],
            }
        ],
        "resolved": {"data.masks.meaning": "binary", "data.masks.threshold": 127},
    }


class FakeFollower(QObject):
    """Follows a run folder in the window's own thread: the signals of `RunFollower` without its waiting."""

    events = pyqtSignal(list)
    summary = pyqtSignal(object)
    log = pyqtSignal(str)
    restarted = pyqtSignal()

    def __init__(self, folder: RunFolder) -> None:
        super().__init__()
        self.folder = folder
        self._tail = EventTail(folder.events)
        self._all: list[Event] = []
        self._log_at = 0
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look)

    def start(self) -> None:
        self._look()
        self._timer.start(30)

    def stop(self) -> None:
        self._timer.stop()
        self.deleteLater()

    def _look(self) -> None:
        new = list(self._tail.read())
        self._all += new
        if new:
            self.events.emit(new)
        text = self.folder.log.read_text("utf-8")
        if len(text) > self._log_at:
            self.log.emit(text[self._log_at :])
            self._log_at = len(text)
        if new or len(self._all) == 0:
            self.summary.emit(
                summarise_events(self.folder, history(list(self._all)), process_alive(self.folder))
            )

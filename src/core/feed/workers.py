"""How a batch is put together, and by whom: this thread, other threads, or other processes."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import cv2
import torch

from src.core.dataset.files.plain_png import may_keep_lock
from src.core.feed.dataset import ImageMaskDataset, Key, Unreadable

WorkerKind = Literal["auto", "thread", "process"]
#: Above so many workers the interpreter lock, not the decoder, is what threads wait for.
_MOST_THREADS = 4
_MOST_WORKERS = 16


#: One batch on the CPU, a mapping with these keys:
#: ``image`` uint8 N×C×H×W, whose memory is channels-last (N, H, W, C): that is how images are read, so
#: nothing is copied;
#: ``mask`` uint8 N×H×W of class numbers, 255 = ignored; ``index`` int64 N, the items of the data set that are
#: in the batch;
#: ``unreadable`` list of `Unreadable`: files found unusable since the last batch, nearly always empty;
#: ``epoch`` and ``number`` of the batch in it, from 0: the randomness of what is done to whole batches.
Batch = dict[str, Any]


def usable_cores() -> int:
    """Cores that this process may use, which containers and clusters make fewer than the machine has."""
    if sys.version_info >= (3, 13):
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def resolve_workers(
    workers: int, kind: WorkerKind = "auto", device_type: str = "cpu", cores: int | None = None
) -> tuple[int, Literal["thread", "process"]]:
    """The number and kind of workers for ``workers=-1`` and ``kind="auto"``; other values are kept.

    Beside a GPU nearly all cores can read: all but one, at most 16. Where the model itself computes on the
    CPU, readers take from it what they use; one for every four cores, at least one, fills the gaps that
    the computation leaves (on two cores, U-Net with ResNet-18 at 128 pixels: reading in the training thread
    took 1 to 2 % of the time, with any worker the loop waited under 1 %). Up to 4 workers are threads: they
    start at once, share memory, and need no guarded main module; small pictures (256 to 128 pixels) then meet
    the interpreter's lock at about two thousand a second. More are processes, of about 0.8 GB each.
    """
    if cores is None:
        cores = usable_cores()
    if workers < 0:
        workers = min(_MOST_WORKERS, max(1, cores // 4 if device_type == "cpu" else cores - 1))
    if kind == "auto":
        kind = "thread" if workers <= _MOST_THREADS else "process"
    return workers, kind


def feeds_accelerator() -> bool:
    """Whether this process uses a GPU: then the training loop must not wait for readers."""
    return torch.cuda.is_initialized() or torch.backends.mps.is_available()


def assemble(dataset: ImageMaskDataset, keys: Sequence[Key], pin: bool = False) -> Batch:
    """Read the items of one batch; it is shorter by the items that an evaluation could not read.

    ``pin`` puts the batch into memory from which a GPU copies without waiting.
    """
    if threading.current_thread() is not threading.main_thread():
        may_keep_lock(not feeds_accelerator())
    height, width = dataset.size
    images = torch.empty((len(keys), height, width, dataset.channels), dtype=torch.uint8, pin_memory=pin)
    masks = torch.empty((len(keys), height, width), dtype=torch.uint8, pin_memory=pin)
    image_rows, mask_rows = images.numpy(), masks.numpy()
    indices: list[int] = []
    unreadable: list[Unreadable] = []
    for key in keys:
        item, bad = dataset.fetch(*key)
        unreadable += bad
        if item is not None:
            image_rows[len(indices)] = item.image
            mask_rows[len(indices)] = item.mask
            indices.append(item.index)
    count = len(indices)
    return {
        "image": images[:count].permute(0, 3, 1, 2),
        "mask": masks[:count],
        "index": torch.tensor(indices, dtype=torch.int64),
        "unreadable": unreadable,
    }


class Failure:
    """An exception on its way out of a worker process, so that its sentence and type arrive unchanged."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class ProcessView:
    """The data set as torch's DataLoader asks for it in a worker process: a list of keys in, a batch out."""

    def __init__(self, dataset: ImageMaskDataset) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, key: Key) -> Batch:
        return assemble(self.dataset, [key])

    def __getitems__(self, keys: list[Key]) -> Batch | Failure:
        try:
            return assemble(self.dataset, keys)
        except Exception as error:
            return Failure(error)


class Plan:
    """The batches of the current epoch. It is iterated in the parent, so no worker need know the epoch."""

    def __init__(self) -> None:
        self.batches: Sequence[list[Key]] = []

    def __iter__(self) -> Iterator[list[Key]]:
        return iter(self.batches)

    def __len__(self) -> int:
        return len(self.batches)


def as_it_is(batch: Batch | Failure) -> Batch | Failure:
    """Collation: the batch is one already."""
    return batch


def start_worker(_number: int) -> None:
    """One core for each worker process: the others are busy with their own images."""
    cv2.setNumThreads(0)
    torch.set_num_threads(1)

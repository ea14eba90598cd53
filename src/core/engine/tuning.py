"""Measured answers: which learning rate, which batch size, and what this machine computes fastest."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from itertools import chain, count
from statistics import median
from typing import Any

import numpy as np
import psutil
import torch
from torch import Tensor

from src.core.engine.compiling import compile_where_it_works
from src.core.engine.device import choose_precision
from src.core.engine.explain import is_out_of_memory
from src.core.engine.task import Batch, Loader
from src.core.engine.trainer import Trainer

Progress = Callable[[int, int, str], None]
Cancelled = Callable[[], bool]
#: Told of each row of a result as soon as it is known.
Row = Callable[[dict[str, Any]], None]

#: Of the range test: rates, updates, memory of the smoothed loss, and how much worse than the best ends it.
LOWEST, HIGHEST, UPDATES, SMOOTHING, WORSE = 1e-7, 1.0, 100, 0.9, 4.0
#: Share of the memory that a suggested batch may take, and the throughput that a smaller one may lose.
ROOM, NEARLY = 0.85, 0.95


def endless(loader: Loader) -> Iterator[Batch]:
    """The batches of epoch after epoch."""
    return chain.from_iterable(loader.epoch(epoch) for epoch in count(1))


def unheard(row: dict[str, Any]) -> None:
    """For measurements that nobody watches."""


def rate_range(
    trainer: Trainer, progress: Progress, cancelled: Cancelled, row: Row = unheard
) -> dict[str, Any]:
    """Learning-rate range test (Smith 2017): the rate rises exponentially from update to update until the loss grows.

    Returns:
        ``curve``: list of ``{lr, loss, smooth}``; ``suggestion``: the rate at which the smoothed loss falls most steeply over
        the logarithm of the rate (None where it never falls); ``lowest_loss_at``: the rate of the lowest loss.
    """
    trainer.update.watched = False
    trainer.task.begin_epoch(trainer.model, 1)
    trainer.model.train()
    groups = trainer.optimizer.param_groups
    shares = [group.get("initial_lr", group["lr"]) / trainer.schedule.rate for group in groups]
    batches = endless(trainer.train_loader)
    curve: list[dict[str, float]] = []
    mean, best = 0.0, math.inf
    for number in range(UPDATES):
        if cancelled():
            break
        rate = LOWEST * (HIGHEST / LOWEST) ** (number / (UPDATES - 1))
        for group, share in zip(groups, shares, strict=True):
            group["lr"] = rate * share
        outputs, finite = trainer.update([next(batches) for _ in range(trainer.options.accumulate)])
        loss = float(torch.stack([o.loss.float() for o in outputs]).mean())
        if not (math.isfinite(loss) and bool(finite)):
            break
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
        smooth = mean / (1 - SMOOTHING ** (number + 1))
        curve.append({"lr": rate, "loss": loss, "smooth": smooth})
        best = min(best, smooth)
        row(curve[-1])
        progress(number + 1, UPDATES, "Trying learning rates")
        if number > 10 and smooth > WORSE * best:
            break
    return {"curve": curve, **suggested_rate(curve)}


def suggested_rate(curve: list[dict[str, float]], reach: int = 8) -> dict[str, float | None]:
    """The rate of the steepest fall before the lowest smoothed loss.

    A slope is that of the line through ``reach`` points on either side, so that the noise of single batches does not decide;
    the first points, at which nothing is learnt, have none.
    """
    if len(curve) <= 2 * reach:
        return {"suggestion": None, "lowest_loss_at": None}
    rates = np.log([row["lr"] for row in curve])
    losses = np.array([row["smooth"] for row in curve])
    lowest = reach + int(np.argmin(losses[reach:]))
    middles = range(reach, min(lowest + 1, len(curve) - reach))
    slopes = {
        k: float(np.polyfit(rates[k - reach : k + reach], losses[k - reach : k + reach], 1)[0])
        for k in middles
    }
    steepest = min(slopes, key=lambda k: slopes[k], default=None)
    falls = steepest is not None and slopes[steepest] < 0
    return {"suggestion": curve[steepest]["lr"] if falls and steepest is not None else None,
            "lowest_loss_at": curve[lowest]["lr"]}  # fmt: skip


def repeated(batch: Batch, size: int) -> Batch:
    """A batch of so many samples, made of those that are there; tensors and lists of the samples are repeated."""
    have = len(batch["index"])
    places = [k % have for k in range(size)]

    def of(value: Any) -> Any:
        if isinstance(value, Tensor) and value.ndim and len(value) == have:
            return value[torch.tensor(places)]
        return [value[k] for k in places] if isinstance(value, list) and len(value) == have else value

    return {name: of(value) for name, value in batch.items()}


def step_seconds(trainer: Trainer, batch: Batch, steps: int = 5, warm_up: int = 2) -> float:
    """Median seconds of a training step on one batch, the update of the weights included."""
    trainer.model.train()
    times = []
    for _ in range(warm_up + steps):
        began = time.perf_counter()
        prepared = trainer.task.prepare(batch, trainer.device)
        with trainer.autocast:
            loss = trainer.task.training_step(trainer.model, prepared).loss
        trainer.scaler.scale(loss).backward()
        trainer.scaler.step(trainer.optimizer)
        trainer.scaler.update()
        trainer.optimizer.zero_grad(set_to_none=True)
        if trainer.device.type == "cuda":
            torch.cuda.synchronize(trainer.device)
        times.append(time.perf_counter() - began)
    return median(times[warm_up:])


def _memory(device: torch.device) -> tuple[float, float]:
    """MB in use at most since the last reset, and MB that there are."""
    if device.type == "cuda":
        total = torch.cuda.get_device_properties(device).total_memory
        return torch.cuda.max_memory_reserved(device) / 2**20, total / 2**20
    used = psutil.Process().memory_info().rss / 2**20
    return used, used + psutil.virtual_memory().available / 2**20


def batch_sizes(
    trainer: Trainer, most: int, progress: Progress, cancelled: Cancelled, row: Row = unheard
) -> dict[str, Any]:
    """Throughput and memory of batches of 1, 2, 4, … images, until memory is short or ``most`` is reached.

    Returns:
        ``curve``: list of ``{batch_size, seconds, images_per_second, memory_mb}``; ``largest``: that fits with room to spare;
        ``suggestion``: the smallest that is nearly as fast as the fastest.
    """
    sample = next(iter(trainer.train_loader.epoch(1)))
    trainer.train_loader.close()
    sizes = [2**k for k in range(1, 13) if 2**k <= max(2, most)]
    curve: list[dict[str, float]] = []
    ended = "every size up to the number of training images was tried"
    for number, size in enumerate(sizes):
        if cancelled():
            ended = "it was stopped"
            break
        try:
            if trainer.device.type == "cuda":
                torch.cuda.reset_peak_memory_stats(trainer.device)
            seconds = step_seconds(trainer, repeated(sample, size), 3, 1)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            ended = f"the memory was not enough for {size}"
            break
        used, total = _memory(trainer.device)
        if used > ROOM * total:
            ended = f"{size} would take more than {ROOM:.0%} of the memory"
            break
        curve.append(
            {"batch_size": size, "seconds": seconds, "images_per_second": size / seconds, "memory_mb": used}
        )
        row(curve[-1])
        progress(number + 1, len(sizes), "Trying batch sizes")
        if trainer.device.type == "cpu" and used + (used - curve[0]["memory_mb"]) > ROOM * total:
            ended = (
                "twice as many images would not fit into the memory"  # there the system would end the process
            )
            break
    return {"curve": curve, "ended": ended, **suggested_batch(curve)}


def suggested_batch(curve: list[dict[str, float]]) -> dict[str, int | None]:
    """The largest batch that was tried, and the smallest that is nearly as fast as the fastest."""
    if not curve:
        return {"largest": None, "suggestion": None}
    fastest = max(row["images_per_second"] for row in curve)
    enough = next(row for row in curve if row["images_per_second"] >= NEARLY * fastest)
    return {"largest": int(curve[-1]["batch_size"]), "suggestion": int(enough["batch_size"])}


def computing(
    trainer: Trainer, progress: Progress, cancelled: Cancelled, row: Row = unheard
) -> list[dict[str, Any]]:
    """Seconds a step, and images a second, in each number format and memory layout that the device takes."""
    batch = next(iter(trainer.train_loader.epoch(1)))
    images = len(batch["index"])
    names = ["fp32", "bf16"] + (["fp16"] if trainer.device.type == "cuda" else [])
    ways = [(name, last) for name in names for last in (True, False)]
    found: list[dict[str, Any]] = []
    for number, (name, last) in enumerate(ways):
        if cancelled():
            break
        precision = choose_precision(name, trainer.device)
        trainer.precision, trainer.autocast = precision, precision.context(trainer.device)
        trainer.scaler = torch.amp.GradScaler(trainer.device.type, enabled=precision.scaled)
        layout = torch.channels_last if last else torch.contiguous_format
        trainer.model.to(memory_format=layout)  # type: ignore[call-overload]
        trainer.task.config.training.channels_last = last
        seconds = step_seconds(trainer, batch)
        found.append({"training.precision": name, "training.channels_last": last, "seconds": seconds,
                      "images_per_second": images / seconds})  # fmt: skip
        row(found[-1])
        progress(number + 1, len(ways), "Measuring number formats and layouts")
    return found


def compiled(
    trainer: Trainer, progress: Progress, cancelled: Cancelled, row: Row = unheard
) -> tuple[list[dict[str, Any]], str]:
    """Seconds a step without and with torch.compile; the trainer's model stays compiled.

    Returns:
        A row for each way (that of the compiled network with the ``compile_seconds`` that it took), and why there is none
        for the compiled one; empty where there is.
    """
    batch = next(iter(trainer.train_loader.epoch(1)))
    trainer.train_loader.close()
    found: list[dict[str, Any]] = []
    why = ""
    for number, on in enumerate((False, True)):
        if cancelled():
            break
        began = time.perf_counter()
        if on:
            progress(1, 3, "Compiling the network")
            why = compile_where_it_works(
                trainer.task, trainer.model, batch, trainer.device, trainer.precision
            )
            if why:
                break
            step_seconds(trainer, batch, 1, 0)  # the update of the weights may be compiled a second time
        preparing = time.perf_counter() - began
        seconds = step_seconds(trainer, batch)
        found.append({"training.compile": on, "seconds": seconds, "images_per_second": len(batch["index"]) / seconds,
                      "compile_seconds": preparing if on else 0.0})  # fmt: skip
        row(found[-1])
        progress(1 + 2 * number, 3, "Measuring the network")
    return found, why


def reading(
    make: Callable[[int], Loader], workers: list[int], seconds: float, progress: Progress,
    cancelled: Cancelled = bool, row: Row = unheard,
) -> list[dict[str, Any]]:  # fmt: skip
    """Images a second that are read with so many workers; each is measured about so many seconds after its first batch."""
    found: list[dict[str, Any]] = []
    for number, count_of in enumerate(workers):
        if found and cancelled():
            break
        loader = make(count_of)
        try:
            batches = endless(loader)
            next(batches)
            began, images = time.perf_counter(), 0
            while time.perf_counter() - began < seconds:
                images += len(next(batches)["index"])
            found.append(
                {"data.workers": count_of, "images_per_second": images / (time.perf_counter() - began)}
            )
        finally:
            loader.close()
        row(found[-1])
        progress(number + 1, len(workers), "Measuring loader workers")
    return found

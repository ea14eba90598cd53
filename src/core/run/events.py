"""The event log of a run: append-only, one JSON object a line, numbered. Everything that shows a run reads it.

Each line holds ``v`` (version of the format), ``n`` (number, rising by one), ``t`` (Unix time, s), ``type`` and the
fields of the event. Readers skip a half-written line and pass over types they do not know.

===================  ==================================================================================
type                 fields
===================  ==================================================================================
run_started          attempt, resumed (bool), epoch, step: where it goes on; task, device, devices (how many), precision, epochs,
                     steps_per_epoch, batch_size, train_samples, val_samples, parameters, metric, mode, class_names, split_hash,
                     trial (a quick trial or one that learns batches by heart)
job_started          model, device, precision, items (of a job with a trained model; some add facts of their own)
stage                what, done, total (work before the first step, such as building a cache; at most 5 a second)
measured             kind (lr, batch, machine, compile), row (of the result of a measurement, as soon as it is known)
epoch_started        epoch (from 1), epochs
batch_progress       epoch, phase (train, val), batch, batches, loss, terms, lr, per_second (at most 20 a second)
gradients            epoch, phase (train), batch, total, parts (norm by part of the network; at most one a second)
epoch_completed      epoch, train_loss, val_loss, metrics, per_class, terms, lr, seconds, images_per_second,
                     wait_share, is_best, best_value, best_epoch
checkpoint_saved     epoch, step, roles (last, best, keep), file, bytes
preview_written      epoch, items: list of {sample, image, truth, prediction, metric, [shows], [value]}
resource_sample      cpu_percent, memory_mb, gpu_percent, gpu_memory_mb, gpu_memory_total_mb, wait_share, memory_used_mb,
                     memory_total_mb, disk_free_gb, disk_read_mb_s
geometry             words (how the images are brought to the network, once a prediction)
rolled_back          epoch, step (of the checkpoint to which a run went back), steps_per_epoch, times, lr (from there on)
warning              severity (warning, notice), code, message, cure, where
run_ended            status (see `ENDINGS`), cause, cure, epoch, best_value, best_epoch, checkpoint, model, report,
                     [refused] (an attempt to resume that could not begin; status is that of the attempt before)
===================  ==================================================================================
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from src.core.run.append import AppendFile

VERSION = 1
#: How a run can end. ``paused`` has freed the device and can go on exactly where it was.
ENDINGS = ("completed", "stopped_early", "stopped", "paused", "failed", "killed")


@dataclass(frozen=True)
class Event:
    """One line of the log. ``data`` holds the fields of its type."""

    n: int
    time: float
    type: str
    data: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, key: str) -> Any:
        return self.data[key]

    def get(self, key: str, default: Any = None) -> Any:
        """The field ``key``, or ``default`` where the event has none."""
        return self.data.get(key, default)


def _plain(value: Any) -> Any:
    """JSON has no NaN: a number that is not finite becomes null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, (str, int, bool)) or value is None:
        return value
    if hasattr(value, "item"):
        return _plain(value.item())
    return str(value)


def parse(line: bytes | str) -> Event | None:
    """One line as an event, or None where the line is damaged or not an event."""
    try:
        raw = json.loads(line)
        return Event(int(raw.pop("n")), float(raw.pop("t")), str(raw.pop("type")), raw)
    except (ValueError, TypeError, KeyError, AttributeError, UnicodeDecodeError):
        return None


class EventWriter:
    """Appends events. One process writes at a time (the holder of the run's lock)."""

    def __init__(self, path: Path) -> None:
        self._next = 1 + max((event.n for event in EventTail(path).read()), default=0)
        self._file = AppendFile(path)

    def write(self, type: str, **data: Any) -> Event:
        """Append one event; it is with the operating system when this returns. Any thread may call it.

        Raises:
            OSError: The disk is full or gone.
        """
        fields = _plain(data)
        with self._file.lock:
            event = Event(self._next, time.time(), type, fields)
            line = {"v": VERSION, "n": event.n, "t": round(event.time, 4), "type": type, **fields}
            self._file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode())
            self._next += 1
        return event

    def close(self) -> None:
        """Flush to the disk and close; safe to call twice."""
        self._file.close()


class EventTail:
    """Reads a log from the beginning and then whatever was added since the last call."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0
        self._rest = b""

    def read(self, skip: tuple[str, ...] = ()) -> Iterator[Event]:
        """Events since the last call; those of a type in ``skip`` are passed over without decoding them."""
        marks = tuple(f'"type":"{name}"'.encode() for name in skip)
        try:
            with self.path.open("rb") as handle:
                handle.seek(self._offset)
                data = self._rest + handle.read()
                self._offset = handle.tell()
        except FileNotFoundError:
            return
        *lines, self._rest = data.split(b"\n")
        for line in lines:
            if not line or any(mark in line[:120] for mark in marks):
                continue
            event = parse(line)
            if event is not None:
                yield event


def history(events: list[Event]) -> list[Event]:
    """The events that count: what was done after the point where a later attempt took over, or to which the run was rolled back,
    is dropped.
    """
    kept: list[Event] = []
    for event in events:
        if event.type == "rolled_back" or (event.type == "run_started" and event.get("attempt", 1) > 1):
            epoch, step = int(event.get("epoch", 1)), int(event.get("step", 0))
            kept = [e for e in kept if not _superseded(e, epoch, step)]
        kept.append(event)
    return kept


def _superseded(event: Event, epoch: int, step: int) -> bool:
    """Whether an event lies after the point (epoch from 1, training steps done in it) at which a run went on."""
    at = int(event.get("epoch", 0))
    if event.type in ("epoch_completed", "preview_written"):
        return at >= epoch
    if event.type == "epoch_started":
        return at > epoch or (at == epoch and step == 0)
    if event.type == "checkpoint_saved":
        return at > epoch
    if event.type in ("batch_progress", "gradients"):
        return at > epoch or (at == epoch and (event["phase"] != "train" or int(event["batch"]) > step))
    return False

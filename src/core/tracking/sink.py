"""What a tracker must be able to take, and what the events of a run are to it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from src.core.run.events import Event

#: Seconds of the run between two values of the loss within an epoch.
PROGRESS_EVERY_S = 1.0
#: Pictures of each preview.
MOST_IMAGES = 8


class TrackerError(Exception):
    """A tracker that cannot be fed.

    Attributes:
        cure: What to do about it.
    """

    def __init__(self, message: str, cure: str) -> None:
        super().__init__(message)
        self.cure = cure


@dataclass(frozen=True)
class RunFacts:
    """What a tracker is told of a run when it is opened.

    Attributes:
        folder: Of the run; ``name`` is its last part.
        options: Dotted key to value.
        project: Under which it is shown.
        known_as: What `Sink.open` returned the last time; empty the first time.
    """

    folder: Path
    options: dict[str, Any]
    project: str
    known_as: str = ""

    @property
    def name(self) -> str:
        """The name of the run."""
        return self.folder.name


class Sink(Protocol):
    """One tracker. Any method may raise anything: the follower ends, the run does not."""

    def open(self, run: RunFacts) -> str:
        """Begin, or go on with, a run; returns the name by which the tracker knows it."""
        ...

    def values(self, values: dict[str, float], step: int, time: float) -> None:
        """Numbers by name at a step (updates seen, or epochs for names that begin with ``epoch/``) and Unix time (s)."""
        ...

    def image(self, name: str, file: Path, step: int, time: float) -> None:
        """A PNG file."""
        ...

    def flush(self) -> None:
        """Send what was given so far."""
        ...

    def close(self, status: str) -> None:
        """The run has ended (one of `src.core.run.ENDINGS`), or its process is gone (``killed``)."""
        ...


class Translator:
    """Events of a run as values of a tracker."""

    def __init__(self, folder: Path, sink: Sink) -> None:
        self._folder, self._sink = folder, sink
        self._steps, self._step, self._shown = 1, 0, 0.0

    def give(self, event: Event, *, known: bool = False) -> None:
        """One event; of one that the tracker has already only the position is taken."""
        if event.type == "run_started":
            self._steps = max(1, int(event.get("steps_per_epoch") or 1))
        if event.type == "batch_progress" and event.get("phase") == "train":
            self._step = (int(event["epoch"]) - 1) * self._steps + int(event["batch"])
        if known:
            return
        found = getattr(self, f"_{event.type}", None)
        if found is not None:
            found(event)

    def _batch_progress(self, event: Event) -> None:
        last = event["batch"] == event["batches"]
        if event.get("phase") != "train" or not (last or event.time - self._shown >= PROGRESS_EVERY_S):
            return
        self._shown = event.time
        values = {
            "loss": event.get("loss"),
            "lr": event.get("lr"),
            "images_per_second": event.get("per_second"),
        }
        values |= {f"loss_{name}": v for name, v in (event.get("terms") or {}).items()}
        self._send("train", values, self._step, event.time)

    def _gradients(self, event: Event) -> None:
        parts = {"total": event.get("total"), **(event.get("parts") or {})}
        self._send("gradients", parts, self._step, event.time)

    def _resource_sample(self, event: Event) -> None:
        self._send("machine", {k: v for k, v in event.data.items() if k != "v"}, self._step, event.time)

    def _epoch_completed(self, event: Event) -> None:
        values: dict[str, Any] = {
            k: event.get(k) for k in ("train_loss", "val_loss", "lr", "images_per_second", "wait_share")
        }
        values |= {f"val_{name}": v for name, v in (event.get("metrics") or {}).items()}
        for label, found in (event.get("per_class") or {}).items():
            values |= {f"val_{metric}/{label}": v for metric, v in found.items()}
        self._send("epoch", values, int(event["epoch"]), event.time)

    def _preview_written(self, event: Event) -> None:
        for number, item in enumerate((event.get("items") or [])[:MOST_IMAGES]):
            file = self._folder / str(item.get("prediction"))
            if file.is_file():
                self._sink.image(f"preview/{number:02d}", file, int(event["epoch"]), event.time)

    def _send(self, group: str, values: dict[str, Any], step: int, time: float) -> None:
        numbers = {
            f"{group}/{name}": float(v)
            for name, v in values.items()
            if isinstance(v, (int, float)) and not isinstance(v, bool)
        }
        if numbers:
            self._sink.values(numbers, step, time)

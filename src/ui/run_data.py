"""What a run view knows: the events of one run, folded into curves, tables and lists. No Qt, no drawing."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from src.core.run.events import Event
from src.core.run.worked import WorkingTime
from src.ui.series import Series


@dataclass
class Attempt:
    """One process that worked on the run, from ``time`` on (Unix time, s)."""

    number: int
    time: float
    epoch: int
    step: int
    resumed: bool


@dataclass
class Message:
    """One line of the run's own log. ``level`` is ``info``, ``warning`` or ``error``."""

    time: float
    level: str
    text: str
    cure: str = ""
    where: str = ""


@dataclass
class Progress:
    """Where the run is inside an epoch."""

    epoch: int = 0
    phase: str = ""
    batch: int = 0
    batches: int = 0
    per_second: float | None = None
    time: float = 0.0


#: Batches and seconds from which on the first epoch tells how long the run will take.
_TELLING_BATCHES, _TELLING_S = 3, 2.0
_ENDINGS = {
    "completed": "Completed.",
    "stopped_early": "Stopped early: no further gain.",
    "stopped": "Stopped.",
    "paused": "Paused.",
    "failed": "Failed.",
    "killed": "Killed.",
}


def _numbers(values: Any) -> Iterator[tuple[str, float]]:
    for key, value in (values or {}).items():
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            yield key, float(value)


@dataclass
class RunData:
    """The state of one run as its event log tells it.

    Attributes:
        started: Fields of the newest ``run_started`` event, or empty.
        epochs: Fields of each completed epoch, in order.
        curves: Name to curve over epochs (``train_loss``, ``val_loss``, ``lr``, ``metric:<key>``).
        batch_loss: Training loss of reported batches over epochs as a fraction.
        resources: Name to curve over seconds since the first start.
        previews: Epoch to the items of its preview.
        ending: Fields of the last ``run_ended`` event, empty while the run goes on.
        stage: What is going on before the first step, with its share; empty otherwise.
    """

    started: dict[str, Any] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    epochs: list[dict[str, Any]] = field(default_factory=list)
    curves: dict[str, Series] = field(default_factory=dict)
    batch_loss: Series = field(default_factory=Series)
    resources: dict[str, Series] = field(default_factory=dict)
    previews: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    progress: Progress = field(default_factory=Progress)
    ending: dict[str, Any] = field(default_factory=dict)
    stage: str = ""
    best_epoch: int | None = None
    best_value: float | None = None

    @property
    def metric(self) -> str:
        """Key of the value by which the best model is chosen."""
        return str(self.started.get("metric") or "")

    @property
    def planned(self) -> int:
        """Epochs that were asked for."""
        return int(self.started.get("epochs") or 0)

    def take(self, events: Iterable[Event]) -> set[str]:
        """Fold events in, in the order of the log; returns what changed (names of `RunData` parts)."""
        changed: set[str] = set()
        for event in events:
            handler = _HANDLERS.get(event.type)
            if handler:
                changed |= handler(self, event)
            self._worked.take(event)
        return changed

    @property
    def taken_s(self) -> float | None:
        """Seconds that processes worked on the run, the pauses between them left out; None before the first."""
        return self._worked.seconds

    def left_s(self, now: float) -> float | None:
        """Seconds until the planned end by the time of the last epochs; None while nothing can be said."""
        if self.ending or not self.planned:
            return None
        seconds = [sum(v for _, v in _numbers(e.get("seconds"))) for e in self.epochs[-5:]]
        one = statistics.median(seconds) if seconds else self._first_epoch_s()
        if not one:
            return None
        gone = now - self._epoch_began if self._epoch_began else 0.0
        return max(0.0, one * (self.planned - len(self.epochs)) - min(gone, one))

    def _first_epoch_s(self) -> float | None:
        """Seconds of the first epoch by its batches so far; None while they are too few to tell."""
        at = self.progress
        gone = at.time - self._epoch_began
        if at.phase != "train" or at.batch < _TELLING_BATCHES or gone < _TELLING_S:
            return None
        return gone / at.batch * at.batches

    _epoch_began: float = 0.0
    _worked: WorkingTime = field(default_factory=WorkingTime)
    _warned: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def _curve(self, name: str) -> Series:
        return self.curves.setdefault(name, Series())

    def _stage(self, event: Event) -> set[str]:
        total = int(event.get("total") or 0)
        share = f": {100 * int(event.get('done') or 0) // total} %" if total else ""
        self.stage = f"{event.get('what')}{share}"
        return {"progress"}

    def _run_started(self, event: Event) -> set[str]:
        self.stage = ""
        attempt = int(event.get("attempt") or 1)
        epoch, step = int(event.get("epoch") or 1), int(event.get("step") or 0)
        if attempt > 1:
            for curve in self.resources.values():  # the time in between is a gap, not a line
                curve.append(event.time - self.attempts[0].time if self.attempts else 0.0, None)
            self._forget_after(epoch, step, int(event.get("steps_per_epoch") or 0))
        self.started = event.data
        self.ending = {}
        self.attempts.append(Attempt(attempt, event.time, epoch, step, bool(event.get("resumed"))))
        what = f"Resumed at epoch {epoch}, step {step}" if attempt > 1 else "Started"
        device = event.get("device")
        self.messages.append(Message(event.time, "info", what + (f" on {device}." if device else ".")))
        return {"started", "epochs", "batches", "previews", "messages"}

    def _rolled_back(self, event: Event) -> set[str]:
        epoch, step = int(event.get("epoch") or 1), int(event.get("step") or 0)
        self._forget_after(epoch, step, int(event.get("steps_per_epoch") or 0))
        return {"epochs", "batches", "previews"}

    def _forget_after(self, epoch: int, step: int, steps: int) -> None:
        """A resumed run repeats what came after its checkpoint; the earlier try of it does not count."""
        self.epochs = [e for e in self.epochs if int(e["epoch"]) < epoch]
        for curve in self.curves.values():
            curve.cut(epoch - 1)
        self.batch_loss.cut(epoch - 1 + (step / steps if steps else 0))
        self.previews = {k: v for k, v in self.previews.items() if k < epoch}
        last = self.epochs[-1] if self.epochs else {}
        self.best_epoch, self.best_value = last.get("best_epoch"), last.get("best_value")
        self.progress = Progress()

    def _epoch_started(self, event: Event) -> set[str]:
        self._epoch_began = event.time
        self.progress = Progress(epoch=int(event["epoch"]), time=event.time)
        return {"progress"}

    def _batch(self, event: Event) -> set[str]:
        data = event.data
        epoch, batch, batches = data["epoch"], data["batch"], max(1, data["batches"])
        self.progress = Progress(epoch, data["phase"], batch, batches, data.get("per_second"), event.time)
        if data["phase"] != "train":
            return {"progress"}
        self.batch_loss.append(epoch - 1 + batch / batches, data.get("loss"))
        return {"progress", "batches"}

    def _epoch_completed(self, event: Event) -> set[str]:
        data, epoch = event.data, int(event["epoch"])
        self.epochs.append(data)
        for name in ("train_loss", "val_loss", "lr"):
            value = data.get(name)
            if isinstance(value, dict):  # one rate for each group of parameters
                value = max((v for _, v in _numbers(value)), default=None)
            elif isinstance(value, list):
                value = max((v for v in value if isinstance(v, (int, float))), default=None)
            self._curve(name).append(epoch, value)
        metrics = data.get("metrics") or {}
        for key, value in metrics.items():
            if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
                self._curve(f"metric:{key}").append(epoch, value)
        self.best_epoch, self.best_value = data.get("best_epoch"), data.get("best_value")
        return {"epochs", "progress"}

    def _checkpoint(self, event: Event) -> set[str]:
        if "best" not in (event.get("roles") or ()):
            return set()
        self.messages.append(
            Message(event.time, "info", f"New best model saved at epoch {event.get('epoch')}.")
        )
        return {"messages"}

    def _preview(self, event: Event) -> set[str]:
        self.previews[int(event["epoch"])] = list(event.get("items") or ())
        return {"previews"}

    def _resource(self, event: Event) -> set[str]:
        origin = self.attempts[0].time if self.attempts else event.time
        for key, value in event.data.items():
            if value is None or isinstance(value, (int, float)):
                self.resources.setdefault(key, Series()).append(event.time - origin, value)
        return {"resources"}

    def _warning(self, event: Event) -> set[str]:
        where = event.get("where") or ""
        place = ", ".join(map(str, where)) if isinstance(where, list) else str(where)
        text, cure = str(event.get("message") or ""), str(event.get("cure") or "")
        told = self._warned.setdefault((str(event.get("code")), text, place), len(self.attempts))
        if told < len(self.attempts):  # the data are checked again by each attempt
            return set()
        level = "info" if event.get("severity") == "notice" else "warning"
        self.messages.append(Message(event.time, level, text, cure, place))
        return {"messages"}

    def _ended(self, event: Event) -> set[str]:
        self.ending = event.data
        status = str(event.get("status"))
        word, cause = _ENDINGS.get(status, status), str(event.get("cause") or "")
        said = cause.startswith(word.rstrip("."))
        text = cause if said else " ".join(filter(None, [word, cause]))
        level = "error" if status in ("failed", "killed") else "warning" if event.get("verdict") else "info"
        self.messages.append(Message(event.time, level, text, str(event.get("cure") or "")))
        return {"ending", "messages", "progress"}


_HANDLERS = {
    "stage": RunData._stage,
    "run_started": RunData._run_started,
    "rolled_back": RunData._rolled_back,
    "epoch_started": RunData._epoch_started,
    "batch_progress": RunData._batch,
    "epoch_completed": RunData._epoch_completed,
    "checkpoint_saved": RunData._checkpoint,
    "preview_written": RunData._preview,
    "resource_sample": RunData._resource,
    "warning": RunData._warning,
    "run_ended": RunData._ended,
}

"""The events of a run, for everything that watches it.

====================  ==========================================  =================================================
method                when                                        may rely on
====================  ==========================================  =================================================
``on_run_start``      once, before the first step                 ``trainer.state`` is the position it starts at
``on_epoch_start``    before the first step of an epoch, and      ``trainer.state.epoch``, ``.step``; the loader of
                      before that of one that is resumed          the epoch is asked for after it
``on_gradients``      at the first update, and at the first       all gradients are there, as long as they are:
                      after each report, before the weights move  neither scaled nor clipped; not synchronised
``on_update``         after each update of the weights            nothing is synchronised; keep it to microseconds
``on_report``         at most 20 times a second, and at the end   a `Report`: losses read back from the device
                      of each phase (train, val)
``on_epoch_end``      after validation                            the epoch's entry in ``trainer.state.history``
``on_new_best``       after ``on_epoch_end`` of a best epoch      the model holds the weights to keep
``on_save``           when the state should be kept               ``trainer.snapshot()``; ``reason`` says why:
                                                                  ``epoch``, ``time`` or ``stop``
``on_roll_back``      the run went back to its last checkpoint    ``trainer.state`` is that position; what came
                      because its numbers failed                  after it does not count any more
``on_warning``        something went wrong that the run survives  code, message, cure, where
``on_run_end``        once, whatever happened                     `Outcome`
====================  ==========================================  =================================================

A callback watches. The one kind that takes part (`src.core.engine.resizing`) does so in ``on_epoch_start`` and as a pure
function of the epoch, so that a resumed run is the one that was not interrupted. Exceptions of a callback end the run:
nothing is swallowed, and of one that is not ours the run says which it was. What must never end a run, such as a tracker, works
in a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from src.core.engine.trainer import Trainer


@dataclass(frozen=True)
class Report:
    """Progress within an epoch, with the loss of the newest batch that was read back."""

    epoch: int
    phase: str
    batch: int
    batches: int
    loss: float
    terms: dict[str, float] = field(default_factory=dict)
    lr: float = 0.0
    per_second: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """How a run ended: one of `src.core.run.ENDINGS`, with cause and cure in a sentence each."""

    status: str
    cause: str = ""
    cure: str = ""


class Callback:
    """Base of all callbacks; every method does nothing."""

    def on_run_start(self, trainer: Trainer) -> None: ...

    def on_epoch_start(self, trainer: Trainer) -> None: ...

    def on_gradients(self, trainer: Trainer) -> None: ...

    def on_update(self, trainer: Trainer) -> None: ...

    def on_report(self, trainer: Trainer, report: Report) -> None: ...

    def on_epoch_end(self, trainer: Trainer, entry: dict[str, Any]) -> None: ...

    def on_new_best(self, trainer: Trainer) -> None: ...

    def on_save(self, trainer: Trainer, reason: str) -> None: ...

    def on_roll_back(self, trainer: Trainer) -> None: ...

    def on_warning(
        self, trainer: Trainer, code: str, message: str, cure: str, where: Sequence[str]
    ) -> None: ...

    def on_run_end(self, trainer: Trainer, outcome: Outcome) -> None: ...


#: Every event, in the order in which a run first gives them.
EVENTS = (
    "on_run_start", "on_epoch_start", "on_gradients", "on_update", "on_report", "on_epoch_end", "on_new_best", "on_save",
    "on_roll_back", "on_warning", "on_run_end",
)  # fmt: skip


class CallbackList:
    """Calls only those that listen, in the order in which they were given; an event nobody wants costs nothing."""

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        self._listeners = {
            event: [
                _named(c, event) for c in callbacks if getattr(type(c), event) is not getattr(Callback, event)
            ]
            for event in EVENTS
        }
        self.on_update = self._listeners["on_update"]
        self.on_gradients = self._listeners["on_gradients"]

    def __call__(self, event: str, *values: Any) -> None:
        for listener in self._listeners[event]:
            listener(*values)


def _named(callback: Callback, event: str) -> Callable[..., None]:
    """The method of a callback; what one of a user raises carries its name, as ``raised_by``."""
    method: Callable[..., None] = getattr(callback, event)
    kind = type(callback)
    if kind.__module__.startswith("src."):
        return method

    def listen(*values: Any) -> None:
        try:
            method(*values)
        except Exception as error:
            error.raised_by = f"{kind.__qualname__}.{event}"  # type: ignore[attr-defined]
            raise

    return listen

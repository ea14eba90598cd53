"""How a run ends that nothing broke: by command, at its last epoch, or because it no longer gets better."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from src.core.engine.callbacks import Outcome
from src.core.report.text import metric_title

if TYPE_CHECKING:
    from src.core.engine.trainer import Trainer


def stopped(command: str) -> Outcome:
    """The outcome of a command: ``pause``, or any other."""
    if command == "pause":
        return Outcome("paused", "Paused; the device is free.", "Resume goes on from this very step.")
    return Outcome(
        "stopped", "Stopped by request; the model so far is kept.", "Resume goes on from this very step."
    )


def verdict(trainer: Trainer) -> Outcome | None:
    """Whether a run is at its end after an epoch; None where it goes on."""
    command, patience, state = trainer.command(), trainer.options.patience, trainer.state
    if state.epoch > trainer.options.epochs:
        return Outcome("completed")
    if command:
        return stopped(command)
    if patience and state.stalled >= patience:
        what = f"{metric_title(trainer.metric)} has not got better for {state.stalled} epochs"
        return Outcome("stopped_early", f"{what} (early stopping).", "")
    return None


class Barren(NamedTuple):
    """What to say of a training that went to its end and taught next to nothing.

    Attributes:
        verdict: A few words that follow “Completed”.
        cause: A sentence with the figures.
        cure: What to do about it.
    """

    verdict: str
    cause: str
    cure: str


_CURE = (
    "See in the previews whether samples and labels belong together, then train again: for more epochs, with another "
    "learning rate, or with a loss made for what is rare."
)


def found_nothing(trainer: Trainer) -> Barren | None:
    """Whether the best model recognises at most one of the classes that occur in the validation data; None where it does more.

    A model that answers “background” everywhere may score well where most pixels, or most images, are nothing else.
    """
    state = trainer.state
    best = next((e for e in state.history if e["epoch"] == state.best_epoch), None)
    recalls = {
        name: float(values["recall"])
        for name, values in ((best or {}).get("per_class") or {}).items()
        if math.isfinite(values.get("recall", math.nan))
    }
    if best is not None and len(recalls) > 1:
        found = [name for name, recall in recalls.items() if recall > 0]
        of = f"Of the {len(recalls)} classes in the validation data the best model (epoch {state.best_epoch})"
        if not found:
            return Barren("found nothing", f"{of} recognises none.", _CURE)
        if len(found) == 1:
            return Barren(f"found only {found[0]}", f"{of} recognises {found[0]} alone.", _CURE)
    if trainer.maximise and state.best_value == 0:
        said = f"The best value of {metric_title(trainer.metric)} on the validation data is 0"
        return Barren("found nothing", f"{said}: the model finds nothing of what the labels show.", _CURE)
    return None

"""How a run ends that nothing broke: by command, at its last epoch, or because it no longer gets better."""

from __future__ import annotations

from typing import TYPE_CHECKING

from src.core.engine.callbacks import Outcome

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
        what = f"{trainer.metric} has not got better for {state.stalled} epochs"
        return Outcome("stopped_early", f"{what} (early stopping).", "")
    return None

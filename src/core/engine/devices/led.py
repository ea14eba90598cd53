"""Saving and previews where each device holds a part of the weights: the first one writes, and all of them bring the weights together.

The first device says what it needs while its callbacks work, and at the end of each event that it is done; the others do
their part of whatever it says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from src.core.engine.callbacks import Callback, Outcome
from src.core.engine.devices.group import Group

if TYPE_CHECKING:
    from src.core.engine.trainer import Trainer


class _AtEvents(Callback):
    """Does the same at every event in which something may be saved or shown."""

    def __init__(self, group: Group) -> None:
        self._group = group

    def _act(self, trainer: Trainer) -> None:
        raise NotImplementedError

    def on_epoch_end(self, trainer: Trainer, entry: dict[str, Any]) -> None:
        self._act(trainer)

    def on_new_best(self, trainer: Trainer) -> None:
        self._act(trainer)

    def on_save(self, trainer: Trainer, reason: str) -> None:
        self._act(trainer)

    def on_run_end(self, trainer: Trainer, outcome: Outcome) -> None:
        if outcome.status != "failed":  # which one device may have come to alone
            self._act(trainer)


class Led(_AtEvents):
    """Of the first device, the last of its callbacks: its callbacks have done."""

    def _act(self, trainer: Trainer) -> None:
        self._group.lead("done")


class Following(_AtEvents):
    """Of the other devices: do what the first one needs until it has done."""

    def __init__(self, group: Group, previews: int) -> None:
        """``previews`` are as many as the first one makes."""
        super().__init__(group)
        self._previews = previews

    def _act(self, trainer: Trainer) -> None:
        while (word := self._group.heard()) != "done":
            if word == "snapshot":
                trainer.snapshot()
            elif word == "weights":
                trainer.weights()
            else:
                trainer.model.eval()
                with torch.no_grad(), trainer.averaged():
                    trainer.task.previews(trainer.model, trainer.device, self._previews)

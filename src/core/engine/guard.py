"""What happens to a run whose loss or gradients are no numbers: the step was skipped, the samples are named, and it goes on; from
an earlier state where that is not enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from src.core.engine.pending import NonFiniteLossError

if TYPE_CHECKING:
    from src.core.engine.trainer import Trainer


class Guard:
    """Lets a run pass over a bounded number of updates without finite gradients.

    The weights were not moved by them (see `Update`). Running statistics, which a forward pass moves, are set back to
    those of the last report at which all was well, in the model and in its average.

    Attributes:
        limit: Updates that may be skipped in a run; one more ends it.
    """

    def __init__(self, trainer: Trainer, limit: int) -> None:
        self._trainer, self.limit = trainer, limit
        self._held: list[Tensor] = []
        self._good: list[Tensor] = []

    def begin(self) -> None:
        """At the beginning of an epoch, also of a resumed one: what is there now is good."""
        model, average = self._trainer.model, self._trainer.average
        statistics = {k: v for k, v in model.named_buffers() if v.is_floating_point()}
        self._held = list(statistics.values())
        if average is not None:
            self._held += [average.average[k] for k in statistics if k in average.average]
        self._good = [b.detach().clone() for b in self._held]

    @torch.no_grad()
    def keep(self) -> None:
        """All is well: remember the statistics."""
        if self._held:
            torch._foreach_copy_(self._good, self._held)

    def roll_back(self, error: NonFiniteLossError) -> bool:
        """Bring the run back to its last checkpoint, with half the learning rate of the time before; False where it may not, or has
        none. The samples come in the same order again: it is the weights, near which no step was possible, that are others.
        """
        trainer, times = self._trainer, self._trainer.state.rollbacks + 1
        allowed = times <= trainer.options.rollbacks
        kept = trainer.group.from_first(trainer.recover) if allowed else None
        if kept is None:
            return False
        trainer.optimizer.zero_grad(set_to_none=True)
        trainer.restore(*kept)
        trainer.state.rollbacks, trainer.state.skipped = times, 0
        trainer.schedule.lower(times)
        trainer.callbacks("on_roll_back", trainer)
        place = f"epoch {trainer.state.epoch}, step {trainer.state.step}"
        trainer.callbacks(
            "on_warning", trainer, "rolled-back",
            f"{error} The run went back to its last checkpoint ({place}) and goes on with half the learning rate. That is the "
            f"{times}. of at most {trainer.options.rollbacks} times.",
            "Where it happens again: look at these samples, or begin with a lower learning rate.", error.samples,
        )  # fmt: skip
        return True

    @torch.no_grad()
    def pass_over(self, found: list[NonFiniteLossError]) -> None:
        """Set the statistics back, count, and tell.

        Raises:
            NonFiniteLossError: There were more than ``limit`` in this run.
        """
        state = self._trainer.state
        state.skipped += len(found)
        if state.skipped > self.limit:
            raise found[0]
        if self._held:
            torch._foreach_copy_(self._held, self._good)
        left = self.limit - state.skipped
        then = "is rolled back" if state.rollbacks < self._trainer.options.rollbacks else "ends"
        for error in found:
            self._trainer.callbacks(
                "on_warning", self._trainer, "not-finite", f"{error} The weights were not changed by it.",
                f"Look at these samples, or lower the learning rate; after {left} more the run {then}.", error.samples,
            )  # fmt: skip

"""What the loop asks of the devices that train together, and the answers where there is one: at once, and as they were."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn

from src.core.engine.task import Batch, Loader, Metrics, StepOutput

if TYPE_CHECKING:
    from src.core.engine.trainer import Trainer

T = TypeVar("T")
#: Divides a batch into pieces; see `src.core.engine.update.divided`.
Divide = Callable[[Batch, int], list[Batch]]


#: What the first device may need of the others while its callbacks work; see `src.core.engine.devices.led`.
WORDS = ("done", "weights", "snapshot", "previews")


class Group:
    """One device. `src.core.engine.devices.fabric_group` has the same methods for several; all of them then call each one
    at the same points, and get the same answers.

    Attributes:
        rank, size: Number of this process, from 0, and how many there are.
        main: It writes the run folder.
        gain: Factor of the loss of which the gradients are computed.
        parts: Each device holds a part of the weights only.
        device: That of this process; None where the configuration says it.
        beside: How many of the processes share this machine.
        retries: An update for which memory was not enough on one of them can be computed anew in smaller pieces.
    """

    retries = True

    rank, size, main, gain, parts, beside = 0, 1, True, 1.0, False, 1
    device: torch.device | None = None

    # ---- decisions

    def clock(self) -> float:
        """Seconds, the same for all: whatever is decided by time is decided alike."""
        return time.perf_counter()

    def commands(self, command: Callable[[], str | None]) -> Callable[[], str | None]:
        """What tells the standing command, the same for all."""
        return command

    def begin(self, trainer: Trainer) -> None:
        """Before the forward passes of an update."""

    def agree(self, failed: bool) -> bool:
        """After its backward passes: whether memory was not enough on any device."""
        return failed

    # ---- batches

    def share(self, loaders: tuple[Loader, Loader | None]) -> tuple[Loader, Loader | None]:
        """Loaders that give this device's part of each batch."""
        return loaders

    def pieces(self, batch: Batch, pieces: int, divide: Divide) -> Iterator[tuple[Batch, float]]:
        """The part of a batch in pieces, each with its share of the samples of the whole batch."""
        for piece in divide(batch, pieces):
            yield piece, len(piece["index"]) / len(batch["index"])

    def index(self, batch: Batch) -> Tensor:
        """Items of the data set in the whole batch, int64."""
        found: Tensor = batch["index"]
        return found

    def most(self, batches: list[Batch]) -> int:
        """Samples of the largest part of these batches that any device has."""
        return max(len(batch["index"]) for batch in batches)

    def attend(self, batch: Batch) -> bool:
        """Say which batch is computed next; returns whether it counts, or only stands in where there is none."""
        return True

    # ---- sums

    def total(self, outputs: list[StepOutput]) -> list[StepOutput]:
        """Losses and terms of the whole batches, from those of the parts, which are weighted by their samples already."""
        return outputs

    def mean(self, output: StepOutput, batch: Batch) -> StepOutput:
        """Loss and terms of a whole batch, from their means over the parts."""
        return output

    def add_gradients(self, weights: list[nn.Parameter]) -> None:
        """Give every device the sum of the gradients."""

    def norm(self, norm: Tensor) -> Tensor:
        """Norm of all gradients, from that of those which this device holds."""
        return norm

    def gather(self, metrics: Metrics, new: Callable[[], Metrics]) -> Metrics:
        """Metrics of all parts together; ``new`` makes an empty accumulator."""
        return metrics

    # ---- weights

    def prepare(self, model: nn.Module) -> nn.Module:
        """The model as the devices hold it, with the weights of the first one."""
        return model

    def synchronise_norms(self, model: nn.Module) -> int:
        """Make batch norm one over all devices, in place; returns how many layers that are."""
        return 0

    def same_buffers(self, model: nn.Module) -> None:
        """Give all devices the running statistics of the first."""

    def full(self, state: dict[str, Any]) -> dict[str, Any]:
        """A state of model or optimiser with whole tensors."""
        return state

    def load(self, model: nn.Module, weights: dict[str, Tensor]) -> None:
        """Put whole weights into the model."""
        model.load_state_dict(weights)

    def part_like(self, value: Tensor, held: Any) -> Tensor:
        """The part of a whole tensor that this device holds, as ``held`` is divided."""
        return value

    # ---- words

    def in_turn(self, work: Callable[[], None]) -> None:
        """Do what makes files for all: the first device first, then the others."""
        work()

    def from_first(self, work: Callable[[], T]) -> T:
        """What the first device finds, for all of them."""
        return work()

    def lead(self, word: str) -> None:
        """Where each device holds a part of the weights: tell the others what the first one needs (see `WORDS`)."""

    def heard(self) -> str:
        """What the first device needs."""
        return WORDS[0]

    def titles(self) -> list[str]:
        """The devices in words; none where there is one, which the configuration names."""
        return []

    def tell(self, code: str, message: str, cure: str, where: list[str]) -> None:
        """A warning of this device for the log of the run; the first device writes its own itself."""

    def close(self) -> None:
        """Leave the group; safe to call twice."""


ALONE = Group()

"""What the processes of one training tell each other beside their gradients: few numbers at a time, by way of the processor."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor


class ElsewhereError(MemoryError):
    """Memory was not enough on another device: this one must begin the update anew too."""

    def __init__(self) -> None:
        super().__init__("The memory of another device was not enough.")


class Channel:
    """Sums of numbers over all processes.

    Every message has the same length and carries a flag. So a process that ran out of memory, wherever the others are in
    their forward or backward passes, takes part in whatever they say next, and they all know it at the same point: nobody
    is left waiting for it.

    Attributes:
        counts: What is computed now counts; False while samples only stand in where there are none.
        on_gpu: Sums were added between the GPUs in the middle of a pass.
    """

    def __init__(self, group: Any, width: int = 8) -> None:
        """``group`` is a process group of gloo, ``width`` the most numbers that one message holds."""
        self._group, self._width = group, width
        self._heard = False
        self.counts, self.on_gpu = True, False

    def widen(self, width: int) -> None:
        """Make room for longer messages; all processes do it at the same point."""
        self._width = max(self._width, width)

    def sum(self, values: Tensor) -> Tensor:
        """Sum of ``values`` (one dimension) over all processes, float64 on the CPU.

        Raises:
            ElsewhereError: One of them has said `fail` instead.
        """
        self.widen(len(values))
        message = torch.zeros(self._width + 1, dtype=torch.float64)
        message[: len(values)] = values
        dist.all_reduce(message, group=self._group)
        if message[-1]:
            self._heard = True
            raise ElsewhereError
        return message[: len(values)]

    def add(self, values: Tensor) -> Tensor:
        """As `sum`, of values on a GPU without waiting for it; float64."""
        if values.device.type == "cpu":
            return self.sum(values)
        self.on_gpu = True
        found = values.double()
        dist.all_reduce(found)
        return found

    def fail(self) -> None:
        """Tell the others that memory was not enough here; nothing where one of them has said so already."""
        if not self._heard:
            message = torch.zeros(self._width + 1, dtype=torch.float64)
            message[-1] = 1
            dist.all_reduce(message, group=self._group)
        self._heard = False

    def forget(self) -> None:
        """The failure that was heard is being dealt with."""
        self._heard = False

    def close(self) -> None:
        """Let go of the process group: one that the garbage collection of an ending process finds keeps it from ending."""
        self._group = None

    def from_first(self, value: Any) -> Any:
        """The first process's plain object, for all."""
        found = [value]
        dist.broadcast_object_list(found, 0, group=self._group)
        return found[0]

    def gather(self, value: Any) -> list[Any]:
        """A plain object of each process, in their order."""
        found: list[Any] = [None] * dist.get_world_size(self._group)
        dist.all_gather_object(found, value, group=self._group)
        return found

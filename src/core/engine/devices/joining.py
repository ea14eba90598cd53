"""How a network and its task are made ready for several devices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import nn

from src.core.config.training import TrainingConfig
from src.core.dataset.findings import Finding
from src.core.engine.callbacks import Callback
from src.core.engine.device import DeviceError
from src.core.engine.devices.group import Group
from src.core.engine.task import Task

if TYPE_CHECKING:
    from src.core.engine.trainer import Trainer


class Told(Callback):
    """Of a device that writes no run folder: its warnings reach the log by way of the first one."""

    def __init__(self, group: Group) -> None:
        self._group = group

    def on_warning(self, trainer: Trainer, code: str, message: str, cure: str, where: Sequence[str]) -> None:
        self._group.tell(code, message, cure, list(where))


def joined(group: Group, task: Task, model: nn.Module, training: TrainingConfig) -> Finding | None:
    """Make a model ready, in place; returns what a person should know. Nothing with one device.

    Raises:
        DeviceError: The problem cannot be trained on several devices.
    """
    if group.size == 1:
        return None
    metrics = task.new_metrics(group.device or next(model.parameters()).device)
    if not hasattr(metrics, "merge"):
        raise DeviceError(
            "The metrics of this problem cannot be added over several devices yet. Set training.devices to 1."
        )
    layers = group.synchronise_norms(model) if training.sync_batch_norm else -1
    group.prepare(model)
    if layers:
        return None
    return Finding("notice", "sync-batch-norm", "The network has no batch normalisation, so there is nothing to synchronise.",
                   "Nothing need be done.", ("training.sync_batch_norm",))  # fmt: skip

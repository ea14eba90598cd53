"""Meeting the other processes of a training, by way of Lightning Fabric; imported only where there are several."""

from __future__ import annotations

import datetime as dt
from typing import Any

import torch

from src.core.engine.device import DeviceError
from src.core.engine.devices.fabric_group import FabricGroup
from src.core.engine.devices.parts import divide_weights
from src.core.run.places import Place

#: Nobody waits for so long in vain: a process that ends is noticed at once, whoever else does something long.
_TIMEOUT = dt.timedelta(days=2)


def connect(place: Place, device: torch.device, strategy: str) -> FabricGroup:
    """Meet the other processes of this training; returns when all of them are there.

    Args:
        place: Of this process.
        device: Kind of the devices; which GPU is this process's own follows from its place.
        strategy: ``ddp`` or ``fsdp``.
    """
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments import (
        LightningEnvironment,
        SLURMEnvironment,
        TorchElasticEnvironment,
    )
    from lightning_fabric.strategies import DDPStrategy, ModelParallelStrategy

    kinds = {"lathe": LightningEnvironment, "torchrun": TorchElasticEnvironment, "slurm": SLURMEnvironment}
    if strategy == "fsdp":
        chosen: Any = ModelParallelStrategy(
            divide_weights, data_parallel_size=place.size, tensor_parallel_size=1, timeout=_TIMEOUT
        )
    else:
        chosen = DDPStrategy(timeout=_TIMEOUT)
    fabric = Fabric(
        accelerator=device.type, devices=place.local_size, num_nodes=place.nodes, strategy=chosen,
        plugins=[kinds[place.launcher]()],
    )  # fmt: skip
    fabric.launch()
    return FabricGroup(fabric, strategy == "fsdp", place.local_size, _TIMEOUT)


def local_device(place: Place, wanted: str) -> torch.device:
    """The device of a process, from its place on its machine and from what the configuration asks for.

    Raises:
        DeviceError: The machine has fewer devices, or they cannot compute together.
    """
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if wanted == "cpu" or (wanted == "auto" and not gpus):
        return torch.device("cpu")
    if wanted not in ("auto", "cuda"):
        raise DeviceError(
            f"Several devices cannot train together while training.device names {wanted}. "
            "Set training.device to auto, cuda or cpu, or training.devices to 1."
        )
    if place.local_size > gpus:
        raise DeviceError(
            f"{place.local_size} devices are asked for, and this machine has {gpus} {'GPU' if gpus == 1 else 'GPUs'}. "
            f"Set training.devices to {max(1, gpus)}, or start as many processes on each machine as it has GPUs."
        )
    return torch.device("cuda", place.local_rank)

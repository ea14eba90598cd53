"""Where and in which numbers a trained model is computed."""

from __future__ import annotations

import torch

from src.core.engine.device import DeviceError, Precision, choose_device, choose_precision
from src.core.job import JobError


def choose_machine(device: str, precision: str) -> tuple[torch.device, Precision]:
    """Device and precision of a `ComputeConfig`.

    Raises:
        JobError: This machine does not have them.
    """
    try:
        where = choose_device(device)
        if precision == "fp16" and where.type == "cpu":
            raise JobError(
                "float16 is not computed on the CPU.", "Set compute.precision to auto, fp32 or bf16."
            )
        return where, choose_precision(precision, where)
    except DeviceError as error:
        message = str(error).replace("training.device", "compute.device")
        raise JobError(message, "Set compute.device to auto.") from None

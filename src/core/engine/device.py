"""Which device computes, in which precision, with which seed."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import Any

import torch

from src.core.config.training import TrainingConfig


class DeviceError(Exception):
    """A device that is not there; the message lists those that are."""


@dataclass(frozen=True)
class Precision:
    """How numbers are held.

    Attributes:
        name: ``fp32``, ``bf16`` or ``fp16``.
        dtype: Of the autocast region, or None for plain float32.
        scaled: Whether gradients must be scaled so that they do not vanish (fp16).
    """

    name: str
    dtype: torch.dtype | None
    scaled: bool = False

    def context(self, device: torch.device) -> contextlib.AbstractContextManager[Any]:
        """Autocast, or nothing; made once, entered at every step."""
        if self.dtype is None:
            return contextlib.nullcontext()
        return torch.autocast(device.type, dtype=self.dtype)


def available_devices() -> list[str]:
    """Names that the configuration may use on this machine."""
    names = ["cpu"]
    if torch.cuda.is_available():
        names += [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        names.append("mps")
    return names


def choose_device(wanted: str) -> torch.device:
    """The device of a configuration; ``auto`` takes the first GPU, or the CPU.

    Raises:
        DeviceError: It is not on this machine.
    """
    names = available_devices()
    if wanted == "auto":
        return torch.device(next((n for n in names if n != "cpu"), "cpu"))
    name = "cuda:0" if wanted == "cuda" else wanted
    if name not in names:
        raise DeviceError(
            f"The device {wanted} is not on this machine; there are: {', '.join(names)}. "
            "Set training.device to one of these, or to auto."
        )
    return torch.device(name)


def choose_precision(wanted: str, device: torch.device) -> Precision:
    """The precision of a configuration; ``auto`` takes mixed precision where the device computes it natively.

    Raises:
        DeviceError: The device cannot do it.
    """
    if wanted == "auto":
        if device.type == "cuda" and torch.cuda.get_device_capability(device)[0] >= 8:
            wanted = "bf16"
        elif device.type == "cuda" and torch.cuda.get_device_capability(device)[0] >= 7:
            wanted = "fp16"
        elif device.type == "cpu" and _cpu_computes_bf16():
            wanted = "bf16"
        else:
            wanted = "fp32"
    if wanted == "fp16":
        if device.type == "cpu":
            raise DeviceError(
                "fp16 is not for training on the CPU. Set training.precision to auto, fp32 or bf16."
            )
        return Precision("fp16", torch.float16, scaled=True)
    return Precision("bf16", torch.bfloat16) if wanted == "bf16" else Precision("fp32", None)


def _cpu_computes_bf16() -> bool:
    """Whether the processor has instructions for bf16, with which a step takes about half as long."""
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def device_title(device: torch.device) -> str:
    """The device in words."""
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)} ({device})"
    return "CPU" if device.type == "cpu" else str(device)


def apply_settings(config: TrainingConfig, device: torch.device, beside: int = 1) -> None:
    """Process-wide settings of a job: threads, determinism. Called once, before anything is computed.

    ``beside`` processes of the same training share the cores of this machine.
    """
    torch.set_num_threads(config.cpu_threads or max(1, (os.cpu_count() or 1) // beside))
    if config.deterministic and device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True
    elif device.type == "cuda":
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high")


def mix_seed(seed: int, *parts: int) -> int:
    """One 63-bit number from several, well spread (SplitMix64)."""
    value = seed & 0xFFFFFFFFFFFFFFFF
    for part in parts:
        value = (value + 0x9E3779B97F4A7C15 + (part & 0xFFFFFFFFFFFFFFFF)) & 0xFFFFFFFFFFFFFFFF
        value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
        value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
        value ^= value >> 31
    return value & 0x7FFFFFFFFFFFFFFF


def random_state(device: torch.device) -> dict[str, torch.Tensor]:
    """State of the generators that layers such as drop-out use."""
    state = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def set_random_state(state: dict[str, torch.Tensor], device: torch.device) -> None:
    """Set back what `random_state` gave."""
    torch.set_rng_state(state["cpu"])
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)

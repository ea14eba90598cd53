"""torch.compile where it works: tried on one batch before a run depends on it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import nn

from src.core.engine.device import Precision
from src.core.engine.task import Batch, Task


@contextlib.contextmanager
def left_as_it_was(model: nn.Module, device: torch.device) -> Iterator[None]:
    """After the block buffers, gradients, mode and random numbers are those from before it."""
    kept = {name: b.detach().clone() for name, b in model.named_buffers()}
    training = model.training
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        try:
            yield
        finally:
            model.zero_grad(set_to_none=True)
            model.train(training)
            with torch.no_grad():
                for name, buffer in model.named_buffers():
                    if name in kept:
                        buffer.copy_(kept[name])


def compile_where_it_works(
    task: Task, model: nn.Module, batch: Batch, device: torch.device, precision: Precision
) -> str:
    """Compile the forward pass in place; names and values of the weights stay.

    Returns:
        Empty, or why the model stays as it was: the first line of what the compiler said.
    """
    model.forward = torch.compile(model.forward)  # type: ignore[method-assign]
    try:
        with left_as_it_was(model, device):
            model.train()
            prepared = task.prepare(batch, device)
            with precision.context(device):
                loss = task.training_step(model, prepared).loss
            loss.backward()
            model.eval()
            with torch.no_grad(), precision.context(device):
                task.evaluation_step(model, prepared)
    except Exception as error:  # the compiler, its C++ compiler and Triton each have errors of their own
        del model.forward
        said = str(error).strip().splitlines()
        return f"{type(error).__name__}: {said[0][:200] if said else 'no words'}"
    return ""

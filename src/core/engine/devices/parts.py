"""Weights of which each device holds a part (FSDP, torch's `fully_shard`), and how they become whole and are divided again."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


def divide_weights(model: nn.Module, mesh: Any) -> nn.Module:
    """Divide the weights of a model among all devices, in place; names stay.

    The whole network is one unit: its weights are brought together for each pass and let go after it, gradients and the state
    of the optimiser stay divided. Units below it would have to be modules that the network calls as a whole, which the
    encoders' differ in.
    """
    from torch.distributed.fsdp import fully_shard

    fully_shard(model, mesh=mesh["data_parallel"], reshard_after_forward=True)
    return model


def whole(tree: Any) -> Any:
    """Nested mappings and lists with whole tensors on the CPU in place of parts; all devices call it together."""
    if isinstance(tree, dict):
        return {key: whole(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [whole(value) for value in tree]
    if _is_part(tree):
        full: Tensor = tree.full_tensor()
        return full.detach()
    return tree


def part_like(value: Tensor, held: Any) -> Tensor:
    """The part of a whole tensor that belongs to this device, divided as ``held`` is; itself where that is whole."""
    if not _is_part(held):
        return value
    from torch.distributed.tensor import distribute_tensor

    found: Tensor = distribute_tensor(value.to(held.device), held.device_mesh, held.placements)
    return found


def local(value: Tensor) -> Tensor:
    """What this device holds of a tensor, in the same memory: a plain tensor."""
    found: Tensor = value.to_local() if _is_part(value) else value  # type: ignore[attr-defined]
    return found


def _is_part(value: Any) -> bool:
    # a plain tensor has no such method; to import the class of those that do takes time on one device
    return isinstance(value, Tensor) and hasattr(value, "full_tensor")

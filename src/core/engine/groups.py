"""Groups of weights for the optimiser: which are decayed, and which learn at a rate of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from src.core.config.optimisation import OptimizerConfig


def parameter_groups(
    model: nn.Module, config: OptimizerConfig, blocks: Sequence[Sequence[Tensor]] = ()
) -> list[dict[str, Any]]:
    """Groups with ``weight_decay`` and ``rate``, a factor of the learning rate.

    Biases and normalisation layers (one dimension) are not decayed. The encoder learns at ``encoder_rate``, and block ``k`` of
    ``n`` (from 0 at the input) at ``layer_decay^(n-k)`` of that (Bao et al. 2022, BEiT), what comes after the blocks at 1.

    Args:
        model: All of its weights are in exactly one group; frozen ones too, which may learn later.
        blocks: Weights of each block of the encoder, from its input to its output; see `blocks_in_order`.
    """
    rates: dict[int, float] = {}
    for place, block in enumerate(blocks):
        rate = config.encoder_rate * config.layer_decay ** (len(blocks) - place)
        for weight in block:
            rates.setdefault(id(weight), rate)
    found: dict[tuple[float, bool], list[Tensor]] = {}
    for weight in model.parameters():
        found.setdefault((rates.get(id(weight), 1.0), weight.ndim > 1), []).append(weight)
    return [
        {"params": weights, "weight_decay": config.weight_decay if decayed else 0.0, "rate": rate}
        for (rate, decayed), weights in sorted(found.items(), key=lambda item: (-item[0][0], not item[0][1]))
    ]


def blocks_in_order(encoder: nn.Module, example: Tensor) -> list[list[Tensor]]:
    """The weights of each block of an encoder, in the order in which an image passes through the blocks.

    The order of their declaration is another one in some (SegFormer's encoder declares all embeddings first). Wrappers with a
    single child are opened, and lists of blocks too; a normalisation layer belongs to the block before it.

    Args:
        encoder: Is put into evaluation mode for this one pass, so that no statistic moves, and then back.
        example: An image as the encoder takes it, N×C×H×W.
    """
    blocks = _children(encoder)
    passed: list[nn.Module] = []

    def note(module: nn.Module, *_: Any) -> None:
        if module not in passed:
            passed.append(module)

    hooks = [block.register_forward_pre_hook(note) for block in blocks]
    modes = {module: module.training for module in encoder.modules()}
    encoder.eval()
    try:
        with torch.no_grad():
            encoder(example)
    finally:
        for hook in hooks:
            hook.remove()
        for module, training in modes.items():
            module.training = training
    # a block that the pass did not call by itself (its weights are used in another way) counts as the earliest
    ordered: list[list[Tensor]] = []
    for block in [b for b in blocks if b not in passed] + passed:
        weights: list[Tensor] = list(block.parameters())
        if ordered and all(w.ndim <= 1 for w in weights):
            ordered[-1] += weights
        else:
            ordered.append(weights)
    return ordered


def _children(module: nn.Module) -> list[nn.Module]:
    """Children with weights; sequences and lone wrappers are replaced by what is in them."""
    found = [child for child in module.children() if any(True for _ in child.parameters())]
    if len(found) == 1 and any(True for _ in found[0].children()):
        return _children(found[0])
    opened: list[nn.Module] = []
    for child in found:
        opened += (
            _children(child) if isinstance(child, (nn.Sequential, nn.ModuleList, nn.ModuleDict)) else [child]
        )
    return opened

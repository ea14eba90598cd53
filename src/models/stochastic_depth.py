"""Drop-out of whole residual branches, and of channels before the last layer. Nothing of it is in the state dict."""

from __future__ import annotations

from typing import Any

from timm.layers import DropPath, drop_path
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck

#: Where blocks of timm and of smp's Mix Transformers keep theirs: a module, or None where the rate is 0.
_PLACES = ("drop_path", "drop_path1", "drop_path2")


def set_stochastic_depth(encoder: Any, rate: float) -> int:
    """Let an encoder pass over residual branches while it trains (Huang et al. 2016, arXiv:1603.09382).

    The chance grows linearly from 0 at the first block to ``rate`` at the last, as in the paper and in timm, sample by
    sample; what remains is divided by the chance to remain, so that evaluation needs no change. Takes the place of what
    the encoder has of its own (Mix Transformers 0.1, EfficientNets 0.2).

    Args:
        encoder: Of `SegmentationModel`; blocks are counted in the order of their declaration.
        rate: Of the last block, 0 to below 1; 0 turns it off.

    Returns:
        How many blocks can be passed over; 0 where the encoder has no residual branches that are known here.

    Raises:
        ValueError: A rate outside [0, 1).
    """
    if not 0 <= rate < 1:
        raise ValueError(f"The rate of stochastic depth lies between 0 and below 1, not {rate}.")
    if hasattr(encoder, "_drop_connect_rate"):  # smp's EfficientNets: rate · block / blocks
        encoder._drop_connect_rate = rate
        return len(encoder._blocks)
    blocks = [module for module in encoder.modules() if _is_block(module)]
    for place, block in enumerate(blocks):
        share = rate * place / max(1, len(blocks) - 1)
        if isinstance(block, BasicBlock | Bottleneck):
            _drop_branch(block, share)
            continue
        for name in _PLACES:
            if hasattr(block, name):
                setattr(block, name, DropPath(share) if share else nn.Identity())
    return len(blocks)


def _is_block(module: nn.Module) -> bool:
    if isinstance(module, BasicBlock | Bottleneck):
        return True
    return any(
        hasattr(module, name) and isinstance(getattr(module, name), nn.Identity | DropPath | None)
        for name in _PLACES
    )


def _drop_branch(block: Any, share: float) -> None:
    """The blocks of torchvision have no place for it: the last normalisation of the branch gives zeros instead."""
    old = block.__dict__.pop("_lathe_depth", None)
    if old is not None:
        old.remove()
    if not share:
        return
    last = block.bn3 if isinstance(block, Bottleneck) else block.bn2

    def drop(module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
        return drop_path(output, share, module.training)

    block.__dict__["_lathe_depth"] = last.register_forward_hook(drop)


def set_dropout(model: Any, rate: float) -> None:
    """Drop-out in the decoder of a `SegmentationModel`: where smp has one, there; else of channels before the last layer.

    DeepLabV3 and V3+ have it in the pyramid of dilated convolutions, FPN and PSPNet before the head. Elsewhere whole
    channels are dropped (Tompson et al. 2015, arXiv:1411.4280), since neighbouring pixels tell each other what is missing.

    Raises:
        ValueError: A rate outside [0, 1).
    """
    if not 0 <= rate < 1:
        raise ValueError(f"The rate of drop-out lies between 0 and below 1, not {rate}.")
    own = [m for m in model.decoder.modules() if isinstance(m, nn.Dropout | nn.Dropout2d)]
    for module in own:
        module.p = rate
    model.drop_channels = 0.0 if own else rate

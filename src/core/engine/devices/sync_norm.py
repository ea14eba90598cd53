"""Batch norm whose statistics are those of the whole batch, over all devices."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from src.core.engine.devices.channel import Channel


class _Sum(torch.autograd.Function):
    """Sum over all processes; so is its gradient."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, channel: Channel) -> Tensor:  # type: ignore[override]
        ctx.channel = channel
        return channel.add(values.detach())

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        return ctx.channel.add(gradient), None


def summed(values: Tensor, channel: Channel) -> Tensor:
    """Sum of ``values`` (one dimension) over all processes, float64, with its gradient; what only stands in is left out.

    Raises:
        ElsewhereError: Memory was not enough on another device; in the backward pass too.
    """
    found: Tensor = _Sum.apply(values.double() * (1.0 if channel.counts else 0.0), channel)
    return found


class GroupBatchNorm(_BatchNorm):
    """Batch norm over all processes, computed on the CPU, where torch's `SyncBatchNorm` does not compute.

    Sums of values and of their squares are added in float64, in one message a layer and pass, and the variance then comes out
    of their difference without loss; samples that only stand in do not count.
    With one value a channel in the whole batch there is no variance: the running statistics serve, and do not move, as in
    the networks' own layers (`src.models.any_size`).
    """

    def __init__(self, norm: _BatchNorm, channel: Channel) -> None:
        """The same layer as ``norm``, with the same weights and buffers."""
        super().__init__(norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats)
        self.channel = channel
        self.weight, self.bias = norm.weight, norm.bias
        self.running_mean, self.running_var = norm.running_mean, norm.running_var
        self.num_batches_tracked = norm.num_batches_tracked
        self.training = norm.training
        # timm's layers do these two things as well
        self.drop = getattr(norm, "drop", None)
        self.act = getattr(norm, "act", None)

    def _check_input_dim(self, input: Tensor) -> None: ...

    def forward(self, input: Tensor) -> Tensor:
        """N×C×… to the same shape."""
        found = self._normalised(input) if self.training else super().forward(input)
        found = found if self.drop is None else self.drop(found)
        return found if self.act is None else self.act(found)

    def _normalised(self, input: Tensor) -> Tensor:
        x = input.float()
        precise = x.double()
        others = [d for d in range(x.ndim) if d != 1]
        shape = [1, -1] + [1] * (x.ndim - 2)
        values = torch.full((1,), x.numel() / x.shape[1], dtype=torch.float64)
        mine = torch.cat([precise.sum(others), precise.square().sum(others), values])
        total, squares, values = summed(mine, self.channel).split([x.shape[1], x.shape[1], 1])
        count = float(values.detach())
        if count <= 1 and self.running_mean is not None:
            assert self.running_var is not None
            mean, variance = self.running_mean.double(), self.running_var.double()
        else:
            mean = total / count
            variance = (squares / count - mean.square()).clamp_min(0.0)
            self._follow(mean.detach(), variance.detach(), count)
        scale = (variance + self.eps).rsqrt()
        out = (x - mean.float().view(shape)) * scale.float().view(shape)
        if self.affine:
            out = out * self.weight.view(shape) + self.bias.view(shape)
        return out.to(input.dtype)

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor, count: float) -> None:
        """Move the running statistics as torch does: the variance without bias; a plain mean where there is no momentum."""
        if not self.track_running_stats or self.running_mean is None or self.running_var is None:
            return
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        share = 1.0 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), share)
        self.running_var.lerp_((variance * (count / (count - 1))).to(self.running_var.dtype), share)


def synchronise(model: nn.Module, device: torch.device, channel: Channel) -> int:
    """Make batch norm one over all devices, in place, and return how many layers that are; the weights and their names stay.

    On GPUs the layers are torch's own, by way of timm, whose layers they keep.
    """
    norms = [m for m in model.modules() if isinstance(m, _BatchNorm)]
    if not norms:
        return 0
    if device.type == "cuda":
        from timm.layers import convert_sync_batchnorm

        convert_sync_batchnorm(model)
    else:
        channel.widen(1 + 2 * max(norm.num_features for norm in norms))
        _replaced(model, channel)
    return len(norms)


def _replaced(module: nn.Module, channel: Channel) -> nn.Module:
    if isinstance(module, _BatchNorm):
        return GroupBatchNorm(module, channel)
    for name, child in module.named_children():
        setattr(module, name, _replaced(child, channel))
    return module

"""What lets a network take any image: padding to the stride, and batch norm that survives a single value."""

from __future__ import annotations

import torch.nn.functional as F
from timm.layers import BatchNormAct2d
from torch import Tensor, nn


def pad_to_stride(image: Tensor, stride: int, minimum: int = 1) -> Tensor:
    """Pad N×C×H×W at the right and the bottom to multiples of `stride`, and to at least `minimum` pixels.

    The border is mirrored; where an image is too small to be mirrored it is repeated. The first pixel stays
    where it is, so that a prediction is cropped back by `[..., :H, :W]`.
    """
    height, width = image.shape[-2:]
    down = -(-max(height, minimum) // stride) * stride - height
    right = -(-max(width, minimum) // stride) * stride - width
    if right:
        image = F.pad(image, (0, right, 0, 0), mode="reflect" if right < width else "replicate")
    if down:
        image = F.pad(image, (0, 0, 0, down), mode="reflect" if down < height else "replicate")
    return image


def _single_value(norm: nn.BatchNorm2d, x: Tensor) -> bool:
    return norm.training and norm.running_mean is not None and x.numel() == x.shape[1]


def _by_running_statistics(norm: nn.BatchNorm2d, x: Tensor) -> Tensor:
    return F.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias, False, 0.0, norm.eps)


class GuardedBatchNorm2d(nn.BatchNorm2d):
    """Batch norm that uses its running statistics, unchanged, where a batch holds one value per channel.

    Torch raises there, because one value has no variance. It happens in training with a batch of one behind
    a global pooling (DeepLabV3, DeepLabV3+, PAN, and encoders with pooled attention), and in the deepest
    layer of a tiny image. A model that only ever sees such batches trains that branch with mean 0 and
    variance 1, the same as it is used later.
    """

    def forward(self, input: Tensor) -> Tensor:
        """N×C×H×W to the same shape."""
        return _by_running_statistics(self, input) if _single_value(self, input) else super().forward(input)


class GuardedBatchNormAct2d(BatchNormAct2d):
    """The same for timm's batch norm with its activation."""

    def forward(self, x: Tensor) -> Tensor:
        """N×C×H×W to the same shape."""
        if _single_value(self, x):
            return self.act(self.drop(_by_running_statistics(self, x)))
        return super().forward(x)


_GUARDED: dict[type[nn.Module], type[nn.Module]] = {
    nn.BatchNorm2d: GuardedBatchNorm2d,
    BatchNormAct2d: GuardedBatchNormAct2d,
}


def guard_batch_norm(model: nn.Module) -> None:
    """Make every batch norm of this model a guarded one; names, parameters and statistics stay."""
    for module in model.modules():
        guarded = _GUARDED.get(type(module))
        if guarded is not None:
            # As torch.nn.utils.parametrize does it: a new class for this one object keeps all that was set
            # on it.
            module.__class__ = guarded

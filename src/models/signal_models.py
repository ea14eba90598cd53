"""Networks that classify signals. Each takes N×channels×length, of any length that is not too short, and gives logits N×C.

They share one form (`SignalNetwork`): `features` maps the input to N×width, `head` maps that to logits, and `width` says how
many features there are, so that networks can be branches of one (`src.models.signal_branches`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SignalNetwork(nn.Module):
    """What all networks of signals have in common.

    Attributes:
        width: Features of a sample.
        head: Features to logits.
    """

    head: nn.Module

    def __init__(self, width: int, outputs: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.width = width
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, outputs))

    def features(self, signal: Tensor) -> Tensor:
        """N×width of a batch of signals."""
        raise NotImplementedError

    def forward(self, signal: Tensor) -> Tensor:
        """Logits N×C, no activation: softmax where classes exclude each other, a sigmoid each where they do not."""
        logits: Tensor = self.head(self.features(signal))
        return logits


def _pooled(features: Tensor) -> Tensor:
    """Mean and maximum over the length: how much there is of a pattern, and whether it is there at all."""
    return torch.cat([features.mean(-1), features.amax(-1)], 1)


class Wdcnn(SignalNetwork):
    """CNN with a wide first kernel (WDCNN; Zhang et al. 2017, Sensors 17(2):425), with global pooling before its head.

    The first kernel works as a bank of band-pass filters and so must span some periods of a resonance; small kernels
    follow. The paper flattens the last map, which fixes the length; pooled, it takes any.
    """

    def __init__(
        self, channels: int, outputs: int, width: int = 64, kernel: int = 64, dropout: float = 0.0
    ) -> None:
        """
        Args:
            channels: Of the input.
            outputs: Classes.
            width: Channels of the last three layers; the first two have a quarter and half of it.
            kernel: Samples of the first kernel.
            dropout: Share of the features that is left out before the head while it trains.
        """
        super().__init__(2 * width, outputs, dropout)
        widths = [max(4, width // 4), max(4, width // 2), width, width, width]
        layers: list[nn.Module] = []
        before = channels
        for number, after in enumerate(widths):
            size = kernel if number == 0 else 3
            stride = max(1, kernel // 4) if number == 0 else 1
            layers += [
                nn.Conv1d(before, after, size, stride, size // 2, bias=False),
                nn.BatchNorm1d(after),
                nn.ReLU(inplace=True),
                # halves what is long enough, and leaves alone what is not
                nn.MaxPool1d(2, ceil_mode=True),
            ]
            before = after
        self.body = nn.Sequential(*layers)

    def features(self, signal: Tensor) -> Tensor:
        """N×2·width: mean and maximum of the last map."""
        return _pooled(self.body(signal))


class _Residual(nn.Module):
    def __init__(self, before: int, after: int, stride: int, kernel: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(before, after, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm1d(after),
            nn.ReLU(inplace=True),
            nn.Conv1d(after, after, kernel, 1, kernel // 2, bias=False),
            nn.BatchNorm1d(after),
        )
        self.past: nn.Module = nn.Identity()
        if stride > 1 or before != after:
            self.past = nn.Sequential(nn.Conv1d(before, after, 1, stride, bias=False), nn.BatchNorm1d(after))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.body(x) + self.past(x))


class ResNet1d(SignalNetwork):
    """Residual network of one dimension (He et al. 2016, arXiv:1512.03385; Wang et al. 2017, arXiv:1611.06455)."""

    def __init__(
        self, channels: int, outputs: int, width: int = 32, depth: Sequence[int] = (2, 2, 2, 2), kernel: int = 7,
        dropout: float = 0.0,
    ) -> None:  # fmt: skip
        """
        Args:
            channels: Of the input.
            outputs: Classes.
            width: Channels of the first stage; each stage has twice as many as the one before.
            depth: Residual blocks of each stage.
            kernel: Samples of the kernels, odd.
            dropout: Share of the features that is left out before the head while it trains.

        Raises:
            ValueError: The kernel is even.
        """
        if kernel % 2 == 0:
            raise ValueError(f"The kernel must be odd, not {kernel}.")
        super().__init__(2 * width * 2 ** (len(depth) - 1), outputs, dropout)
        stem = 2 * kernel + 1
        self.stem = nn.Sequential(
            nn.Conv1d(channels, width, stem, 2, stem // 2, bias=False), nn.BatchNorm1d(width), nn.ReLU(inplace=True),
            nn.MaxPool1d(3, 2, 1),
        )  # fmt: skip
        blocks: list[nn.Module] = []
        before = width
        for stage, count in enumerate(depth):
            after = width * 2**stage
            for number in range(count):
                blocks.append(_Residual(before, after, 2 if stage and not number else 1, kernel))
                before = after
        self.body = nn.Sequential(*blocks)

    def features(self, signal: Tensor) -> Tensor:
        """N×width of the last stage, mean and maximum."""
        return _pooled(self.body(self.stem(signal)))


def sine_positions(count: int, width: int, device: torch.device) -> Tensor:
    """Positions as sines and cosines, count×width (Vaswani et al. 2017, arXiv:1706.03762): any number of them."""
    place = torch.arange(count, device=device, dtype=torch.float32)[:, None]
    rate = torch.exp(
        torch.arange(0, width, 2, device=device, dtype=torch.float32) * (-math.log(10_000.0) / width)
    )
    return torch.stack([(place * rate).sin(), (place * rate).cos()], 2).flatten(1)[:, :width]


class PatchTransformer(SignalNetwork):
    """Transformer over patches of a signal (Nie et al. 2023, arXiv:2211.14730), all channels of a patch in one token."""

    def __init__(
        self, channels: int, outputs: int, width: int = 64, depth: int = 3, heads: int = 4, patch: int = 32,
        dropout: float = 0.0, patch_drop: float = 0.0,
    ) -> None:  # fmt: skip
        """
        Args:
            channels: Of the input.
            outputs: Classes.
            width: Of a token; a multiple of ``heads``.
            depth, heads: Layers, and heads of each.
            patch: Samples of a patch; they do not overlap. The end is filled with zeros to a whole patch.
            dropout: Share of the values that is left out while it trains.
            patch_drop: Share of the patches that is left out while it trains (Liu et al. 2023, arXiv:2208.07220).

        Raises:
            ValueError: The width is no multiple of the heads.
        """
        if width % heads:
            raise ValueError(f"The width {width} is no multiple of the {heads} heads.")
        super().__init__(2 * width, outputs, dropout)
        self.patch, self.patch_drop = patch, patch_drop
        self.embed = nn.Conv1d(channels, width, patch, patch)
        layer = nn.TransformerEncoderLayer(
            width, heads, 2 * width, dropout, "gelu", batch_first=True, norm_first=True
        )
        self.body = nn.TransformerEncoder(layer, depth, nn.LayerNorm(width), enable_nested_tensor=False)

    def features(self, signal: Tensor) -> Tensor:
        """N×2·width: mean and maximum over the tokens."""
        tokens = self.embed(F.pad(signal, (0, -signal.shape[-1] % self.patch))).transpose(1, 2)
        tokens = tokens + sine_positions(tokens.shape[1], tokens.shape[2], tokens.device).to(tokens.dtype)
        if self.training and self.patch_drop:
            kept = max(1, round(tokens.shape[1] * (1 - self.patch_drop)))
            chosen = torch.rand(tokens.shape[:2], device=tokens.device).argsort(1)[:, :kept]
            tokens = tokens.gather(1, chosen[..., None].expand(-1, -1, tokens.shape[2]))
        return _pooled(self.body(tokens).transpose(1, 2))


class SpectrumNetwork(SignalNetwork):
    """A small CNN for spectra, which keeps where a line stands: on an axis of orders that is what tells the classes.

    Its last map is pooled to a fixed number of places along the axis, not to one: spectra of any length are taken, of the
    same span of the axis.
    """

    def __init__(
        self, channels: int, outputs: int, width: int = 16, places: int = 48, dropout: float = 0.4
    ) -> None:
        """
        Args:
            channels: Of the input.
            outputs: Classes.
            width: Channels of both layers.
            places: Places along the axis that the head tells apart.
            dropout: Share of the features that is left out before the head while it trains.
        """
        super().__init__(width * places, outputs, dropout)
        self.places = places
        self.body = nn.Sequential(
            nn.Conv1d(channels, width, 15, 2, 7, bias=False), nn.BatchNorm1d(width), nn.ReLU(inplace=True),
            nn.Conv1d(width, width, 9, 2, 4, bias=False), nn.BatchNorm1d(width), nn.ReLU(inplace=True),
        )  # fmt: skip

    def features(self, signal: Tensor) -> Tensor:
        """N×width·places."""
        return F.adaptive_avg_pool1d(self.body(signal), self.places).flatten(1)


NETWORKS: dict[str, type[SignalNetwork]] = {
    "wdcnn": Wdcnn,
    "resnet": ResNet1d,
    "transformer": PatchTransformer,
    "spectrum": SpectrumNetwork,
}

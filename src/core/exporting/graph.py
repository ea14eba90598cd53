"""The graph that is exported: normalisation, padding, network and ending in one module that can be traced for any size."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from src.core.feed.normalise import ImageStandardiser, Normaliser


class InsideNormalisation(nn.Module):
    """What a normaliser does to uint8 images, as a part of the graph: N×C×H×W uint8 to float32.

    Computed in float32 also where the network is float16: sums over an image do not fit into 16 bits.
    """

    factor: Tensor
    offset: Tensor

    def __init__(self, normaliser: Normaliser | ImageStandardiser, channels: int) -> None:
        super().__init__()
        self.floor = normaliser.floor if isinstance(normaliser, ImageStandardiser) else None
        if isinstance(normaliser, Normaliser):
            mean = torch.tensor(normaliser.mean, dtype=torch.float64)
            std = torch.tensor(normaliser.std, dtype=torch.float64)
            if channels == 1 and len(mean) > 1:
                mean, std = mean.mean(0, keepdim=True), std.mean(0, keepdim=True)
            self.register_buffer("factor", (1 / (normaliser.value_range * std)).float().view(1, -1, 1, 1))
            self.register_buffer("offset", (-mean / std).float().view(1, -1, 1, 1))

    def forward(self, image: Tensor) -> Tensor:
        """N×C×H×W uint8 to N×C×H×W float32."""
        values = image.to(torch.float32)
        if self.floor is None:
            return values * self.factor + self.offset
        std, mean = torch.std_mean(values, dim=(2, 3), keepdim=True, correction=0)
        return (values - mean) / (std + self.floor)


class AnySizePool(nn.Module):
    """`nn.AdaptiveAvgPool2d` as two products of matrices, which exports for any size of the input.

    The exporter unrolls the original for the size that it is shown, and the file then fails for others. Row ``i`` of
    ``n`` is the mean of the input rows from ``floor(i·H/n)`` to ``ceil((i+1)·H/n)``, as torch defines it.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        """N×C×H×W to N×C×n×m."""
        rows = _means(x.shape[-2], self.size[0], x)
        columns = _means(x.shape[-1], self.size[1], x)
        return torch.matmul(torch.matmul(rows, x), columns.transpose(0, 1))


def _means(length: Any, parts: int, like: Tensor) -> Tensor:
    at = torch.arange(length, device=like.device)[None, :]
    part = torch.arange(parts, device=like.device)[:, None]
    start = (part * length) // parts
    end = ((part + 1) * length + parts - 1) // parts
    inside = ((at >= start) & (at < end)).to(torch.float32)
    return (inside / inside.sum(1, keepdim=True)).to(like.dtype)


def replace_pools(network: nn.Module) -> None:
    """Put `AnySizePool` where a pooling to more than one value stands; to one value it exports as it is."""
    for module in network.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.AdaptiveAvgPool2d):
                size: Any = child.output_size
                rows, columns = (size, size) if isinstance(size, int) else size
                # None keeps an axis as it is, which no network of ours asks for
                if (rows, columns) != (1, 1) and rows is not None and columns is not None:
                    setattr(module, name, AnySizePool((int(rows), int(columns))))


def _sources(length: Any, padded: Any) -> Tensor:
    """For each row of the padded image the row that it shows: as `pad_to_stride`, mirrored, or repeated if too small.

    As a table of indices there is no choice that depends on the size, so one graph serves every size from one pixel.
    """
    at = torch.arange(padded)
    mirrored = torch.where(
        torch.full_like(at, 1) * (padded - length) < length, 2 * (length - 1) - at, length - 1
    )
    return torch.where(at < length, at, mirrored)


class ExportGraph(nn.Module):
    """An image N×C×H×W to what the network says of its pixels, for every H and W.

    Attributes:
        network: Takes N×C×H×W in multiples of ``stride`` and of at least ``minimum`` pixels, gives N×K×H×W.
        normalise: From uint8 to what it takes; None where the image comes normalised, as float32.
        ending: From N×K×H×W float32 to the output.
        half: The network computes in float16; normalisation and ending never do.
    """

    def __init__(
        self, network: nn.Module, normalise: nn.Module | None, ending: nn.Module, stride: int, minimum: int = 1,
        half: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        replace_pools(network)
        self.network = network.half() if half else network
        self.normalise, self.ending = normalise, ending
        self.stride, self.minimum, self.half_network = stride, minimum, half
        self.eval().requires_grad_(False)

    def forward(self, image: Tensor) -> Tensor:
        """See the class."""
        x = image if self.normalise is None else self.normalise(image)
        height, width = x.shape[-2:]
        x = x.index_select(2, _sources(height, self._padded(height)))
        x = x.index_select(3, _sources(width, self._padded(width)))
        logits = self.network(x.half() if self.half_network else x)
        out: Tensor = self.ending(logits[..., :height, :width].float())
        return out

    def _padded(self, length: Any) -> Any:
        if self.minimum > self.stride:
            length = torch.sym_max(length, self.minimum)
        return (length + self.stride - 1) // self.stride * self.stride

    def example(self, batch: int, channels: int, height: int, width: int) -> Tensor:
        """Noise of the type that it takes."""
        random = torch.Generator().manual_seed(0)
        shape = (batch, channels, height, width)
        if self.normalise is None:
            return torch.randn(shape, generator=random)
        return torch.randint(0, 256, shape, generator=random, dtype=torch.uint8)

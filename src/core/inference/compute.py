"""Batches through the network: precision, views that are averaged, batches that do not fit into memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from src.core.dataset.findings import Finding
from src.core.feed.geometry import Array
from src.core.feed.normalise import ImageStandardiser
from src.core.inference.model import LoadedModel, PredictionError
from src.core.inference.rows import Statistics

#: Quarter turns and whether mirrored left-right, of the views that are averaged.
VIEWS: dict[str, tuple[tuple[int, bool], ...]] = {
    "none": ((0, False),),
    "flips": ((0, False), (0, True), (2, False), (2, True)),
    "all": tuple((turns, mirrored) for turns in range(4) for mirrored in (False, True)),
}
_MOST_ON_GPU = 64
#: Pixels of a batch on the CPU: larger ones gain nothing there.
_CPU_PIXELS = 1 << 18
#: A U-Net over ResNet-50 in bf16 holds about so many bytes a pixel at its widest place; with a margin of two.
_GPU_BYTES_A_PIXEL = 2500
_NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "alloc_failed")


def auto_batch(device: torch.device, side: int, outputs: int) -> int:
    """Pieces of ``side × side`` pixels that are computed at once where nobody says."""
    pixels = side * side
    if device.type != "cuda":
        return max(1, min(16, _CPU_PIXELS // pixels))
    free, _ = torch.cuda.mem_get_info(device)
    return max(1, min(_MOST_ON_GPU, int(free / 2 / (pixels * (_GPU_BYTES_A_PIXEL + 16 * outputs)))))


def lacks_memory(error: BaseException) -> bool:
    """Whether an exception says that there is not enough memory."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _NO_MEMORY)


class Network:
    """The network as a function from uint8 pieces to probabilities.

    Attributes:
        batch: Pieces computed at once; halved where the memory is not enough, and it stays so.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        views: Literal["none", "flips", "all"],
        batch: int,
        note: Callable[[Finding], None],
    ) -> None:
        self.batch = batch
        self._loaded, self._views, self._note = loaded, VIEWS[views], note

    @torch.no_grad()
    def __call__(
        self, pieces: Sequence[Array], statistics: Sequence[Statistics | None]
    ) -> list[Tensor | PredictionError]:
        """Probabilities of pieces of one size.

        Args:
            pieces: uint8 H×W×C.
            statistics: Of the image behind each piece, where the model normalises by them; for all or for none.

        Returns:
            For each piece float32 K×H×W on the device, or why there are none.
        """
        out: list[Tensor | PredictionError] = []
        while len(out) < len(pieces):
            part = slice(len(out), len(out) + self.batch)
            try:
                out += self._compute(pieces[part], statistics[part])
                continue
            except (RuntimeError, MemoryError) as error:
                if not lacks_memory(error):
                    raise
            # outside of the handler: the exception keeps the tensors of the batch alive
            tried = min(self.batch, len(pieces[part]))
            if self._loaded.device.type == "cuda":
                torch.cuda.empty_cache()
            if tried == 1:
                out.append(self._too_large(pieces[len(out)]))
            else:
                self._halve(tried)
        return out

    def _halve(self, tried: int) -> None:
        self.batch = tried // 2
        self._note(
            Finding(
                "notice",
                "predict.batch_halved",
                f"The memory was not enough for {tried} pieces at once; {self.batch} are computed now.",
                "Nothing is lost. A smaller batch size (compute.batch_size) from the start saves the attempts.",
            )
        )

    def _too_large(self, piece: Array) -> PredictionError:
        size = f"{piece.shape[1]} × {piece.shape[0]} px"
        return PredictionError(
            f"The memory of {self._loaded.device} is not enough for a single piece of {size}: choose a smaller window "
            "(inference.tile), or the CPU."
        )

    def _compute(
        self, pieces: Sequence[Array], statistics: Sequence[Statistics | None]
    ) -> list[Tensor | PredictionError]:
        image = self._normalised(pieces, statistics)
        total: Tensor | None = None
        finite = torch.ones(len(pieces), dtype=torch.bool, device=image.device)
        for turns, mirrored in self._views:
            seen = image
            if turns or mirrored:
                seen = torch.rot90(image, turns, (2, 3)).contiguous(memory_format=torch.channels_last)
                seen = seen.flip(3) if mirrored else seen
            with self._loaded.precision.context(image.device):
                logits = self._loaded.model(seen)
            logits = self._checked(logits, seen).float()
            finite &= logits.sum(dim=(1, 2, 3)).isfinite()  # inf and nan both survive a sum
            found = (
                logits.sigmoid() if logits.shape[1] == 1 else logits.contiguous().softmax(1)
            )  # faster by three times
            found = found.flip(3) if mirrored else found
            found = torch.rot90(found, -turns, (2, 3)) if turns else found
            total = found if total is None else total.add_(found)
        assert total is not None
        total = total / len(self._views) if len(self._views) > 1 else total
        return [p if ok else self._not_finite() for p, ok in zip(total, finite.tolist(), strict=True)]

    def _normalised(self, pieces: Sequence[Array], statistics: Sequence[Statistics | None]) -> Tensor:
        raw = torch.from_numpy(np.stack(pieces)).permute(0, 3, 1, 2)
        device, normaliser = self._loaded.device, self._loaded.normaliser
        if not isinstance(normaliser, ImageStandardiser) or statistics[0] is None:
            return normaliser.to_float(raw, device)
        # as rows of W*C numbers, so that the innermost loop is long
        n, channels, height, width = raw.shape
        mean, deviation = (
            torch.from_numpy(np.stack(rows).astype(np.float32)).to(device).repeat(1, width)[:, None]
            for rows in zip(*((s.mean, s.deviation) for s in statistics if s is not None), strict=True)
        )
        rows = raw.to(device).permute(0, 2, 3, 1).reshape(n, height, width * channels)
        image = rows.to(torch.float32).sub_(mean).div_(deviation.add_(normaliser.floor))
        return image.view(n, height, width, channels).permute(0, 3, 1, 2)

    def _checked(self, logits: Tensor, image: Tensor) -> Tensor:
        expected = (len(image), self._loaded.out_channels, *image.shape[2:])
        if tuple(logits.shape) != expected:
            raise ValueError(
                f"The model gave {tuple(logits.shape)} for {tuple(image.shape)}, where {expected} was expected: it does "
                "not fit what is said of it."
            )
        return logits

    def _not_finite(self) -> PredictionError:
        name = self._loaded.precision.name
        cure = "its training went wrong: choose another checkpoint"
        if name != "fp32":
            cure = f"{name} may be too coarse for it (set compute.precision to fp32), or {cure}"
        return PredictionError(
            f"The model gave numbers that are not finite (NaN or infinite), so there is no mask: {cure}."
        )

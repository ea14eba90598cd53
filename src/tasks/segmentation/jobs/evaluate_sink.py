"""From predicted bands to counts: reduced on the device to bytes, counted in threads beside the model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from src.core.dataset.files.mask_files import read_mask
from src.core.dataset.masks import IGNORE_INDEX, MaskMeaning, unequal_sizes
from src.core.dataset.records import Sample
from src.core.evaluation.decision import SCORE_PIXELS
from src.core.evaluation.levels import BIN_EDGES, BINS, LEVELS
from src.core.evaluation.measure import BandCounts, ImageMeasure, Rules, count_band, finish_image
from src.core.inference.sources import FileSource

Array = np.ndarray[Any, Any]
#: Numbers that are summed in one portion: bounds the memory, and the error of sums in 32 bits.
_PORTION = 1 << 18
#: Bands of one image that may wait to be counted.
_WAITING = 4


class EvaluatedSource(FileSource):
    """An image file whose mask is read ahead.

    Attributes:
        sample: What it is.
        truth: Class numbers H×W uint8, 255 where ignored, or the error of the mask.
    """

    def __init__(
        self, sample: Sample, truth: Future[Array], channels: int, intensity_range: tuple[float, float] | None
    ) -> None:
        super().__init__(sample.image, channels, intensity_range, name=sample.id)
        self.sample, self.truth = sample, truth


def read_truth(sample: Sample, meaning: MaskMeaning) -> Array | None:
    """Class numbers of a mask; None where the sample has none: nothing is on it."""
    return None if sample.mask is None else meaning.encode(read_mask(sample.mask))


def sources(
    samples: Iterable[Sample],
    meaning: MaskMeaning,
    channels: int,
    intensity_range: tuple[float, float] | None,
    readers: ThreadPoolExecutor,
) -> Iterator[EvaluatedSource]:
    """Images in order; each mask begins to be read when its image is asked for."""
    for sample in samples:
        truth = readers.submit(read_truth, sample, meaning)
        yield EvaluatedSource(sample, truth, channels, intensity_range)  # type: ignore[arg-type]


@dataclass(frozen=True)
class _Reduced:
    """What leaves the device: levels planes×h×w, labels h×w, sums portions×planes×15 from the top, highest values."""

    levels: Tensor
    labels: Tensor | None
    sums: Tensor
    top: Tensor
    event: Any = None

    def arrays(self) -> tuple[Array, Array | None, Array, Array]:
        """As numpy, when they have arrived."""
        if self.event is not None:
            self.event.synchronize()
        tails = self.sums.numpy().astype(np.float64).sum(0) if len(self.sums) else np.zeros((0, BINS))
        sums = tails - np.concatenate([tails[:, 1:], np.zeros((len(tails), 1))], axis=1)
        labels = None if self.labels is None else self.labels.numpy()
        return self.levels.numpy(), labels, sums, self.top.numpy()


def reduce_band(
    probabilities: Tensor, counted: Tensor | None, rules: Rules, threshold: float | None
) -> _Reduced:
    """Reduce probabilities K×h×w on their device.

    Args:
        counted: h×w bool on the device, False where ignored; None where all pixels count.
        threshold: Binary: above it a pixel is of the object; None where it is not known yet.
    """
    p = probabilities
    labels = None
    if rules.binary:
        planes = p
        if threshold is not None:
            labels = (p[0] > threshold).to(torch.uint8)
    elif rules.detailed:
        highest, at = p.max(0)
        labels = at.to(torch.uint8)
        planes = torch.cat([p, highest[None]])
    else:
        planes = p[:0]
    score = p[0] if rules.binary else 1 - p[0]
    if counted is not None:
        score = torch.where(counted, score, -1.0)
    top = torch.topk(score.flatten(), min(SCORE_PIXELS, score.numel())).values
    scaled = torch.ceil(planes * (LEVELS - 1))
    sums = _tail_sums(planes, scaled, counted) if rules.detailed else planes.new_zeros((1, len(planes), BINS))
    levels = scaled.to(torch.uint8)
    if p.device.type == "cpu":
        return _Reduced(levels, labels, sums, top)
    out = [x if x is None else x.to("cpu", non_blocking=True) for x in (levels, labels, sums, top)]
    event = None
    if p.device.type == "cuda":
        event = torch.cuda.Event()
        event.record()
    else:
        torch.mps.synchronize()
    return _Reduced(out[0], out[1], out[2], out[3], event)  # type: ignore[arg-type]


def _tail_sums(planes: Tensor, scaled: Tensor, counted: Tensor | None) -> Tensor:
    """Sums of the probabilities from each of the 15 bins upwards, portions×planes×15 float32 (float64 on the CPU)."""
    values = planes if counted is None else torch.where(counted, planes, 0.0)
    if planes.device.type == "cpu":
        return torch.from_numpy(_tail_sums_numpy(values.numpy(), scaled.numpy()))
    flat, place = values.flatten(1), scaled.flatten(1)
    edges = torch.tensor([-1, *BIN_EDGES.tolist()], dtype=torch.float32, device=planes.device)
    return torch.stack(
        [
            torch.stack([(b[None] > edges[:, None]).to(v.dtype) @ v for v, b in zip(vs, bs, strict=True)])
            for vs, bs in zip(flat.split(_PORTION, 1), place.split(_PORTION, 1), strict=True)
        ]
    )


def _tail_sums_numpy(values: Array, scaled: Array) -> Array:
    cut = np.concatenate([[0], BIN_EDGES + 1])
    rows = [
        np.bincount(s.ravel().astype(np.int64), v.ravel(), LEVELS)
        for v, s in zip(values, scaled, strict=True)
    ]
    binned = np.add.reduceat(np.array(rows), cut, axis=1) if rows else np.zeros((0, BINS))
    return np.ascontiguousarray(binned[:, ::-1].cumsum(1)[:, ::-1])[None]


class MeasureSink:
    """Takes the bands of one image; `end` gives the future of its `ImageMeasure`."""

    def __init__(
        self,
        source: EvaluatedSource,
        size: tuple[int, int],
        rules: Rules,
        threshold: float | None,
        pool: ThreadPoolExecutor,
    ) -> None:
        self._source, self._size, self._rules = source, size, rules
        self._threshold, self._pool = threshold, pool
        self._truth: Array | None = None
        self._bands: list[Future[tuple[BandCounts, Array | None]]] = []

    def band(self, top: int, probabilities: Tensor) -> None:
        """See `Sink.band`.

        Raises:
            UnreadableImageError, MaskValueError, ValueError: the mask cannot be used.
        """
        if self._truth is None:
            found = self._source.truth.result()
            truth = np.zeros(self._size, np.uint8) if found is None else found
            if truth.shape != self._size:
                raise unequal_sizes(self._size, truth.shape)
            self._truth = truth
        rows = self._truth[top : top + probabilities.shape[1]]
        counted = rows != IGNORE_INDEX
        mask = None if counted.all() else torch.from_numpy(counted).to(probabilities.device)
        reduced = reduce_band(probabilities, mask, self._rules, self._threshold)
        if len(self._bands) >= _WAITING:
            self._bands[-_WAITING].result()
        self._bands.append(self._pool.submit(_count, reduced, rows, self._rules))

    def end(self) -> Future[ImageMeasure]:
        """See `Sink.end`."""
        assert self._truth is not None, "an image has at least one row"
        return self._pool.submit(_finish, self._bands, self._truth, self._rules)


def _count(reduced: _Reduced, truth: Array, rules: Rules) -> tuple[BandCounts, Array | None]:
    levels, labels, sums, top = reduced.arrays()
    if np.isnan(top).any():
        raise ValueError("The model gives no number (nan) for this image.")
    return count_band(levels, labels, truth, sums, top, rules), labels


def _finish(bands: list[Future[tuple[BandCounts, Array | None]]], truth: Array, rules: Rules) -> ImageMeasure:
    done = [
        band.result() for band in bands
    ]  # they were submitted before, so they are never behind this in the queue
    parts = [labels for _, labels in done if labels is not None]
    labels = None if not parts else parts[0] if len(parts) == 1 else np.concatenate(parts)
    return finish_image([counts for counts, _ in done], truth, labels, rules)


def sink_maker(rules: Rules, threshold: float | None, pool: ThreadPoolExecutor) -> Callable[..., MeasureSink]:
    """What `Predictor.stream` makes a sink with."""

    def make(source: Any, size: tuple[int, int]) -> MeasureSink:
        return MeasureSink(source, (int(size[0]), int(size[1])), rules, threshold, pool)

    return make

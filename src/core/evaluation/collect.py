"""All images together: per-image counts in small arrays, everything else added up. 10,000 images are some 50 MB."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

from src.core.dataset.records import Sample
from src.core.evaluation.levels import BINS, LEVELS
from src.core.evaluation.measure import ImageMeasure, Rules
from src.core.evaluation.pieces import LeftOut
from src.core.evaluation.scores import counts_of, overall_scores

Array = np.ndarray[Any, Any]
#: Longest side of the pictures of the worst images.
PICTURE_SIDE = 1024


@dataclass(frozen=True)
class Kept:
    """What the pictures of an image are made from: class numbers, no larger than `PICTURE_SIDE`."""

    index: int
    truth: Array
    labels: Array


class Collector:
    """Takes the measures of images in the order of the data set.

    Attributes:
        rules: How they were judged.
        samples: Of the images that count, in order; index of everything below.
        left_out: Those that do not count, with the reason.
        histograms, sums: Of all images: planes×2×256 int64, planes×15.
    """

    def __init__(self, rules: Rules, worst: int = 0) -> None:
        """`worst`: for how many of the worst images pictures are to be made."""
        self.rules = rules
        self.samples: list[Sample] = []
        self.left_out: list[LeftOut] = []
        self.histograms = np.zeros((rules.planes, 2, LEVELS), np.int64)
        self.sums = np.zeros((rules.planes, BINS))
        self._worst = worst
        self._heap: list[tuple[float, int, int, Kept]] = []
        self._order = itertools.count()
        self._rows: dict[str, list[Any]] = {}
        self._cells: list[Array] = []

    def __len__(self) -> int:
        return len(self.samples)

    def leave_out(self, sample: Sample, reason: str) -> None:
        """An image that counts nowhere."""
        self.left_out.append(LeftOut(id=sample.id, path=sample.mask or sample.image, reason=reason))

    def add(self, sample: Sample, measure: ImageMeasure) -> None:
        """The next image."""
        index = len(self.samples)
        self.samples.append(sample)
        self.histograms += measure.histograms
        self.sums += measure.sums
        counts = counts_of(measure.matrix)
        pixels = int(counts[2].sum())
        values = {
            "counts": counts,
            "scores": overall_scores(counts, self.rules.binary),
            "score": measure.score,
            "with_object": measure.with_object,
            "size": (measure.width, measure.height),
            "ignored": measure.ignored,
            "pixels": pixels,
            "wrong": pixels - int(counts[0].sum()),
            "sizes": measure.sizes.astype(np.int32),
            "objects": measure.objects,
        }
        if self.rules.binary:
            values["histograms"] = measure.histograms[0].astype(np.uint32)
        if self.rules.detailed:
            true, predicted = np.nonzero(measure.matrix)
            place = np.full(len(true), index)
            self._cells.append(np.stack([place, true, predicted, measure.matrix[true, predicted]], 1))
            values["objects"] = measure.objects.sum(0)
            self._objects = getattr(self, "_objects", 0) + measure.objects
            self._keep(index, values, measure)
        for key, value in values.items():
            self._rows.setdefault(key, []).append(value)

    def _keep(self, index: int, values: dict[str, Any], measure: ImageMeasure) -> None:
        """Keep the class numbers of the worst images so far."""
        if not self._worst or measure.truth is None or measure.labels is None or not values["pixels"]:
            return
        goodness = -float(values["scores"][0])
        rank = (goodness, values["wrong"] * -1)
        entry = (goodness, -rank[1], -index)
        if len(self._heap) >= self._worst and entry <= self._heap[0][:3]:
            return
        kept = Kept(index, reduced(measure.truth), reduced(measure.labels))
        push = heapq.heappush if len(self._heap) < self._worst else heapq.heappushpop
        push(self._heap, (*entry, kept))  # type: ignore[arg-type]

    @property
    def kept(self) -> list[Kept]:
        """Of the worst images, the worst first."""
        return [entry[3] for entry in sorted(self._heap, key=lambda e: e[:3], reverse=True)]

    @property
    def objects_by_class(self) -> Array:
        """Objects, found, predicted and false ones of each class: K×4."""
        return np.asarray(getattr(self, "_objects", np.zeros((self.rules.classes, 4), np.int64)))

    @property
    def cells(self) -> Array:
        """Image, true class, predicted class, pixels: M×4 int64, only what is not 0."""
        return np.concatenate(self._cells) if self._cells else np.zeros((0, 4), np.int64)

    def column(self, name: str) -> Array:
        """A value of every image: counts N×3×K, scores N×6, score, with_object, size N×2, ignored, pixels, wrong,
        sizes N×bins×2, objects N×4, histograms N×2×256 (binary).
        """
        return np.asarray(self._rows.get(name, []))

    def worst_order(self) -> list[int]:
        """Images from the lowest IoU on; among equals the one with more wrong pixels; without a pixel at the end."""
        if not self.samples:
            return []
        iou = self.column("scores")[:, 0]
        return [
            int(i)
            for i in np.lexsort((np.arange(len(iou)), -self.column("wrong"), np.nan_to_num(iou, nan=2.0)))
        ]


def reduced(labels: Array, longest: int = PICTURE_SIDE) -> Array:
    """Class numbers, no side longer than `longest`; the highest class of a block wins, so that nothing small is lost."""
    factor = -(-max(labels.shape) // longest)
    if factor <= 1:
        return np.ascontiguousarray(labels)
    height, width = (-(-side // factor) for side in labels.shape)
    padded = np.pad(
        labels, ((0, height * factor - labels.shape[0]), (0, width * factor - labels.shape[1])), "edge"
    )
    blocks = padded.reshape(height, factor, width, factor)
    known = np.where(blocks == 255, 0, blocks).max((1, 3))
    return np.where((blocks == 255).all((1, 3)), np.uint8(255), known).astype(np.uint8)

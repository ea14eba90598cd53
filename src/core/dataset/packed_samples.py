"""Many samples in little memory: a list of objects costs a kilobyte each, and every loader process holds its own."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

import numpy as np

from src.core.dataset.records import Sample

_SEPARATOR = "\x1f"  # no file name holds it that a person made
_NO_MASK = "\x1e"


class PackedSamples(Sequence[Sample]):
    """Samples as one block of text and a few arrays; each is made anew when it is asked for.

    About 100 to 200 bytes a sample, where paths do not repeat their common beginning. Pickling copies the blocks.

    >>> packed = PackedSamples([Sample("a.png", "/data/a.png", None, "a", classes=(0,), width=4, height=3)])
    >>> packed[0].image, len(packed)
    ('/data/a.png', 1)

    Attributes:
        has_object: ``N`` bool, of every sample.
        sizes: ``N×2`` int32, width and height.
    """

    def __init__(self, samples: Iterable[Sample]) -> None:
        given = samples if isinstance(samples, (list, tuple)) else list(samples)
        self._images = os.path.commonprefix([s.image for s in given])  # noqa: RUF071 - characters are wanted here
        self._masks = os.path.commonprefix([s.mask for s in given if s.mask is not None])  # noqa: RUF071
        texts = [self._text(s) for s in given]
        self._ends = np.cumsum([len(t) for t in texts], dtype=np.int64)
        self._block = b"".join(texts)
        self.sizes = np.array([(s.width, s.height) for s in given], np.int32).reshape(-1, 2)
        self.has_object = np.array([s.has_object for s in given], bool)
        self._class_ends = np.cumsum([len(s.classes) for s in given], dtype=np.int64)
        self._classes = np.array([c for s in given for c in s.classes], np.uint8)

    def _text(self, sample: Sample) -> bytes:
        mask = _NO_MASK if sample.mask is None else sample.mask[len(self._masks) :]
        image = sample.image[len(self._images) :]
        parts = (sample.id, image, mask, sample.group, sample.stratum)
        if any(_SEPARATOR in part for part in parts):
            raise ValueError(f"The name of {sample.image} holds a control character: rename it.")
        # lone surrogates stand for bytes of a file name that are not UTF-8
        return _SEPARATOR.join(parts).encode("utf-8", "surrogateescape")

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> list[Sample]: ...
    def __getitem__(self, index: int | slice) -> Sample | list[Sample]:
        if isinstance(index, slice):
            return [self._make(i) for i in range(*index.indices(len(self)))]
        at = index + len(self) if index < 0 else index
        if not 0 <= at < len(self):
            raise IndexError(f"There is no sample {index}; there are {len(self)}.")
        return self._make(at)

    def __iter__(self) -> Iterator[Sample]:
        return (self._make(i) for i in range(len(self)))

    def _make(self, at: int) -> Sample:
        begin = int(self._ends[at - 1]) if at else 0
        text = self._block[begin : int(self._ends[at])].decode("utf-8", "surrogateescape")
        sample_id, image, mask, group, stratum = text.split(_SEPARATOR)
        first = int(self._class_ends[at - 1]) if at else 0
        width, height = self.sizes[at].tolist()
        return Sample(
            sample_id,
            self._images + image,
            None if mask == _NO_MASK else self._masks + mask,
            group,
            stratum,
            bool(self.has_object[at]),
            tuple(self._classes[first : int(self._class_ends[at])].tolist()),
            width,
            height,
        )

    def holding(self, number: int) -> np.ndarray:
        """Indices of the samples that hold a class: int64, rising."""
        owners = np.searchsorted(self._class_ends, np.flatnonzero(self._classes == number), side="right")
        return np.unique(owners)

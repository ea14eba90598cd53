"""Image and mask pairs by index, each with its own randomness. Needs no torch."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import cv2
import numpy as np

from src.core.dataset.config import CopyPasteConfig
from src.core.dataset.files.image_files import UnreadableImageError
from src.core.dataset.masks import IGNORE_INDEX, MaskMeaning, MaskValueError
from src.core.dataset.packed_samples import PackedSamples
from src.core.dataset.records import Sample
from src.core.feed.augment import Augmentation, as_size
from src.core.feed.copy_paste import CopyPaste
from src.core.feed.geometry import Array, Fit, overlap, place, tiles
from src.core.feed.reading import FileReader, Reader
from src.core.feed.sampling import Anchors, focus_on, rarity

_WORD = 1 << 64


class Unreadable(NamedTuple):
    """A file that could not be used, with the reason as half a sentence."""

    path: str
    reason: str


class TooManyUnreadableError(RuntimeError):
    """More samples than the allowed share could not be read; the message names some of them."""

    def __init__(self, found: Sequence[Unreadable], allowed: int, total: int) -> None:
        self.found, self.allowed, self.total = tuple(found), allowed, total
        shown = "; ".join(f"{bad.path} {bad.reason}" for bad in self.found[:3])
        more = f"; and {len(self.found) - 3} more" if len(self.found) > 3 else ""
        super().__init__(
            f"{len(self.found)} of {total} samples could not be read, more than the {allowed} that may be "
            "left out: "
            f"{shown}{more}. Repair or remove these files, or allow a larger share of unreadable ones."
        )

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.found, self.allowed, self.total)


class Key(NamedTuple):
    """What a drawn sample is a function of, beside the seed; ``repeat``: its earlier draws in the epoch."""

    epoch: int
    item: int
    repeat: int = 0


def least_size(sample: Sample, size: tuple[int, int], fit: Fit) -> tuple[int, int] | None:
    """The lowest ``(height, width)`` at which reading an image loses nothing that ``size`` could show; None
    for the full one."""
    if fit == "crop" or not (sample.width and sample.height):
        return size if fit == "stretch" else None
    # a quarter turn of a canvas that is not square fits the image into the canvas turned
    sides = [place((sample.height, sample.width), inner, fit) for inner in (size, size[::-1])]
    return max(p.height for p in sides), max(p.width for p in sides)


@dataclass(frozen=True)
class Item:
    """One input of the model.

    Attributes:
        image: uint8 H×W×C.
        mask: uint8 H×W of class numbers, 255 where ignored.
        index: Of the item.
    """

    image: Array
    mask: Array
    index: int


class ImageMaskDataset:
    """Samples at the model's size, as uint8.

    With an augmentation it is a training set: an item is a sample, and its randomness is a pure function
    of ``(seed, epoch, index, repeat)``. Without one it is an evaluation set: nothing is random, and with
    ``crop`` an item is one tile of a sample, the tiles covering each image; what two tiles share is
    ignored (255) in the later one, so that each pixel counts once.

    Attributes:
        samples: What was given.
        size: ``(height, width)`` of the items.
        channels: 1 or 3.
        item_samples: int64, for each item the number of its sample.
        allowed_unreadable: Samples that may fail before the run ends: ``max_unreadable`` of them, at least
            one unless ``max_unreadable`` is 0, and never all.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        meaning: MaskMeaning,
        size: int | tuple[int, int],
        channels: int = 3,
        fit: Fit = "letterbox",
        augmentation: Augmentation | None = None,
        seed: int = 0,
        intensity_range: tuple[float, float] | None = None,
        max_unreadable: float = 0.05,
        reader: Reader | None = None,
    ) -> None:
        """``augmentation`` must have been made with the same ``size`` and ``fit``; ``reader`` takes the place of
        one that reads the files."""
        self.samples = PackedSamples(samples)
        self.meaning = meaning
        self.reader: Reader = reader or FileReader(meaning, channels, intensity_range)
        self.size = as_size(size)
        self.channels = channels
        self.fit: Fit = fit
        if augmentation is not None and (augmentation.size, augmentation.fit) != (self.size, fit):
            raise ValueError(
                f"The augmentation makes {augmentation.size} by {augmentation.fit}, the data set {self.size} "
                f"by {fit}: "
                "make both with the same size and fit."
            )
        self.training = augmentation is not None
        self._change = augmentation or Augmentation.only_fit(self.size, fit)
        self.seed = seed
        self.intensity_range = intensity_range
        share = int(max_unreadable * len(self.samples))
        self.allowed_unreadable = min(max(share, 1), len(self.samples) - 1) if max_unreadable > 0 else 0
        self._paste: CopyPaste | None = None
        self._anchors: Anchors | None = None
        self._focus, self._rarity = 0.0, np.zeros(0)
        self._windows: list[tuple[int, int]] = []
        counts = [1] * len(self.samples)
        if fit == "crop" and not self.training:
            grids = [tiles(self._outline(sample), self.size) for sample in self.samples]
            self._windows = [window for grid in grids for window in grid]
            counts = [len(grid) for grid in grids]
        self.item_samples = np.repeat(np.arange(len(self.samples), dtype=np.int64), counts)

    def __len__(self) -> int:
        return len(self.item_samples)

    def sample_of(self, index: int) -> Sample:
        """The sample behind an item, as the ``index`` of a batch names it."""
        return self.samples[self.item_samples[index]]

    @property
    def has_object(self) -> np.ndarray:
        """For each item whether its sample shows anything but background."""
        return self.samples.has_object[self.item_samples]

    def holding(self, number: int) -> np.ndarray:
        """The items of a training set whose samples hold a class, rising."""
        return self.samples.holding(number)

    def focus(self, anchors: Anchors, share: float, class_pixels: Sequence[int]) -> None:
        """Cut a share of the training windows (0 to 1) about known objects, rare classes more often.

        Does nothing but with ``crop`` and an augmentation.
        """
        self._anchors, self._focus, self._rarity = anchors, share, rarity(class_pixels)

    def copy_paste(self, options: CopyPasteConfig, anchors: Anchors, class_pixels: Sequence[int]) -> None:
        """Paste objects of other samples of this set into training images; ``anchors`` say where ``crop`` finds them."""
        holding = [self.holding(c) for c in range(self.meaning.num_classes)]
        self._paste = CopyPaste(
            class_pixels, holding, options.probability, options.objects, options.scale, options.soft_edge
        )
        self._givers = anchors

    def generator(self, key: Key, stream: int = 0) -> np.random.Generator:
        """The randomness of one drawn sample; good until this thread asks for another. Streams are independent.

        Philox is a function of a key and a counter (Salmon et al., "Parallel random numbers: as easy as
        1, 2, 3", SC11), so a place in its sequence is set and need not be computed from a hash.
        """
        return _stream(self.seed, key, stream)

    def fetch(self, epoch: int, index: int, repeat: int = 0) -> tuple[Item | None, list[Unreadable]]:
        """Read one item.

        Returns:
            The item, and the files that could not be used on the way. While training, the next readable
            sample takes the place of an unreadable one (with the randomness of the place that it takes);
            in an evaluation nothing
            does, since it would count twice: then the item is None.

        Raises:
            TooManyUnreadableError: more than ``allowed_unreadable`` in a row.
        """
        key = Key(epoch, index, repeat)
        bad: list[Unreadable] = []
        for step in range(len(self)):
            at = (index + step) % len(self)
            try:
                item = self._read(at, self.generator(key) if self.training else None)
                return (item if self._paste is None else self._pasted(item, key, bad)), bad
            except Refused as error:
                bad.append(Unreadable(*error.args))
            if not self.training:
                return None, bad
            if len(bad) > self.allowed_unreadable:
                break
        raise TooManyUnreadableError(bad, self.allowed_unreadable, len(self.samples))

    def _pasted(self, item: Item, key: Key, bad: list[Unreadable]) -> Item:
        """With objects of another sample; as it is where that one cannot be read, which is noted."""
        assert self._paste is not None
        rng = self.generator(key, stream=1)
        chosen = self._paste.choose(item.index, rng) if self.training else None
        if chosen is None:
            return item
        number, giver = chosen
        try:
            other = self._read(giver, rng, number)
        except Refused as error:
            bad.append(Unreadable(*error.args))
            return item
        image, mask = self._paste.paste(item.image, item.mask, other.image, other.mask, number, rng)
        return Item(image, mask, item.index)

    def _read(self, index: int, rng: np.random.Generator | None, number: int = 0) -> Item:
        """One item; with a class number it is to give objects of that class."""
        sample = self.sample_of(index)
        window = self._windows[index] if self._windows else None
        try:
            centre = self._centre(sample, rng, number) if rng is not None else None
            region = None
            if self.fit == "crop" and sample.height and sample.width:
                drawn = self._change.draw((sample.height, sample.width), rng, window, centre)
                region = self._change.region(drawn)
                image, mask = self.reader.read(sample, None, region)
            else:
                image, mask = self.reader.read(sample, least_size(sample, self.size, self.fit))
                drawn = self._change.draw((image.shape[0], image.shape[1]), rng, window, centre)
            out = self._change.apply(drawn, image, mask, region)
            picture = out["image"]
            if picture.shape[2] != self.channels:  # a file without colour
                picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)
        except UnreadableImageError as error:
            raise Refused(error.path, error.reason) from error
        except MaskValueError as error:
            raise Refused(str(sample.mask), f"cannot be used: {error}") from error
        except ValueError as error:  # the sizes of image and mask do not belong together
            raise Refused(str(sample.mask), f"does not fit its image. {error}") from error
        if window is not None:
            rows, columns = overlap(window, (sample.height, sample.width), self.size)
            out["mask"][:rows] = IGNORE_INDEX
            out["mask"][:, :columns] = IGNORE_INDEX
        return Item(picture, out["mask"], index)

    def _centre(self, sample: Sample, rng: np.random.Generator, number: int) -> tuple[int, int] | None:
        if number and self.fit == "crop":
            places = self._givers.of(sample.id)
            return focus_on(places[places[:, 0] == number], np.ones(number + 1), 1.0, rng)
        if self._anchors is None or self.fit != "crop":
            return None
        return focus_on(self._anchors.of(sample.id), self._rarity, self._focus, rng)

    def _outline(self, sample: Sample) -> tuple[int, int]:
        if not (sample.width and sample.height):
            raise ValueError(
                f"The size of {sample.image} is not known; a grid of tiles cannot be laid over it."
            )
        return sample.height, sample.width


_own = threading.local()


def _stream(seed: int, key: Key, stream: int) -> np.random.Generator:
    if not hasattr(_own, "generator"):
        _own.generator = np.random.Generator(np.random.Philox(key=0))
        _own.state = _own.generator.bit_generator.state
    state: Any = _own.state
    state["state"]["key"][:] = seed % _WORD, key.epoch
    state["state"]["counter"][:] = 0, key.item, key.repeat, stream
    _own.generator.bit_generator.state = state
    return cast(np.random.Generator, _own.generator)


class Refused(Exception):
    """Internal: ``args`` are the path and the reason."""

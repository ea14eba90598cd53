"""MixUp and CutMix of a batch, with randomness that is a pure function of its place; of images and masks on the device."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor


class Mixed(NamedTuple):
    """A batch after mixing.

    Attributes:
        image: N×C×H×W.
        mask: N×H×W, the truth that counts ``share``.
        other: N×H×W, the truth that counts the rest; None where there is one truth.
        share: 0 to 1.
    """

    image: Tensor
    mask: Tensor
    other: Tensor | None = None
    share: float = 1.0

    def known(self, ignore: int) -> Tensor:
        """Where the truth is known: bool N×H×W."""
        there = self.mask != ignore
        return there if self.other is None else there & (self.other != ignore)


class Choice(NamedTuple):
    """How a batch is to be mixed.

    Attributes:
        kind: ``mixup`` or ``cutmix``.
        shift: Each sample is mixed with the one so many places before it.
        share: What the sample itself counts, as it was drawn; a piece of whole pixels may come out a little different.
        rng: For what else has to be drawn, such as where a piece lies.
    """

    kind: Literal["mixup", "cutmix"]
    shift: int
    share: float
    rng: np.random.Generator


class Mixing:
    """Chooses for each batch whether and how it is mixed.

    Attributes:
        mixup, cutmix: Shares of the batches, together at most 1.
        mixup_alpha, cutmix_alpha: α of Beta(α, α), from which the share of the first image is drawn.
    """

    def __init__(
        self, mixup: float, cutmix: float, mixup_alpha: float = 0.2, cutmix_alpha: float = 1.0, seed: int = 0
    ) -> None:
        """Raises ValueError where the shares are more than all batches."""
        if min(mixup, cutmix) < 0 or mixup + cutmix > 1 + 1e-9:
            raise ValueError(
                f"The shares of MixUp and CutMix must add up to 1 at most, not {mixup + cutmix}."
            )
        self.mixup, self.cutmix = mixup, cutmix
        self.mixup_alpha, self.cutmix_alpha = mixup_alpha, cutmix_alpha
        self._seed = seed

    def __call__(self, image: Tensor, mask: Tensor, place: tuple[int, ...]) -> Mixed:
        """Mix each sample with another one of the batch, the same number of places away for all.

        Args:
            image: N×C×H×W float.
            mask: N×H×W of class numbers.
            place: What the randomness is a function of, beside the seed: epoch, number of the batch, …; not negative.
        """
        choice = self.choose(len(image), place)
        if choice is None:
            return Mixed(image, mask)
        if choice.kind == "mixup":
            return mix_up(image, mask, choice.shift, choice.share)
        height, width = image.shape[-2:]
        return cut_mix(image, mask, choice.shift, rectangle(height, width, 1 - choice.share, choice.rng))

    def choose(self, count: int, place: tuple[int, ...]) -> Choice | None:
        """Whether and how a batch of ``count`` samples is mixed; ``place`` as when called."""
        if count < 2 or not self.mixup + self.cutmix:
            return None
        rng = np.random.Generator(
            np.random.PCG64(np.random.SeedSequence((self._seed, *place), spawn_key=(2,)))
        )
        which = rng.random()
        shift = int(rng.integers(1, count))
        if which < self.mixup:
            return Choice("mixup", shift, float(rng.beta(self.mixup_alpha, self.mixup_alpha)), rng)
        if which < self.mixup + self.cutmix:
            return Choice("cutmix", shift, float(rng.beta(self.cutmix_alpha, self.cutmix_alpha)), rng)
        return None


def mix_up(image: Tensor, mask: Tensor, shift: int, share: float) -> Mixed:
    """``share·a + (1-share)·b``, where b is the sample ``shift`` places before (Zhang et al. 2018, arXiv:1710.09412).

    The masks are not blended: the loss is ``share·loss(a) + (1-share)·loss(b)``. For the cross-entropy that is the same
    as soft targets; for Dice and its kin, whose soft targets have no minimum at the target, it is what is meant, and an
    ignored pixel of one mask leaves the other in force.
    """
    return Mixed(blended(image, shift, share), mask, mask.roll(shift, 0), share)


def blended(values: Tensor, shift: int, share: float) -> Tensor:
    """``share`` of each row and the rest of the one ``shift`` places before it."""
    return torch.lerp(values.roll(shift, 0), values, share)


def cut_mix(image: Tensor, mask: Tensor, shift: int, box: tuple[int, int, int, int]) -> Mixed:
    """Inside the box (top, left, bottom, right) image and mask are those of the sample ``shift`` places before.

    Yun et al. 2019, arXiv:1905.04899; for segmentation the mask goes with the image, so no target becomes soft
    (French et al. 2020, arXiv:1906.01916).
    """
    top, left, bottom, right = box
    image, mask, others, their_masks = image.clone(), mask.clone(), image, mask
    rows, columns = slice(top, bottom), slice(left, right)
    image[:, :, rows, columns] = others[:, :, rows, columns].roll(shift, 0)
    mask[:, rows, columns] = their_masks[:, rows, columns].roll(shift, 0)
    return Mixed(image, mask)


def rectangle(height: int, width: int, area: float, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """A box of the image's shape and a share of its area about a random centre, cut off at the border."""
    tall, wide = height * area**0.5, width * area**0.5
    row, column = rng.random() * height, rng.random() * width
    top, bottom = (int(np.clip(row + sign * tall / 2, 0, height)) for sign in (-1, 1))
    left, right = (int(np.clip(column + sign * wide / 2, 0, width)) for sign in (-1, 1))
    return top, left, bottom, right

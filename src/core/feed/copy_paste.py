"""Objects of other training images pasted into an image (Ghiasi et al. 2021, arXiv:2012.07177). Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from src.core.dataset.config import CopyPasteConfig
from src.core.dataset.masks import IGNORE_INDEX
from src.core.feed.geometry import Array
from src.core.feed.sampling import rarity


class CopyPaste:
    """Chooses whose objects are pasted, and pastes them.

    The paper takes all classes alike; here a class is chosen by the inverse root of its pixels, so that rare ones come
    more often, and then one of the images that hold it. The giver goes through the augmentation of the training with
    randomness of its own, as in the paper; beyond that each object changes its size and its place.

    Attributes:
        probability: Of each image, that something is pasted into it.
        objects: Most objects that are pasted at once; all are of one class and from one image.
        scale: Largest relative change of their size.
        soft_edge: Width in pixels over which an object's rim blends into the image; 0 cuts hard. The mask is always hard.
    """

    def __init__(
        self,
        class_pixels: Sequence[int],
        holding: Sequence[np.ndarray],
        probability: float,
        objects: int = 3,
        scale: float = 0.25,
        soft_edge: float = 0.0,
    ) -> None:
        """``class_pixels`` and ``holding``, the items that hold a class, are for each class number, background first."""
        self.probability, self.objects, self.scale, self.soft_edge = probability, objects, scale, soft_edge
        weights = rarity(class_pixels)
        self._classes = [c for c in range(1, len(holding)) if len(holding[c]) and weights[c] > 0]
        self._holding = {c: np.asarray(holding[c]) for c in self._classes}
        self._steps = np.cumsum([weights[c] for c in self._classes])

    def choose(self, item: int, rng: np.random.Generator) -> tuple[int, int] | None:
        """Class number and item of the giver for an item, or None where nothing is pasted; never the item itself."""
        chance, which, where = rng.random(3)
        if chance >= self.probability or not self._classes:
            return None
        at = int(np.searchsorted(self._steps, which * self._steps[-1], side="right"))
        number = self._classes[min(at, len(self._classes) - 1)]
        members = self._holding[number]
        place = int(where * len(members))
        if members[place] == item:
            place = (place + 1) % len(members)
        return None if members[place] == item else (number, int(members[place]))

    def paste(
        self, image: Array, mask: Array, giver: Array, given: Array, number: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """Paste objects of a class; pixels whose truth is ignored (padding) stay as they are.

        Args:
            image, giver: uint8 H×W×C of one size; neither is written to.
            mask, given: uint8 H×W of class numbers of the two.
            number: Of the class.

        Returns:
            The image and its mask; the same objects where the giver shows nothing of that class.
        """
        count, labels, boxes, _ = cv2.connectedComponentsWithStats((given == number).astype(np.uint8))
        if count < 2:
            return image, mask
        image, mask = image.copy(), mask.copy()
        for part in 1 + rng.permutation(count - 1)[: self.objects]:
            left, top, wide, tall = boxes[part, :4]
            rows, columns = slice(top, top + tall), slice(left, left + wide)
            shape = (labels[rows, columns] == part).astype(np.uint8)
            self._put(image, mask, giver[rows, columns], shape, number, rng.random(3))
        return image, mask

    def _put(self, image: Array, mask: Array, cut: Array, shape: Array, number: int, draw: Array) -> None:
        (height, width), (tall, wide) = mask.shape, shape.shape
        zoom = min(1 + self.scale * (2 * draw[0] - 1), height / tall, width / wide)
        size = max(1, round(wide * zoom)), max(1, round(tall * zoom))
        if size != (wide, tall):
            cut = cv2.resize(cut, size, interpolation=cv2.INTER_LINEAR).reshape(*size[::-1], image.shape[2])
            shape = cv2.resize(shape, size, interpolation=cv2.INTER_NEAREST_EXACT)
        top, left = int(draw[1] * (height - size[1] + 1)), int(draw[2] * (width - size[0] + 1))
        place = slice(top, top + size[1]), slice(left, left + size[0])
        here = (shape > 0) & (mask[place] != IGNORE_INDEX)
        if self.soft_edge:
            share = _rim(shape, self.soft_edge)[..., None]
            cut = np.rint(share * cut + (1 - share) * image[place]).astype(np.uint8)
        image[place][here] = cut[here]
        mask[place][here] = number


def paste_to_show(
    options: CopyPasteConfig, pair: Mapping[str, Array], giver: Mapping[str, Array], rng: np.random.Generator
) -> dict[str, Array]:
    """What a window shows of it: the giver is given, and the class one of those that it shows.

    Args:
        pair, giver: ``image`` and ``mask`` at the model's size, as the augmentation gives them.
    """
    found = np.unique(giver["mask"])
    classes = found[(found > 0) & (found != IGNORE_INDEX)]
    if rng.random() >= options.probability or not len(classes):
        return dict(pair)
    paste = CopyPaste((), (), 1.0, options.objects, options.scale, options.soft_edge)
    number = int(rng.choice(classes))
    image, mask = paste.paste(pair["image"], pair["mask"], giver["image"], giver["mask"], number, rng)
    return {"image": image, "mask": mask}


def _rim(shape: Array, edge: float) -> Array:
    """How much of an object shows, 0 to 1 float32: rising from its border inwards; its innermost pixels show fully."""
    around = cv2.copyMakeBorder(shape, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    depth = cv2.distanceTransform(around, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    return np.minimum(1, depth / max(min(edge + 1, float(depth.max())), 1e-6))

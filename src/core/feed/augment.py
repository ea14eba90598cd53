"""The augmentation pipeline: fit to the model's size, random geometry, random colour.

The strengths are the ones of ``AugmentationConfig``. Each operation happens with the same probability,
independent of the others: mirror left-right, mirror up-down, quarter turn (90, 180 or 270 degrees alike),
shift-scale-rotate, brightness and contrast, hue-saturation-value, blur, noise. Blur comes before noise, as
in a camera.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import cv2
import numpy as np

from src.core.dataset.config import AugmentationConfig, Flips
from src.core.dataset.files.large_tiff import Region
from src.core.dataset.masks import IGNORE_INDEX, unequal_sizes
from src.core.feed import colour
from src.core.feed.geometry import FITS, Affine, Array, Fit, View, needed, render

#: Pixels, or (height, width).
Size = int | tuple[int, int] | list[int]
#: Padding that is nearly zero after normalisation with the statistics of ImageNet.
NEUTRAL_RGB = (124.0, 116.0, 104.0)
NEUTRAL_GREY = (117.0,)
#: Draws for one image: always all of them, so that the options of one operation leave the others alone.
_DRAWS = 26


class Drawn(NamedTuple):
    """The random choices for one image, made before it is read.

    Attributes:
        numbers: Of the colour operations; None when nothing is random.
        view: Of the geometry.
        window: Upper left corner of a crop.
        outline: ``(height, width)`` of the whole image.
    """

    numbers: Array | None
    view: View
    window: tuple[int, int]
    outline: tuple[int, int]


def as_size(size: Size) -> tuple[int, int]:
    """``size`` or ``(height, width)`` in pixels as ``(height, width)``."""
    pair = (size, size) if isinstance(size, (int, np.integer)) else tuple(size)
    if len(pair) != 2 or any(int(side) != side or side < 1 for side in pair):
        raise ValueError(
            f"The image size is a number of pixels or (height, width), both above 0; got {size!r}."
        )
    return int(pair[0]), int(pair[1])


class Augmentation:
    """Callable that takes an image and its mask and returns both at the model's size.

    >>> change = Augmentation(128, fit="letterbox", probability=0.5, seed=1)
    >>> out = change(image=np.zeros((60, 90, 3), np.uint8), mask=np.zeros((60, 90), np.uint8))
    >>> out["image"].shape, out["mask"].shape
    ((128, 128, 3), (128, 128))

    Attributes:
        size: ``(height, width)`` of what comes out.
        fit: ``stretch``, ``letterbox`` (keeps the shape, pads with neutral grey, mask 255 = ignored) or
            ``crop`` (a window at full resolution, at a random place while training).
        probability: Of each operation; 0 leaves the fit (and the random place of a crop).
        training: False turns all randomness off; a crop is then cut from the middle unless ``window`` says
            where.

    ``flips`` is ``both``, ``horizontal`` (left-right only) or ``none``; True and False mean both and none. The other
    strengths are the largest change of each kind; see `AugmentationConfig`.
    """

    def __init__(
        self,
        size: Size,
        *,
        fit: Fit = "letterbox",
        probability: float = 0.5,
        training: bool = True,
        flips: bool | Flips = "both",
        quarter_turns: bool = True,
        shift: float = 0.1,
        scale: float = 0.1,
        rotate: float = 45.0,
        brightness: float = 0.2,
        contrast: float = 0.2,
        hue: float = 10.0,
        saturation: float = 20.0,
        value: float = 20.0,
        noise: float = 4.5,
        blur: int = 3,
        ignore: int = IGNORE_INDEX,
        seed: int = 0,
    ) -> None:
        if fit not in FITS:
            raise ValueError(f"There is no fit called {fit!r}; choose one of {', '.join(FITS)}.")
        mirrored: Flips = flips if isinstance(flips, str) else "both" if flips else "none"
        # the schema knows the bounds: one place for them
        self.options = AugmentationConfig(
            probability=probability, flips=mirrored, quarter_turns=quarter_turns, shift=shift, scale=scale,
            rotate=rotate, brightness=brightness, contrast=contrast, hue=hue, saturation=saturation,
            value=value, noise=noise, blur=blur,
        )  # fmt: skip
        self.size = as_size(size)
        self.fit: Fit = fit
        self.training = training
        self.ignore = ignore
        self._own = np.random.default_rng(seed)

    @classmethod
    def from_config(cls, config: AugmentationConfig, size: Size, fit: Fit, seed: int = 0) -> Augmentation:
        """The training pipeline of a configuration."""
        return cls(size, fit=fit, seed=seed, **config.model_dump())

    @classmethod
    def only_fit(cls, size: Size, fit: Fit) -> Augmentation:
        """The pipeline of validation and prediction: nothing random."""
        return cls(size, fit=fit, probability=0.0, training=False)

    @property
    def probability(self) -> float:
        """Chance of each operation; 0 when not training."""
        return self.options.probability if self.training else 0.0

    def __call__(
        self,
        image: Array,
        mask: Array | None = None,
        rng: np.random.Generator | None = None,
        window: tuple[int, int] | None = None,
    ) -> dict[str, Any]:
        """Change one pair.

        Args:
            image: uint8, H×W, H×W×1 or H×W×3 (RGB).
            mask: H×W of any integer, boolean or float type whose values a float64 holds; its size is the
                image's, or a multiple of it when the image was decoded reduced (not for ``crop``).
            rng: Where the randomness comes from; None takes the generator made from ``seed``.
            window: ``(top, left)`` of a crop instead of a random place.

        Returns:
            ``image`` (same number of channels and axes) and, if one was given, ``mask``, both contiguous.

        Raises:
            ValueError: an image that is not uint8 or has another number of channels; sizes that do not
                belong together.
        """
        return self.apply(self.draw((image.shape[0], image.shape[1]), rng, window), image, mask)

    def draw(
        self,
        outline: tuple[int, int],
        rng: np.random.Generator | None = None,
        window: tuple[int, int] | None = None,
        focus: tuple[int, int] | None = None,
    ) -> Drawn:
        """Choose what will be done to an image of ``(height, width)``.

        Args:
            outline: Of the whole image; matters for ``crop`` only.
            rng, window: As for a call.
            focus: ``(row, column)`` of a pixel that a crop shall show, at a random place within it.
        """
        numbers = (rng if rng is not None else self._own).random(_DRAWS) if self.training else None
        view = View() if numbers is None else self._view(numbers)
        place = window if window is not None else self._window(outline, numbers, focus, view)
        return Drawn(numbers, view, place, outline)

    def region(self, drawn: Drawn) -> Region | None:
        """The part of the image that `apply` needs; None for all of it (every fit but ``crop``)."""
        if self.fit != "crop":
            return None
        return needed(drawn.outline, self.size, drawn.view, drawn.window)

    def apply(
        self, drawn: Drawn, image: Array, mask: Array | None = None, region: Region | None = None
    ) -> dict[str, Any]:
        """As a call, with what was drawn before.

        Args:
            drawn: From `draw`, for the whole image.
            image, mask: The whole image, or its part. A picture without colour may come with one channel.
            region: Which part it is.
        """
        self._check(image, mask)
        ndim, channels = image.ndim, 1 if image.ndim == 2 else image.shape[2]
        plane = image if ndim == 2 else image[..., 0] if channels == 1 else colour.grey_plane(image)
        work = image if plane is None else np.ascontiguousarray(plane)
        fill = NEUTRAL_RGB if plane is None else NEUTRAL_GREY
        kind = None if mask is None else mask.dtype
        ready = None if mask is None else _warpable(mask)
        fill_mask = self.ignore if kind is None or _holds(kind, self.ignore) else 0
        part = None if region is None else (region, drawn.outline)
        work, ready = render(
            work, ready, self.size, self.fit, drawn.view, fill, fill_mask, drawn.window, part
        )
        if drawn.numbers is not None:
            work = self._colour(work, drawn.numbers)
        if plane is not None and ndim == 3:
            work = work[..., None] if channels == 1 else cv2.cvtColor(work, cv2.COLOR_GRAY2RGB)
        out: dict[str, Any] = {"image": np.ascontiguousarray(work)}
        if ready is not None and kind is not None:
            out["mask"] = np.ascontiguousarray(ready if ready.dtype == kind else ready.astype(kind))
        return out

    def _check(self, image: Array, mask: Array | None) -> None:
        if (
            image.dtype != np.uint8
            or image.ndim not in (2, 3)
            or (image.ndim == 3 and image.shape[2] not in (1, 3))
        ):
            raise ValueError(
                f"Augmentation takes uint8 images with 1 or 3 channels; this one is {image.dtype} of shape "
                f"{image.shape}. "
                "Convert it to 8 bits first."
            )
        if mask is None or mask.shape == image.shape[:2]:
            return
        if mask.ndim != 2:
            raise ValueError(f"A mask has two axes, height and width; this one has the shape {mask.shape}.")
        # a reduced JPEG has ceil(side / k) pixels
        (height, width), (low, narrow) = mask.shape, image.shape[:2]
        fits = any(-(-height // k) == low and -(-width // k) == narrow for k in (2, 4, 8))
        if not fits or self.fit == "crop":
            raise unequal_sizes(image.shape, mask.shape)

    def _window(
        self, outline: tuple[int, int], draw: Array | None, focus: tuple[int, int] | None, view: View
    ) -> tuple[int, int]:
        if self.fit != "crop":
            return 0, 0
        at = (0.5, 0.5) if draw is None else (draw[22], draw[23])
        low, wide = self.size[::-1] if view.turns % 2 else self.size
        if focus is not None:
            # within the middle half of the window, so that turns and zooms keep it in view
            return int(focus[0] - low * (0.25 + 0.5 * at[0])), int(focus[1] - wide * (0.25 + 0.5 * at[1]))
        height, width = outline
        return int(at[0] * (max(height - low, 0) + 1)), int(at[1] * (max(width - wide, 0) + 1))

    def _view(self, draw: Array) -> View:
        o, p = self.options, self.probability
        turns = 0
        if o.quarter_turns and draw[2] < p:
            turns = 1 + int(draw[3] * 3)
            if self.fit == "stretch" and self.size[0] != self.size[1]:
                turns = 2
        affine = None
        if draw[4] < p and (o.shift or o.scale or o.rotate):
            shift_x, shift_y, zoom, angle = 2 * draw[5:9] - 1
            affine = Affine(o.rotate * angle, 1 + o.scale * zoom, o.shift * shift_x, o.shift * shift_y)
        return View(
            turns, bool(o.flips != "none" and draw[0] < p), bool(o.flips == "both" and draw[1] < p), affine
        )

    def _colour(self, image: Array, draw: Array) -> Array:
        o, p, grey = self.options, self.probability, image.ndim == 2
        brightness = contrast = value = 0.0
        if draw[9] < p:
            brightness, contrast = o.brightness * (2 * draw[10] - 1), o.contrast * (2 * draw[11] - 1)
        shifted = draw[12] < p and bool(o.hue or o.saturation or o.value)
        if shifted and grey:
            value = o.value * (2 * draw[15] - 1)
        if brightness or contrast or value:
            image = colour.tone(image, brightness, contrast, value)
        if shifted and not grey:
            h, s, v = 2 * draw[13:16] - 1
            image = colour.hue_saturation_value(image, o.hue * h, o.saturation * s, o.value * v)
        if o.blur >= 3 and draw[19] < p:
            kernel = 3 + 2 * int(draw[20] * ((o.blur - 3) // 2 + 1))
            image = colour.blur(image, kernel, 0.5 + 2.5 * draw[21])
        if o.noise and draw[16] < p:
            image = colour.gaussian_noise(image, o.noise * (0.25 + 0.75 * draw[17]), draw[18], draw[24] < 0.5)
        return image


@functools.cache
def _holds(kind: Any, value: int) -> bool:
    """Whether a type of number can hold a value."""
    return bool(np.can_cast(np.min_scalar_type(value), kind))


def _warpable(mask: Array) -> Array:
    """The mask in a type that OpenCV can sample; the same object where it already is."""
    if mask.dtype in (np.uint8, np.uint16, np.int16, np.float32, np.float64):
        return mask
    return mask.astype(np.uint8 if mask.dtype == np.bool_ else np.float64)

"""Class colours that colour-blind people can tell apart, the same in windows, previews and reports."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

#: Okabe and Ito (2008), "Color Universal Design"; background first, drawn as nothing.
_OKABE_ITO = (
    (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0), (204, 121, 167),
)  # fmt: skip
BACKGROUND = (0, 0, 0)
IGNORED = (128, 128, 128)

#: How linear RGB looks to people without one kind of cone. Machado, Oliveira, Fernandes (2009), "A
#: Physiologically-based Model for Simulation of Color Vision Deficiency", severity 1.0.
DEFICIENCIES: dict[str, tuple[tuple[float, float, float], ...]] = {
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
}
#: Of Oklab: linear sRGB to cone responses, and their cube roots to lightness, green-red and blue-yellow.
_TO_CONES = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
_TO_LAB = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)
_EYES = ("", *DEFICIENCIES)
_LIGHTNESS = (38, 95)
_STEPS = 10  # of each channel among which further colours are looked for


def class_colours(count: int) -> list[tuple[int, int, int]]:
    """RGB of ``count`` classes, class 0 (background) black.

    The seven colours of Okabe and Ito come first. Each further one is, of a thousand, the one whose nearest
    colour so far is farthest away, for usual vision and for the two frequent deficiencies; grey, which marks
    ignored pixels, counts as taken. So a class keeps its colour whatever comes after it.
    """
    colours = [BACKGROUND, *_OKABE_ITO]
    if count > len(colours):
        colours += _further(-(-(count - len(colours)) // 64) * 64)
    return colours[:count]


def seen(rgb: Any, deficiency: str = "") -> np.ndarray:
    """Oklab coordinates times 100 of colours as a person sees them.

    Oklab (Ottosson 2020, "A perceptual color space for image processing") is more even than CIE L*a*b*, which
    counts blues as farther apart than they look.

    Args:
        rgb: ``N×3``, sRGB from 0 to 255.
        deficiency: A key of ``DEFICIENCIES``; empty for usual vision.

    Returns:
        ``N×3``: lightness from 0 to 100, green to red, blue to yellow; a distance of about 2 is just seen.
    """
    import numpy as np

    value = np.asarray(rgb, np.float64).reshape(-1, 3) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    if deficiency:
        linear = np.clip(linear @ np.array(DEFICIENCIES[deficiency]).T, 0, 1)
    return 100 * np.cbrt(linear @ np.array(_TO_CONES).T) @ np.array(_TO_LAB).T


def distances(first: Any, second: Any) -> np.ndarray:
    """How far colours are apart for whom they are nearest: the least of usual vision and the deficiencies.

    Args:
        first, second: ``N×3`` and ``M×3`` sRGB.

    Returns:
        ``N×M`` Euclidean distances in Oklab times 100.
    """
    import numpy as np

    ways = [np.linalg.norm(seen(first, eye)[:, None] - seen(second, eye)[None], axis=2) for eye in _EYES]
    return np.min(ways, axis=0)


@functools.cache
def _further(many: int) -> list[tuple[int, int, int]]:
    import numpy as np

    steps = np.linspace(0, 255, _STEPS).round()
    candidates = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    light = seen(candidates)[:, 0]
    candidates = candidates[
        (light > _LIGHTNESS[0]) & (light < _LIGHTNESS[1])
    ]  # neither nearly black nor white
    ways = [seen(candidates, eye) for eye in _EYES]
    nearest = distances(candidates, [BACKGROUND, IGNORED, *_OKABE_ITO]).min(axis=1)
    found: list[tuple[int, int, int]] = []
    for _ in range(many):
        best = int(nearest.argmax())
        red, green, blue = (int(v) for v in candidates[best])
        found.append((red, green, blue))
        for way in ways:
            nearest = np.minimum(nearest, np.sqrt(((way - way[best]) ** 2).sum(axis=1)))
    return found

"""Metal-like surfaces with scratches, pits and stains, drawn from noise and lit like photographs.

A part is drawn once, as height, reflectance and defect coverage, at twice the resolution and with a margin.
Each photograph then looks at it a little shifted and turned, under another light: the grain, the walls of a
scratch and the rim of a pit are shaded from the same height, so that they change with the light as real ones
do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

Texture = Literal["brushed", "ground", "cast", "turned"]
Defect = Literal["scratch", "pit", "stain"]
TEXTURES: tuple[Texture, ...] = ("brushed", "ground", "cast", "turned")
DEFECTS: tuple[Defect, ...] = ("scratch", "pit", "stain")

_OVERSAMPLING = 2
_MARGIN = 1.3


@dataclass
class Part:
    """One drawn part; all arrays are ``S×S`` float32 and cover ``_MARGIN`` times the photograph.

    Attributes:
        height: Relief, in arbitrary units.
        reflectance: Around 1.
        tint: How much of the colour of a stain.
        coverage: Of defects, 0 to 1, smooth at the edges.
        colour: RGB of the bare metal.
        grain: Direction of the machining marks, in radians.
    """

    height: np.ndarray
    reflectance: np.ndarray
    tint: np.ndarray
    coverage: np.ndarray
    colour: tuple[float, float, float]
    grain: float


def _noise(rng: np.random.Generator, side: int, along: float, across: float) -> np.ndarray:
    """Filtered noise of unit deviation; longer in x when ``along`` is larger.

    Long waves are drawn on a coarser grid: they look the same and cost little.
    """
    coarse_x, coarse_y = max(1, int(along / 3)), max(1, int(across / 3))
    raw = rng.standard_normal((side // coarse_y + 2, side // coarse_x + 2)).astype(np.float32)
    smooth = cv2.GaussianBlur(
        raw, (0, 0), sigmaX=max(along / coarse_x, 0.3), sigmaY=max(across / coarse_y, 0.3)
    )
    if smooth.shape != (side, side):
        smooth = cv2.resize(smooth, (side, side), interpolation=cv2.INTER_CUBIC)
    return smooth / max(1e-6, float(smooth.std()))


def _rotated(image: np.ndarray, angle: float, side: int) -> np.ndarray:
    """The middle ``side`` of a square image turned by ``angle`` radians."""
    middle = image.shape[0] / 2
    turn = cv2.getRotationMatrix2D((middle, middle), np.degrees(angle), 1.0)
    turn[:, 2] += side / 2 - middle
    return cv2.warpAffine(image, turn, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def _texture(
    rng: np.random.Generator, kind: Texture, side: int, grain: float
) -> tuple[np.ndarray, np.ndarray]:
    """Height and reflectance of a surface without defects."""
    large = int(side * 1.5)
    if kind == "brushed":
        lines = (
            0.8 * _noise(rng, large, 60, 0.8)
            + 0.5 * _noise(rng, large, 22, 1.6)
            + 0.25 * _noise(rng, large, 120, 5)
        )
        height, shade = (
            _rotated(lines, grain, side) * 0.30,
            _rotated(_noise(rng, large, 80, 1.2), grain, side) * 0.035,
        )
    elif kind == "ground":
        crossed: np.ndarray = np.zeros((side, side), np.float32)
        for turn in (0.0, 0.35, -0.3):
            short = np.maximum(_noise(rng, large, 14, 0.9) - 0.6, 0)
            crossed = crossed + _rotated(short, grain + turn, side)
        height, shade = crossed * 0.55, crossed * 0.02 + _noise(rng, side, 30, 30) * 0.03
    elif kind == "cast":
        bumps = (
            _noise(rng, side, 3.2, 3.2) + 0.6 * _noise(rng, side, 7, 7) + 0.35 * _noise(rng, side, 1.2, 1.2)
        )
        height, shade = bumps * 0.75, _noise(rng, side, 14, 14) * 0.03 + _noise(rng, side, 1.0, 1.0) * 0.02
    else:
        ys, xs = np.mgrid[0:side, 0:side].astype(np.float32)
        centre = side * (0.5 + rng.uniform(0.9, 1.6) * np.array([np.cos(grain), np.sin(grain)]))
        radius = np.hypot(xs - centre[0], ys - centre[1]) + 0.6 * _noise(rng, side, 25, 25)
        feed = rng.uniform(6.0, 9.0)
        rings = np.sin(2 * np.pi * radius / feed) + 0.35 * np.sin(2 * np.pi * radius / (feed * 5.3))
        chatter = np.interp(radius.ravel(), np.arange(4 * side), rng.standard_normal(4 * side)).reshape(
            side, side
        )
        height = (0.42 * rings + 0.45 * chatter).astype(np.float32)
        shade = _noise(rng, side, 40, 40) * 0.025
    worn = _noise(rng, side, side / 8, side / 8) * 0.03
    return height.astype(np.float32), (1.0 + shade + worn).astype(np.float32)


def _path(rng: np.random.Generator, side: int, length: float) -> np.ndarray:
    """Points of a gently curved line with a tremble, ``N×2``."""
    start = rng.uniform(0.3, 0.7, 2) * side
    angle, bend = rng.uniform(0, 2 * np.pi), rng.normal(0, 0.5)
    steps = max(12, int(length))
    angles = angle + bend * np.linspace(-1, 1, steps) + np.cumsum(rng.normal(0, 0.018, steps))
    points = np.cumsum(np.stack([np.cos(angles), np.sin(angles)], 1) * (length / steps), axis=0)
    return start + points - points.mean(0)


def _scratch(rng: np.random.Generator, part: Part) -> None:
    side = part.height.shape[0]
    scale = side / 416
    points = _path(rng, side, rng.uniform(90, 260) * scale)
    widths = (
        rng.uniform(2.6, 5.2) * scale * (0.65 + 0.5 * np.sin(np.linspace(0.25, np.pi - 0.25, len(points))))
    )
    widths *= 1 + 0.2 * np.interp(
        np.arange(len(points)), np.linspace(0, len(points), 9), rng.standard_normal(9)
    )
    drawn = np.zeros((side * 2, side * 2), np.uint8)
    for (x0, y0), (x1, y1), width in zip(points[:-1], points[1:], widths[:-1], strict=True):
        ends = [(round(x0 * 32), round(y0 * 32)), (round(x1 * 32), round(y1 * 32))]
        cv2.line(drawn, ends[0], ends[1], 255, max(2, round(2 * float(width))), cv2.LINE_AA, shift=4)
    cover = cv2.resize(drawn, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    groove = cv2.GaussianBlur(cover, (0, 0), 1.1 * scale)
    part.height -= rng.uniform(5.0, 8.0) * groove
    fresh = rng.random() < 0.5  # bare metal shines, an old scratch holds dirt
    part.reflectance += (rng.uniform(0.22, 0.42) if fresh else -rng.uniform(0.28, 0.45)) * cover
    np.maximum(part.coverage, cover, out=part.coverage)


def _blob(rng: np.random.Generator, side: int, centre: np.ndarray, radius: float, rough: float) -> np.ndarray:
    """A wobbly disc: 0 on its rim, 1 in the middle, negative outside."""
    left, top = (max(0, int(c - 2.5 * radius)) for c in centre)
    right, bottom = (min(side, int(c + 2.5 * radius) + 1) for c in centre)
    ys, xs = np.mgrid[top:bottom, left:right].astype(np.float32)
    stretch, turn = rng.uniform(0.75, 1.3), rng.uniform(0, np.pi)
    dx, dy = xs - centre[0], ys - centre[1]
    u = (dx * np.cos(turn) + dy * np.sin(turn)) * stretch
    v = (-dx * np.sin(turn) + dy * np.cos(turn)) / stretch
    angle, rim = np.arctan2(v, u), np.ones_like(u)
    for waves in (2, 3, 5, 7):
        rim += rough / waves * np.sin(waves * angle + rng.uniform(0, 2 * np.pi))
    field = np.full((side, side), -1.0, np.float32)
    field[top:bottom, left:right] = 1 - np.hypot(u, v) / (radius * rim)
    return field


def _pits(rng: np.random.Generator, part: Part) -> None:
    side = part.height.shape[0]
    scale = side / 416
    centre = rng.uniform(0.3, 0.7, 2) * side
    for _ in range(int(rng.integers(2, 6))):
        radius = rng.uniform(5, 13) * scale
        place = np.clip(centre + rng.normal(0, 36 * scale, 2), 0.2 * side, 0.8 * side)
        field = _blob(rng, side, place, radius, 0.22)
        cover = np.clip(field * radius + 0.5, 0, 1)
        part.height -= rng.uniform(7, 11) * scale * np.sqrt(np.clip(field, 0, 1)) * (radius / (9 * scale))
        part.reflectance *= 1 - rng.uniform(0.4, 0.6) * cv2.GaussianBlur(cover, (0, 0), 1.2 * scale)
        np.maximum(part.coverage, cover, out=part.coverage)


def _stain(rng: np.random.Generator, part: Part) -> None:
    side = part.height.shape[0]
    scale = side / 416
    radius = rng.uniform(26, 58) * scale
    centre = rng.uniform(0.32, 0.68, 2) * side
    field = _blob(rng, side, centre, radius, 0.2)
    for _ in range(int(rng.integers(0, 3))):  # drops that ran together
        beside = centre + rng.normal(0, 0.75, 2) * radius
        field = np.maximum(field, _blob(rng, side, beside, radius * rng.uniform(0.35, 0.7), 0.2))
    field += 0.045 * _noise(rng, side, 11 * scale, 11 * scale) + 0.015 * _noise(
        rng, side, 3 * scale, 3 * scale
    )
    edge = np.clip(field * radius / (3.0 * scale) + 0.5, 0, 1)
    drying = np.exp(-((field - 0.10) ** 2) / 0.006)  # a dried drop is darkest near its rim
    depth = rng.uniform(0.2, 0.36)
    cloudy = 1 + 0.2 * _noise(rng, side, 14 * scale, 14 * scale)
    part.reflectance *= 1 - edge * np.clip(depth * cloudy + 0.12 * drying, 0, 0.75)
    part.tint += edge * rng.uniform(0.2, 1.0)
    part.height *= 1 - 0.45 * edge  # the film fills the grain
    np.maximum(part.coverage, edge, out=part.coverage)


def draw_part(rng: np.random.Generator, texture: Texture, defects: tuple[Defect, ...], size: int) -> Part:
    """Draw one part for photographs of ``size`` pixels."""
    side = int(np.ceil(size * _MARGIN * _OVERSAMPLING))
    grain = rng.uniform(0, np.pi)
    height, reflectance = _texture(rng, texture, side, grain)
    warm = rng.uniform(-0.02, 0.03)
    blank = np.zeros((side, side), np.float32)
    part = Part(height, reflectance, blank, blank.copy(), (1 + warm, 1.0, 1 - warm), grain)
    for defect in sorted(defects, key=("stain", "pit", "scratch").index):
        {"scratch": _scratch, "pit": _pits, "stain": _stain}[defect](rng, part)
    return part


def photograph(rng: np.random.Generator, part: Part, size: int) -> tuple[np.ndarray, np.ndarray]:
    """One photograph of a part.

    Returns:
        ``size×size×3`` uint8 RGB, and ``size×size`` uint8 coverage of defects with smooth edges, 0 to 255.
    """
    side = part.height.shape[0]
    turn = cv2.getRotationMatrix2D(
        (side / 2, side / 2), rng.uniform(-7, 7), rng.uniform(0.97, 1.05) / _OVERSAMPLING
    )
    turn[:, 2] += size / 2 - side / 2 + rng.uniform(-0.06, 0.06, 2) * size

    def seen(field: np.ndarray) -> np.ndarray:
        soft = cv2.GaussianBlur(field, (0, 0), 0.5 * _OVERSAMPLING)
        return cv2.warpAffine(soft, turn, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)

    slope_x, slope_y = np.gradient(seen(part.height))[::-1]
    light = rng.uniform(0, 2 * np.pi)
    lean = rng.uniform(0.09, 0.18)
    shading = 1 + lean * 2.2 * np.tanh((slope_x * np.cos(light) + slope_y * np.sin(light)) / 2.2)
    ys, xs = (np.mgrid[0:size, 0:size].astype(np.float32) - size / 2) / size
    falling = 1 + rng.uniform(0.05, 0.3) * (xs * np.cos(light) + ys * np.sin(light))
    spot = rng.uniform(-0.45, 0.45, 2)
    across = (xs - spot[0]) * np.sin(part.grain) + (ys - spot[1]) * np.cos(part.grain)
    along = (xs - spot[0]) * np.cos(part.grain) - (ys - spot[1]) * np.sin(part.grain)
    gloss = rng.uniform(0.15, 0.55) * np.exp(
        -((along / 0.28) ** 2) - (across / 0.8) ** 2
    )  # grain smears a highlight
    vignette = 1 - rng.uniform(0.15, 0.4) * (xs**2 + ys**2)
    level = (
        seen(part.reflectance) * (shading * falling + gloss * shading) * vignette * rng.uniform(0.40, 0.62)
    )
    tint = seen(part.tint)[..., None] * np.array([0.05, -0.03, -0.14], np.float32)
    white = np.array(part.colour) * (1 + rng.normal(0, 0.012, 3))
    image = level[..., None] * (1 + tint) * white.astype(np.float32)
    image = np.clip(image, 0, None) ** rng.uniform(0.85, 1.15)
    image = image / (1 + np.clip(image - 0.8, 0, None))  # the sensor saturates softly
    noise = rng.standard_normal((size, size, 1)) * 0.8 + rng.standard_normal((size, size, 3)) * 0.5
    image = image + noise * rng.uniform(0.006, 0.016) * np.sqrt(np.clip(image, 0.02, 1))
    coverage = np.clip(seen(part.coverage), 0, 1)
    return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8), (coverage * 255 + 0.5).astype(np.uint8)

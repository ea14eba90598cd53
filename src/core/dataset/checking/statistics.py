"""Numbers for plots: how large, how bright, how many; see ``DatasetDescription.statistics``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from src.core.dataset.checking.checks_labels import LEAST_SIDE, scale_of
from src.core.dataset.checking.scan import Facts
from src.core.dataset.config import ImageDataConfig
from src.core.dataset.masks import MaskMeaning
from src.core.dataset.records import SPLITS, Sample, Split

#: Bars of a histogram, at most.
BINS = 40


def statistics(
    parts: Mapping[Split, Sequence[Sample]],
    facts: Mapping[str, Facts],
    meaning: MaskMeaning | None,
    class_pixels: Mapping[Split, Sequence[int]],
    config: ImageDataConfig,
) -> dict[str, Any]:
    """The plain dict that ``DatasetDescription.statistics`` describes."""
    found: dict[str, Any] = {"parts": {part: _counts(parts[part], facts) for part in SPLITS}}
    if meaning is not None:
        found["classes"] = list(meaning.classes)
        found["class_pixels"] = {part: list(class_pixels.get(part, ())) for part in SPLITS}
        found["class_images"] = {part: _images_with(parts[part], meaning) for part in SPLITS}
        found["class_objects"] = {part: _objects_of(parts[part], facts, meaning) for part in SPLITS}
        found["small_objects"] = _small(parts, facts, config)
    found["histograms"] = _histograms(parts, facts, meaning)
    return found


def _counts(samples: Sequence[Sample], facts: Mapping[str, Facts]) -> dict[str, int]:
    return {
        "images": len(samples),
        "objects": sum(_number(facts[s.id]) for s in samples),
        "groups": len({s.group for s in samples}),
        "empty": sum(not s.has_object for s in samples),
    }


def _number(fact: Facts) -> int:
    return fact.objects.number if fact.objects is not None else 0


def _images_with(samples: Sequence[Sample], meaning: MaskMeaning) -> list[int]:
    images = Counter(number for sample in samples for number in sample.classes)
    return [images[k] for k in range(meaning.num_classes)]


def _objects_of(samples: Sequence[Sample], facts: Mapping[str, Facts], meaning: MaskMeaning) -> list[int]:
    counts: Counter[int] = Counter()
    for sample in samples:
        objects = facts[sample.id].objects
        counts.update(objects.counts if objects is not None else {})
    return [counts[k] for k in range(meaning.num_classes)]


def _small(
    parts: Mapping[Split, Sequence[Sample]], facts: Mapping[str, Facts], config: ImageDataConfig
) -> dict[str, float]:
    """The share of all objects that the model would see with a side under ``LEAST_SIDE`` pixels."""
    total = small = 0.0
    for sample in (s for part in SPLITS for s in parts[part]):
        objects = facts[sample.id].objects
        if objects is None or not len(objects.sizes):
            continue
        across, down = scale_of(sample.width, sample.height, config)
        after = np.minimum(objects.sizes[:, 2] * across, objects.sizes[:, 3] * down)
        total += objects.number
        small += objects.number * float((after < LEAST_SIDE).mean())
    return {
        "image_size": config.image_size,
        "share": round(small / total, 6) if total else 0.0,
        "under": LEAST_SIDE,
    }


def _histograms(
    parts: Mapping[Split, Sequence[Sample]], facts: Mapping[str, Facts], meaning: MaskMeaning | None
) -> dict[str, Any]:
    per_image: dict[str, tuple[str, str, Any]] = {
        "width": ("Image width", "px", lambda s, f: s.width),
        "height": ("Image height", "px", lambda s, f: s.height),
        "brightness": ("Mean grey value", "", lambda s, f: f.brightness),
        "contrast": ("Deviation of the grey values", "", lambda s, f: f.contrast),
    }
    if meaning is not None:
        per_image["objects_per_image"] = ("Objects on an image", "", lambda s, f: _number(f))
    found = {}
    for name, (label, unit, value) in per_image.items():
        values = {p: [v for s in parts[p] if (v := value(s, facts[s.id])) is not None] for p in SPLITS}
        found[name] = histogram(values, label, unit)
    sizes = {p: list(Counter(s.group for s in parts[p]).values()) for p in SPLITS}
    found["group_size"] = histogram(sizes, "Images in a group", "")
    for name, label, unit, column in (
        ("object_area", "Object area", "px²", 0),
        ("object_side", "Shorter side of an object", "px", 1),
    ):
        by_part = {p: _object_values(parts[p], facts, column) for p in SPLITS}
        found[name] = histogram(by_part, label, unit, log=True)
    return {name: plot for name, plot in found.items() if plot}


def _object_values(samples: Sequence[Sample], facts: Mapping[str, Facts], column: int) -> np.ndarray:
    arrays = [
        f.objects.sizes for s in samples if (f := facts[s.id]).objects is not None and f.objects is not None
    ]
    sizes = np.concatenate([np.zeros((0, 4), np.float32), *arrays])
    return np.asarray(sizes[:, 1] if column == 0 else sizes[:, 2:4].min(axis=1, initial=np.inf))


def histogram(
    values: Mapping[Split, Sequence[float] | np.ndarray], label: str, unit: str, log: bool = False
) -> dict[str, Any]:
    """Edges and counts of each part with common edges; empty without values.

    Whole numbers that span less than ``BINS`` have a bar each, from half below to half above.
    """
    arrays = {part: np.asarray(values.get(part, ()), dtype=np.float64) for part in SPLITS}
    every = np.concatenate(list(arrays.values()))
    if not every.size:
        return {}
    low, high = float(every.min()), float(every.max())
    whole = bool((every == np.floor(every)).all())
    if log:
        edges = np.geomspace(max(low, 0.5), max(high, low + 1) * 1.0001, BINS + 1)
    elif whole and high - low < BINS:
        edges = np.arange(low, high + 2) - 0.5
    elif high == low:  # one bar, so wide that its ends are plain numbers
        edges = np.array([low - 0.05 * abs(low), low + 0.05 * abs(low)])
    else:
        edges = np.linspace(low, high, BINS + 1)
    counts = {part: np.histogram(array, edges)[0].tolist() for part, array in arrays.items()}
    return {
        "label": label,
        "unit": unit,
        "scale": "log" if log else "linear",
        "edges": [round(float(edge), 4) for edge in edges],
        "counts": counts,
    }

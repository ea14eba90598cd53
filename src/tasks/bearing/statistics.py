"""Numbers for plots of a set of recordings: classes, lengths, rates, speeds, loads."""

from __future__ import annotations

from typing import Any

import numpy as np

from src.tasks.bearing.described import RecordingDescription
from src.tasks.bearing.recordings import RECORDING

#: So many different values are shown one by one.
_FEW_VALUES = 6
#: Bearings, machines and loads of more names than this are no plot.
_MOST_NAMES = 24


def statistics(found: RecordingDescription) -> dict[str, Any]:
    """The plain dict that ``DatasetDescription.statistics`` describes."""
    parts = {part: list(samples) for part, samples in found.samples.items()}
    made: dict[str, Any] = {
        "noun": list(RECORDING),
        "parts": {p: {"images": len(s), "groups": len({r.group for r in s})} for p, s in parts.items()},
        "classes": list(found.class_names),
        "class_images": {
            p: [sum(k in r.classes for r in s) for k in range(len(found.class_names))]
            for p, s in parts.items()
        },
        "histograms": {},
    }
    for key, label, unit in (
        ("seconds", "Length", "s"),
        ("rate", "Sampling rate", "Hz"),
        ("speed", "Speed", "rev/min"),
    ):
        values = {p: np.asarray([getattr(r, key) for r in s], dtype=float) for p, s in parts.items()}
        values = {p: v[np.isfinite(v) & (v > 0)] for p, v in values.items()}
        if histogram := _histogram(values):
            made["histograms"][key] = {"label": label, "unit": unit, "scale": "linear", **histogram}
    for key, label in (
        ("load", "Load"),
        ("bearing", "Bearing"),
        ("machine", "Machine"),
        ("severity", "Fault size"),
    ):
        words = {p: [str(getattr(r, key)) for r in s if getattr(r, key)] for p, s in parts.items()}
        names = sorted({word for found_here in words.values() for word in found_here}, key=_natural)
        if 1 < len(names) <= _MOST_NAMES:
            counts = {p: [w.count(name) for name in names] for p, w in words.items()}
            made["histograms"][key] = {"label": label, "unit": "", "names": names, "counts": counts}
    return made


def _histogram(values: dict[Any, np.ndarray]) -> dict[str, Any]:
    """Counts of each value where there are few different ones, else of ranges; empty without values."""
    every = np.concatenate(list(values.values()))
    if not len(every):
        return {}
    different = np.unique(every)
    names = [f"{one:,.4g}" if one < 1000 else f"{one:,.0f}" for one in different[:_FEW_VALUES]]
    if len(different) <= _FEW_VALUES and len(set(names)) == len(names):
        counts = {p: [int((v == one).sum()) for one in different] for p, v in values.items()}
        return {"names": names, "counts": counts}
    edges = np.histogram_bin_edges(every, min(20, len(every)))
    return {
        "edges": edges.tolist(),
        "counts": {p: np.histogram(v, edges)[0].tolist() for p, v in values.items()},
    }


def _natural(word: str) -> tuple[bool, float, str]:
    """Numbers by their size, before words."""
    try:
        return False, float(word), word
    except ValueError:
        return True, 0.0, word

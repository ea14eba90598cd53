"""Recordings of journal bearings: the Sommerfeld number of each, with the convention it was computed in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from src.core.dataset.findings import Finding, counted, named
from src.tasks.bearing.geometry import SOMMERFELD_CONVENTION, JournalBearing
from src.tasks.bearing.recordings import RECORDING, Recording
from src.tasks.bearing.shapes import geometry

if TYPE_CHECKING:
    from src.tasks.bearing.config import GeometryConfig


def sommerfeld_numbers(recordings: Sequence[Recording], options: GeometryConfig) -> dict[str, float]:
    """The number of each recording at its own mean speed, by its id; those whose speed is not known are left out.

    Empty where the bearing is no journal bearing, or viscosity or load are not given.
    """
    if options.kind != "journal" or not (options.viscosity_pa_s and options.load_newton):
        return {}
    try:
        bearing = geometry(options)
    except ValueError:  # `description.check` says what is wrong with the measures
        return {}
    if not isinstance(bearing, JournalBearing):
        return {}
    return {
        r.id: bearing.sommerfeld(options.viscosity_pa_s, r.speed, options.load_newton).value
        for r in recordings if r.speed > 0
    }  # fmt: skip


def journal_statistics(recordings: Sequence[Recording], options: GeometryConfig) -> dict[str, Any]:
    """What a description keeps: ``sommerfeld`` with the values by recording and their convention; else nothing."""
    values = sommerfeld_numbers(recordings, options)
    return {"sommerfeld": {"convention": SOMMERFELD_CONVENTION, "values": values}} if values else {}


def journal_findings(recordings: Sequence[Recording], options: GeometryConfig) -> list[Finding]:
    """The range of the numbers, or what is missing for them."""
    if options.kind != "journal":
        return []
    values = sommerfeld_numbers(recordings, options)
    if not values:
        text = "The Sommerfeld number of this journal bearing is not known: it needs its measures, viscosity, load and speed."
        cure = "Give them under Bearing; learning works without."
        return [Finding("notice", "journal.unknown", text, cure, ("data.bearing",))]
    low, high = min(values.values()), max(values.values())
    text = f"Sommerfeld number of {counted(len(values), *RECORDING)}: {low:.4g}" + (
        f" to {high:.4g}" if high > low else ""
    )
    return [Finding("notice", "journal.sommerfeld", f"{text} ({SOMMERFELD_CONVENTION}).", "", named(values))]

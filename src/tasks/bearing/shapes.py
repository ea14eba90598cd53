"""The bearing that options and recordings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from src.tasks.bearing.geometry import BEARINGS, JournalBearing, RollingBearing, known_bearing

if TYPE_CHECKING:
    from src.tasks.bearing.config import GeometryConfig


def geometry(options: GeometryConfig, found: str = "") -> RollingBearing | JournalBearing | None:
    """The bearing of the options, or the one that the recordings name; ``None`` where neither is known.

    Args:
        options: ``data.bearing``.
        found: ``RecordingDescription.bearing_model``.

    Raises ValueError, saying what to correct, for measures that no bearing can have and for a designation that is not in
    the table.
    """
    if options.kind == "journal":
        return JournalBearing(options.radius_mm, options.clearance_mm, options.length_mm)
    if options.kind == "rolling":
        if options.model:
            return known_bearing(options.model)
        return RollingBearing(
            options.balls, options.ball_diameter_mm, options.pitch_diameter_mm, options.contact_angle_deg
        )
    return BEARINGS.get(found)


def rolling(bearing: RollingBearing | JournalBearing | None) -> RollingBearing | None:
    """The same where it has fault frequencies."""
    return bearing if isinstance(bearing, RollingBearing) else None

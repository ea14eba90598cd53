"""Numbers, times and names as people read them: those of the report, and what only windows show."""

from __future__ import annotations

import datetime as dt
import re

from src.core.report.text import DASH, count, duration, is_number, metric_title, number

__all__ = ["count", "duration", "is_number", "metric_title", "moment", "number", "run_title", "singular"]

#: Units of options whose singular is another word.
_ONE = {"epochs": "epoch", "images": "image", "batches": "batch", "minutes": "minute"}


def singular(unit: str) -> str:
    """The unit of one: ``epochs`` becomes ``epoch``, ``px`` stays."""
    return _ONE.get(unit, unit)


def moment(unix: float, now: float | None = None) -> str:
    """A time of day for today, a date before that."""
    if not unix:
        return DASH
    when = dt.datetime.fromtimestamp(unix)
    today = dt.datetime.fromtimestamp(now).date() if now else dt.date.today()
    if when.date() == today:
        return f"today {when:%H:%M}"
    if when.date() == today - dt.timedelta(days=1):
        return f"yesterday {when:%H:%M}"
    return f"{when.day} {when:%b %H:%M}" if when.year == today.year else f"{when.day} {when:%b %Y}"


def run_title(name: str) -> str:
    """``2026-05-01_tiles_unet-resnet18_2`` as ``tiles · unet-resnet18 · 2``; other names as they are."""
    match = re.fullmatch(r"\d{4}-\d\d-\d\d_([^_]+)_([^_]+)_(\d+)", name)
    return f"{match[1]} · {match[2]} · {match[3]}" if match else name

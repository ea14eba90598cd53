"""Numbers and times as people read them."""

from __future__ import annotations

import datetime as dt
import math
import re


def duration(seconds: float | None) -> str:
    """``42 s``, ``3 min 10 s``, ``2 h 05 min``, ``3 d 4 h``; a dash where it is unknown."""
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        return "–"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def number(value: object, digits: int = 4) -> str:
    """A measured value: four significant digits, a dash for what was not a number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    if value and (abs(value) < 1e-3 or abs(value) >= 1e5):
        return f"{value:.{digits - 2}e}"
    return f"{value:.{digits}g}" if abs(value) >= 1 else f"{value:.{digits}f}"


def moment(unix: float, now: float | None = None) -> str:
    """A time of day for today, a date before that."""
    if not unix:
        return "–"
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


def metric_title(key: str) -> str:
    """The name of a metric for people: known short names, otherwise its key in words."""
    known = {
        "iou": "IoU",
        "dice": "Dice",
        "f1": "F1",
        "accuracy": "Pixel accuracy",
        "precision": "Precision",
        "recall": "Recall",
        "loss": "Loss",
    }
    if key in known:
        return known[key]
    head, _, rest = key.partition("_")
    words = {"mean": "mean over images", "std": "deviation over images", "macro": "mean over classes"}
    if head in known and rest:
        return f"{known[head]}, {words.get(rest, rest.replace('_', ' '))}"
    return key.replace("_", " ").replace(".", " ").capitalize()


def count(number_of: int, one: str, many: str = "") -> str:
    """``1 image``, ``1,204 images``."""
    return f"{number_of:,} {one if number_of == 1 else many or one + 's'}"

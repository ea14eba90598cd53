"""Numbers, times, names and commands as people read them, in reports and in windows."""

from __future__ import annotations

import math
import os
import shlex
import subprocess
from typing import Any, TypeGuard

_METRICS = {
    "iou": "IoU",
    "dice": "Dice",
    "f1": "F1",
    "auroc": "AUROC",
    "accuracy": "Pixel accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "loss": "Loss",
    "train_loss": "Training loss",
    "val_loss": "Validation loss",
}
_OVER = {"mean": "mean over images", "std": "deviation over images", "macro": "mean over classes"}
DASH = "–"


def is_number(value: object) -> TypeGuard[float]:
    """A finite number; truth values are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def number(value: Any, digits: int = 4) -> str:
    """A measured value with ``digits`` significant digits; a dash where there is none."""
    if not is_number(value):
        return DASH
    if isinstance(value, int):
        return f"{value:,}"
    if value and (abs(value) < 1e-3 or abs(value) >= 1e6):
        return f"{value:.{digits - 1}g}".replace("e-0", "e-").replace("e+0", "e")
    return (
        f"{value:,.{digits}f}"
        if abs(value) < 1
        else f"{value:,.{max(0, digits - len(str(int(abs(value)))))}f}"
    )


def percent(share: Any) -> str:
    """A share between 0 and 1: ``12.3 %``, ``0.034 %``; two significant digits below one per cent."""
    if not is_number(share):
        return DASH
    hundred = 100 * share
    return f"{hundred:.1f} %" if hundred >= 1 or not hundred else f"{hundred:.2g} %"


def duration(seconds: Any) -> str:
    """``8.4 s``, ``42 s``, ``3 min 10 s``, ``2 h 05 min``, ``3 d 4 h``; a dash where it is unknown. A short time
    that is given as an int is written without tenths.
    """
    if not is_number(seconds) or seconds < 0:
        return DASH
    whole = round(seconds)
    if seconds < 9.95 and not isinstance(seconds, int):
        return f"{seconds:.1f} s"
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def count(many: int, one: str, plural: str = "") -> str:
    """``1 epoch``, ``1,204 epochs``."""
    return f"{many:,} {one if many == 1 else plural or one + 's'}"


def metric_title(key: str) -> str:
    """The name of a metric for people: known short names, otherwise its key in words."""
    head, _, rest = key.partition("_")
    if key in _METRICS:
        return _METRICS[key]
    if head in _METRICS and rest:
        return f"{_METRICS[head]}, {_OVER.get(rest, rest.replace('_', ' '))}"
    return key.replace("_", " ").replace(".", " ").capitalize()


def plain(value: Any) -> str:
    """A configuration value as it would be written in YAML."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(plain(item) for item in value) or "(empty)"
    return str(value) if str(value) else "(empty)"


def typed(*words: object) -> str:
    """``app.py train 'my data/lathe.yaml'``: the words after ``app.py``, quoted as the shells of this system have it."""
    plain = ["app.py", *(str(word) for word in words)]
    return subprocess.list2cmdline(plain) if os.name == "nt" else shlex.join(plain)

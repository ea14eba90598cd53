"""Units beside numbers: in a value (``25.6 kHz``), in a name (``speed_rpm``, ``fs [kHz]``), behind a field of a name (``35Hz``)."""

from __future__ import annotations

import math
import re
from typing import Final

#: Hz of one unit of a sampling rate.
RATES: Final = {"hz": 1.0, "khz": 1e3, "mhz": 1e6, "1/s": 1.0, "s/s": 1.0, "sps": 1.0, "ks/s": 1e3, "k": 1e3}
#: rev/min of one unit of a speed.
SPEEDS: Final = {
    "rpm": 1.0, "rev/min": 1.0, "r/min": 1.0, "1/min": 1.0, "min-1": 1.0, "u/min": 1.0, "upm": 1.0,
    "hz": 60.0, "rps": 60.0, "rev/s": 60.0, "r/s": 60.0, "1/s": 60.0, "rad/s": 30.0 / math.pi,
}  # fmt: skip
#: Seconds of one unit of a sampling interval.
TIMES: Final = {"s": 1.0, "sec": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}

_ALL = "|".join(sorted(map(re.escape, {*RATES, *SPEEDS, *TIMES}), key=len, reverse=True))
_IN_NAME = re.compile(rf"^(.*[A-Za-z)])[\s_(\[]+({_ALL})[)\]\s]*$", re.IGNORECASE)
_GLUED = re.compile(r"^(.*[a-z])(khz|hz|rpm)$", re.IGNORECASE)
_BEHIND = re.compile(rf"[\s_(\[]?({_ALL})(?![a-z])", re.IGNORECASE)


def named_unit(name: str) -> tuple[str, str]:
    """A name without its unit, and the unit in small letters: ``shaft_speed [Hz]`` is ``shaft_speed`` and ``hz``."""
    match = _IN_NAME.match(name.strip()) or _GLUED.match(name.strip())
    return (match[1], match[2].lower()) if match else (name, "")


def unit_behind(text: str) -> str:
    """The unit with which a text goes on, in small letters: ``Hz12kN/1.csv`` is ``hz``; empty where there is none."""
    match = _BEHIND.match(text)
    return match[1].lower() if match else ""


def unit_of(text: str) -> str:
    """The unit behind the first number of a value such as ``1480 1/min``; empty where there is none."""
    number = re.search(r"\d(?:[\d.,]*\d)?(?:e[-+]?\d+)?", text, re.IGNORECASE)
    return unit_behind(text[number.end() :]) if number else ""

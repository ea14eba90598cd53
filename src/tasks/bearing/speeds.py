"""Speed over time: from a channel of the speed, from the pulses of a tachometer, or from a beginning and an end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from src.core.dataset.findings import Finding, counted, named, setting
from src.tasks.bearing.files import read_channel
from src.tasks.bearing.found import Known, look_up, speed_factor
from src.tasks.bearing.naming import matching, number
from src.tasks.bearing.recordings import RECORDING, Course, Recording, mean_speed

if TYPE_CHECKING:
    from src.tasks.bearing.config import SignalDataConfig

#: Points of a course at most: an hour is then known every 14 s, and ten seconds every 40 ms.
_POINTS = 256
#: A speed that varies less than this share of it does not vary.
_STEADY = 1e-3
_PIECE = 1_000_000
#: rev/min below which a speed without a unit may well be one in rev/s.
_SLOW = 150.0


def course_of(known: Known, config: SignalDataConfig, seconds: float) -> tuple[Course, float]:
    """The speed of a recording over its length and its mean in rev/min.

    The first is empty where the speed is not known to vary, see ``Recording.course``; the second is 0 where nothing of
    this kind is known, and `found.speed_of` says what is.

    Args:
        known: The file.
        config: ``data``.
        seconds: Length of the signal; NaN where the rate is not known.

    Raises:
        UnreadableSignalError, OSError: The file cannot be read.
    """
    facts = config.facts
    if facts.speed_rpm:
        return (), 0.0
    factor = speed_factor(known, config)
    if facts.tachometer:
        name = next((n for n in known.contents.channels if matching(n, facts.tachometer)), "")
        if name and seconds > 0:
            return _judged(_of_pulses(known, name, seconds, facts.pulses))
        return (), 0.0
    name = known.names.get("speed", "")
    if known.origin.get("speed") == "file" and name in known.contents.channels:
        return _judged([(place, factor * speed) for place, speed in _of_channel(known, name)])
    if facts.speed_end and (first := number(known.facts.get("speed"))) > 0:
        last = number(look_up(known, facts.speed_end).text)
        return _judged([(0.0, factor * first), (1.0, factor * last)]) if last > 0 else ((), 0.0)
    return (), 0.0


def _of_channel(known: Known, name: str) -> list[tuple[float, float]]:
    """Means of equal parts of a channel, at their middles."""
    length = known.contents.channels[name]
    edges = np.linspace(0, length, min(_POINTS, length) + 1).astype(np.int64)
    found = []
    for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        values = read_channel(known.source.path, name, first, min(last, first + _PIECE))
        good = values[np.isfinite(values)]
        if len(good):
            found.append(((first + last) / 2 / length, float(np.mean(good, dtype=np.float64))))
    return found


def _of_pulses(known: Known, name: str, seconds: float, a_turn: int) -> list[tuple[float, float]]:
    """rev/min between rising edges, over whole turns: one of a mark once a turn, or of so many lines of an encoder."""
    length = known.contents.channels[name]
    edges = _rising(known, name, length)
    # over whole turns, so that lines of unequal distances do not look like a speed that changes
    turns = max(1, -(-(len(edges) - 1) // a_turn // _POINTS))
    taken = edges[:: turns * a_turn].astype(np.float64)
    if len(taken) < 2:
        return []
    duration = np.diff(taken) * (seconds / length)
    return list(
        zip(((taken[1:] + taken[:-1]) / 2 / length).tolist(), (60.0 * turns / duration).tolist(), strict=True)
    )


def _rising(known: Known, name: str, length: int) -> np.ndarray:
    """Samples at which pulses begin, int64: above three quarters of the range after having been below a quarter."""
    first = read_channel(known.source.path, name, 0, min(length, _PIECE))
    good = first[np.isfinite(first)]
    if not len(good):
        return np.zeros(0, np.int64)
    bottom, top = float(good.min()), float(good.max())
    if not top > bottom:
        return np.zeros(0, np.int64)
    low, high = bottom + (top - bottom) / 4, top - (top - bottom) / 4
    found, was = [], 0
    for start in range(0, length, _PIECE):
        values = read_channel(known.source.path, name, start, min(length, start + _PIECE))
        state = np.where(values > high, 1, np.where(values < low, -1, 0))
        places = np.flatnonzero(state)
        if not len(places):
            continue
        signs = state[places]
        before = np.concatenate([[was], signs[:-1]])
        found.append(start + places[(signs == 1) & (before == -1)])
        was = int(signs[-1])
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def _judged(course: Sequence[tuple[float, float]]) -> tuple[Course, float]:
    """The course where the speed varies, and its mean; nothing where the shaft stands still or turns backwards somewhere."""
    speeds = np.asarray([speed for _, speed in course])
    if not len(speeds) or not np.isfinite(speeds).all() or speeds.min() <= 0:
        return (), 0.0
    kept = tuple((round(place, 6), round(speed, 4)) for place, speed in course)
    mean = mean_speed(kept, 0.0, 1.0)
    return (kept if np.ptp(speeds) > _STEADY * mean else ()), round(mean, 4)


def speed_findings(
    recordings: Sequence[Recording], config: SignalDataConfig, files: Sequence[Known] = ()
) -> list[Finding]:
    """What is known of speeds that vary, speeds that may be in rev/s, and recordings without the pulses that were asked for."""
    found = []
    slow = [r for r in recordings if 0 < r.speed < _SLOW]
    plain = config.facts.speed_unit == "auto" and not any(k.units.get("speed") for k in files)
    if (
        slow
        and len(slow) == sum(r.speed > 0 for r in recordings)
        and plain
        and not config.facts.speed_rpm
        and files
    ):
        low, high = min(r.speed for r in slow), max(r.speed for r in slow)
        span = f"is {low:.4g}" if low == high else f"lies between {low:.4g} and {high:.4g}"
        text = f"The speed {span}, and was read as rev/min because no unit stands beside it. Is it in rev/s?"
        actions = tuple(setting(label, data__facts__speed_unit=unit)
                        for unit, label in (("hz", "It is in rev/s"), ("rpm", "It is in rev/min")))  # fmt: skip
        cure = "Set data.facts.speed_unit=hz if it is, data.facts.speed_unit=rpm if not."
        found.append(Finding("warning", "speed.unit", text, cure, named(r.id for r in slow), actions))
    varying = [r for r in recordings if r.course]
    if varying:
        low = min(speed for r in varying for _, speed in r.course)
        high = max(speed for r in varying for _, speed in r.course)
        text = (f"The speed varies in {counted(len(varying), *RECORDING)}, from {low:.4g} to {high:.4g} rev/min. Each window "
                "is looked at with the mean speed over it.")  # fmt: skip
        found.append(Finding("notice", "speed.varies", text, "", named(r.id for r in varying)))
    silent = [r.id for r in recordings if config.facts.tachometer and not r.course and not r.speed > 0]
    if silent:
        text = f"No pulses were found for {counted(len(silent), *RECORDING)} in “{config.facts.tachometer}”."
        cure = "Correct data.facts.tachometer, or give the speed."
        found.append(Finding("warning", "speed.no_pulses", text, cure, named(silent)))
    return found

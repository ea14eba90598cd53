"""The sampling rate of a channel: what stands nearest to it, or the times of its samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from src.tasks.bearing.files import read_channel
from src.tasks.bearing.files.facts import split_column
from src.tasks.bearing.files.times import is_time, rate_of, whole
from src.tasks.bearing.looks import kind_of
from src.tasks.bearing.naming import number, unit_in, usual
from src.tasks.bearing.units import RATES, TIMES, unit_of

if TYPE_CHECKING:
    from src.tasks.bearing.config import SignalDataConfig
    from src.tasks.bearing.found import Known

_FIRST, _TRIED = 4096, 24
#: Hz; times in other units than seconds give rates beyond these.
_LOWEST, _HIGHEST = 100.0, 1e7


def channel_rate(known: Known, config: SignalDataConfig, channel: str) -> float:
    """Sampling rate of a channel in Hz; 0 where it is not known.

    What options, names and table say comes first, then what the file says of this very channel or of the nearest group
    around it (another channel's rate is never taken), then times that are as many as the samples.

    Raises:
        UnreadableSignalError, OSError: The file cannot be read.
    """
    if config.facts.rate_hz:
        return config.facts.rate_hz
    if not config.facts.rate and known.origin.get("rate") == "file" and known.names.get("rate"):
        return _nearest(known, channel) or _of_times(known, channel)
    if "rate" in known.facts or config.facts.rate:
        return max(0.0, RATES.get(known.units.get("rate", ""), 1.0) * number(known.facts.get("rate")))
    return _of_times(known, channel)


def rate_of_interval(name: str, value: float | str) -> float:
    """Hz of a time between two samples, in seconds unless name or value states another unit; 0 where it is none."""
    step = number(value) * TIMES.get(unit_in(name) or unit_of(str(value)), 1.0)
    return whole(1 / step) if step > 0 else 0.0


def _nearest(known: Known, channel: str) -> float:
    values, place = known.contents.values, split_column(channel)[0]
    while True:
        if rate := _stated(known, [n for n in values if n.rpartition(".")[0] == place]):
            return rate
        if not place:
            break
        place = place.rpartition(".")[0]
    # a group of settings, in which no channel lies, speaks for all
    channels = tuple(known.contents.channels)
    return _stated(known, [n for n in values if not any(_lies_in(c, n.rpartition(".")[0]) for c in channels)])


def _stated(known: Known, names: list[str]) -> float:
    if name := usual("rate", names):
        value = known.contents.values[name]
        known.names["rate"] = name
        return max(0.0, RATES.get(unit_in(name) or unit_of(str(value)), 1.0) * number(value))
    if name := usual("interval", names):
        known.names["rate"] = name
        return rate_of_interval(name, known.contents.values[name])
    return 0.0


def _lies_in(channel: str, group: str) -> bool:
    return channel == group or channel.startswith((f"{group}.", f"{group}["))


def _of_times(known: Known, channel: str) -> float:
    length = known.contents.channels.get(channel, 0)
    same = [n for n, samples in known.contents.channels.items() if samples == length and n != channel]
    for name in sorted(same, key=lambda n: not is_time(n.rpartition(".")[2]))[:_TRIED]:
        values = read_channel(known.source.path, name, 0, min(length, _FIRST))
        rate = rate_of(values, name.rpartition(".")[2]) if kind_of(values) == "rising" else 0.0
        if _LOWEST <= rate <= _HIGHEST:
            known.names["rate"] = name
            return rate
    return 0.0

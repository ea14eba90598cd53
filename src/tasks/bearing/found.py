"""What is known of each recording: its channel and its facts, from names, table, variables and published lists."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from src.tasks.bearing.files import FileFacts, UnreadableSignalError, read_channel
from src.tasks.bearing.files.times import is_time
from src.tasks.bearing.known import cwru_facts
from src.tasks.bearing.looks import kind_in
from src.tasks.bearing.naming import (
    FACTS,
    NamePattern,
    folder_of,
    matching,
    number,
    plain,
    unit_in,
    usual,
)
from src.tasks.bearing.rates import rate_of_interval
from src.tasks.bearing.sources import SourceFile
from src.tasks.bearing.units import SPEEDS, unit_of

if TYPE_CHECKING:
    from src.tasks.bearing.config import SignalDataConfig

#: Words in the name of a channel that make it likely to be the vibration near the bearing, the likeliest first.
_LIKELY = ("de_time", "vib", "acc", "horiz", "vert", "signal", "data", "channel", "ch", "x", "y")
_LEAST = 64
#: A channel is chosen only among those that are at least this share of the longest.
_LONG = 0.5
#: So many channels are tried, in so many files each, before one is taken that is no vibration by its values.
_TRIED, _LOOKS = 24, 3
_MOST_SHAFT_HZ = 500.0
_RPM = re.compile(r"(?<![\d.])(\d+(?:[.,]\d+)?)[ _-]?(?:rpm|u_?min|upm)(?![a-z])", re.IGNORECASE)
#: ``25.6kHz``, and ``48k`` of two digits: ``2k`` may be anything.
_KHZ = re.compile(
    r"(?<![A-Za-z\d.])(\d+(?:[.,]\d+)?)(?:[ _]?k(?:hz|sps)|(?<=\d\d)k)(?![a-z\d])", re.IGNORECASE
)
_BEARING_FOLDER = re.compile(r"(?:bearing|brg|lager)[ _-]?\d", re.IGNORECASE)


@dataclass
class Known:
    """A file, or a part of one that is a recording of its own, with the facts that were found for it.

    Attributes:
        contents: Of the file, or of the part and what belongs to all parts.
        part: Dotted name of the part of the file; empty where the file is one recording.
        fields: All fields of the name and columns of the table.
        facts: Of `FACTS`, those that are known, as text.
        origin: Where each fact is from: ``name``, ``table``, ``file``, ``folder``, ``words`` (of the file's name)
            or ``published``.
        names: The field, column, variable or folder that holds each fact, where it has a name.
        units: Unit of each fact, where value or name states one; see ``units``.
    """

    source: SourceFile
    contents: FileFacts
    part: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    origin: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Of the recording: that of the file, with the part behind it."""
        return f"{self.source.id}/{self.part.replace('.', '/')}" if self.part else self.source.id


class Fact(NamedTuple):
    """A fact as text; see `Known` for the rest. All are empty where it was not found."""

    text: str = ""
    origin: str = ""
    name: str = ""
    unit: str = ""


def canonical(name: str) -> str:
    """A channel's name with ``*`` for each run of digits, which recordings of one rig often count in."""
    return re.sub(r"\d+", "*", name)


def shared_name(known: Known, name: str) -> str:
    """A name of a file with ``*`` for what is the file's own in it: the part, or the file's name."""
    if known.part and name.startswith(known.part):
        return f"*{name.removeprefix(known.part)}"
    stem = PurePosixPath(known.source.id).stem
    return name.replace(stem, "*") if len(stem) > 3 else name


def ranked_channels(files: Sequence[Known]) -> list[str]:
    """The channels of a set, as names or with ``*`` for what changes from file to file: those that most files have first.

    Of several the likeliest by its name; times and speeds last.
    """
    spread: Counter[str] = Counter()
    there = Counter(shared_name(known, name) for known in files for name in known.contents.channels)
    for known in files:
        long = max(known.contents.channels.values(), default=0)
        names = [
            shared_name(known, n)
            for n, length in known.contents.channels.items()
            if length >= _LONG * long and length >= _LEAST
        ]
        own = _own_numbers(known)
        short = Counter(map(canonical, names))
        for name in names:
            # of X098_DE_time and X099_DE_time in 99.mat only the second is this file's
            single = 2 * there[name] <= len(files) and (short[canonical(name)] == 1 or own & _numbers(name))
            spread[canonical(name) if single else name] += 1

    def rank(name: str) -> tuple[bool, int, int, str]:
        low = name.lower()
        words = next((k for k, word in enumerate(_LIKELY) if word in low), len(_LIKELY))
        other = bool(usual("speed", [name])) or is_time(_leaf(name))
        return other, -spread[name], words, low

    return sorted(spread, key=rank)


def _leaf(name: str) -> str:
    return name.rpartition(".")[2]


def usual_channel(files: Sequence[Known]) -> str:
    """The first of the `ranked_channels` that may be a vibration by its values; else the first."""
    ranked = ranked_channels(files)
    return next((name for name in ranked[:_TRIED] if not is_other(name, files)), ranked[0] if ranked else "")


def is_other(name: str, files: Sequence[Known]) -> bool:
    """Whether a channel is by its values none of a vibration, in the first files that have it."""
    having = ((known, channel) for known in files for channel in channels_of(known, name))
    looks = [kind_in(k.source.path, c, k.contents.channels[c]) for k, c in islice(having, _LOOKS)]
    return bool(looks) and all(looks)


def _numbers(text: str) -> set[int]:
    """Numbers of two digits or more: smaller ones count channels."""
    return {int(digits) for digits in re.findall(r"\d{2,}", text)}


def _own_numbers(known: Known) -> set[int]:
    """Numbers that tell which of the variables of a file are its own: those of its name, or of the only speed in it."""
    every = {number for name in known.contents.channels for number in _numbers(shared_name(known, name))}
    own = _numbers(known.source.id.rpartition("/")[2]) & every
    single = [_numbers(name) for name in known.contents.values if usual("speed", [name])]
    return single[0] if len(single) == 1 and single[0] and single[0] <= every else own


def channels_of(known: Known, wanted: str) -> list[str]:
    """The channels of a file that a wish names; one for each of its parts (parts stand between commas)."""
    found: list[str] = []
    for part in wanted.split(","):
        names = [name for name in known.contents.channels if matching(name, part)]
        if len(names) > 1 and part.strip() not in names:
            # Some files hold the recording before theirs, too: the number of their own decides.
            own = _own_numbers(known)
            names = [n for n in names if own & _numbers(shared_name(known, n))] or names
            names = names if "*" in part and canonical(names[0]) != canonical(names[-1]) else names[:1]
        elif part.strip() in names:
            names = [part.strip()]
        found += [name for name in names if name not in found]
    return found


def collect_facts(known: Known, config: SignalDataConfig, pattern: NamePattern | None) -> None:
    """Fill in the fields and facts of a file. Labels from folders and file names follow in ``labels``."""
    read = pattern.read(known.id) if pattern else None
    known.fields = {**known.source.columns, **(read or {})}
    published = cwru_facts(known.source.id, [*known.contents.channels, *known.contents.values])
    for fact in FACTS:
        wanted = getattr(config.facts, fact)
        found = look_up(known, wanted) if wanted else _usual(known, fact, read or {}, published)
        if not found.text:
            continue
        known.facts[fact], known.origin[fact] = found.text, found.origin
        unit = found.unit or unit_of(found.text)
        if not unit and pattern and found.origin == "name":
            unit = pattern.unit(known.id, found.name)
        if found.name:
            known.names[fact] = found.name
        if unit:
            known.units[fact] = unit
    if "rate" not in known.facts and not config.facts.rate:
        _rate_of_steps(known)


def _rate_of_steps(known: Known) -> None:
    """The sampling rate from the times of the samples, or from the time between two."""
    if known.contents.rate:
        known.facts["rate"], known.origin["rate"] = repr(known.contents.rate), "file"
        return
    name = usual("interval", known.contents.values)
    if name and (rate := rate_of_interval(name, known.contents.values[name])):
        known.facts["rate"], known.origin["rate"], known.names["rate"] = repr(rate), "file", name


def look_up(known: Known, name: str) -> Fact:
    """What a file's fields, columns and variables say under a name, and where that is from; see ``Known.origin``."""
    if name.lower() == "folder":
        return Fact(folder_of(known.id), "folder")
    if known.fields.get(name):
        return Fact(
            known.fields[name], "table" if name in known.source.columns else "name", name, unit_in(name)
        )
    return _variable(known, lambda other: matching(other, name))


def _usual(known: Known, fact: str, read: dict[str, str], published: dict[str, str]) -> Fact:
    """The name decides before the table, then the file, then what is published, then words in names of files and folders."""
    for fields, origin in ((read, "name"), (known.source.columns, "table")):
        field_name = fact if fields.get(fact) else usual(fact, fields)
        if field_name and fields[field_name]:
            return Fact(fields[field_name], origin, field_name, unit_in(field_name))
    names = [*known.contents.values, *(known.contents.channels if fact == "speed" else ())]
    if name := usual(fact, names):
        return _variable(known, lambda other: other == name)
    if published.get(fact):
        return Fact(published[fact], "published")
    if fact == "speed":
        return _shaft_rate(known) or _in_name(known.id, _RPM, "rpm")
    if fact == "rate" and not known.contents.rate and not usual("interval", known.contents.values):
        return _in_name(known.id, _KHZ, "khz")
    if fact == "bearing":
        folders = PurePosixPath(known.id).parts[:-1]
        return next((Fact(f, "folder", f) for f in reversed(folders) if _BEARING_FOLDER.match(f)), Fact())
    return Fact()


def _shaft_rate(known: Known) -> Fact | None:
    """A field ``rate`` beside one of the sampling rate is that of the shaft, in rev/s, where it is as low as one."""
    sampling = usual("rate", known.contents.values)
    name = next((n for n in known.contents.values if plain(_leaf(n)) == "rate" and n != sampling), "")
    if not name or number(known.contents.values[sampling]) < 1000:
        return None
    found = _variable(known, lambda other: other == name)
    return found._replace(unit="hz") if 0 < number(found.text) <= _MOST_SHAFT_HZ else None


def _in_name(sample_id: str, pattern: re.Pattern[str], unit: str) -> Fact:
    """A number with its unit in the path of a file, where there is only one."""
    found = {match[1] for match in pattern.finditer(sample_id)}
    return Fact(found.pop(), "words", "", unit) if len(found) == 1 else Fact()


def _variable(known: Known, fits: Callable[[str], bool]) -> Fact:
    """A value of the file; of a channel, such as a speed over time, its mean."""
    for name, value in known.contents.values.items():
        if fits(name):
            return Fact(value if isinstance(value, str) else f"{value:.10g}", "file", name, unit_in(name))
    for name, length in known.contents.channels.items():
        if fits(name):
            try:
                values = read_channel(known.source.path, name, 0, min(length, 2_000_000))
            except (UnreadableSignalError, OSError):
                return Fact()
            good = values[np.isfinite(values)]
            mean = f"{float(np.mean(good, dtype=np.float64)):.10g}" if len(good) else ""
            return Fact(mean, "file", name, unit_in(name))
    return Fact()


def speed_factor(known: Known, config: SignalDataConfig) -> float:
    """rev/min for one of the unit in which a file states its speed."""
    if known.origin.get("speed") == "published":
        return 1.0
    unit = config.facts.speed_unit
    return SPEEDS.get(known.units.get("speed", "") if unit == "auto" else unit, 1.0)


def speed_of(known: Known, config: SignalDataConfig) -> float:
    """Of the shaft in rev/min; 0 where it is not known."""
    return config.facts.speed_rpm or max(0.0, speed_factor(known, config) * number(known.facts.get("speed")))

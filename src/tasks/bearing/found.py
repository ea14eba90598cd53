"""What is known of each recording: its channel and its facts, from names, table, variables and published lists."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from src.core.dataset.findings import Finding, counted, listed, named, setting
from src.tasks.bearing.files import FileFacts, UnreadableSignalError, read_channel
from src.tasks.bearing.known import cwru_facts
from src.tasks.bearing.naming import (
    FACTS,
    NamePattern,
    fault_in_name,
    fault_of,
    folder_of,
    matching,
    number,
    usual,
)
from src.tasks.bearing.sources import SourceFile

if TYPE_CHECKING:
    from src.tasks.bearing.config import SignalDataConfig

#: Words in the name of a channel that make it likely to be the vibration near the bearing, the likeliest first.
_LIKELY = ("de_time", "vib", "acc", "horiz", "vert", "signal", "data", "channel", "ch", "x", "y")
_LEAST = 64
#: A channel is chosen only among those that are at least this share of the longest.
_LONG = 0.5


@dataclass
class Known:
    """A file whose contents are known, with the facts that were found for it.

    Attributes:
        fields: All fields of the name and columns of the table.
        facts: Of `FACTS`, those that are known, as text.
        origin: Where each fact is from: ``name``, ``table``, ``file``, ``folder``, ``words`` (of the file's name)
            or ``published``.
    """

    source: SourceFile
    contents: FileFacts
    fields: dict[str, str] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    origin: dict[str, str] = field(default_factory=dict)


def canonical(name: str) -> str:
    """A channel's name with ``*`` for each run of digits, which recordings of one rig often count in."""
    return re.sub(r"\d+", "*", name)


def usual_channel(files: Sequence[Known]) -> str:
    """The channel that most files have, as a name or with ``*``; of several the likeliest by its name."""
    spread: Counter[str] = Counter()
    for known in files:
        long = max(known.contents.channels.values(), default=0)
        names = [
            n for n, length in known.contents.channels.items() if length >= _LONG * long and length >= _LEAST
        ]
        short = Counter(map(canonical, names))
        spread.update({canonical(n) if short[canonical(n)] == 1 else n for n in names})

    def rank(name: str) -> tuple[int, int, str]:
        low = name.lower()
        words = next((k for k, word in enumerate(_LIKELY) if word in low), len(_LIKELY))
        return -spread[name], len(_LIKELY) if usual("speed", [name]) else words, low

    return min(spread, key=rank, default="")


def channels_of(known: Known, wanted: str) -> list[str]:
    """The channels of a file that a wish names; one for each of its parts (parts stand between commas)."""
    found: list[str] = []
    for part in wanted.split(","):
        names = [name for name in known.contents.channels if matching(name, part)]
        if len(names) > 1 and part.strip() not in names:
            # Some files hold the recording before theirs, too: the number in their own name decides.
            own = {int(n) for n in re.findall(r"\d+", known.source.id)}
            names = [n for n in names if own & {int(d) for d in re.findall(r"\d+", n)}] or names
            names = names if "*" in part and canonical(names[0]) != canonical(names[-1]) else names[:1]
        elif part.strip() in names:
            names = [part.strip()]
        found += [name for name in names if name not in found]
    return found


def collect_facts(known: Known, config: SignalDataConfig, pattern: NamePattern | None) -> None:
    """Fill in the fields and facts of a file."""
    read = pattern.read(known.source.id) if pattern else None
    known.fields = {**known.source.columns, **(read or {})}
    published = cwru_facts(known.source.id, known.contents.channels)
    for fact in FACTS:
        wanted = getattr(config.facts, fact)
        text, origin = look_up(known, wanted) if wanted else _usual(known, fact, read or {}, published)
        if text:
            known.facts[fact], known.origin[fact] = text, origin
    if "rate" not in known.facts and not config.facts.rate and known.contents.rate:
        known.facts["rate"], known.origin["rate"] = repr(known.contents.rate), "file"


def look_up(known: Known, name: str) -> tuple[str, str]:
    """What a file's fields, columns and variables say under a name, and where that is from; see ``Known.origin``."""
    if name.lower() == "folder":
        return folder_of(known.source.id), "folder"
    if known.fields.get(name):
        return known.fields[name], "table" if name in known.source.columns else "name"
    return _variable(known, lambda other: matching(other, name))


def _usual(known: Known, fact: str, read: dict[str, str], published: dict[str, str]) -> tuple[str, str]:
    """The name decides before the table, then the file, then what is published; a label may also be the folder's name."""
    if read.get(fact):
        return read[fact], "name"
    if (column := usual(fact, known.source.columns)) and known.source.columns[column]:
        return known.source.columns[column], "table"
    names = [*known.contents.values, *(known.contents.channels if fact == "speed" else ())]
    if name := usual(fact, names):
        return _variable(known, lambda other: other == name)
    if published.get(fact):
        return published[fact], "published"
    if fact != "label":
        return "", ""
    folder, word = folder_of(known.source.id), fault_in_name(known.source.id)
    return (word, "words") if word and not fault_of(folder) else (folder, "folder")


def _variable(known: Known, fits: Callable[[str], bool]) -> tuple[str, str]:
    """A value of the file; of a channel, such as a speed over time, its mean."""
    for name, value in known.contents.values.items():
        if fits(name):
            return (value if isinstance(value, str) else f"{value:.10g}"), "file"
    for name, length in known.contents.channels.items():
        if fits(name):
            try:
                values = read_channel(known.source.path, name, 0, min(length, 2_000_000))
            except (UnreadableSignalError, OSError):
                return "", ""
            good = values[np.isfinite(values)]
            return (f"{float(np.mean(good, dtype=np.float64)):.10g}" if len(good) else ""), "file"
    return "", ""


def speed_of(known: Known, config: SignalDataConfig) -> float:
    """Of the shaft in rev/min; 0 where it is not known."""
    if config.facts.speed_rpm:
        return config.facts.speed_rpm
    factor = 60.0 if config.facts.speed_unit == "hz" and known.origin.get("speed") != "published" else 1.0
    return max(0.0, factor * number(known.facts.get("speed")))


def rate_of(known: Known, config: SignalDataConfig) -> float:
    """Sampling rate in Hz; 0 where it is not known."""
    return config.facts.rate_hz or max(0.0, number(known.facts.get("rate")))


def name_findings(
    files: Sequence[Known], config: SignalDataConfig, pattern: NamePattern | None
) -> list[Finding]:
    """What the pattern does not fit, and what was taken from published lists."""
    findings = []
    if pattern is not None:
        misses = [k.source.id for k in files if pattern.read(k.source.id) is None]
        if misses:
            text = f"The name pattern does not fit {counted(len(misses), 'name')} of {len(files)}."
            findings.append(
                Finding("warning", "names.unmatched", text, "Correct data.name_pattern.", named(misses))
            )
    words = Counter(k.facts["label"] for k in files if k.origin.get("label") == "words")
    if words:
        shown = ", ".join(f"{label} in {count}" for label, count in sorted(words.items()))
        text = f"Labels were read from words in the names of the files: {shown}."
        findings.append(
            Finding("notice", "names.words", text, "Set data.name_pattern or data.facts.label for others.")
        )
    published = Counter(fact for k in files for fact, origin in k.origin.items() if origin == "published")
    if published:
        text = (f"These are recordings of Case Western Reserve University: {listed(sorted(published), 8)} of "
                f"{max(published.values())} of them are those that its bearing data centre publishes for their numbers.")  # fmt: skip
        cure = "Where they were renamed, give a table or a name pattern instead."
        findings.append(Finding("notice", "names.published", text, cure))
    return findings


def channel_findings(files: Sequence[Known], wanted: str, chosen: str) -> list[Finding]:
    """Which channel was chosen, and which files do not have it."""
    findings = []
    without = [k.source.id for k in files if not channels_of(k, chosen)]
    if without:
        there = sorted({canonical(n) for k in files for n in k.contents.channels})
        text = f"{counted(len(without), 'recording has', 'recordings have')} no channel “{chosen}”, and cannot be used."
        cure = f"Set data.channel to one of: {listed(there, 8)}."
        every = len(without) == len(files)
        findings.append(
            Finding("error" if every else "warning", "channel.missing", text, cure, named(without))
        )
    others = sorted({canonical(n) for k in files for n in k.contents.channels} - {canonical(chosen)})
    if not wanted and others and chosen:
        text = f"The channel “{chosen}” was chosen; the files also hold {listed(others, 6)}."
        actions = tuple(setting(f"Take {name}", data__channel=name) for name in others[:3])
        findings.append(
            Finding("notice", "channel.chosen", text, "Set data.channel for another one.", (), actions)
        )
    return findings

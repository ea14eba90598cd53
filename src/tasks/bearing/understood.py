"""What was understood of a set of recordings, fact by fact, and what can be said where something was not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from src.core.dataset.findings import Finding, counted, listed, named, setting
from src.tasks.bearing.found import Known, canonical, channels_of, is_other, ranked_channels, shared_name
from src.tasks.bearing.looks import kind_in
from src.tasks.bearing.naming import NamePattern, number, preview_pattern
from src.tasks.bearing.recordings import Recording
from src.tasks.bearing.units import SPEEDS

if TYPE_CHECKING:
    from src.tasks.bearing.config import SignalDataConfig

_TITLES = {"label": "label", "rate": "sampling rate", "speed": "speed", "load": "load", "bearing": "bearing",
           "machine": "machine", "severity": "fault size"}  # fmt: skip
_UNITS = {"rate": " Hz", "speed": " rev/min"}
_ORIGINS = {"name": "field “{}” of the names", "table": "column “{}” of the table", "file": "“{}” of the files",
            "folder": "folders", "words": "words in the names", "published": "published lists"}  # fmt: skip
_HZ = re.compile(r"(?<![\d.])\d+(?:\.\d+)?\s?Hz", re.IGNORECASE)
#: The first number of a name that may be a speed; more different ones than this are none.
_BARE = re.compile(r"(?<!\d)[1-9]\d{2,4}(?:\.\d+)?(?!\d)|\d{1,3}\.\d+(?!\d)")
_MOST_SPEEDS = 50
#: Values of files are shown where they may be a rate, or a speed.
_RATES, _SPEEDS = (100.0, 1e8), (0.1, 1e5)
_SHOWN = 6


def understood(
    files: Sequence[Known], recordings: Sequence[Recording], config: SignalDataConfig
) -> list[Finding]:
    """One notice: each fact with the place it is from, and its values."""
    sentences = []
    for fact, title in _TITLES.items():
        values = [getattr(r, fact) for r in recordings if getattr(r, fact)]
        if not values:
            continue
        given = {"rate": config.facts.rate_hz, "speed": config.facts.speed_rpm}.get(fact)
        places = "as given" if given else listed(_places(files, fact, config), 3)
        shown = _shown(values)
        missing = len(recordings) - len(values)
        some = f"; {missing} have none" if missing else ""
        sentences.append(f"{title} from {places} ({listed(shown, 4)}{_UNITS.get(fact, '')}{some})" if not given
                         else f"{title} as given ({shown[0]}{_UNITS[fact]})")  # fmt: skip
    if not sentences:
        return []
    text = "; ".join(sentences)
    cure = "Where that is wrong, data.name_pattern, data.table or data.facts say it otherwise."
    return [Finding("notice", "facts.understood", f"{text[0].upper()}{text[1:]}.", cure)]


def remarks(files: Sequence[Known]) -> list[Finding]:
    """What files hold that was not taken, such as windows that were cut already."""
    said: dict[str, list[str]] = {}
    for known in files:
        for remark in known.contents.remarks:
            said.setdefault(remark, []).append(known.id)
    return [
        Finding(
            "warning", "recordings.remark", f"{remark[:-1]} ({counted(len(ids), 'file')}).", "", named(ids)
        )
        for remark, ids in list(said.items())[:_SHOWN]
    ]


def _shown(values: Sequence[float | str]) -> list[str]:
    """Different values in their order, many numbers as their range."""
    different = sorted(set(values))
    texts = list(dict.fromkeys(f"{v:.5g}" if isinstance(v, float) else str(v) for v in different))
    return [f"{texts[0]} to {texts[-1]}"] if len(texts) > 4 and isinstance(different[0], float) else texts


def _places(files: Sequence[Known], fact: str, config: SignalDataConfig) -> list[str]:
    if fact == "speed" and config.facts.tachometer:
        return [f"the pulses of “{config.facts.tachometer}”"]
    found = []
    different = {shared_name(k, k.names[fact]) for k in files if k.names.get(fact)}
    for known in files:
        origin, name = known.origin.get(fact, ""), known.names.get(fact, "")
        if not origin and not name:
            continue
        if origin in ("file", ""):
            name = shared_name(known, name) if len(different) == 1 else canonical(shared_name(known, name))
        text = _ORIGINS[origin or "file"].format(name)
        if fact == "rate" and origin in ("file", "") and (not origin or not name):
            text = f"the times in “{name}”" if name else "the files"
        unit = known.units.get("speed", "")
        if fact == "speed" and config.facts.speed_unit == "auto" and SPEEDS.get(unit, 1.0) != 1.0:
            text += f", read as {'rev/s' if unit == 'hz' else unit}"
        found.append(text)
    return list(dict.fromkeys(found))


def hints(files: Sequence[Known], chosen: str) -> Mapping[str, str]:
    """For rate, speed and label: what the files hold that may be it, with the option to set; texts may be empty.

    Args:
        files: As they were read.
        chosen: The channel that was taken.
    """
    if all("speed" in k.facts and "rate" in k.facts and "label" in k.facts for k in files):
        return {}
    return {
        "rate": _numbers(files, "data.facts.rate", _RATES),
        "speed": " ".join(
            filter(
                None, (_pulses(files, chosen), _names(files), _numbers(files, "data.facts.speed", _SPEEDS))
            )
        ),
        "label": _places_of_labels(files),
    }


def _numbers(files: Sequence[Known], key: str, bounds: tuple[float, float]) -> str:
    """Numbers of the files that are not used yet."""
    found: dict[str, set[float]] = {}
    for known in files:
        used = set(known.names.values())
        for name, value in known.contents.values.items():
            if name not in used and not isinstance(value, str) and bounds[0] <= value <= bounds[1]:
                found.setdefault(shared_name(known, name), set()).add(value)
    if not found:
        return ""
    shown = [
        f"{name} = {listed([f'{v:g}' for v in sorted(values)], 3)}" for name, values in sorted(found.items())
    ]
    return f"Numbers in the files: {'; '.join(shown[:_SHOWN])}. Is it one of them: {key}=NAME."


def _names(files: Sequence[Known]) -> str:
    """The name pattern that takes numbers of the names for the speed, where they may be it."""
    found = [(known.id, match) for known in files if (match := _HZ.search(known.id))]
    what = "the shaft's frequency" if found else "the speed"
    if not found:
        found = [(k.id, match) for k in files if (match := _BARE.search(k.id, k.id.rfind("/") + 1))]
        if not 1 < len({match[0] for _, match in found}) <= _MOST_SPEEDS or len(found) < len(files):
            return ""
    numbers = sorted({match[0] for _, match in found}, key=number)
    return f"Names hold {listed(numbers, 4)}: if that is {what}, data.name_pattern={_pattern_of(*found[0])} takes it."


def _pattern_of(sample_id: str, match: re.Match[str]) -> str:
    """A pattern for a number in a path: ``{speed}Hz*/*`` for that of ``35Hz12kN/1.csv``."""
    parts, before = sample_id.split("/"), sample_id.count("/", 0, match.start())
    part = parts[before] if before < len(parts) - 1 else PurePosixPath(sample_id).stem
    start = match.start() - (sample_id.rfind("/", 0, match.start()) + 1)
    digits = len(match[0].rstrip("HZhz "))
    behind = part[start + digits :]
    mark = behind[: max(len(match[0]) - digits, 1)]
    return f"{'*' if start else ''}{{speed}}{mark}{'*' if len(behind) > len(mark) else ''}{'/*' * (len(parts) - 1 - before)}"


def _pulses(files: Sequence[Known], chosen: str) -> str:
    if not files:
        return ""
    first, taken = files[0], channels_of(files[0], chosen)
    channels = list(first.contents.channels.items())[:24]
    name = next(
        (n for n, k in channels if n not in taken and kind_in(first.source.path, n, k) == "pulses"), ""
    )
    if not name:
        return ""
    return (f"“{name}” looks like the pulses of a tachometer or an encoder: data.facts.tachometer={_quoted(name)}, and "
            "data.facts.pulses= the pulses in a turn.")  # fmt: skip


def _quoted(text: str) -> str:
    return f"'{text}'" if " " in text or "*" in text else text


def _places_of_labels(files: Sequence[Known]) -> str:
    """The rule for `data.rename` that folders or names suggest."""
    without = [k for k in files if "label" not in k.facts]
    for what, level in (("folders are called", -2), ("names begin with", -1)):
        places = sorted({parts[level] for k in without if len(parts := k.id.split("/")) >= -level})
        starts = sorted(
            {match[0] for p in places if (match := re.match(r"[^\W\d_]+", p))}, key=lambda s: (-len(s), s)
        )
        if len(starts) > (level == -2) or (level == -2 and len(places) > 1):
            by_start = len(starts) > 1 or level == -1
            shown, mark = (starts, "*") if by_start else (places, "")
            rules = ",".join(f"{start}{mark}=…" for start in shown[:_SHOWN])
            return f"The {what} {listed(sorted(shown), _SHOWN)}: data.rename={rules} says what they mean."
    return ""


def name_findings(
    files: Sequence[Known], config: SignalDataConfig, pattern: NamePattern | None
) -> list[Finding]:
    """What the pattern does not fit, and what was taken from published lists."""
    findings = []
    if pattern is not None:
        misses = [k.id for k in files if pattern.read(k.id) is None]
        if misses:
            text = f"The name pattern does not fit {counted(len(misses), 'name')} of {len(files)}."
            findings.append(
                Finding("warning", "names.unmatched", text, "Correct data.name_pattern.", named(misses))
            )
        findings += _preview(files, pattern)
    words = Counter(k.facts["label"] for k in files if k.origin.get("label") == "words")
    if words:
        shown = ", ".join(f"{label} in {count}" for label, count in sorted(words.items()))
        text = f"Labels are the parts of the bearing that files or folders are named after: {shown}."
        cure = "Set data.facts.label=folder for the names of the folders as they are, or data.name_pattern for others."
        findings.append(Finding("notice", "names.words", text, cure))
    published = Counter(fact for k in files for fact, origin in k.origin.items() if origin == "published")
    if published:
        text = (f"These are recordings of Case Western Reserve University: {listed(sorted(published), 8)} of "
                f"{max(published.values())} of them are those that its bearing data centre publishes for their numbers.")  # fmt: skip
        cure = "Where they were renamed, give a table or a name pattern instead."
        findings.append(Finding("notice", "names.published", text, cure))
    return findings


def _preview(files: Sequence[Known], pattern: NamePattern) -> list[Finding]:
    """What the fields of the pattern hold, for a person who is writing it."""
    shown = preview_pattern([k.id for k in files], pattern.text)
    values = [
        f"{name} is {listed([f'“{value}” in {count}' for value, count in found], 5)}"
        for name, found in (shown.values or {}).items()
        if found
    ]
    return [Finding("notice", "names.fields", f"{shown.sentence()} {'; '.join(values)}.")] if values else []


def channel_findings(files: Sequence[Known], wanted: str, chosen: str) -> list[Finding]:
    """Which channel was chosen, and which files do not have it."""
    findings = []
    without = [k.id for k in files if not channels_of(k, chosen)]
    if without:
        there = ranked_channels(files)
        text = f"{counted(len(without), 'recording has', 'recordings have')} no channel “{chosen}”, and cannot be used."
        cure = f"Set data.channel to one of: {listed(there, 8)}."
        every = len(without) == len(files)
        findings.append(
            Finding("error" if every else "warning", "channel.missing", text, cure, named(without))
        )
    others = [name for name in ranked_channels(files) if name != chosen and canonical(name) != chosen]
    if not wanted and others and chosen:
        text = f"The channel “{chosen}” was chosen; the files also hold {listed(others, 6)}."
        likely = [name for name in others[:_SHOWN] if not is_other(name, files[:1])]
        actions = tuple(setting(f"Take {name}", data__channel=name) for name in likely[:3])
        findings.append(
            Finding("notice", "channel.chosen", text, "Set data.channel for another one.", (), actions)
        )
    return findings

"""Findings on recordings, each with its cure."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from src.core.dataset.findings import Finding, counted, exclude, listed, named, setting, show
from src.tasks.bearing.geometry import RollingBearing
from src.tasks.bearing.measure import SignalFacts
from src.tasks.bearing.recordings import RECORDING, Recording
from src.tasks.bearing.windows import WindowShape

if TYPE_CHECKING:
    from src.tasks.bearing.config import SignalDataConfig

#: A signal that is at its limits for this share of the time is clipped; sines of whole numbers stay far below.
_CLIPPED = 1e-4
_LEAST_CLIPPED = 9
#: A deviation below this share of the largest value is rounding, not vibration.
_DEAD = 1e-7
_FLAT_SECONDS = 0.1
#: Without a bearing's measures a window should hold so many revolutions: three passes of the cage, and a few more.
_REVOLUTIONS = 10
#: Hz within which the rates of vibrations lie.
_RATES = (100.0, 2e7)
_OF_SOME = ("Leave them out, or say theirs in the names (data.name_pattern) or in a table (data.table): data.facts.{} would give "
            "one value to all recordings.")  # fmt: skip


def _on(recordings: Sequence[Recording], code: str, text: str, cure: str, out: bool = True) -> Finding:
    """A warning about recordings, with the clicks that show them and leave them out."""
    ids = [r.id for r in recordings]
    actions = (show(ids, noun=RECORDING), *((exclude(ids, RECORDING.one),) if out else ()))
    return Finding("warning", code, text, cure, named(ids), actions)


def signal_findings(recordings: Sequence[Recording], facts: Mapping[str, SignalFacts]) -> list[Finding]:
    """Clipped and dead channels, and values that are no numbers.

    Args:
        recordings: Whole ones, not windows of them.
        facts: By the recording's id.
    """
    known = [(r, facts[r.id]) for r in recordings if r.id in facts]
    dead = [r for r, f in known if not f.deviation > _DEAD * max(abs(f.low), abs(f.high), 1e-30)]
    gone = {r.id for r in dead}
    alive = [(r, f) for r, f in known if r.id not in gone]
    clipped = [(r, f) for r, f in alive if f.clipped >= max(_LEAST_CLIPPED, _CLIPPED * f.seen)]
    flat = [(r, f) for r, f in alive if f.flat > _FLAT_SECONDS * (r.rate or 10_000) and (r, f) not in clipped]
    missing = [(r, f) for r, f in alive if f.missing]
    findings = []
    if dead:
        text = f"{counted(len(dead), *RECORDING)} hold{'s' if len(dead) == 1 else ''} no vibration: the channel is dead."
        findings.append(_on(dead, "signal.dead", text, "Leave them out, or choose another data.channel."))
    if clipped:
        worst, most = max(clipped, key=lambda item: item[1].clipped / item[1].seen)
        text = (f"{counted(len(clipped), 'recording is', 'recordings are')} clipped: the signal stays at its limits, in {worst.id} "
                f"for {most.clipped / most.seen:.2%} of the time ({most.low:.4g} to {most.high:.4g}).")  # fmt: skip
        cure = "Clipping adds harmonics that no bearing made. Record again with a larger range, or leave them out."
        findings.append(_on([r for r, _ in clipped], "signal.clipped", text, cure))
    if flat:
        worst, most = max(flat, key=lambda item: item[1].flat)
        length = f"{most.flat / worst.rate:.2f} s" if worst.rate else f"{most.flat} samples"
        text = f"{counted(len(flat), 'recording stands', 'recordings stand')} still for a while, {worst.id} for {length}."
        findings.append(
            _on([r for r, _ in flat], "signal.flat", text, "Look whether the sensor dropped out there.")
        )
    if missing:
        worst, most = max(missing, key=lambda item: item[1].missing)
        text = (f"{counted(len(missing), *RECORDING)} hold{'s' if len(missing) == 1 else ''} values that are no numbers, {worst.id} "
                f"{most.missing} of them. They are filled in between their neighbours.")  # fmt: skip
        findings.append(
            _on([r for r, _ in missing], "signal.nan", text, "Leave them out where there are many.")
        )
    return findings


def fact_findings(
    recordings: Sequence[Recording], config: SignalDataConfig, hints: Mapping[str, str] = MappingProxyType({})
) -> list[Finding]:
    """Missing rates, speeds and labels; rates that differ.

    Args:
        recordings: Whole ones.
        config: ``data``.
        hints: Of ``rate``, ``speed`` and ``label``: where it may be, to go behind the cure; see ``understood.hints``.
    """
    findings = []
    no_rate = [r for r in recordings if not r.rate]
    if no_rate:
        text = f"The sampling rate of {counted(len(no_rate), *RECORDING)} is not known."
        cure = "Give it as data.facts.rate_hz, or say with data.facts.rate which variable, column or field holds it."
        cure = f"{cure if len(no_rate) == len(recordings) else _OF_SOME.format('rate_hz')} {hints.get('rate', '')}".strip()
        needs = config.windows.unit == "s" or config.windows.resample_hz > 0
        out = () if len(no_rate) == len(recordings) else (exclude([r.id for r in no_rate], RECORDING.one),)
        findings.append(
            Finding(
                "error" if needs else "warning", "facts.rate", text, cure, named(r.id for r in no_rate), out
            )
        )
    findings += _rate_findings(recordings, config)
    no_speed = [r for r in recordings if not r.speed]
    if no_speed:
        text = f"The speed of {counted(len(no_speed), *RECORDING)} is not known: fault frequencies and orders need it."
        cure = "Give it as data.facts.speed_rpm, or say with data.facts.speed which variable, column or field holds it."
        cure = f"{cure if len(no_speed) == len(recordings) else _OF_SOME.format('speed_rpm')} {hints.get('speed', '')}".strip()
        findings.append(_on(no_speed, "facts.speed", text, cure, out=len(no_speed) < len(recordings)))
    no_label = [r for r in recordings if not r.label]
    if no_label:
        text = f"{counted(len(no_label), *RECORDING)} {'has' if len(no_label) == 1 else 'have'} no label"
        cure = "Say where it is: data.name_pattern, data.facts.label (folder, a field, column or variable), or data.table."
        cure = f"{hints.get('label', '')} {cure}".strip()
        every = len(no_label) == len(recordings)
        text += "." if every else ", and cannot be learnt from."
        findings.append(
            Finding("error" if every else "warning", "facts.label", text, cure, named(r.id for r in no_label))
        )
    return findings


def _rate_findings(recordings: Sequence[Recording], config: SignalDataConfig) -> list[Finding]:
    """Rates that no vibration has, that differ, or that are lower than the one asked for."""
    findings = []
    odd = [r for r in recordings if r.rate and not _RATES[0] <= r.rate <= _RATES[1]]
    if odd:
        text = f"A sampling rate of {odd[0].rate:g} Hz ({odd[0].id}) is hardly that of a vibration: it may be in kHz, or a time."
        cure = "Give it in Hz as data.facts.rate_hz, or say with data.facts.rate where it is; a unit in its name counts (fs_kHz)."
        findings.append(_on(odd, "facts.odd_rate", text, cure))
    rates = Counter(r.rate for r in recordings if r.rate)
    if len(rates) > 1:
        low = min(rates)
        text = (
            "Sampling rates differ: "
            + ", ".join(f"{n} at {rate:g} Hz" for rate, n in sorted(rates.items())[:6])
            + "."
        )
        if config.windows.resample_hz:
            text += f" All are brought to {config.windows.resample_hz:g} Hz."
            findings.append(Finding("notice", "facts.rates", text))
        else:
            text += f" All are brought to the lowest, {low:g} Hz, with a filter against aliasing."
            cure = "Set data.windows.resample_hz for another one."
            if alone := _of_one_rate(recordings):
                text += f" {alone}: the model may learn the rate instead of the fault."
            action = setting(f"Keep {low:g} Hz", data__windows__resample_hz=low)
            findings.append(Finding("warning", "facts.rates", text, cure, (), (action,)))
    above = [r for r in recordings if r.rate and config.windows.resample_hz > 1.001 * r.rate]
    if above:
        text = f"{counted(len(above), *RECORDING)} would be brought to more than their own rate, which adds nothing above half of it."
        cure = f"Set data.windows.resample_hz to {min(r.rate for r in above):g} or less."
        findings.append(Finding("warning", "facts.upsampled", text, cure, named(r.id for r in above)))
    return findings


def _of_one_rate(recordings: Sequence[Recording]) -> str:
    """The labels whose recordings all have one rate, while others have others."""
    rates: dict[str, set[float]] = defaultdict(set)
    for recording in recordings:
        if recording.label and recording.rate:
            rates[recording.label].add(recording.rate)
    alone = [
        f"“{label}” comes at {min(found):g} Hz only"
        for label, found in sorted(rates.items())
        if len(found) == 1
    ]
    return listed(alone, 4)


def same_bearing(samples: Mapping[Any, Sequence[Recording]]) -> list[Finding]:
    """Says so where recordings of one bearing stand in more than one part of the split."""
    parts: dict[str, set[str]] = defaultdict(set)
    for part, recordings in samples.items():
        for recording in recordings:
            if recording.bearing:
                parts[recording.bearing].add(part)
    both = sorted(bearing for bearing, found in parts.items() if len(found) > 1)
    if not both:
        return []
    text = (f"Recordings of {'one bearing stand' if len(both) == 1 else f'{len(both)} bearings stand'} in more than one part of the "
            f"split ({listed(both, 4)}): the numbers hold for bearings that the model has learnt from, not for others.")  # fmt: skip
    cure = "Set data.split.group_by=bearing for numbers that hold for other bearings."
    action = setting("Keep bearings together", data__split__group_by="bearing")
    return [Finding("notice", "split.same_bearing", text, cure, named(both), (action,))]


def label_findings(
    recordings: Sequence[Recording], group: Callable[[Recording], str], several: bool
) -> list[Finding]:
    """Labels that no split by recording can test, and too few of them.

    Args:
        recordings: Whole ones, with labels.
        group: What stays together.
        several: A recording may have several labels.
    """
    of_label: dict[str, set[str]] = defaultdict(set)
    for recording in recordings:
        of_label[recording.label].add(group(recording))
    findings = []
    if len(of_label) == 1 and not several:
        text = f"All recordings have one label, “{next(iter(of_label))}”: there is nothing to tell apart."
        cure = "Add recordings of another state, or correct where labels come from."
        findings.append(Finding("error", "labels.one", text, cure))
        return findings
    single = sorted(label for label, groups in of_label.items() if len(groups) == 1)
    if single:
        names = listed([f"“{label}”" for label in single], 6)
        text = (f"{names} {'comes' if len(single) == 1 else 'come'} from one recording or group only: a split that keeps it together "
                "cannot both learn and test it, so no number says how well it is recognised elsewhere.")  # fmt: skip
        where = named(r.id for r in recordings if r.label in single)
        cure = "Add recordings of other bearings in this state, or leave the label out of data.classes."
        rest = sorted(set(of_label) - set(single))
        actions = (
            (setting("Leave it out" if len(single) == 1 else "Leave them out", data__classes=rest),)
            if len(rest) > 1
            else ()
        )
        findings.append(Finding("warning", "labels.one_recording", text, cure, where, actions))
    return findings


def window_findings(
    recordings: Sequence[Recording],
    shape: WindowShape,
    bearing: RollingBearing | None,
    config: SignalDataConfig,
) -> list[Finding]:
    """Windows that no recording holds, or that are too short to tell the fault frequencies apart."""
    findings = []
    without = [r for r in recordings if not shape.count(r)]
    if without:
        text = f"{counted(len(without), 'recording is', 'recordings are')} shorter than a window of {shape.length} samples"
        every = len(without) == len(recordings)
        cure = f"Set data.windows.length to {_written(_shortest(without, shape), shape, config)} or less, or leave them out."
        ids = [r.id for r in without]
        action = () if every else (exclude(ids, RECORDING.one),)
        text += ": there is nothing to learn from." if every else ", and give nothing to learn from."
        findings.append(
            Finding("error" if every else "warning", "windows.none", text, cure, named(ids), action)
        )
    slow = min(
        (r for r in recordings if r.speed and (shape.rate or r.rate)), key=lambda r: r.speed, default=None
    )
    if slow is None:
        return findings
    rate = shape.rate or slow.rate
    turns = bearing.revolutions_to_resolve() if bearing else float(_REVOLUTIONS)
    needed = math.ceil(turns * 60.0 / slow.speed * rate)
    if shape.length < needed:
        held = shape.length / rate * slow.speed / 60.0
        what = (
            "to tell the fault frequencies of this bearing apart"
            if bearing
            else "to hold several passes of a fault"
        )
        text = (f"The window is too short {what}: at {slow.speed:g} rev/min ({slow.id}) it holds {held:.1f} revolutions, and "
                f"{turns:.1f} are needed: {needed} samples, {needed / rate:.3f} s.")  # fmt: skip
        value = needed / rate if config.windows.unit == "s" else float(needed)
        value = math.ceil(value * 1000) / 1000
        cure = f"Set data.windows.length to {_written(needed, shape, config, rate)} or more."
        action = (setting("Take that length", data__windows__length=value),)
        findings.append(Finding("warning", "windows.short", text, cure, (slow.id,), action))
    return findings


def _shortest(recordings: Sequence[Recording], shape: WindowShape) -> int:
    return min(int((r.stop - r.start) * shape.fraction(r)) for r in recordings)


def _written(samples: int, shape: WindowShape, config: SignalDataConfig, rate: float = 0.0) -> str:
    rate = rate or shape.rate
    if config.windows.unit == "samples" or not rate:
        return f"{samples}"
    exact = samples / rate
    return f"{math.ceil(exact * 1000) / 1000:.3f}"

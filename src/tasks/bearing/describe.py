"""Reading a set of recordings: files, facts, signals, labels, groups, split; every step says what it found."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from src.core.dataset.contract import DescriptionCancelledError
from src.core.dataset.findings import DatasetError, Finding, counted, listed, named, show
from src.tasks.bearing.checks import fact_findings, signal_findings, window_findings
from src.tasks.bearing.described import RecordingDescription
from src.tasks.bearing.dividing import ReadSet, divide_recordings
from src.tasks.bearing.files import UnreadableSignalError, inspect_file
from src.tasks.bearing.found import (
    Known,
    channels_of,
    collect_facts,
    speed_of,
    usual_channel,
)
from src.tasks.bearing.journal import journal_findings, journal_statistics
from src.tasks.bearing.known import BEARING
from src.tasks.bearing.labels import label_all
from src.tasks.bearing.measure import QUICK, content_hash, measure
from src.tasks.bearing.naming import fault_of, faults_in, name_pattern
from src.tasks.bearing.parted import recordings_in
from src.tasks.bearing.rates import channel_rate
from src.tasks.bearing.recordings import RECORDING, Course, Recording
from src.tasks.bearing.shapes import geometry, rolling
from src.tasks.bearing.sources import SourceFile, find_files
from src.tasks.bearing.speeds import course_of, speed_findings
from src.tasks.bearing.statistics import statistics
from src.tasks.bearing.understood import channel_findings, hints, name_findings, remarks, understood
from src.tasks.bearing.windows import window_shape

if TYPE_CHECKING:
    from src.tasks.bearing.config import BearingConfig, BearingSplitConfig, SignalDataConfig

Progress = Callable[[int, int, str], None]


def describe(
    config: BearingConfig,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    quick: bool = False,
    anew: bool = False,
    store: bool = True,
) -> RecordingDescription:
    """Read the recordings of a configuration; see ``TaskInfo.describe``.

    Args:
        quick: Look at the first million samples of each recording only, and do not show what random windows do.

    Raises:
        DescriptionCancelledError: ``cancelled`` said so.
    """
    cancelled = cancelled or (lambda: False)
    progress = progress or (lambda done, total, what: None)
    data = config.data
    sources = find_files(data, cancelled)
    source = data.table or data.folder
    found = RecordingDescription(root=sources.root, source=source, findings=list(sources.findings))
    try:
        known = _inspect(sources.files, found, data, progress, cancelled)
        read = _read(known, found, data, quick, progress, cancelled)
        _label(read, found, data)
        found.window = _cut(read, found, config)
        if read.recordings:
            divide_recordings(read, found, config, quick, anew, store)
    except DatasetError as error:
        found.findings += error.findings
    found.file_bytes = {i: n for i, n in found.file_bytes.items() if i in read_ids(found)}
    found.statistics = statistics(found) | journal_statistics(found.all_samples, data.bearing)
    return found


def read_ids(found: RecordingDescription) -> set[str]:
    """Ids of all samples."""
    return {s.id for s in found.all_samples}


def _inspect(
    files: Sequence[SourceFile],
    found: RecordingDescription,
    data: SignalDataConfig,
    progress: Progress,
    cancelled: Callable[[], bool],
) -> list[Known]:
    pattern = name_pattern(data.name_pattern)
    known = []
    for number, file in enumerate(files, start=1):
        if cancelled():
            raise DescriptionCancelledError
        progress(number, len(files), "Looking into files")
        try:
            parts = recordings_in(inspect_file(file.path))
            known += [Known(file, contents, part) for part, contents in parts.items()]
        except (UnreadableSignalError, OSError) as error:
            found.quarantined.append((file.path, str(getattr(error, "strerror", None) or error)))
    found.findings += _unreadable(found.quarantined, bool(known)) + remarks(known)
    for one in known:
        collect_facts(one, data, pattern)
    label_all(known, data)
    found.channel = data.channel or usual_channel(known)
    if known and not found.channel:
        text = "No file holds a signal: only single numbers were found."
        raise DatasetError(
            Finding("error", "channel.none", text, "Choose another folder.", named(k.id for k in known))
        )
    found.findings += channel_findings(known, data.channel, found.channel)
    found.findings += name_findings(known, data, pattern)
    if not data.channel and found.channel:
        found.given["data.channel"] = found.channel
    return known


def _unreadable(quarantined: Sequence[tuple[str, str]], some: bool) -> list[Finding]:
    if not quarantined:
        return []
    text = f"{counted(len(quarantined), 'file')} cannot be read: " + "; ".join(
        f"{reason} ({count})" for reason, count in Counter(r for _, r in quarantined).most_common(3)
    )
    paths = [path for path, _ in quarantined]
    cure = "Replace or remove them; the others are used."
    return [Finding("warning" if some else "error", "recordings.unreadable", text + ".", cure, named(paths),
                    (show(paths, noun=RECORDING),))]  # fmt: skip


def _read(
    known: Sequence[Known],
    found: RecordingDescription,
    data: SignalDataConfig,
    quick: bool,
    progress: Progress,
    cancelled: Callable[[], bool],
) -> ReadSet:
    read = ReadSet(published=bool(known) and all("published" in k.origin.values() for k in known))
    digests: dict[str, str] = {}
    for number, one in enumerate(known, start=1):
        progress(number, len(known), "Reading recordings")
        channels = channels_of(one, found.channel)
        for channel in channels:
            sample_id = one.id if len(channels) == 1 else f"{one.id}#{channel}"
            length = one.contents.channels[channel]
            try:
                facts = measure(one.source.path, channel, min(length, QUICK) if quick else length, cancelled)
                if one.source.path not in digests:  # many recordings may lie in one file
                    digests[one.source.path] = content_hash(one.source.path)
                rate = channel_rate(one, data, channel)
                speeds = course_of(one, data, length / rate if rate > 0 else math.nan)
            except (UnreadableSignalError, OSError) as error:
                found.quarantined.append((one.source.path, str(getattr(error, "strerror", None) or error)))
                found.findings += _unreadable(found.quarantined[-1:], True)
                break
            read.facts[sample_id] = facts
            read.fields[sample_id] = one.fields
            read.contents[sample_id] = f"{digests[one.source.path]}#{channel}"
            found.file_bytes[sample_id] = (_size(one),)
            read.recordings.append(_recording(one, sample_id, channel, length, rate, speeds, data))
    found.findings += signal_findings(read.recordings, read.facts)
    found.findings += understood(known, read.recordings, data)
    found.findings += fact_findings(read.recordings, data, hints(known, found.channel))
    found.findings += speed_findings(read.recordings, data, known)
    return read


def _recording(
    one: Known,
    sample_id: str,
    channel: str,
    length: int,
    rate: float,
    speeds: tuple[Course, float],
    data: SignalDataConfig,
) -> Recording:
    facts, (course, mean) = one.facts, speeds
    return Recording(
        sample_id, one.source.path, channel, one.id, "", (), facts.get("label", ""), length, 0, length, rate,
        mean or speed_of(one, data), facts.get("load", ""), facts.get("bearing", ""),
        facts.get("machine", ""), facts.get("severity", ""), course,
    )  # fmt: skip


def _size(one: Known) -> int:
    from pathlib import Path

    try:
        return Path(one.source.path).stat().st_size
    except OSError:
        return 0


def _label(read: ReadSet, found: RecordingDescription, data: SignalDataConfig) -> None:
    """Number the classes, and leave out what has none of them."""
    several = data.several_faults
    there = sorted(
        {label for r in read.recordings for label in (faults_in(r.label) if several else [r.label]) if label}
    )
    names = list(dict.fromkeys(data.classes)) or there
    if unknown := [name for name in names if name not in there]:
        text = f"No recording has the label {listed([f'“{n}”' for n in unknown])}; the labels are {listed(there, 12)}."
        raise DatasetError(
            Finding("error", "labels.unknown", text, "Correct data.classes.", ("data.classes",))
        )
    number = {name: k for k, name in enumerate(names)}
    kept, out = [], []
    for recording in read.recordings:
        if not recording.label:
            continue
        labels = faults_in(recording.label) if several else [recording.label]
        if any(label not in number for label in labels):
            out.append(recording.id)
            continue
        classes = tuple(sorted(number[label] for label in labels))
        kept.append(replace(recording, classes=classes, stratum=_stratum(recording, read, data.split)))
    if out:
        text = f"{counted(len(out), 'recording is', 'recordings are')} left out: the labels are not among data.classes."
        found.findings.append(Finding("notice", "labels.left_out", text, "", named(out)))
    read.recordings, found.class_names = kept, tuple(names)
    if not data.classes and names:
        found.given["data.classes"] = names
    strange = [name for name in names if not fault_of(name)]
    if strange and kept:
        shown = listed([f"“{name}”" for name in strange], 6)
        words = ("label", "names") if len(strange) == 1 else ("labels", "name")
        text = f"The {words[0]} {shown} {words[1]} no part of a bearing that is known."
        cure = "What depends on fault frequencies needs words such as inner, outer, ball and normal; all else works with any label."
        found.findings.append(Finding("notice", "labels.parts", text, cure))


def _stratum(recording: Recording, read: ReadSet, split: BearingSplitConfig) -> str:
    if split.stratify_column:
        return read.fields[recording.id].get(split.stratify_column, "")
    return recording.label


def _cut(read: ReadSet, found: RecordingDescription, config: BearingConfig) -> tuple[int, int, float]:
    if read.published and config.data.bearing.kind == "unknown":
        found.bearing_model = BEARING
        found.given |= {"data.bearing.kind": "rolling", "data.bearing.model": BEARING}
    try:
        shape = window_shape(config.data.windows, [r.rate for r in read.recordings])
    except ValueError:  # no rate is known: the finding says so
        return 0, 0, 0.0
    if read.recordings:
        try:
            bearing = rolling(geometry(config.data.bearing, found.bearing_model))
        except ValueError:  # `description.check` says what is wrong with the measures
            bearing = None
        found.findings += window_findings(read.recordings, shape, bearing, config.data)
        found.findings += journal_findings(read.recordings, config.data.bearing)
    return shape.length, shape.hop, shape.rate

"""Recordings that a model was not trained on: read as its run reads its own, with what the job says otherwise. Torch-free."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from src.core.config import ConfigError, file_layer, resolve
from src.core.job import JobError
from src.core.run.folder import RunFolder
from src.tasks.bearing.config import BearingConfig, FactsConfig, GeometryConfig, SignalDataConfig
from src.tasks.bearing.described import RecordingDescription
from src.tasks.bearing.files import UnreadableSignalError, inspect_file
from src.tasks.bearing.found import (
    Known,
    canonical,
    channels_of,
    collect_facts,
    speed_of,
    usual_channel,
)
from src.tasks.bearing.jobs.data_config import RecordingsConfig
from src.tasks.bearing.known import BEARING
from src.tasks.bearing.labels import label_all
from src.tasks.bearing.naming import name_pattern
from src.tasks.bearing.parted import recordings_in
from src.tasks.bearing.rates import channel_rate
from src.tasks.bearing.recordings import Recording
from src.tasks.bearing.shapes import geometry, rolling
from src.tasks.bearing.sources import SourceFile
from src.tasks.bearing.speeds import course_of
from src.tasks.bearing.windows import WindowShape


def run_config(run: RunFolder | None) -> BearingConfig | None:
    """The configuration of a model's run; None where there is none that can be read."""
    if run is None:
        return None
    try:
        return resolve(BearingConfig, [file_layer(run.config, BearingConfig)]).config
    except (ConfigError, OSError):
        return None


def recorded(run: RunFolder | None) -> RecordingDescription | None:
    """The data of a run as it wrote them down; None where there are none that can be read."""
    if run is None:
        return None
    try:
        return RecordingDescription.load(run.dataset)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def data_options(run: RunFolder | None, said: RecordingsConfig) -> SignalDataConfig:
    """How new recordings are read: as those of the run, without its source, and with what was said otherwise."""
    config = run_config(run)
    base = config.data if config is not None else SignalDataConfig()
    known = recorded(run)
    changes: dict[str, object] = {"folder": "", "table": "", "exclude": "", "classes": []}
    changes["channel"] = said.channel or base.channel or (known.channel if known else "")
    if said.name_pattern:
        changes["name_pattern"] = said.name_pattern
    if said.facts != FactsConfig():
        changes["facts"] = said.facts
    if said.bearing != GeometryConfig():
        changes["bearing"] = said.bearing
    return base.model_copy(update=changes)


def orders_of(
    options: SignalDataConfig, found: str, trained: Mapping[str, float] | None
) -> Mapping[str, float] | None:
    """Fault orders of the bearing that is looked at; those of the training where none is named.

    Raises:
        JobError: The measures of the bearing are none.
    """
    try:
        bearing = rolling(geometry(options.bearing, found))
    except ValueError as error:
        raise JobError(str(error), "Correct the bearing (recordings.bearing).") from None
    return trained if bearing is None else bearing.defect_orders()


def known_in(source: SourceFile, options: SignalDataConfig) -> list[Known]:
    """What a file holds, a recording each, with its facts; labels of folders and names follow for all files together.

    Raises:
        UnreadableSignalError: The file cannot be read; the message says why.
        OSError: It cannot be opened.
    """
    parts = recordings_in(inspect_file(source.path))
    found = [Known(source, contents, part) for part, contents in parts.items()]
    for known in found:
        collect_facts(known, options, name_pattern(options.name_pattern))
    return found


def recordings_of(source: SourceFile, options: SignalDataConfig) -> tuple[list[Recording], str]:
    """The channels of a file that are looked at, each a recording, and the bearing that published lists name for it.

    Raises:
        UnreadableSignalError: The file cannot be read, or has no such channel; the message says why.
        OSError: It cannot be opened.
    """
    found = known_in(source, options)
    label_all(found, options)
    made = [recording for known in found for recording in recordings_in_part(known, options)]
    return made, bearing_of(found)


def bearing_of(found: Sequence[Known]) -> str:
    """The bearing that published lists name for a file; empty where they name none."""
    return BEARING if any("published" in known.origin.values() for known in found) else ""


def recordings_in_part(known: Known, options: SignalDataConfig) -> list[Recording]:
    """The channels that are looked at, each a recording.

    Raises:
        UnreadableSignalError: There is no such channel; the message says which there are.
        OSError: The file cannot be opened.
    """
    channels = channels_of(known, options.channel) if options.channel else []
    if not channels:
        only = usual_channel([known])
        there = sorted(known.contents.channels)
        if not only or (options.channel and len({canonical(n) for n in there}) > 1):
            raise UnreadableSignalError(
                f"it has no channel “{options.channel}”; it has {', '.join(there) or 'none'} (set recordings.channel)"
            )
        channels = channels_of(known, only)
    made = []
    for channel in channels:
        length, rate = known.contents.channels[channel], channel_rate(known, options, channel)
        own = known.id if len(channels) == 1 else f"{known.id}#{channel}"
        course, mean = course_of(known, options, length / rate if rate > 0 else math.nan)
        made.append(
            Recording(own, known.source.path, channel, known.id, "", (), known.facts.get("label", ""), length, 0, length,
                      rate, mean or speed_of(known, options), known.facts.get("load", ""), known.facts.get("bearing", ""),
                      known.facts.get("machine", ""), known.facts.get("severity", ""), course)
        )  # fmt: skip
    return made


def objection(recording: Recording, shape: WindowShape, needs_speed: bool) -> str:
    """Why a model cannot be asked about a recording; empty where it can."""
    if needs_speed and not recording.speed > 0:
        return "its speed is not known, and the model looks at shaft orders (set recordings.facts.speed_rpm)"
    if shape.rate > 0 and not recording.rate > 0:
        return "its sampling rate is not known (set recordings.facts.rate_hz)"
    if not shape.count(recording):
        seconds = recording.seconds
        lasts = f"{seconds:.3g} s" if seconds == seconds else f"{recording.length:,} samples"
        window = f"{shape.length / shape.rate:.3g} s" if shape.rate > 0 else f"{shape.length:,} samples"
        return f"it lasts {lasts}, which is shorter than a window ({window})"
    return ""


def with_group(recording: Recording, by: str) -> Recording:
    """The same with the group that was asked for; where that is not known, it stands for itself."""
    if by == "data":
        return recording
    key = recording.recording if by == "recording" else str(getattr(recording, by))
    return replace(recording, group=key or recording.recording)

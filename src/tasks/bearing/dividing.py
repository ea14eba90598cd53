"""Dividing recordings: what stays together, one group left out at a time, and windows at random with their warning."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from src.core.dataset.findings import DatasetError, Finding
from src.core.dataset.splitting.divide import divide
from src.core.dataset.splitting.grouping import group_keys, join_groups, ungrouped
from src.core.dataset.splitting.split import make_folds
from src.tasks.bearing.bias import random_windows, split_bias
from src.tasks.bearing.checks import label_findings, same_bearing
from src.tasks.bearing.described import RecordingDescription
from src.tasks.bearing.measure import SignalFacts
from src.tasks.bearing.recordings import RECORDING, Recording
from src.tasks.bearing.windows import WindowShape

if TYPE_CHECKING:
    from src.tasks.bearing.config import BearingConfig, BearingSplitConfig

#: Windows that are divided at random stand in the split one by one.
_MOST_WINDOWS = 200_000


@dataclass
class ReadSet:
    """What is known of the recordings while they are read.

    Attributes:
        recordings: Whole ones, in the order of their ids, without classes and groups at first.
        fields: Fields of the name and columns of the table, by the recording's id.
        contents: Hash of the file and channel of each.
        facts: What was measured of each.
        published: All recordings are of the published list.
    """

    recordings: list[Recording] = field(default_factory=list)
    fields: dict[str, dict[str, str]] = field(default_factory=dict)
    contents: dict[str, str] = field(default_factory=dict)
    facts: dict[str, SignalFacts] = field(default_factory=dict)
    published: bool = False


def groups_of(
    read: Sequence[Recording], fields: dict[str, dict[str, str]], split: BearingSplitConfig
) -> list[str | None]:
    """What each recording stays together with; ``None`` where that is not known.

    Raises:
        DatasetError: The pattern of the groups cannot be used.
    """
    by = split.group_by
    if by == "pattern":
        return group_keys([r.id for r in read], split)
    if by == "column":
        return [fields[r.id].get(split.group_column) or None for r in read]
    if by == "folder":
        return [r.id.rpartition("/")[0] or "." for r in read]
    if by in ("recording", "windows"):
        return [r.group for r in read]
    return [getattr(r, by) or None for r in read]


def divide_recordings(
    read: ReadSet, found: RecordingDescription, config: BearingConfig, quick: bool, anew: bool, store: bool
) -> None:
    """Group and divide what was read, and enter it into the description; see ``splitting.divide``."""
    split = config.data.split
    keys = groups_of(read.recordings, read.fields, split)
    found.findings += ungrouped(
        [r.id for r, k in zip(read.recordings, keys, strict=True) if k is None], RECORDING
    )
    read.recordings = [replace(r, group=k or r.group) for r, k in zip(read.recordings, keys, strict=True)]
    found.findings += label_findings(read.recordings, lambda r: r.group, config.data.several_faults)
    samples, contents = read.recordings, read.contents
    if split.group_by == "windows":
        samples, contents, found.file_bytes = _windows(read, found, quick, config)
        # A random division is the same from its seed alone; thousands of windows need not be remembered.
        anew, store = True, False
    else:
        samples, findings = join_groups(samples, split, contents)
        found.findings += findings
        if split.leave_one_out:
            split = split.model_copy(update={"folds": _each(samples, split)})
    found.folds = split.folds
    found.fingerprint = hashlib.sha256(
        "\n".join(f"{r.id}\t{contents[r.id]}" for r in samples).encode()
    ).hexdigest()
    divide(found, samples, split, contents, anew=anew, store=store)
    if split.group_by == "recording":
        found.findings += same_bearing(found.samples)


def _each(samples: Sequence[Recording], split: BearingSplitConfig) -> int:
    """How many groups the test part leaves: as many folds."""
    number, _ = make_folds(samples, split.model_copy(update={"folds": 2}))
    return max(2, sum(fold > 0 for fold in number.values()))


def _windows(
    read: ReadSet, found: RecordingDescription, quick: bool, config: BearingConfig
) -> tuple[list[Recording], dict[str, str], dict[str, tuple[int, ...]]]:
    """Each window as a record of its own, with the warning that this says little."""
    length, hop, rate = found.window
    shape = WindowShape(max(1, length), max(1, hop), rate)
    bias = None if quick else split_bias(read.recordings, shape, lambda r: r.bearing or r.group)
    found.findings.append(random_windows(bias, config.data.windows.overlap))
    total = sum(shape.count(r) for r in read.recordings) if length else 0
    if not 0 < total <= _MOST_WINDOWS:
        text = f"There are {total} windows to divide at random; from 1 to {_MOST_WINDOWS} can be."
        raise DatasetError(Finding("error", "windows.number", text, "Change data.windows.length or overlap."))
    records, contents, sizes = [], {}, {}
    for recording in read.recordings:
        span, fraction = shape.source_length(recording), shape.fraction(recording)
        for number in range(shape.count(recording)):
            start = int(number * shape.hop / fraction)
            one = replace(
                recording, id=f"{recording.id}@{start}", start=start, stop=min(start + span, recording.length)
            )
            one = replace(one, group=one.id)
            records.append(one)
            contents[one.id] = f"{read.contents[recording.id]}@{start}"
            sizes[one.id] = found.file_bytes[recording.id]
    return records, contents, sizes

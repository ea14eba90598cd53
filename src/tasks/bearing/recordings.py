"""One recording: a channel of a file with what is known of it, and its samples in parts."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from src.core.dataset.findings import Noun
from src.tasks.bearing.files import read_channel

RECORDING = Noun("recording", "recordings")


@dataclass(frozen=True, slots=True)
class Recording:
    """A channel of a file, or one window of it where windows are divided at random.

    Attributes:
        id: Path relative to the folder of the data; of several channels of a file ``#channel`` behind it, of a window
            ``@first sample``.
        file, channel: Where the signal is.
        group, stratum, classes: See ``contract.Record``. With several faults at once ``classes`` may be empty.
        label: As it was found; empty where there is none.
        length: Samples of the whole channel.
        start, stop: The samples that belong to this record: 0 and ``length``, but of a window.
        rate: Sampling rate in Hz; 0 where it is not known.
        speed: Of the shaft in rev/min, the mean where it varies; 0 where it is not known.
        load, bearing, machine, severity: As they were found; empty where they are not known.
    """

    noun: ClassVar[Noun] = RECORDING

    id: str
    file: str
    channel: str
    group: str
    stratum: str
    classes: tuple[int, ...]
    label: str
    length: int
    start: int
    stop: int
    rate: float
    speed: float
    load: str = ""
    bearing: str = ""
    machine: str = ""
    severity: str = ""

    @property
    def files(self) -> tuple[str, ...]:
        """The one file."""
        return (self.file,)

    @property
    def recording(self) -> str:
        """Id of the recording, also of a window of it."""
        return self.id.rpartition("@")[0] if self.is_window else self.id

    @property
    def is_window(self) -> bool:
        """Only a part of the channel belongs to this record."""
        return self.stop - self.start != self.length

    @property
    def seconds(self) -> float:
        """Length in seconds; NaN where the rate is not known."""
        return (self.stop - self.start) / self.rate if self.rate > 0 else float("nan")

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Recording:
        """The inverse of ``to_dict``."""
        return cls(**{**data, "classes": tuple(data["classes"])})


def read_signal(recording: Recording, start: int = 0, stop: int | None = None) -> np.ndarray:
    """Samples of the file's channel from ``start`` to ``stop``, as float32 of one dimension.

    Counted from the channel's beginning and cut at its ends. Values that are no numbers are filled in between their
    neighbours in the same part (zero where it has none), so that a network never sees them; the check tells of them.

    Raises:
        UnreadableSignalError: The file is damaged, or not what it was.
        OSError: It cannot be opened.
    """
    stop = recording.length if stop is None else min(stop, recording.length)
    return filled(read_channel(recording.file, recording.channel, max(0, start), stop))


def filled(values: np.ndarray) -> np.ndarray:
    """The same values, with those that are no numbers filled in between their neighbours."""
    good = np.isfinite(values)
    if good.all():
        return values
    places = np.flatnonzero(good)
    if not len(places):
        return np.zeros_like(values)
    return np.interp(np.arange(len(values)), places, values[places]).astype(np.float32)

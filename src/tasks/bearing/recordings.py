"""One recording: a channel of a file with what is known of it, and its samples in parts."""

from __future__ import annotations

import dataclasses
from bisect import bisect
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

from src.core.dataset.findings import Noun

if TYPE_CHECKING:
    import numpy as np

RECORDING = Noun("recording", "recordings")
#: Places from 0 to 1 of a channel, rising, each with the speed there in rev/min.
Course = tuple[tuple[float, float], ...]


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
        course: Speed over the whole channel where it is known to vary. Before the first and after the last place it stays.
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
    course: Course = ()

    def speed_between(self, first: float, last: float) -> float:
        """Mean speed in rev/min from one sample of the channel to another; 0 where it is not known."""
        if not self.course or not self.length:
            return self.speed
        return mean_speed(self.course, first / self.length, last / self.length)

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
        course = tuple((float(place), float(speed)) for place, speed in data.get("course", ()))
        return cls(**{**data, "classes": tuple(data["classes"]), "course": course})


def mean_speed(course: Course, first: float, last: float) -> float:
    """Mean of a course from one place to another, on straight lines between its points; see ``Recording.course``."""
    low, high = (min(max(place, 0.0), 1.0) for place in (first, last))
    places = [low, *(place for place, _ in course if low < place < high), high]
    speeds = [_between(course, place) for place in places]
    if not high > low:
        return speeds[0]
    steps = pairwise(zip(places, speeds, strict=True))
    return sum((b - a) * (v + w) / 2 for (a, v), (b, w) in steps) / (high - low)


def _between(course: Course, place: float) -> float:
    after = bisect(course, place, key=lambda point: point[0])
    if after in (0, len(course)):
        return course[min(after, len(course) - 1)][1]
    (a, v), (b, w) = course[after - 1], course[after]
    return v + (w - v) * (place - a) / (b - a)


def read_signal(recording: Recording, start: int = 0, stop: int | None = None) -> np.ndarray:
    """Samples of the file's channel from ``start`` to ``stop``, as float32 of one dimension.

    Counted from the channel's beginning and cut at its ends. Values that are no numbers are filled in between their
    neighbours in the same part (zero where it has none), so that a network never sees them; the check tells of them.

    Raises:
        UnreadableSignalError: The file is damaged, or not what it was.
        OSError: It cannot be opened.
    """
    # imported late: the window lists recordings before anything of them is read
    from src.tasks.bearing.files import read_channel

    stop = recording.length if stop is None else min(stop, recording.length)
    return filled(read_channel(recording.file, recording.channel, max(0, start), stop))


def filled(values: np.ndarray) -> np.ndarray:
    """The same values, with those that are no numbers filled in between their neighbours."""
    import numpy as np

    good = np.isfinite(values)
    if good.all():
        return values
    places = np.flatnonzero(good)
    if not len(places):
        return np.zeros_like(values)
    return np.interp(np.arange(len(values)), places, values[places]).astype(np.float32)

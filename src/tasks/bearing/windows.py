"""Windows of recordings: which there are is a function of the recordings and the options; nothing is copied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from src.tasks.bearing.recordings import Recording, read_signal

if TYPE_CHECKING:
    from src.tasks.bearing.config import WindowConfig


@dataclass(frozen=True)
class WindowShape:
    """Length and spacing of windows.

    Attributes:
        length, hop: Samples at ``rate``.
        rate: In Hz after conversion; 0 leaves every recording at its own rate.
    """

    length: int
    hop: int
    rate: float

    def fraction(self, recording: Recording) -> Fraction:
        """Samples after conversion for one before it."""
        if self.rate <= 0 or recording.rate <= 0 or self.rate == recording.rate:
            return Fraction(1)
        return Fraction(self.rate / recording.rate).limit_denominator(10_000)

    def source_length(self, recording: Recording) -> int:
        """Samples of the file that a window spans."""
        return int(-(-self.length // self.fraction(recording)))

    def speed(self, recording: Recording, offset: int, length: int) -> float:
        """Mean speed in rev/min over samples (at ``rate``) from ``offset`` after those of the record; 0 where not known."""
        fraction = self.fraction(recording)
        first = recording.start + float(offset / fraction)
        return recording.speed_between(first, first + float(length / fraction))

    def count(self, recording: Recording) -> int:
        """How many windows lie in a recording."""
        samples = int((recording.stop - recording.start) * self.fraction(recording))
        return 0 if samples < self.length else 1 + (samples - self.length) // self.hop


def common_rate(rates: Sequence[float], wanted: float) -> float:
    """The rate after conversion: the one that is wanted, else the lowest where rates differ, else the only one."""
    known = [rate for rate in rates if rate > 0]
    return wanted if wanted > 0 else min(known, default=0.0)


def window_shape(options: WindowConfig, rates: Sequence[float]) -> WindowShape:
    """The windows that the options mean for recordings of these rates (Hz).

    Raises:
        ValueError: The length is given in seconds, and no rate is known.
    """
    rate = common_rate(rates, options.resample_hz)
    if options.unit == "s" and rate <= 0:
        raise ValueError("A window in seconds needs a sampling rate. Give it, or the window in samples.")
    length = max(2, round(options.length * rate if options.unit == "s" else options.length))
    return WindowShape(length, max(1, round(length * (1 - options.overlap))), rate)


class WindowIndex(Sequence["Window"]):
    """All windows of recordings, in the order of the recordings and of time; takes memory for the recordings only.

    Attributes:
        recordings: As they were given.
        shape: Of every window.
        counts: ``R`` int64, windows of each recording.
    """

    def __init__(self, recordings: Sequence[Recording], shape: WindowShape) -> None:
        self.recordings, self.shape = recordings, shape
        self.counts = np.asarray([shape.count(r) for r in recordings], dtype=np.int64)
        self._ends = np.cumsum(self.counts)

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def place(self, number: int) -> tuple[int, int]:
        """Number of the recording, and of the window in it."""
        if not -len(self) <= number < len(self):
            raise IndexError(number)
        number %= len(self)
        recording = int(np.searchsorted(self._ends, number, side="right"))
        return recording, number - int(self._ends[recording] - self.counts[recording])

    def __getitem__(self, number: int) -> Window:  # type: ignore[override]
        recording, inside = self.place(number)
        return Window(self.recordings[recording], self.shape, inside)


@dataclass(frozen=True)
class Window:
    """One window of a recording.

    Attributes:
        number: In the recording, from 0.
    """

    recording: Recording
    shape: WindowShape
    number: int

    @property
    def start(self) -> float:
        """First sample in the file, counted at the file's own rate."""
        return self.recording.start + float(
            self.number * self.shape.hop / self.shape.fraction(self.recording)
        )

    @property
    def seconds(self) -> float:
        """Beginning in seconds from that of the file; NaN where the rate is not known."""
        return self.start / self.recording.rate if self.recording.rate > 0 else float("nan")

    @property
    def speed(self) -> float:
        """Of the shaft over this window, rev/min; 0 where it is not known."""
        return self.shape.speed(self.recording, self.number * self.shape.hop, self.shape.length)

    def read(self) -> np.ndarray:
        """``length`` samples as float32, converted to the shape's rate."""
        return read_window(self.recording, self.shape, self.number * self.shape.hop)


def read_window(recording: Recording, shape: WindowShape, offset: int) -> np.ndarray:
    """``shape.length`` samples, beginning ``offset`` samples (at the shape's rate) after those of the record.

    A converted window is cut out of a longer converted part, so that it is the same as in the whole converted recording;
    windows at the very ends see the signal as zero beyond them.

    Raises:
        UnreadableSignalError: The file is damaged, or not what it was.
        OSError: It cannot be opened.
    """
    return _read_part(recording, shape, offset, shape.length)


def read_windows(recording: Recording, shape: WindowShape, first: int, count: int) -> np.ndarray:
    """Successive windows from number ``first`` on, ``count``×``shape.length`` float32, read and converted at once.

    What overlaps is in memory once. Converted windows may differ from those of `read_window` by what single precision rounds.

    Raises:
        UnreadableSignalError, OSError: See `read_window`.
    """
    length = shape.length + (count - 1) * shape.hop
    part = _read_part(recording, shape, first * shape.hop, length)
    return np.lib.stride_tricks.sliding_window_view(part, shape.length)[:: shape.hop]


def _read_part(recording: Recording, shape: WindowShape, offset: int, length: int) -> np.ndarray:
    """``length`` samples at the shape's rate; see `read_window`."""
    fraction = shape.fraction(recording)
    up, down = fraction.numerator, fraction.denominator
    if up == down:
        first = recording.start + offset
        return _exactly(read_signal(recording, first, first + length), length)
    from src.tasks.bearing.signals.resample import resample, resample_margin

    margin = int(resample_margin(float(down), float(up)) * fraction) + up + 1
    # Sample k·up after conversion is sample k·down before it: the part begins at such a pair.
    begin = max(0, (offset - margin) // up) * up
    end = offset + length + margin
    source = recording.start + begin // up * down
    piece = read_signal(recording, source, min(recording.stop, recording.start + -(-end * down // up) + 1))
    converted = resample(piece, float(down), float(up))
    return _exactly(converted[offset - begin : offset - begin + length], length)


def _exactly(values: np.ndarray, length: int) -> np.ndarray:
    """Rounding may leave the last window a sample short: it is repeated."""
    found = np.asarray(values, dtype=np.float32)
    missing = length - len(found)
    return np.pad(found, (0, missing), mode="edge") if 0 < missing < len(found) else found[:length]

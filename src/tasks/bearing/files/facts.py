"""What a file of signals holds, in the same words for every format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

#: Longer channels are refused: a claim of this size is a damaged header (19 days at 2.5 MHz).
MOST_SAMPLES = 2**42
#: At most this many channels and values of a file are looked at.
MOST_NAMES = 32_768
#: Arrays that are larger than this in two directions hold no channels side by side.
MOST_CHANNELS = 128


class UnreadableSignalError(Exception):
    """A file of signals cannot be read; the message is the reason as the end of a sentence."""


@dataclass
class FileFacts:
    """Channels and single values of a file.

    Attributes:
        channels: Number of samples of each channel, by its name.
        values: Single numbers and short texts, by their names: speed, load, sampling rate, remarks.
        rate: Sampling rate in Hz where the format itself states one (WAV, a column of times); 0 elsewhere.
        remarks: What a person should know of what was not taken, as sentences.
    """

    channels: dict[str, int] = field(default_factory=dict)
    values: dict[str, float | str] = field(default_factory=dict)
    rate: float = 0.0
    remarks: list[str] = field(default_factory=list)

    def add(self, name: str, value: Any) -> None:
        """Take in what a variable of any shape holds: a channel, several channels side by side, a value, or fields.

        Arrays of two dimensions hold a channel a column, or a row where they are wider than high.
        """
        if len(self.channels) + len(self.values) >= MOST_NAMES:
            self.remarks = self.remarks or [
                f"There are more than {MOST_NAMES} names: the rest was not looked at."
            ]
            return
        if isinstance(value, Mapping):
            for key, inner in value.items():
                self.add(f"{name}.{key}" if name else str(key), inner)
        elif isinstance(value, bytes | str | np.str_ | np.bytes_):
            text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
            self.values[name] = text[:1000]
        elif isinstance(value, int | float | np.number | np.bool_) and not isinstance(value, complex):
            self.values[name] = float(value)
        else:
            self._add_array(name, np.asarray(value))

    def is_full(self) -> bool:
        """Whether no more names are taken in, which is then among the remarks."""
        full = len(self.channels) + len(self.values) >= MOST_NAMES
        text = f"More than {MOST_NAMES} names are in it, and those behind them were not looked at."
        if full and text not in self.remarks:
            self.remarks.append(text)
        return full

    def _add_array(self, name: str, array: np.ndarray) -> None:
        if array.dtype == object:
            for part, inner in parts_of(array):
                self.add(f"{name}.{part}", inner)
        elif array.dtype.kind in "US" and array.size == 1:
            self.add(name, array.reshape(-1)[0])
        elif array.dtype.kind in "iufb":
            self.add_shape(name, array.shape, lambda: array.reshape(-1)[0])

    def add_shape(self, name: str, shape: Sequence[int], first: Any) -> None:
        """A numeric array of a shape; ``first`` gives the number of an array that holds a single one."""
        size = int(np.prod([int(n) for n in shape], dtype=float)) if shape else 1
        if size == 1:
            self.values[name] = float(first())
        elif size > MOST_SAMPLES:
            raise UnreadableSignalError(f"“{name}” claims to hold {size} values")
        elif sum(int(n) > MOST_CHANNELS for n in shape) > 1:
            text = " × ".join(str(int(n)) for n in shape)
            self.remarks.append(f"“{name}” holds {text} numbers, which look like windows that were cut already: whole "
                                "recordings are needed, a file each.")  # fmt: skip
        elif size:
            for part, length in columns_of(name, shape):
                self.channels[part] = length


def parts_of(array: np.ndarray) -> list[tuple[str, Any]]:
    """The items of an array of objects with their names: what a field ``Name`` says, or their numbers from 1."""
    found = []
    for number, item in enumerate(array.reshape(-1)[:MOST_NAMES], start=1):
        name = ""
        if isinstance(item, Mapping):
            name = next(
                (str(v) for k, v in item.items() if str(k).lower() == "name" and isinstance(v, str)), ""
            )
        found.append((name or str(number), item))
    return found


def columns_of(name: str, shape: Sequence[int]) -> list[tuple[str, int]]:
    """Names and lengths of the channels of an array: itself, or ``name[1]``, ``name[2]`` of a table of numbers."""
    long = [int(n) for n in shape if n != 1]
    if len(long) <= 1:
        return [(name, long[0] if long else 1)]
    if len(long) > 2:
        return []
    length, count = max(long), min(long)
    return [(f"{name}[{k}]", length) for k in range(1, min(count, MOST_NAMES) + 1)]


def split_column(channel: str) -> tuple[str, int]:
    """Name of the array and number of the channel in it, from 0; -1 where it is the whole array."""
    if channel.endswith("]") and "[" in channel:
        name, _, number = channel[:-1].rpartition("[")
        if number.isdigit() and int(number) > 0:
            return name, int(number) - 1
    return channel, -1


def part_of(array: Any, column: int, start: int, stop: int) -> np.ndarray:
    """Samples ``start`` to ``stop`` of one channel of an array that can be sliced, as float32 of one dimension."""
    shape = [int(n) for n in array.shape]
    if column < 0:
        axis = int(np.argmax(shape)) if shape else 0
        place: list[Any] = [0] * len(shape)
        place[axis] = slice(start, stop)
    else:
        wide = [k for k, n in enumerate(shape) if n != 1]
        time = wide[0] if shape[wide[0]] >= shape[wide[1]] else wide[1]
        place = [0] * len(shape)
        place[time] = slice(start, stop)
        place[wide[1] if time == wide[0] else wide[0]] = column
    return as_float32(array[tuple(place)])


def as_float32(values: Any) -> np.ndarray:
    """Numbers of any kind as float32; those beyond its range become infinite and are found by the check."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.ascontiguousarray(np.asarray(values).reshape(-1), dtype=np.float32)

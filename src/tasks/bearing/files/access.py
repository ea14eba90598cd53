"""Which reader a file takes, by its suffix."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np

from src.tasks.bearing.files import arrays, hdf5, matlab, parquet, text
from src.tasks.bearing.files.facts import FileFacts, UnreadableSignalError
from src.tasks.bearing.files.parquet import INSTALL_PARQUET
from src.tasks.bearing.files.spool import key_of
from src.tasks.bearing.files.table_head import may_be_table, text_suffix

_Facts = Callable[[Path], FileFacts]
_Read = Callable[[Path, str, int, int], np.ndarray]

_READERS: dict[str, tuple[_Facts, _Read]] = {
    ".mat": (matlab.matlab_facts, matlab.matlab_read),
    ".npy": (arrays.npy_facts, arrays.npy_read),
    ".wav": (arrays.wav_facts, arrays.wav_read),
    ".parquet": (parquet.parquet_facts, parquet.parquet_read),
    **dict.fromkeys((".csv", ".txt", ".tsv"), (text.text_facts, text.text_read)),
    **dict.fromkeys((".h5", ".hdf5", ".hdf"), (hdf5.hdf5_facts, hdf5.hdf5_read)),
}
#: Suffixes of files of signals, in small letters.
SUFFIXES = frozenset(_READERS)


class PossibleSuffixes:
    """Suffixes in small letters of files that may hold signals; of some only a look into the file decides."""

    def __contains__(self, suffix: object) -> bool:
        return isinstance(suffix, str) and (suffix in SUFFIXES or text_suffix(suffix))


def _reader(path: Path) -> tuple[_Facts, _Read]:
    known = _READERS.get(path.suffix.lower())
    if known is None and text_suffix(path.suffix):
        return text.text_facts, text.text_read
    if known is None:
        raise UnreadableSignalError(f"files of the kind “{path.suffix}” are not known")
    return known


def is_signal_file(path: Path) -> bool:
    """Whether a file is one of signals: by its suffix, or where that says nothing by the numbers at its beginning."""
    suffix = path.suffix.lower()
    return suffix in SUFFIXES or (text_suffix(suffix) and may_be_table(path))


def inspect_file(path: str | Path) -> FileFacts:
    """What is in a file.

    Raises:
        UnreadableSignalError: It is damaged, or of no format that is known.
        OSError: It cannot be opened.
    """
    return _inspected(key_of(path, ""))


@lru_cache(maxsize=256)
def _inspected(key: tuple[str, int, int, str]) -> FileFacts:
    path = Path(key[0])
    if key[1] == 0:
        raise UnreadableSignalError("it is empty")
    return _reader(path)[0](path)


def read_channel(path: str | Path, channel: str, start: int, stop: int) -> np.ndarray:
    """Samples ``start`` to ``stop`` of a channel as float32 of one dimension; fewer at its end.

    Only these samples are read where the format lets one (MATLAB, HDF5, NumPy, WAV, groups of rows of Parquet).

    Raises:
        UnreadableSignalError: The file is damaged, or has no such channel any more.
        OSError: It cannot be opened.
    """
    path = Path(path)
    if stop <= start:
        return np.zeros(0, np.float32)
    return _reader(path)[1](path, channel, max(0, start), stop)


__all__ = [
    "INSTALL_PARQUET",
    "SUFFIXES",
    "PossibleSuffixes",
    "inspect_file",
    "is_signal_file",
    "read_channel",
]

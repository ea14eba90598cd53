"""MATLAB files: version 4 to 7 by scipy, 7.3 as HDF5; large ones of version 5 without reading the whole."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from src.tasks.bearing.files import hdf5, large_matlab
from src.tasks.bearing.files.facts import (
    FileFacts,
    UnreadableSignalError,
    part_of,
    parts_of,
    split_column,
)
from src.tasks.bearing.files.spool import SMALL, kept

_NUMBERS = {
    "double",
    "single",
    "logical",
    "sparse",
    *(f"{u}int{b}" for u in ("", "u") for b in (8, 16, 32, 64)),
}
#: Structures are read as a whole; in larger files they are left alone.
_MOST_STRUCTURE = 512 * 2**20


def is_hdf5(path: Path) -> bool:
    """Whether a file is HDF5 behind MATLAB's header of 512 bytes, or without it."""
    with path.open("rb") as stream:
        head = stream.read(520)
    return head[512:520] == b"\x89HDF\r\n\x1a\n" or head[:8] == b"\x89HDF\r\n\x1a\n"


def _guarded(call: Any, *args: Any, **options: Any) -> Any:
    """What scipy makes of a file; all that it raises on a damaged one has one name."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return call(*args, **options)
    except OSError as error:
        if error.errno is not None:  # the disk, not the contents
            raise
        raise UnreadableSignalError(f"it is a damaged MATLAB file ({error})") from error
    except Exception as error:  # scipy raises of every kind, among them zlib.error, struct.error and KeyError
        raise UnreadableSignalError(
            f"it is damaged, or no MATLAB file ({type(error).__name__}: {error})"
        ) from error


def matlab_facts(path: Path) -> FileFacts:
    """Variables of numbers as channels; single numbers, texts and the fields of structures by their names."""
    from scipy.io import loadmat, whosmat

    if is_hdf5(path):
        return hdf5.hdf5_facts(path)
    facts, rest = FileFacts(), []
    for name, shape, kind in _guarded(whosmat, str(path)):
        if kind in _NUMBERS - {"sparse"} and int(np.prod(shape, dtype=float)) > 1:
            facts.add_shape(name, shape, None)
        elif kind in _NUMBERS | {"char", "struct", "cell"}:
            rest.append(name)
    if rest and path.stat().st_size <= _MOST_STRUCTURE:
        for name, value in _guarded(loadmat, str(path), variable_names=rest, simplify_cells=True).items():
            if not name.startswith("__"):
                facts.add(name, value)
    return facts


def matlab_read(path: Path, channel: str, start: int, stop: int) -> np.ndarray:
    """A part of a channel; small files are kept in memory, large ones mapped."""
    if is_hdf5(path):
        return hdf5.hdf5_read(path, channel, start, stop)
    name, column = split_column(channel)
    if path.stat().st_size > 8 * SMALL:
        found = large_matlab.mapped(path, name)
        if found is not None:
            return part_of(found, column, start, stop)
    return kept(path, channel, lambda: _whole(path, name, column))[start:stop]


def _whole(path: Path, name: str, column: int) -> np.ndarray:
    from scipy.io import loadmat

    head, _, rest = name.partition(".")
    value: Any = _guarded(loadmat, str(path), variable_names=[head], simplify_cells=True).get(head)
    while rest and value is not None:
        value, rest = _inside(value, rest)
    if value is None or not isinstance(value, np.ndarray) or value.dtype.kind not in "iufb":
        raise UnreadableSignalError(f"it has no channel “{name}” any more")
    return part_of(value, column, 0, max(value.shape))


def _inside(value: Any, rest: str) -> tuple[Any, str]:
    """The field or item with which ``rest`` begins, and what is left of it; names may hold dots."""
    if isinstance(value, np.ndarray | list):
        array = np.empty(len(value), dtype=object) if isinstance(value, list) else value
        if isinstance(value, list):
            array[:] = value
        items = parts_of(array)
    else:
        items = list(value.items()) if isinstance(value, Mapping) else []
    for key, inner in items:
        if rest == key or rest.startswith(f"{key}."):
            return inner, rest[len(key) + 1 :]
    return None, ""

"""HDF5, and MATLAB 7.3, which is HDF5 with MATLAB's own marks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from src.tasks.bearing.files.facts import (
    MOST_NAMES,
    FileFacts,
    UnreadableSignalError,
    part_of,
    split_column,
)

_MOST_DEPTH = 16
_MOST_TEXT = 1000


def _open(path: Path) -> Any:
    import h5py

    try:
        return h5py.File(path, "r")
    except (OSError, RuntimeError) as error:
        raise UnreadableSignalError("it is damaged, or no HDF5 file") from error


def hdf5_facts(path: Path) -> FileFacts:
    """Data sets as channels, by their paths with dots; single numbers, texts and attributes as values."""
    facts = FileFacts()
    with _open(path) as file:
        try:
            _attributes(facts, "", file)
            _walk(facts, "", file, 0, set())
        except (OSError, RuntimeError, KeyError, TypeError) as error:
            raise UnreadableSignalError(f"it is damaged ({error})") from error
    return facts


def hdf5_read(path: Path, channel: str, start: int, stop: int) -> np.ndarray:
    """A part of a channel."""
    name, column = split_column(channel)
    with _open(path) as file:
        try:
            found = _find(file, name)
            return part_of(found, column, start, stop)
        except (OSError, RuntimeError, KeyError) as error:
            raise UnreadableSignalError(f"“{channel}” in it is damaged ({error})") from error


def _find(group: Any, name: str) -> Any:
    """The data set of a dotted name; names of MATLAB hold no dots, those of others may."""
    if name in group and hasattr(group[name], "shape"):
        return group[name]
    head = ""
    for part in name.split("."):
        head = f"{head}.{part}" if head else part
        if head in group and not hasattr(group[head], "shape"):
            return _find(group[head], name[len(head) + 1 :])
        rest = name[len(head) + 1 :]
        number, _, behind = rest.partition(".")
        if head in group and number.isdigit() and _refers(group[head]):
            target = group.file[np.asarray(group[head]).reshape(-1)[int(number) - 1]]
            return _find(target, behind) if behind else target
    raise KeyError(name)


def _refers(item: Any) -> bool:
    """Whether a data set holds references to others, as MATLAB writes cells and arrays of structures."""
    import h5py

    return hasattr(item, "dtype") and h5py.check_ref_dtype(item.dtype) is h5py.Reference


def _attributes(facts: FileFacts, prefix: str, item: Any) -> None:
    for key in list(item.attrs)[:64]:
        if key.startswith(("MATLAB_", "H5PATH", "DIMENSION", "CLASS", "NAME", "REFERENCE")):
            continue
        try:
            value = item.attrs[key]
        except (OSError, TypeError):  # a type that h5py does not know
            continue
        if (np.size(value) == 1 and not isinstance(value, np.ndarray | np.void)) or np.shape(value) == (1,):
            facts.add(
                f"{prefix}.{key}" if prefix else key, np.reshape(value, -1)[0] if np.ndim(value) else value
            )


def _walk(facts: FileFacts, prefix: str, group: Any, depth: int, seen: set[Any]) -> None:
    import h5py

    mark = h5py.h5o.get_info(group.id).addr
    if depth > _MOST_DEPTH or mark in seen:  # a link back to a group above
        return
    seen.add(mark)
    for key in group:
        if key.startswith("#"):
            continue  # MATLAB keeps there what cells refer to
        if facts.is_full():
            return
        if group.get(key, getlink=True).__class__ is h5py.ExternalLink:
            continue  # another file: it would be read without anybody knowing
        item = group.get(key)
        name = f"{prefix}.{key}" if prefix else key
        if isinstance(item, h5py.Group):
            _attributes(facts, name, item)
            _walk(facts, name, item, depth + 1, seen)
        elif isinstance(item, h5py.Dataset) and not item.external and not item.is_virtual:
            _attributes(facts, name, item)
            if _refers(item):
                _follow(facts, name, item, depth, seen)
            else:
                _add(facts, name, item)


def _follow(facts: FileFacts, name: str, item: Any, depth: int, seen: set[Any]) -> None:
    """What the references of a cell or an array of structures lead to, by their numbers from 1."""
    import h5py

    if item.size > MOST_NAMES or item.shape is None:
        return
    for number, reference in enumerate(np.asarray(item).reshape(-1), start=1):
        target = item.file[reference] if reference else None
        if isinstance(target, h5py.Group):
            _walk(facts, f"{name}.{number}", target, depth + 1, seen)
        elif isinstance(target, h5py.Dataset) and not _refers(target):
            _add(facts, f"{name}.{number}", target)


def _add(facts: FileFacts, name: str, item: Any) -> None:
    kind = item.attrs.get("MATLAB_class", b"")
    if item.shape is None or item.attrs.get("MATLAB_empty", 0) or not item.size:
        return
    if kind == b"char" and item.dtype.kind in "ui":
        if item.size <= _MOST_TEXT:
            facts.add(name, "".join(map(chr, np.asarray(item).reshape(-1).astype(int).tolist())))
    elif item.dtype.kind in "iufb":
        if item.size > 1 and not item.id.get_storage_size():
            return  # claims a size and holds nothing
        facts.add_shape(name, item.shape, lambda: np.asarray(item).reshape(-1)[0])
    elif item.size == 1 and item.dtype.kind in "OS":
        value = np.asarray(item).reshape(-1)[0]
        if isinstance(value, bytes | str):
            facts.add(name, value)

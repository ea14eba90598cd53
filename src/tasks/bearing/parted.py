"""Files that hold many recordings: groups of HDF5 or structures of MATLAB, each with facts of its own."""

from __future__ import annotations

from src.tasks.bearing.files import FileFacts
from src.tasks.bearing.files.facts import split_column
from src.tasks.bearing.naming import fault_in_name, usual

#: Facts that tell recordings apart; a sampling rate may well stand at each channel of one recording.
_OWN = ("label", "speed", "load", "bearing")
_DEEPEST = 5


def recordings_in(contents: FileFacts) -> dict[str, FileFacts]:
    """What belongs to each recording of a file, by the dotted name of its part; the empty name where the file is one.

    Parts are recordings where each has a label, a speed, a load or a bearing of its own, or where their names are those of
    damaged parts. A part has its own channels, and the values of itself and of what it lies in.
    """
    for depth in range(_DEEPEST, 0, -1):
        channels: dict[str, dict[str, int]] = {}
        for name, length in contents.channels.items():
            pieces = split_column(name)[0].split(".")
            if len(pieces) >= depth:
                channels.setdefault(".".join(pieces[:depth]), {})[name] = length
        parts = sorted(channels)
        if len(parts) < 2:
            continue
        own, around = _values(parts, depth, contents)
        if _have_facts(own) or _name_faults(parts):
            return {
                part: FileFacts(channels[part], own[part] | around[part], contents.rate, contents.remarks)
                for part in parts
            }
    return {"": contents}


_Values = dict[str, float | str]


def _values(
    parts: list[str], depth: int, contents: FileFacts
) -> tuple[dict[str, _Values], dict[str, _Values]]:
    """The values inside each part; and those of groups that it lies in, or in which no part lies."""
    own: dict[str, _Values] = {part: {} for part in parts}
    groups: dict[str, _Values] = {}
    for name, value in contents.values.items():
        part = ".".join(name.split(".")[:depth])
        if part in own and part != name:
            own[part][name] = value
        else:
            groups.setdefault(name.rpartition(".")[0], {})[name] = value
    above = {part: {"", *_around(part)} for part in parts}
    holding = {group for found in above.values() for group in found}
    free = {
        name: value
        for group, found in groups.items()
        if group not in holding
        for name, value in found.items()
    }
    around = {
        part: free | {k: v for group in above[part] for k, v in groups.get(group, {}).items()}
        for part in parts
    }
    return own, around


def _around(part: str) -> list[str]:
    pieces = part.split(".")
    return [".".join(pieces[:k]) for k in range(1, len(pieces))]


def _have_facts(own: dict[str, _Values]) -> bool:
    """Whether each part states one and the same of the facts that tell recordings apart, in itself."""
    direct = [
        [n[len(part) + 1 :] for n in values if n.count(".") == part.count(".") + 1]
        for part, values in own.items()
    ]
    return any(all(usual(fact, names) for names in direct) for fact in _OWN)


def _name_faults(parts: list[str]) -> bool:
    faults = [fault_in_name(part.rpartition(".")[2]) for part in parts]
    return all(faults) and len(set(faults)) > 1

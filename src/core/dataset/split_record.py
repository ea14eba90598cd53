"""A split on disk: the files that people read, and the record by which it is recognised."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from src.core.dataset.records import SPLITS, Sample, Split

RECORD_NAME = "split.json"


def split_hash(parts: Mapping[Split, Iterable[Sample]]) -> str:
    """sha256 over part and id of every sample, in the order of the ids."""
    lines = sorted(f"{part}\t{s.id}\n" for part, samples in parts.items() for s in samples)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@dataclass(frozen=True)
class SplitRecord:
    """What ``split.json`` holds: the hash, the folder of the ids, and the side of each group."""

    hash: str
    root: str
    groups: dict[str, Split]


def write_split(
    folder: str | os.PathLike[str], parts: Mapping[Split, Sequence[Sample]], root: str = ""
) -> str:
    """Write ``train.txt``, ``val.txt``, ``test.txt`` and ``split.json``.

    A line is the image and its mask with a tab between them, relative to ``root`` where they are below it.
    The files can be given back as ``data.split_dir``.

    Returns:
        The hash of the split.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for part in SPLITS:
        samples = parts.get(part, [])
        path = target / f"{part}.txt"
        if samples or part != "test":
            _replace(path, "".join(_line(s, root) + "\n" for s in samples))
        else:
            path.unlink(missing_ok=True)
    digest = split_hash(parts)
    groups = {s.group: part for part in SPLITS for s in parts.get(part, [])}
    record: dict[str, Any] = {
        "version": 1,
        "hash": digest,
        "root": root,
        "groups": dict(sorted(groups.items())),
    }
    record["images"] = {part: len(parts.get(part, [])) for part in SPLITS}
    _replace(target / RECORD_NAME, json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    return digest


def _line(sample: Sample, root: str) -> str:
    return "\t".join(_relative(path, root) for path in (sample.image, sample.mask) if path)


def _relative(path: str, root: str) -> str:
    if root and path.startswith(root.rstrip(os.sep) + os.sep):
        path = Path(os.path.relpath(path, root)).as_posix()
    return f"./{path}" if path.startswith(("#", '"', "'")) else path


def _replace(path: Path, text: str) -> None:
    beside = path.with_name(path.name + ".part")
    beside.write_text(text, encoding="utf-8", newline="\n")
    beside.replace(path)


def read_split(folder: str | os.PathLike[str]) -> SplitRecord | None:
    """The record of a split that Lathe wrote; ``None`` where there is none or it is damaged."""
    try:
        data = json.loads((Path(folder) / RECORD_NAME).read_text(encoding="utf-8"))
        return SplitRecord(str(data["hash"]), str(data["root"]), dict(data["groups"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def recorded_root(folder: str) -> str:
    """Folder to which the lines of a split that Lathe wrote are relative; empty without a record."""
    record = read_split(folder)
    return record.root if record else ""

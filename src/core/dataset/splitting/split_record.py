"""A split on disk: the files that people read, and the record by which it is recognised and carried on."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from src.core.dataset.contract import SPLITS, Record, Split

RECORD_NAME = "split.json"
_VERSION = 2
#: Of the parts in which one thing was found, the one in which all of it goes on: what was held back stays back.
_STRICTEST: tuple[Split, ...] = ("test", "val", "train")


def split_hash(parts: Mapping[Split, Iterable[Record]]) -> str:
    """sha256 over part and id of every sample, in the order of the ids."""
    lines = sorted(f"{part}\t{s.id}\n" for part, samples in parts.items() for s in samples)
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class Kept:
    """What an earlier split says of groups and samples; all may be empty.

    Attributes:
        groups: Part of each group. It counts for a group none of whose samples is in ``samples``.
        samples: Part of each sample id.
        folds: Fold of each sample id.
    """

    groups: Mapping[str, Split] = field(default_factory=dict)
    samples: Mapping[str, Split] = field(default_factory=dict)
    folds: Mapping[str, int] = field(default_factory=dict)

    def sides(self, members: Mapping[str, Sequence[str]]) -> dict[str, Split]:
        """The part of each group of sample ids that is known.

        Where a group holds samples of several parts (copies came to light, or the key was corrected), test goes
        before validation and validation before training.
        """
        found: dict[str, Split] = {}
        for group, ids in members.items():
            parts = {self.samples[i] for i in ids if i in self.samples} if self.samples else set()
            if not parts and group in self.groups:
                parts = {self.groups[group]}
            if parts:
                found[group] = next(part for part in _STRICTEST if part in parts)
        return found

    def fold_numbers(self, members: Mapping[str, Sequence[str]]) -> dict[str, int]:
        """The fold of each group that is known: of its first sample by id that is."""
        first = {g: next((i for i in sorted(ids) if i in self.folds), None) for g, ids in members.items()}
        return {group: self.folds[sample_id] for group, sample_id in first.items() if sample_id is not None}


@dataclass(frozen=True)
class SplitRecord:
    """What ``split.json`` holds.

    Attributes:
        hash: See ``split_hash``.
        root: Folder of the ids.
        groups: Part of each group.
        samples: Part of each sample id; empty in records of older versions.
        contents: Hash of the file of each sample id, where it was known.
        folds: Fold of each sample id; 0 for the test part; empty without folds.
        gone: Part of the sample ids that an earlier state of the split held and that are not there now: should
            they come back, under this name or another, they come back where they were.
        settings: The split's options; empty where the parts were given.
        made: Date and time, ISO 8601, UTC; empty in records of older versions.
    """

    hash: str
    root: str
    groups: dict[str, Split]
    samples: dict[str, Split] = field(default_factory=dict)
    contents: dict[str, str] = field(default_factory=dict)
    folds: dict[str, int] = field(default_factory=dict)
    gone: dict[str, Split] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    made: str = field(default="", compare=False)

    def known_as(self, contents: Mapping[str, str]) -> dict[str, str]:
        """For files that are new by name but not by content: the recorded id, which is no longer there."""
        gone = {self.contents[i]: i for i in sorted(self.contents, reverse=True) if i not in contents}
        return {
            i: gone[digest]
            for i, digest in contents.items()
            if digest in gone and i not in self.samples and i not in self.gone
        }

    def kept(self, contents: Mapping[str, str] | None = None) -> Kept:
        """What is to stay as it is; ``contents`` (by sample id, as they are now) finds files that were renamed."""
        samples, folds = {**self.gone, **self.samples}, {i: n for i, n in self.folds.items() if n}
        for now, before in self.known_as(contents or {}).items():
            samples[now] = samples[before]
            if before in folds:
                folds[now] = folds[before]
        return Kept(self.groups, samples, folds)

    @classmethod
    def of(
        cls,
        parts: Mapping[Split, Sequence[Record]],
        root: str = "",
        contents: Mapping[str, str] | None = None,
        folds: Mapping[str, int] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> SplitRecord:
        """The record of a split made now; ``folds`` are of groups, as ``make_folds`` gives them."""
        pairs = [(s, part) for part in SPLITS for s in parts.get(part, [])]
        known = contents or {}
        return cls(
            hash=split_hash(parts),
            root=root,
            groups={s.group: part for s, part in sorted(pairs, key=lambda p: p[0].group)},
            samples={s.id: part for s, part in sorted(pairs, key=lambda p: p[0].id)},
            contents={s.id: known[s.id] for s, _ in pairs if s.id in known},
            folds={s.id: folds[s.group] for s, _ in pairs} if folds else {},
            settings=dict(settings or {}),
            made=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    def after(self, before: SplitRecord) -> SplitRecord:
        """This split as the continuation of an earlier one: with its date, and with what is gone since."""
        gone = {i: part for i, part in {**before.gone, **before.samples}.items() if i not in self.samples}
        for renamed in before.known_as(self.contents).values():
            gone.pop(renamed, None)
        contents = {i: digest for i, digest in before.contents.items() if i in gone}
        folds = {i: n for i, n in before.folds.items() if i in gone} if self.folds else {}
        return replace(
            self,
            gone=gone,
            contents={**contents, **self.contents},
            folds={**folds, **self.folds},
            made=before.made or self.made,
        )

    def to_json(self) -> str:
        """The text of ``split.json``: an entry a line, so that two records can be compared with common tools."""
        counts = {part: sum(p == part for p in self.samples.values()) for part in SPLITS}
        data: dict[str, Any] = {
            "version": _VERSION,
            "hash": self.hash,
            "made": self.made,
            "root": self.root,
            "settings": self.settings,
            "images": counts,
            "groups": self.groups,
            "samples": self.samples,
            "contents": self.contents,
            "folds": self.folds,
            "gone": self.gone,
        }
        return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def write_split(
    folder: str | os.PathLike[str],
    parts: Mapping[Split, Sequence[Record]],
    root: str = "",
    record: SplitRecord | None = None,
) -> str:
    """Write ``train.txt``, ``val.txt``, ``test.txt`` and ``split.json``.

    A line is the files of a sample (an image and its mask) with tabs between them, relative to ``root`` where they
    are below it.
    The files can be given back as ``data.split_dir``.

    Args:
        folder: Made where it is not there.
        parts: The split.
        root: Folder of the ids.
        record: What is known beyond the parts; without it the record holds the parts alone.

    Returns:
        The hash of the split.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for part in SPLITS:
        samples = parts.get(part, [])
        path = target / f"{part}.txt"
        if samples or part != "test":
            replace_text(path, "".join(_line(s, root) + "\n" for s in samples))
        else:
            path.unlink(missing_ok=True)
    kept = record or SplitRecord.of(parts, root)
    write_record(target / RECORD_NAME, kept)
    return kept.hash


def write_record(path: Path, record: SplitRecord) -> None:
    """Write the record alone; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(path, record.to_json())


def _line(sample: Record, root: str) -> str:
    return "\t".join(_relative(path, root) for path in sample.files)


def _relative(path: str, root: str) -> str:
    if root and path.startswith(root.rstrip(os.sep) + os.sep):
        path = Path(os.path.relpath(path, root)).as_posix()
    return f"./{path}" if path.startswith(("#", '"', "'")) else path


def replace_text(path: Path, text: str) -> None:
    """Write a text file as a whole: a reader sees the old one or the new one."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        beside.write_text(text, encoding="utf-8", errors="surrogateescape", newline="\n")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def read_split(folder: str | os.PathLike[str]) -> SplitRecord | None:
    """The record of a split that Lathe wrote; ``None`` where there is none or it is damaged."""
    return read_record(Path(folder) / RECORD_NAME)


def read_record(path: Path) -> SplitRecord | None:
    """The record in a file; ``None`` where there is none or it is damaged."""
    try:
        data = json.loads(path.read_text(encoding="utf-8", errors="surrogateescape"))
        return SplitRecord(
            hash=str(data["hash"]),
            root=str(data["root"]),
            groups=_parts(data["groups"]),
            samples=_parts(data.get("samples") or {}),
            contents={str(k): str(v) for k, v in (data.get("contents") or {}).items()},
            folds={str(k): int(v) for k, v in (data.get("folds") or {}).items()},
            gone=_parts(data.get("gone") or {}),
            settings=dict(data.get("settings") or {}),
            made=str(data.get("made") or ""),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _parts(found: Mapping[str, str]) -> dict[str, Split]:
    of_name: dict[str, Split] = {part: part for part in SPLITS}
    return {str(key): of_name[part] for key, part in found.items()}


def recorded_root(folder: str) -> str:
    """Folder to which the lines of a split that Lathe wrote are relative; empty without a record."""
    record = read_split(folder)
    return record.root if record else ""

"""What the descriptions of all tasks share: parts and findings, the sentence about them, their form on disk."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, Self

from src.core.dataset.contract import DESCRIPTION_NAME, SPLITS, R, Split
from src.core.dataset.findings import Finding, Noun, counted, named
from src.core.dataset.splitting.split_record import SplitRecord, read_split, write_split

_VERSION = 1
_PURPOSES: dict[Split, str] = {"train": "for training", "val": "for validation", "test": "for testing"}


@dataclass
class BaseDescription(ABC, Generic[R]):
    """Base of the descriptions, which says of each task what ``contract.Description`` asks for.

    A task derives from it, names its record, says ``class_names`` (a property, or a field that `to_dict` and `fields_of`
    write and read) and `row`, and adds what only it knows.

    Attributes:
        record_type: The class of its records, a dataclass with ``to_dict`` and ``from_dict``.
        file_bytes: Sizes of the files of each sample, in the order of ``Record.files``.

    The other attributes are those of ``contract.Description``.
    """

    record_type: ClassVar[Any]

    samples: Mapping[Split, Sequence[R]] = field(default_factory=lambda: {part: [] for part in SPLITS})
    findings: list[Finding] = field(default_factory=list)
    fingerprint: str = ""
    quarantined: list[tuple[str, str]] = field(default_factory=list)
    split_hash: str = ""
    split_given: bool = False
    root: str = ""
    source: str = ""
    file_bytes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    record: SplitRecord | None = None
    statistics: dict[str, Any] = field(default_factory=dict)

    @property
    @abstractmethod
    def class_names(self) -> Sequence[str]:
        """Names of the classes by their numbers; empty while they are not known."""

    @abstractmethod
    def row(self, sample: R) -> Sequence[Any]:
        """The values of a sample in the columns that the task's look declares; None for what is not known."""

    @property
    def noun(self) -> Noun:
        """What a sample is called."""
        found: Noun = self.record_type.noun
        return found

    @property
    def has_errors(self) -> bool:
        """Training cannot start."""
        return any(f.severity == "error" for f in self.findings)

    @property
    def all_samples(self) -> list[R]:
        """The samples of all parts."""
        return [sample for part in SPLITS for sample in self.samples.get(part, [])]

    def summary(self) -> str:
        """One sentence for a status line."""
        numbers = {part: len(self.samples.get(part, [])) for part in SPLITS}
        total = sum(numbers.values())
        if not total:
            return f"No {self.noun.one} that can be used."
        parts = ", ".join(f"{n} {_PURPOSES[p]}" for p, n in numbers.items() if n)
        text = f"{counted(total, *self.noun)} ({parts})"
        if contents := self.contents():
            text += f", {contents}"
        if self.quarantined:
            text += f", {counted(len(self.quarantined), 'file')} left out"
        errors = sum(f.severity == "error" for f in self.findings)
        return text + (f"; {counted(errors, 'error')}." if errors else ".")

    def contents(self) -> str:
        """What is in the samples, in a few words of the summary; empty where nothing is known."""
        return counted(len(self.class_names), "class", "classes") if self.class_names else ""

    def resolved(self) -> dict[str, Any]:
        """The dotted configuration keys that were found rather than declared, with their values."""
        return {}

    def details(self) -> dict[str, Any]:
        """What only this task's part of a window asks for, as plain JSON types."""
        return {}

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types, without the record of the split, which has a file of its own."""
        return {
            "version": _VERSION,
            "summary": self.summary(),
            "fingerprint": self.fingerprint,
            "split_hash": self.split_hash,
            "split_given": self.split_given,
            "noun": list(self.noun),
            "root": self.root,
            "source": self.source,
            "class_names": list(self.class_names),
            "findings": [f.to_dict() for f in self.findings],
            "quarantined": self.quarantined,
            "samples": {part: [s.to_dict() for s in self.samples.get(part, [])] for part in SPLITS},
            "file_bytes": self.file_bytes,
            "statistics": self.statistics,
        }

    @classmethod
    def fields_of(cls, data: Mapping[str, Any], folder: Path) -> dict[str, Any]:
        """The arguments that make a description of what `to_dict` wrote; whatever is wrong with them may be raised."""
        make = cls.record_type.from_dict
        return {
            "samples": {part: [make(s) for s in data["samples"][part]] for part in SPLITS},
            "findings": [Finding.from_dict(f) for f in data["findings"]],
            "fingerprint": data["fingerprint"],
            "quarantined": [(str(a), str(b)) for a, b in data["quarantined"]],
            "split_hash": data["split_hash"],
            "split_given": bool(data.get("split_given", False)),
            "root": data["root"],
            "source": str(data.get("source", "")),
            "file_bytes": {key: tuple(int(v) for v in sizes) for key, sizes in data["file_bytes"].items()},
            "statistics": dict(data.get("statistics", {})),
            "record": read_split(folder),
        }

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write ``description.json`` and the split files into a folder, which is made."""
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        write_split(target, self.samples, self.root, self.record)
        beside = target / (DESCRIPTION_NAME + ".part")
        beside.write_text(json.dumps(self.to_dict(), ensure_ascii=False, indent=None), encoding="utf-8")
        beside.replace(target / DESCRIPTION_NAME)

    def compact(self) -> None:
        """Let go of what training does not ask for, once it is saved: the sizes of files, the record of the split."""
        self.record, self.file_bytes = None, {}
        give_back_memory()

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Self:
        """Read what ``save`` wrote, and look whether the files are still the same size.

        Files that are gone give an error and files of another size a warning, both with code ``changed.*``.

        Raises:
            OSError: there is no description.
            ValueError: it is damaged, or of another version.
        """
        path = Path(folder) / DESCRIPTION_NAME
        data = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(data, dict) or data.get("version") != _VERSION:
            raise ValueError(
                f"{path} is not a data-set description of version {_VERSION}: scan the data again"
            )
        try:
            found = cls(**cls.fields_of(data, Path(folder)))
        except (KeyError, TypeError, IndexError, AttributeError) as error:
            raise ValueError(f"{path} is damaged ({error!r}): scan the data again") from error
        found.findings = [f for f in found.findings if not f.code.startswith("changed.")] + _changes(found)
        return found


def give_back_memory() -> None:
    """Ask the C library for what it holds of freed memory; where it has no such call, it stays with the process."""
    gc.collect()
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)


def _changes(description: BaseDescription[Any]) -> list[Finding]:
    sizes = {
        path: size
        for sample in description.all_samples
        for path, size in zip(sample.files, description.file_bytes.get(sample.id, ()), strict=False)
    }
    files = dict.fromkeys(path for sample in description.all_samples for path in sample.files)
    gone, changed = [], []
    for path in files:  # several samples may be of one file
        try:
            if Path(path).stat().st_size != sizes.get(path, 0):
                changed.append(path)
        except OSError:
            gone.append(path)
    findings = []
    if gone:
        text = f"{counted(len(gone), 'file')} of the data set cannot be found any more."
        cure = "Put them back where they were, or scan the data again."
        findings.append(Finding("error", "changed.gone", text, cure, named(gone)))
    if changed:
        text = f"{counted(len(changed), 'file')} of the data set changed since it was scanned."
        findings.append(Finding("warning", "changed.size", text, "Scan the data again.", named(changed)))
    return findings

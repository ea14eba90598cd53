"""The last split of a data set under each set of options, kept in the workspace, so that it can grow.

An image that was held back for testing must not slip into training because others were added. So the split of a
data set is written down when it is made, and the next one under the same options carries it on. It lies beside
what else a person decided about the data set (``memory``); the data are never touched.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from src.core.dataset.checking.scan import Progress
from src.core.dataset.config import ImageDataConfig, SplitConfig
from src.core.dataset.contract import Record, noun_of
from src.core.dataset.description import DatasetDescription
from src.core.dataset.findings import DatasetError, Finding, Noun, counted, named
from src.core.dataset.memory import memory_folder
from src.core.dataset.records import SPLITS, Split
from src.core.dataset.sources.sources import find_sources
from src.core.dataset.splitting.grouping import group_keys
from src.core.dataset.splitting.leakage import TITLES
from src.core.dataset.splitting.split import make_split
from src.core.dataset.splitting.split_changes import changes, grown
from src.core.dataset.splitting.split_record import (
    SplitRecord,
    read_record,
    read_split,
    split_hash,
    write_record,
)
from src.core.run.folder import workspace

_FOLDER = "splits"
#: Records of one data set; the oldest are forgotten beyond it.
_MOST = 40
#: Options that choose among the groups that the test part leaves.
_NOT_OF_TEST = {"val_fraction", "folds", "fold"}


class SplitMemory:
    """The remembered splits of one data set.

    Attributes:
        path: The record of the split under the present options.
    """

    def __init__(
        self, place: str | os.PathLike[str], source: str, split: SplitConfig, own_files: bool = False
    ) -> None:
        """Find the place; nothing is read or written.

        Args:
            place: The workspace.
            source: The data set: its folder or its table.
            split: The options.
            own_files: The data set says which sample is in which part.
        """
        self._folder = memory_folder(place, source) / _FOLDER
        self._test = "given" if own_files else _digest(split, _NOT_OF_TEST)
        rest = "parts" if own_files else _digest(split, {"fold"})
        self.path = self._folder / f"{self._test}-{rest}.json"

    @classmethod
    def of_images(cls, place: str | os.PathLike[str], config: ImageDataConfig) -> SplitMemory:
        """That of a data set of images, whose options name it."""
        return cls(place, config.table or config.images_dir or config.split_dir, config.split, given(config))

    def recall(self) -> SplitRecord | None:
        """The split to carry on; ``None`` where there is none.

        What another split with the same test options (other folds, another validation share) holds back for
        testing is held back in this one, too.
        """
        own = read_record(self.path)
        others = [read_record(p) for p in sorted(self._folder.glob(f"{self._test}-*.json")) if p != self.path]
        for other in filter(None, others):
            tests: dict[str, Split] = {
                i: part for i, part in {**other.gone, **other.samples}.items() if part == "test"
            }
            if not tests:
                continue
            contents = {i: other.contents[i] for i in tests if i in other.contents}
            if own is None:
                own = replace(other, groups={}, samples={}, folds={}, gone=tests, contents=contents)
            else:
                present = {i: part for i, part in tests.items() if i in own.samples}
                absent = {i: part for i, part in tests.items() if i not in own.samples}
                own = replace(
                    own,
                    samples={**own.samples, **present},
                    gone={**own.gone, **absent},
                    contents={**contents, **own.contents},
                )
        return own

    def store(self, record: SplitRecord) -> None:
        """Remember a split under the present options.

        Raises:
            OSError: it cannot be written.
        """
        write_record(self.path, record)
        files = sorted(self._folder.glob("*.json"), key=lambda p: (p.stat().st_mtime, p.name))
        for old in files[:-_MOST]:
            old.unlink(missing_ok=True)

    def forget(self) -> None:
        """Drop what is remembered under the present options, with what shares its test part."""
        for path in self._folder.glob(f"{self._test}-*.json"):
            with contextlib.suppress(OSError):
                path.unlink()


def given(config: ImageDataConfig) -> bool:
    """Whether the source says which image is in which part."""
    return bool(config.split_column if config.table else config.split_dir)


def _digest(config: SplitConfig, without: set[str]) -> str:
    unused = {"pattern": {"group_column"}, "column": {"group_pattern"}}
    without = without | unused.get(config.group_by, {"group_column", "group_pattern"})
    text = json.dumps(config.model_dump(mode="json", exclude=without), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def describe_remembered(
    config: ImageDataConfig,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    *,
    place: str | os.PathLike[str] | None = None,
    anew: bool = False,
    store: bool = True,
    quick: bool = False,
) -> DatasetDescription:
    """``describe`` with the data set's last split carried on, and what changed since among the findings.

    Args:
        config: Where the data are and what is declared of them.
        progress, cancelled: See ``describe``.
        place: The workspace; ``None`` is the usual one.
        anew: Divide as if there had been no split before.
        store: Remember the result, where it has no errors.
        quick: As for ``describe``.

    Raises:
        DescriptionCancelledError: ``cancelled`` said so.
    """
    from src.core.dataset.describe import describe

    memory = SplitMemory.of_images(place or workspace(), config)
    own_files = given(config)
    before = None if anew else memory.recall()
    if own_files and not config.table:
        before = before or read_split(config.split_dir)
    found = describe(config, progress, cancelled, keep=None if own_files else before, quick=quick)
    if found.record is None:
        return found
    if own_files and before is not None and not before.samples.keys() & found.record.samples.keys():
        before = None  # the record counts its ids from another folder: nothing can be compared
    if before is not None:
        found.findings += since(before, found.record, found.all_samples, config.split, own_files)
        found.record = found.record.after(before)
    if store and not found.has_errors:
        found.findings += note(memory, found.record, anew, found.noun)
    return found


def since(
    before: SplitRecord, now: SplitRecord, samples: Sequence[Record], config: SplitConfig, own_files: bool
) -> list[Finding]:
    """What changed between an earlier state of a split and now; nothing where the earlier one names no samples."""
    if not before.samples:
        return []
    noun = noun_of(samples)
    what = changes(before, now, config, own_files, noun)
    if not own_files and not any(f.code == "split.kept" for f in what):
        fresh = split_hash(make_split(samples, config)[0])
        what += grown(before, now, fresh, config, noun)
    return what


def note(memory: SplitMemory, record: SplitRecord, anew: bool, noun: Noun) -> list[Finding]:
    """Remember a split; a warning where that is not possible. ``anew`` forgets the one before."""
    try:
        if anew:
            memory.forget()
        memory.store(record)
    except OSError as error:
        text = f"The split could not be noted in {memory.path}: {error.strerror or error}."
        cure = f"{noun.many.capitalize()} added later may then move others to another part. "
        cure += "Make the workspace writable."
        return [Finding("warning", "split.not_noted", text, cure)]
    return []


def added_since(config: ImageDataConfig, found: DatasetDescription) -> list[Finding]:
    """A notice of the images that came after a description was written; a run that goes on does not take them.

    Args:
        config: Where the data are.
        found: The description, as ``DatasetDescription.load`` gives it.
    """
    known = {s.image for s in found.all_samples} | {path for path, _ in found.quarantined}
    rows = [row for row in find_sources(config).rows if row.image not in known and row.mask not in known]
    if not rows:
        return []
    text = f"{counted(len(rows), 'image was', 'images were')} added since this run began: it goes on without them."
    groups = found.record.groups if found.record else {}
    try:
        keys = group_keys([r.id for r in rows], config.split, [r.columns for r in rows])
    except DatasetError:
        keys = []
    sides = Counter(groups[key] for key in keys if key in groups)
    if sides:
        where = ", ".join(f"{sides[part]} to {TITLES[part]}" for part in SPLITS if sides[part])
        text += f" By their groups they would go {where}."
    cure = "A new run takes them in; what was held back stays held back."
    return [Finding("notice", "changed.added", text, cure, named(r.id for r in rows))]


__all__ = ["SplitMemory", "added_since", "describe_remembered", "given", "note", "since"]

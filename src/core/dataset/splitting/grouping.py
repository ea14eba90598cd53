"""What is physically one thing: the group of each image, from its name, its folder, a table or its looks.

A group comes from one key (``data.split.group_by``). Then groups that hold copies of one file are joined, and,
where ``data.split.join`` says so, groups that hold near duplicates. Near duplicates are not joined unless asked
for: likeness is a guess, and a chain of look-alikes (slices of one scan, plain surfaces) can tie a whole data set
into one group, which leaves nothing to validate on. They are reported instead, with the setting that joins them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from src.core.dataset.config import SplitConfig
from src.core.dataset.contract import R, Record, noun_of
from src.core.dataset.findings import IMAGE, DatasetError, Finding, Noun, counted, named, show
from src.core.dataset.sources.source_rows import Row

_EXAMPLES = 8
_MEMBERS = 6
#: A repeated bracket that ends in a repetition, as in ``(\w+)+``: the matcher may need longer than anyone waits.
_RUNAWAY = re.compile(r"(?<!\\)[+*]\)(?:[+*]|\{\d*,\d*\})")


def group_key(sample_id: str, config: SplitConfig, columns: Mapping[str, str] | None = None) -> str | None:
    """The group of a sample by its key; what is joined afterwards is not known here.

    Args:
        sample_id: ``Sample.id``.
        config: Says what is physically one thing.
        columns: The sample's row of the table.

    Returns:
        ``None`` where the pattern does not match or the cell is empty.

    Raises:
        DatasetError: the pattern is not a regular expression, or the column does not exist.
    """
    if config.group_by in ("none", "duplicates"):
        return sample_id
    if config.group_by == "folder":
        return sample_id.rpartition("/")[0] or "."
    if config.group_by == "pattern":
        match = compile_pattern(config.group_pattern).search(sample_id)
        return _name_in(match) if match else None
    if columns is None or config.group_column not in columns:
        raise DatasetError(
            Finding(
                "error",
                "split.column",
                f"Samples are to be kept together by the column '{config.group_column}', but there is none.",
                "Set data.table and data.split.group_column, or choose another data.split.group_by.",
            )
        )
    return columns[config.group_column] or None


def _name_in(match: re.Match[str]) -> str | None:
    return match[1 if match.re.groups else 0] or None


def compile_pattern(text: str) -> re.Pattern[str]:
    """The regular expression of ``data.split.group_pattern``.

    Raises:
        DatasetError: it is empty, not a regular expression, or one that may never come to an end.
    """
    try:
        if not text:
            raise re.error("it is empty")
        if _RUNAWAY.search(text):
            raise re.error("a bracket that ends in + or * is itself repeated, which may take for ever")
        return re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise DatasetError(
            Finding(
                "error",
                "split.pattern",
                f"The pattern of the groups, '{text}', is not a regular expression that can be used: {error}.",
                "Correct data.split.group_pattern; (part\\d+)_ keeps part3_a.png and part3_b.png together.",
            )
        ) from error


def group_keys(
    ids: Sequence[str], config: SplitConfig, columns: Sequence[Mapping[str, str]] | None = None
) -> list[str | None]:
    """``group_key`` of many samples, in their order; 100,000 names take some 30 ms.

    Raises:
        DatasetError: as ``group_key``.
    """
    if config.group_by == "pattern":
        pattern = compile_pattern(config.group_pattern)
        place = 1 if pattern.groups else 0
        return [(match[place] or None) if match else None for match in map(pattern.search, ids)]
    if config.group_by == "column" and columns is not None:
        return [group_key(i, config, row) for i, row in zip(ids, columns, strict=True)]
    return [group_key(sample_id, config) for sample_id in ids]


def ungrouped(ids: Sequence[str], noun: Noun = IMAGE) -> list[Finding]:
    """A warning for the samples that have no group by the key."""
    if not ids:
        return []
    text = f"{counted(len(ids), *noun)} have no group by data.split.group_by: each stands for itself."
    cure = "Correct the pattern or the table if they belong together."
    return [Finding("warning", "split.no_group", text, cure, named(ids), (show(ids, noun=noun),))]


class _Joiner:
    """Groups that were found to be one (disjoint sets); a joined group has the smallest of its names."""

    def __init__(self, groups: Iterable[str]) -> None:
        self.parent = {group: group for group in groups}

    def top(self, group: str) -> str:
        parent = self.parent
        while parent[group] != group:
            parent[group] = parent[parent[group]]
            group = parent[group]
        return group

    def join(self, one: str, other: str) -> bool:
        """Whether they had been two."""
        low, high = sorted((self.top(one), self.top(other)))
        self.parent[high] = low
        return low != high

    def join_alike(self, samples: Iterable[Record], alike: Mapping[str, str]) -> list[str]:
        """Join the groups of samples with one value in ``alike``; the ids whose groups had been others."""
        first: dict[str, str] = {}
        return [
            s.id
            for s in samples
            if s.id in alike and self.join(first.setdefault(alike[s.id], s.group), s.group)
        ]


def join_groups(
    samples: Sequence[R],
    config: SplitConfig,
    contents: Mapping[str, str],
    clusters: Mapping[str, str] | None = None,
) -> tuple[list[R], list[Finding]]:
    """Put copies, and near duplicates where they are to be, into one group with the groups they stand in.

    Args:
        samples: With the groups of their keys.
        config: ``group_by: duplicates`` and ``join`` say what is joined.
        contents: Hash of the file of each sample id.
        clusters: Near-duplicate cluster of the sample ids that are in one.

    Returns:
        The samples in their order, and notices of what was joined.
    """
    joiner, noun = _Joiner(s.group for s in samples), noun_of(samples)
    findings = []
    by_looks = config.group_by == "duplicates"
    if config.join != "none" or by_looks:
        copies = joiner.join_alike(samples, contents)
        if copies:
            text = counted(len(copies), f"{noun.one} is an exact copy", f"{noun.many} are exact copies")
            text += " of one in another group: kept on one side of the split."
            actions = (show(copies, noun=noun),)
            findings.append(
                Finding("notice", "split.copies", text, "Remove the copies.", named(copies), actions)
            )
    if config.join == "near" or by_looks:
        alike = joiner.join_alike(samples, clusters or {})
        if alike and not by_looks:
            text = counted(len(alike), f"{noun.one} looks", f"{noun.many} look")
            text += " like one in another group: these groups are kept on one side of the split."
            cure = "If they only look alike, set data.split.join: copies."
            findings.append(
                Finding("notice", "split.near_joined", text, cure, named(alike), (show(alike, noun=noun),))
            )
    tops = [joiner.top(s.group) for s in samples]
    joined = [s if s.group == t else replace(s, group=t) for s, t in zip(samples, tops, strict=True)]
    return joined, findings


@dataclass(frozen=True)
class GroupExample:
    """One group of a preview: its name, how many images it holds, and the first of them."""

    name: str
    images: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class GroupPreview:
    """What a group key makes of a data set, for a window that shows it while one types.

    Attributes:
        images, groups: How many; an image without a group counts as a group of its own.
        largest, smallest: Names and sizes; empty and 0 without images.
        examples: Some groups with members, the largest first.
        unmatched: Images that the key gives no group, at most ``examples`` of them; ``unmatched_images`` counts all.
        problem: Why there are no groups (a pattern that is no regular expression); then all else is empty.
    """

    images: int = 0
    groups: int = 0
    largest: tuple[str, int] = ("", 0)
    smallest: tuple[str, int] = ("", 0)
    examples: tuple[GroupExample, ...] = ()
    unmatched: tuple[str, ...] = ()
    unmatched_images: int = 0
    problem: str = ""

    def sentence(self, noun: Noun = IMAGE) -> str:
        """The preview in one sentence; ``noun`` is what a sample is called."""
        if self.problem:
            return self.problem
        text = f"{counted(self.groups, 'group')} of {counted(self.images, *noun)}"
        if self.images:
            text += f", the largest ('{self.largest[0]}') with {self.largest[1]}, the smallest with {self.smallest[1]}"
        if self.unmatched_images:
            text += f"; {counted(self.unmatched_images, *noun)} without a group, as {self.unmatched[0]}"
        return text + "."


def preview_groups(
    samples: Sequence[str] | Sequence[Row] | Sequence[Record],
    config: SplitConfig,
    clusters: Mapping[str, str] | None = None,
) -> GroupPreview:
    """The groups that a key makes; nothing is raised for a faulty one.

    Args:
        samples: Ids, or rows or samples that have one. The key ``column`` needs rows.
        config: The key.
        clusters: Near-duplicate clusters by id, for the key ``duplicates``; without them nothing is joined.
    """
    columns: list[Mapping[str, str]] | None = None
    if samples and isinstance(samples[0], str):
        ids: Sequence[str] = samples  # type: ignore[assignment]  # 100,000 of them: not looked at one by one
    else:
        ids = [s.id for s in samples]  # type: ignore[union-attr]
        if samples and isinstance(samples[0], Row):
            columns = [row.columns for row in samples]  # type: ignore[union-attr]
    try:
        keys = group_keys(ids, config, columns)
    except DatasetError as error:
        finding = error.findings[0]
        return GroupPreview(problem=f"{finding.message} {finding.cure}")
    if config.group_by == "duplicates" and clusters:
        keys = [clusters.get(i, i) for i in ids]
    sizes: Counter[str | None] = Counter(keys)
    alone = sizes.pop(None, 0)
    return _preview(ids, keys, sizes, alone)


def groups_of(samples: Sequence[Record], config: SplitConfig) -> GroupPreview:
    """The groups that samples have, what was joined included."""
    ids, keys = [s.id for s in samples], [s.group for s in samples]
    named_by_key = config.group_by in ("pattern", "column")
    alone = [s.id for s in samples if s.group == s.id] if named_by_key else []
    preview = _preview(ids, keys, Counter(keys), 0)
    return replace(preview, unmatched=tuple(alone[:_EXAMPLES]), unmatched_images=len(alone))


def _preview(
    ids: Sequence[str], keys: Sequence[str | None], sizes: Counter[str | None], alone: int
) -> GroupPreview:
    ordered = sizes.most_common(_EXAMPLES)
    members: dict[str | None, list[str]] = {name: [] for name, _ in ordered}
    unmatched: list[str] = []
    wanted = sum(min(size, _MEMBERS) for _, size in ordered) + min(alone, _EXAMPLES)
    for sample_id, key in zip(ids, keys, strict=True):
        if not wanted:
            break
        room = unmatched if key is None else members.get(key)
        if room is not None and len(room) < (_EXAMPLES if key is None else _MEMBERS):
            room.append(sample_id)
            wanted -= 1
    largest = (str(ordered[0][0]), ordered[0][1]) if ordered else (unmatched[0], 1) if unmatched else ("", 0)
    low = min(sizes.values(), default=0)
    name = next((str(key) for key, size in sizes.items() if size == low), "")
    smallest = (unmatched[0], 1) if unmatched and low != 1 else (name, low)
    return GroupPreview(
        images=len(ids),
        groups=len(sizes) + alone,
        largest=largest,
        smallest=smallest,
        examples=tuple(GroupExample(str(n), size, tuple(members[n])) for n, size in ordered),
        unmatched=tuple(unmatched),
        unmatched_images=alone,
    )

"""Dividing samples into training, validation and test by what is physically one thing.

The rule. Each group has a rank: a hash of its name and the seed. A group belongs to the rarest stratum among
its samples. Within each stratum the groups are gone through in the order of their ranks, and each goes to
validation, then to test, as long as it brings that part nearer to its share of the samples; what a stratum
gives too little or too much of is made up for in the next. Every stratum of two groups or more has one in
validation and one in training; the whole set has, too.

Its limits. The split depends on names, sizes, strata and the seed, not on the order of the files. When groups
are added, a few old ones at the edge of a part can be pushed over it. To rule that out, the sides of an
earlier split are passed as ``keep``: then no group that it names ever leaves validation or test, and one
leaves training only where validation would otherwise stay empty.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from src.core.dataset.config import SplitConfig
from src.core.dataset.findings import DatasetError, Finding, counted, listed, named
from src.core.dataset.records import SPLITS, Sample, Split

Parts = dict[Split, list[Sample]]


def group_key(sample_id: str, config: SplitConfig, columns: Mapping[str, str] | None = None) -> str | None:
    """The group of a sample.

    Args:
        sample_id: ``Sample.id``.
        config: Says what is physically one thing.
        columns: The sample's row of the table.

    Returns:
        ``None`` where the pattern does not match or the cell is empty.

    Raises:
        DatasetError: the pattern is not a regular expression, or the column does not exist.
    """
    if config.group_by == "none":
        return sample_id
    if config.group_by == "folder":
        return sample_id.rpartition("/")[0] or "."
    if config.group_by == "pattern":
        match = _pattern(config.group_pattern).search(sample_id)
        if match is None:
            return None
        return (match.group(1) if match.re.groups else match.group(0)) or None
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


def _pattern(text: str) -> re.Pattern[str]:
    try:
        if not text:
            raise re.error("it is empty")
        return re.compile(text)
    except re.error as error:
        raise DatasetError(
            Finding(
                "error",
                "split.pattern",
                f"The pattern of the groups, '{text}', is not a regular expression: {error}.",
                "Correct data.split.group_pattern; (part\\d+)_ keeps part3_a.png and part3_b.png together.",
            )
        ) from error


def rank(group: str, seed: int) -> int:
    """Place of a group in the order in which parts are filled; the same on every machine."""
    return int.from_bytes(hashlib.sha256(f"{seed}\0{group}".encode()).digest()[:8], "big")


def make_split(
    samples: Sequence[Sample], config: SplitConfig, keep: Mapping[str, Split] | None = None
) -> tuple[Parts, list[Finding]]:
    """Divide samples by the rule at the head of this module.

    Args:
        samples: With their groups and strata.
        config: Shares and seed.
        keep: Sides of groups in an earlier split.

    Returns:
        The three parts, each in the order of ids, and findings; with fewer than two groups all samples are in
        training and an error is among the findings.
    """
    groups: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        groups[sample.group].append(sample)
    findings: list[Finding] = []
    if config.val_fraction + config.test_fraction >= 1:
        text = (
            f"Validation and test take {config.val_fraction + config.test_fraction:.0%}: "
            "nothing is left to train on."
        )
        findings.append(
            Finding("error", "split.shares", text, "Lower data.split.val_fraction or test_fraction.")
        )
    if len(groups) < 2:
        if samples:
            findings.append(_one_group(samples, config))
        return {"train": sorted(samples, key=lambda s: s.id), "val": [], "test": []}, findings
    side = _Assignment(groups, config, keep or {}).run()
    parts: Parts = {part: [] for part in SPLITS}
    for sample in sorted(samples, key=lambda s: s.id):
        parts[side[sample.group]].append(sample)
    if not parts["train"]:
        text = "All groups belong to validation or test in the earlier split: nothing is left to train on."
        findings.append(Finding("error", "split.no_train", text, "Add data, or split anew."))
    if config.test_fraction > 0 and not parts["test"]:
        text = f"No group is left for the test part: there are only {len(groups)} groups."
        findings.append(
            Finding("warning", "split.no_test", text, "Add data, or set data.split.test_fraction: 0.")
        )
    return parts, findings


def _one_group(samples: Sequence[Sample], config: SplitConfig) -> Finding:
    if len(samples) == 1:
        text = "There is only one image: nothing is left to validate on."
        return Finding("error", "split.one_image", text, "Add images, or cut this one into tiles.")
    text = (
        f"All {len(samples)} images belong to one group ('{samples[0].group}'): nothing is "
        "left to validate on."
    )
    cure = "Choose another data.split.group_by"
    if config.group_by == "pattern":
        cure += ", or a data.split.group_pattern whose bracket differs between parts"
    return Finding("error", "split.one_group", text, cure + ", or give split files.")


class _Assignment:
    """One run of the rule."""

    def __init__(
        self, groups: dict[str, list[Sample]], config: SplitConfig, keep: Mapping[str, Split]
    ) -> None:
        self.size = {group: len(samples) for group, samples in groups.items()}
        self.rank = {group: (rank(group, config.seed), group) for group in groups}
        self.kept = {group: keep[group] for group in groups if group in keep}
        self.side: dict[str, Split] = dict(self.kept)
        self.share: dict[Split, float] = {"test": config.test_fraction, "val": config.val_fraction}
        common = Counter(s.stratum for samples in groups.values() for s in samples)
        self.strata: dict[str, list[str]] = defaultdict(list)
        for group, samples in groups.items():
            self.strata[min((s.stratum for s in samples), key=lambda t: (common[t], t))].append(group)

    def run(self) -> dict[str, Split]:
        debt: dict[Split, float] = {"test": 0.0, "val": 0.0}
        for stratum in sorted(self.strata, key=lambda t: (len(self.strata[t]), t)):
            self._fill(sorted(self.strata[stratum], key=self.rank.__getitem__), debt)
        self._ensure("train", ("val", "test"))
        self._ensure("val", ("train", "test"))
        if self.share["test"] > 0:
            self._ensure("test", ("train", "val"))
        return self.side

    def _fill(self, members: list[str], debt: dict[Split, float]) -> None:
        total = sum(self.size[g] for g in members)
        for part in ("val", "test"):
            if self.share[part] <= 0:
                continue
            wanted = self.share[part] * total + debt[part]
            wanted -= sum(self.size[g] for g in members if self.side.get(g) == part)
            for group in members:
                if group not in self.side and self.size[group] <= 2 * wanted and self._spare(members):
                    self.side[group] = part
                    wanted -= self.size[group]
            if part == "val" and not any(self.side.get(g) == "val" for g in members) and self._spare(members):
                chosen = next((g for g in members if g not in self.side), None)
                if chosen is not None and len(members) > 1:
                    self.side[chosen] = "val"
                    wanted -= self.size[chosen]
            debt[part] = wanted
        for group in members:
            self.side.setdefault(group, "train")

    def _spare(self, members: list[str]) -> bool:
        """One more can be taken and training still has a group of this stratum, or it has only one anyway."""
        in_training = sum(self.side.get(g, "train") == "train" for g in members)
        return in_training > 1 or len(members) == 1

    def _ensure(self, part: Split, sources: tuple[Split, Split]) -> None:
        """At least one group in a part, from one that can spare it."""
        if part in self.side.values():
            return
        for source in sources:
            members = [g for g, side in self.side.items() if side == source]
            # What an earlier split held back stays back; what it trained on may become validation.
            free = [g for g in members if g not in self.kept] or (
                members if (part, source) == ("val", "train") else []
            )
            if free and (len(members) > 1 or source == "test"):
                self.side[min(free, key=lambda g: (self.size[g], self.rank[g]))] = part
                return


def leakage(
    parts: Mapping[Split, Iterable[Sample]], contents: Mapping[str, str] | None = None
) -> list[Finding]:
    """What stands on more than one side.

    Args:
        parts: The split.
        contents: Hash of the image file of each sample id.

    Returns:
        A warning for groups and one for identical files across sides.
    """
    findings = []
    across = _across((s.group, part) for part, samples in parts.items() for s in samples)
    if across:
        text = (
            f"{counted(len(across), 'group stands', 'groups stand')} on more than one side of "
            f"the split: {listed(across)}."
        )
        cure = (
            "Validation looks better than it is. Move each to one side, or leave "
            "data.split_dir empty: Lathe then splits."
        )
        findings.append(Finding("warning", "split.group_leak", text, cure, named(across)))
    known = contents or {}
    pairs = [(known[s.id], part, s.id) for part, samples in parts.items() for s in samples if s.id in known]
    twice = set(_across((content, part) for content, part, _ in pairs))
    if twice:
        files = [sample_id for content, _, sample_id in pairs if content in twice]
        text = (
            f"{counted(len(twice), 'image stands', 'images stand')} on more than one side of "
            "the split, as identical files."
        )
        cure = "Validation looks better than it is. Remove the copies from one side."
        findings.append(Finding("warning", "split.duplicates", text, cure, named(files)))
    return findings


def _across(pairs: Iterable[tuple[str, Split]]) -> list[str]:
    sides: dict[str, set[Split]] = defaultdict(set)
    for key, part in pairs:
        sides[key].add(part)
    return sorted(key for key, parts in sides.items() if len(parts) > 1)

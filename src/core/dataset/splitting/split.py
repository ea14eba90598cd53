"""Dividing samples into training, validation and test by what is physically one thing.

The rule. Each group has a rank: a hash of its name and the seed. A group belongs to the rarest stratum among its
samples. The test part is filled first, then validation (or the folds, see ``folds``), so that the test part does
not depend on how the rest is divided. To fill a part, the strata are gone through from the one with the fewest
groups to the one with the most, and the groups of each in the order of their ranks; a group is taken as long as
that brings the part nearer to its share of the samples. What a stratum gives too little or too much of is made up
for in the next ones. Three things go before the shares:

- A stratum of two groups or more has one in training and one in validation (of two groups one may have to go to the
  test part instead). A stratum with one group is in training, as long as the others can fill the parts: what is not
  learned need not be measured.
- A stratum of three groups or more has one in the test part, unless that part then runs ahead of its share by
  more than the largest group.
- Training and validation are never empty where there are two groups; the test part comes after them.

So a part misses its share by at most half of the largest group, unless strata with few groups ask for more, or
too few groups are left to choose from; then a finding says by how much and why.

Its limits. The split depends on names, sizes, strata and the seed, not on the order of the files. When groups are
added, a few old ones at the edge of a part can be pushed over it. To rule that out, an earlier split is passed as
``keep``: then no group that it names ever leaves validation or test, and one leaves training only where validation
would otherwise stay empty, or where it turns out to be one thing with something that was held back.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from src.core.dataset.config import SplitConfig
from src.core.dataset.contract import SPLITS, R, Record, Split, noun_of
from src.core.dataset.findings import Finding
from src.core.dataset.splitting.folds import assign_folds, fold_findings
from src.core.dataset.splitting.leakage import leakage
from src.core.dataset.splitting.split_findings import empty_parts, missed_shares, one_group, settings_findings
from src.core.dataset.splitting.split_record import Kept, SplitRecord

__all__ = ["Parts", "leakage", "make_folds", "make_split", "rank", "recorded_split"]

Parts = dict[Split, list[R]]
Keep = Kept | Mapping[str, Split]


def rank(group: str, seed: int) -> int:
    """Place of a group in the order in which parts are filled; the same on every machine."""
    digest = hashlib.sha256(f"{seed}\0{group}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big")


def make_split(
    samples: Sequence[R], config: SplitConfig, keep: Keep | None = None
) -> tuple[Parts[R], list[Finding]]:
    """Divide samples by the rule at the head of this module.

    Args:
        samples: With their groups and strata.
        config: Shares, folds and seed.
        keep: An earlier split: sides of groups, or a ``Kept`` of groups and samples.

    Returns:
        The three parts, each in the order of ids, and findings; with fewer than two groups all samples are in
        training and an error is among the findings.
    """
    findings = settings_findings(config)
    groups = _by_group(samples)
    if len(groups) < 2 or any(f.code in ("split.folds", "split.fold") for f in findings):
        if samples and len(groups) < 2:
            findings.append(one_group(samples, config))
        return {"train": sorted(samples, key=lambda s: s.id), "val": [], "test": []}, findings
    if config.folds:
        number, more = make_folds(samples, config, keep)
        side: dict[str, Split] = {
            g: "test" if not n else "val" if n == config.fold else "train" for g, n in number.items()
        }
    else:
        assignment = _Assignment(groups, config, _as_kept(keep))
        side = assignment.run()
        more = missed_shares(
            assignment.size,
            side,
            assignment.share,
            len(assignment.strata),
            bool(assignment.kept),
            noun_of(samples),
        )
    parts: Parts[R] = {part: [] for part in SPLITS}
    for sample in sorted(samples, key=lambda s: s.id):
        parts[side[sample.group]].append(sample)
    return parts, findings + more + empty_parts(parts, config, len(groups))


def make_folds(
    samples: Sequence[Record], config: SplitConfig, keep: Keep | None = None
) -> tuple[dict[str, int], list[Finding]]:
    """The fold in which each group validates, from 1 to ``config.folds``; 0 for the test part.

    The test part is the one that ``make_split`` takes without folds, and the same for all of them.

    Args:
        samples: With their groups and strata.
        config: Number of folds, test share and seed; ``config.fold`` does nothing here.
        keep: An earlier split; its groups stay in the test part, and in their folds.
    """
    assignment = _Assignment(_by_group(samples), config, _as_kept(keep))
    test = {group for group, side in assignment.hold_out_test(config.folds).items() if side == "test"}
    sizes = {g: n for g, n in assignment.size.items() if g not in test}
    strata = [[g for g in members if g not in test] for members in assignment.strata.values()]
    folds = assign_folds(sizes, strata, assignment.rank, config.folds, assignment.kept_folds)
    findings = fold_findings(sizes, folds, config.folds, noun_of(samples))
    return {g: folds.get(g, 0) for g in assignment.size}, findings


def recorded_split(
    samples: Sequence[R],
    config: SplitConfig,
    contents: Mapping[str, str],
    root: str = "",
    keep: SplitRecord | Keep | None = None,
) -> tuple[Parts[R], SplitRecord, list[Finding]]:
    """``make_split`` with the record of what it made.

    Args:
        samples: With their groups and strata.
        config: Shares, folds and seed.
        contents: Hash of the file of each sample id.
        root: Folder of the ids.
        keep: An earlier split; of a record also files that were renamed stay where they were.
    """
    kept = keep.kept(contents) if isinstance(keep, SplitRecord) else keep
    parts, findings = make_split(samples, config, kept)
    folds = {}
    if config.folds and not any(f.severity == "error" for f in findings):
        folds = make_folds(samples, config, kept)[0]
    record = SplitRecord.of(parts, root, contents, folds, config.model_dump(mode="json"))
    return parts, record, findings


def _by_group(samples: Sequence[R]) -> dict[str, list[R]]:
    groups: dict[str, list[R]] = defaultdict(list)
    for sample in samples:
        groups[sample.group].append(sample)
    return groups


def _as_kept(keep: Keep | None) -> Kept:
    return keep if isinstance(keep, Kept) else Kept(groups=keep or {})


class _Assignment:
    """One run of the rule.

    Attributes:
        size: Samples in each group.
        strata: Groups of each stratum, in the order of their ranks.
        side: The part of each group, as far as it is decided.
    """

    def __init__(self, groups: Mapping[str, Sequence[Record]], config: SplitConfig, kept: Kept) -> None:
        self.size = {group: len(samples) for group, samples in groups.items()}
        self.rank = {group: (rank(group, config.seed), group) for group in groups}
        self.total, self.largest = sum(self.size.values()), max(self.size.values(), default=0)
        self.share: dict[Split, float] = {"test": config.test_fraction, "val": config.val_fraction}
        members = {group: [s.id for s in samples] for group, samples in groups.items()}
        self.kept = kept.sides(members)
        self.kept_folds = kept.fold_numbers(members)
        self.side: dict[str, Split] = {}
        common = Counter(s.stratum for samples in groups.values() for s in samples)
        self.strata: dict[str, list[str]] = defaultdict(list)
        for group in sorted(groups, key=self.rank.__getitem__):
            rarest = min((s.stratum for s in groups[group]), key=lambda t: (common[t], t))
            self.strata[rarest].append(group)

    def run(self) -> dict[str, Split]:
        """The part of every group."""
        self.side = dict(self.kept)
        if self.share["test"] > 0:
            self._fill("test", 2, 2)
        self._fill("val", 1, 1)
        for group in self.size:
            self.side.setdefault(group, "train")
        self._ensure("train", ("val", "test"))
        self._ensure("val", ("train", "test"))
        if self.share["test"] > 0:
            self._ensure("test", ("train", "val"))
        return self.side

    def hold_out_test(self, folds: int) -> dict[str, Split]:
        """The groups of the test part alone; at least ``folds`` groups are left."""
        # Validation and training of an earlier split are left as they are for this: what was never held back
        # for testing must not come into the test part before new groups do.
        self.side = dict(self.kept)
        if self.share["test"] > 0:
            self._fill("test", 2, folds)
        return {group: side for group, side in self.side.items() if side == "test"}

    def _free(self, members: Sequence[str]) -> list[str]:
        return [g for g in members if g not in self.side]

    def _left(self, part: Split) -> int:
        """Groups that are, or may still come, outside of ``part`` and of the test part."""
        return sum(self.side.get(g) not in (part, "test") for g in self.size)

    def _fill(self, part: Split, stay: int, stay_in_all: int) -> None:
        """Bring a part to its share; of each stratum, and of all, so many groups stay out of it."""
        debt, left_in_all = 0.0, self._left(part)
        share = self.share[part]
        for stratum in sorted(self.strata, key=lambda t: (len(self.strata[t]), t)):
            members = self.strata[stratum]
            wanted = debt + sum(self.size[g] * (share - (self.side.get(g) == part)) for g in members)
            left = sum(self.side.get(g) not in (part, "test") for g in members)
            represented = any(self.side.get(g) == part for g in members)
            free = self._free(members)
            takes = [g for g in free if len(members) > stay]
            for group in takes:
                if self.size[group] <= 2 * wanted and left > stay and left_in_all > stay_in_all:
                    self.side[group], represented = part, True
                    wanted, left, left_in_all = wanted - self.size[group], left - 1, left_in_all - 1
            if takes and not represented and left > stay and left_in_all > stay_in_all:
                least = min(takes, key=lambda g: (self.size[g], self.rank[g]))
                if part == "val" or self.size[least] - wanted <= self.largest:
                    self.side[least] = part
                    wanted, left_in_all = wanted - self.size[least], left_in_all - 1
            debt = wanted
        self._make_up(part, stay, stay_in_all, debt)

    def _make_up(self, part: Split, stay: int, stay_in_all: int, debt: float) -> None:
        """Take what a part still lacks from where it hurts least: strata of many groups, of one, then of two."""
        stratum_of = {g: members for members in self.strata.values() for g in members}
        left = {id(m): sum(self.side.get(g) not in (part, "test") for g in m) for m in self.strata.values()}
        left_in_all = self._left(part)
        for few in (False, True) if part == "test" else (False,):
            for group in sorted(self._free(list(self.size)), key=self.rank.__getitem__):
                members = stratum_of[group]
                spare = left[id(members)] == 2 if few else left[id(members)] > stay
                if not (spare or len(members) == 1) or left_in_all <= stay_in_all:
                    continue
                if self.size[group] <= 2 * debt and (not few or len(members) <= 2):
                    self.side[group] = part
                    debt, left_in_all = debt - self.size[group], left_in_all - 1
                    left[id(members)] -= 1

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

"""What is said of a split: options that contradict each other, parts that are empty or far from their share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from src.core.dataset.config import SplitConfig
from src.core.dataset.contract import Record, Split, noun_of
from src.core.dataset.findings import IMAGE, Finding, Noun, counted

#: A part that misses its share by more than this share of all samples is reported.
TOLERANCE = 0.05


def settings_findings(config: SplitConfig) -> list[Finding]:
    """Options that contradict each other."""
    held = config.test_fraction + (0.0 if config.folds else config.val_fraction)
    findings = []
    if held >= 1:
        text = f"Validation and test take {held:.0%}: nothing is left to train on."
        cure = "Lower data.split.val_fraction or test_fraction."
        findings.append(Finding("error", "split.shares", text, cure))
    if config.folds == 1:
        text = "With one fold nothing is left to train on."
        findings.append(
            Finding("error", "split.folds", text, "Set data.split.folds: 5, or 0 for a single split.")
        )
    elif config.folds and config.fold > config.folds:
        text = f"There is no fold {config.fold}: data.split.folds is {config.folds}."
        findings.append(
            Finding("error", "split.fold", text, f"Set data.split.fold to 1 up to {config.folds}.")
        )
    return findings


def one_group(samples: Sequence[Record], config: SplitConfig) -> Finding:
    """The error for data that cannot be divided."""
    noun = noun_of(samples)
    if len(samples) == 1:
        text = f"There is only one {noun.one}: nothing is left to validate on."
        cure = f"Add {noun.many}" + (", or cut this one into tiles." if noun == IMAGE else ".")
        return Finding("error", "split.one_image", text, cure)
    text = (
        f"All {len(samples)} {noun.many} belong to one group ('{samples[0].group}'): nothing is "
        "left to validate on."
    )
    cure = "Choose another data.split.group_by"
    if config.group_by == "pattern":
        cure += ", or a data.split.group_pattern whose bracket differs between parts"
    return Finding("error", "split.one_group", text, cure + ", or give split files.")


def empty_parts(parts: Mapping[Split, Sequence[Record]], config: SplitConfig, groups: int) -> list[Finding]:
    """Parts for which no group is left."""
    findings = []
    if not parts["train"]:
        text = "All groups belong to validation or test in the earlier split: nothing is left to train on."
        findings.append(Finding("error", "split.no_train", text, "Add data, or split anew."))
    if not parts["val"] and not config.folds:
        text = "All groups belong to the test part of the earlier split: nothing is left to validate on."
        findings.append(Finding("error", "split.no_val", text, "Add data, or split anew."))
    if config.test_fraction > 0 and not parts["test"]:
        text = f"No group is left for the test part: there are only {groups} groups."
        cure = "Add data, or set data.split.test_fraction: 0."
        findings.append(Finding("warning", "split.no_test", text, cure))
    return findings


def missed_shares(
    size: Mapping[str, int],
    side: Mapping[str, Split],
    shares: Mapping[Split, float],
    strata: int,
    kept: bool,
    noun: Noun = IMAGE,
) -> list[Finding]:
    """Parts that are far from their share, with the likeliest reason.

    Args:
        size, side: Samples and part of each group.
        shares: What each part was to hold.
        strata: Their number.
        kept: Some sides are those of an earlier split.
        noun: What a sample is called.
    """
    findings = []
    total, big = sum(size.values()), max(size, key=lambda g: (size[g], g))
    titles: dict[Split, str] = {"val": "Validation", "test": "The test part"}
    for part, title in titles.items():
        share, held = shares[part], sum(n for g, n in size.items() if side[g] == part)
        if share <= 0 or abs(held - share * total) <= max(1.0, TOLERANCE * total):
            continue
        text = (
            f"{title} holds {held} of {counted(total, *noun)} ({held / total:.1%}), not the {share:.1%} asked for: "
            f"groups are not divided. There are {counted(len(size), 'group')} in {counted(strata, 'stratum', 'strata')}; "
            f"the largest group ('{big}') holds {size[big]}."
        )
        if kept:
            text += " The parts of an earlier split were kept."
        cure = f"Add groups, or choose a finer data.split.group_by, if {noun.many} in one group are not one thing."
        far = held < share * total / 2 or held > share * total * 2
        findings.append(Finding("warning" if far else "notice", f"split.share_{part}", text, cure, (big,)))
    return findings

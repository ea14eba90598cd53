"""Dividing groups into folds, each of which validates once (k-fold cross-validation)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from src.core.dataset.findings import IMAGE, Finding, Noun, counted

#: Groups larger than this share of a fold are placed first, while there is room to balance them.
_LARGE = 0.125


def assign_folds(
    sizes: Mapping[str, int],
    strata: Sequence[Sequence[str]],
    order: Mapping[str, Any],
    folds: int,
    kept: Mapping[str, int] | None = None,
) -> dict[str, int]:
    """Put each group into one of the folds, evenly in the whole and in each stratum.

    The strata are gone through from the one with the fewest groups; a group goes to the fold that holds least of its
    stratum and of everything, both measured against an even share (greedy balancing, Graham 1969, for two sums).

    Args:
        sizes: Samples in each group.
        strata: Their groups; each group in one.
        order: Sort key of each group: the seed is in it.
        folds: Number of folds, at least 1.
        kept: Folds of groups in an earlier split; numbers beyond ``folds`` count for nothing.

    Returns:
        Number of the fold, from 1, of each group.
    """
    total = [0] * folds
    even = max(1.0, sum(sizes.values()) / folds)
    found = {g: n for g, n in (kept or {}).items() if g in sizes and 1 <= n <= folds}
    for group, number in found.items():
        total[number - 1] += sizes[group]
    for members in sorted(strata, key=lambda m: (len(m), min((order[g] for g in m), default=order.get("")))):
        own = [0] * folds
        for group in members:
            if group in found:
                own[found[group] - 1] += sizes[group]
        even_own = max(1.0, sum(sizes[g] for g in members) / folds)
        waiting = [g for g in members if g not in found]
        waiting.sort(key=lambda g: (-sizes[g] if sizes[g] > _LARGE * even else 0, order[g]))
        for group in waiting:
            best = min(range(folds), key=lambda n: (own[n] / even_own + total[n] / even, total[n], n))
            found[group] = best + 1
            own[best] += sizes[group]
            total[best] += sizes[group]
    if kept and not all(total) and len(found) >= folds:
        return assign_folds(sizes, strata, order, folds)  # the groups of a whole fold are gone: begin anew
    return found


def fold_findings(
    sizes: Mapping[str, int], found: Mapping[str, int], folds: int, noun: Noun = IMAGE
) -> list[Finding]:
    """What is wrong with folds: fewer groups than folds, or folds of very different size."""
    if len(sizes) < folds:
        text = f"There are {counted(len(sizes), 'group')} for {folds} folds: a fold would have nothing to validate on."
        cure = f"Set data.split.folds to {len(sizes)} or less." if len(sizes) > 1 else "Add data."
        return [Finding("error", "split.few_groups", text, cure)]
    held = [sum(n for g, n in sizes.items() if found[g] == number) for number in range(1, folds + 1)]
    even = sum(held) / folds
    if max(held) <= 1.5 * even and min(held) >= 0.5 * even:
        return []
    big = max(sizes, key=lambda g: (sizes[g], g))
    text = (
        f"The folds hold {min(held)} to {counted(max(held), *noun)}, {even:.0f} on average: groups are not divided, "
        f"and the largest ('{big}') holds {sizes[big]}."
    )
    cure = f"Use fewer folds, or a finer data.split.group_by, if {noun.many} in one group are not one thing."
    return [Finding("warning", "split.uneven_folds", text, cure, (big,))]

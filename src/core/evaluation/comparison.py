"""Two models on the same images: paired differences, their intervals, and a paired test."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from src.core.dataset.findings import counted
from src.core.evaluation.bootstrap import Bootstrap, defined, ratio
from src.core.evaluation.classified import ClassEvaluation
from src.core.evaluation.document import Evaluation
from src.core.evaluation.scores import MEASURES, class_scores, overall_scores
from src.core.report.text import metric_title

Array = np.ndarray[Any, Any]
Statistic = Callable[[Array], Array]
#: Up to so many groups all swaps are tried (2^14); beyond, so many random ones.
_EXACT_GROUPS = 14
_SWAPS = 10_000
TEST = "paired permutation test: the two models are swapped within whole groups"


def compare(
    a: Evaluation | ClassEvaluation, b: Evaluation | ClassEvaluation, samples: int = 1000, seed: int = 0
) -> dict[str, Any]:
    """Compare two evaluations on the images, or other samples, that both have.

    Args:
        a, b: Of the same problem; differences are b - a.
        samples: Draws of the bootstrap.

    Returns:
        Plain JSON values, as ``docs/evaluation.md`` says.

    Raises:
        ValueError: other classes, or no image in common; the message is for people.
    """
    if a.classes != b.classes:
        raise ValueError(
            f"The two evaluations are of different classes: {', '.join(a.classes)}; and {', '.join(b.classes)}."
        )
    if isinstance(a, ClassEvaluation) and isinstance(b, ClassEvaluation):
        from src.core.evaluation.classified_comparison import compare_classes

        return compare_classes(a, b, samples, seed)
    if not (isinstance(a, Evaluation) and isinstance(b, Evaluation)):
        raise ValueError("One of the two is an evaluation of masks, the other one of classes.")
    first, second = ({image.id: image for image in x.images} for x in (a, b))
    common = [name for name in first if name in second]
    same = [n for n in common if first[n].counts.true == second[n].counts.true]
    if not same:
        raise ValueError(
            "The two evaluations have no image in common."
            if not common
            else "The masks of all common images differ: evaluate both models on the same data."
        )
    counts = [
        np.array([[x[n].counts.hit, x[n].counts.predicted, x[n].counts.true] for n in same], np.float64)
        for x in (first, second)
    ]
    bootstrap = Bootstrap([first[n].group for n in same], samples, seed)
    scores = [overall_scores(c, a.binary) for c in counts]
    measures = _pooled(counts, bootstrap, a.binary, seed) + _over_images(scores, bootstrap, seed)
    result: dict[str, Any] = {
        "a": a.model.name,
        "b": b.model.name,
        "noun": ["image", "images"],
        "images": len(same),
        "groups": bootstrap.count,
        "only_a": len(first) - len(common),
        "only_b": len(second) - len(common),
        "different_truth": len(common) - len(same),
        "test": test_of(bootstrap),
        "interval": bootstrap.rule.model_dump(),
        "measures": measures,
        "classes": _classes(counts, bootstrap, a.classes, seed),
        "rows": _rows(same, [first[n].group for n in same], *scores),
    }
    result["notes"] = _notes(a, b, result)
    over = {"pooled": "all pixels together", "images": "mean over images"}
    result["said"] = [f"{metric_title(m['name'])}, {over[m['over']]}: {m['sentence']}" for m in measures]
    return result


def test_of(bootstrap: Bootstrap) -> str:
    """How the test was done."""
    return TEST + (", all swaps" if bootstrap.count <= _EXACT_GROUPS else f", {_SWAPS:,} random swaps")


def _notes(a: Evaluation, b: Evaluation, result: dict[str, Any]) -> list[str]:
    notes = []
    alone = result["only_a"] + result["only_b"]
    if alone:
        notes.append(f"{counted(alone, 'image')} that only one of the two has are left out.")
    if result["different_truth"]:
        notes.append(
            f"{counted(result['different_truth'], 'image')} whose masks differ between the two are left out."
        )
    if result["groups"] < 2:
        notes.append("All images belong to one group: there is no interval, and a test says nothing.")
    notes += [f"The threshold of {x.model.name} was fitted on these very images, which favours it."
              for x in (a, b) if x.threshold.fitted_here]  # fmt: skip
    return notes


def _columns(counts: Array) -> Array:
    return counts.reshape(len(counts), -1)


def _pooled(counts: list[Array], bootstrap: Bootstrap, binary: bool, seed: int) -> list[dict[str, Any]]:
    shape = counts[0].shape[1:]

    def statistic(sums: Array) -> Array:
        return overall_scores(sums.reshape(*sums.shape[:-1], *shape), binary)

    rows = differences(_columns(counts[0]), _columns(counts[1]), statistic, bootstrap, seed)
    return [{"name": m, "over": "pooled", **r} for m, r in zip(MEASURES, rows, strict=True) if m != "f1"]


def _over_images(scores: list[Array], bootstrap: Bootstrap, seed: int) -> list[dict[str, Any]]:
    known = ~np.isnan(scores[0]) & ~np.isnan(scores[1])
    size = len(MEASURES)
    columns = [np.concatenate([np.where(known, s, 0), known], axis=1) for s in scores]
    rows = differences(
        columns[0], columns[1], lambda sums: ratio(sums[..., :size], sums[..., size:]), bootstrap, seed
    )
    return [{"name": m, "over": "images", **r} for m, r in zip(MEASURES, rows, strict=True) if m != "f1"]


def _classes(counts: list[Array], bootstrap: Bootstrap, names: list[str], seed: int) -> list[dict[str, Any]]:
    shape = counts[0].shape[1:]

    def statistic(sums: Array) -> Array:
        return class_scores(sums.reshape(*sums.shape[:-1], *shape))[..., 0]

    rows = differences(_columns(counts[0]), _columns(counts[1]), statistic, bootstrap, seed)
    return [{"name": name, **row} for name, row in zip(names, rows, strict=True)]


def differences(
    a: Array, b: Array, statistic: Statistic, bootstrap: Bootstrap, seed: int
) -> list[dict[str, Any]]:
    """Values, difference with interval, and p, for statistics of sums of columns N×M over images (or other samples)."""
    width = a.shape[1]
    intervals = bootstrap.intervals(
        np.concatenate([a, b], axis=1),
        lambda sums: statistic(sums[..., width:]) - statistic(sums[..., :width]),
    )
    values = statistic(a.sum(0)), statistic(b.sum(0))
    p = _swap_test(bootstrap.group_sums(a), bootstrap.group_sums(b), statistic, seed)
    found = []
    for i, interval in enumerate(intervals):
        row = {
            "a": defined(values[0][i]),
            "b": defined(values[1][i]),
            "difference": interval.model_dump(),
            "p": defined(p[i]),
        }
        found.append({**row, "sentence": _sentence(row)})
    return found


def _sentence(row: dict[str, Any]) -> str:
    difference, p = row["difference"]["value"], row["p"]
    if difference is None:
        return "Not defined for both."
    if p is None:
        return "One group only: no test."
    if difference == 0:
        return "No difference."
    who = "The second" if difference > 0 else "The first"
    return f"{who} is better by {abs(difference):.4f}; " + (
        f"a difference this large arises by chance in {p:.1%} of cases"
        + (", so it may be chance." if p >= 0.05 else ".")
    )


def _swap_test(a: Array, b: Array, statistic: Statistic, seed: int) -> Array:
    """Two-sided p of the differences of statistics of sums over groups G×M; nan with fewer than two groups.

    Good (2005), "Permutation, Parametric and Bootstrap Tests of Hypotheses"; random swaps count the observed one
    (Phipson and Smyth 2010), so that p is never 0.
    """
    observed = np.abs(statistic(b.sum(0)) - statistic(a.sum(0)))
    groups = len(a)
    if groups < 2:
        return np.full(observed.shape, np.nan)
    exact = groups <= _EXACT_GROUPS
    as_large, many = np.zeros(observed.shape), 0
    for swapped in _swaps(groups, exact, seed):
        first = swapped @ (b - a) + a.sum(0)
        second = swapped @ (a - b) + b.sum(0)
        difference = np.abs(statistic(second) - statistic(first))
        as_large += (np.nan_to_num(difference) >= observed - 1e-12).sum(0)
        many += len(swapped)
    p = as_large / many if exact else (as_large + 1) / (many + 1)
    return np.where(np.isnan(observed), np.nan, p)


def _swaps(groups: int, exact: bool, seed: int) -> Any:
    """Rows of 0 and 1 that say which groups are swapped, in portions."""
    step = max(1, 2_000_000 // groups)
    if exact:
        rows = itertools.product((0.0, 1.0), repeat=groups)
        while chunk := list(itertools.islice(rows, step)):
            yield np.array(chunk)
        return
    rng = np.random.default_rng(seed)
    for start in range(0, _SWAPS, step):
        yield rng.integers(0, 2, (min(step, _SWAPS - start), groups)).astype(np.float64)


def _rows(ids: list[str], groups: list[str], a: Array, b: Array) -> list[dict[str, Any]]:
    iou = a[:, 0], b[:, 0]
    order = np.argsort(np.nan_to_num(iou[1] - iou[0], nan=np.inf), kind="stable")
    return [
        {"id": ids[i], "group": groups[i], "a": defined(iou[0][i]), "b": defined(iou[1][i]),
         "difference": defined(iou[1][i] - iou[0][i])}
        for i in order
    ]  # fmt: skip

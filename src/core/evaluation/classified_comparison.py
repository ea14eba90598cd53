"""Two classifiers on the same samples: paired differences of parts and of whole samples. See `comparison`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from src.core.dataset.findings import counted
from src.core.evaluation.bootstrap import Bootstrap
from src.core.evaluation.classified import TITLES, ClassEvaluation, PartCounts, SampleResult
from src.core.evaluation.classify import columns_of, statistics
from src.core.evaluation.comparison import differences, test_of

#: Statistics of `classify.statistics` that are compared, in their order there.
_MEASURES = ("balanced_accuracy", "macro_f1", "accuracy")


def compare_classes(
    a: ClassEvaluation, b: ClassEvaluation, samples: int = 1000, seed: int = 0
) -> dict[str, Any]:
    """Compare two evaluations on the samples that both have; the keys are those of `comparison.compare`.

    Raises:
        ValueError: No sample in common; the message is for people.
    """
    first, second = ({s.id: s for s in x.samples} for x in (a, b))
    common = [name for name in first if name in second]
    same = [n for n in common if first[n].true == second[n].true]
    whole = a.levels[-1]
    if not same:
        raise ValueError(
            f"The two evaluations have no {whole.one} in common."
            if not common
            else f"The labels of all common {whole.many} differ: evaluate both models on the same data."
        )
    bootstrap = Bootstrap([first[n].group for n in same], samples, seed, (whole.one, whole.many))
    pairs = [[x[n] for n in same] for x in (first, second)]
    measures: list[dict[str, Any]] = []
    classes: list[dict[str, Any]] = []
    notes = []
    levels = [(level.many, [_counts(side, k) for side in pairs]) for k, level in _levels(a)]
    for name, counts in levels:
        ours, theirs = (columns_of(side) for side in counts)
        if (ours[:, -3] != theirs[:, -3]).any():
            notes.append(f"The two models cut {name} of another length: these are not compared one by one.")
            continue
        found = differences(ours, theirs, lambda s: statistics(s, len(a.classes), a.several), bootstrap, seed)
        measures += [
            {"name": m, "title": TITLES[m], "over": name, **r} for m, r in zip(_MEASURES, found, strict=False)
        ]
        if not classes:
            start = 4
            classes = [{"name": c, **r} for c, r in zip(a.classes, found[start:], strict=False)]
    result: dict[str, Any] = {
        "a": a.model.name, "b": b.model.name, "noun": [whole.one, whole.many], "images": len(same), "groups": bootstrap.count,
        "only_a": len(first) - len(common), "only_b": len(second) - len(common),
        "different_truth": len(common) - len(same), "test": test_of(bootstrap),
        "interval": bootstrap.rule.model_dump(), "measures": measures, "classes": classes, "rows": _rows(*pairs),
    }  # fmt: skip
    result["notes"] = [*_notes(result), *notes]
    result["said"] = [f"{TITLES[m['name']]} of {m['over']}: {m['sentence']}" for m in measures]
    return result


def _levels(document: ClassEvaluation) -> list[tuple[int, Any]]:
    last = len(document.levels) - 1
    return [(1 if k == last else 0, level) for k, level in enumerate(document.levels)]


def _counts(samples: Sequence[SampleResult], whole: int) -> list[PartCounts]:
    """Of the parts of each sample, or of the sample as one."""
    if not whole:
        return [s.counts for s in samples]
    found = []
    for s in samples:
        true, said = (np.isin(np.arange(len(s.scores)), x) for x in (s.true, s.predicted))
        found.append(PartCounts(hit=(true & said).astype(int).tolist(), predicted=said.astype(int).tolist(),
                                true=true.astype(int).tolist(), parts=1, right=int(s.right)))  # fmt: skip
    return found


def _notes(result: dict[str, Any]) -> list[str]:
    notes, noun = [], result["noun"]
    if alone := result["only_a"] + result["only_b"]:
        notes.append(f"{counted(alone, *noun)} that only one of the two has are left out.")
    if result["different_truth"]:
        notes.append(
            f"{counted(result['different_truth'], *noun)} whose labels differ between the two are left out."
        )
    if result["groups"] < 2:
        notes.append(f"All {noun[1]} belong to one group: there is no interval, and a test says nothing.")
    return notes


def _rows(a: Sequence[SampleResult], b: Sequence[SampleResult]) -> list[dict[str, Any]]:
    """Share of the parts that are right, of each sample; where the second lost most comes first."""
    rows = []
    for x, y in zip(a, b, strict=True):
        shares = [s.counts.right / max(1, s.counts.parts) for s in (x, y)]
        rows.append({"id": x.id, "group": x.group, "a": shares[0], "b": shares[1], "difference": shares[1] - shares[0]})  # fmt: skip
    return sorted(rows, key=lambda row: float(row["difference"]))

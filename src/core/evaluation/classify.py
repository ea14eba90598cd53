"""From the answers of a classifier to the document's numbers. Torch-free.

Definitions are those of scikit-learn; a class that does not occur is left out of means over classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from src.core.evaluation.bootstrap import Bootstrap, defined, exact_interval, ratio
from src.core.evaluation.classified import GroupResult, Level, LevelClass, PartCounts
from src.core.evaluation.decision import auroc
from src.core.evaluation.levels import BIN_EDGES, BINS, LEVELS, calibration_of, to_levels
from src.core.evaluation.pieces import Calibration, Interval

Array = np.ndarray[Any, Any]
#: Parts from which the interval of an AUROC is drawn no more: a thousand draws would take minutes.
_MOST_DRAWN = 40_000
#: Per-class columns of a sum, in their order: called so rightly, called so, truly so.
_PER_CLASS = 3


@dataclass
class Answers:
    """What was said of parts, and what is true.

    Attributes:
        names: Of the classes, K.
        several: More than one class may hold at once.
        truth: N×K booleans.
        scores: N×K probabilities.
        sample: Number of the sample of each part, N.
        groups: Group of each sample, R.
    """

    names: Sequence[str]
    several: bool
    truth: Array
    scores: Array
    sample: Array
    groups: Sequence[str]

    @cached_property
    def said(self) -> Array:
        """N×K booleans: what each part is called."""
        return called(self.scores, self.several)

    def whole(self) -> Answers:
        """The same of whole samples: the mean of the probabilities of their parts. Every sample must have a part."""
        count = len(self.groups)
        total = np.zeros((count, self.scores.shape[1]))
        np.add.at(total, self.sample, self.scores)
        many = np.bincount(self.sample, minlength=count)
        truth = np.zeros((count, self.truth.shape[1]), bool)
        truth[self.sample] = self.truth
        scores = total / np.maximum(many, 1)[:, None]
        return Answers(self.names, self.several, truth, scores, np.arange(count), self.groups)

    def columns(self) -> Array:
        """Sums over the parts of each sample, R×(3K + 3): `_PER_CLASS` of each class, then parts, those with no class
        wrong, and those whose class is among the two likeliest.
        """
        right: Array = np.array((self.said == self.truth).all(1), bool, ndmin=1)
        second = np.argsort(self.scores, axis=1, kind="stable")[:, -2:]
        near: Array = np.array(np.take_along_axis(self.truth, second, 1).any(1), bool, ndmin=1)
        rows = np.concatenate(
            [self.said & self.truth, self.said, self.truth, np.ones((len(right), 1), bool), right[:, None], near[:, None]], 1
        )  # fmt: skip
        sums = np.zeros((len(self.groups), rows.shape[1]))
        np.add.at(sums, self.sample, rows)
        return sums


def called(scores: Array, several: bool) -> Array:
    """N×K booleans: the likeliest class, or all classes above one half."""
    if several:
        return scores > 0.5
    said = np.zeros(scores.shape, bool)
    said[np.arange(len(scores)), scores.argmax(1)] = True
    return said


def statistics(sums: Array, classes: int, several: bool) -> Array:
    """Balanced accuracy, macro F1, accuracy, share with the class among the best two, then recall, precision and F1 of
    each class: …×(4 + 3K) of sums …×(3K + 3), see `Answers.columns`.
    """
    hit, said, true = (sums[..., i * classes : (i + 1) * classes] for i in range(_PER_CLASS))
    total, right, near = (sums[..., _PER_CLASS * classes + i, None] for i in range(3))
    recall = ratio(hit, true)
    precision = np.where(said > 0, ratio(hit, said), np.where(true > 0, 0.0, np.nan))
    f1 = ratio(2 * hit, true + said)
    if several:
        absent = ratio(total - said - true + hit, total - true)
        balanced = _mean(np.stack([recall, absent], -1))
    else:
        balanced = recall
    overall = [_mean(balanced)[..., None], _mean(f1)[..., None], ratio(right, total), ratio(near, total)]
    return np.concatenate([*overall, recall, precision, f1], -1)


def _mean(values: Array) -> Array:
    """Over the last axis, of what is defined."""
    known = ~np.isnan(values)
    return ratio(np.where(known, values, 0.0).sum(-1), known.sum(-1).astype(np.float64))


def level_of(answers: Answers, one: str, many: str, bootstrap: Bootstrap, calibrated: bool = False) -> Level:
    """All numbers of parts, or of samples.

    Args:
        answers: Of them.
        one, many: What they are called.
        bootstrap: Over the groups of the samples.
        calibrated: With the reliability of the probabilities.
    """
    classes, names = len(answers.names), list(answers.names)
    sums = answers.columns()
    found = bootstrap.intervals(sums, lambda s: statistics(s, classes, answers.several))
    found = [exact_interval(v, n) for v, n in zip(found, _trials(sums, classes, bootstrap), strict=True)]
    curves, mean = _aurocs(answers, bootstrap)
    mean = exact_interval(mean, bootstrap.count)
    measures = dict(zip(("balanced_accuracy", "macro_f1", "accuracy", "top2"), found, strict=False))
    if answers.several or classes < 3:
        del measures["top2"]
    measures["auroc"] = mean
    total = sums.sum(0)
    each = [found[4 + i * classes : 4 + (i + 1) * classes] for i in range(3)]
    rows = [
        LevelClass(name=name, true=int(total[2 * classes + k]), predicted=int(total[classes + k]), recall=each[0][k],
                   precision=each[1][k], f1=each[2][k], auroc=curves[k])
        for k, name in enumerate(names)
    ]  # fmt: skip
    return Level(
        one=one,
        many=many,
        count=len(answers.scores),
        measures=measures,
        classes=rows,
        matrix=_matrix(answers),
        calibration=_calibration(answers) if calibrated else [],
    )


def _trials(sums: Array, classes: int, bootstrap: Bootstrap) -> list[int]:
    """Groups behind each of `statistics`: all, those in which a class is, those in which it was predicted, both."""
    there = bootstrap.group_sums(sums) > 0
    said, true = there[:, classes : 2 * classes], there[:, 2 * classes : 3 * classes]
    each = [*true.sum(0), *said.sum(0), *(true | said).sum(0)]
    return [bootstrap.count] * 4 + [int(n) for n in each]


def measures_of(answers: Answers, bootstrap: Bootstrap) -> dict[str, Interval]:
    """The measures of a level alone, for what stands beside the model."""
    return level_of(answers, "", "", bootstrap).measures


def _matrix(answers: Answers) -> list[Any]:
    if not answers.several:
        classes = answers.truth.shape[1]
        flat = answers.truth.argmax(1) * classes + answers.said.argmax(1)
        return np.bincount(flat, minlength=classes * classes).reshape(classes, classes).tolist()  # type: ignore[no-any-return]
    flat = 2 * answers.truth.astype(int) + answers.said
    return [np.bincount(column, minlength=4).reshape(2, 2).tolist() for column in flat.T]


def _aurocs(answers: Answers, bootstrap: Bootstrap) -> tuple[list[Interval], Interval]:
    """Of each class against the rest, and their mean over the classes for which it is defined."""
    members = bootstrap.members[answers.sample]
    with np.errstate(invalid="ignore"):
        columns = list(zip(answers.scores.T, answers.truth.T, strict=True))
        value = np.concatenate([auroc(s, t) for s, t in columns])
        drawn: list[Array] = []
        if len(members) <= _MOST_DRAWN:
            for weights in bootstrap.weights(4 * len(members)):
                drawn.append(np.stack([auroc(s, t, weights[:, members]) for s, t in columns], 1))
    if not drawn:
        return [Interval(value=defined(v)) for v in value], Interval(value=defined(_mean(value)))
    draws = np.concatenate(drawn)
    both = bootstrap.percentiles(
        np.append(value, _mean(value)), np.concatenate([draws, _mean(draws)[:, None]], 1)
    )
    return both[:-1], both[-1]


def _calibration(answers: Answers) -> list[Calibration]:
    """Of each class; where they exclude each other also of the likeliest one."""
    planes = [(name, number, answers.scores[:, number], answers.truth[:, number])
              for number, name in enumerate(answers.names)]  # fmt: skip
    found = [_reliability(*plane) for plane in planes]
    if not answers.several:
        right = np.asarray((answers.said & answers.truth).any(1))
        found.append(_reliability("predicted class", None, answers.scores.max(1), right))
    return found


def _reliability(name: str, number: int | None, scores: Array, right: Array) -> Calibration:
    levels = to_levels(scores)
    wrong, good = (np.bincount(levels[mask], minlength=LEVELS) for mask in (~right, right))
    bins = np.searchsorted(BIN_EDGES, levels, side="left")
    return calibration_of(name, number, wrong, good, np.bincount(bins, scores, minlength=BINS))


def counts_of_samples(answers: Answers) -> list[PartCounts]:
    """Of each sample its parts by class."""
    classes = len(answers.names)
    return [
        PartCounts(hit=row[:classes], predicted=row[classes : 2 * classes], true=row[2 * classes : 3 * classes],
                   parts=row[3 * classes], right=row[3 * classes + 1])
        for row in answers.columns().astype(int).tolist()
    ]  # fmt: skip


def columns_of(counts: Sequence[PartCounts]) -> Array:
    """The inverse of `counts_of_samples`: as `Answers.columns`, without what was second best (0)."""
    return np.array([[*c.hit, *c.predicted, *c.true, c.parts, c.right, 0] for c in counts], np.float64)


def groups_of(parts: Answers, whole: Answers) -> list[GroupResult]:
    """How each group fared, in the order of their names."""
    group = np.asarray(parts.groups, dtype=object)
    inner, outer = ((a.said == a.truth).all(1) for a in (parts, whole))
    found = []
    for name in sorted(set(parts.groups)):
        here = group == name
        mine = here[parts.sample]
        found.append(
            GroupResult(name=name, samples=int(here.sum()), parts=int(mine.sum()), samples_right=int(outer[here].sum()),
                        parts_right=int(inner[mine].sum()))
        )  # fmt: skip
    return found


def worst_order(whole: Answers) -> list[int]:
    """Samples from the one whose true classes seemed least probable on."""
    given = np.where(whole.truth, whole.scores, 1 - whole.scores)
    own = given.mean(1) if whole.several else np.where(whole.truth, whole.scores, 0).max(1)
    return [int(i) for i in np.argsort(own, kind="stable")]

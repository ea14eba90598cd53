"""The numbers of a classifier's evaluation, against their definitions, and two of them compared."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics

from src.core.evaluation import compare, read_any_evaluation, read_evaluation, write_evaluation
from src.core.evaluation.bootstrap import Bootstrap
from src.core.evaluation.classified import ClassData, ClassEvaluation, SampleResult
from src.core.evaluation.classify import Answers, counts_of_samples, groups_of, level_of, worst_order
from src.core.evaluation.document import DocumentError, written_now
from src.core.evaluation.pieces import ModelFacts
from src.core.report.classification import write_class_report

NAMES = ("ball", "inner", "outer")


def answers(seed: int = 0, several: bool = False, skill: float = 1.0) -> Answers:
    """Twelve samples of four groups, with nine to fourteen parts each; the last class is never true where one is."""
    rng, twist = np.random.default_rng(3), np.random.default_rng(seed)
    parts = rng.integers(9, 15, 12)
    sample = np.repeat(np.arange(12), parts)
    own = rng.random((12, 3)) < 0.5 if several else np.eye(3, dtype=bool)[rng.integers(0, 2, 12)]
    truth = own[sample]
    scores = twist.normal(size=truth.shape) + skill * truth
    scores = 1 / (1 + np.exp(-scores)) if several else np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    return Answers(NAMES, several, truth, scores, sample, [f"g{k % 4}" for k in range(12)])


def document(one: Answers, name: str = "m", samples: int = 200) -> ClassEvaluation:
    whole, bootstrap = one.whole(), Bootstrap(one.groups, samples, noun=("recording", "recordings"))
    results = [
        SampleResult(id=f"r{k}", group=one.groups[k], path=f"r{k}.npy", true=np.flatnonzero(whole.truth[k]).tolist(),
                     predicted=np.flatnonzero(whole.said[k]).tolist(), scores=whole.scores[k].tolist(), counts=counts)
        for k, counts in enumerate(counts_of_samples(one))
    ]  # fmt: skip
    return ClassEvaluation(
        **written_now(), model=ModelFacts(name=name, path="m"), data=ClassData(samples=12), classes=list(NAMES),
        several=one.several, interval=bootstrap.rule,
        levels=[level_of(one, "window", "windows", bootstrap, True), level_of(whole, "recording", "recordings", bootstrap)],
        groups=groups_of(one, whole), samples=results, worst=worst_order(whole),
    )  # fmt: skip


def test_one_class_each_as_scikit_learn_has_it() -> None:
    one = answers()
    level = document(one).levels[0]
    true, said = one.truth.argmax(1), one.scores.argmax(1)
    values = {key: interval.value for key, interval in level.measures.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class that is predicted and never true
        balanced = metrics.balanced_accuracy_score(true, said)
        f1 = metrics.f1_score(true, said, average="macro", labels=[0, 1, 2])
    assert values["balanced_accuracy"] == pytest.approx(balanced)
    assert values["macro_f1"] == pytest.approx(f1)
    assert values["accuracy"] == pytest.approx((true == said).mean())
    assert values["auroc"] == pytest.approx(
        np.mean([metrics.roc_auc_score(one.truth[:, c], one.scores[:, c]) for c in (0, 1)])
    )
    best_two = np.argsort(one.scores, 1)[:, -2:]
    assert values["top2"] == pytest.approx((best_two == true[:, None]).any(1).mean())
    assert np.array_equal(level.matrix, metrics.confusion_matrix(true, said, labels=[0, 1, 2]))
    assert level.classes[2].recall.value is None and level.classes[2].auroc.value is None
    for interval in (level.measures["balanced_accuracy"], level.measures["auroc"], level.classes[0].f1):
        assert interval.low is not None and interval.low <= interval.value <= interval.high  # type: ignore[operator]
    likeliest = level.calibration[-1]
    edges = np.searchsorted(np.arange(1, 15) / 15, one.scores.max(1), side="left")
    gaps = [(edges == b).sum() * abs(one.scores.max(1)[edges == b].mean() - (true == said)[edges == b].mean())
            for b in np.unique(edges)]  # fmt: skip
    assert likeliest.ece == pytest.approx(sum(gaps) / len(true), abs=0.02), "levels of 1/255 move a few parts"


def test_several_classes_at_once_are_asked_one_by_one() -> None:
    one = answers(several=True)
    level, said = document(one).levels[0], one.scores > 0.5
    each = [metrics.balanced_accuracy_score(one.truth[:, c], said[:, c]) for c in range(3)]
    assert level.measures["balanced_accuracy"].value == pytest.approx(np.mean(each))
    assert level.measures["accuracy"].value == pytest.approx((one.truth == said).all(1).mean())
    assert "top2" not in level.measures
    assert np.array_equal(level.matrix, metrics.multilabel_confusion_matrix(one.truth, said))


def test_a_sample_gets_the_mean_of_its_parts_and_groups_are_counted() -> None:
    one = answers()
    whole, found = one.whole(), document(one)
    assert np.allclose(whole.scores[4], one.scores[one.sample == 4].mean(0))
    assert (
        sum(g.parts for g in found.groups) == len(one.sample) and sum(g.samples for g in found.groups) == 12
    )
    assert sum(g.parts_right for g in found.groups) == found.levels[0].measures["accuracy"].value * len(
        one.sample
    )  # type: ignore[operator]
    own = (whole.scores * whole.truth).max(1)
    assert own[found.worst[0]] == own.min() and own[found.worst[-1]] == own.max()


def test_a_perfect_score_is_no_certainty() -> None:
    level = document(answers(skill=50.0)).levels[1]
    value = level.measures["balanced_accuracy"]
    assert value.value == 1 and value.low == pytest.approx(1 - (1 - 0.025 ** (1 / 4))), (
        "four groups, all right"
    )
    assert level.classes[0].recall.low < 0.5 and level.measures["auroc"].low < 0.5  # type: ignore[operator]


def test_two_classifiers_on_the_same_samples() -> None:
    weak, strong = document(answers(1, skill=0.2), "weak"), document(answers(2, skill=3.0), "strong")
    found = compare(weak, strong)
    first = found["measures"][0]
    values = [d.levels[0].measures["balanced_accuracy"].value for d in (weak, strong)]
    assert [first["a"], first["b"]] == pytest.approx(values)
    assert first["difference"]["low"] > 0 and first["p"] == pytest.approx(2 / 2**4), (
        "all swaps of four groups"
    )
    assert {m["over"] for m in found["measures"]} == {"windows", "recordings"}
    assert (
        found["images"] == 12
        and "strong" not in found["said"][0]
        and "The second is better" in found["said"][0]
    )
    same = compare(strong, strong)
    assert all(m["difference"]["value"] == 0 and m["p"] == 1 for m in same["measures"])


def test_what_cannot_be_compared_is_said() -> None:
    one, other = document(answers()), document(answers())
    for sample in other.samples:
        sample.id = "x" + sample.id
    with pytest.raises(ValueError, match="no recording in common"):
        compare(one, other)
    other = document(answers())
    other.samples[0].counts.parts += 1
    found = compare(one, other)
    assert {m["over"] for m in found["measures"]} == {"recordings"} and "another length" in found["notes"][-1]


def test_the_document_survives_the_disk_and_makes_a_page(tmp_path: Path) -> None:
    made = document(answers())
    write_evaluation(tmp_path, made)
    assert read_any_evaluation(tmp_path) == made
    with pytest.raises(DocumentError, match="not of masks"):
        read_evaluation(tmp_path)
    page = write_class_report(tmp_path, made).read_text("utf-8")
    assert "Balanced accuracy of windows" in page and "Confusion of recordings" in page and "r3" in page
    one_group = Bootstrap(["a"] * 3, noun=("recording", "recordings")).rule
    assert one_group.reason.startswith("All 3 recordings belong to one group")

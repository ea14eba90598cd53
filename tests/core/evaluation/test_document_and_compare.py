"""The document on the disk, its files, and the comparison of two."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from src.core.dataset.records import Sample
from src.core.evaluation import (
    DocumentError,
    Evaluation,
    build,
    compare,
    images_behind,
    read_evaluation,
    write_evaluation,
)
from src.core.evaluation.bootstrap import Bootstrap
from src.core.evaluation.collect import Collector, reduced
from src.core.evaluation.decision import decide
from src.core.evaluation.files import error_picture, write_arrays, write_table
from src.core.evaluation.measure import Rules, measure_arrays
from src.core.evaluation.pieces import DataFacts, LeftOut, ModelFacts, Threshold
from src.core.evaluation.scores import overall_scores
from src.core.report.evaluation import write_evaluation_report


def collect(
    noise: float, count: int = 12, groups: int = 4, classes: int = 2, worst: int = 3, names: str = "i{}"
) -> Collector:
    """Images whose truth depends on their number alone and whose prediction is the worse the more noise there is."""
    collected = Collector(Rules(classes, classes == 2), worst)
    for number in range(count):
        rng = np.random.default_rng(number)
        truth = (
            rng.integers(0, classes, (12, 14)).astype(np.uint8) if number else np.zeros((12, 14), np.uint8)
        )
        truth[0] = 255
        p = np.stack([(truth == k) * 1.0 + noise * rng.random(truth.shape) for k in range(classes)])
        p = (p / p.sum(0)).astype(np.float32)
        probability = p[1] if classes == 2 else p
        measure = measure_arrays(probability, truth, collected.rules)
        collected.add(
            Sample(
                names.format(number), f"/images/{number}.png", f"/masks/{number}.png", f"g{number % groups}"
            ),
            measure,
        )
    return collected


def document(collected: Collector, samples: int = 60) -> Evaluation:
    names = ["background", "=b", "c", "d"][: collected.rules.classes]
    bootstrap = Bootstrap([s.group for s in collected.samples], samples)
    return Evaluation(
        model=ModelFacts(name="a model", path="m"), data=DataFacts(images=len(collected)), classes=names,
        binary=collected.rules.binary, threshold=Threshold(value=0.5, source="given"), interval=bootstrap.rule,
        metrics=build.metrics_of(collected, names, bootstrap), confusion=build.confusion_of(collected, len(names)),
        curves=build.curves_of(collected, names), objects=build.objects_of(collected, names, bootstrap),
        decision=decide(collected.column("score"), collected.column("with_object").astype(bool), bootstrap, binary=True,
                        rate=0.1, threshold=0.6, threshold_from="validation", fitted_here=False),
        calibration=build.calibration_of_all(collected, names), images=build.images_of(collected), worst=collected.worst_order(),
    )  # fmt: skip


@pytest.mark.parametrize("classes", [2, 4])
def test_what_is_written_is_read(tmp_path: Path, classes: int) -> None:
    made = document(collect(2.0, classes=classes))
    write_evaluation(tmp_path, made)
    assert read_evaluation(tmp_path) == made
    assert read_evaluation(tmp_path / "evaluation.json") == made
    raw = json.loads((tmp_path / "evaluation.json").read_text("utf-8"))
    assert raw["format"] == "lathe-evaluation" and raw["version"] == 1
    assert len(raw["curves"]) == (1 if classes == 2 else 4) and len(raw["curves"][0]["iou"]) == 255


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "damaged"), ("[]", "not an evaluation"), ('{"format": "lathe-evaluation", "version": 99}', "later version"),
     ('{"format": "lathe-evaluation", "version": 1, "model": {"name": "x"}}', "damaged at model.path")],
)  # fmt: skip
def test_damaged_documents_are_refused_in_words(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DocumentError, match="no evaluation"):
        read_evaluation(tmp_path)
    (tmp_path / "evaluation.json").write_text(text, "utf-8")
    with pytest.raises(DocumentError, match=said) as caught:
        read_evaluation(tmp_path)
    assert caught.value.cure


def test_numbers_agree_with_each_other(tmp_path: Path) -> None:
    collected = collect(2.5, classes=4)
    made = document(collected)
    matrix = np.array(made.confusion.matrix)
    pooled = overall_scores(np.stack([matrix.diagonal(), matrix.sum(0), matrix.sum(1)]), False)
    assert made.metrics.pooled["iou"].value == pytest.approx(pooled[0])
    assert made.metrics.images["iou"].value == pytest.approx(np.mean([i.scores["iou"] for i in made.images]))
    for name in ("iou", "dice"):
        interval = made.metrics.pooled[name]
        assert (interval.low or 0) <= (interval.value or 0) <= (interval.high or 0)
    assert sum(c.pixels for c in made.confusion.cells) + matrix.trace() == matrix.sum() == 12 * 11 * 14
    cell = max(made.confusion.cells, key=lambda c: c.pixels)
    assert sum(pixels for _, pixels in cell.images) == cell.pixels == matrix[cell.true, cell.predicted]
    write_arrays(tmp_path, collected)
    assert images_behind(tmp_path, cell.true, cell.predicted) == [tuple(x) for x in cell.images]
    with pytest.raises(DocumentError):
        images_behind(tmp_path / "absent", 0, 1)
    assert sum(c.pixels for c in made.metrics.classes) == matrix.sum()
    many = sum(b.objects for b in made.objects.bins)
    assert many == sum(c.objects for c in made.objects.classes) == sum(i.objects for i in made.images)


def test_the_worst_come_first_and_their_pictures_are_kept() -> None:
    collected = collect(2.5, worst=3)
    made = document(collected)
    values = [made.images[i].scores["iou"] or 0.0 for i in made.worst]
    assert values == sorted(values) and len(values) == 12
    assert [k.index for k in collected.kept] == made.worst[:3]
    assert not collect(2.5, worst=0).kept


def test_a_table_for_spreadsheets(tmp_path: Path) -> None:
    write_table(tmp_path, document(collect(1.0, names="=cmd{}")))
    lines = (tmp_path / "images.csv").read_text("utf-8-sig").splitlines()
    assert len(lines) == 13 and lines[0].startswith("id,group,image,mask,iou")
    assert lines[1].startswith("'=cmd0,"), "a name that a spreadsheet would carry out"


def test_small_things_stay_in_reduced_pictures() -> None:
    labels = np.zeros((300, 500), np.uint8)
    labels[201, 333] = 3
    labels[:100] = 255
    small = reduced(labels, 100)
    assert (
        small.shape == (60, 100)
        and small[40, 66] == 3
        and (small[:20] == 255).all()
        and (small > 0).sum() == 2001
    )


def test_error_pictures_tell_what_is_wrong() -> None:
    truth = np.array([[0, 1, 1, 0, 255, 2]], np.uint8)
    labels = np.array([[0, 1, 0, 1, 1, 1]], np.uint8)
    colours = error_picture(np.full((1, 6, 3), 90, np.uint8), truth, labels)[0]
    assert len({tuple(c) for c in colours.tolist()}) == 6
    assert colours[0].tolist() == [45, 45, 45]


@pytest.mark.parametrize("classes", [2, 4])
def test_the_report_is_one_page(tmp_path: Path, classes: int) -> None:
    made = document(collect(2.0, classes=classes))
    made.left_out.append(LeftOut(id="<evil>", path="p", reason="it is gone"))
    write_evaluation(tmp_path, made)
    page = write_evaluation_report(tmp_path).read_text("utf-8")
    assert (
        page.count("<svg") >= 5
        and 'src="http' not in page
        and 'href="http' not in page.replace("xlink:href", "")
    )
    assert "a model" in page and "&lt;evil&gt;" in page and "<evil>" not in page
    assert (tmp_path / "report" / "confusion.png").stat().st_size > 1000


def test_a_report_of_nothing_at_all(tmp_path: Path) -> None:
    collected = Collector(Rules(2, True))
    truth = np.full((4, 4), 255, np.uint8)
    collected.add(Sample("only", "/i", None, "g"), measure_arrays(np.zeros((4, 4)), truth, collected.rules))
    made = document(collected)
    assert made.metrics.pooled["iou"].value is None and made.interval.reason
    write_evaluation(tmp_path, made)
    assert "–" in write_evaluation_report(tmp_path).read_text("utf-8")
    assert read_evaluation(tmp_path) == made


# -- comparison ---


def test_a_better_model_is_found_better() -> None:
    result = compare(document(collect(3.0, 40, 10)), document(collect(1.2, 40, 10)))
    iou = result["measures"][0]
    assert iou["name"] == "iou" and iou["over"] == "pooled" and iou["b"] > iou["a"]
    assert iou["difference"]["value"] == pytest.approx(iou["b"] - iou["a"])
    assert iou["difference"]["low"] > 0 and iou["p"] == pytest.approx(2 / 2**10)
    assert result["images"] == 40 and result["groups"] == 10 and "all swaps" in result["test"]
    assert result["rows"][0]["difference"] <= result["rows"][-1]["difference"]
    json.dumps(result)


def test_a_model_is_not_better_than_itself() -> None:
    one = document(collect(2.0, 20, 20))
    result = compare(one, one)
    assert (
        all(m["p"] == 1.0 and m["difference"]["value"] == 0 for m in result["measures"])
        and "random swaps" in result["test"]
    )


def test_p_is_that_of_all_swaps_written_out() -> None:
    a, b = document(collect(2.0, 12, 4)), document(collect(2.3, 12, 4))
    found = next(m for m in compare(a, b)["measures"] if m["name"] == "iou" and m["over"] == "images")
    x, y = (np.array([i.scores["iou"] for i in d.images]) for d in (a, b))
    group = np.arange(12) % 4
    observed = abs((y - x).mean())
    differences = [
        abs(np.where(np.array(s)[group], x - y, y - x).mean()) for s in itertools.product((0, 1), repeat=4)
    ]
    assert found["p"] == pytest.approx(np.mean(np.array(differences) >= observed - 1e-12))


def test_p_of_random_swaps_agrees_with_that_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = document(collect(2.0, 24, 8)), document(collect(2.2, 24, 8))
    exact = [m["p"] for m in compare(a, b)["measures"]]
    monkeypatch.setattr("src.core.evaluation.comparison._EXACT_GROUPS", 2)
    assert [m["p"] for m in compare(a, b)["measures"]] == pytest.approx(exact, abs=0.03)


def test_only_what_both_have_is_compared() -> None:
    a, b = document(collect(2.0, 12)), document(collect(2.0, 10))
    b.images[3].counts.true[0] += 1
    result = compare(a, b)
    assert (result["images"], result["only_a"], result["only_b"], result["different_truth"]) == (9, 2, 0, 1)
    assert len(result["notes"]) == 2
    with pytest.raises(ValueError, match="no image in common"):
        compare(a, document(collect(2.0, names="other{}")))
    with pytest.raises(ValueError, match="different classes"):
        compare(a, document(collect(2.0, classes=4)))


def test_one_group_has_no_test() -> None:
    result = compare(document(collect(2.0, 6, 1)), document(collect(1.0, 6, 1)))
    assert result["measures"][0]["p"] is None and any("one group" in note for note in result["notes"])

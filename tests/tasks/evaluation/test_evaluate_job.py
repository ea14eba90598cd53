"""The evaluation job on files, with a small network: its numbers, its thresholds, and what it refuses."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import SIZE, make_run, picture, write_data  # type: ignore[import-not-found]
from sklearn import metrics as sk

from src.core.config.job import ComputeConfig
from src.core.dataset.description import DatasetDescription
from src.core.dataset.files.images import read_mask
from src.core.dataset.masks import MaskMeaning
from src.core.evaluation import Evaluation, read_evaluation, read_threshold, write_threshold
from src.core.evaluation.measure import Rules, finish_image, measure_arrays
from src.core.inference.predictor import Predictor
from src.core.inference.sinks import ArraySink
from src.core.inference.sources import FileSource
from src.core.job import JobError
from src.core.run import RunFolder
from src.core.run.commands import send
from src.core.run.model_source import find_model
from src.tasks.segmentation.jobs.evaluate_data import same_classes
from src.tasks.segmentation.jobs.evaluate_sink import _count, reduce_band
from src.tasks.segmentation.jobs.inference_config import InferenceConfig
from src.tasks.segmentation.loaded import load_model


def predicted(run: RunFolder, document: Evaluation) -> list[tuple[np.ndarray, np.ndarray]]:
    """Truth (255 where ignored) and probabilities of the document's images, read and predicted apart from the job."""
    loaded = load_model(find_model(str(run.path)), "cpu", "fp32")
    predictor = Predictor(loaded, InferenceConfig(), ComputeConfig(device="cpu", precision="fp32"))
    stream = predictor.stream(
        [FileSource(i.image) for i in document.images], lambda _s, size: ArraySink(size)
    )
    masks = [loaded.meaning.encode(read_mask(i.mask or "")) for i in document.images]
    return [(mask, p) for mask, (_, p) in zip(masks, stream, strict=True)]


@pytest.fixture
def binary(tmp_path: Path) -> RunFolder:
    write_data(tmp_path / "data", 24, ignore=200)
    return make_run(tmp_path / "run", tmp_path / "data", ("background", "scratch"), ignore_value=200)


def test_a_binary_model_with_its_threshold_from_validation(binary: RunFolder, work: Any) -> None:
    result, folder, warned = work(binary, report=True)
    made = read_evaluation(folder)
    assert made.data.part == "test" and not warned and len(made.images) == 8 and made.data.ignored == 8 * 36
    pairs = predicted(binary, made)
    value = made.threshold.value
    assert value is not None and made.threshold.source == "validation" and not made.threshold.fitted_here
    t = np.concatenate([m[m != 255] for m, _ in pairs])
    p = np.concatenate([q[0][m != 255] for m, q in pairs])
    assert made.confusion.matrix == sk.confusion_matrix(t, p > np.float32(value), labels=[0, 1]).tolist()
    assert made.metrics.pooled["iou"].value == pytest.approx(sk.jaccard_score(t, p > np.float32(value)))
    per_image = [
        sk.jaccard_score(m[m != 255], q[0][m != 255] > np.float32(value), zero_division=1.0) for m, q in pairs
    ]
    assert [i.scores["iou"] for i in made.images] == pytest.approx(per_image)
    kinds = [bool((m == 1).any()) for m, _ in pairs]
    scores = [np.sort(q[0][m != 255])[-9] for m, q in pairs]
    assert [i.score for i in made.images] == pytest.approx(scores)
    assert made.decision.auroc.value == pytest.approx(sk.roc_auc_score(kinds, scores))
    assert (
        made.interval.groups == len({i.group for i in made.images})
        and made.metrics.pooled["iou"].low is not None
    )
    assert Path(result["report"]).is_file() and (folder / "images.csv").is_file()
    first = made.worst_first()[0]
    assert first.pictures is not None and all(
        (folder / name).is_file() for name in first.pictures.model_dump().values()
    )
    stored = read_threshold(binary.path)
    assert stored is not None and stored.value == value and stored.measure == "iou" and stored.part == "val"
    _, second, _ = work(binary)
    assert (
        read_evaluation(second).threshold.source == "stored"
        and read_evaluation(second).threshold.value == value
    )
    assert read_evaluation(second).confusion == made.confusion


def test_a_model_of_several_classes(tmp_path: Path, work: Any) -> None:
    names = ("background", "a", "b", "c")
    write_data(tmp_path / "data", 12, 4)
    run = make_run(tmp_path / "run", tmp_path / "data", names)
    _, folder, _ = work(run)
    made = read_evaluation(folder)
    pairs = predicted(run, made)
    t = np.concatenate([m.ravel() for m, _ in pairs])
    p = np.concatenate([q.argmax(0).ravel() for _, q in pairs])
    assert made.confusion.matrix == sk.confusion_matrix(t, p, labels=range(4)).tolist()
    assert made.threshold.value is None and made.threshold.source == "argmax" and len(made.curves) == 4
    assert not (run.path / "threshold.json").exists()
    assert made.decision.threshold is not None and made.calibration[-1].name == "predicted class"


def test_fitting_on_the_evaluated_images_is_said_loudly(binary: RunFolder, work: Any) -> None:
    _, folder, warned = work(binary, part="val")
    made = read_evaluation(folder)
    assert made.threshold.fitted_here and made.threshold.source == "evaluated" and made.decision.fitted_here
    assert "evaluation.fitted_here" in warned and any(n.code == "evaluation.fitted_here" for n in made.notes)
    assert made.curves[0].iou[round((made.threshold.value or 0) * 255)] == max(
        v for v in made.curves[0].iou if v is not None
    )
    assert made.threshold.score == pytest.approx(made.metrics.pooled["iou"].value)


def test_without_a_test_part_validation_is_taken_and_it_is_said(tmp_path: Path, work: Any) -> None:
    write_data(tmp_path / "data", 12)
    _, folder, warned = work(make_run(tmp_path / "run", tmp_path / "data", test=0.0))
    made = read_evaluation(folder)
    assert made.data.part == "val" and made.data.part_asked == "test" and "evaluation.no_test" in warned


def test_a_threshold_may_be_given(binary: RunFolder, work: Any) -> None:
    _, folder, _ = work(binary, threshold="0.4")
    made = read_evaluation(folder)
    assert made.threshold.value == 0.4 and made.threshold.source == "given"
    pairs = predicted(binary, made)
    found = sum(int((q[0][m == 1] > np.float32(0.4)).sum()) for m, q in pairs)
    assert made.confusion.matrix[1][1] == found and made.decision.threshold_from == "validation"
    assert not (binary.path / "threshold.json").exists()


def test_the_choice_of_a_person_is_not_overwritten(binary: RunFolder, work: Any) -> None:
    work(binary)
    fitted = read_threshold(binary.path)
    assert fitted is not None
    write_threshold(binary.path, replace(fitted, value=0.25, measure="none"))
    _, folder, warned = work(binary)
    assert read_evaluation(folder).threshold.value == fitted.value, (
        "an evaluation judges by what validation says"
    )
    kept = read_threshold(binary.path)
    assert kept is not None and kept.value == 0.25 and "evaluation.threshold_of_a_person" in warned


@pytest.mark.parametrize("part", ["train", "all"])
def test_images_of_the_training_are_told_of(binary: RunFolder, work: Any, part: str) -> None:
    _, _, warned = work(binary, part=part, threshold="0.5")
    assert "evaluation.trained_on" in warned


def test_other_data_in_a_folder_are_read_as_in_training(binary: RunFolder, tmp_path: Path, work: Any) -> None:
    write_data(tmp_path / "new", 5, ignore=200)
    _, folder, _ = work(binary, data=str(tmp_path / "new"), groups="folder")
    made = read_evaluation(folder)
    assert (
        made.data.part == "all"
        and len(made.images) == 5
        and made.data.groups == 2
        and made.threshold.source == "validation"
    )
    assert made.data.ignored == 5 * 36


def test_masks_of_zero_and_one_are_understood(binary: RunFolder, tmp_path: Path, work: Any) -> None:
    write_data(tmp_path / "new", 5, values=1)
    _, folder, _ = work(binary, data=str(tmp_path / "new"), groups="pattern", group_pattern=r"(\d)\.png")
    made = read_evaluation(folder)
    assert made.decision.images_with == 3 and made.data.groups == 5


def test_other_classes_are_refused_by_name(tmp_path: Path, work: Any) -> None:
    names = ("background", "a", "b", "c")
    write_data(tmp_path / "data", 12, 4)
    run = make_run(tmp_path / "run", tmp_path / "data", names)
    other = make_run(tmp_path / "other", tmp_path / "data", ("background", "a", "b", "dent"))
    with pytest.raises(JobError, match="background, a, b, c; the data have background, a, b, dent") as caught:
        work(run, data=str(other.path))
    assert caught.value.cure


def test_the_same_classes_in_another_order_are_put_in_order() -> None:
    model = MaskMeaning("index", ("bg", "a", "b"), (0, 1, 2))
    found = same_classes(model.classes, model, MaskMeaning("index", ("bg", "b", "a"), (0, 7, 9)), "x")
    assert found.encode(np.array([[0, 7, 9]], np.uint8)).tolist() == [[0, 2, 1]]
    with pytest.raises(JobError, match="object"):
        same_classes(model.classes, model, MaskMeaning("binary"), "x")


def test_single_bad_files_are_left_out_and_named(binary: RunFolder, work: Any) -> None:
    samples = DatasetDescription.load(binary.dataset).samples["test"]
    Path(samples[0].mask or "").unlink()
    Path(samples[1].image).write_bytes(b"no picture")
    picture(Path(samples[2].mask or ""), np.zeros((5, 5), np.uint8))
    _, folder, warned = work(binary)
    made = read_evaluation(folder)
    assert [item.id for item in made.left_out] == [s.id for s in samples[:3]] and len(made.images) == 5
    assert all(item.reason for item in made.left_out) and "differ in size" in made.left_out[2].reason
    assert "evaluation.left_out" in warned


def test_data_that_are_gone_give_a_sentence(binary: RunFolder, tmp_path: Path, work: Any) -> None:
    shutil.move(tmp_path / "data", tmp_path / "moved")
    with pytest.raises(JobError, match="None of the 8 images can be found") as caught:
        work(binary)
    assert "data=" in caught.value.cure
    _, folder, warned = work(binary, data=str(tmp_path / "moved"))
    made = read_evaluation(folder)
    assert made.threshold.value == 0.5 and made.threshold.source == "default"
    assert {"evaluation.validation_gone", "evaluation.no_validation"} <= set(warned) and made.decision.reason
    shutil.rmtree(binary.dataset)
    with pytest.raises(JobError, match="no record of its data"):
        work(binary)


@pytest.mark.parametrize("data", ["nowhere", "empty", "bad.yaml"])
def test_data_that_cannot_be_used(binary: RunFolder, tmp_path: Path, work: Any, data: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.yaml").write_text("data: {no_such: 1}\n", "utf-8")
    with pytest.raises(JobError) as caught:
        work(binary, data=str(tmp_path / data))
    assert str(caught.value)


def test_one_image_and_nothing_on_it(tmp_path: Path, binary: RunFolder, work: Any) -> None:
    write_data(tmp_path / "one", 1, ignore=200)
    _, folder, _ = work(binary, data=str(tmp_path / "one"), threshold="0.99")
    made = read_evaluation(folder)
    assert made.metrics.pooled["iou"].value == 1.0 and made.metrics.pooled["iou"].low is None
    assert (
        "single image" in made.interval.reason
        and made.decision.auroc.value is None
        and made.curves[0].average_precision is None
    )


def test_a_cancelled_evaluation_writes_nothing(
    binary: RunFolder, tmp_path: Path, work: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from src.core.job import Job, JobCancelledError

    real = Job.progress

    def cancel(self: Job, done: int, total: int, what: str) -> None:
        send(self.folder, "stop")
        self._inbox._due = 0.0
        real(self, done, total, what)

    monkeypatch.setattr(Job, "progress", cancel)
    with pytest.raises(JobCancelledError):
        work(binary)
    assert not list(tmp_path.glob("evaluation */evaluation.json"))


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("rows", [40, 7])
def test_bands_count_like_whole_images(classes: int, rows: int) -> None:
    """The reduction on the device and in bands equals the one in numpy on the whole."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, classes, SIZE).astype(np.uint8)
    truth[:5, :30] = 255
    p = rng.dirichlet(np.ones(classes), SIZE).transpose(2, 0, 1).astype(np.float32)
    p = p[1:] if classes == 2 else p
    rules = Rules(classes, classes == 2)
    expected = measure_arrays(p[0] if classes == 2 else p, truth, rules, 0.5)
    bands, labels = [], []
    for top in range(0, SIZE[0], rows):
        part = truth[top : top + rows]
        mask = None if (part != 255).all() else torch.from_numpy(part != 255)
        counts, said = _count(
            reduce_band(torch.from_numpy(p[:, top : top + rows]), mask, rules, 0.5), part, rules
        )
        bands.append(counts)
        assert said is not None
        labels.append(said)
    found = finish_image(bands, truth, np.concatenate(labels), rules)
    for name in ("histograms", "matrix", "sizes", "objects"):
        assert (getattr(found, name) == getattr(expected, name)).all(), name
    assert found.score == pytest.approx(expected.score) and np.allclose(found.sums, expected.sums, rtol=1e-6)
    light = replace(rules, detailed=False)
    only = _count(
        reduce_band(torch.from_numpy(p), torch.from_numpy(truth != 255), light, None), truth, light
    )[0]
    assert only.top.min() == pytest.approx(expected.score)
    assert only.histograms.tolist() == (expected.histograms.tolist() if classes == 2 else [])


def test_the_events_say_what_it_does(binary: RunFolder, work: Any) -> None:
    _, folder, _ = work(binary)
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text("utf-8").splitlines()]
    stages = {e["what"] for e in events if e["type"] == "stage"}
    assert {"Choosing the threshold on validation", "Evaluating"} <= stages
    assert next(e for e in events if e["type"] == "job_started")["items"] == 8

"""Makes small evaluations as `docs/evaluation.md` describes them, with numbers that agree with each other."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from src.core.evaluation.bootstrap import Bootstrap
from src.core.evaluation.decision import decide
from src.core.evaluation.document import Evaluation, write_evaluation
from src.core.evaluation.levels import calibration_of, curve_of
from src.core.evaluation.pieces import (
    Cell,
    ClassMetrics,
    Confusion,
    DataFacts,
    ImageCounts,
    ImageResult,
    ImagesMeasure,
    Interval,
    Metrics,
    ModelFacts,
    Note,
    ObjectClass,
    Objects,
    Pictures,
    SizeBin,
    Threshold,
)
from src.core.evaluation.scores import MEASURES, class_scores, counts_of, overall_scores

SIDE = 96


def evaluation(
    images: int = 40,
    classes: tuple[str, ...] = ("background", "crack"),
    *,
    seed: int = 0,
    truth_seed: int = 0,
    skill: float = 0.85,
    group_of: int = 4,
    run: Path | None = None,
    part: str = "test",
    fitted_here: bool = False,
    name: str = "tiles, best (epoch 12)",
    pictures: int = 0,
) -> Evaluation:
    """A document of random images whose truth depends on `truth_seed` only; `skill` is the share predicted rightly."""
    k, binary = len(classes), len(classes) == 2
    matrices = _matrices(images, k, seed, truth_seed, skill)
    counts = counts_of(matrices)
    scores, pooled = overall_scores(counts, binary), counts.sum(0)
    groups = [f"part {i // group_of}" for i in range(images)]
    bootstrap = Bootstrap(groups, 200)
    with_object = counts[:, 2, 1:].sum(1) > 0
    rng = np.random.default_rng(seed)
    score = np.clip(np.where(with_object, 0.75, 0.3) + rng.normal(0, 0.18, images), 0, 1)
    decision = decide(score, with_object, bootstrap, binary=binary, rate=0.05, threshold=0.6,
                      threshold_from="validation", fitted_here=fitted_here)  # fmt: skip
    worst = np.lexsort((np.arange(images), np.nan_to_num(scores[:, 0], nan=2.0))).tolist()
    drawn = {index: place for place, index in enumerate(worst[:pictures])}
    results = [_image(i, groups[i], matrices[i], scores[i], score[i], drawn.get(i)) for i in range(images)]
    shapes = counts.shape[1:]
    overall = bootstrap.intervals(
        counts.reshape(images, -1), lambda s: overall_scores(s.reshape(*s.shape[:-1], *shapes), binary)
    )
    curves, calibration = _curves(classes, pooled, binary, rng)
    return Evaluation(
        created="2026-05-01T12:00:00", lathe="0.4",
        model=ModelFacts(name=name, path=str(run or "model.pth"), run=str(run) if run else None, checkpoint="best abc",
                         epoch=12, architecture="unet", encoder="resnet18"),
        data=DataFacts(root="data", summary="folders", fingerprint="f1", part=part, part_asked=part, images=images,
                       groups=bootstrap.count, grouped_by="folder", pixels=int(matrices.sum()), ignored=12),
        classes=list(classes), binary=binary,
        notes=[Note(severity="warning", code="model.part", message="The model has seen images of these groups.",
                    cure="Evaluate it on the test part.")] if part == "train" else [],
        threshold=Threshold(value=0.4, source="evaluated" if fitted_here else "validation", measure="iou", score=0.8,
                            part=part if fitted_here else "val", fitted_here=fitted_here,
                            sentence="0.400 gives the highest IoU on these very images." if fitted_here
                            else "0.400 gives the highest IoU on the validation part.")
        if binary else Threshold(source="argmax", sentence="The likeliest class is taken."),
        interval=bootstrap.rule,
        metrics=Metrics(pooled=dict(zip(MEASURES, overall, strict=True)),
                        images=_over_images(scores, bootstrap), classes=_classes(classes, counts, bootstrap)),
        confusion=_confusion(matrices),
        curves=curves, decision=decision, objects=_objects(classes, rng), calibration=calibration,
        images=results, worst=worst, seconds=12.5, images_per_second=images / 12.5,
    )  # fmt: skip


def _matrices(images: int, k: int, seed: int, truth_seed: int, skill: float) -> np.ndarray:
    truth, rng = np.random.default_rng(truth_seed + 100), np.random.default_rng(seed + 1)
    matrices = np.zeros((images, k, k), np.int64)
    for matrix in matrices:
        share = truth.dirichlet([8, *[0.8] * (k - 1)])
        if truth.random() < 0.3:
            share = np.array([1.0, *[0.0] * (k - 1)])
        true = np.round(share * SIDE * SIDE).astype(int)
        true[0] += SIDE * SIDE - true.sum()
        good = np.clip(rng.normal(skill, 0.15), 0, 1)
        for row in range(k):
            chance = np.full(k, (1 - good) * (0.03 if row == 0 else 1.0) / max(1, k - 1))
            chance[row] = 0
            chance[row] = 1 - chance.sum()
            matrix[row] = rng.multinomial(true[row], chance)
    return matrices


def _image(
    i: int, group: str, matrix: np.ndarray, scores: np.ndarray, score: float, drawn: int | None
) -> ImageResult:
    counts = counts_of(matrix)
    objects = int(counts[2, 1:].sum() > 0) * (1 + i % 3)
    stem = f"pictures/{drawn}"
    return ImageResult(
        id=f"part_{i // 4}/image_{i:05d}", group=group, image=f"images/{i}.png", mask=f"masks/{i}.png",
        width=SIDE, height=SIDE, pixels=int(matrix.sum()), wrong=int(matrix.sum() - counts[0].sum()), score=float(score),
        scores={m: None if np.isnan(v) else float(v) for m, v in zip(MEASURES, scores, strict=True)},
        counts=ImageCounts(hit=counts[0].tolist(), predicted=counts[1].tolist(), true=counts[2].tolist()),
        objects=objects, found=max(0, objects - i % 2), false_objects=i % 4 // 3,
        pictures=None if drawn is None else Pictures(image=f"{stem}_image.jpg", truth=f"{stem}_truth.png",
                                                     prediction=f"{stem}_prediction.png", error=f"{stem}_error.png"),
    )  # fmt: skip


def _over_images(values: np.ndarray, bootstrap: Bootstrap) -> dict[str, ImagesMeasure]:
    means = bootstrap.means(values)
    return {
        m: ImagesMeasure(**means[i].model_dump(), std=float(np.nanstd(values[:, i])), images=len(values),
                         median=float(np.nanmedian(values[:, i])))
        for i, m in enumerate(MEASURES)
    }  # fmt: skip


def _classes(classes: tuple[str, ...], counts: np.ndarray, bootstrap: Bootstrap) -> list[ClassMetrics]:
    shape, k = counts.shape[1:], len(classes)
    flat = bootstrap.intervals(
        counts.reshape(len(counts), -1),
        lambda s: class_scores(s.reshape(*s.shape[:-1], *shape)).reshape(*s.shape[:-1], -1),
    )
    by_image = class_scores(counts)
    return [
        ClassMetrics(name=name, pixels=int(counts[:, 2, i].sum()), predicted=int(counts[:, 1, i].sum()),
                     pooled=dict(zip(MEASURES, flat[i * 6 : i * 6 + 6], strict=True)),
                     images=_over_images(by_image[:, i], bootstrap))
        for i, name in enumerate(classes[:k])
    ]  # fmt: skip


def _confusion(matrices: np.ndarray) -> Confusion:
    cells = []
    for true, predicted in np.argwhere(matrices.sum(0) > 0):
        if true != predicted:
            pixels = matrices[:, true, predicted]
            rows = np.argsort(-pixels, kind="stable")[: min(200, int((pixels > 0).sum()))]
            cells.append(Cell(true=int(true), predicted=int(predicted), pixels=int(pixels.sum()),
                              image_count=int((pixels > 0).sum()), images=[(int(r), int(pixels[r])) for r in rows]))  # fmt: skip
    return Confusion(matrix=matrices.sum(0).tolist(), cells=cells)


def _curves(classes: tuple[str, ...], pooled: np.ndarray, binary: bool, rng: np.random.Generator) -> Any:
    curves, calibration = [], []
    level = np.arange(256)
    for number in [1] if binary else range(len(classes)):
        true = int(pooled[2, number])
        rest = int(pooled[2].sum()) - true
        objects = rng.multinomial(true, _shape((level / 255) ** 4 + 0.02))
        others = rng.multinomial(rest, _shape((1 - level / 255) ** 9 + 0.0008))
        curves.append(curve_of(classes[number], number, others, objects))
        middle = np.add.reduceat((objects + others) * level / 255, np.arange(15) * 17 + (np.arange(15) > 0))
        calibration.append(calibration_of(classes[number], number, others, objects, middle))
    return curves, calibration


def _shape(values: np.ndarray) -> np.ndarray:
    return values / values.sum()


def _objects(classes: tuple[str, ...], rng: np.random.Generator) -> Objects:
    edges = (1, 16, 64, 256, 1024, None)
    bins, total, seen = [], 0, 0
    for place, (low, high) in enumerate(itertools.pairwise(edges)):
        many = int(rng.integers(5, 40)) if place else 0
        found = int(many * (0.4 + 0.15 * place))
        rate = found / many if many else None
        interval = (
            Interval()
            if rate is None
            else Interval(value=rate, low=max(0, rate - 0.1), high=min(1, rate + 0.08))
        )
        bins.append(SizeBin(low=low, high=high, objects=many, found=found, rate=interval))
        total, seen = total + many, seen + found
    return Objects(
        rule="overlap", at=0.5, sentence="An object is found when at least half of its pixels are predicted as its class.",
        bins=bins, rate=Interval(value=seen / total, low=seen / total - 0.08, high=seen / total + 0.07),
        false_per_image=Interval(value=0.21, low=0.1, high=0.33),
        classes=[ObjectClass(name=n, number=i, objects=total, found=seen, rate=seen / total, predicted=total + 8, false=8)
                 for i, n in enumerate(classes) if i],
    )  # fmt: skip


def write(folder: Path, document: Evaluation) -> Path:
    """The document in a folder, with the pictures that it names and the images that they show."""
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / "data"
    for index, image in enumerate(document.images):
        if image.pictures is None:
            continue
        rng = np.random.default_rng(index)
        pixels = cv2.GaussianBlur(rng.integers(60, 200, (SIDE, SIDE, 3), np.uint8), (0, 0), 2)
        mask = np.zeros((SIDE, SIDE), np.uint8)
        cv2.circle(mask, tuple(int(v) for v in rng.integers(20, 76, 2)), int(rng.integers(5, 20)), 1, -1)
        pixels[mask > 0] = pixels[mask > 0] // 2
        guess = np.roll(mask, 6, axis=1)
        files = {
            image.pictures.image: pixels,
            image.pictures.truth: np.where(mask[..., None] > 0, np.array([0, 159, 230], np.uint8), pixels),
            image.pictures.prediction: np.where(
                guess[..., None] > 0, np.array([0, 159, 230], np.uint8), pixels
            ),
            image.pictures.error: np.where(
                (guess != mask)[..., None], np.array([0, 94, 213], np.uint8), pixels // 2
            ),
        }
        for name, array in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(folder / name), array)
        image.image, image.mask = str(data / Path(image.image).name), str(data / f"mask_{index}.png")
        data.mkdir(exist_ok=True)
        cv2.imwrite(image.image, pixels)
        cv2.imwrite(image.mask, mask)
    write_evaluation(folder, document)
    return folder

"""From what was collected to the document's numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from src.core.evaluation.bootstrap import Bootstrap, defined
from src.core.evaluation.collect import Collector
from src.core.evaluation.levels import calibration_of, counts_at, curve_of
from src.core.evaluation.objects import SIZE_EDGES, rule_sentence
from src.core.evaluation.pieces import (
    Calibration,
    Cell,
    ClassMetrics,
    Confusion,
    Curve,
    ImageCounts,
    ImageResult,
    ImagesMeasure,
    Interval,
    Metrics,
    ObjectClass,
    Objects,
    SizeBin,
)
from src.core.evaluation.scores import MEASURES, class_scores, overall_scores

Array = np.ndarray[Any, Any]
#: A cell of the document names no more images; ``images_behind`` gives all.
CELL_IMAGES = 200
#: Classes whose means over images are drawn at once: bounds the memory.
_CLASSES_AT_ONCE = 16


def metrics_of(collected: Collector, names: list[str], bootstrap: Bootstrap) -> Metrics:
    """Pooled and over images, together and of each class, with intervals."""
    counts, binary = collected.column("counts"), collected.rules.binary
    k = len(names)

    def pooled(sums: Array) -> Array:
        sums = sums.reshape(*sums.shape[:-1], 3, k)
        by_class = class_scores(sums)
        return np.concatenate(
            [overall_scores(sums, binary), by_class.reshape(*by_class.shape[:-2], k * len(MEASURES))], -1
        )

    intervals = bootstrap.intervals(counts.reshape(len(counts), -1), pooled)
    size = len(MEASURES)
    overall, rest = intervals[:size], intervals[size:]
    scores = collected.column("scores")
    classes = []
    by_class: list[Interval] = []
    per_image = class_scores(counts)
    for start in range(0, k, _CLASSES_AT_ONCE):
        part = per_image[:, start : start + _CLASSES_AT_ONCE]
        by_class += bootstrap.means(part.reshape(len(part), -1))
    for number, name in enumerate(names):
        at = slice(number * size, (number + 1) * size)
        classes.append(
            ClassMetrics(
                name=name,
                pixels=int(counts[:, 2, number].sum()),
                predicted=int(counts[:, 1, number].sum()),
                pooled=dict(zip(MEASURES, rest[at], strict=True)),
                images=_over_images(per_image[:, number], by_class[at]),
            )
        )
    return Metrics(
        pooled=dict(zip(MEASURES, overall, strict=True)),
        images=_over_images(scores, bootstrap.means(scores)),
        classes=classes,
    )


def _over_images(values: Array, intervals: list[Interval]) -> dict[str, ImagesMeasure]:
    found = {}
    for i, (name, interval) in enumerate(zip(MEASURES, intervals, strict=True)):
        known = values[:, i][~np.isnan(values[:, i])]
        spread = {"std": float(known.std()), "median": float(np.median(known))} if len(known) else {}
        found[name] = ImagesMeasure(**interval.model_dump(), **spread, images=len(known))
    return found


def confusion_of(collected: Collector, classes: int) -> Confusion:
    """The matrix of all pixels, and the images behind each cell off its diagonal."""
    cells = collected.cells
    matrix = np.zeros((classes, classes), np.int64)
    np.add.at(matrix, (cells[:, 1], cells[:, 2]), cells[:, 3])
    found = []
    wrong = cells[cells[:, 1] != cells[:, 2]]
    wrong = wrong[np.lexsort((wrong[:, 0], -wrong[:, 3], wrong[:, 2], wrong[:, 1]))]
    _, starts = np.unique(wrong[:, 1] * classes + wrong[:, 2], return_index=True)
    for rows in np.split(wrong, starts[1:]) if len(wrong) else []:
        _, true, predicted, _ = rows[0]
        shown = [(int(image), int(pixels)) for image, _, _, pixels in rows[:CELL_IMAGES]]
        found.append(Cell(true=int(true), predicted=int(predicted), pixels=int(rows[:, 3].sum()),
                          image_count=len(rows), images=shown))  # fmt: skip
    return Confusion(matrix=matrix.tolist(), cells=found)


def curves_of(collected: Collector, names: list[str]) -> list[Curve]:
    """Of the object (binary), or of each class against the rest."""
    numbers = [1] if collected.rules.binary else range(len(names))
    return [
        curve_of(names[number], number, *collected.histograms[plane]) for plane, number in enumerate(numbers)
    ]


def calibration_of_all(collected: Collector, names: list[str]) -> list[Calibration]:
    """Of the object (binary), or of each class and of the likeliest one."""
    labels: list[tuple[str, int | None]] = (
        [(names[1], 1)]
        if collected.rules.binary
        else [*((n, i) for i, n in enumerate(names)), ("predicted class", None)]
    )
    return [
        calibration_of(
            name,
            number,
            collected.histograms[plane, 0],
            collected.histograms[plane, 1],
            collected.sums[plane],
        )
        for plane, (name, number) in enumerate(labels)
    ]


def objects_of(collected: Collector, names: list[str], bootstrap: Bootstrap) -> Objects:
    """Detection by size and by class, false objects."""
    rules, by_class = collected.rules, collected.objects_by_class
    sizes, totals = collected.column("sizes"), collected.column("objects").reshape(-1, 4)
    bins = len(SIZE_EDGES)
    by_size = bootstrap.rates(sizes[..., 1], sizes[..., 0])
    summed = sizes.sum(0)
    rate = bootstrap.rates(totals[:, [1]], totals[:, [0]])[0]
    false = bootstrap.means(totals[:, [3]].astype(np.float64))[0]
    found = []
    for number in range(1, len(names)):
        objects, hit, predicted, wrong = (int(x) for x in by_class[number])
        found.append(
            ObjectClass(name=names[number], number=number, objects=objects, found=hit, predicted=predicted, false=wrong,
                        rate=hit / objects if objects else None)
        )  # fmt: skip
    return Objects(
        rule=rules.rule,
        at=rules.at,
        sentence=rule_sentence(rules.rule, rules.at),
        bins=[
            SizeBin(low=low, high=SIZE_EDGES[i + 1] if i + 1 < bins else None, objects=int(summed[i, 0]),
                    found=int(summed[i, 1]), rate=by_size[i])
            for i, low in enumerate(SIZE_EDGES)
        ],
        classes=found,
        rate=rate,
        false_per_image=false,
    )  # fmt: skip


def images_of(collected: Collector) -> list[ImageResult]:
    """A result an image."""
    wanted = ("counts", "scores", "score", "size", "pixels", "wrong", "objects")
    columns = {name: collected.column(name) for name in wanted}
    found = []
    for i, sample in enumerate(collected.samples):
        hit, predicted, true = (row.tolist() for row in columns["counts"][i])
        objects, hits, _, false = (int(x) for x in columns["objects"][i])
        found.append(
            ImageResult(
                id=sample.id,
                group=sample.group,
                image=sample.image,
                mask=sample.mask,
                width=int(columns["size"][i, 0]),
                height=int(columns["size"][i, 1]),
                pixels=int(columns["pixels"][i]),
                wrong=int(columns["wrong"][i]),
                score=defined(columns["score"][i]),
                scores={m: defined(v) for m, v in zip(MEASURES, columns["scores"][i], strict=True)},
                counts=ImageCounts(hit=hit, predicted=predicted, true=true),
                objects=objects,
                found=hits,
                false_objects=false,
            )
        )
    return found


def at_threshold(curve: Curve, level: int) -> dict[str, Any]:
    """A curve at the threshold level/255: confusion matrix (true class by row, the others first) and scores.

    Args:
        level: 0 to 254.

    Returns:
        ``threshold``, ``matrix`` 2×2, and the measures (None where not defined).

    Raises:
        IndexError: a level out of bounds.
    """
    if not 0 <= level < len(curve.iou):
        raise IndexError(f"A threshold has a level from 0 to {len(curve.iou) - 1}, not {level}.")
    counts = counts_at(np.array(curve.others), np.array(curve.objects))[level]
    (kept, found), (_, predicted), (others, objects) = counts
    matrix = [[int(kept), int(others - kept)], [int(objects - found), int(found)]]
    scores = {m: defined(v) for m, v in zip(MEASURES, overall_scores(counts, True), strict=True)}
    return {"threshold": level / len(curve.iou), "matrix": matrix, "predicted": int(predicted), **scores}

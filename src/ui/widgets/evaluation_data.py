"""An evaluation as the page shows it: the document, and its images as columns that are sorted at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from src.core.dataset.palette import class_colours
from src.core.report.text import DASH, is_number, percent
from src.threads.evaluation_files import read_in_pieces

if TYPE_CHECKING:
    from src.core.evaluation.document import Evaluation
    from src.core.evaluation.pieces import Interval

Array = np.ndarray[Any, Any]
PARTS = {"train": "training part", "val": "validation part", "test": "test part", "all": "all parts"}
#: So many images are turned into columns in one go: more would hold the window up.
_AT_ONCE = 500
SCORES = ("iou", "dice", "precision", "recall")


class EvaluationData:
    """Made in a thread, read by the window.

    Attributes:
        folder: Where it lies.
        document: The whole of it.
        counts: N×3×K int64: pixels of each class predicted rightly, predicted, true.
        scores: N×4, see `SCORES`; nan where not defined.
        score: Of the image decision, N.
        wrong, pixels: N.
        objects: N×3: true, found, false ones.
        order: Place of each image among the worst, N; 0 is the worst.
        by_name, by_group: Place of each image when they are sorted by name, and of its group, N.
        found, false: Of each curve, 255: pixels of the class and of others above threshold k/255.
    """

    def __init__(self, document: Evaluation, folder: Path) -> None:
        self.document, self.folder = document, folder
        classes = len(document.classes)
        self.counts: Array = _columns(document.images, lambda i: (i.counts.hit, i.counts.predicted, i.counts.true),
                                      (3, classes), np.int64)  # fmt: skip
        self.scores: Array = _columns(
            document.images, lambda i: [_or_nan(i.scores.get(k)) for k in SCORES], (4,)
        )
        rest = _columns(
            document.images,
            lambda i: (_or_nan(i.score), i.wrong, i.pixels, i.objects, i.found, i.false_objects), (6,)
        )  # fmt: skip
        self.score: Array = rest[:, 0]
        self.wrong: Array = rest[:, 1].astype(np.int64)
        self.pixels: Array = rest[:, 2].astype(np.int64)
        self.objects: Array = rest[:, 3:6].astype(np.int64)
        self.order: Array = np.full(len(document.images), len(document.images), np.int64)
        worst = np.asarray(document.worst, np.int64)
        worst = worst[(worst >= 0) & (worst < len(self.order))]
        self.order[worst] = np.arange(len(worst))
        self.by_name = ranks([i.id for i in document.images])
        self.by_group = ranks([i.group for i in document.images])
        self.found = [_above(c.objects) for c in document.curves]
        self.false = [_above(c.others) for c in document.curves]

    @classmethod
    def read(cls, folder: Path) -> EvaluationData:
        """For a thread. Raises DocumentError."""
        folder = folder if folder.is_dir() else folder.parent
        document = read_in_pieces(folder)
        if wrong := _contradiction(document):
            from src.core.evaluation.document import DocumentError

            raise DocumentError(
                f"The evaluation in {folder} is damaged: {wrong}.", "Evaluate the model again."
            )
        data = cls(document, folder)
        class_colours(len(data.document.classes))  # looked for once; of many classes that takes a while
        return data

    def __len__(self) -> int:
        return len(self.document.images)

    def class_scores(self, number: int) -> Array:
        """N×4 scores of one class, see `SCORES`; nan where it neither is nor was predicted."""
        hit, predicted, true = (self.counts[:, i, number].astype(np.float64) for i in range(3))
        union = predicted + true - hit
        here = union > 0
        found = [
            np.where(here, part / np.maximum(whole, 1), np.nan)
            for part, whole in ((hit, union), (2 * hit, predicted + true), (hit, predicted), (hit, true))
        ]
        return np.stack(found, 1)

    def behind(self, true: int, predicted: int) -> tuple[Array, Array, int]:
        """Images with pixels in a cell of the confusion matrix: indices and pixels, most pixels first, and how many
        images there are (the document names at most 200 of a cell with several classes).
        """
        pixels = self._cell_of_counts(true, predicted)
        if pixels is not None:
            rows = np.flatnonzero(pixels)
            rows = rows[np.argsort(-pixels[rows], kind="stable")]
            return rows, pixels[rows], len(rows)
        for cell in self.document.confusion.cells:
            if (cell.true, cell.predicted) == (true, predicted):
                pairs = np.asarray(cell.images, np.int64).reshape(-1, 2)
                pairs = pairs[(pairs[:, 0] >= 0) & (pairs[:, 0] < len(self))]
                return pairs[:, 0], pairs[:, 1], cell.image_count
        return np.zeros(0, np.int64), np.zeros(0, np.int64), 0

    def _cell_of_counts(self, true: int, predicted: int) -> Array | None:
        """What the counts of each image tell by themselves: the diagonal, and everything of two classes."""
        if true == predicted:
            return self.counts[:, 0, true]
        if len(self.document.classes) == 2:
            return self.counts[:, 2, true] - self.counts[:, 0, true]
        return None

    @property
    def data_words(self) -> str:
        """On what: ``the test part of the run’s data (57 images)``."""
        data = self.document.data
        part = PARTS.get(data.part, data.part)
        where = "the run’s data" if data.source == "run" else Path(data.source).name or data.source
        images = f"{data.images:,} image{'' if data.images == 1 else 's'}"
        return f"the {part} of {where} ({images})" if data.source == "run" else f"{where} ({images})"


def _contradiction(document: Evaluation) -> str:
    """Which pieces of a document do not fit each other; empty where all do. The window relies on it."""
    k, decision = len(document.classes), document.decision
    rates = (decision.thresholds, decision.true_positive_rate, decision.false_positive_rate)
    rows = document.confusion.matrix
    for wrong, what in (
        (k < 2 or (document.binary and k != 2), "its number of classes"),
        (len(rows) != k or any(len(row) != k for row in rows), "its confusion matrix"),
        (len(document.metrics.classes) != k, "the scores of its classes"),
        (document.metrics.primary not in document.metrics.pooled
         or document.metrics.primary not in document.metrics.images, "its main score"),
        (document.binary and len(document.curves) > 1, "its curves"),
        (any(len(x) != 256 for c in document.curves for x in (c.objects, c.others)), "its curves"),
        (any(len(x) != 255 for c in document.curves for x in (c.precision, c.recall, c.iou, c.dice)), "its curves"),
        (len({len(rate) for rate in rates}) != 1, "its image decision"),
        (any(not 0 <= n < k for cell in document.confusion.cells for n in (cell.true, cell.predicted)),
         "its confusion matrix"),
        (any(len(x) != k for i in document.images for x in (i.counts.hit, i.counts.predicted, i.counts.true)),
         "the counts of its images"),
    ):  # fmt: skip
        if wrong:
            return f"{what} cannot be right"
    return ""


def _columns(images: Sequence[Any], values: Any, shape: tuple[int, ...], kind: Any = np.float64) -> Array:
    parts = [
        np.array([values(i) for i in images[start : start + _AT_ONCE]], kind).reshape(-1, *shape)
        for start in range(0, len(images), _AT_ONCE)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, *shape), kind)


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value


def _above(levels: Sequence[int]) -> Array:
    counts = np.asarray(levels, np.int64)
    return (counts[::-1].cumsum()[::-1] - counts)[:-1]


def ranks(words: Sequence[str]) -> Array:
    """Numbers in the order of words; equal words have equal ones. Numbers are sorted far faster."""
    place = {word: number for number, word in enumerate(sorted(set(words)))}
    return np.fromiter((place[word] for word in words), np.int64, len(words))


def chosen_on(source: str) -> str:
    """Where a threshold comes from, in words."""
    return {"validation": "chosen on the validation part", "": "of unknown origin"}.get(source, source)


def figure(value: Any) -> str:
    """A score between 0 and 1 with three decimals."""
    return f"{value:.3f}" if is_number(value) else DASH


def between(interval: Interval, share: bool = False) -> str:
    """``0.801–0.858``; empty where there is no interval."""
    if interval.low is None or interval.high is None:
        return ""
    if share:
        return f"{100 * interval.low:.1f}–{percent(interval.high)}"
    return f"{figure(interval.low)}–{figure(interval.high)}"

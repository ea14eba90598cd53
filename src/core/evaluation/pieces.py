"""The pieces of an evaluation's document; ``docs/evaluation.md`` explains them."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_serializer


class Part(BaseModel):
    """Base of every piece: unknown keys of later versions are passed over; nan is null in the file."""

    model_config = ConfigDict(extra="ignore", ser_json_inf_nan="null", protected_namespaces=())


class Interval(Part):
    """A value with its confidence interval; ``value`` is None where it is not defined, the ends where there is none."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


class IntervalRule(Part):
    """How intervals were made; ``reason`` says why there are none."""

    method: str = "percentile bootstrap over groups"
    level: float = 0.95
    samples: int = 0
    groups: int = 0
    seed: int = 0
    reason: str = ""

    @property
    def sentence(self) -> str:
        """What an interval means, in words for windows; or why there is none."""
        return self.reason or (
            f"The intervals hold {self.level:.0%} of the values that come out when the {self.groups:,} groups are drawn anew, "
            f"{self.samples:,} times."
        )


class ModelFacts(Part):
    """The model that was evaluated."""

    name: str
    path: str
    run: str | None = None
    checkpoint: str = ""
    epoch: int = 0
    architecture: str = ""
    encoder: str = ""
    split_hash: str = ""


class DataSource(Part):
    """On what: ``source`` is ``run`` or the path that was given; ``part_asked`` differs from ``part`` where it was absent."""

    source: str = "run"
    root: str = ""
    summary: str = ""
    fingerprint: str = ""
    split_hash: str = ""
    part: str = "test"
    part_asked: str = "test"
    groups: int = 0
    grouped_by: str = "data"


class DataFacts(DataSource):
    """The same of images, with how many they are."""

    images: int = 0
    pixels: int = 0
    ignored: int = 0


class Note(Part):
    """A sentence that belongs to the numbers; ``severity`` warning: it must be seen beside them."""

    severity: str
    code: str
    message: str
    cure: str = ""
    where: list[str] = Field(default_factory=list)


class LeftOut(Part):
    """What counts nowhere, with the reason."""

    id: str
    path: str
    reason: str


class Threshold(Part):
    """What separates object from background; ``value`` is None for several classes (the likeliest class is taken).

    ``source``: ``validation`` (fitted there), ``stored`` (fitted there earlier), ``given``, ``default``, ``evaluated``
    (fitted on the very images it is judged by: ``fitted_here``), ``argmax``.
    """

    value: float | None = None
    source: Literal["validation", "stored", "given", "default", "evaluated", "argmax"] = "default"
    measure: str = "none"
    score: float | None = None
    part: str = ""
    fitted_here: bool = False
    sentence: str = ""


class ImagesMeasure(Interval):
    """Mean over images with its interval, and how the images spread."""

    std: float | None = None
    median: float | None = None
    images: int = 0


class ClassMetrics(Part):
    """A class by itself: pooled over all pixels, and over the images in which it is or was predicted."""

    name: str
    pixels: int
    predicted: int
    pooled: dict[str, Interval]
    images: dict[str, ImagesMeasure]


class Metrics(Part):
    """``pooled`` counts all pixels together, ``images`` is over images; keys: iou, dice, accuracy, precision, recall, f1."""

    primary: str = "iou"
    pooled: dict[str, Interval]
    images: dict[str, ImagesMeasure]
    classes: list[ClassMetrics]


class Cell(Part):
    """A cell of the confusion matrix with pixels in it: the images with most of them, as ``[index, pixels]``."""

    true: int
    predicted: int
    pixels: int
    image_count: int
    images: list[tuple[int, int]]


class Confusion(Part):
    """Pixel counts, true class by row; ``cells`` without the diagonal."""

    matrix: list[list[int]]
    cells: list[Cell]


class Curve(Part):
    """A class against the rest over the threshold, 256 levels: ``objects[i]`` and ``others[i]`` are the true and other
    pixels with probability in ((i-1)/255, i/255]. At threshold k/255 (k = 0..254) levels above k count as the class.

    ``precision``, ``recall``, ``iou``, ``dice`` have 255 entries, entry k at threshold k/255.
    """

    name: str
    number: int
    objects: list[int]
    others: list[int]
    precision: list[float | None]
    recall: list[float | None]
    iou: list[float | None]
    dice: list[float | None]
    average_precision: float | None = None
    auroc: float | None = None
    best: dict[str, float | None] = Field(default_factory=dict)


class Decision(Part):
    """Whether an image shows an object at all, by one score an image; ``reason`` says why a number is missing."""

    score: str
    pixels: int
    images_with: int = 0
    images_without: int = 0
    auroc: Interval = Field(default_factory=Interval)
    average_precision: float | None = None
    thresholds: list[float] = Field(default_factory=list)
    true_positive_rate: list[float] = Field(default_factory=list)
    false_positive_rate: list[float] = Field(default_factory=list)
    asked_false_alarm_rate: float = 0.05
    threshold: float | None = None
    threshold_from: str = ""
    fitted_here: bool = False
    miss_rate: Interval = Field(default_factory=Interval)
    false_alarm_rate: Interval = Field(default_factory=Interval)
    missed: list[int] = Field(default_factory=list)
    false_alarms: list[int] = Field(default_factory=list)
    reason: str = ""


class SizeBin(Part):
    """True objects of ``low`` to below ``high`` pixels (None: no limit)."""

    low: int
    high: int | None
    objects: int
    found: int
    rate: Interval


class ObjectClass(Part):
    """Objects of a class: true ones, those found, predicted ones, those of them that are false."""

    name: str
    number: int
    objects: int
    found: int
    rate: float | None
    predicted: int
    false: int


class Objects(Part):
    """Object by object; an object is a connected component (8 neighbours) of one class. ``sentence`` states the rule."""

    rule: Literal["overlap", "iou"]
    at: float
    sentence: str
    bins: list[SizeBin]
    classes: list[ObjectClass]
    rate: Interval
    false_per_image: Interval


class ReliabilityBin(Part):
    """Pixels with a probability in (low, high]: mean probability and the share of them that are of the class."""

    low: float
    high: float
    pixels: int
    confidence: float | None
    frequency: float | None


class Calibration(Part):
    """Reliability of a probability; ``ece`` and ``mce``: mean and largest difference of confidence and frequency."""

    name: str
    number: int | None
    bins: list[ReliabilityBin]
    ece: float | None
    mce: float | None


class Pictures(Part):
    """Picture files relative to the folder of the evaluation."""

    image: str
    truth: str
    prediction: str
    error: str


class ImageCounts(Part):
    """Pixels of each class: predicted rightly, predicted, true."""

    hit: list[int]
    predicted: list[int]
    true: list[int]


class ImageResult(Part):
    """One image; its place in the list is the index that cells, decisions and the order of the worst use."""

    id: str
    group: str
    image: str
    mask: str | None
    width: int
    height: int
    pixels: int
    wrong: int
    score: float | None
    scores: dict[str, float | None]
    counts: ImageCounts
    objects: int = 0
    found: int = 0
    false_objects: int = 0
    pictures: Pictures | None = None

    @field_serializer("scores")
    def _rounded(self, scores: dict[str, float | None]) -> dict[str, float | None]:
        return {k: None if v is None or not math.isfinite(v) else v for k, v in scores.items()}

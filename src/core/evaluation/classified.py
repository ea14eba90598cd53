"""The result of an evaluation of a classifier as it lies on the disk: ``evaluation.json``, typed.

A *sample* (a recording, an image) has a label; it may have *parts* (windows), each of which is answered by itself. Without
parts a sample is its own only part.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from src.core.evaluation.pieces import (
    Calibration,
    DataSource,
    Interval,
    IntervalRule,
    LeftOut,
    ModelFacts,
    Note,
    Part,
)

FORMAT = "lathe-classification"
VERSION = 1
#: Measures of a level with their titles, in the order in which they are shown.
TITLES = {
    "balanced_accuracy": "Balanced accuracy",
    "macro_f1": "Macro F1",
    "accuracy": "Accuracy",
    "auroc": "AUROC",
    "top2": "Top 2",
}
MEASURES = tuple(TITLES)


class LevelClass(Part):
    """A class among the parts, or among the samples: how many are of it, how many were called so, and how well."""

    name: str
    true: int
    predicted: int
    recall: Interval
    precision: Interval
    f1: Interval
    auroc: Interval


class Level(Part):
    """The answers for parts, or for whole samples.

    ``one`` and ``many`` name them (window, windows). ``measures`` have the keys of `MEASURES` as far as they are defined.
    ``matrix`` is K×K, true class by row; of classes of which several may hold it is K×2×2, each class against its absence.
    """

    one: str
    many: str
    count: int
    measures: dict[str, Interval]
    classes: list[LevelClass]
    matrix: list[Any]
    calibration: list[Calibration] = Field(default_factory=list)


class Baseline(Part):
    """Something that the model must be better than, measured on the same parts; ``levels`` in the order of the document's."""

    name: str
    about: str
    levels: list[dict[str, Interval]]


class GroupResult(Part):
    """The samples of one group, none of which (in a test) was learnt."""

    name: str
    samples: int
    parts: int
    samples_right: int
    parts_right: int


class PartCounts(Part):
    """Parts of a sample by class: called so rightly, called so, and truly so; ``right`` is those with no class wrong."""

    hit: list[int]
    predicted: list[int]
    true: list[int]
    parts: int
    right: int


class ClassData(DataSource):
    """The same of samples, with how many they and their parts are."""

    samples: int = 0
    parts: int = 0


class SampleResult(Part):
    """One sample.

    ``true`` and ``predicted`` are class numbers, ``scores`` the mean probability of each class over its parts.
    ``facts`` are further values for people, by their titles; ``sample`` is what the views of the task open, see
    `dataset.views.Views`.
    """

    id: str
    group: str
    path: str
    true: list[int]
    predicted: list[int]
    scores: list[float]
    counts: PartCounts
    facts: dict[str, Any] = Field(default_factory=dict)
    sample: dict[str, Any] = Field(default_factory=dict)

    @property
    def right(self) -> bool:
        """All its classes were named, and no other."""
        return self.true == self.predicted


class ClassEvaluation(Part):
    """The whole document; see the module and ``docs/evaluation.md``.

    ``levels`` is parts, then samples; one level where samples have no parts. ``worst`` are the samples in the order of how
    improbable their true classes seemed.
    """

    format: str = FORMAT
    version: int = VERSION
    created: str = ""
    lathe: str = ""
    task: str = ""
    model: ModelFacts
    data: ClassData
    classes: list[str]
    several: bool = False
    inference: dict[str, Any] = Field(default_factory=dict)
    notes: list[Note] = Field(default_factory=list)
    left_out: list[LeftOut] = Field(default_factory=list)
    interval: IntervalRule
    levels: list[Level]
    baselines: list[Baseline] = Field(default_factory=list)
    groups: list[GroupResult] = Field(default_factory=list)
    samples: list[SampleResult]
    worst: list[int]
    seconds: float = 0.0
    parts_per_second: float | None = None

    @property
    def sample_ids(self) -> list[str]:
        """What tells its samples apart."""
        return [sample.id for sample in self.samples]

    @property
    def primary(self) -> Interval:
        """Balanced accuracy of the parts."""
        return self.levels[0].measures["balanced_accuracy"]


def samples_text(document: ClassEvaluation) -> str:
    """``57 recordings``."""
    level, many = document.levels[-1], len(document.samples)
    return f"{many:,} {level.one if many == 1 else level.many}"

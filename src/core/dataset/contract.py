"""What a task's data must say of themselves, so that check, split, browser, training and report need not know the task.

A task describes its data by records (one a sample) and a description that holds them. `Record` and `Description` say
what both must have; `Look` says how a sample is called and shown. Masks, class pixels and sizes in pixels are no part
of it: where a task has them, its look declares them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeVar

from src.core.dataset.findings import IMAGE, SAMPLE, Finding, Noun
from src.core.dataset.views import Views

if TYPE_CHECKING:
    import numpy as np

    from src.core.dataset.splitting.split_record import SplitRecord

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")
#: The file in which a description is kept beside the split files.
DESCRIPTION_NAME = "description.json"


class DescriptionCancelledError(Exception):
    """Somebody cancelled the reading of a data set."""


class Record(Protocol):
    """One sample, as the rule of the split, its memory and the search for leakage see it: a frozen dataclass.

    Attributes:
        noun: What such a sample is called: image, recording, spectrum.
        id: Path relative to the folder of the data, with forward slashes, in Unicode form NFC: the same on every
            machine. Several samples of one file (windows of a recording) add what tells them apart.
        group: What is physically one thing; never on two sides of a split.
        stratum: What the split spreads evenly; often the name of the class.
        classes: Numbers of the classes that it holds, sorted; of a sample with one label, that one.
        files: Absolute paths of all its files, the one that people would open first; with masks, the mask second.
    """

    noun: ClassVar[Noun]
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def id(self) -> str: ...
    @property
    def group(self) -> str: ...
    @property
    def stratum(self) -> str: ...
    @property
    def classes(self) -> tuple[int, ...]: ...
    @property
    def files(self) -> tuple[str, ...]: ...
    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""


R = TypeVar("R", bound=Record)


class Description(Protocol):
    """What is known of a data set before training. `BaseDescription` has all of it but the class names and the row.

    Attributes:
        samples: The samples of each part, in the order of their ids.
        findings: All of them.
        fingerprint: sha256 over ids and contents; the same on every machine.
        quarantined: Files that are left out, with the reason.
        split_hash: See ``splitting.split_record.split_hash``.
        split_given: The data say which sample is in which part; nobody else divided them.
        root: Folder to which the ids are relative.
        source: What names the data set where something is remembered of it: a folder or a table.
        record: The split as it is written down; ``None`` before there is one.
        statistics: Numbers for plots, plain JSON types; ``DatasetDescription`` documents them.
    """

    samples: Mapping[Split, Sequence[Any]]
    findings: list[Finding]
    fingerprint: str
    quarantined: list[tuple[str, str]]
    split_hash: str
    split_given: bool
    root: str
    source: str
    record: SplitRecord | None
    statistics: dict[str, Any]

    @property
    def class_names(self) -> Sequence[str]:
        """Names of the classes by their numbers; empty while they are not known."""

    @property
    def has_errors(self) -> bool:
        """Training cannot start."""

    @property
    def all_samples(self) -> list[Any]:
        """The samples of all parts."""

    def summary(self) -> str:
        """One sentence for a status line."""

    def resolved(self) -> dict[str, Any]:
        """The dotted configuration keys that were found rather than declared, with their values."""

    def row(self, sample: Any) -> Sequence[Any]:
        """The values of a sample in the columns that the look declares; None for what is not known."""

    def details(self) -> dict[str, Any]:
        """What only this task's part of a window asks for, as plain JSON types. Where an epoch does not consist of samples,
        ``drawn`` says of what: ``noun``, and how many each part has.
        """

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write it, with the split files, into a folder, which is made."""

    def compact(self) -> None:
        """Let go of what training does not ask for, once it is saved."""


@dataclass(frozen=True)
class Column:
    """A fact of each sample that the browser shows and orders by.

    Attributes:
        key: Short name; none of ``RESERVED``.
        title: For people, as the head of a column: ``Length``.
        unit: Written behind numbers.
        kind: Numbers, or text.
    """

    key: str
    title: str
    unit: str = ""
    kind: Literal["number", "text"] = "number"

    def words(self, value: Any) -> str:
        """A value as people read it; empty where it is not known."""
        if value is None or value != value:
            return ""
        if self.kind == "text":
            return str(value)
        text = f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"
        return f"{text} {self.unit}".strip()


#: Makes the small picture of a sample: a row as a mapping (``SampleTable.sample``) and the longest side in pixels;
#: returns ``H×W×3`` uint8. It runs in a thread, needs no torch, and raises where the sample cannot be read.
Thumbnail = Callable[[Mapping[str, Any], int], "np.ndarray"]


#: What every sample has, and the orders that need no column.
RESERVED = frozenset({"id", "file", "image", "mask", "group", "classes", "split", "row", "name", "size"})


@dataclass(frozen=True)
class Look:
    """How the samples of a task are called and shown.

    Attributes:
        noun: The same as of its records.
        columns: What is known of a sample beyond id, files, group and classes.
        masks: The second file of a sample is a mask: it is drawn over the picture, and class 0 is background.
        augments: The preview of the augmentation of images fits these samples.
        thumbnail: Draws a sample; ``None``: its first file is an image.
        views: What can be looked at in a sample; ``None``: the picture of it is all.
    """

    noun: Noun = IMAGE
    columns: tuple[Column, ...] = ()
    masks: bool = False
    augments: bool = False
    thumbnail: Thumbnail | None = None
    views: Views | None = None

    def __post_init__(self) -> None:
        keys = [column.key for column in self.columns]
        if len(set(keys)) < len(keys) or RESERVED & set(keys):
            raise ValueError(f"each column has a key of its own, none of {', '.join(sorted(RESERVED))}")

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types; how thumbnails and views are made stays behind."""
        columns = [asdict(column) for column in self.columns]
        return {"noun": list(self.noun), "columns": columns, "masks": self.masks, "augments": self.augments}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Look:
        """The inverse of ``to_dict``."""
        columns = tuple(Column(**column) for column in data["columns"])
        return cls(Noun(*data["noun"]), columns, bool(data["masks"]), bool(data["augments"]))


#: Images with a mask each, as segmentation describes them.
IMAGES_WITH_MASKS = Look(
    IMAGE,
    (
        Column("width", "Width", "px"),
        Column("height", "Height", "px"),
        Column("brightness", "Brightness"),
        Column("objects", "Objects"),
        Column("share", "Object share"),
        Column("alike", "Near duplicates of", kind="text"),
    ),
    masks=True,
    augments=True,
)


def noun_of(samples: Sequence[Record]) -> Noun:
    """What these samples are called."""
    return samples[0].noun if samples else SAMPLE

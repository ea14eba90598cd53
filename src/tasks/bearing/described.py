"""What is known of a set of recordings before training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from src.core.dataset.contract import Column, Look
from src.core.dataset.described import BaseDescription
from src.core.dataset.findings import Noun
from src.tasks.bearing.recordings import RECORDING, Recording
from src.tasks.bearing.views import VIEWS

WINDOW = Noun("window", "windows")
COLUMNS = (
    Column("seconds", "Length", "s"),
    Column("rate", "Rate", "Hz"),
    Column("speed", "Speed", "rev/min"),
    Column("load", "Load", kind="text"),
    Column("label", "Label", kind="text"),
    Column("bearing", "Bearing", kind="text"),
    Column("channel", "Channel", kind="text"),
)


def _thumbnail(sample: Mapping[str, Any], side: int) -> Any:
    from src.tasks.bearing.thumbnail import thumbnail

    return thumbnail(sample, side)


LOOK = Look(RECORDING, COLUMNS, thumbnail=_thumbnail, views=VIEWS)


@dataclass
class RecordingDescription(BaseDescription[Recording]):
    """The description of recordings; see ``BaseDescription`` for what all tasks have.

    Attributes:
        class_names: By their numbers.
        channel: Name of the channel, with ``*`` for what changes from file to file.
        window: Length and spacing of the windows in samples, and the rate in Hz after conversion (0: as it is).
        bearing_model: Designation that the recordings themselves name; empty where they name none.
        folds: Number of folds that the split has, groups counted where each is a fold of its own; 0 without folds.
    """

    record_type: ClassVar[Any] = Recording

    class_names: tuple[str, ...] = ()
    channel: str = ""
    window: tuple[int, int, float] = (0, 0, 0.0)
    bearing_model: str = ""
    folds: int = 0
    given: dict[str, Any] = field(default_factory=dict)

    @property
    def noun(self) -> Noun:
        """Recordings; windows where these are divided at random."""
        windows = any(sample.is_window for samples in self.samples.values() for sample in samples[:1])
        return WINDOW if windows else RECORDING

    def row(self, sample: Recording) -> list[Any]:
        """Values of the columns; None for what is not known."""
        seconds = sample.seconds
        return [
            seconds if seconds == seconds else None,
            sample.rate or None,
            sample.speed or None,
            sample.load or None,
            sample.label or None,
            sample.bearing or None,
            sample.channel,
        ]

    def resolved(self) -> dict[str, Any]:
        """Channel, classes and bearing that were found rather than declared."""
        return dict(self.given)

    def details(self) -> dict[str, Any]:
        """Channel, window, number of folds, and the windows of each part: they are what an epoch consists of."""
        from src.tasks.bearing.windows import WindowShape

        shape = WindowShape(*self.window)
        counts = (
            {part: sum(map(shape.count, samples)) for part, samples in self.samples.items()}
            if shape.length
            else {}
        )
        return {
            "channel": self.channel, "window": list(self.window), "folds": self.folds,
            "drawn": {"noun": list(WINDOW), **counts},
        }  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        own = {"channel": self.channel, "window": list(self.window), "bearing_model": self.bearing_model}
        return super().to_dict() | own | {"folds": self.folds, "given": self.given}

    @classmethod
    def fields_of(cls, data: Mapping[str, Any], folder: Path) -> dict[str, Any]:
        """The arguments that make a description of what ``to_dict`` wrote."""
        length, hop, rate = data["window"]
        return super().fields_of(data, folder) | {
            "class_names": tuple(data["class_names"]),
            "channel": str(data["channel"]),
            "window": (int(length), int(hop), float(rate)),
            "bearing_model": str(data["bearing_model"]),
            "folds": int(data["folds"]),
            "given": dict(data["given"]),
        }

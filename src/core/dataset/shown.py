"""A view as it is drawn: axes, curves, marks and a picture, as plain data that go through a pipe."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

Span = tuple[float, float]


@dataclass(frozen=True)
class Axis:
    """Title and unit of an axis; the unit is empty for plain numbers."""

    title: str
    unit: str = ""

    @property
    def words(self) -> str:
        """As it is written beside the axis."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


@dataclass(frozen=True, eq=False)
class Curve:
    """Points to be joined.

    Attributes:
        name: For the legend.
        x: Rising, in the unit of the x axis. Where two points share an x they are the extremes of that column.
        y: As many, in the unit of the y axis; NaN is a gap.
    """

    name: str
    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True)
class Mark:
    """A place on the x axis that means something.

    Attributes:
        x: In the unit of the axis.
        group: Marks of one group share a colour and are shown or hidden together: its words in the legend.
        label: At the mark.
        harmonic: 1 for the place itself, 2 and more for its multiples.
        side: Which sideband, negative below the line; 0 for the line.
    """

    x: float
    group: str
    label: str
    harmonic: int = 1
    side: int = 0


@dataclass(frozen=True, eq=False)
class Picture:
    """Values over both axes.

    Attributes:
        levels: rows × columns uint8, the first row at the lower end of the y axis.
        x, y: The edges of the picture on the axes.
        low, high: Values of levels 0 and 255.
        axis: Of the values.
    """

    levels: np.ndarray
    x: Span
    y: Span
    low: float
    high: float
    axis: Axis


@dataclass(eq=False)
class Shown:
    """A view of one sample, ready to be drawn.

    Attributes:
        x, y: The axes.
        extent: The whole x axis; ``focus``: the stretch to begin with, where that is not the whole.
        curves, marks, picture: What is on it.
        stepped: A curve keeps each value until its next point.
        stacked: The curves are steps and shares of one, which stand on each other.
        notes: What a person should know of how it was made: band, pieces, what was left out.
    """

    x: Axis
    y: Axis
    extent: Span
    focus: Span | None = None
    curves: Sequence[Curve] = ()
    marks: Sequence[Mark] = ()
    picture: Picture | None = None
    stepped: bool = False
    stacked: bool = False
    notes: Sequence[str] = ()

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        picture = self.picture
        return {
            "x": asdict(self.x),
            "y": asdict(self.y),
            "extent": list(self.extent),
            "focus": list(self.focus) if self.focus else None,
            "curves": [{"name": c.name, "x": pack(c.x), "y": pack(c.y)} for c in self.curves],
            "marks": [asdict(mark) for mark in self.marks],
            "picture": picture
            and {
                "levels": pack(picture.levels),
                "x": list(picture.x),
                "y": list(picture.y),
                "low": picture.low,
                "high": picture.high,
                "axis": asdict(picture.axis),
            },
            "stepped": self.stepped,
            "stacked": self.stacked,
            "notes": list(self.notes),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Shown:
        """The inverse of ``to_dict``."""
        picture = data["picture"]
        if picture is not None:
            own = {"levels": unpack(picture["levels"]), "axis": Axis(**picture["axis"])}
            picture = Picture(**{**picture, **own, "x": _span(picture["x"]), "y": _span(picture["y"])})
        return cls(
            Axis(**data["x"]), Axis(**data["y"]), _span(data["extent"]),
            _span(data["focus"]) if data["focus"] else None,
            [Curve(c["name"], unpack(c["x"]), unpack(c["y"])) for c in data["curves"]],
            [Mark(**mark) for mark in data["marks"]], picture, bool(data["stepped"]),
            bool(data["stacked"]), list(data["notes"]),
        )  # fmt: skip


def pack(values: np.ndarray) -> dict[str, Any]:
    """An array as plain JSON types."""
    import numpy as np  # late: which views there are is known to the window before it opens

    kept = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    return {
        "type": kept.dtype.str,
        "shape": list(kept.shape),
        "data": base64.b64encode(kept.tobytes()).decode("ascii"),
    }


def unpack(data: Mapping[str, Any]) -> np.ndarray:
    """The inverse of `pack`."""
    import numpy as np

    raw = base64.b64decode(data["data"])
    return np.frombuffer(raw, np.dtype(str(data["type"]))).reshape(data["shape"])


def _span(pair: Sequence[float]) -> Span:
    return float(pair[0]), float(pair[1])

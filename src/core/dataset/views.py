"""What a task offers to look at in one sample: curves, marks, pictures and sound, described without a window.

A task's look (`contract.Look.views`) names the views and opens a sample; the data session's child process computes what
is asked for and sends it as plain JSON types; the window draws curves, marks and pictures, and knows no task. Whatever
is long stays in the child: a view is asked for the stretch that is on the screen and for as many points as it has
columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from src.core.dataset.shown import Shown, Span

#: The axis along which a sample runs, in seconds. Views on it stand below each other and move together; all others are
#: computed over the stretch that these show.
TIME = "time"

#: Done, total (0: not known), what.
Progress = Callable[[int, int, str], None]


class ViewCancelledError(Exception):
    """Nobody waits for this view any more."""


class ViewRefusedError(Exception):
    """A view that cannot be made of this sample; the message says why and what to do."""


@dataclass(frozen=True)
class ViewOption:
    """Something a person chooses about a view.

    Attributes:
        key, title: For the program, for people.
        default: Its kind is that of the option: a text where there are choices, a switch, a whole number or a number.
        choices: Value and label.
        unit, low, high: Of a number; 0 means what the sample itself says where ``zero`` has words for it.
        zero: What a number of 0 means; empty where it is a value like others.
        about: One sentence.
        when: Key and value of another option with which this one has a meaning; without: always.
        axes: Of a common option: the axes (``View.axis``) whose views ask for it; empty: all.
    """

    key: str
    title: str
    default: str | float | bool
    choices: tuple[tuple[str, str], ...] = ()
    unit: str = ""
    low: float = 0.0
    high: float = 1e9
    zero: str = ""
    about: str = ""
    when: tuple[str, str] | None = None
    axes: tuple[str, ...] = ()


@dataclass(frozen=True)
class View:
    """One view.

    Attributes:
        id, title, about: For the program, for people, one sentence.
        axis: Name of its x axis; those of one name move together.
        options: What can be chosen about it.
    """

    id: str
    title: str
    about: str = ""
    axis: str = TIME
    options: tuple[ViewOption, ...] = ()


@dataclass(frozen=True)
class Asked:
    """What a window asks for.

    Attributes:
        view: Id of the view.
        options: Values of its options and of the common ones, by key.
        span: Stretch of the sample in seconds; None: all of it.
        across: Stretch of the view's own x axis that is on the screen, where that is not time; None: the one that the view
            begins with (``Shown.focus``).
        columns: Points across the screen.
    """

    view: str
    options: Mapping[str, Any] = field(default_factory=dict)
    span: Span | None = None
    across: Span | None = None
    columns: int = 800


@dataclass(frozen=True)
class Sound:
    """A stretch of a sample as a file of signed 16-bit samples, least byte first, channels interleaved.

    Attributes:
        path: The file.
        rate, channels: Of the file: those of the device that was asked for.
        span: The stretch in seconds of the sample.
        speed: Seconds of the sample in one second of listening.
        words: What is heard, as a sentence.
    """

    path: str
    rate: int
    channels: int
    span: Span
    speed: float
    words: str = ""


class OpenedSample(Protocol):
    """One sample whose views are asked for; it may keep what several of them need.

    Attributes:
        extent: From where to where it lasts, in seconds.
        begins: The stretch to show first.
        facts: Title and words of what is known of it.
        choices: Value and label of options whose choices this sample decides, by key.
        values: Values of options that this sample decides, by key.
        hidden: Ids of views that it does not have, each with the reason.
    """

    extent: Span
    begins: Span
    facts: Sequence[tuple[str, str]]
    choices: Mapping[str, Sequence[tuple[str, str]]]
    values: Mapping[str, Any]
    hidden: Mapping[str, str]

    def show(self, asked: Asked, progress: Progress, cancelled: Callable[[], bool]) -> Shown:
        """Compute a view.

        Raises:
            ViewCancelledError: ``cancelled`` said so.
            ViewRefusedError: It cannot be made of this sample.
        """

    def listen(
        self, asked: Asked, speed: float, rate: int, channels: int, path: Path, cancelled: Callable[[], bool]
    ) -> Sound:
        """Write a stretch of the sample as sound for a device of this rate (Hz) and so many channels.

        Raises:
            ViewCancelledError, ViewRefusedError: As of ``show``.
        """


@dataclass(frozen=True)
class Views:
    """What a task offers to look at.

    Attributes:
        offered: The views; the first is that by which a person finds the way, and lies on ``TIME``.
        open: Opens a sample: the configuration and a row as a mapping (``SampleTable.sample``). It reads the file
            and raises as ``OpenedSample.show`` does.
        common: Options that several views share.
        listens: Samples can be heard.
        predicted: Id of the view that shows what a model said along a sample. The sample then has ``prediction`` beside
            ``id`` and ``file``: ``folder`` (of the job that predicted it), ``name`` (of the file in its index), ``table``
            (one of ``Prediction.tables``), ``recording`` (which sample of the file) and ``verdict`` (in words).
    """

    offered: tuple[View, ...]
    open: Callable[[Any, Mapping[str, Any]], OpenedSample]
    common: tuple[ViewOption, ...] = ()
    listens: bool = False
    predicted: str = ""

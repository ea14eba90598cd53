"""One recording, opened to be looked at: its channels, its bearing, and which computation belongs to which view."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from src.core.dataset.shown import Shown, Span
from src.core.dataset.thinning import Extremes
from src.core.dataset.views import Asked, Progress, Sound, ViewCancelledError, ViewRefusedError
from src.tasks.bearing.files import UnreadableSignalError, inspect_file, read_channel
from src.tasks.bearing.geometry import ROLLING_FORM, RollingBearing, known_bearing
from src.tasks.bearing.recordings import filled
from src.tasks.bearing.shapes import geometry, rolling
from src.tasks.bearing.views import CONFIGURED, OWN
from src.tasks.bearing.views_predicted import located

_KEPT = 8


class ViewedRecording:
    """See ``core.dataset.views.OpenedSample``, whose attributes it has.

    Attributes:
        rate: Hz; 1 where it is not known: times are then samples.
        known_rate: Whether it is known.
        options: Of what was asked for last.
    """

    def __init__(self, config: Any, sample: Mapping[str, Any]) -> None:
        sample, config = located(sample, config)
        self.file, self.channel = str(sample["file"]), str(sample["channel"])
        try:
            self._lengths = dict(inspect_file(self.file).channels)
        except (UnreadableSignalError, OSError) as error:
            raise ViewRefusedError(f"{Path(self.file).name} cannot be read: {error}.") from error
        if self.channel not in self._lengths:
            raise ViewRefusedError(
                f"{Path(self.file).name} has no channel “{self.channel}” any more. Check the data again."
            )
        rate = float(sample.get("rate") or 0.0)
        self.known_rate = rate > 0
        self.rate = rate if self.known_rate else 1.0
        self.extent: Span = (0.0, max(self._lengths.values()) / self.rate)
        self.begins = self._beginning(sample)
        self._configured, self._fault = _configured(config)
        self.facts: Sequence[tuple[str, str]] = ()
        own = self._configured.name or "Own measures" if self._configured else "Not known"
        self.choices: Mapping[str, Sequence[tuple[str, str]]] = {
            "channel": [(name, name) for name in self._lengths],
            "bearing": [(CONFIGURED, f"{own} (data)")],
        }
        self.values: Mapping[str, Any] = {"channel": self.channel, "speed": float(sample.get("speed") or 0.0)}
        self.prediction = sample.get("prediction")
        self.hidden: Mapping[str, str] = (
            {}
            if self.prediction
            else {"scores": "No prediction was opened: see the results of a prediction."}
        )
        self._kept: dict[Any, Any] = {}

    def _beginning(self, sample: Mapping[str, Any]) -> Span:
        """A record that is one window begins with that window."""
        _, found, first = str(sample["id"]).rpartition("@")
        seconds = float(sample.get("seconds") or 0.0)
        if not (found and first.isdigit() and "#" not in first and seconds > 0):
            return self.extent
        start = int(first) / self.rate
        return (start, min(self.extent[1], start + seconds)) if start < self.extent[1] else self.extent

    # ---- what is asked for

    def show(self, asked: Asked, progress: Progress, cancelled: Callable[[], bool]) -> Shown:
        """See ``OpenedSample.show``."""
        from src.tasks.bearing import views_lines, views_scores, views_time

        made = {
            "signal": views_time.signal,
            "spectrogram": views_time.spectrogram,
            "spectrum": views_lines.spectrum,
            "envelope": views_lines.envelope_lines,
            "scores": views_scores.scores,
        }
        return made[asked.view](Stretch(self, asked, progress, cancelled))

    def listen(
        self, asked: Asked, speed: float, rate: int, channels: int, path: Path, cancelled: Callable[[], bool]
    ) -> Sound:
        """See ``OpenedSample.listen``."""
        from src.tasks.bearing.views_sound import sound

        return sound(
            Stretch(self, asked, lambda done, total, what: None, cancelled), speed, rate, channels, path
        )

    # ---- what the views need

    def length(self, channel: str) -> int:
        """Samples in a channel."""
        return self._lengths.get(channel, 0)

    def read(self, channel: str, first: int, last: int) -> np.ndarray:
        """Samples of a channel, float32. Raises ViewRefusedError where the file cannot be read any more."""
        try:
            return filled(read_channel(self.file, channel, first, min(last, self.length(channel))))
        except (UnreadableSignalError, OSError) as error:
            raise ViewRefusedError(f"{Path(self.file).name} cannot be read: {error}.") from error

    def extremes(self, channel: str, told: Callable[[int, int], None]) -> Extremes:
        """Of a channel, made once."""
        return self.keep(
            ("extremes", channel), lambda: Extremes(partial(self.read, channel), self.length(channel), told)
        )

    def keep(self, key: Any, make: Callable[[], Any]) -> Any:
        """What was made for this key, or made now; the few last ones are kept."""
        found = self._kept.pop(key, None)
        self._kept[key] = found = make() if found is None else found
        while len(self._kept) > _KEPT:
            self._kept.pop(next(iter(self._kept)))
        return found

    def bearing(self, options: Mapping[str, Any]) -> RollingBearing | None:
        """The bearing that the options of a view name.

        Raises:
            ViewRefusedError: Its measures cannot be.
        """
        name = str(options.get("bearing") or CONFIGURED)
        try:
            if name == OWN:
                values: dict[str, Any] = {f.name: float(options[f.name]) for f in ROLLING_FORM}
                return RollingBearing(**{**values, "balls": int(values["balls"])})
            if name != CONFIGURED:
                return known_bearing(name)
        except ValueError as error:
            raise ViewRefusedError(str(error)) from error
        if self._fault:
            raise ViewRefusedError(self._fault)
        return self._configured


class Stretch:
    """A view that is asked for: of which channel, from which sample to which.

    Attributes:
        recording, asked: What is looked at, and how.
        channel: Its name.
        first, last: Samples.
    """

    def __init__(
        self, recording: ViewedRecording, asked: Asked, progress: Progress, cancelled: Callable[[], bool]
    ) -> None:
        self.recording, self.asked = recording, asked
        self._progress, self._cancelled = progress, cancelled
        wanted = str(asked.options.get("channel") or recording.channel)
        self.channel = wanted if recording.length(wanted) else recording.channel
        length = recording.length(self.channel)
        start, stop = asked.span or recording.extent
        self.first = min(max(0, int(np.floor(start * recording.rate + 1e-6))), max(0, length - 2))
        self.last = min(length, max(self.first + 2, int(np.ceil(stop * recording.rate - 1e-6))))
        self.check()

    @property
    def count(self) -> int:
        """Samples."""
        return self.last - self.first

    def read(self, first: int, last: int) -> np.ndarray:
        """Samples of the channel; looks first whether somebody still waits."""
        self.check()
        return self.recording.read(self.channel, first, last)

    def check(self) -> None:
        """Raises ViewCancelledError where nobody waits any more."""
        if self._cancelled():
            raise ViewCancelledError

    def told(self, done: int, total: int, what: str = "Reading the recording") -> None:
        """Tell how far it is, and look whether somebody still waits."""
        self.check()
        self._progress(done, total, what)


def _configured(config: Any) -> tuple[RollingBearing | None, str]:
    """The rolling bearing of a configuration, and why it cannot be used."""
    try:
        return rolling(geometry(config.data.bearing)), ""
    except ValueError as error:
        return None, str(error)

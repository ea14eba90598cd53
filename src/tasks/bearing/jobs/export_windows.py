"""Real windows for an export: to compare on, and to measure 8-bit ranges on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from src.core.run.model_source import ModelSource
from src.tasks.bearing.files import UnreadableSignalError
from src.tasks.bearing.inputs import InputMaker
from src.tasks.bearing.jobs.new_data import recorded
from src.tasks.bearing.recordings import Recording
from src.tasks.bearing.windows import WindowIndex, WindowShape

_PARTS = {"val": "validation", "test": "test", "train": "training"}
#: Of the windows that are drawn where no recording is left.
_DRAWN, _SPEED = 64, 1800.0


@dataclass(frozen=True)
class Piece:
    """One window: its name, its samples, and the speed (rev/min) of its recording."""

    name: str
    samples: np.ndarray
    speed: float


@dataclass(frozen=True)
class Windows:
    """The windows that belong to a model, as far as their files are still there.

    Attributes:
        checked, calibrated: Recordings to compare on, and to calibrate on; empty where windows are drawn.
        words, calibrated_words: Which ones these are, for people.
    """

    shape: WindowShape
    checked: Sequence[Recording]
    calibrated: Sequence[Recording]
    words: str
    calibrated_words: str

    @property
    def generated(self) -> bool:
        """No recording of the model is there: the windows are drawn."""
        return not self.checked

    def pieces(self, recordings: Sequence[Recording], most: int, needs_speed: bool) -> Iterator[Piece]:
        """At most ``most`` windows, spread evenly; those that cannot be read are passed over."""
        if not recordings:
            rng = np.random.default_rng(0)
            for number in range(min(most, _DRAWN)):
                beats = np.zeros(self.shape.length)
                beats[:: max(2, self.shape.length // (10 + number))] = 8.0
                yield Piece(f"drawn {number + 1}", rng.normal(size=self.shape.length) + beats, _SPEED)
            return
        index = WindowIndex([r for r in recordings if r.speed > 0 or not needs_speed], self.shape)
        for number in np.unique(np.linspace(0, len(index) - 1, min(most, len(index))).round().astype(int)):
            window = index[int(number)]
            try:
                samples = window.read()
            except (UnreadableSignalError, OSError):
                continue
            yield Piece(f"{window.recording.id} at {window.seconds:.2f} s", samples, window.recording.speed)


def find_windows(source: ModelSource, shape: WindowShape, maker: InputMaker) -> Windows:
    """Those of a model's run: validation to compare on, training to calibrate on, as far as they are there."""
    there: dict[str, list[Recording]] = {part: [] for part in _PARTS}
    if (data := recorded(source.run)) is not None:
        for part in _PARTS:
            there[part] = [
                r for r in data.samples.get(part, [])  # type: ignore[call-overload]
                if Path(r.file).is_file() and shape.count(r) and (r.speed > 0 or not maker.needs_speed())
            ]  # fmt: skip
    if not any(there.values()):
        return Windows(shape, [], [], "drawn windows", "drawn windows")
    part = next(p for p in _PARTS if there[p])
    # What the ranges are measured on should not be what they are judged on, if there is a choice
    other = next((p for p in ("train", "val", "test") if there[p] and p != part), part)
    return Windows(
        shape, there[part], there[other], f"{_PARTS[part]} windows of {source.name}", f"{_PARTS[other]} windows"
    )  # fmt: skip

"""What is said of a whole recording, from the probabilities of its windows."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from src.core.evaluation.classified_files import SCORE
from src.core.evaluation.classify import called
from src.core.evaluation.files import safe_cell
from src.core.prediction.index import Prediction
from src.core.run.folder import write_atomically
from src.tasks.bearing.recordings import Recording


@dataclass(frozen=True)
class Verdict:
    """Of one recording.

    Attributes:
        recording: Its id.
        words: Its class, or classes with a plus; ``no fault`` where of several faults none was found.
        scores: Mean probability of each class over the windows.
        shares: Share of the windows that are called each class.
        windows: Their number.
        seconds, speed: Of the recording; 0 where not known. ``speed`` in rev/min.
    """

    recording: str
    words: str
    scores: list[float]
    shares: list[float]
    windows: int
    seconds: float
    speed: float

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return asdict(self)

    @property
    def surest(self) -> float:
        """Mean probability of the likeliest class."""
        return max(self.scores, default=0.0)


def verdict_of(recording: Recording, scores: np.ndarray, classes: Sequence[str], several: bool) -> Verdict:
    """The verdict on windows n×K."""
    mean = scores.mean(0, keepdims=True)
    named = [classes[k] for k in np.flatnonzero(called(mean, several)[0]).tolist()]
    return Verdict(
        recording.id, "+".join(named) or "no fault", [round(float(p), 6) for p in mean[0]],
        [round(float(s), 6) for s in called(scores, several).mean(0)], len(scores),
        round(recording.seconds, 4) if recording.rate > 0 else 0.0, recording.speed,
    )  # fmt: skip


def verdicts_in(index: Mapping[str, Prediction]) -> list[Verdict]:
    """Those of all files that have a result, in the order of the index."""
    return [
        Verdict(**entry)
        for found in index.values() if not found.error
        for entry in found.score.get("recordings", [])
    ]  # fmt: skip


def write_verdicts(path: Path, verdicts: Sequence[Verdict], classes: Sequence[str]) -> None:
    """Write ``recordings.csv``; raises OSError."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    shares = [f"share_{name}" for name in classes]
    table.writerow(
        ["recording", "verdict", "windows", "seconds", "speed_rpm", *(SCORE + c for c in classes), *shares]
    )
    for v in verdicts:
        table.writerow(
            [safe_cell(v.recording), v.words, v.windows, v.seconds or "", v.speed or "", *v.scores, *v.shares]
        )
    write_atomically(path, text.getvalue().encode("utf-8-sig", "surrogateescape"))

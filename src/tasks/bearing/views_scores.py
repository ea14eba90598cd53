"""What a model said of each window of a recording, over time."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from src.core.dataset.shown import Axis, Curve, Shown
from src.core.dataset.views import ViewRefusedError
from src.core.evaluation.classified_files import SCORE
from src.core.evaluation.files import safe_cell
from src.tasks.bearing.views_recording import Stretch
from src.tasks.bearing.views_time import time_axis

#: Columns of the file of windows beside those of the scores.
_RECORDING, _START, _END = "recording", "start_s", "end_s"


def scores(stretch: Stretch) -> Shown:
    """Scores of the classes from 0 to 1, one curve a class, on each window; where windows overlap, their mean.

    Raises:
        ViewRefusedError: The file of the prediction cannot be read, or says nothing of this recording.
    """
    recording = stretch.recording
    said: Mapping[str, Any] = recording.prediction or {}
    path, name = Path(str(said["folder"])) / str(said["table"]), str(said["recording"])
    key = ("scores", str(path), name)
    places, table = recording.keep(key, lambda: _over_time(path, name))
    verdict = str(said.get("verdict") or "")
    curves = [Curve(title, places, np.append(values, values[-1:])) for title, values in table.items()]
    notes = [f"The whole recording: {verdict}."] if verdict else []
    x = time_axis(recording.known_rate)
    return Shown(
        x,
        Axis("Score"),
        recording.extent,
        curves=curves,
        stepped=True,
        stacked=_sums_to_one(table),
        notes=notes,
    )


def _over_time(path: Path, name: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Edges of the stretches between which windows begin or end, and each class's mean score on them."""
    starts, ends, rows, classes = [], [], [], []
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            classes = [column for column in reader.fieldnames or () if column.startswith(SCORE)]
            for row in reader:
                if row[_RECORDING] in (name, safe_cell(name)):
                    starts.append(float(row[_START]))
                    ends.append(float(row[_END]))
                    rows.append([float(row[column]) for column in classes])
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise ViewRefusedError(f"The prediction {path.name} cannot be read: {error}.") from error
    if not rows or not classes:
        raise ViewRefusedError(f"{path.name} holds no scores of {name}.")
    edges = np.unique(np.concatenate([starts, ends]))
    sums, many = np.zeros((len(edges), len(classes))), np.zeros(len(edges))
    first, last = np.searchsorted(edges, starts), np.searchsorted(edges, ends)
    for sign, places in ((1.0, first), (-1.0, last)):
        np.add.at(sums, places, sign * np.asarray(rows))
        np.add.at(many, places, sign)
    sums, many = np.cumsum(sums, 0)[:-1], np.cumsum(many)[:-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.where(many[:, None] > 0.5, sums / many[:, None], np.nan)
    return edges, {title.removeprefix(SCORE): means[:, k] for k, title in enumerate(classes)}


def _sums_to_one(table: dict[str, np.ndarray]) -> bool:
    """Whether each window has one class; where faults are independent their scores are drawn beside each other."""
    total = np.sum(list(table.values()), axis=0)
    return bool(np.allclose(total[np.isfinite(total)], 1.0, atol=0.02))

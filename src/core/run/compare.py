"""Several runs side by side: curves, settings with the differing ones first, results, times. Torch-free."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from src.core.evaluation import ClassEvaluation, DocumentError, Evaluation, compare, read_any_evaluation
from src.core.run.events import EventTail
from src.core.run.folder import RunFolder
from src.core.run.folds import FOLD, are_folds, read_folds, settings_of
from src.core.run.library_work import jobs_in
from src.core.run.state import summarise
from src.core.run.worked import usual_speed, working_time

#: As many as there are colours and strokes that everybody tells apart.
LEAST, MOST = 2, 8
#: Of each run so many of its newest evaluations are looked at.
_EVALUATIONS = 4
LOSSES = ("train_loss", "val_loss")


class CompareError(ValueError):
    """Runs that cannot be compared; the message says why and what to do."""


@dataclass(frozen=True)
class ComparedRun:
    """What is compared of one run.

    Attributes:
        folder: The run.
        state: As in `src.core.run.state`.
        metric, maximise: What the best model is chosen by, and whether more is better.
        best_value, best_epoch: The best so far.
        epochs, planned: Done, and asked for.
        seconds: How long processes worked on it, as the header of the run says; None before the first start.
        epoch_seconds: Median of an epoch, training and validating; None before the first.
        images_per_second: Median over the epochs.
        device, precision, parameters, split_hash: As its start says them.
        settings: Dotted key to value.
        curves: ``train_loss``, ``val_loss``, ``metric:<name>`` to ``(epoch, value)`` pairs.
    """

    folder: RunFolder
    state: str
    metric: str = ""
    maximise: bool = True
    best_value: float | None = None
    best_epoch: int | None = None
    epochs: int = 0
    planned: int = 0
    seconds: float | None = None
    epoch_seconds: float | None = None
    images_per_second: float | None = None
    device: str = ""
    precision: str = ""
    parameters: int | None = None
    split_hash: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    curves: Mapping[str, list[tuple[int, float | None]]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The object that ``--json`` prints."""
        return {
            "run": str(self.folder.path), "name": self.folder.name, "status": self.state, "metric": self.metric or None,
            "best_value": self.best_value, "best_epoch": self.best_epoch, "epochs": self.epochs,
            "epochs_planned": self.planned, "seconds": self.seconds, "epoch_seconds": self.epoch_seconds,
            "images_per_second": self.images_per_second, "device": self.device or None,
            "precision": self.precision or None, "parameters": self.parameters, "split_hash": self.split_hash or None,
            "curves": {name: [list(point) for point in points] for name, points in self.curves.items()},
        }  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """One option in all runs; a run that does not have it has None."""

    key: str
    values: tuple[Any, ...]

    @property
    def differs(self) -> bool:
        """Whether the runs have different values."""
        return any(value != self.values[0] for value in self.values)


@dataclass(frozen=True)
class Paired:
    """Two runs on the same images.

    Attributes:
        first, second: Their places among the runs compared.
        result: What `src.core.evaluation.compare` says; differences are second - first. Empty where there is none.
        problem: Why there is none.
    """

    first: int
    second: int
    result: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""

    def as_json(self) -> dict[str, Any]:
        """The object that ``--json`` prints."""
        return {"first": self.first, "second": self.second, "problem": self.problem or None, **self.result}


@dataclass(frozen=True)
class Comparison:
    """Runs side by side.

    Attributes:
        runs: In the order given.
        settings: Those that differ first, then in the order of the configuration.
        paired: The first run that was evaluated against each other one that was.
        notes: What has to be known before the numbers are compared.
    """

    runs: tuple[ComparedRun, ...]
    settings: tuple[Setting, ...]
    paired: tuple[Paired, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def curve_names(self) -> list[str]:
        """Every curve that a run has: metrics first, then the losses."""
        names = list(dict.fromkeys(name for run in self.runs for name in run.curves))
        return [n for n in names if n not in LOSSES] + [n for n in LOSSES if n in names]

    @property
    def best(self) -> int | None:
        """Place of the run with the best value; None where they were chosen by different metrics or by none."""
        if len({run.metric for run in self.runs}) != 1:
            return None
        values = [
            (run.best_value, place) for place, run in enumerate(self.runs) if run.best_value is not None
        ]
        if not values:
            return None
        pick = max if self.runs[0].maximise else min
        return pick(values, key=lambda pair: pair[0])[1]

    def as_json(self) -> dict[str, Any]:
        """The object that ``--json`` prints."""
        return {
            "runs": [run.as_json() for run in self.runs],
            "settings": [{"key": s.key, "values": list(s.values), "differs": s.differs} for s in self.settings],
            "paired": [one.as_json() for one in self.paired], "notes": list(self.notes), "best": self.best,
        }  # fmt: skip


def compare_runs(folders: Sequence[RunFolder]) -> Comparison:
    """Read the runs and put them side by side.

    Raises:
        CompareError: Fewer than two, more than eight, or one of them twice.
    """
    if not LEAST <= len(folders) <= MOST:
        raise CompareError(f"{LEAST} to {MOST} runs can be compared, not {len(folders)}.")
    if len({folder.path for folder in folders}) < len(folders):
        raise CompareError("A run cannot be compared with itself: one of them was named twice.")
    runs = tuple(_read(folder) for folder in folders)
    return Comparison(runs, _settings(runs), tuple(_paired(folders)), tuple(_notes(runs)))


def _read(folder: RunFolder) -> ComparedRun:
    found = summarise(folder)
    started = next((e.data for e in reversed(found.history) if e.type == "run_started"), {})
    epochs = [e.data for e in found.history if e.type == "epoch_completed"]
    times = [_total(e.get("seconds")) for e in epochs]
    log = EventTail(folder.events).read(
        skip=("batch_progress",)
    )  # whole: what did not count took its time too
    return ComparedRun(
        folder, found.state, found.metric, started.get("mode", "max") != "min", found.best_value, found.best_epoch,
        found.epoch, found.epochs, working_time(log), statistics.median(times) if times else None,
        usual_speed(epochs), str(started.get("device") or ""),
        str(started.get("precision") or ""), started.get("parameters"), str(started.get("split_hash") or ""),
        settings_of(folder), _curves(epochs),
    )  # fmt: skip


def _total(seconds: Any) -> float:
    parts = seconds.values() if isinstance(seconds, dict) else [seconds]
    return sum(float(value) for value in parts if isinstance(value, (int, float)))


def _curves(epochs: list[dict[str, Any]]) -> dict[str, list[tuple[int, float | None]]]:
    curves: dict[str, list[tuple[int, float | None]]] = {}
    for data in epochs:
        values = {
            **{f"metric:{k}": v for k, v in (data.get("metrics") or {}).items()},
            **{k: data.get(k) for k in LOSSES},
        }
        for name, value in values.items():
            if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
                curves.setdefault(name, []).append((int(data["epoch"]), value))
    return curves


def _settings(runs: Sequence[ComparedRun]) -> tuple[Setting, ...]:
    keys = dict.fromkeys(key for run in runs for key in run.settings)
    rows = [Setting(key, tuple(run.settings.get(key) for run in runs)) for key in keys]
    return tuple(sorted(rows, key=lambda row: not row.differs))  # sorted is stable


def _notes(runs: Sequence[ComparedRun]) -> list[str]:
    notes = []
    if are_folds([run.settings for run in runs]):
        notes.append(read_folds([(run.folder, int(run.settings[FOLD])) for run in runs]).sentence())
    elif len({run.split_hash for run in runs if run.split_hash}) > 1:
        notes.append("The runs have different splits: their validation values are of different images.")
    metrics = sorted({run.metric for run in runs if run.metric})
    if len(metrics) > 1:
        notes.append(f"The best models were chosen by different values ({', '.join(metrics)}).")
    devices = sorted({run.device for run in runs if run.device})
    if len(devices) > 1:
        notes.append(
            f"They ran on different devices ({', '.join(devices)}): their times say nothing of the settings."
        )
    return notes


def _paired(folders: Sequence[RunFolder]) -> list[Paired]:
    found = [_evaluations(folder) for folder in folders]
    first = next((place for place, documents in enumerate(found) if documents), None)
    if first is None:
        return []
    return [
        _pair(first, place, found[first], documents)
        for place, documents in enumerate(found)
        if place > first and documents
    ]


def _evaluations(folder: RunFolder) -> list[Evaluation | ClassEvaluation]:
    documents: list[Evaluation | ClassEvaluation] = []
    done = [job for job in jobs_in(folder.path) if job.job == "evaluate" and job.status == "completed"]
    for job in done[:_EVALUATIONS]:
        try:
            documents.append(read_any_evaluation(Path(job.folder)))
        except DocumentError:
            continue
    return documents


def _pair(
    first: int,
    second: int,
    a: list[Evaluation | ClassEvaluation],
    b: list[Evaluation | ClassEvaluation],
) -> Paired:
    """The two evaluations with the most samples in common."""
    names = [[set(document.sample_ids) for document in side] for side in (a, b)]
    common, x, y = max(
        ((len(names[0][i] & names[1][j]), i, j) for i in range(len(a)) for j in range(len(b))),
        key=lambda triple: (triple[0], -triple[1], -triple[2]),
    )
    if not common:
        return Paired(
            first, second, problem="They were evaluated on different data: evaluate both on the same data."
        )
    try:
        return Paired(first, second, compare(a[x], b[y]))
    except ValueError as error:
        return Paired(first, second, problem=str(error))

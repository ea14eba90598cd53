"""Runs that are the folds of one configuration: what each of them gives, and mean and deviation over them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from src.core.config import ConfigError, Resolved, flatten, nest, read_yaml
from src.core.dataset.findings import DatasetError, Finding
from src.core.report.text import is_number, number
from src.core.run.create import create_run
from src.core.run.folder import RunFolder
from src.core.run.state import RunSummary, summarise

if TYPE_CHECKING:
    from src.core.task_info import TaskInfo

FOLD, FOLDS, EACH_GROUP = "data.split.fold", "data.split.folds", "data.split.leave_one_out"
#: Settings that say where a run lies, not what it does.
_PLACES = ("runs_dir", "name")


@dataclass(frozen=True)
class Fold:
    """One run of them.

    Attributes:
        number: From 1.
        run: Its folder.
        epochs: That it has trained.
        best_epoch, best: The best epoch by the samples that judge, which flatters it, and its value.
        last: Value after the last epoch, which nothing was chosen by.
        baselines: By name, the same value of methods that need no training.
    """

    number: int
    run: RunFolder
    epochs: int
    best_epoch: int | None
    best: float | None
    last: float | None
    baselines: Mapping[str, float]


@dataclass(frozen=True)
class Folds:
    """All of them, in their order.

    Attributes:
        metric: What was measured.
        rows: One a fold.
    """

    metric: str
    rows: tuple[Fold, ...]

    def spread(self, value: Callable[[Fold], float | None]) -> tuple[float, float, int] | None:
        """Mean, standard deviation (of a sample; NaN of one) and number of the folds that have the value; None without any."""
        found = [v for row in self.rows if (v := value(row)) is not None]
        if not found:
            return None
        return statistics.fmean(found), statistics.stdev(found) if len(found) > 1 else math.nan, len(found)

    @property
    def baselines(self) -> list[str]:
        """Names of the methods that were measured beside a model."""
        return list(dict.fromkeys(name for row in self.rows for name in row.baselines))

    def sentence(self) -> str:
        """Each value, mean and deviation, for those who compare the runs."""
        each = ", ".join(f"{row.number}: {number(row.last)}" for row in self.rows)
        text = f"These are folds of one configuration. {self.metric} after the last epoch of fold {each}"
        found = self.spread(lambda row: row.last)
        return f"{text}; {said(found)}." if found else f"{text}."

    def as_json(self) -> dict[str, Any]:
        """The object that ``--json`` prints."""
        values: dict[str, Callable[[Fold], float | None]] = {
            "last": lambda row: row.last, "best": lambda row: row.best,
        }  # fmt: skip
        for name in self.baselines:
            values[f"baseline:{name}"] = lambda row, name=name: row.baselines.get(name)  # type: ignore[misc]
        spreads = {name: self.spread(value) for name, value in values.items()}
        return {
            "metric": self.metric,
            "folds": [
                {"fold": r.number, "run": str(r.run.path), "epochs": r.epochs, "last": r.last, "best": r.best,
                 "best_epoch": r.best_epoch, "baselines": dict(r.baselines)} for r in self.rows
            ],
            "over_folds": {
                name: {"mean": s[0], "deviation": None if math.isnan(s[1]) else s[1], "folds": s[2]}
                for name, s in spreads.items() if s
            },
        }  # fmt: skip


def said(spread: tuple[float, float, int]) -> str:
    """``mean 0.80 ± 0.13``; one fold has no deviation."""
    mean, deviation, count = spread
    return f"mean {number(mean)}" + (
        f" ± {number(deviation)} (standard deviation of {count})" if count > 1 else ""
    )


def settings_of(run: RunFolder) -> dict[str, Any]:
    """Dotted key to value of a run's configuration, without where it lies; empty where that cannot be read."""
    try:
        values = read_yaml(run.config)
    except ConfigError:
        return {}
    values.pop("origins", None)
    return {key: value for key, value in flatten(values).items() if key not in _PLACES}


def are_folds(settings: Sequence[Mapping[str, Any]]) -> bool:
    """Whether configurations (dotted key to value) differ by their fold alone, and each has another one."""
    if len(settings) < 2 or not all(s.get(FOLDS) or s.get(EACH_GROUP) for s in settings):
        return False
    rest = [{k: v for k, v in s.items() if k != FOLD} for s in settings]
    numbers = {s.get(FOLD) for s in settings}
    return len(numbers) == len(settings) and all(r == rest[0] for r in rest)


def read_folds(runs: Sequence[tuple[RunFolder, int]]) -> Folds:
    """What the runs, each with the number of its fold, have found so far; the metric is that of the first that has one."""
    summaries = [(summarise(folder), fold) for folder, fold in sorted(runs, key=lambda pair: pair[1])]
    metric = next((s.metric for s, _ in summaries if s.metric), "")
    return Folds(metric, tuple(_fold(summary, fold, metric) for summary, fold in summaries))


def _fold(found: RunSummary, fold: int, metric: str) -> Fold:
    epochs = [e for e in found.history if e.type == "epoch_completed"]
    last = (epochs[-1].data.get("metrics") or {}).get(metric) if epochs else None
    told: list[dict[str, Any]] = next(
        (e.data["items"] for e in reversed(found.history) if e.type == "baselines"), []
    )
    values = {str(item["name"]): (item.get("metrics") or {}).get(metric) for item in told}
    return Fold(
        fold, found.folder, found.epoch, found.best_epoch, found.best_value if found.metric == metric else None,
        float(last) if is_number(last) else None,
        {name: float(value) for name, value in values.items() if is_number(value)},
    )  # fmt: skip


def create_folds(resolved: Resolved[Any], info: TaskInfo) -> list[RunFolder]:
    """A run for each fold of a configuration; its own ``data.split.fold`` does nothing. The data are read to count groups.

    Raises:
        ConfigError, RunFolderError: See `create_run`.
        DatasetError: The data cannot be read or divided, or the configuration has no folds.
    """
    data = info.describe(_of_fold(resolved, info, 1).config)
    if fault := next((f for f in data.findings if f.severity == "error"), None):
        raise DatasetError(fault)
    record = getattr(data, "record", None)
    count = max(record.folds.values(), default=0) if record is not None else 0
    if count < 2:
        text = "The configuration has no folds."
        raise DatasetError(
            Finding("error", "split.no_folds", text, "Set data.split.folds, to 5 for example.")
        )
    return [create_run(_of_fold(resolved, info, fold), info) for fold in range(1, count + 1)]


def _of_fold(resolved: Resolved[Any], info: TaskInfo, fold: int) -> Resolved[Any]:
    values = resolved.flat() | {FOLD: fold}
    if name := resolved.config.name:
        values["name"] = f"{name}-fold{fold}"
    return Resolved(info.config.model_validate(nest(values)), {**resolved.origins, FOLD: "command line"})

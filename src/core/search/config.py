"""The configuration of a search: what every trial shares, what is varied, and how."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml

from src.core.config import ConfigError, Layer, Resolved, file_layer, options, read_yaml, resolve
from src.core.config.fields import Section, option
from src.core.config.layers import nearest
from src.core.config.libraries import missing
from src.core.search.acting import never_acting
from src.core.search.space import Dimension, combinations, read_space

if TYPE_CHECKING:
    from src.core.task_info import TaskInfo


class SearchError(Exception):
    """A search that cannot be started or continued; ``cure`` says what to do."""

    def __init__(self, message: str, cure: str = "") -> None:
        super().__init__(message)
        self.cure = cure


class SearchConfig(Section):
    """The options of a search, beside its space."""

    base: str = option(
        "",
        "Configuration",
        "The YAML file that all trials share; what is searched is changed in it.",
        path="file",
    )
    overrides: list[str] = option(
        list, "Changes", "Options as key=value that all trials share, over those of the file."
    )
    name: str = option("", "Name", "A word of your own in the name of the search's folder.", max_length=80)
    sampler: Literal["tpe", "random", "grid"] = option(
        "tpe", "Sampler", "Where the next trial is made: TPE learns from the trials before, random draws, grid takes each "
        "combination once.", choice_labels={"tpe": "TPE (learns)", "random": "Random", "grid": "Grid"},
    )  # fmt: skip
    trials: int = option(
        20, "Trials", "How many trials the search has in all, on all machines; a grid has no more than its combinations.",
        ge=1, le=100_000,
    )  # fmt: skip
    seed: int = option(
        0,
        "Seed",
        "The same seed draws the same trials as long as they run one after another.",
        ge=0,
        le=2**31 - 1,
    )
    pruner: Literal["none", "median", "hyperband"] = option(
        "median", "Pruner", "Ends trials early that look worse than others at the same epoch; median compares with the "
        "trials before, hyperband halves them in rounds.",
        choice_labels={"none": "None", "median": "Median", "hyperband": "Hyperband"},
    )  # fmt: skip
    prune_after: int = option(
        3, "Prune after", "No trial is ended earlier than after this epoch; does nothing without a pruner.",
        unit="epochs", ge=1, le=100_000,
    )  # fmt: skip
    metric: str = option(
        "", "Judge by", "The validation value that is searched for; empty takes the one of the configuration. Of a trial the "
        "best epoch counts.", choices_from="metrics",
    )  # fmt: skip
    keep_models: int = option(
        3, "Keep models of", "The models and checkpoints of so many best trials are kept; those of the others are deleted once they "
        "have ended, except of runs with a star. Their curves and settings stay. 0 keeps all.", unit="trials", ge=0, le=100_000,
    )  # fmt: skip
    parallel: int = option(
        1,
        "At a time",
        "Trials that run at the same time on this machine, each in a process of its own.",
        ge=1,
        le=256,
    )
    devices: list[str] = option(
        list, "Devices", "Where the processes compute, in turn, such as [cuda:0, cuda:1]; empty leaves it to the configuration."
    )  # fmt: skip
    storage: str = option(
        "", "Storage", "Empty keeps the trials in a file of the search's folder; an address of a database that Optuna knows, "
        "such as postgresql://user:${PASSWORD}@host/name, shares them between machines without a common folder.",
    )  # fmt: skip
    study: str = option(
        "", "Name in the storage", "By this name several machines find the same search in a database; does nothing without "
        "one.", max_length=200,
    )  # fmt: skip
    searches_dir: str = option(
        "", "Searches folder", "Where folders of searches are made; empty takes the workspace.", path="folder"
    )
    task: str = option(
        "segmentation", "Task", "The training problem; written down by the search itself.", advanced=True
    )


@dataclass(frozen=True)
class SearchPlan:
    """A search that was checked.

    Attributes:
        settings: Its options.
        space: What it varies.
        base: What all trials share, with the layer of each value.
        task: The training problem.
        metric, maximise: What is searched for.
    """

    settings: SearchConfig
    space: list[Dimension]
    base: Resolved[Any]
    task: TaskInfo
    metric: str
    maximise: bool

    @functools.cached_property
    def combinations(self) -> int | None:
        """How many different trials there are at most; None without such a bound."""
        return combinations(self.space, self.base.flat(), self.task)

    @property
    def trials(self) -> int:
        """How many trials the search has."""
        most = self.combinations
        return self.settings.trials if most is None else min(self.settings.trials, most)

    def sameness(self) -> dict[str, Any]:
        """What two processes must agree on to work on the same search."""
        return {
            "space": {d.key: d.as_yaml() for d in self.space},
            "metric": self.metric,
            "task": self.task.id,
        }


def need_optuna() -> None:
    """Make sure that Optuna is there.

    Raises:
        SearchError: It is not; the sentence has the command that installs it.
    """
    if reason := missing("optuna"):
        what, _, cure = reason.partition(". ")
        raise SearchError(f"A search cannot be made here: {what}.", cure)


def plan_of(
    settings: SearchConfig,
    entries: Mapping[str, Any],
    base: Resolved[Any],
    task: TaskInfo,
    begun: bool = False,
) -> SearchPlan:
    """Check everything that is known before the first trial; of a search that has ``begun`` only what keeps it from going on.

    Raises:
        ConfigError: Faults of the space, the metric or the options.
    """
    metric = settings.metric or base.config.monitoring.best_metric
    if task.metrics and metric not in task.metrics:
        text = f"There is no value “{metric}” to judge by.{nearest(metric, list(task.metrics))}"
        raise ConfigError([("metric", f"{text} There are: {', '.join(task.metrics)}.")])
    space = read_space(entries, task, base)
    if not begun and (idle := never_acting(space, base.flat(), options(task.config))):
        raise ConfigError(idle)
    maximise = not metric.endswith("loss")
    if not maximise and (lossy := [d.key for d in space if d.key.startswith("training.loss.")]):
        text = (
            "Trials with different losses cannot be compared by their loss. Judge by another value (metric)."
        )
        raise ConfigError([(lossy[0], text)])
    plan = SearchPlan(settings, space, base, task, metric, maximise)
    if settings.sampler == "grid" and plan.combinations is None:
        endless = next((d for d in space if d.values() is None), None)
        if endless is not None:
            text = "A grid needs values to take: write key=low..high:points=5 (or :step=…), or the values one by one."
            raise ConfigError([(endless.key, text)])
        raise ConfigError(
            [("space", "The grid has more than 100,000 combinations. Take fewer values, or random.")]
        )
    if not settings.storage and settings.study:
        raise ConfigError(
            [("study", "A name in the storage needs a storage: give the address of a database.")]
        )
    return plan


def read_plan(
    path: Path, tasks: Any, layers: Sequence[Layer] = (), space: Mapping[str, Any] | None = None,
    build: Any = None,
) -> SearchPlan:  # fmt: skip
    """Read a ``search.yaml``.

    Args:
        path: The file.
        tasks: ``tasks(id)`` gives the torch-free side of a task.
        layers: Options of the search that come over those of the file.
        space: Entries that come over those of the file.
        build: ``build(words, task)`` makes a base configuration of a file and overrides, as ``train`` does; without it
            the file is read alone, as it was written by a search.

    Raises:
        ConfigError: All faults that are known without reading data.
    """
    raw = read_yaml(path)
    entries = raw.get("space") or {}
    if not isinstance(entries, Mapping):
        raise ConfigError(
            [("space", "A space is written as “key: {low: …, high: …}” or “key: [a, b]” lines.")]
        )
    values = dict(file_layer(path, SearchConfig).values)
    values.pop("space", None)
    settings = resolve(SearchConfig, [Layer("file", values, str(path)), *layers]).config
    if not settings.base:
        raise ConfigError([("base", "The configuration that all trials share is missing.")])
    if build is not None:
        info, base = build([settings.base, *settings.overrides], "")
    else:
        info = tasks(str(read_yaml(Path(settings.base)).get("task", settings.task)))
        base = base_of(Path(settings.base), info)
    return plan_of(settings, {**entries, **(space or {})}, base, info, begun=build is None)


def base_of(path: Path, info: TaskInfo) -> Resolved[Any]:
    """The configuration that a search wrote down for its trials, with the layers of its values."""
    resolved: Resolved[Any] = resolve(info.config, [file_layer(path, info.config)])
    origins = dict.fromkeys(resolved.origins, "default") | dict(read_yaml(path).get("origins") or {})
    return Resolved(resolved.config, origins)


def dump_plan(plan: SearchPlan, base: str) -> str:
    """A plan as the text of ``search.yaml``; ``base`` is the name of the configuration beside it."""
    values = plan.settings.model_dump(mode="json") | {
        "base": base, "overrides": [], "metric": plan.metric, "task": plan.task.id, "searches_dir": "",
    }  # fmt: skip
    values["space"] = {d.key: d.as_yaml() for d in plan.space}
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=100)


def storage_address(settings: SearchConfig) -> str:
    """The address with ``${NAME}`` replaced from the environment, so that no password stands in a file."""
    return os.path.expandvars(settings.storage)

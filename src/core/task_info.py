"""What a task says of itself without torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from src.core.config import RunConfig
from src.core.dataset.findings import Finding


def _nothing(key: str, value: Any) -> str:
    return ""


@dataclass(frozen=True)
class TaskInfo:
    """The torch-free side of a task: all that windows and the command line need before a job starts.

    Attributes:
        id, title, about: Name in files, name for people, one sentence.
        config: Its schema.
        runtime: Where the torch side is, as ``module:class`` (fixed here; never read from a file).
        metrics: Key to title of the values by which the best model may be chosen; the first is the usual one.
        choices: Lists that are known only at run time, by the name in `Option.choices_from`: value to label.
        labels: ``(data set, model)``: two short words that name a run.
        check: Findings on a configuration, with the data set's description where there is one.
        describe: Reads the data set: ``describe(config, progress, cancelled, quick=False)``.
        explain: ``explain(key, value)``: what a person should know of a value of an option, beyond its label; the
            first line is a title; empty where there is nothing to say.
        estimate: Facts for the summary ("parameters", ...), as far as they are known without torch.
    """

    id: str
    title: str
    about: str
    config: type[RunConfig]
    runtime: str
    metrics: Mapping[str, str]
    choices: Callable[[str], Mapping[str, str]]
    labels: Callable[[Any], tuple[str, str]]
    check: Callable[[Any, Any], list[Finding]]
    describe: Callable[..., Any]
    estimate: Callable[[Any], Mapping[str, float]]
    explain: Callable[[str, Any], str] = _nothing

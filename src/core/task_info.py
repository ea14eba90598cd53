"""What a task says of itself without torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from src.core.config import RunConfig
from src.core.dataset.contract import Description, Look
from src.core.dataset.findings import Finding
from src.core.job import JobInfo

#: ``mixing``: images of a batch may be blended (MixUp, CutMix); ``soft_targets``: its losses take truths between the
#: classes (label smoothing, a blend); ``copy_paste``: objects of other samples may be pasted in; ``distillation``: it can
#: load a teacher and says what of it may be imitated; ``resizing``: it trains at several sizes.
CAPABILITIES = frozenset({"mixing", "soft_targets", "copy_paste", "distillation", "resizing"})


def _nothing(key: str, value: Any, values: Mapping[str, Any]) -> str:
    return ""


def _unknown(path: Path) -> Mapping[str, Any] | None:
    return None


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
        describe: Reads the data set: ``describe(config, progress, cancelled, quick=False, anew=False, store=True)``
            returns a `Description`. ``quick`` leaves out what takes long; ``anew`` and ``store`` are those of
            ``splitting.divide``. Raises ``DescriptionCancelledError`` where ``cancelled`` said so.
        load_description: ``load_description(folder, config)``: what ``Description.save`` wrote, with what changed since
            among its findings, each with a code ``changed.*``.
        look: How its samples are called and shown.
        recognise: The data options (without ``data.``) that a folder or file means to this task, or None where it is
            none of its data sets. It looks at names, and into a few files at most. Formats of images with masks are known to
            ``core.dataset.formats``, which is asked before all tasks.
        explain: ``explain(key, value, values)``: what a person should know of a value of an option, beyond its label, given
            the values beside it (by key); the first line is a title; empty where there is nothing to say.
        jobs: What can be done with a trained model, by id: ``evaluate``, ``predict``, ``export``, ….
        estimate: Facts for the summary ("parameters", ...), as far as they are known without torch.
        capabilities: What of the engine the task takes part in, of `CAPABILITIES`.
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
    describe: Callable[..., Description]
    load_description: Callable[[Path, Any], Description]
    estimate: Callable[[Any], Mapping[str, float]]
    look: Look
    explain: Callable[[str, Any, Mapping[str, Any]], str] = _nothing
    recognise: Callable[[Path], Mapping[str, Any] | None] = _unknown
    jobs: Mapping[str, JobInfo] = field(default_factory=dict)
    capabilities: frozenset[str] = frozenset()

    def refused(self, config: RunConfig) -> list[Finding]:
        """What a configuration asks of the engine and the task takes no part in."""
        if not config.distillation.acts or "distillation" in self.capabilities:
            return []
        return [Finding("error", "no-distillation", f"{self.title} cannot be learnt from a teacher.",
                        "Leave the teacher empty.", ("distillation.teacher",))]  # fmt: skip

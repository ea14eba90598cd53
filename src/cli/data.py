"""Commands on data and configurations: check, sample-data, settings; and how a configuration is put together."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from src.cli.sources import recognised, source_words
from src.core.config import (
    ConfigError,
    Layer,
    Option,
    Resolved,
    file_layer,
    options,
    override_layer,
    preset_layer,
    presets,
    read_yaml,
    resolve,
)
from src.core.dataset.findings import Finding, ordered
from src.core.dataset.formats import Recognised, plan_import
from src.core.job import JobInfo
from src.core.report.text import typed
from src.core.task_info import TaskInfo
from src.tasks.catalog import TASKS, job_info, task_info


def build_layers(words: list[str], preset: str, task: str) -> tuple[TaskInfo, Resolved[Any]]:
    """Defaults, preset, file, command line: ``words`` is a file, a folder or none, and then ``key=value`` pairs.

    Raises:
        ConfigError: Unknown keys or values out of bounds, all at once; or a data set that has to be imported.
        DatasetError: Nothing that is known lies there.
    """
    words = source_words(words)
    path, pairs = (
        (None, words)
        if not words or ("=" in words[0] and not Path(words[0]).exists())
        else (Path(words[0]), words[1:])
    )
    given = str(read_yaml(path).get("task", "")) if path else _named(pairs)
    info = task_info(task or given or "segmentation")
    layers: list[Layer] = []
    if preset in presets(info.id) or preset != "default":
        layers.append(preset_layer(info.id, preset))
    if path:
        layers.append(file_layer(path, info.config))
    layers.append(override_layer(pairs, info.config))
    return info, resolve(info.config, layers)


def _named(pairs: list[str]) -> str:
    """The task that ``task=`` names; empty where none is named."""
    return next((pair.partition("=")[2] for pair in pairs if pair.startswith("task=")), "")


def check(arguments: argparse.Namespace) -> tuple[int, dict[str, Any]]:
    """``check CONFIG|FOLDER``: what the data set is, and every finding with its cure."""
    found = recognised(arguments.words[0])
    if found is not None and not found.as_it_is:
        return _check_foreign(arguments.words[0], found, arguments.json)
    info, resolved = dataset_config(arguments.words)
    progress = progress_line(arguments.json)
    data = info.describe(resolved.config, progress, quick=arguments.quick)
    findings = ordered(info.check(resolved.config, data))
    if not arguments.json:
        print(data.summary())
        show_findings(findings)
        if not findings:
            print("Nothing wrong was found.")
    bad = any(f.severity == "error" for f in findings)
    result = {"status": "faults" if bad else "ok", "summary": data.summary(), "findings": [f.to_dict() for f in findings],
              "resolved": data.resolved()}  # fmt: skip
    return (1 if bad else 0), result


def show_findings(findings: Sequence[Finding]) -> None:
    """A line a finding, and the first places below it."""
    for finding in findings:
        print(f"- {finding}")
        for place in finding.where[:5]:
            print(f"    {place}")


def _check_foreign(path: str, found: Recognised, silent: bool) -> tuple[int, dict[str, Any]]:
    """What is understood of annotations that have to be imported first, and what is wrong with them."""
    from src.cli.transfer import show_plan

    plan = plan_import(found, progress=progress_line(silent))
    if not silent:
        show_plan(plan, [])
        print(f"To train on it, import it first: {typed('import', path)}")
    return (1 if plan.has_errors else 0), {
        "status": "faults" if plan.has_errors else "ok", "summary": " ".join(plan.said),
        "findings": [f.to_dict() for f in plan.findings], "resolved": {}, "import": plan.to_dict(),
    }  # fmt: skip


def dataset_config(given: Sequence[str]) -> tuple[TaskInfo, Resolved[Any]]:
    """The configuration of a data set that is named by a file, a folder or ``key=value`` pairs alone.

    Raises:
        ConfigError: It has faults that are known without reading the data.
    """
    info, resolved = build_layers(list(given), "default", "")
    faults = [f for f in info.check(resolved.config, None) if f.severity == "error"]
    if faults:
        raise ConfigError([(f.where[0] if f.where else "", f"{f.message} {f.cure}".strip()) for f in faults])
    return info, resolved


def progress_line(silent: bool) -> Callable[[int, int, str], None]:
    """Shows done and total in one line of the terminal; nothing where there is none, or where ``silent``."""

    def progress(done: int, total: int, what: str) -> None:
        if sys.stderr.isatty() and not silent:
            end = "\n" if done == total else ""
            print(f"\r{what}: {done} of {total}   ", end=end, file=sys.stderr, flush=True)

    return progress


def make_sample_set(folder: Path, seed: int, parts: int, silent: bool) -> None:
    """Make the sample data, or say that they are there."""
    from src.core.dataset.sample.sample_data import make_sample_data

    made = make_sample_data(folder, parts=parts, seed=seed)
    if not silent:
        print(made, file=sys.stderr)


def sample_data(arguments: argparse.Namespace) -> tuple[int, dict[str, Any]]:
    """``sample-data DIR``."""
    make_sample_set(arguments.folder, arguments.seed, arguments.parts, arguments.json)
    config = arguments.folder.resolve() / "lathe.yaml"
    if not arguments.json:
        print(f"Train on it: {typed('train', config)}", file=sys.stderr)
    return 0, {"status": "ok", "folder": str(arguments.folder.resolve()), "config": str(config)}


def settings(arguments: argparse.Namespace) -> tuple[int, dict[str, Any]]:
    """``settings``: the manual of every setting, made from the schema."""
    task = task_info(arguments.task)
    if arguments.job == "all":
        jobs = list(task.jobs.values())
        print(
            jobs_page([task, *(other for other in TASKS.values() if other is not task)])
            if arguments.markdown
            else "\n\n".join(f"{j.title}\n{settings_lines(j)}" for j in jobs)
        )
        return 0, {}
    info = job_info(arguments.task, arguments.job.replace("-", "_")) if arguments.job else task
    print(settings_page(info) if arguments.markdown else settings_lines(info))
    return 0, {}


def settings_lines(info: TaskInfo | JobInfo) -> str:
    """A line a setting."""
    return "\n".join(f"{o.key} = {o.default!r}  {o.help}" for o in options(info.config))


def settings_page(info: TaskInfo | JobInfo) -> str:
    """The page of the manual."""
    words = f"--job {info.id} --markdown" if isinstance(info, JobInfo) else "--markdown"
    lines = [
        f"# Every setting of {info.title.lower()}",
        "",
        f"Made from the schema by `app.py settings {words}`.",
    ]
    return "\n".join([*lines, *_tables(info, "##")]) + "\n"


def jobs_page(tasks: list[TaskInfo]) -> str:
    """The page of the manual about all that is done with a trained model, task by task."""
    lines = [
        "# Every setting of what is done with a model",
        "",
        "Made from the schemas by `app.py settings --job all --markdown`.",
    ]
    for place, task in enumerate(tasks):
        for job in task.jobs.values():
            lines += [
                "",
                f"## {f'{task.title}: ' if place else ''}{job.title}",
                "",
                f"`app.py {job.id.replace('_', '-')}`. {job.about}",
                *_tables(job, "###"),
            ]
    return "\n".join(lines) + "\n"


def _tables(info: TaskInfo | JobInfo, heading: str) -> list[str]:
    """Lines with a table a section."""
    lines: list[str] = []
    found = options(info.config)
    first = "job" if isinstance(info, JobInfo) else "run"
    tabs = dict.fromkeys(o.section if "." in o.key else first for o in found)
    for tab in tabs:
        lines += [
            "",
            f"{heading} {tab.title()}",
            "",
            "| Key | Default | Values | Meaning |",
            "|---|---|---|---|",
        ]
        for o in found:
            if tab != (o.section if "." in o.key else first):
                continue
            values = (
                ", ".join(f"`{c}`" if c != "" else "empty" for c in o.choices) if o.choices else _bounds(o)
            )
            default = (
                "empty" if o.default in ("", []) else f"`{o.default}`" + (f" {o.unit}" if o.unit else "")
            )
            lines.append(f"| `{o.key}` | {default} | {values} | **{o.label}.** {_meaning(o)} |")
    return lines


def _meaning(o: Option) -> str:
    """What an option does, and when it does nothing."""
    return " ".join([o.help, *(c.rule(f"`{c.key}`", lambda value: f"`{value}`") for c in o.conditions)])


def _bounds(o: Any) -> str:
    if o.minimum is None and o.maximum is None:
        return o.kind
    low = "" if o.minimum is None else f"{'>' if o.exclusive_minimum else '≥'} {o.minimum:g}"
    high = "" if o.maximum is None else f"{'<' if o.exclusive_maximum else '≤'} {o.maximum:g}"
    return ", ".join(part for part in (low, high) if part)


__all__ = [
    "build_layers",
    "check",
    "dataset_config",
    "make_sample_set",
    "progress_line",
    "sample_data",
    "settings",
]

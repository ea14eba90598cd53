"""Commands that do something with a trained model: evaluate, predict, export, rank, pseudo-label, compare."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from src.cli.arguments import JOBS
from src.cli.follow import JobView, follow
from src.core.config import (
    ConfigError,
    Layer,
    Resolved,
    file_layer,
    options,
    override_layer,
    read_yaml,
    resolve,
)
from src.core.evaluation import compare as compare_documents
from src.core.evaluation import read_any_evaluation
from src.core.job import JobInfo
from src.core.run import ChildProcess, create_job, find_model
from src.tasks.catalog import job_info

Result = tuple[int, dict[str, Any]]


def work(arguments: argparse.Namespace) -> Result:
    """``evaluate RUN DATA``, ``predict RUN IMAGES`` and the others: a job in a folder of its own."""
    info, resolved = _resolved(arguments)
    folder = create_job(resolved, info)
    child = ChildProcess(folder, "work", detached=False)
    summary = follow(child, arguments.json, JobView(arguments.json))
    ended = summary.history[-1].data if summary.history else {}
    result = {**ended, "status": summary.state, "folder": str(folder.path), "cause": summary.cause or None,
              "cure": summary.cure or None}  # fmt: skip
    return (1 if summary.state in ("failed", "killed") else 0), result


def _resolved(arguments: argparse.Namespace) -> tuple[JobInfo, Resolved[Any]]:
    """Defaults, file, command line."""
    given = read_yaml(arguments.config) if arguments.config else {}
    source = find_model(arguments.model)
    task = arguments.task or source.facts.get("task") or given.get("task") or "segmentation"
    info = job_info(str(task), JOBS[arguments.command][0])
    layers = [file_layer(arguments.config, info.config)] if arguments.config else []
    pairs = [w for w in arguments.words if _is_pair(w)]
    said: dict[str, Any] = {"task": task, "model": arguments.model}
    if arguments.out:
        said["out"] = str(Path(arguments.out).expanduser().resolve())
    if getattr(arguments, "format", None):
        said["format"] = arguments.format
    if getattr(arguments, "watch", False):
        said["watch"] = True
    said |= _taken(info, [w for w in arguments.words if not _is_pair(w)])
    words = override_layer(pairs, info.config)
    return info, resolve(info.config, [*layers, words, Layer("command line", said, "the command line")])


def _is_pair(word: str) -> bool:
    return "=" in word and not Path(word).exists()


def _taken(info: JobInfo, words: list[str]) -> dict[str, Any]:
    """The words that are not ``key=value``, under the option that takes them.

    Raises:
        ConfigError: The job takes none, or only one.
    """
    if not words:
        return {}
    kinds = {o.key: o.kind for o in options(info.config)}
    if not info.takes or (len(words) > 1 and kinds[info.takes] != "list"):
        surplus = words[0] if not info.takes else words[1]
        raise ConfigError([("", f"“{surplus}” is too much: options are written as key=value.")])
    paths = [str(Path(w).expanduser().resolve()) for w in words]
    return {info.takes: paths if kinds[info.takes] == "list" else paths[0]}


def compare(arguments: argparse.Namespace) -> Result:
    """``compare EVALUATION EVALUATION``: differences on the images that both have, and whether they are chance."""
    first, second = (read_any_evaluation(Path(p)) for p in (arguments.first, arguments.second))
    found = compare_documents(first, second)
    if not arguments.json:
        for sentence in found["said"]:
            print(sentence)
    return 0, {"status": "ok", **found}

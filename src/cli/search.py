"""Commands of hyper-parameter search: search, searches."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from src.cli.data import build_layers
from src.cli.follow import TerminalView, follow
from src.core.config import ConfigError, Layer, read_yaml, resolve
from src.core.report.text import typed
from src.core.run import ChildProcess, Event, RunSummary
from src.core.search import (
    SearchConfig,
    SearchError,
    SearchFolder,
    SearchPlan,
    default_searches_dir,
    list_searches,
    need_optuna,
    parse_word,
    plan_of,
    read_plan,
)
from src.tasks.catalog import task_info

Result = tuple[int, dict[str, Any]]
_STATES = {"completed": "completed", "pruned": "ended early", "failed": "failed"}


class SearchView(TerminalView):
    """Draws a search: a line for each trial that begins or ends."""

    def show(self, event: Event) -> None:
        """One event as text."""
        if self._silent:
            return
        if event.type == "job_started":
            self._metric = str(event["metric"])
            self._say(
                f"{event['trials']} trials, {event['parallel']} at a time, {event['sampler']}, pruner {event['pruner']}."
            )
        elif event.type == "trial_started":
            params = "  ".join(f"{key.rpartition('.')[2]}={_short(v)}" for key, v in event["params"].items())
            self._say(f"trial {event['trial']:>4} {'goes on' if event['resumed'] else 'begins'}  {params}")
        elif event.type == "trial_ended":
            value = f"  {self._metric} {event['value']:.4f}" if event["value"] is not None else ""
            words = f"  {event['cause']} {event['cure']}".rstrip() if event["state"] == "failed" else ""
            self._say(f"trial {event['trial']:>4} {_STATES[event['state']]}{value}{words}")
        elif event.type == "warning":
            super().show(event)

    def end(self, summary: RunSummary) -> None:
        """What was found, and how to go on."""
        if self._silent:
            return
        ended = summary.history[-1].data if summary.history else {}
        states = ended.get("states") or {}
        counts = ", ".join(f"{states[s]} {_STATES[s]}" for s in _STATES if states.get(s))
        self._say(
            f"{ended.get('ended', 0)} of {ended.get('trials', 0)} trials have ended{': ' if counts else ''}{counts}."
        )
        if best := ended.get("best"):
            self._say(f"Best: trial {best['number']}, {self._metric} {best['value']:.4f}")
            for key, value in best["params"].items():
                self._say(f"  {key}={_short(value)}")
            self._say(f"Train with it: {typed('train', Path(ended['search']) / 'best.yaml')}")
        for line in (summary.cause, summary.cure):
            if line:
                self._say(line)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def search(arguments: argparse.Namespace) -> Result:
    """``search CONFIG --space …``: a new search, or ``--resume FOLDER``: go on with one."""
    try:
        need_optuna()
        if arguments.resume:
            folder = _continued(arguments)
        else:
            folder = SearchFolder.create(_plan(arguments))
        runner = folder.new_runner(arguments.jobs or 0)
    except SearchError as error:
        raise ConfigError([("", f"{error} {error.cure}".rstrip())]) from None
    child = ChildProcess(runner, "search", detached=arguments.detach)
    if not arguments.json:
        print(f"Search: {folder.path}", file=sys.stderr)
    if arguments.detach:
        child.start()
        return 0, {"status": "started", "search": str(folder.path), "job": str(runner.path)}
    summary = follow(child, arguments.json, SearchView(arguments.json))
    ended = dict(summary.history[-1].data) if summary.history else {}
    result = {**ended, "status": summary.state, "search": str(folder.path), "cause": summary.cause or None,
              "cure": summary.cure or None}  # fmt: skip
    return (1 if summary.state in ("failed", "killed") else 0), result


def _said(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options of a search that were given as such."""
    names = (
        "sampler",
        "trials",
        "seed",
        "pruner",
        "prune_after",
        "keep_models",
        "metric",
        "storage",
        "study",
        "name",
    )
    said = {n: v for n in names if (v := getattr(arguments, n)) is not None}
    return said | ({"parallel": arguments.jobs} if arguments.jobs else {})


def _plan(arguments: argparse.Namespace) -> SearchPlan:
    """The plan of a ``search.yaml``, or of a configuration with a space beside it."""
    words = list(arguments.words)
    if not words:
        raise ConfigError([("", "What shall be searched? Name a configuration, or --resume a search.")])
    said, space = _said(arguments), _space(arguments.space)
    first = Path(words[0])
    raw = read_yaml(first) if first.suffix.lower() in (".yaml", ".yml") and first.is_file() else {}
    if "space" in raw or "base" in raw:
        if words[1:]:
            said["overrides"] = [*(raw.get("overrides") or []), *words[1:]]

        def build(base: list[str], task: str) -> Any:
            return build_layers(base, arguments.preset, task)

        return read_plan(first, task_info, [Layer("command line", said, "the command line")], space, build)
    info, base = build_layers(words, arguments.preset, arguments.task)
    settings = resolve(
        SearchConfig, [Layer("command line", {**said, "task": info.id}, "the command line")]
    ).config
    return plan_of(settings, space, base, info)


def _space(words: list[str]) -> dict[str, Any]:
    """The entries that ``--space`` names, one by one or in files."""
    found: dict[str, Any] = {}
    for word in words:
        path = Path(word)
        if path.is_file():
            raw = read_yaml(path)
            found |= raw["space"] if isinstance(raw.get("space"), dict) else raw
        else:
            key, entry = parse_word(word)
            found[key] = entry
    return found


def _continued(arguments: argparse.Namespace) -> SearchFolder:
    """The search to go on with; only the number of trials, and how they are drawn, may be changed."""
    if arguments.words or arguments.space:
        text = (
            "A search goes on with the space and the configuration that it has. For others begin a new one."
        )
        raise ConfigError([("", text)])
    folder = SearchFolder.open(arguments.resume)
    said = _said(arguments)
    said.pop("parallel", None)
    fixed = [n for n in ("metric", "storage", "study", "name") if n in said]
    if fixed:
        raise ConfigError([(fixed[0], "This cannot be changed in a search that has begun.")])
    if said:
        folder.change(said)
    folder.plan(task_info)
    return folder


def searches(arguments: argparse.Namespace) -> Result:
    """``searches``: a line a search, the newest first."""
    root = arguments.folder or default_searches_dir()
    found = [folder.state() for folder in list_searches(root)]
    if not arguments.json:
        if not found:
            print(f"There are no searches in {root}.")
        for one in found:
            best = f"{one.metric} {one.best_value:.4f}" if one.best_value is not None else ""
            print(f"{one.folder.name:<44} {one.state:<12} {one.ended:>4}/{one.trials:<4} {best}".rstrip())
    return 0, {"status": "ok", "folder": str(root), "searches": [one.as_json() for one in found]}

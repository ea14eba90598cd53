"""``folds``: what each fold of a cross-validation gives, with mean and deviation over them."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from src.core.report.text import DASH, number
from src.core.run import RunFolder, RunFolderError, list_runs
from src.core.run.folds import FOLD, Fold, Folds, are_folds, read_folds, settings_of


def folds(arguments: argparse.Namespace) -> tuple[int, dict[str, Any]]:
    """A row a fold; of one run the others are looked for beside it."""
    named = [RunFolder.open(name) for name in arguments.runs]
    settings = {run.path: settings_of(run) for run in named}
    if len(named) == 1:
        named, settings = _beside(named[0])
    if len(named) > 1 and not are_folds([settings[run.path] for run in named]):
        raise RunFolderError(
            "These runs are no folds of one configuration: they must differ by data.split.fold and by nothing else. "
            "compare-runs says what differs."
        )
    found = read_folds([(run, int(settings[run.path].get(FOLD) or 1)) for run in named])
    if not arguments.json:
        _print(found)
    return 0, {"status": "ok", **found.as_json()}


def _beside(run: RunFolder) -> tuple[list[RunFolder], dict[Any, dict[str, Any]]]:
    """The run and the other folds of its configuration in the same folder, of each fold the newest run."""
    own = settings_of(run)
    found, settings = {own.get(FOLD): run}, {run.path: own}
    for other in list_runs(run.path.parent):
        theirs = settings_of(other)
        if theirs.get(FOLD) not in found and are_folds([own, theirs]):
            found[theirs[FOLD]], settings[other.path] = other, theirs
    return list(found.values()), settings


def _print(found: Folds) -> None:
    columns: list[tuple[str, Callable[[Fold], float | None]]] = [
        ("last epoch", lambda row: row.last), ("best epoch", lambda row: row.best),
    ]  # fmt: skip
    for name in found.baselines:
        columns.append((name, lambda row, name=name: row.baselines.get(name)))  # type: ignore[misc]
    widths = [max(16, len(title)) for title, _ in columns]
    print(f"{found.metric or DASH} of each fold")
    print("fold  " + "  ".join(f"{t:>{w}}" for (t, _), w in zip(columns, widths, strict=True)) + "  run")
    for row in found.rows:
        cells = (f"{number(value(row)):>{w}}" for (_, value), w in zip(columns, widths, strict=True))
        print(f"{row.number:>4}  " + "  ".join(cells) + f"  {row.run.name}")
    spreads = [found.spread(value) for _, value in columns]
    for title, part in (("mean", 0), ("  sd", 1)):
        cells = (f"{number(s[part] if s else None):>{w}}" for s, w in zip(spreads, widths, strict=True))
        print(f"{title}  " + "  ".join(cells))
    print("\nThe best epoch was chosen by the samples that are judged here: its values flatter.")
    print("sd: standard deviation over the folds.")

"""Carrying out a command of the command line."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from src.cli.arguments import JOBS, build_parser
from src.core.config import ConfigError
from src.core.dataset.findings import DatasetError
from src.core.run import ModelError, RunFolderError


def _handler(name: str) -> Callable[[argparse.Namespace], tuple[int, dict[str, Any]]]:
    from src.cli import cache, data, run, work
    from src.cli.compare_runs import compare
    from src.cli.decide import accepted, decide
    from src.cli.folds import folds
    from src.cli.models import models
    from src.cli.queue import queue
    from src.cli.reproduce import run_again
    from src.cli.search import search, searches
    from src.cli.split import split
    from src.cli.transfer import export_data, import_data
    from src.cli.tune import track, tune

    return {
        "import": import_data, "export-data": export_data,
        "cache": cache.cache,
        "train": run.train, "resume": run.resume, "stop": run.stop, "runs": run.runs, "models": models,
        "queue": queue, "compare-runs": compare, "folds": folds, "reproduce": run_again,
        "check": data.check,
        "sample-data": data.sample_data, "demo": run.demo, "settings": data.settings,
        "tune": tune, "track": track,
        "search": search, "searches": searches,
        "split": split, "compare": work.compare, "decide": decide, "accepted": accepted,
        **dict.fromkeys(JOBS, work.work),
    }[name]  # fmt: skip


def _sentence(error: Exception) -> str:
    """What the system says of a file as a sentence; every other error has its own."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        cure = "Check the permissions and the space there, or choose another place."
        return f"{error.filename} could not be read or written: {error.strerror}. {cure}"
    return str(error)


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The command and its arguments; ``key=value`` words may also stand behind options.

    argparse gives such words to nobody: it is done with them at the first option.
    """
    parser = build_parser()
    arguments, rest = parser.parse_known_args(words)
    name = next((n for n in ("words", "pairs", "names") if hasattr(arguments, n)), "")
    if rest and (not name or any(word.startswith("-") for word in rest)):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:
        setattr(arguments, name, [*getattr(arguments, name), *rest])
    return arguments


def run_command(words: Sequence[str]) -> int:
    """Carry out a command.

    Returns:
        0 when it did what was asked (also for a run that was stopped), 1 when a run failed or was killed,
        2 when it could not be started.
    """
    arguments = parse(words)
    as_json = getattr(arguments, "json", False)
    try:
        code, result = _handler(arguments.command)(arguments)
    except (ConfigError, DatasetError, RunFolderError, ModelError, OSError) as error:
        cause = " ".join(filter(None, (_sentence(error), getattr(error, "cure", ""))))
        code, result = 2, {"status": "refused", "cause": cause}
        print(cause, file=sys.stderr)
    if as_json:
        print(json.dumps(result, ensure_ascii=False))
    return code

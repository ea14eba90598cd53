"""Carrying out a command of the command line."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from src.cli.arguments import build_parser
from src.core.config import ConfigError
from src.core.dataset.findings import DatasetError
from src.core.run import RunFolderError


def _handler(name: str) -> Callable[[argparse.Namespace], tuple[int, dict[str, Any]]]:
    from src.cli import cache, data, run
    from src.cli.split import split
    from src.cli.transfer import export_data, import_data

    return {
        "import": import_data, "export-data": export_data,
        "cache": cache.cache,
        "train": run.train, "resume": run.resume, "stop": run.stop, "runs": run.runs, "check": data.check,
        "sample-data": data.sample_data, "demo": run.demo, "settings": data.settings,
        "split": split,
    }[name]  # fmt: skip


def run_command(words: Sequence[str]) -> int:
    """Carry out a command.

    Returns:
        0 when it did what was asked (also for a run that was stopped), 1 when a run failed or was killed,
        2 when it could not be started.
    """
    arguments = build_parser().parse_args(words)
    as_json = getattr(arguments, "json", False)
    try:
        code, result = _handler(arguments.command)(arguments)
    except (ConfigError, DatasetError, RunFolderError, OSError) as error:
        code, result = 2, {"status": "refused", "cause": str(error)}
        print(error, file=sys.stderr)
    if as_json:
        print(json.dumps(result, ensure_ascii=False))
    return code

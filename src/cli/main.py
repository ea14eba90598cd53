"""Commands and their arguments, declared in one place."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from src import __version__
from src.core.config import ConfigError
from src.core.dataset.findings import DatasetError
from src.core.run import RunFolderError

_JSON_HELP = "print one JSON object at the end, and nothing else, on standard output"
_PAIRS_HELP = "options of the configuration as key=value, for example training.epochs=30"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="app.py", description="Lathe trains models on your own data. Without a command it opens the window.",
        epilog="Every command takes --help. A run is named by its folder, or by its name in the default runs folder.",
    )  # fmt: skip
    parser.add_argument("--version", action="version", version=f"Lathe {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    train = commands.add_parser("train", help="train from a YAML file")
    train.add_argument(
        "words", nargs="*", metavar="CONFIG key=value", help=f"a YAML file, then {_PAIRS_HELP}"
    )
    train.add_argument(
        "--preset", default="default", help="the preset under the file's values (default: default)"
    )
    train.add_argument("--task", default="", help="the task, where no file says it (default: segmentation)")
    train.add_argument("--detach", action="store_true", help="start the run and return; it goes on by itself")
    train.add_argument(
        "--dry-run",
        action="store_true",
        help="show the resolved configuration and check the data; start nothing",
    )
    resume = commands.add_parser("resume", help="go on with a run exactly where it was")
    resume.add_argument("run")
    resume.add_argument("pairs", nargs="*", metavar="key=value", help=_PAIRS_HELP)
    resume.add_argument("--detach", action="store_true", help="start it and return")
    stop = commands.add_parser("stop", help="stop a running run and keep its model")
    stop.add_argument("run")
    how = stop.add_mutually_exclusive_group()
    how.add_argument("--finish-epoch", action="store_true", help="stop after this epoch")
    how.add_argument(
        "--pause", action="store_true", help="free the device; resume goes on from this very step"
    )
    how.add_argument("--kill", action="store_true", help="end the process at once; the last checkpoint stays")
    stop.add_argument(
        "--wait", type=float, default=60.0, metavar="S", help="wait so many seconds for its end (default: 60)"
    )
    runs = commands.add_parser("runs", help="list the runs and their states")
    runs.add_argument(
        "folder", nargs="?", type=Path, help="a folder of runs (default: that of the workspace), or one run"
    )
    check = commands.add_parser("check", help="read a data set and say what is wrong with it")
    check.add_argument(
        "words",
        nargs="+",
        metavar="CONFIG|FOLDER key=value",
        help=f"a YAML file or a folder, then {_PAIRS_HELP}",
    )
    sample = commands.add_parser(
        "sample-data", help="make a small set of photographs of metal parts with defects"
    )
    sample.add_argument("folder", type=Path)
    sample.add_argument("--seed", type=int, default=0)
    sample.add_argument("--parts", type=int, default=30, help="number of parts (default: 30)")
    demo = commands.add_parser(
        "demo", help="train on sample data: in the window, or in the terminal where there is no screen"
    )
    demo.add_argument(
        "folder", nargs="?", type=Path, help="where the sample data go (default: in the workspace)"
    )
    demo.add_argument("--terminal", action="store_true", help="no window even where there is a screen")
    settings = commands.add_parser("settings", help="list every setting with its default and meaning")
    settings.add_argument("--task", default="segmentation")
    settings.add_argument("--markdown", action="store_true", help="as the page of the manual")
    for command in (train, resume, stop, runs, check, sample, demo):
        command.add_argument("--json", action="store_true", help=_JSON_HELP)
    return parser


def _handler(name: str) -> Callable[[argparse.Namespace], tuple[int, dict[str, Any]]]:
    from src.cli import data, run

    return {
        "train": run.train, "resume": run.resume, "stop": run.stop, "runs": run.runs, "check": data.check,
        "sample-data": data.sample_data, "demo": run.demo, "settings": data.settings,
    }[name]  # fmt: skip


def run_command(words: Sequence[str]) -> int:
    """Carry out a command.

    Returns:
        0 when it did what was asked (also for a run that was stopped), 1 when a run failed or was killed,
        2 when it could not be started.
    """
    arguments = _parser().parse_args(words)
    as_json = getattr(arguments, "json", False)
    try:
        code, result = _handler(arguments.command)(arguments)
    except (ConfigError, DatasetError, RunFolderError, OSError) as error:
        code, result = 2, {"status": "refused", "cause": str(error)}
        print(error, file=sys.stderr)
    if as_json:
        print(json.dumps(result, ensure_ascii=False))
    return code

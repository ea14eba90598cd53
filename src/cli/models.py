"""``models``: the models of all runs and of files, with what was done with them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from src.core.run.folder import default_runs_dir
from src.core.run.library import ModelRecord, list_models


def models(arguments: argparse.Namespace) -> tuple[int, dict[str, Any]]:
    """A line a model, the newest first."""
    root: Path = arguments.folder or default_runs_dir()
    found = list_models(root)
    if not arguments.json:
        if not found:
            print(f"There are no models in {root}: a run has one when it has completed an epoch.")
        for record in found:
            print(_line(record))
    return 0, {"status": "ok", "folder": str(root), "models": [record.as_json() for record in found]}


def _line(record: ModelRecord) -> str:
    best = f"{record.metric} {record.value:.4f}" if record.value is not None else ""
    star = "*" if record.starred else " "
    used = ", ".join(f"{len(record.done(job))} {job}" for job in dict.fromkeys(r.job for r in record.jobs))
    parts = (f"{star} {record.name:<52}", f"{best:<14}", f"{record.network:<28}", used, record.problem)
    return " ".join(parts).rstrip()

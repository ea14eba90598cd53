"""Commands about predictions that a person has looked at: decide, accepted."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from src.cli.data import show_findings
from src.core.dataset.findings import DatasetError, Finding, counted, listed
from src.core.dataset.formats import ImportFailedError
from src.core.prediction.datasets import export_accepted, free_folder
from src.core.prediction.decisions import VERDICTS, Decisions, DecisionsError, Verdict
from src.core.prediction.index import Prediction, read_index
from src.core.report.text import typed
from src.core.run import RunFolderError

Result = tuple[int, dict[str, Any]]


def decide(arguments: argparse.Namespace) -> Result:
    """``decide PREDICTION NAME… --accept``: the same verdict as in the window, for one image or many."""
    folder = Path(arguments.prediction).expanduser().resolve()
    index = read_index(folder)
    if not index:
        raise RunFolderError(f"{folder} holds no predictions. Name the folder that predict has written.")
    names = _named(arguments.names, index)
    verdict: Verdict | None = "accepted" if arguments.accept else "rejected" if arguments.reject else None
    try:
        decisions = Decisions(folder)
        decisions.decide(names, verdict, {name: (index[name].size, index[name].mtime_ns) for name in names})
    except DecisionsError as error:
        raise RunFolderError(str(error)) from error
    now: dict[str, int] = {word: len(decisions.names(word)) for word in VERDICTS}
    if not arguments.json:
        print(f"{counted(len(names), 'image')} {verdict or 'undecided again'}. In all {now['accepted']} accepted and "
              f"{now['rejected']} rejected of {len(index)}.")  # fmt: skip
    return 0, {"status": "ok", "folder": str(folder), "images": names, "verdict": verdict, **now}


def _named(words: Iterable[str], index: Mapping[str, Prediction]) -> list[str]:
    """The images that names and patterns mean, in the order of the predictions.

    Raises:
        RunFolderError: A word means none, or an image that has no result.
    """
    chosen: set[str] = set()
    for word in words:
        found = (
            [word] if word in index else [n for n, p in index.items() if not p.error and fnmatchcase(n, word)]
        )
        if not found:
            near = difflib.get_close_matches(word, list(index)[:10_000], 3)
            hint = f" Nearest: {listed(near)}." if near else " The names are those in predictions.jsonl."
            raise RunFolderError(f"There is no prediction of “{word}”. Nothing was decided.{hint}")
        if index[found[0]].error:
            raise RunFolderError(
                f"{word} has no result to decide about: {index[word].error} Nothing was decided; leave it out."
            )
        chosen.update(found)
    return [name for name in index if name in chosen]


def accepted(arguments: argparse.Namespace) -> Result:
    """``accepted PREDICTION``: a data set of the images that a person accepted."""
    folder = Path(arguments.prediction).expanduser().resolve()
    target = (
        Path(arguments.to).expanduser().resolve() if arguments.to else free_folder(f"{folder.name}_accepted")
    )
    try:
        made = export_accepted(folder, target, arguments.copy_images)
    except (ImportFailedError, DecisionsError, FileExistsError, ValueError) as error:
        raise DatasetError(Finding("error", "accepted.failed", str(error))) from error
    config = made.folder / "lathe.yaml"
    if not arguments.json:
        show_findings(made.findings)
        print(f"Written: {made.folder} ({counted(made.images, 'image')})")
        print(f"A model made these masks: train on them, measure on others. Train: {typed('train', config)}")
    return 0, {"status": "ok", "folder": str(made.folder), "config": str(config), "images": made.images,
               "findings": [f.to_dict() for f in made.findings]}  # fmt: skip

"""What lies beside the document of a classifier's evaluation: tables of its parts and of its samples."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from src.core.evaluation.classified import ClassEvaluation
from src.core.evaluation.classify import Answers
from src.core.evaluation.files import safe_cell
from src.core.run.folder import write_atomically

#: Before the name of a class: the column of its probability.
SCORE = "score_"


def write_answers(
    folder: Path, document: ClassEvaluation, parts: Answers, starts: np.ndarray, length: float
) -> None:
    """Write ``<parts>.csv`` and ``<samples>.csv``, such as ``windows.csv`` and ``recordings.csv``.

    Args:
        folder: Of the evaluation.
        document: Names and results.
        parts: In the order of the samples of the document.
        starts: Where each part begins in its sample, in seconds.
        length: Seconds of a part.

    Raises:
        OSError: The folder cannot be written.
    """
    inner, outer = document.levels[0], document.levels[-1]
    names, classes = [sample.id for sample in document.samples], document.classes
    right = (parts.said == parts.truth).all(1)
    rows = (
        [safe_cell(names[n]), f"{start:.9g}", f"{start + length:.9g}", _named(true, classes), _named(said, classes), int(ok),
         *(f"{p:.6g}" for p in scores)]
        for n, start, true, said, ok, scores in zip(
            parts.sample, starts, parts.truth, parts.said, right, parts.scores, strict=True)
    )  # fmt: skip
    head = [outer.one, "start_s", "end_s", "true", "predicted", "right", *(SCORE + c for c in classes)]
    _write(folder / f"{inner.many}.csv", head, rows)
    facts = list(dict.fromkeys(key for s in document.samples for key in s.facts))
    head = [outer.one, "group", "path", "true", "predicted", "right", inner.many, f"{inner.many}_right",
            *(SCORE + c for c in classes), *facts]  # fmt: skip
    _write(
        folder / f"{outer.many}.csv", head,
        ([safe_cell(s.id), safe_cell(s.group), s.path, _words(s.true, classes), _words(s.predicted, classes), int(s.right),
          s.counts.parts, s.counts.right, *(f"{p:.6g}" for p in s.scores), *(s.facts.get(key, "") for key in facts)]
         for s in document.samples),
    )  # fmt: skip


def _named(row: np.ndarray, classes: Sequence[str]) -> str:
    return _words(np.flatnonzero(row).tolist(), classes)


def _words(numbers: Sequence[int], classes: Sequence[str]) -> str:
    """Names of classes; of several faults none is a dash."""
    return safe_cell("+".join(classes[k] for k in numbers)) or "–"


def _write(path: Path, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(head)
    table.writerows(rows)
    write_atomically(path, text.getvalue().encode("utf-8-sig"))  # spreadsheets take it for UTF-8 by its mark

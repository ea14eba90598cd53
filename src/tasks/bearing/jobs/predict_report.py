"""The page about predicted recordings. Torch-free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from src.core.prediction.index import Prediction
from src.core.prediction.report import Page, Table, settings_table, write_page
from src.core.report.text import DASH, duration, number, percent
from src.tasks.bearing.jobs.verdicts import Verdict

_MOST_ROWS = 500


def write_report(
    folder: Path, index: Mapping[str, Prediction], verdicts: Sequence[Verdict], classes: Sequence[str], said: list[str],
    settings: Mapping[str, Any],
) -> Path:  # fmt: skip
    """Write the page; raises OSError."""
    bad = [p for p in index.values() if p.error]
    page = Page(f"Predictions of {settings['Model']}", said, "bad" if bad and not verdicts else "good")
    page.tiles = [
        ("Recordings", number(len(verdicts)), f"{len(bad)} without a result" if bad else ""),
        ("Windows", number(sum(v.windows for v in verdicts)), ""),
        ("Recorded time", duration(sum(v.seconds for v in verdicts)), ""),
    ]
    rows = [
        (v.recording, v.words, percent(v.surest), number(v.windows), duration(v.seconds) if v.seconds else DASH,
         ", ".join(f"{name} {percent(share)}" for name, share in zip(classes, v.shares, strict=True) if share))
        for v in verdicts[:_MOST_ROWS]
    ]  # fmt: skip
    heads = ("Recording", "Verdict", "Mean probability", "Windows", "Length", "Windows by class")
    page.tables = [
        Table("Verdicts", heads, rows, frozenset({2, 3, 4})),
        Table("Files without a result", ("File", "Why"), [(p.name, p.error) for p in bad[:_MOST_ROWS]]),
        settings_table(settings),
    ]
    page.explained = [
        "The verdict on a recording is the class whose probability is highest in the mean over its windows.",
        "A probability of a class is not the chance that the part is damaged: how well the two agree is part of an evaluation "
        "(calibration). The model has no class for what it never learnt, and will give one of its classes to anything.",
        "The folder windows holds the probabilities of each window over time.",
    ]
    return write_page(folder, page)

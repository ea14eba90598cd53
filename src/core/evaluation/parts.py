"""Which samples of a described data set an evaluation looks at, and what must be said of that. Torch-free."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from src.core.dataset.contract import DESCRIPTION_NAME, SPLITS, Description
from src.core.dataset.findings import Finding, Noun, counted, named
from src.core.job import JobError

TITLES = {"train": "training", "val": "validation", "test": "test", "all": "all"}


def part_word(config: Any) -> str:
    """The part for the name of an evaluation's folder: the one that `take_part` will take, where a run recorded its data.

    Of other data it is known only once they are read: then what was asked for, if it is not the default.

    Args:
        config: The options of an evaluation: ``model``, ``data`` and ``part``.
    """
    try:
        told = json.loads(
            (Path(config.data or config.model) / "dataset" / DESCRIPTION_NAME).read_text("utf-8")
        )
        filled = [part for part in SPLITS if told["samples"][part]]
    except (OSError, ValueError, KeyError, TypeError):
        return str(config.part) if not config.data or config.part != "test" else ""
    if config.part != "test" or "test" in filled:
        return str(config.part)
    return "val" if "val" in filled else "all"


def take_part(
    asked: str, found: Description, divided: bool, noun: Noun
) -> tuple[list[Any], str, list[Finding]]:
    """The samples of a part; without a test part those of validation, and it is said.

    Args:
        asked: ``test``, ``val``, ``train`` or ``all``.
        found: The data.
        divided: Their parts mean something; else all of them are taken.
        noun: What the samples are called.

    Returns:
        The samples, the part that was taken, and what must be said beside the numbers.

    Raises:
        JobError: The part is empty.
    """
    part = asked if divided else "all"
    notes = []
    if part == "test" and not found.samples["test"]:
        part = "val" if found.samples["val"] else "all"
        text = f"The data have no test part: the {TITLES[part]} {noun.many} are evaluated."
        if part == "val":
            text += f" Training chose its best epoch on them, so new {noun.many} will be somewhat worse."
        cure = "Keep a test part back (data.split.test_fraction) next time."
        notes.append(Finding("warning", "evaluation.no_test", text, cure))
    elif not divided and asked != "test":
        text = f"The data are not divided into parts: all their {noun.many} are evaluated."
        notes.append(Finding("notice", "evaluation.undivided", text))
    samples = found.all_samples if part == "all" else list(found.samples[part])  # type: ignore[index]
    if not samples:
        filled = [f"{TITLES[p]} ({len(found.samples[p])})" for p in SPLITS if found.samples[p]]
        first = next((f for f in found.findings if f.severity == "error"), None)
        cure = (
            f"Choose another part: {', '.join(filled)}."
            if filled
            else first.cure
            if first
            else "Choose other data."
        )
        raise JobError(
            first.message if first and not filled else f"The {TITLES[part]} part of the data is empty.", cure
        )
    return samples, part, notes


def refuse_gone(samples: Sequence[Any], root: str, noun: Noun) -> None:
    """Single files that are gone are left out later; all of them gone is a moved or deleted data set (JobError)."""
    if not any(Path(s.files[0]).exists() for s in samples):
        raise JobError(
            f"None of the {counted(len(samples), *noun)} can be found: {samples[0].files[0]} and the others are gone.",
            f"Put the data back to {root}, or choose where they are now (data=…).",
        )


def trained_on(samples: Sequence[Any], recorded: Description | None, part: str, noun: Noun) -> list[Finding]:
    """A warning where the model learnt from files that now judge it; ``part`` is empty for data that are not divided."""
    if recorded is None:
        return []
    trained = {s.files[0] for s in recorded.samples["train"]}
    seen = [s.id for s in samples if s.files[0] in trained]
    if not seen:
        return []
    text = (
        f"{counted(len(seen), *noun)} of {len(samples)} were in the training of this model: the numbers say how well it "
        f"remembers, not how well it works on new {noun.many}."
    )
    cure = (
        f"Evaluate on the test part or on new {noun.many}."
        if part != "test"
        else f"Evaluate on new {noun.many}."
    )
    return [Finding("warning", "evaluation.trained_on", text, cure, named(seen))]

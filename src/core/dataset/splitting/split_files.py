"""Writing a split, or all folds of one, into a folder; another split that is there is kept by its date."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from src.core.dataset.contract import SPLITS, Description, Record, Split
from src.core.dataset.findings import DatasetError, Finding
from src.core.dataset.splitting.split_record import (
    RECORD_NAME,
    SplitRecord,
    read_split,
    split_hash,
    write_split,
)

#: Folder beside the split in which earlier ones are kept.
EARLIER = "earlier"
_FILES = (*(f"{part}.txt" for part in SPLITS), RECORD_NAME)


@dataclass(frozen=True)
class PlannedSplit:
    """A split with its record, about to be written."""

    parts: Mapping[Split, Sequence[Record]]
    record: SplitRecord


def planned(found: Description) -> dict[str, PlannedSplit]:
    """What is to be written for a data set, by sub-folder: one split in ``""``, or one in each ``fold_k``.

    Raises:
        ValueError: the data set has no split.
    """
    record = found.record
    if record is None:
        raise ValueError("the data set was not divided: it has errors")
    folds = {number for number in record.folds.values() if number}
    if not folds:
        return {"": PlannedSplit(found.samples, record)}
    plans = {}
    samples = sorted(found.all_samples, key=lambda s: s.id)
    for fold in sorted(folds):
        parts: dict[Split, list[Record]] = {part: [] for part in SPLITS}
        for sample in samples:
            number = record.folds[sample.id]
            parts["test" if not number else "val" if number == fold else "train"].append(sample)
        side = {s.id: part for part in SPLITS for s in parts[part]}
        plans[f"fold_{fold}"] = PlannedSplit(
            parts,
            replace(
                record,
                hash=split_hash(parts),
                groups={s.group: side[s.id] for s in samples},
                samples=side,
                settings={**record.settings, "fold": fold},
            ),
        )
    return plans


def write_splits(
    folder: str | os.PathLike[str], plans: Mapping[str, PlannedSplit], root: str, replace_other: bool = False
) -> Path | None:
    """Write planned splits below a folder, which is made.

    Args:
        folder: Where they go.
        plans: By sub-folder, from ``planned``.
        root: Folder of the ids.
        replace_other: Take the place of another split; its files go to ``earlier/<date and time>``.

    Returns:
        Where the earlier split was put; ``None`` where there was none, or the same.

    Raises:
        DatasetError: Another split is there, and ``replace_other`` was not asked for.
        OSError: The folder cannot be written.
    """
    target = Path(folder)
    there = _hashes(target)
    moved = None
    if there and there != {name: plan.record.hash for name, plan in plans.items()}:
        if not replace_other:
            text = f"{target} holds another split ({_title(there)})."
            cure = "Choose another folder with --out, or replace it with --replace: the old one is then kept by its date."
            raise DatasetError(Finding("error", "split.exists", text, cure, (str(target),)))
        moved = _put_away(target, there)
    for name, plan in plans.items():
        write_split(target / name, plan.parts, root, plan.record)
    return moved


def _hashes(target: Path) -> dict[str, str]:
    """Hash of each split that lies there, by sub-folder; empty text for files without a readable record."""
    places = ["", *sorted(p.name for p in target.glob("fold_*") if p.is_dir())]
    found = {}
    for name in places:
        if any((target / name / file).exists() for file in _FILES):
            record = read_split(target / name)
            found[name] = record.hash if record else ""
    return found


def _title(there: Mapping[str, str]) -> str:
    if "" not in there:
        return f"{len(there)} folds"
    return f"hash {there[''][:12]}" if there[""] else "not written by Lathe"


def _put_away(target: Path, there: Mapping[str, str]) -> Path:
    stamp = datetime.now().astimezone().strftime("%Y-%m-%d_%H%M%S")
    number, place = 1, target / EARLIER / stamp
    while place.exists():
        number += 1
        place = target / EARLIER / f"{stamp}_{number}"
    for name in there:
        (place / name).mkdir(parents=True, exist_ok=True)
        for file in _FILES:
            if (target / name / file).exists():
                (target / name / file).replace(place / name / file)
    return place


__all__ = ["EARLIER", "PlannedSplit", "planned", "write_splits"]

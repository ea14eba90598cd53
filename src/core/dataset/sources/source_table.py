"""A table (CSV) with a row an image."""

from __future__ import annotations

import csv
import os
from collections import Counter
from pathlib import Path

from src.core.dataset.config import ImageDataConfig
from src.core.dataset.files.image_files import why
from src.core.dataset.findings import Finding, counted, listed, named
from src.core.dataset.records import Split
from src.core.dataset.sources.relocation import Found, Resolver, foreign_root
from src.core.dataset.sources.source_lists import common_root, each_once, read_text, relative_id
from src.core.dataset.sources.source_rows import Row, Sources, absolute, apply_unlabelled

_SPLIT_WORDS: dict[str, Split] = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing", "tst"), "test"),
}  # type: ignore[dict-item]


_COLUMNS = ("image_column", "mask_column", "split_column")


def table_columns(config: ImageDataConfig) -> tuple[str, ...]:
    """The columns whose meaning is declared: files, part, strata."""
    named_ones = [getattr(config, key) for key in _COLUMNS] + [config.split.stratify_column]
    return tuple(name for name in named_ones if name)


def read_table(config: ImageDataConfig) -> Sources:
    """The rows of ``config.table``; paths are relative to the folder in which it lies."""
    path = Path(config.table)
    try:
        header, lines = _parse(path)
    except (OSError, csv.Error) as error:
        cause = why(error) if isinstance(error, OSError) else str(error)
        text = f"The table {path} cannot be read: {cause}."
        return Sources(findings=[Finding("error", "table.unreadable", text, "Correct data.table.")])
    wanted = [(key, getattr(config, key)) for key in _COLUMNS if getattr(config, key)]
    wanted += [(f"split.{key}", getattr(config.split, key)) for key in ("group_column", "stratify_column")]
    absent = [f"{name} (data.{key})" for key, name in wanted if name and name not in header]
    if absent:
        text = f"The table {path} has no column {listed(absent)}; its columns are {listed(header, 12)}."
        return Sources(
            findings=[Finding("error", "table.columns", text, "Correct the names of the columns.")]
        )
    if not lines:
        text = f"The table {path} has no rows below its header."
        return Sources(findings=[Finding("error", "source.no_images", text, "Choose another table.")])
    return _rows(config, path, lines)


def _parse(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    text = read_text(path)
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(text.splitlines(), delimiter=delimiter, skipinitialspace=True)
    table = [[cell.strip() for cell in row] for row in reader if any(cell.strip() for cell in row)]
    if not table:
        return [], []
    return table[0], [
        dict(zip(table[0], row + [""] * (len(table[0]) - len(row)), strict=False)) for row in table[1:]
    ]


def _rows(config: ImageDataConfig, path: Path, lines: list[dict[str, str]]) -> Sources:
    home = absolute(path.parent)
    image_bases = [home, *([absolute(config.images_dir)] if config.images_dir else [])]
    mask_bases = [home, *([absolute(config.masks_dir)] if config.masks_dir else [])]
    images, masks = Resolver(image_bases, image_bases[::-1]), Resolver(mask_bases, mask_bases[::-1])
    rows: list[Row] = []
    findings: list[Finding] = []
    missing: list[tuple[str, str]] = []
    moved: Counter[tuple[str, str]] = Counter()
    problems: dict[str, list[str]] = {"unclear": [], "split": []}

    def locate(resolver: Resolver, written: str, number: int, not_this: str = "") -> Found:
        found = resolver.find(written, not_this)
        if found.how == "missing":
            missing.append((written, f"is named in {path.name} row {number} but was not found"))
        elif found.how == "ambiguous":
            problems["unclear"].append(f"row {number}: {written} could be {listed(list(found.candidates))}")
        elif found.how == "relocated":
            moved[foreign_root(written, found.path)] += 1
        return found

    for number, line in enumerate(lines, start=2):
        if not line[config.image_column]:
            problems["unclear"].append(f"row {number} names no image")
            continue
        image = locate(images, line[config.image_column], number)
        written_mask = line[config.mask_column] if config.mask_column else ""
        mask = locate(masks, written_mask, number, image.path) if written_mask else None
        split: Split | None = None
        if config.split_column:
            split = _SPLIT_WORDS.get(line[config.split_column].lower())
            if split is None:
                problems["split"].append(f"row {number}: '{line[config.split_column]}'")
        if image.path and (mask is None or mask.path):
            rows.append(Row("", image.path, mask.path if mask else None, split, line))
    for (there, here), count in moved.most_common():
        text = f"{counted(count, 'path')} of another machine under {there} found under {here}."
        findings.append(Finding("notice", "split.relocated", text))
    if problems["unclear"]:
        text = f"{counted(len(problems['unclear']), 'row')} of {path.name} cannot be followed."
        findings.append(
            Finding("error", "table.rows", text, "Correct the paths in them.", named(problems["unclear"]))
        )
    if problems["split"]:
        text = (
            f"{counted(len(problems['split']), 'row')} of {path.name} name no part in column "
            f"{config.split_column}."
        )
        cure = "Write train, val or test in each row."
        findings.append(Finding("error", "table.split", text, cure, named(problems["split"])))
    return _table_sources(config, rows, findings, missing)


def _table_sources(
    config: ImageDataConfig, rows: list[Row], findings: list[Finding], missing: list[tuple[str, str]]
) -> Sources:
    rows = each_once(rows, findings)
    root = common_root([r.image for r in rows], config)
    home = absolute(Path(config.table).parent)
    if all(r.image.startswith(home + os.sep) for r in rows):
        root = home
    rows = [Row(relative_id(r.image, root), r.image, r.mask, r.split, r.columns) for r in rows]
    if not rows and missing:
        text = f"None of the {counted(len(missing), 'file')} that the table names was found."
        cure = "Paths are relative to the table; set data.images_dir and data.masks_dir where they are not."
        findings.append(Finding("error", "split.none_found", text, cure, named(p for p, _ in missing)))
    elif rows and not any(row.mask for row in rows):
        text = "No row of the table names a mask."
        findings.append(Finding("error", "source.no_masks", text, "Correct data.mask_column."))
    else:
        rows, more = apply_unlabelled(rows, config.unlabelled)
        findings += more
    return Sources(
        sorted(rows, key=lambda r: r.id), findings, missing, root, split_given=bool(config.split_column)
    )

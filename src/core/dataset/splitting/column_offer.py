"""Columns of a table that may say what is physically one thing, offered where nothing was declared to be kept together."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence

from src.core.dataset.contract import SPLITS, R, Split
from src.core.dataset.findings import IMAGE, Finding, counted, named, setting, show

#: A column with fewer values speaks of kinds of images; with so few groups there is no fair split either.
LEAST_GROUPS = 8
#: Findings that say that one thing may stand on both sides: what they offer first is the column.
_CONCERNED = frozenset(
    {"split.near_duplicates", "split.neighbours", "split.one_object", "split.group_leak", "duplicates.near"}
)


def grouping_columns(rows: Sequence[Mapping[str, str]], used: Sequence[str]) -> list[str]:
    """Columns whose values group images, the one with the most groups first.

    Args:
        rows: The rows of the table, column to cell.
        used: Columns that mean something else: paths, part, classes.

    Returns:
        Those with more than one image a value on average, no value for half of the images or more, and no empty cell.
    """
    groups: dict[str, int] = {}
    for column in rows[0] if rows else ():
        if column in used:
            continue
        values = Counter(row.get(column, "") for row in rows)
        several = LEAST_GROUPS <= len(values) < len(rows)
        if several and "" not in values and 2 * max(values.values()) < len(rows) and not _measured(values):
            groups[column] = len(values)
    return sorted(groups, key=lambda column: -groups[column])


def _measured(values: Mapping[str, int]) -> bool:
    """Whether the cells are measurements: numbers with a fraction name nothing."""
    try:
        return any(not float(value).is_integer() for value in values)
    except ValueError:
        return False


def offer_columns(
    findings: Sequence[Finding],
    parts: Mapping[Split, Sequence[R]],
    cells: Mapping[str, Mapping[str, str]],
    used: Sequence[str],
) -> list[Finding]:
    """The findings, those on leakage with the best column as their first cure.

    Where none of them speaks of leakage although a group of that column stands on more than one side, a notice says so.

    Args:
        findings: As they were made without a declared group.
        parts: The split.
        cells: Sample id to the row of the table.
        used: See `grouping_columns`.
    """
    rows = [cells[s.id] for part in SPLITS for s in parts.get(part, ()) if cells.get(s.id)]
    columns = grouping_columns(rows, used)
    if not columns:
        return list(findings)
    column = columns[0]
    offer = setting(
        f"Keep together: column {column}", data__split__group_by="column", data__split__group_column=column
    )
    if any(f.code in _CONCERNED for f in findings):
        text = f" The table has a column for it: {column}."
        return [
            dataclasses.replace(f, cure=f"{f.cure}{text}".strip(), actions=(offer, *f.actions))
            if f.code in _CONCERNED
            else f
            for f in findings
        ]
    sides: dict[str, set[Split]] = {}
    members: dict[str, list[str]] = {}
    for part in SPLITS:
        for sample in parts.get(part, ()):
            value = cells.get(sample.id, {}).get(column, "")
            sides.setdefault(value, set()).add(part)
            members.setdefault(value, []).append(sample.id)
    across = sorted(value for value, found in sides.items() if len(found) > 1)
    if not across:
        return list(findings)
    message = (
        f"The column {column} of the table names {counted(len(members), 'group')} of images; {len(across)} of them "
        "stand on more than one side of the split."
    )
    cure = "If it says what is physically one thing, keep its images together: data.split.group_by: column."
    ids = [i for value in across for i in members[value]]
    notice = Finding(
        "notice", "split.grouping_column", message, cure, named(across), (offer, show(ids, noun=IMAGE))
    )
    return [*findings, notice]

"""CSV and other tables of text, in parts; what stands above the numbers is read by ``table_head``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from src.tasks.bearing.files.facts import FileFacts, UnreadableSignalError
from src.tasks.bearing.files.spool import SMALL, kept, key_of, spooled
from src.tasks.bearing.files.table_head import HEAD_BYTES, NUMBER, Layout, cells_of, layout_of
from src.tasks.bearing.files.times import is_fact, is_time, rate_of, seconds_of

_FIRST = 4096
_BLOCK_BYTES = 8 * 2**20


def _blocks(path: Path, layout: Layout) -> Iterator[list[str]]:
    """Whole lines, some megabytes at a time."""
    with path.open(encoding=layout.encoding, errors="replace", newline=None) as stream:
        for _ in range(layout.skip):
            stream.readline(HEAD_BYTES)
        while lines := stream.readlines(_BLOCK_BYTES):
            yield lines


def _parse(lines: list[str], layout: Layout, columns: list[int], before: int) -> np.ndarray:
    """Numbers ``rows × columns`` as float64; cells that hold nothing, NA or null are NaN."""
    text = [line.replace(",", ".") for line in lines] if layout.comma else lines
    delimiter = None if layout.delimiter == " " else layout.delimiter
    if not any(line.strip() for line in text):
        return np.zeros((0, len(columns)))
    try:
        return np.loadtxt(text, delimiter=delimiter, usecols=columns, ndmin=2, comments=None, quotechar='"')
    except ValueError:
        return _slowly(text, layout, columns, before)


def _slowly(lines: list[str], layout: Layout, columns: list[int], before: int) -> np.ndarray:
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith(("#", "%")):
            continue
        cells = cells_of(line, layout.delimiter)
        if len(cells) <= max(columns) or not all(NUMBER.fullmatch(cells[c]) for c in columns):
            shown = line.strip()[:60]
            raise UnreadableSignalError(
                f"line {layout.skip + before + number} holds no numbers in its columns (“{shown}”)"
            )
        row = [cells[c].lower() for c in columns]
        rows.append([float("nan") if cell in ("", "na", "null") else float(cell) for cell in row])
    return np.asarray(rows, dtype=np.float64).reshape(-1, len(columns))


def text_facts(path: Path) -> FileFacts:
    """Columns as channels; ``name: value`` lines above them and columns that never change as values."""
    layout = layout_of(key_of(path, ""))
    first = next(_blocks(path, layout), [])[:_FIRST]
    numbers = [k for k in range(len(layout.names)) if k not in layout.empty]
    head = _parse(first, layout, numbers, 0)
    facts = FileFacts(values=dict(layout.values))
    rows, complete = len(head), _ends(path, layout, len(first))
    if not complete:
        rows = sum(sum(1 for line in block if line.strip()) for block in _blocks(path, layout))
    for place, k in enumerate(numbers):
        name, values = layout.names[k], head[:, place]
        if is_time(name) and (rate := rate_of(values, name)):
            facts.rate = rate
        elif (
            len(layout.names) > 1
            and rows > 1
            and is_fact(name)
            and _never_changes(path, layout, k, values, complete)
        ):
            facts.values[name] = float(values[0])
        else:
            facts.channels[name] = rows
    for k in layout.words:
        _words(facts, path, layout, k, first)
    return facts


def _never_changes(path: Path, layout: Layout, column: int, head: np.ndarray, complete: bool) -> bool:
    """Whether a column repeats one number in all rows, not in the first ones only."""
    if not np.all(head == head[0]):
        return False
    return complete or all(
        np.all(_parse(block, layout, [column], 0) == head[0]) for block in _blocks(path, layout)
    )


def _words(facts: FileFacts, path: Path, layout: Layout, column: int, first: list[str]) -> None:
    """A column of times of the day gives the rate, one that repeats a word a value; one that changes is said."""
    name = layout.names[column]
    told = [cells_of(line, layout.delimiter)[column] for line in first if line.strip()]
    times = np.asarray([seconds_of(text) for text in told])
    if np.isfinite(times).all():
        facts.rate = facts.rate or rate_of(times)
        return
    lines = (line for block in _blocks(path, layout) for line in block if line.strip())
    if all(cells_of(line, layout.delimiter)[column : column + 1] == told[:1] for line in lines):
        facts.values[name] = told[0]
    else:
        facts.remarks.append(
            f"“{name}” changes within the file: a file is read as one recording, and must be of one state."
        )


def _ends(path: Path, layout: Layout, lines: int) -> bool:
    return lines < _FIRST and sum(len(block) for block in _blocks(path, layout)) == lines


def text_read(path: Path, channel: str, start: int, stop: int) -> np.ndarray:
    """A part of a column; the file is read once, and what it held kept in memory, or beyond 64 MB in the workspace."""
    layout = layout_of(key_of(path, ""))
    if channel not in layout.names:
        raise UnreadableSignalError(f"it has no column “{channel}” any more")
    column = [layout.names.index(channel)]

    def pieces() -> Iterator[np.ndarray]:
        before = 0
        for block in _blocks(path, layout):
            yield _parse(block, layout, column, before)[:, 0].astype(np.float32)
            before += len(block)

    # A sample takes two bytes at least, its separator counted; a file below this bound fits into memory.
    if path.stat().st_size <= 2 * SMALL:
        whole = kept(path, channel, lambda: np.concatenate([np.zeros(0, np.float32), *pieces()]))
    else:
        whole = spooled(path, channel, pieces)
    return np.array(whole[start:stop])

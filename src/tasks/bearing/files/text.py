"""CSV and other tables of text: with or without a head, comments, decimal commas and a column of times."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from src.tasks.bearing.files.facts import FileFacts, UnreadableSignalError
from src.tasks.bearing.files.spool import SMALL, kept, key_of, spooled
from src.tasks.bearing.files.times import is_fact, is_time, rate_of

_HEAD_BYTES = 2**18
_BLOCK_BYTES = 8 * 2**20
_MOST_HEAD = 100
_PAIR = re.compile(r"^[#%;\s]*([^=:,;\t]{1,60}?)\s*[=:,;\t]\s*([^,;\t]+)[,;\t]*\s*$")
_NUMBER = re.compile(
    r"[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?|nan|[-+]?inf(inity)?|na|null|", re.IGNORECASE
)


@dataclass(frozen=True)
class _Layout:
    """How the lines of a file are to be read."""

    encoding: str
    skip: int
    delimiter: str
    comma: bool
    names: tuple[str, ...]
    values: tuple[tuple[str, float | str], ...]


def _cells(line: str, delimiter: str) -> list[str]:
    cells = line.split(delimiter) if delimiter != " " else line.split()
    return [cell.strip().strip('"') for cell in cells]


def _is_row(cells: list[str]) -> bool:
    return any(cells) and all(_NUMBER.fullmatch(cell) for cell in cells)


def _delimiter(line: str, head: str) -> str:
    """What stands between the cells; ``1,2`` is one number with a decimal comma unless the head has a comma, too."""
    for mark in (";", "\t"):
        if mark in line:
            return mark
    if "," in line and ("," in head or not re.fullmatch(r"\s*[-+]?\d+,\d+([eE][-+]?\d+)?\s*", line)):
        return ","
    return " " if len(line.split()) > 1 else ";"


@lru_cache(maxsize=64)
def _layout_of(key: tuple[str, int, int, str]) -> _Layout:
    with Path(key[0]).open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    encoding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    if encoding == "utf-16":
        raise UnreadableSignalError("it is written as UTF-16; save it as UTF-8")
    if b"\0" in head:
        raise UnreadableSignalError("it is no text")
    lines = head.decode("utf-8-sig", errors="replace").splitlines()
    for skip, line in enumerate(lines[:_MOST_HEAD]):
        mark = _delimiter(line, lines[skip - 1] if skip else "")
        if not line.startswith(("#", "%")) and _is_row(_cells(line, mark)):
            return _of_rows(encoding, lines, skip, mark)
    raise UnreadableSignalError(f"no line of numbers is among its first {_MOST_HEAD}")


def _of_rows(encoding: str, lines: list[str], skip: int, mark: str) -> _Layout:
    count = len(_cells(lines[skip], mark))
    above = [line for line in lines[:skip] if line.strip()]
    names = [f"column {k}" for k in range(1, count + 1)]
    if above:
        title = _cells(above[-1].lstrip("#%"), mark)
        if len(title) == count and not (_PAIR.match(above[-1]) and count == 1):
            names = [cell or names[k] for k, cell in enumerate(title)]
            above = above[:-1]
    seen: dict[str, int] = {}
    for k, name in enumerate(names):
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            names[k] = f"{name} ({seen[name]})"
    pairs = [match for line in above if (match := _PAIR.match(line))]
    values = tuple((m[1].strip(), _value(m[2].strip())) for m in pairs)
    rows = "".join(lines[skip : skip + 50])
    comma = mark != "," and "," in rows and "." not in rows
    return _Layout(encoding, skip, mark, comma, tuple(names), values)


def _value(text: str) -> float | str:
    """A number where it is one, perhaps with a unit behind a space."""
    first = text.split()[0] if text.split() else text
    try:
        return float(first.replace(",", "."))
    except ValueError:
        return text


def _blocks(path: Path, layout: _Layout) -> Iterator[list[str]]:
    """Whole lines, some megabytes at a time."""
    with path.open(encoding=layout.encoding, errors="replace", newline=None) as stream:
        for _ in range(layout.skip):
            stream.readline(_HEAD_BYTES)
        while lines := stream.readlines(_BLOCK_BYTES):
            yield lines


def _parse(lines: list[str], layout: _Layout, columns: list[int], before: int) -> np.ndarray:
    """Numbers ``rows × columns`` as float64; cells that hold nothing, NA or null are NaN."""
    text = [line.replace(",", ".") for line in lines] if layout.comma else lines
    delimiter = None if layout.delimiter == " " else layout.delimiter
    if not any(line.strip() for line in text):
        return np.zeros((0, len(columns)))
    try:
        return np.loadtxt(text, delimiter=delimiter, usecols=columns, ndmin=2, comments=None, quotechar='"')
    except ValueError:
        return _slowly(text, layout, columns, before)


def _slowly(lines: list[str], layout: _Layout, columns: list[int], before: int) -> np.ndarray:
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith(("#", "%")):
            continue
        cells = _cells(line, layout.delimiter)
        if len(cells) <= max(columns) or not all(_NUMBER.fullmatch(cells[c]) for c in columns):
            shown = line.strip()[:60]
            raise UnreadableSignalError(
                f"line {layout.skip + before + number} holds no numbers in its columns (“{shown}”)"
            )
        row = [cells[c].lower() for c in columns]
        rows.append([float("nan") if cell in ("", "na", "null") else float(cell) for cell in row])
    return np.asarray(rows, dtype=np.float64).reshape(-1, len(columns))


def text_facts(path: Path) -> FileFacts:
    """Columns as channels; ``name: value`` lines above them and columns that never change as values."""
    layout = _layout_of(key_of(path, ""))
    first = next(_blocks(path, layout), [])[:4096]
    head = _parse(first, layout, list(range(len(layout.names))), 0)
    facts = FileFacts(values=dict(layout.values))
    rows, complete = len(head), _ends(path, layout, len(first))
    if not complete:
        rows = sum(sum(1 for line in block if line.strip()) for block in _blocks(path, layout))
    for k, name in enumerate(layout.names):
        values = head[:, k]
        if is_time(name) and (rate := rate_of(values, name)):
            facts.rate = rate
        elif len(layout.names) > 1 and rows > 1 and bool(np.all(values == values[0])) and is_fact(name):
            facts.values[name] = float(values[0])
        else:
            facts.channels[name] = rows
    return facts


def _ends(path: Path, layout: _Layout, lines: int) -> bool:
    return lines < 4096 and sum(len(block) for block in _blocks(path, layout)) == lines


def text_read(path: Path, channel: str, start: int, stop: int) -> np.ndarray:
    """A part of a column; the file is read once, and what it held kept in memory, or beyond 64 MB in the workspace."""
    layout = _layout_of(key_of(path, ""))
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

"""How a table of text is to be read: its encoding, what stands above the numbers, separators, names and units of columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from src.tasks.bearing.files.facts import UnreadableSignalError
from src.tasks.bearing.units import unit_of

HEAD_BYTES = 2**18
_MOST_HEAD = 200
#: So many rows below the first must look like it, and tell which columns are empty.
_ALIKE, _LOOKED_AT = 3, 50
NUMBER = re.compile(
    r"[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?|nan|[-+]?inf(inity)?|na|null|", re.IGNORECASE
)
_COLON = re.compile(r"^[#%;\s]*([^=:,;\t]{1,60}?)\s*[=:]\s*([^,;\t]+)[,;\t]*\s*$")
_UNIT = re.compile(
    r"[\[(].*[\])]|[°%]?[a-zµμ²³/·*^\d]{0,6}|m/s\S{0,2}|kHz|Hz|Pa|kPa|MPa|N|kN|Nm|V|mV|A|°C|K|W|kW",
    re.IGNORECASE,
)
#: First cells of lines that name the columns, or their units.
_NAMING = re.compile(r"(channel|signal|column|kanal)?[\s_]*(names?|namen?)|channels?|kanal", re.IGNORECASE)
_OF_UNITS = re.compile(r"(\w+[\s_])?units?|einheit(en)?|y_unit_label", re.IGNORECASE)
#: Suffixes of text beside the usual ones; numbers, too, as in ``2003.10.22.12.06.24``, and none at all.
_TEXT_SUFFIX = re.compile(r"|\.\d+|\.(lvm|asc|dat|ascii|prn|xy)", re.IGNORECASE)


@dataclass(frozen=True)
class Layout:
    """How the lines of a file are to be read.

    Attributes:
        encoding: Of the text.
        skip: Lines above the first row of numbers.
        delimiter: Between cells; a space is any number of them.
        comma: Numbers are written with decimal commas.
        names: Of all columns.
        empty: Numbers of the columns that hold nothing, or words.
        words: Numbers of the columns that hold words or times of the day.
        values: What the lines above say, ``name: value``.
    """

    encoding: str
    skip: int
    delimiter: str
    comma: bool
    names: tuple[str, ...]
    empty: frozenset[int]
    words: tuple[int, ...]
    values: tuple[tuple[str, float | str], ...]


def cells_of(line: str, delimiter: str) -> list[str]:
    """The cells of a line without the blanks and quotes around them."""
    cells = line.split(delimiter) if delimiter != " " else line.split()
    return [cell.strip().strip('"') for cell in cells]


def may_be_table(path: Path) -> bool:
    """Whether a file whose suffix says little is a table of numbers; asked of such suffixes only, see `text_suffix`."""
    try:
        with path.open("rb") as stream:
            head = stream.read(2**14)
        _layout(head)
    except (OSError, UnreadableSignalError):
        return False
    return True


def text_suffix(suffix: str) -> bool:
    """Whether files of a suffix may be tables of text without a usual suffix of such."""
    return _TEXT_SUFFIX.fullmatch(suffix) is not None


@lru_cache(maxsize=64)
def layout_of(key: tuple[str, int, int, str]) -> Layout:
    """The layout of a file; see ``spool.key_of``.

    Raises:
        UnreadableSignalError: It is no text, or holds no table of numbers.
    """
    with Path(key[0]).open("rb") as stream:
        return _layout(stream.read(HEAD_BYTES))


def _layout(head: bytes) -> Layout:
    encoding = _encoding(head)
    lines = head.decode(encoding, errors="replace").splitlines()
    for skip, line in enumerate(lines[:_MOST_HEAD]):
        mark = _delimiter(line, lines[skip - 1] if skip else "")
        if not line.startswith(("#", "%")) and _begins(lines, skip, mark):
            return _of_rows(encoding, lines, skip, mark)
    raise UnreadableSignalError(f"no line of numbers is among its first {_MOST_HEAD}")


def _encoding(head: bytes) -> str:
    """UTF-16 by its mark, UTF-8 where it can be that, else the code page of western Windows."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if b"\0" in head:
        raise UnreadableSignalError("it is no text")
    try:
        head[:-4].decode("utf-8-sig")  # the last character may be cut off
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def _is_row(cells: Sequence[str]) -> bool:
    return any(cells) and all(NUMBER.fullmatch(cell) for cell in cells)


def _begins(lines: Sequence[str], skip: int, mark: str) -> bool:
    """Whether the rows begin here: the next ones have as many cells. A single number above a wider table is no row of it."""
    rows = [cells_of(line, mark) for line in lines[skip : skip + 1 + _ALIKE] if line.strip()]
    if not rows or not any(rows[0]) or any(len(cells) != len(rows[0]) for cells in rows):
        return False
    # Words or times may fill some columns, the same in all rows, where something stands above them.
    words = [[k for k, cell in enumerate(cells) if not NUMBER.fullmatch(cell)] for cells in rows]
    times = any(":" in cell and cell[:1].isdigit() for cell in rows[0])
    mixed = len(words[0]) < len(rows[0]) and len(rows) > _ALIKE and (skip > 0 or times)
    return all(w == words[0] for w in words) and (not words[0] or mixed)


def _delimiter(line: str, head: str) -> str:
    """What stands between the cells; ``1,2`` is one number with a decimal comma unless the head has a comma, too."""
    for mark in (";", "\t"):
        if mark in line:
            return mark
    if "," in line and ("," in head or not re.fullmatch(r"\s*[-+]?\d+,\d+([eE][-+]?\d+)?\s*", line)):
        return ","
    return " " if len(line.split()) > 1 else ";"


def _of_rows(encoding: str, lines: list[str], skip: int, mark: str) -> Layout:
    rows = [cells_of(line, mark) for line in lines[skip : skip + _LOOKED_AT] if line.strip()]
    count = len(rows[0])
    whole = [row for row in rows if len(row) == count]
    words = tuple(k for k in range(count) if any(row[k] and not NUMBER.fullmatch(row[k]) for row in whole))
    empty = frozenset(k for k in range(count) if not any(row[k] for row in whole)) | set(words)
    above = [line for line in lines[:skip] if line.strip()]
    names, above = _names(above, mark, count)
    seen: dict[str, int] = {}
    for k, name in enumerate(names):
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            names[k] = f"{name} ({seen[name]})"
    text = "".join(lines[skip : skip + _LOOKED_AT])
    comma = mark != "," and "," in text and "." not in text
    return Layout(encoding, skip, mark, comma, tuple(names), empty, words, tuple(_pairs(above, mark)))


def _names(above: list[str], mark: str, count: int) -> tuple[list[str], list[str]]:
    """Names of the columns, with their units where a line of their own states them, and the lines that are left.

    The names stand just above the numbers or above the line of units, or behind a word such as ``ChannelName``.
    """
    rest, names, units = list(above), [""] * count, [""] * count
    title = _row_of(rest[-1], mark, count) if rest else []
    if title and len(rest) > 1 and all(map(_UNIT.fullmatch, title)) and _row_of(rest[-2], mark, count):
        units, rest = title, rest[:-1]
        title = _row_of(rest[-1], mark, count)
    if title:
        names, rest = title, rest[:-1]
    else:
        for line in above:
            head, *cells = cells_of(line, mark)
            if len(cells) < count or any(cells[count:]) or not any(cells):
                continue
            if _OF_UNITS.fullmatch(head):
                units = cells[:count]
            elif _NAMING.fullmatch(head) and not all(map(NUMBER.fullmatch, cells)):
                names = cells[:count]
    named = [name or f"column {k}" for k, name in enumerate(names, start=1)]
    return [_with_unit(name, unit) for name, unit in zip(named, units, strict=True)], rest


def _row_of(line: str, mark: str, count: int) -> list[str]:
    """The cells of a line of titles; empty where it is none."""
    cells = cells_of(line.lstrip("#%"), mark)
    if len(cells) != count or not any(cells) or (count == 1 and _pair(line, mark)):
        return []
    return cells if len(list(filter(None, cells))) > count // 2 and not _is_row(cells) else []


def _with_unit(name: str, unit: str) -> str:
    unit = unit.strip("[]() ")
    return f"{name} [{unit}]" if unit and not name.endswith(("]", ")")) else name


def _pairs(lines: Sequence[str], mark: str) -> list[tuple[str, float | str]]:
    return [pair for line in lines if (pair := _pair(line, mark))]


def _pair(line: str, mark: str) -> tuple[str, float | str] | None:
    """What ``name: value`` or ``name;value`` says; a value may be repeated for each column."""
    if match := _COLON.match(line):
        return match[1].strip(), _value(match[2].strip())
    marks = [m for m in (mark, "\t", ";", ",") if m != " " and m in line]
    if not marks:
        return None
    name, *cells = cells_of(line.lstrip("#% "), marks[0])
    told = list(dict.fromkeys(filter(None, cells)))
    if not name or len(name) > 60 or NUMBER.fullmatch(name) or len(told) != 1:
        return None
    return name, _value(told[0])


def _value(text: str) -> float | str:
    """A number where it is one; with its unit as it stands where that is known, without where it is not."""
    first = text.split()[0] if text.split() else text
    try:
        return text if unit_of(text) else float(first.replace(",", "."))
    except ValueError:
        return text

"""Which files are recordings: those of a folder, or those that a table names, without what a person left out."""

from __future__ import annotations

import csv
import os
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from src.core.dataset.findings import Finding, counted, listed, named
from src.core.dataset.memory import read_exclusions
from src.core.dataset.sources.source_lists import read_text
from src.tasks.bearing.files import SUFFIXES, is_signal_file

if TYPE_CHECKING:
    from src.tasks.bearing.config import SignalDataConfig

_MOST_FILES = 1_000_000
#: Files of other kinds are counted so far.
_LOOKED_AT = 2000


@dataclass(frozen=True)
class SourceFile:
    """A file with its row of the table, which is empty without one."""

    id: str
    path: str
    columns: dict[str, str] = field(default_factory=dict)


@dataclass
class SourceFiles:
    """What was found.

    Attributes:
        files: In the order of their ids.
        root: Folder to which the ids are relative.
        left_out: Ids or paths that ``data.exclude`` names.
    """

    files: list[SourceFile] = field(default_factory=list)
    root: str = ""
    findings: list[Finding] = field(default_factory=list)
    left_out: frozenset[str] = frozenset()


def find_files(config: SignalDataConfig, cancelled: Callable[[], bool]) -> SourceFiles:
    """The files of a configuration; what is wrong with them is among the findings."""
    found = _of_table(config) if config.table else _of_folder(Path(config.folder), cancelled)
    if config.exclude:
        try:
            found.left_out = frozenset(map(_nfc, read_exclusions(config.exclude)))
        except (OSError, UnicodeDecodeError) as error:
            found.findings.append(
                Finding("error", "source.exclude", f"The list of recordings to leave out, {config.exclude}, cannot be read: "
                        f"{getattr(error, 'strerror', None) or error}.", "Correct data.exclude, or empty it.", ("data.exclude",))
            )  # fmt: skip
    found.files = [f for f in found.files if not found.left_out & {f.id, _nfc(f.path)}]
    if not found.files and not any(f.severity == "error" for f in found.findings):
        kinds = ", ".join(sorted(SUFFIXES))
        place = config.table or config.folder
        text = f"No recordings were found in {place}."
        if others := _other_kinds(Path(config.folder)) if config.folder else "":
            text += f" It holds {others}, which cannot be read: write them as CSV, HDF5, WAV or MATLAB files first."
        found.findings.append(
            Finding("error", "source.no_recordings", text, f"Choose a folder that holds files of these kinds: {kinds}.",
                    ("data.folder",))
        )  # fmt: skip
    return found


def _other_kinds(folder: Path) -> str:
    """The three most frequent suffixes of a folder's files with their numbers; empty where there are none."""
    files = islice((path for path in folder.rglob("*") if path.is_file() and path.suffix), _LOOKED_AT)
    return ", ".join(
        f"{count} × {suffix}" for suffix, count in Counter(p.suffix.lower() for p in files).most_common(3)
    )


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def signal_files(folder: Path, cancelled: Callable[[], bool] = lambda: False) -> list[Path]:
    """Files of signals in a folder and its sub-folders, sorted; hidden ones are passed over, links to folders not followed."""
    found: list[Path] = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if cancelled() or len(found) > _MOST_FILES:
            break
        found += [
            Path(place, name)
            for name in files
            if not name.startswith(".") and is_signal_file(Path(place, name))
        ]
    return sorted(found)


def _of_folder(folder: Path, cancelled: Callable[[], bool]) -> SourceFiles:
    root = Path(os.path.abspath(folder))  # noqa: PTH100  (a link stays what the person chose)
    if not root.is_dir():
        text = f"The folder {folder} does not exist."
        error = Finding("error", "folder-missing", text, "Choose an existing folder.", ("data.folder",))
        return SourceFiles(root=str(root), findings=[error])
    files = [
        SourceFile(_nfc(path.relative_to(root).as_posix()), str(path))
        for path in signal_files(root, cancelled)
    ]
    return SourceFiles(sorted(files, key=lambda f: f.id), str(root))


def _of_table(config: SignalDataConfig) -> SourceFiles:
    path = Path(os.path.abspath(config.table))  # noqa: PTH100
    found = SourceFiles(root=str(path.parent))
    try:
        rows = _rows(path)
    except (OSError, csv.Error) as error:
        cause = getattr(error, "strerror", None) or error
        text = f"The table {path} cannot be read: {cause}."
        found.findings.append(
            Finding("error", "table.unreadable", text, "Correct data.table.", ("data.table",))
        )
        return found
    if not rows or config.file_column not in rows[0]:
        text = f"The table {path.name} has no column “{config.file_column}”"
        text += (
            f"; its columns are {listed(list(rows[0]), 12)}." if rows else ": it has no rows below its head."
        )
        found.findings.append(
            Finding("error", "table.columns", text, "Correct data.file_column.", ("data.file_column",))
        )
        return found
    bases = [path.parent, *([Path(os.path.abspath(config.folder))] if config.folder else [])]  # noqa: PTH100
    missing, twice, seen = [], [], set()
    for number, row in enumerate(rows, start=2):
        written = row[config.file_column].replace("\\", "/")
        places = [base / written for base in bases]
        place = next((p for p in places if written and p.is_file()), None)
        if place is None:
            missing.append(f"row {number}: {written or 'names no file'}")
        elif (full := os.path.normpath(place)) in seen:
            twice.append(f"row {number}: {written}")
        else:
            seen.add(full)
            found.files.append(SourceFile(_id_of(full, bases), full, row))
    found.files.sort(key=lambda f: f.id)
    if missing:
        text = f"{counted(len(missing), 'row')} of {path.name} name{'s' if len(missing) == 1 else ''} a file that was not found."
        cure = "Correct the paths; they are relative to the table, or to data.folder."
        severity = "warning" if found.files else "error"
        found.findings.append(Finding(severity, "table.missing", text, cure, named(missing)))  # type: ignore[arg-type]
    if twice:
        names = "names" if len(twice) == 1 else "name"
        text = (
            f"{counted(len(twice), 'row')} of {path.name} {names} a file a second time: the first row counts."
        )
        found.findings.append(Finding("warning", "table.twice", text, "Leave one row a file.", named(twice)))
    return found


def _id_of(full: str, bases: list[Path]) -> str:
    for base in bases:
        if full.startswith(str(base) + os.sep):
            return _nfc(Path(full).relative_to(base).as_posix())
    return _nfc(Path(full).as_posix())


def _rows(path: Path) -> list[dict[str, str]]:
    text = read_text(path)
    first = text.split("\n", 1)[0]
    reader = csv.reader(text.splitlines(), delimiter=max(",;\t", key=first.count), skipinitialspace=True)
    table = [[cell.strip() for cell in row] for row in reader if any(cell.strip() for cell in row)]
    if not table:
        return []
    width = len(table[0])
    return [dict(zip(table[0], row + [""] * (width - len(row)), strict=False)) for row in table[1:]]

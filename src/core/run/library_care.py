"""What a person does with the models of the library: notes, stars, adding files, taking models away. Torch-free."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from src.core.run.folder import RunFolder, workspace, write_atomically
from src.core.run.library import LIBRARY_FILE, ModelRecord, known_files, model_of_file
from src.core.run.state import process_alive

_TRASH = "trash"


class LibraryError(Exception):
    """Something that cannot be done with a model of the library; the message says why and what to do."""


def set_notes(record: ModelRecord, notes: str) -> None:
    """Keep what a person wrote on a model.

    Raises:
        LibraryError: It cannot be written.
    """
    _keep(record, {"notes": notes})


def set_star(record: ModelRecord, starred: bool) -> None:
    """Mark a model, or take the mark away.

    Raises:
        LibraryError: It cannot be written.
    """
    _keep(record, {"starred": starred})


def add_file(path: Path) -> ModelRecord:
    """Take a file of a model into the library; the file stays where it is.

    Raises:
        LibraryError: It is no file, or the list cannot be written.
    """
    path = path.expanduser().resolve()
    if not path.is_file():
        raise LibraryError(f"{path} is not a file. Choose the .safetensors or .pth file of a model.")
    files = known_files()
    write_library(
        workspace() / LIBRARY_FILE, {"version": 1, "files": {**files, str(path): files.get(str(path), {})}}
    )
    return model_of_file(path)


def _keep(record: ModelRecord, said: Mapping[str, Any]) -> None:
    if record.run is not None:
        path = record.run.path / LIBRARY_FILE
        write_library(path, {"version": 1, **record.run.read_json(path), **said})
        return
    files = known_files()
    entry = {**files.get(str(record.path), {}), **said}
    write_library(workspace() / LIBRARY_FILE, {"version": 1, "files": {**files, str(record.path): entry}})


def write_library(path: Path, value: Mapping[str, Any]) -> None:
    """Write a ``library.json``.

    Raises:
        LibraryError: It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(value, ensure_ascii=False, indent=1).encode())
    except OSError as error:
        raise LibraryError(
            f"{path} cannot be written: {error.strerror or error}. Mend its permissions, or free some space."
        ) from None


# ---- taking a model away


def remove(record: ModelRecord) -> Path | None:
    """Move a run with all that belongs to it into the folder ``trash`` beside it; nothing is deleted.

    Returns:
        Where it lies now; None for a file, which only leaves the list and stays where it is.

    Raises:
        LibraryError: A process works on it, or it cannot be moved.
    """
    if record.run is None:
        files = known_files()
        files.pop(str(record.path), None)
        write_library(workspace() / LIBRARY_FILE, {"version": 1, "files": files})
        return None
    if process_alive(record.run) or any(process_alive(RunFolder(job.folder)) for job in record.jobs):
        raise LibraryError(f"A process works on {record.name}. Stop it first, then remove the model.")
    return move_to_trash(record.path, record.name)


def move_to_trash(path: Path, name: str) -> Path:
    """Move a folder into ``trash`` beside it; returns where it lies now.

    Raises:
        LibraryError: It cannot be moved.
    """
    trash = path.parent / _TRASH
    target = next(p for p in _names(trash, path.name) if not p.exists())
    try:
        trash.mkdir(exist_ok=True)
        path.rename(target)
    except OSError as error:
        raise LibraryError(
            f"{name} cannot be moved to {trash}: {error.strerror or error}. Close what uses its files."
        ) from None
    return target


def restore(trashed: Path) -> Path:
    """Bring a run back from the trash; returns its folder.

    Raises:
        LibraryError: It is not there any more, or another run took its name.
    """
    target = trashed.parent.parent / trashed.name.partition("~")[0]
    try:
        if target.exists():
            raise LibraryError(f"There is a run {target.name} again. Rename one of them.")
        trashed.rename(target)
    except OSError as error:
        raise LibraryError(f"{trashed} cannot be brought back: {error.strerror or error}.") from None
    return target


def _names(folder: Path, name: str) -> Iterator[Path]:
    """``name``, then ``name~2026-05-01T12-30-00`` and so on."""
    yield folder / name
    stamp = f"{dt.datetime.now():%Y-%m-%dT%H-%M-%S}"
    number = 0
    while True:
        yield folder / (f"{name}~{stamp}" + (f"-{number}" if number else ""))
        number += 1

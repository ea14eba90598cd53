"""What the sources of a data set have in common: rows, walking a folder, what to do without a mask."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from src.core.dataset.files.image_files import IMAGE_SUFFIXES, why
from src.core.dataset.findings import Finding, counted, named, setting
from src.core.dataset.records import Split

#: Files that systems leave in folders.
_LITTER = frozenset({"thumbs.db", "desktop.ini", "__macosx", "$recycle.bin"})


@dataclass(frozen=True)
class Row:
    """One image as a source names it; nothing is known of its content yet.

    Attributes:
        id: Relative path of the image, see ``Sample.id``.
        image, mask: Absolute paths; without a mask nothing is on the image.
        split: What a split file or a column says.
        columns: The row of the table.
    """

    id: str
    image: str
    mask: str | None
    split: Split | None = None
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Sources:
    """What a source gave.

    Attributes:
        rows: In the order of their ids.
        findings: What was decided and what is wrong.
        missing: Files that are named but not there, with the reason.
        root: Folder to which the ids are relative.
        split_given: The source says which image is in which part.
        unlisted: Ids of images that lie where the others do and are in no part; only where the parts are given.
    """

    rows: list[Row] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    missing: list[tuple[str, str]] = field(default_factory=list)
    root: str = ""
    split_given: bool = False
    unlisted: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class File:
    """A file found under a folder: absolute path, and the relative one with slashes in Unicode form NFC."""

    path: str
    relative: str

    @property
    def parent(self) -> str:
        """Relative folder; empty for files directly in the root."""
        return self.relative.rpartition("/")[0]

    @property
    def stem(self) -> str:
        """Name without its last suffix."""
        return PurePosixPath(self.relative).stem

    @property
    def suffix(self) -> str:
        """Last suffix in lower case, with its dot."""
        return PurePosixPath(self.relative).suffix.lower()


def nfc(text: str) -> str:
    """Unicode form NFC: macOS writes names in another form than other systems do."""
    return unicodedata.normalize("NFC", text)


def absolute(path: str | os.PathLike[str]) -> str:
    """Absolute and without ``..``, but with the person's own links in it, which ``resolve`` would follow."""
    return os.path.abspath(path)  # noqa: PTH100


def missing_folder(key: str, folder: str) -> Finding | None:
    """An error when ``folder`` is not a folder that can be listed."""
    if not Path(folder).exists():
        return Finding(
            "error", f"source.{key}", f"The folder {folder} does not exist.", f"Correct data.{key}."
        )
    if not Path(folder).is_dir():
        return Finding("error", f"source.{key}", f"{folder} is a file, not a folder.", f"Correct data.{key}.")
    try:
        with os.scandir(folder):
            return None
    except OSError as error:
        return Finding(
            "error",
            f"source.{key}",
            f"The folder {folder} cannot be listed: {why(error)}.",
            "Ask for permission to read it.",
        )


def walk(
    folder: str, without: Iterable[str] = (), suffixes: Container[str] = IMAGE_SUFFIXES
) -> tuple[list[File], list[Finding]]:
    """All image files under a folder, sub-folders and links included, sorted.

    Args:
        folder: Where to start.
        without: Folders that are not entered.
        suffixes: Of the files, in small letters.

    Returns:
        The files; and findings about folders that cannot be listed and links that lead in a circle.
    """
    root = absolute(folder)
    excluded = {os.path.realpath(other) for other in without}
    files: list[File] = []
    closed: list[str] = []
    circles: list[str] = []
    waiting, seen = [root], {os.path.realpath(root)}
    while waiting:
        here = waiting.pop()
        try:
            entries = sorted(os.scandir(here), key=lambda e: e.name)
        except OSError as error:
            closed.append(f"{here} ({why(error)})")
            continue
        for entry in entries:
            if entry.name.startswith(".") or entry.name.lower() in _LITTER:
                continue
            if _is_folder(entry):
                real = os.path.realpath(entry.path)
                if real in excluded:
                    continue
                if real in seen:
                    circles.append(entry.path)
                    continue
                seen.add(real)
                waiting.append(entry.path)
            elif Path(entry.name).suffix.lower() in suffixes:
                files.append(File(entry.path, nfc(Path(entry.path).relative_to(root).as_posix())))
    findings = []
    if closed:
        text = f"{counted(len(closed), 'folder')} could not be listed."
        findings.append(
            Finding("warning", "source.closed", text, "Ask for permission to read.", named(closed))
        )
    if circles:
        text = f"{counted(len(circles), 'link')} to a folder that was read already: not followed again."
        findings.append(Finding("notice", "source.links", text, "", named(circles)))
    return sorted(files, key=lambda f: f.relative), findings


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def apply_unlabelled(rows: list[Row], rule: str) -> tuple[list[Row], list[Finding]]:
    """Leave out the rows without a mask, or keep them as images of nothing; and say so."""
    without = [row.id for row in rows if row.mask is None]
    if not without:
        return rows, []
    text = counted(len(without), "image has no mask", "images have no mask")
    if rule == "empty":
        text += ": taken as images with nothing on them, as data.unlabelled says."
        return rows, [Finding("notice", "source.unlabelled", text, "", named(without))]
    cure = "If nothing is on them, set data.unlabelled: empty; if there should be masks, check their names."
    empty = setting("Nothing is on them", data__unlabelled="empty")
    finding = Finding("warning", "source.unlabelled", text + ": left out.", cure, named(without), (empty,))
    return [row for row in rows if row.mask is not None], [finding]

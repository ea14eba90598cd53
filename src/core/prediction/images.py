"""The images, or other files, that a person named: files, folders and patterns, each with a name of its own."""

from __future__ import annotations

import os
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath

from src.core.dataset.files.image_files import IMAGE_SUFFIXES, why
from src.core.dataset.findings import IMAGE, Finding, Noun, counted, named
from src.core.dataset.sources.source_rows import absolute, nfc, walk

#: A folder with this file holds results of Lathe, which are not taken for images.
INDEX_NAME = "predictions.jsonl"
_PATTERN = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class FileKind:
    """The files that a job works on.

    Attributes:
        noun: What they are called.
        suffixes: By which they are known, in small letters.
        such_as: Some of them, for people.
    """

    noun: Noun
    suffixes: Container[str]
    such_as: str

    @property
    def words(self) -> str:
        """``an image``, ``a recording``."""
        return f"a{'n' if self.noun.one[0] in 'aeiou' else ''} {self.noun.one}"


IMAGES = FileKind(IMAGE, IMAGE_SUFFIXES, "JPEG, PNG, TIFF, BMP or WebP")


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An image, or another file, to work on.

    Attributes:
        name: Relative to what the person named, with slashes, in Unicode form NFC; unlike all others.
        path: Absolute.
        size, mtime_ns: Bytes and time of the last change, by which a changed file is known.
    """

    name: str
    path: str
    size: int
    mtime_ns: int


@dataclass
class FoundImages:
    """Images in the order of their names, and what a person should know about the search."""

    images: list[ImageFile] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


class Names:
    """Gives each path a name and keeps to it.

    Two images of one relative name (from two folders) would overwrite each other's results: the second one's name begins
    with the name of its folder, and where that is taken too, it gets a number.

    Attributes:
        renamed: Names that were changed.
    """

    def __init__(self, known: Iterable[tuple[str, str]] = ()) -> None:
        """``known``: paths with the names that they got before, when a job goes on."""
        self._of_path = dict(known)
        self._taken = {name.casefold() for name in self._of_path.values()}
        self.renamed: list[str] = []

    def name(self, path: str, relative: str, root: str) -> str:
        """The name of an image below ``root``."""
        if path in self._of_path:
            return self._of_path[path]
        found = relative
        if found.casefold() in self._taken:
            found = f"{nfc(Path(root).name) or 'images'}/{relative}"
        pure, number = PurePosixPath(found), 1
        while found.casefold() in self._taken:
            number += 1
            found = pure.with_name(f"{pure.stem}-{number}{pure.suffix}").as_posix()
        if found != relative:
            self.renamed.append(found)
        self._of_path[path] = found
        self._taken.add(found.casefold())
        return found


def find_images(
    paths: Sequence[str],
    without: Iterable[str] = (),
    known: Iterable[tuple[str, str]] = (),
    kind: FileKind = IMAGES,
) -> FoundImages:
    """The images (or other files) under files, folders (with sub-folders; links that lead in a circle are followed once) and patterns.

    Args:
        paths: Files, folders, or patterns with ``*``, ``?``, ``[…]``, and ``**`` for any folders.
        without: Folders that are not entered, such as the one the results go to.
        known: Paths with their names of before.
        kind: What is looked for.

    Returns:
        Each file once. A path that does not exist is an ``error`` among the findings.
    """
    found, names = FoundImages(), Names(known)
    seen: set[str] = set()
    unread: list[str] = []
    skipped: set[str] = set()
    for given in paths:
        for path, relative, root in _under(given, tuple(without), kind, found.findings):
            if path in seen:
                continue
            seen.add(path)
            if owner := _results_above(path, root):
                skipped.add(owner)
                continue
            try:
                stat = Path(path).stat()
            except OSError as error:
                unread.append(f"{path} ({why(error)})")
                continue
            found.images.append(
                ImageFile(names.name(path, relative, root), path, stat.st_size, stat.st_mtime_ns)
            )
    if unread:
        text = f"{counted(len(unread), 'file')} could not be looked at and {'is' if len(unread) == 1 else 'are'} left out."
        found.findings.append(Finding("warning", "images.unread", text, "Check that they exist and may be read.",
                                      named(unread)))  # fmt: skip
    if skipped:
        text = f"{counted(len(skipped), 'folder holds results', 'folders hold results')} of Lathe and no {kind.noun.many} to work on."
        found.findings.append(Finding("notice", "images.results", text, "", named(skipped)))
    if names.renamed:
        one, many = kind.noun.one, kind.noun.many
        text = f"{counted(len(names.renamed), f'{one} has', f'{many} have')} the name of another one and got a longer name."
        found.findings.append(
            Finding("notice", "images.renamed", text, "The table names each source.", named(names.renamed))
        )
    return found


def _under(
    given: str, without: tuple[str, ...], kind: FileKind, findings: list[Finding]
) -> Iterator[tuple[str, str, str]]:
    """Path, relative name and root of each image that one of the given paths means."""
    path = absolute(Path(given).expanduser())
    if os.path.isdir(path):  # noqa: PTH112
        files, notes = walk(path, without, kind.suffixes)
        findings += notes
        if not files and not notes:
            findings.append(_nothing(f"There are no {kind.noun.many} in {given}."))
        for file in files:
            yield file.path, file.relative, path
    elif os.path.lexists(path):
        if Path(path).suffix.lower() in kind.suffixes:
            yield path, nfc(Path(path).name), str(Path(path).parent)
        else:
            cure = f"Choose {kind.noun.many} such as {kind.such_as}."
            findings.append(Finding("error", "images.kind", f"{given} is not {kind.words}.", cure))
    elif _PATTERN.search(given):
        root, pattern = _divided(path)
        files, notes = walk(root, without, kind.suffixes) if os.path.isdir(root) else ([], [])  # noqa: PTH112
        findings += notes
        fits = [file for file in files if pattern.fullmatch(file.relative)]
        if not fits:
            findings.append(_nothing(f"No {kind.noun.one} fits {given}."))
        for file in fits:
            yield file.path, file.relative, root
    else:
        findings.append(
            Finding(
                "error",
                "images.absent",
                f"{given} does not exist.",
                f"Correct the path of the {kind.noun.many}.",
            )
        )


def _nothing(text: str) -> Finding:
    return Finding("warning", "images.none", text, "Choose another folder, or correct the pattern.")


def _divided(path: str) -> tuple[str, re.Pattern[str]]:
    """The folder before the first wildcard, and what relative paths below it must be."""
    parts = Path(path).parts
    first = next(n for n, part in enumerate(parts) if _PATTERN.search(part))
    return str(Path(*parts[:first])), re.compile(_expression(list(parts[first:])), re.DOTALL)


def _expression(parts: list[str]) -> str:
    """A regular expression for the parts of a pattern; ``**`` is any number of folders, also none."""
    import fnmatch

    text = ""
    for n, part in enumerate(parts):
        last = n == len(parts) - 1
        if part == "**":
            text += ".*" if last else "(?:.*/)?"
            continue
        inner = fnmatch.translate(nfc(part))
        inner = re.sub(r"^\(\?s:(.*)\)\\[Zz]$", r"\1", inner).replace(".*", "[^/]*")
        text += inner + ("" if last else "/")
    return text


@cache
def _is_results(folder: str) -> bool:
    return os.path.isfile(os.path.join(folder, INDEX_NAME))  # noqa: PTH113, PTH118


def _results_above(path: str, root: str) -> str:
    """The folder of results in which an image below ``root`` lies; empty where there is none."""
    here = os.path.dirname(path)  # noqa: PTH120
    while len(here) >= len(root):
        if _is_results(here):
            return here
        if here == os.path.dirname(here):  # noqa: PTH120
            break
        here = os.path.dirname(here)  # noqa: PTH120
    return ""

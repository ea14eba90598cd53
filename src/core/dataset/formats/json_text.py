"""JSON files of any quality: what is wrong is said with line and reason, and large lists are read one by one."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from src.core.dataset.files.image_files import why

#: Larger files are refused before they are read.
MOST_BYTES = 2 << 30
_SPACE = re.compile(r"[ \t\n\r]*")
_decoder = json.JSONDecoder()


class JsonFileError(ValueError):
    """A file that cannot be read as JSON; the message names it and, where there is one, the line."""


def read_text(path: str | os.PathLike[str], digest: Callable[[str], None] | None = None) -> str:
    """The text of a JSON file; ``digest`` is given the sha256 of its bytes.

    Raises:
        JsonFileError: absent, too large, or not UTF-8.
    """
    try:
        size = Path(path).stat().st_size
        if size > MOST_BYTES:
            raise JsonFileError(
                f"{path} has {size >> 20} MiB, more than the {MOST_BYTES >> 20} MiB that are read."
            )
        data = Path(path).read_bytes()
    except OSError as error:
        raise JsonFileError(f"{path} cannot be read: {why(error)}.") from error
    if digest is not None:
        digest(hashlib.sha256(data).hexdigest())
    try:
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise JsonFileError(f"{path}, line {line}: not UTF-8 text.") from None


def read_json(path: str | os.PathLike[str], digest: Callable[[str], None] | None = None) -> Any:
    """The value in a file.

    Raises:
        JsonFileError: with line and reason.
    """
    text = read_text(path, digest)
    return _guarded(path, lambda: json.loads(text))


def _guarded(path: str | os.PathLike[str], parse: Callable[[], Any]) -> Any:
    try:
        return parse()
    except json.JSONDecodeError as error:
        raise JsonFileError(f"{path}, line {error.lineno}, column {error.colno}: {error.msg}.") from None
    except RecursionError:
        raise JsonFileError(f"{path} is nested too deeply.") from None
    except ValueError as error:  # a whole number of thousands of digits
        raise JsonFileError(f"{path}: {error}.") from None


class BigObject:
    """A JSON object whose large lists are read element by element: the elements keep their place in the text.

    Attributes:
        small: The values of all keys but the lists that were asked for.
        text: The whole text; ``element(start)`` reads one element of it again.
    """

    def __init__(
        self, path: str, lists: tuple[str, ...], digest: Callable[[str], None] | None = None
    ) -> None:
        """Open a file.

        Raises:
            JsonFileError: it is not a JSON object, or damaged before the first list.
        """
        self.path = path
        self.text = read_text(path, digest)
        self.small: dict[str, Any] = {}
        self._lists = lists
        self._starts: dict[str, int] = {}

    def read(self, take: Callable[[str, int, Any], None]) -> None:
        """Go through the file once; ``take`` is given the list's key, the place and the value of each element.

        Raises:
            JsonFileError: with line and reason.
        """
        _guarded(self.path, lambda: self._read(take))

    def element(self, start: int) -> Any:
        """The element at a place that ``take`` was given."""
        return _decoder.raw_decode(self.text, start)[0]

    def _read(self, take: Callable[[str, int, Any], None]) -> None:
        at = self._skip(0)
        if self.text[at : at + 1] != "{":
            raise json.JSONDecodeError("expected an object in curly brackets", self.text, at)
        at = self._skip(at + 1)
        while self.text[at : at + 1] != "}":
            key, at = _decoder.raw_decode(self.text, at)
            at = self._expect(":", at)
            if key in self._lists and self.text[at : at + 1] == "[":
                for start, value, end in self._elements(at):
                    at = end
                    if start >= 0:
                        take(key, start, value)
            else:
                self.small[str(key)], at = _decoder.raw_decode(self.text, at)
            at = self._skip(at)
            if self.text[at : at + 1] == ",":
                at = self._skip(at + 1)
            elif self.text[at : at + 1] != "}":
                raise json.JSONDecodeError("expected a comma or the end of the object", self.text, at)

    def _elements(self, at: int) -> Iterator[tuple[int, Any, int]]:
        """Place, value and end of each element; at last (-1, None, end of the list)."""
        at = self._skip(at + 1)
        while self.text[at : at + 1] != "]":
            value, end = _decoder.raw_decode(self.text, at)
            yield at, value, end
            at = self._skip(end)
            if self.text[at : at + 1] == ",":
                at = self._skip(at + 1)
            elif self.text[at : at + 1] != "]":
                raise json.JSONDecodeError("expected a comma or the end of the list", self.text, at)
        yield -1, None, at + 1

    def _expect(self, letter: str, at: int) -> int:
        at = self._skip(at)
        if self.text[at : at + 1] != letter:
            raise json.JSONDecodeError(f"expected “{letter}”", self.text, at)
        return self._skip(at + 1)

    def _skip(self, at: int) -> int:
        found = _SPACE.match(self.text, at)
        return found.end() if found else at


def number(value: Any) -> float | None:
    """A finite number, or ``None`` for everything else (also for truth values)."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def whole(value: Any) -> int | None:
    """A whole number, also written as 3.0; ``None`` for everything else."""
    found = number(value)
    return int(found) if found is not None and found == int(found) else None


def head_of(path: str, size: int = 1 << 16) -> str:
    """The first and last bytes of a file as text, for recognising it; empty where it cannot be read."""
    try:
        with Path(path).open("rb") as handle:
            first = handle.read(size)
            handle.seek(max(len(first), handle.seek(0, os.SEEK_END) - size))
            return (first + b"\n" + handle.read(size)).decode("utf-8", "replace")
    except OSError:
        return ""

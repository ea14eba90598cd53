"""Finding files by paths that were written on another machine."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from src.core.dataset.sources.source_rows import absolute, nfc, walk

_ABSOLUTE = re.compile(r"^(/|\\\\|[A-Za-z]:[\\/])")


@dataclass(frozen=True)
class Found:
    """Where a written path leads.

    Attributes:
        how: ``direct``: as written. ``relocated``: by the longest tail that one file shares with it.
            ``ambiguous``: several files share it equally. ``missing``: none.
        path: Absolute; empty unless direct or relocated.
        candidates: The equals of an ambiguous one.
    """

    how: Literal["direct", "relocated", "ambiguous", "missing"]
    path: str = ""
    candidates: tuple[str, ...] = ()


@dataclass
class Resolver:
    """Finds the files that a list names.

    Attributes:
        bases: Folders to which relative paths may be relative, in the order in which they are tried.
        roots: Folders under which files of another machine are sought; the next only when one holds none.
    """

    bases: Sequence[str]
    roots: Sequence[str]
    _indexes: dict[str, dict[str, list[str]]] = field(default_factory=dict, repr=False)

    def exists(self, written: str) -> str:
        """The absolute path of a file at the written place, or an empty string."""
        for text in _spellings(written):
            if _ABSOLUTE.match(text) or Path(text).is_absolute():
                if Path(text).is_file():
                    return absolute(text)
                continue
            for base in self.bases:
                path = Path(base) / text
                if path.is_file():
                    return absolute(path)
        return ""

    def find(self, written: str, not_this: str = "") -> Found:
        """Find the file; ``not_this`` is never the answer (a mask is not its own image)."""
        direct = self.exists(written)
        if direct and direct != not_this:
            return Found("direct", direct)
        parts = _parts(written)
        if not parts:
            return Found("missing")
        for root in self.roots:
            same_name = [p for p in self._index(root).get(parts[-1], ()) if p != not_this]
            if not same_name:
                continue
            scores = {path: _shared_tail(parts, _parts(path)) for path in same_name}
            best = max(scores.values())
            winners = tuple(path for path in same_name if scores[path] == best)
            return Found("relocated", winners[0]) if len(winners) == 1 else Found("ambiguous", "", winners)
        return Found("missing")

    def _index(self, root: str) -> dict[str, list[str]]:
        if root not in self._indexes:
            index: dict[str, list[str]] = defaultdict(list)
            for file in walk(root)[0] if Path(root).is_dir() else ():
                index[nfc(Path(file.path).name).casefold()].append(absolute(file.path))
            self._indexes[root] = dict(index)
        return self._indexes[root]


def foreign_root(written: str, path: str) -> tuple[str, str]:
    """What stood before the shared tail there, and what stands before it here."""
    there, here = re.split(r"[\\/]+", written), re.split(r"[\\/]+", path)
    tail = _shared_tail(_parts(written), _parts(path))
    return "/".join(there[: len(there) - tail]) or "/", "/".join(here[: len(here) - tail]) or "/"


def _parts(path: str) -> list[str]:
    return [nfc(part).casefold() for part in re.split(r"[\\/]+", path) if part not in ("", ".", "..")]


def _shared_tail(one: list[str], other: list[str]) -> int:
    count = 0
    for a, b in zip(reversed(one), reversed(other), strict=False):
        if a != b:
            break
        count += 1
    return count


def _spellings(written: str) -> list[str]:
    """The ways in which one file may be written: both slashes, both Unicode forms."""
    texts = [written]
    if os.sep == "/" and "\\" in written:
        texts.append(written.replace("\\", "/"))
    texts += [unicodedata.normalize("NFC", t) for t in texts] + [
        unicodedata.normalize("NFD", t) for t in texts
    ]
    return list(dict.fromkeys(texts))

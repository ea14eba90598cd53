"""The samples of a data set as columns: a hundred thousand of them are filtered, counted and sorted at once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from src.core.dataset.records import SPLITS

#: Fields of a row as the check job sends it; rows may be shorter.
ROW = ("id", "image", "mask", "group", "classes", "width", "height", "brightness", "objects", "share")
PARTS: tuple[str, ...] = (*SPLITS, "out")


class SampleTable(Mapping[str, Sequence[dict[str, Any]]]):
    """All samples, column by column; as a mapping, the samples of each part as read-only sequences.

    Rows are appended, never changed, and numbered from 0. The part ``out`` holds samples that an earlier decision
    left out of this check.

    Attributes:
        ids, images, masks: Of each row; a mask may be ``None``.
        part: ``N`` uint8, index into ``PARTS``.
        group: ``N`` int32, index into ``groups``.
        groups: Names.
        sizes: ``N×2`` int32, width and height in pixels; 0 where it is not known.
        share: ``N`` float32, pixels of objects of all pixels, 0 to 1; NaN where it is not known.
        filled: ``N`` bool, an object is on the image.
        known: ``N`` bool, whether ``filled`` is known.
    """

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.images: list[str] = []
        self.masks: list[str | None] = []
        self.groups: list[str] = []
        self._codes: dict[str, int] = {}
        self._blocks: dict[str, list[np.ndarray]] = {name: [] for name in _COLUMNS}
        self._members: list[np.ndarray] = []
        self._whole: dict[str, np.ndarray] = {}
        self._lookup: dict[str, int] | None = None
        self._paths: dict[str, int] | None = None
        self._folded: list[str] = []

    # ---- filling

    def append(self, part: str, rows: Sequence[Sequence[Any]]) -> None:
        """Take in rows as the check job sends them (see ``ROW``).

        Raises:
            ValueError: a row has no id and image, or the part is unknown.
        """
        first, number = len(self.ids), PARTS.index(part)
        padded = [(*row, *_DEFAULTS[len(row) :]) for row in rows]
        if any(len(row) < 2 for row in rows):
            raise ValueError("a sample has an id and an image")
        self.ids += [str(r[0]) for r in padded]
        self.images += [str(r[1]) for r in padded]
        self.masks += [r[2] or None for r in padded]
        codes = [self._codes.setdefault(str(r[3] or r[0]), len(self._codes)) for r in padded]
        if len(self._codes) > len(self.groups):
            self.groups = [*self.groups, *list(self._codes)[len(self.groups) :]]
        classes = [c for r in padded for c in (r[4] or ())]
        repeats = [len(r[4] or ()) for r in padded]
        owners = np.repeat(np.arange(first, first + len(rows), dtype=np.int32), repeats)
        self._members.append(np.stack([owners, np.array(classes, np.int32).reshape(-1)]))
        block = {
            "part": [number] * len(rows),
            "group": codes,
            "width": [int(r[5] or 0) for r in padded],
            "height": [int(r[6] or 0) for r in padded],
            "share": [np.nan if r[9] is None else r[9] for r in padded],
            "known": [r[4] is not None for r in padded],
            "filled": [any(c > 0 for c in (r[4] or ())) for r in padded],
        }
        for name, values in block.items():
            self._blocks[name].append(np.array(values, _COLUMNS[name]))
        self._whole, self._lookup, self._paths, self._folded = {}, None, None, []

    @classmethod
    def from_parts(cls, parts: Mapping[str, Iterable[Mapping[str, Any]]]) -> SampleTable:
        """From samples as mappings with ``id``, ``image``, ``mask`` and whatever else is known of ``ROW``."""
        table = cls()
        for part, samples in parts.items():
            table.append(part, [[s.get(name) for name in ROW] for s in samples])
        return table

    # ---- columns

    def _column(self, name: str) -> np.ndarray:
        if name not in self._whole:
            blocks = self._blocks[name]
            whole = np.concatenate(blocks) if blocks else np.zeros(0, _COLUMNS[name])
            self._blocks[name] = [whole] if blocks else []
            self._whole[name] = whole
        return self._whole[name]

    @property
    def part(self) -> np.ndarray:
        return self._column("part")

    @property
    def group(self) -> np.ndarray:
        return self._column("group")

    @property
    def sizes(self) -> np.ndarray:
        return np.stack([self._column("width"), self._column("height")], axis=1)

    @property
    def share(self) -> np.ndarray:
        return self._column("share")

    @property
    def filled(self) -> np.ndarray:
        return self._column("filled")

    @property
    def known(self) -> np.ndarray:
        return self._column("known")

    @property
    def members(self) -> np.ndarray:
        """``2×M`` int32: rows and the classes on them, background among them; by row."""
        if len(self._members) != 1:
            self._members = [np.concatenate([np.zeros((2, 0), np.int32), *self._members], axis=1)]
        return self._members[0]

    @property
    def folded(self) -> list[str]:
        """The ids in lower case, to look for words in."""
        if len(self._folded) != len(self.ids):
            self._folded = [name.casefold() for name in self.ids]
        return self._folded

    def rows_of(self, names: Iterable[str]) -> np.ndarray:
        """Rows that are meant by ids, paths of image or mask, or names of groups; sorted, each once."""
        if self._lookup is None:
            self._lookup = {name: row for row, name in enumerate(self.ids)}
        found: set[int] = set()
        for name in names:
            row = self._lookup.get(name)
            if row is None:
                row = self._by_path().get(_plain(name))
            if row is not None:
                found.add(row)
            elif name in self._codes:
                found.update(np.flatnonzero(self.group == self._codes[name]).tolist())
        return np.array(sorted(found), np.int64)

    def _by_path(self) -> dict[str, int]:
        if self._paths is None:
            self._paths = {_plain(mask): row for row, mask in enumerate(self.masks) if mask}
            self._paths.update((_plain(image), row) for row, image in enumerate(self.images))
        return self._paths

    def prepare(self) -> SampleTable:
        """Make now what would be made at the first use, which a window would wait for."""
        for name in _COLUMNS:
            self._column(name)
        _ = self.members, self.folded, self.rows_of(())
        return self

    # ---- samples

    def sample(self, row: int) -> dict[str, Any]:
        """One sample as a mapping; width and height 0 and share NaN where they are not known."""
        return {
            "id": self.ids[row],
            "image": self.images[row],
            "mask": self.masks[row],
            "group": self.groups[int(self.group[row])],
            "split": PARTS[int(self.part[row])],
            "width": int(self._column("width")[row]),
            "height": int(self._column("height")[row]),
            "share": float(self.share[row]),
            "row": row,
        }

    @property
    def total(self) -> int:
        """Samples of all parts."""
        return len(self.ids)

    def __getitem__(self, part: str) -> Sequence[dict[str, Any]]:
        return _Part(self, np.flatnonzero(self.part == PARTS.index(part))) if part in PARTS else ()

    def get(self, part: str, default: Any = None) -> Any:
        """The samples of a part; the default where it has none."""
        return self[part] or default

    def __iter__(self) -> Iterator[str]:
        return (part for number, part in enumerate(PARTS) if (self.part == number).any())

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _Part(Sequence[dict[str, Any]]):
    """The samples of one part, made when they are asked for."""

    def __init__(self, table: SampleTable, rows: np.ndarray) -> None:
        self._table, self._rows = table, rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return _Part(self._table, self._rows[index])
        return self._table.sample(int(self._rows[index]))


_COLUMNS: dict[str, Any] = {
    "part": np.uint8,
    "group": np.int32,
    "width": np.int32,
    "height": np.int32,
    "share": np.float32,
    "known": np.bool_,
    "filled": np.bool_,
}
_DEFAULTS: tuple[Any, ...] = (None, None, None, None, None, 0, 0, None, None, None)


def _plain(path: str) -> str:
    return os.path.normcase(path.replace("\\", "/"))

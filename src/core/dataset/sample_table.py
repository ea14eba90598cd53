"""The samples of a data set as columns: a hundred thousand of them are filtered, counted and sorted at once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from src.core.dataset.contract import IMAGES_WITH_MASKS, SPLITS, Column, Look

PARTS: tuple[str, ...] = (*SPLITS, "out")


class SampleTable(Mapping[str, Sequence[dict[str, Any]]]):
    """All samples, column by column; as a mapping, the samples of each part as read-only sequences.

    Rows are appended, never changed, and numbered from 0. The part ``out`` holds samples that an earlier decision
    left out of this check. Which columns there are, the look of the samples says.

    Attributes:
        look: How the samples are called and shown.
        fields: Of a row: id, file (``image`` beside a mask), mask where the look has masks, group, classes, then the
            columns of the look.
        ids, files, masks: Of each row; a mask may be ``None``.
        part: ``N`` uint8, index into ``PARTS``.
        group: ``N`` int32, index into ``groups``.
        groups: Names.
        sizes: ``N×2`` int32, width and height in pixels; 0 where it is not known, or no column.
        share: ``N`` float64, pixels of objects of all pixels, 0 to 1; NaN where it is not known, or no column.
        filled: ``N`` bool, an object is on the image (a class other than 0).
        known: ``N`` bool, whether ``filled`` is known.
    """

    def __init__(self, look: Look = IMAGES_WITH_MASKS) -> None:
        self.look = look
        head = ("id", "image", "mask") if look.masks else ("id", "file")
        self.fields = (*head, "group", "classes", *(column.key for column in look.columns))
        self.ids: list[str] = []
        self.files: list[str] = []
        self.masks: list[str | None] = []
        self.groups: list[str] = []
        self._codes: dict[str, int] = {}
        self._texts: dict[str, list[str | None]] = {c.key: [] for c in look.columns if c.kind == "text"}
        self._numbers = tuple(c.key for c in look.columns if c.kind == "number")
        self._blocks: dict[str, list[np.ndarray]] = {name: [] for name in (*_OWN, *self._numbers)}
        self._members: list[np.ndarray] = []
        self._whole: dict[str, np.ndarray] = {}
        self._lookup: dict[str, int] | None = None
        self._paths: dict[str, int] | None = None
        self._folded: list[str] = []

    # ---- filling

    def append(self, part: str, rows: Sequence[Sequence[Any]]) -> None:
        """Take in rows as the check job sends them, see ``fields``; they may be shorter.

        Raises:
            ValueError: a row has no id and file, or the part is unknown.
        """
        if any(len(row) < 2 for row in rows):
            raise ValueError(f"a sample has an id and {'an image' if self.look.masks else 'a file'}")
        first, number, width = len(self.ids), PARTS.index(part), len(self.fields)
        padded = [(*row, *[None] * (width - len(row))) for row in rows]
        of = dict(zip(self.fields, zip(*padded, strict=True), strict=False)) if padded else {}
        ids = [str(i) for i in of.get("id", ())]
        self.ids += ids
        self.files += [str(f) for f in of.get("image" if self.look.masks else "file", ())]
        self.masks += [m or None for m in of.get("mask", [None] * len(rows))]
        names = [str(g or i) for g, i in zip(of.get("group", ()), ids, strict=False)]
        codes = [self._codes.setdefault(name, len(self._codes)) for name in names]
        if len(self._codes) > len(self.groups):
            self.groups = [*self.groups, *list(self._codes)[len(self.groups) :]]
        classes = of.get("classes", ())
        owners = np.repeat(
            np.arange(first, first + len(rows), dtype=np.int32), [len(c or ()) for c in classes]
        )
        members = np.array([n for c in classes for n in c or ()], np.int32).reshape(-1)
        self._members.append(np.stack([owners, members]))
        block: dict[str, Any] = {
            "part": [number] * len(rows),
            "group": codes,
            "known": [c is not None for c in classes],
            "filled": [any(n > 0 for n in c or ()) for c in classes],
            **{key: [np.nan if v is None else v for v in of.get(key, ())] for key in self._numbers},
        }
        for name, values in block.items():
            self._blocks[name].append(np.array(values, _OWN.get(name, np.float64)))
        for key, texts in self._texts.items():
            texts += [None if t is None else str(t) for t in of.get(key, ())]
        self._whole, self._lookup, self._paths, self._folded = {}, None, None, []

    @classmethod
    def from_parts(
        cls, parts: Mapping[str, Iterable[Mapping[str, Any]]], look: Look = IMAGES_WITH_MASKS
    ) -> SampleTable:
        """From samples as mappings with an id, a file and whatever else is known of ``fields``."""
        table = cls(look)
        for part, samples in parts.items():
            table.append(part, [[s.get(name) for name in table.fields] for s in samples])
        return table

    # ---- columns

    def _column(self, name: str) -> np.ndarray:
        if name not in self._whole:
            blocks = self._blocks[name]
            whole = np.concatenate(blocks) if blocks else np.zeros(0, _OWN.get(name, np.float64))
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
        sides = [self.numbers(name, 0.0).astype(np.int32) for name in ("width", "height")]
        return np.stack(sides, axis=1)

    @property
    def share(self) -> np.ndarray:
        return self.numbers("share", np.nan)

    @property
    def filled(self) -> np.ndarray:
        return self._column("filled")

    @property
    def known(self) -> np.ndarray:
        return self._column("known")

    def numbers(self, key: str, unknown: float = np.nan) -> np.ndarray:
        """``N`` float64: a column of numbers; ``unknown`` where a value is not known, or there is no such column."""
        if key not in self._numbers:
            return np.full(self.total, unknown)
        return np.nan_to_num(self._column(key), nan=unknown)

    def texts(self, key: str) -> list[str | None]:
        """A column of texts."""
        return self._texts[key]

    def words(self, row: int) -> list[tuple[Column, str]]:
        """What is known of a sample, as people read it, by column."""
        values = [(c, self._value(c, row)) for c in self.look.columns]
        return [(c, words) for c, v in values if (words := c.words(v))]

    def _value(self, column: Column, row: int) -> Any:
        if column.kind == "text":
            return self._texts[column.key][row]
        return float(self._column(column.key)[row])

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
        """Rows that are meant by ids, paths of files, or names of groups; sorted, each once."""
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
            self._paths.update((_plain(path), row) for row, path in enumerate(self.files))
        return self._paths

    def prepare(self) -> SampleTable:
        """Make now what would be made at the first use, which a window would wait for."""
        for name in self._blocks:
            self._column(name)
        _ = self.members, self.folded, self.rows_of(())
        return self

    # ---- samples

    def sample(self, row: int) -> dict[str, Any]:
        """One sample as a mapping: ``id``, ``file``, ``group``, ``split``, ``row`` and the columns.

        Numbers that are not known are NaN, but width and height 0. Beside a mask the file is ``image`` as well.
        """
        found: dict[str, Any] = {
            "id": self.ids[row],
            "file": self.files[row],
            "group": self.groups[int(self.group[row])],
            "split": PARTS[int(self.part[row])],
            "row": row,
            **{column.key: self._value(column, row) for column in self.look.columns},
        }
        if self.look.masks:
            found |= {"image": self.files[row], "mask": self.masks[row]}
        for side in {"width", "height"} & found.keys():
            found[side] = int(np.nan_to_num(found[side]))
        return found

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


#: Columns of every table; those of numbers that the look declares are float64.
_OWN: dict[str, Any] = {"part": np.uint8, "group": np.int32, "known": np.bool_, "filled": np.bool_}


def _plain(path: str) -> str:
    return os.path.normcase(path.replace("\\", "/"))

"""Which samples of a table are wanted, how many each further choice would leave, and in which order they stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import numpy as np

from src.core.dataset.sample_table import PARTS, SampleTable

Content = Literal["", "object", "empty", "excluded", "kept"]
#: Empty, ``name``, ``size`` or the key of a column.
Order = str
#: Values of ``SampleFilter.alike`` that are no name of a cluster (a name is an id, and an id is no lone star).
ALIKE, ALIKE_ACROSS = "*", "**"
#: More different sizes than this are put together by their number of pixels.
_MOST_SIZES = 12
_MEGAPIXELS = (0.0, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 64.0, float("inf"))


@dataclass(frozen=True)
class SampleFilter:
    """What is wanted; all of it at once. Empty means everything.

    Attributes:
        part: One of ``PARTS``.
        class_number: The class is on the image; -1: any.
        content: With an object, without one, excluded, or not excluded.
        size: Index into ``Sizes.labels``; -1: any.
        name: Words that the id holds, in any order, without regard to case.
        group: A part of the group's name, without regard to case.
        rows: Only these, as of a finding; ``None``: all.
        alike: A cluster of near duplicates by its name; ``ALIKE``: of any; ``ALIKE_ACROSS``: of any that stands in
            more than one part of the split.
    """

    part: str = ""
    class_number: int = -1
    content: Content = ""
    size: int = -1
    name: str = ""
    group: str = ""
    rows: tuple[int, ...] | None = None
    alike: str = ""

    @property
    def empty(self) -> bool:
        """Whether everything is wanted."""
        return self == SampleFilter()


class Sizes:
    """The sizes of the images in a few kinds: each size by itself, or by megapixels where there are many.

    Attributes:
        labels: Of the kinds, the most frequent size first, or by megapixels.
        kind: ``N`` int, index into ``labels``.
    """

    def __init__(self, table: SampleTable) -> None:
        sizes = table.sizes
        found, kind, counts = np.unique(
            sizes[:, 0].astype(np.int64) << 32 | sizes[:, 1], return_inverse=True, return_counts=True
        )
        if len(found) <= _MOST_SIZES:
            order = np.argsort(-counts, kind="stable")
            self.labels = [_size(int(v)) for v in found[order]]
            self.kind = np.argsort(order)[kind.ravel()]
            return
        pixels = sizes[:, 0].astype(np.float64) * sizes[:, 1] / 1e6
        binned = np.digitize(pixels, _MEGAPIXELS[1:-1])
        used, self.kind = np.unique(binned, return_inverse=True)
        self.labels = [_range(int(b)) for b in used]


def _size(packed: int) -> str:
    width, height = packed >> 32, packed & 0xFFFFFFFF
    return f"{width:,} × {height:,} px" if width and height else "unknown"


def _range(index: int) -> str:
    low, high = _MEGAPIXELS[index], _MEGAPIXELS[index + 1]
    return f"{low:g} to {high:g} megapixels" if np.isfinite(high) else f"over {low:g} megapixels"


class Alike:
    """The near duplicates that the check found.

    Attributes:
        names: Of the clusters, the largest first.
        code: ``N`` int, index into ``names``; ``len(names)`` for a sample in none.
        across: A ``bool`` for each name: the cluster stands in more than one part of the split. Samples that were
            left out by an earlier decision stand in none.
    """

    def __init__(self, table: SampleTable) -> None:
        known = any(column.key == "alike" for column in table.look.columns)
        texts = table.texts("alike") if known else []
        counts = Counter(filter(None, texts))
        self.names = [name for name, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
        numbers = {name: number for number, name in enumerate(self.names)}
        none = len(self.names)
        self.code = np.full(table.total, none, np.int64)
        self.code[: len(texts)] = [numbers.get(text or "", none) for text in texts]
        sides = np.zeros((none + 1, len(PARTS)), np.bool_)
        sides[self.code, table.part] = True
        sides[:, PARTS.index("out")] = False
        self.across = sides[:none].sum(axis=1) > 1


class SampleView:
    """A table with what was excluded from it, seen through a filter.

    Attributes:
        table: The samples.
        excluded: ``N`` bool: left out by a person's decision.
        sizes: The kinds of sizes.
        alike: The near duplicates among them.
    """

    def __init__(self, table: SampleTable, excluded: Iterable[str] = ()) -> None:
        self.table = table
        self.sizes = Sizes(table)
        self.alike = Alike(table)
        self.excluded = np.zeros(table.total, np.bool_)
        self._orders: dict[str, np.ndarray] = {}
        self._masks: dict[str, tuple[object, np.ndarray]] = {}
        self.set_excluded(excluded)

    def set_excluded(self, ids: Iterable[str]) -> None:
        """Another set of excluded ids."""
        self.excluded = self.table.part == PARTS.index("out")
        self.excluded[self.table.rows_of(ids)] = True
        self._masks.pop("content", None)

    def rows(self, wanted: SampleFilter, order: Order = "", descending: bool = False) -> np.ndarray:
        """The rows that are wanted, in this order (empty: as the data set gives them, near duplicates side by side
        where they are asked for)."""
        mask = self.mask(wanted)
        if not order:
            rows = np.flatnonzero(mask)
            if wanted.alike:
                rows = rows[np.argsort(self.alike.code[rows], kind="stable")]
        else:
            places = self._order(order)
            rows = places[mask[places]]
        return rows[::-1] if descending else rows

    def mask(self, wanted: SampleFilter) -> np.ndarray:
        """``N`` bool: which rows are wanted."""
        found = np.ones(self.table.total, np.bool_)
        for field in fields(wanted):
            value = getattr(wanted, field.name)
            if value != field.default:
                found &= self._of(field.name, value)
        return found

    def _of(self, name: str, value: object) -> np.ndarray:
        """The rows that fit one filter; of each filter the last answer is kept."""
        if name not in self._masks or self._masks[name][0] != value:
            self._masks[name] = (value, getattr(self, f"_by_{name}")(value))
        return self._masks[name][1]

    def _by_part(self, part: str) -> np.ndarray:
        return self.table.part == PARTS.index(part)

    def _by_class_number(self, number: int) -> np.ndarray:
        found = np.zeros(self.table.total, np.bool_)
        rows, classes = self.table.members
        found[rows[classes == number]] = True
        return found

    def _by_content(self, content: str) -> np.ndarray:
        if content in ("excluded", "kept"):
            return self.excluded if content == "excluded" else ~self.excluded
        return self.table.known & (self.table.filled == (content == "object"))

    def _by_size(self, size: int) -> np.ndarray:
        return self.sizes.kind == size

    def _by_name(self, name: str) -> np.ndarray:
        found = np.ones(self.table.total, np.bool_)
        for word in name.casefold().split():
            found &= np.fromiter((word in text for text in self.table.folded), np.bool_, self.table.total)
        return found

    def _by_group(self, group: str) -> np.ndarray:
        word, names = group.casefold().strip(), self.table.groups
        exact = np.fromiter((name.casefold() == word for name in names), np.bool_, len(names))
        fitting = (
            exact if exact.any() else np.fromiter((word in n.casefold() for n in names), np.bool_, len(names))
        )
        return fitting[self.table.group]

    def _by_rows(self, rows: tuple[int, ...]) -> np.ndarray:
        found = np.zeros(self.table.total, np.bool_)
        found[np.array(rows, np.int64)] = True
        return found

    def _by_alike(self, alike: str) -> np.ndarray:
        wanted = np.zeros(len(self.alike.names) + 1, np.bool_)
        if alike == ALIKE:
            wanted[:-1] = True
        elif alike == ALIKE_ACROSS:
            wanted[:-1] = self.alike.across
        elif alike in self.alike.names:
            wanted[self.alike.names.index(alike)] = True
        return wanted[self.alike.code]

    def _order(self, order: str) -> np.ndarray:
        if order not in self._orders:
            table = self.table
            if order == "name":
                places = np.array(sorted(range(table.total), key=table.folded.__getitem__), np.int64)
            elif order == "size":
                places = np.argsort(table.sizes.astype(np.int64).prod(axis=1), kind="stable")
            elif order in (c.key for c in table.look.columns if c.kind == "text"):
                words = [(text or "").casefold() for text in table.texts(order)]
                places = np.array(sorted(range(table.total), key=words.__getitem__), np.int64)
            else:
                places = np.argsort(table.numbers(order, -np.inf), kind="stable")
            self._orders[order] = places
        return self._orders[order]

    def prepare(self) -> SampleView:
        """Sort now, so that no window waits for it."""
        for order in self.orders:
            self._order(order)
        return self

    @property
    def orders(self) -> list[str]:
        """The orders that are offered: by name, and by size and share of images with masks, else by each column."""
        look = self.table.look
        return ["name", "size", "share"] if look.masks else ["name", *(c.key for c in look.columns)]

    # ---- counts

    def counts(self, wanted: SampleFilter, classes: int) -> dict[str, np.ndarray]:
        """How many samples each choice of one filter would leave, the other filters as they are.

        Returns:
            ``part`` (as ``PARTS``), ``class_number`` (``classes`` long), ``size`` (as ``sizes.labels``), ``group``
            (as ``table.groups``), ``content`` (with object, empty, excluded, kept) and ``alike`` (of each cluster, as
            ``alike.names``).
        """
        table = self.table
        found = {"part": np.bincount(table.part[self._others(wanted, "part")], minlength=len(PARTS))}
        others = self._others(wanted, "class_number")
        rows, numbers = table.members
        on = numbers[others[rows]]
        found["class_number"] = np.bincount(on[on < classes], minlength=classes)
        found["size"] = np.bincount(
            self.sizes.kind[self._others(wanted, "size")], minlength=len(self.sizes.labels)
        )
        found["group"] = np.bincount(table.group[self._others(wanted, "group")], minlength=len(table.groups))
        clusters = len(self.alike.names)
        inside = self.alike.code[self._others(wanted, "alike")]
        found["alike"] = np.bincount(inside, minlength=clusters + 1)[:clusters]
        others = self._others(wanted, "content")
        known = others & table.known
        ways = (known & table.filled, known & ~table.filled, others & self.excluded, others & ~self.excluded)
        found["content"] = np.array([int(np.count_nonzero(way)) for way in ways])
        return found

    def _others(self, wanted: SampleFilter, name: str) -> np.ndarray:
        anything: dict[str, Any] = {f.name: f.default for f in fields(wanted) if f.name == name}
        return self.mask(replace(wanted, **anything))

"""Samples as columns: filters that work together, counts, orders; and that a hundred thousand are no work."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.core.dataset.sample_filter import ALIKE, ALIKE_ACROSS, SampleFilter, SampleView
from src.core.dataset.sample_table import PARTS, SampleTable


def row(
    number: int,
    classes: list[int] | None,
    width: int = 64,
    share: float | None = None,
    alike: str | None = None,
) -> list[object]:
    name = f"Part {number:03d}.png"
    return [
        name,
        f"/data/{name}",
        f"/masks/{name}",
        f"tile {number // 3}",
        classes,
        width,
        48,
        100.0,
        1,
        share,
        alike,
    ]


@pytest.fixture
def table() -> SampleTable:
    made = SampleTable()
    made.append(
        "train", [row(k, [0] if k % 2 else [0, 1 + k % 3], 64 + 16 * (k % 2), k / 100) for k in range(8)]
    )
    made.append("val", [row(k, [0, 2], share=0.5 - k / 100) for k in range(8, 12)])
    return made


def shown(view: SampleView, **wanted: object) -> list[int]:
    return view.rows(SampleFilter(**wanted)).tolist()  # type: ignore[arg-type]


def test_a_row_comes_back_as_it_was_given(table: SampleTable) -> None:
    sample = table.sample(9)
    assert (sample["id"], sample["mask"], sample["split"]) == ("Part 009.png", "/masks/Part 009.png", "val")
    assert (sample["group"], sample["width"], sample["height"]) == ("tile 3", 64, 48)
    assert sample["share"] == pytest.approx(0.41)


def test_it_reads_as_the_parts_of_a_split(table: SampleTable) -> None:
    assert {part: len(table[part]) for part in table} == {"train": 8, "val": 4}
    assert table.get("test") is None and table.get("val")[1]["id"] == "Part 009.png"
    assert [s["id"] for s in table["val"][1:3]] == ["Part 009.png", "Part 010.png"]


def test_each_filter(table: SampleTable) -> None:
    view = SampleView(table, ["Part 002.png"])
    assert shown(view, part="val") == [8, 9, 10, 11]
    assert shown(view, class_number=2) == [4, 8, 9, 10, 11]
    assert shown(view, content="empty") == [1, 3, 5, 7]
    assert shown(view, content="excluded") == [2] and 2 not in shown(view, content="kept")
    assert shown(view, name="PART 01") == [1, 10, 11] and shown(view, name="011 part") == [11]
    assert shown(view, group="tile 1") == [3, 4, 5]
    assert shown(view, rows=(5, 1)) == [1, 5]
    assert shown(view, size=view.sizes.labels.index("80 × 48 px")) == [1, 3, 5, 7]
    assert shown(view, part="train", content="object", group="tile 0") == [0, 2]


def test_near_duplicates_are_filtered_and_stand_side_by_side() -> None:
    table = SampleTable()
    of = {0: "a", 1: "b", 2: "a", 3: None, 4: "c", 5: "b", 6: "b", 7: "c"}
    table.append("train", [row(k, [0], alike=of[k]) for k in range(5)])
    table.append("val", [row(k, [0], alike=of[k]) for k in (5, 6)])
    table.append("out", [row(7, [0], alike=of[7])])
    view = SampleView(table)
    assert view.alike.names == ["b", "a", "c"] and view.alike.across.tolist() == [True, False, False]
    assert shown(view, alike=ALIKE) == [1, 5, 6, 0, 2, 4, 7]
    assert shown(view, alike=ALIKE_ACROSS) == [1, 5, 6] and shown(view, alike="a") == [0, 2]
    assert shown(view, alike=ALIKE, part="val") == [5, 6] and shown(view, alike="unknown") == []
    assert view.rows(SampleFilter(alike=ALIKE), "name").tolist() == [0, 1, 2, 4, 5, 6, 7]
    counts = view.counts(SampleFilter(part="train", alike="a"), 1)
    assert counts["alike"].tolist() == [1, 2, 1] and counts["part"].tolist()[:2] == [2, 0]


def test_orders(table: SampleTable) -> None:
    view = SampleView(table)
    everything = SampleFilter()
    assert view.rows(everything, "name", descending=True).tolist() == list(range(11, -1, -1))
    assert view.rows(everything, "share")[-1] == 8
    assert set(view.rows(everything, "size")[-4:].tolist()) == {1, 3, 5, 7}
    assert view.rows(SampleFilter(part="val"), "share").tolist() == [11, 10, 9, 8]


def test_samples_are_found_by_id_path_and_group(table: SampleTable) -> None:
    assert table.rows_of(["Part 003.png", "/data/Part 001.png", "/masks/Part 000.png"]).tolist() == [0, 1, 3]
    assert table.rows_of(["tile 1", "nothing"]).tolist() == [3, 4, 5]
    assert table.rows_of([]).tolist() == []


def test_what_is_not_known_is_neither_empty_nor_full() -> None:
    table = SampleTable.from_parts(
        {"train": [{"id": "a", "image": "/a"}, {"id": "b", "image": "/b", "classes": []}]}
    )
    view = SampleView(table)
    assert shown(view, content="empty") == [1] and shown(view, content="object") == []
    assert np.isnan(table.share).all() and view.sizes.labels == ["unknown"]


def test_a_row_without_an_image_is_refused() -> None:
    with pytest.raises(ValueError, match="id and an image"):
        SampleTable().append("train", [["a"]])


def test_many_sizes_are_put_together_by_megapixels() -> None:
    table = SampleTable()
    table.append("train", [[f"{k}", f"/{k}", None, None, [0], 100 + 37 * k, 1000] for k in range(100)])
    labels = SampleView(table).sizes.labels
    assert len(labels) <= 10 and all("megapixels" in label for label in labels)


filters = st.builds(
    SampleFilter,
    part=st.sampled_from(["", "train", "val"]),
    class_number=st.integers(-1, 3),
    content=st.sampled_from(["", "object", "empty", "excluded", "kept"]),
    name=st.sampled_from(["", "0", "part"]),
    group=st.sampled_from(["", "tile 1", "tile"]),
)


@given(wanted=filters, out=st.lists(st.integers(0, 11), max_size=4))
@settings(max_examples=60, deadline=None)
def test_a_count_is_what_choosing_it_shows(wanted: SampleFilter, out: list[int]) -> None:
    from dataclasses import replace

    table = SampleTable()
    table.append("train", [row(k, [0] if k % 2 else [0, 1 + k % 3], 64 + k % 2) for k in range(8)])
    table.append("val", [row(k, [0, 2]) for k in range(8, 12)])
    view = SampleView(table, [table.ids[k] for k in out])
    counts = view.counts(wanted, 4)
    for number, part in enumerate(PARTS):
        assert counts["part"][number] == len(view.rows(replace(wanted, part=part)))
    for number in range(4):
        assert counts["class_number"][number] == len(view.rows(replace(wanted, class_number=number)))
    for number, content in enumerate(("object", "empty", "excluded", "kept")):
        assert counts["content"][number] == len(view.rows(replace(wanted, content=content)))  # type: ignore[arg-type]
    for number in range(len(view.sizes.labels)):
        assert counts["size"][number] == len(view.rows(replace(wanted, size=number)))


def test_a_hundred_thousand_are_filtered_and_counted_at_once() -> None:
    table = SampleTable()
    for first in range(0, 100_000, 1000):
        table.append(
            "train", [row(k, [0, k % 9], 64 + k % 50, k % 7 / 10) for k in range(first, first + 1000)]
        )
    view = SampleView(table.prepare(), table.ids[:500]).prepare()
    wanted = SampleFilter(name="part 77", class_number=3, content="kept", group="tile 1")
    view.counts(wanted, 9)
    begin = time.perf_counter()
    rows = view.rows(wanted, "share")
    view.counts(wanted, 9)
    assert time.perf_counter() - begin < 0.25  # measured: 0.01 s
    assert all("77" in table.ids[r] and r % 9 == 3 for r in rows)

"""What the leakage report finds, and that it is silent where there is nothing."""

from __future__ import annotations

from src.core.dataset.config import SplitConfig
from src.core.dataset.records import Sample, Split
from src.core.dataset.splitting.column_offer import grouping_columns, offer_columns
from src.core.dataset.splitting.grouping import group_key
from src.core.dataset.splitting.leakage import leakage


def parts(**ids: list[str]) -> dict[Split, list[Sample]]:
    return {part: [Sample(i, f"/d/{i}", None, i) for i in names] for part, names in ids.items()}  # type: ignore[misc]


def codes(found: dict[Split, list[Sample]], *more: dict[str, str]) -> list[str]:
    return [f.code for f in leakage(found, *more)]


def test_near_duplicates_across_sides_are_told_with_numbers_for_what_is_held_back() -> None:
    found = parts(train=["a", "b", "c"], val=["d", "e"], test=["f", "g"])
    clusters = {"a": "a", "d": "a", "f": "a", "b": "b", "c": "b"}
    (finding,) = leakage(found, {}, clusters)
    assert finding.code == "split.near_duplicates" and finding.where == ("a", "d", "f")
    assert (
        "1 set" in finding.message and "1 of the 2 test and 1 of the 2 validation images" in finding.message
    )
    assert {action.kind for action in finding.actions} == {"open", "set"}
    assert codes(found, {}, {"a": "x", "b": "x"}) == []
    (finding,) = leakage(found, {}, clusters, hints=False)
    assert finding.severity == "notice" and "data.split.join: near" in finding.cure


def test_copies_are_told_once_and_not_as_near_duplicates_again() -> None:
    found = parts(train=["a"], val=["b"])
    same = {"a": "1", "b": "1"}
    assert codes(found, same, {"a": "a", "b": "a"}) == ["split.duplicates"]


def test_frames_of_one_sequence_on_two_sides() -> None:
    frames = [f"film/frame_{n:04d}.png" for n in range(0, 200, 10)]
    mixed = parts(train=frames[::2], val=frames[1::2])
    (finding,) = leakage(mixed)
    assert (finding.severity, finding.code) == (
        "notice",
        "split.neighbours",
    ) and "19 of 19" in finding.message
    assert codes(parts(train=frames[:15], val=frames[15:])) == []  # in blocks, as it should be
    assert leakage(mixed, hints=False) == []


def test_numbers_alone_are_no_sequence() -> None:
    names = [f"IMG_{n:04d}.png" for n in range(60)]
    assert codes(parts(train=names[::2], val=names[1::2])) == []
    gaps = [f"{n * 7}.png" for n in range(60)]
    assert codes(parts(train=gaps[::2], val=gaps[1::2])) == []


def test_names_that_are_numbers_alone_may_be_slices_of_one_scan() -> None:
    slices = [f"{n}.png" for n in range(60)]
    (finding,) = leakage(parts(train=slices[::2], val=slices[1::2]))
    assert (finding.severity, finding.code) == ("notice", "split.neighbours")
    assert "59 of 59 neighbours" in finding.message and "slices of one scan" in finding.cure
    pattern = finding.actions[0].settings["data.split.group_pattern"]
    split = SplitConfig(group_by="pattern", group_pattern=pattern)
    groups = [group_key(name, split) for name in slices]
    assert groups == [group for group in dict.fromkeys(groups) for _ in range(10)] and None not in groups
    assert codes(parts(train=slices[:45], val=slices[45:])) == []  # in blocks, as it should be
    folders = [f"scan {letter}/{n}.png" for letter in "abc" for n in range(12)]
    (finding,) = leakage(parts(train=folders[::2], val=folders[1::2]))
    assert finding.actions[0].settings == {"data.split.group_by": "folder"}


def test_the_column_of_a_table_that_groups_images_is_offered_by_name() -> None:
    ids = [f"{n:02d}x.png" for n in range(24)]
    found = parts(train=ids[::2], val=ids[1::2])
    cells = {
        i: {"image": i, "tile": f"T{n // 3}", "defect": "ab"[n % 2], "depth": f"{n / 7}", "note": i}
        for n, i in enumerate(ids)
    }
    rows = list(cells.values())
    assert grouping_columns(rows, ["image"]) == ["tile"] and grouping_columns(rows, ["image", "tile"]) == []
    (alone,) = offer_columns([], found, cells, ["image"])
    assert alone.code == "split.grouping_column" and "8 of them" in alone.message
    near = leakage(found, {}, {ids[0]: "a", ids[1]: "a"})
    (told,) = offer_columns(near, found, cells, ["image"])
    for finding in (alone, told):
        assert finding.actions[0].label == "Keep together: column tile"
        assert finding.actions[0].settings == {
            "data.split.group_by": "column", "data.split.group_column": "tile",
        }  # fmt: skip
    assert told.code == "split.near_duplicates" and "tile" in told.cure
    assert offer_columns(near, found, {}, []) == near


def test_several_images_of_one_object_by_their_names() -> None:
    names = [f"part{n}_{view}.png" for n in range(8) for view in "abc"]
    (finding,) = leakage(parts(train=names[::2], val=names[1::2]))
    assert finding.code == "split.one_object" and "8 of them" in finding.message
    values = finding.actions[0].settings
    assert values["data.split.group_by"] == "pattern"
    import re

    assert re.search(values["data.split.group_pattern"], "lot/part3_a.png")[1] == "lot/part3"  # type: ignore[index]
    assert codes(parts(train=names[:12], val=names[12:])) == []

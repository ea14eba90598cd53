"""Group keys, what is joined, and the preview that a window shows while one types."""

from __future__ import annotations

import time

import pytest

from src.core.dataset.config import SplitConfig
from src.core.dataset.findings import DatasetError
from src.core.dataset.records import Sample
from src.core.dataset.sources.source_rows import Row
from src.core.dataset.splitting.grouping import group_keys, groups_of, join_groups, preview_groups


def samples(**groups: str) -> list[Sample]:
    return [Sample(name, f"/d/{name}", None, group) for name, group in groups.items()]


def pattern(text: str) -> SplitConfig:
    return SplitConfig(group_by="pattern", group_pattern=text)


def test_copies_join_groups_unless_that_is_turned_off() -> None:
    given = samples(a="g1", b="g2", c="g3", d="g3")
    contents = {"a": "1", "b": "2", "c": "2", "d": "3"}
    joined, findings = join_groups(given, SplitConfig(), contents)
    assert [s.group for s in joined] == ["g1", "g2", "g2", "g2"]
    assert [f.code for f in findings] == ["split.copies"] and findings[0].where == ("c",)
    assert join_groups(given, SplitConfig(join="none"), contents) == (given, [])


def test_near_duplicates_join_groups_only_where_asked_for() -> None:
    given = samples(a="g1", b="g2", c="g3")
    clusters = {"a": "a", "b": "a"}
    assert join_groups(given, SplitConfig(), {}, clusters) == (given, [])
    joined, findings = join_groups(given, SplitConfig(join="near"), {}, clusters)
    assert [s.group for s in joined] == ["g1", "g1", "g3"] and [f.code for f in findings] == [
        "split.near_joined"
    ]
    joined, findings = join_groups(given, SplitConfig(group_by="duplicates"), {}, clusters)
    assert [s.group for s in joined] == ["g1", "g1", "g3"] and not findings


def test_joining_goes_on_through_others_and_not_by_their_order() -> None:
    given = samples(a="g1", b="g2", c="g3", d="g4")
    contents, clusters = {"a": "1", "d": "1"}, {"b": "x", "d": "x", "c": "y"}
    config = SplitConfig(join="near")
    groups = {s.id: s.group for s in join_groups(given, config, contents, clusters)[0]}
    assert groups == {"a": "g1", "b": "g1", "c": "g3", "d": "g1"}
    assert {s.id: s.group for s in join_groups(given[::-1], config, contents, clusters)[0]} == groups


def test_a_preview_shows_groups_members_and_what_does_not_match() -> None:
    ids = [f"lot/part{n // 3}_{n % 3}.png" for n in range(9)] + ["lot/part7_0.png", "lot/other.png"]
    found = preview_groups(ids, pattern(r"(part\d+)_"))
    assert (found.images, found.groups, found.unmatched, found.unmatched_images) == (
        11,
        5,
        ("lot/other.png",),
        1,
    )
    assert found.largest == ("part0", 3) and found.smallest == ("part7", 1)
    assert found.examples[0].members == ("lot/part0_0.png", "lot/part0_1.png", "lot/part0_2.png")
    assert "5 groups of 11 images" in found.sentence() and "lot/other.png" in found.sentence()
    nothing = preview_groups(ids, pattern(r"x(\d)"))
    assert (
        nothing.unmatched_images == 11
        and nothing.largest[1] == nothing.smallest[1] == 1
        and not nothing.examples
    )
    assert preview_groups([], SplitConfig()).sentence() == "0 groups of 0 images."


def test_a_preview_by_folder_column_and_looks() -> None:
    rows = [Row(f"{n % 2}/{n}.png", "", None, columns={"tile": str(n // 2)}) for n in range(6)]
    assert preview_groups(rows, SplitConfig(group_by="folder")).groups == 2
    assert preview_groups(rows, SplitConfig(group_by="column", group_column="tile")).groups == 3
    assert "none" in preview_groups(rows, SplitConfig(group_by="column", group_column="lot")).problem
    looks = SplitConfig(group_by="duplicates")
    assert preview_groups(rows, looks, {"0/0.png": "0/0.png", "1/1.png": "0/0.png"}).largest == ("0/0.png", 2)


@pytest.mark.parametrize("text", ["(part", "", r"(\w+)+_", r"(a*)*", r"(?P<g>x{1,9+"])
def test_a_faulty_pattern_is_a_sentence_not_a_crash(text: str) -> None:
    found = preview_groups(["part1_a.png"], pattern(text))
    assert found.problem and not found.groups
    with pytest.raises(DatasetError):
        group_keys(["part1_a.png"], pattern(text))


def test_a_preview_of_100000_names_keeps_up_with_typing() -> None:
    ids = [f"lot{n % 7}/part{n // 6:06d}_photo{n % 6}.png" for n in range(100_000)]
    seconds = []
    for text in (r"(part\d+)_", r"(part\d)", r"(lot\d)/") * 2:
        began = time.perf_counter()
        assert preview_groups(ids, pattern(text)).images == 100_000
        seconds.append(time.perf_counter() - began)
    assert min(seconds) < 0.25  # a few times what it takes on a machine with nothing else to do


def test_groups_of_samples_tell_those_without_one() -> None:
    found = groups_of(samples(a="g", b="g", c="c"), pattern("(g)"))
    assert found.groups == 2 and found.unmatched == ("c",) and found.largest == ("g", 2)

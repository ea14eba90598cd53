"""Properties of the split that hold whatever the groups are."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.core.dataset.config import SplitConfig
from src.core.dataset.findings import DatasetError
from src.core.dataset.records import Sample, Split
from src.core.dataset.splitting.grouping import group_key
from src.core.dataset.splitting.split import leakage, make_split
from src.core.dataset.splitting.split_record import read_split, split_hash, write_split


def sample(name: str, group: str, stratum: str = "") -> Sample:
    return Sample(f"{name}.png", f"/data/{name}.png", f"/data/{name}_mask.png", group, stratum)


def build(groups: list[tuple[int, str]], prefix: str = "g") -> list[Sample]:
    return [
        sample(f"{prefix}{number}_{i}", f"{prefix}{number}", stratum)
        for number, (size, stratum) in enumerate(groups)
        for i in range(size)
    ]


GROUPS = st.lists(
    st.tuples(st.integers(1, 12), st.sampled_from(["", "crack", "pit", "free"])), min_size=2, max_size=40
)
SHARES = st.tuples(st.floats(0.05, 0.5), st.sampled_from([0.0, 0.1, 0.3]), st.integers(0, 99))


def config(shares: tuple[float, float, int]) -> SplitConfig:
    return SplitConfig(val_fraction=shares[0], test_fraction=shares[1], seed=shares[2])


def sides(parts: dict[Split, list[Sample]]) -> dict[str, Split]:
    return {s.group: part for part, samples in parts.items() for s in samples}


@settings(max_examples=100, deadline=None)
@given(GROUPS, SHARES, st.randoms())
def test_every_sample_once_and_no_group_on_two_sides(groups, shares, random) -> None:
    samples = build(groups)
    parts, findings = make_split(samples, config(shares))
    assert sorted(s.id for part in parts.values() for s in part) == sorted(s.id for s in samples)
    assert not leakage(parts)
    assert parts["train"] and parts["val"]
    assert not [f for f in findings if f.severity == "error"]
    if shares[1] == 0:
        assert not parts["test"]
    shuffled = samples[:]
    random.shuffle(shuffled)
    assert make_split(shuffled, config(shares))[0] == parts


@settings(max_examples=100, deadline=None)
@given(GROUPS, GROUPS, st.integers(0, 5), SHARES)
def test_no_group_of_an_earlier_split_leaves_validation_or_test(groups, added, grown, shares) -> None:
    old = build(groups)
    before = sides(make_split(old, config(shares))[0])
    more = [sample(f"late{i}", "g0", "crack") for i in range(grown)]
    after = sides(make_split(old + more + build(added, "new"), config(shares), keep=before)[0])
    assert all(after[group] == side for group, side in before.items())


@settings(max_examples=60, deadline=None)
@given(st.integers(30, 200), st.floats(0.1, 0.4), st.sampled_from([0.0, 0.15]), st.integers(0, 99))
def test_shares_are_met_in_the_whole_and_in_each_stratum(count, val, test, seed) -> None:
    samples = build([(1, ("crack", "pit", "free")[i % 3]) for i in range(count)])
    parts, _ = make_split(samples, SplitConfig(val_fraction=val, test_fraction=test, seed=seed))
    assert abs(len(parts["val"]) - val * count) <= 2 and abs(len(parts["test"]) - test * count) <= 2
    for stratum in ("crack", "pit", "free"):
        total = sum(s.stratum == stratum for s in samples)
        assert abs(sum(s.stratum == stratum for s in parts["val"]) - val * total) <= 2


def test_adding_groups_moves_few_without_an_earlier_split() -> None:
    old = build([(4, "x")] * 60)
    before = sides(make_split(old, SplitConfig())[0])
    after = sides(make_split(old + build([(4, "x")] * 3, "new"), SplitConfig())[0])
    assert sum(after[g] != side for g, side in before.items()) <= 3


def test_rare_strata_reach_validation() -> None:
    samples = build([(3, "common")] * 40 + [(1, "rare")] * 2)
    parts, _ = make_split(samples, SplitConfig())
    assert {s.stratum for s in parts["val"]} == {s.stratum for s in parts["train"]} == {"common", "rare"}


def test_seed_and_only_the_seed_changes_the_split() -> None:
    samples = build([(2, "")] * 30)
    one, same, other = (split_hash(make_split(samples, SplitConfig(seed=s))[0]) for s in (0, 0, 1))
    assert one == same != other


def test_a_huge_group_does_not_swallow_validation() -> None:
    parts, _ = make_split(build([(500, ""), (3, ""), (4, ""), (5, "")]), SplitConfig())
    assert 0 < len(parts["val"]) < 20


@pytest.mark.parametrize(("groups", "code"), [([(1, "")], "split.one_image"), ([(9, "")], "split.one_group")])
def test_one_group_is_an_error(groups: list[tuple[int, str]], code: str) -> None:
    parts, findings = make_split(build(groups), SplitConfig())
    assert [f.code for f in findings] == [code] and findings[0].severity == "error" and findings[0].cure
    assert len(parts["train"]) == groups[0][0] and not parts["val"]


def test_shares_that_leave_nothing_to_train_on() -> None:
    _, findings = make_split(build([(1, "")] * 10), SplitConfig(val_fraction=0.6, test_fraction=0.5))
    assert "split.shares" in [f.code for f in findings]
    _, findings = make_split(build([(1, ""), (1, "")]), SplitConfig(test_fraction=0.3))
    assert [f.code for f in findings] == ["split.no_test"]


def test_group_keys() -> None:
    name = "lot7/part003_photo2.png"
    assert group_key(name, SplitConfig()) == name
    assert group_key(name, SplitConfig(group_by="folder")) == "lot7"
    assert group_key("a.png", SplitConfig(group_by="folder")) == "."
    assert group_key(name, SplitConfig(group_by="pattern", group_pattern=r"(part\d+)_")) == "part003"
    assert group_key(name, SplitConfig(group_by="pattern", group_pattern=r"part\d+")) == "part003"
    assert group_key("other.png", SplitConfig(group_by="pattern", group_pattern=r"(part\d+)_")) is None
    column = SplitConfig(group_by="column", group_column="tile")
    assert group_key(name, column, {"tile": "12"}) == "12" and group_key(name, column, {"tile": ""}) is None
    for bad in (
        SplitConfig(group_by="pattern", group_pattern="(part"),
        SplitConfig(group_by="pattern"),
        column,
    ):
        with pytest.raises(DatasetError):
            group_key(name, bad)


def test_leaks_are_found() -> None:
    a, b, c = sample("a", "g"), sample("b", "g"), sample("c", "h")
    parts: dict[Split, list[Sample]] = {"train": [a, c], "val": [b], "test": []}
    assert [f.code for f in leakage(parts)] == ["split.group_leak"]
    contents = {"a.png": "1", "b.png": "2", "c.png": "2"}
    assert [f.code for f in leakage(parts, contents)] == ["split.group_leak", "split.duplicates"]
    assert leakage(parts, contents)[1].where == ("b.png", "c.png")


def test_the_record_holds_what_was_written(tmp_path: Path) -> None:
    parts, _ = make_split(build([(2, "")] * 10), SplitConfig(test_fraction=0.2))
    digest = write_split(tmp_path, parts, "/data")
    record = read_split(tmp_path)
    assert record is not None and record.hash == digest == split_hash(parts) and record.groups == sides(parts)
    assert (tmp_path / "test.txt").read_text(encoding="utf-8").count("\n") == len(parts["test"])
    (tmp_path / "split.json").write_text("{", encoding="utf-8")
    assert read_split(tmp_path) is None and read_split(tmp_path / "absent") is None

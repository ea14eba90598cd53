"""What the rule of the split promises, for whatever groups, strata, shares and folds."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.core.dataset.checking.near_duplicates import clusters, signature
from src.core.dataset.config import SplitConfig
from src.core.dataset.files.images import read_image
from src.core.dataset.records import Sample, Split
from src.core.dataset.splitting.grouping import join_groups
from src.core.dataset.splitting.leakage import leakage
from src.core.dataset.splitting.split import make_folds, make_split, recorded_split
from src.core.dataset.splitting.split_record import Kept, SplitRecord

NAMES = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=6)


def sample(name: str, group: str, stratum: str = "") -> Sample:
    return Sample(f"{name}.png", f"/data/{name}.png", None, group, stratum)


def build(groups: list[tuple[int, str]], prefix: str = "g") -> list[Sample]:
    return [
        sample(f"{prefix}{number}_{i}", f"{prefix}{number}", stratum)
        for number, (size, stratum) in enumerate(groups)
        for i in range(size)
    ]


def sides(parts: dict[Split, list[Sample]]) -> dict[str, Split]:
    """The part of each sample id."""
    return {s.id: part for part, samples in parts.items() for s in samples}


STRATA = st.sampled_from(["", "crack", "pit", "free"])
#: Few groups of any size, one giant among small ones, or many small ones.
SIZES = st.one_of(
    st.lists(st.integers(1, 80), min_size=2, max_size=5),
    st.tuples(st.integers(50, 300), st.lists(st.integers(1, 9), min_size=1, max_size=20)).map(
        lambda p: [p[0], *p[1]]
    ),
    st.lists(st.integers(1, 8), min_size=2, max_size=40),
)
GROUPS = SIZES.flatmap(lambda sizes: st.tuples(*(st.tuples(st.just(n), STRATA) for n in sizes))).map(list)
CONFIGS = st.builds(
    SplitConfig,
    val_fraction=st.floats(0.05, 0.5),
    test_fraction=st.sampled_from([0.0, 0.1, 0.3]),
    seed=st.integers(0, 99),
)


@settings(max_examples=60, deadline=None)
@given(GROUPS, CONFIGS, st.randoms())
def test_groups_stay_whole_and_order_counts_for_nothing(groups, config, random) -> None:
    samples = build(groups)
    parts, findings = make_split(samples, config)
    assert sorted(sides(parts)) == sorted(s.id for s in samples)
    assert not leakage(parts, hints=False)
    assert parts["train"] and parts["val"]
    assert not [f for f in findings if f.severity == "error"]
    if len(groups) >= 3 and config.test_fraction:
        assert parts["test"]
    random.shuffle(samples)
    assert make_split(samples, config)[0] == parts


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(NAMES, st.lists(NAMES, min_size=1, max_size=4), min_size=2, max_size=12), CONFIGS)
def test_any_unicode_in_names(groups, config) -> None:
    samples = [sample(f"{g}/{n}{i}", g) for g, names in groups.items() for i, n in enumerate(names)]
    parts, _ = make_split(samples, config)
    assert not leakage(parts, hints=False) and len(sides(parts)) == len({s.id for s in samples})
    assert make_split(samples[::-1], config)[0] == parts


@settings(max_examples=60, deadline=None)
@given(SIZES, CONFIGS)
def test_shares_are_missed_by_half_of_the_largest_group_at_most_or_it_is_said(sizes, config) -> None:
    samples = build([(n, "") for n in sizes])
    parts, findings = make_split(samples, config)
    total, largest, codes = len(samples), max(sizes), {f.code for f in findings}
    for part, share in (("val", config.val_fraction), ("test", config.test_fraction)):
        miss = abs(len(parts[part]) - share * total)  # type: ignore[index]
        if share and miss > max(1.0, 0.05 * total):
            assert f"split.share_{part}" in codes
        else:
            assert f"split.share_{part}" not in codes
        if len(sizes) >= 20 and share and largest <= 12:
            assert miss <= largest / 2 + 1e-6


@settings(max_examples=50, deadline=None)
@given(GROUPS, CONFIGS)
def test_every_stratum_of_two_groups_is_learned_and_measured(groups, config) -> None:
    parts, _ = make_split(build(groups), config)
    of_stratum: dict[str, set[str]] = defaultdict(set)
    for number, (_, stratum) in enumerate(groups):
        of_stratum[stratum].add(f"g{number}")
    for members in of_stratum.values():
        if len(members) >= (4 if config.test_fraction else 2):
            for part in ("train", "val"):
                assert members & {s.group for s in parts[part]}  # type: ignore[index]


def test_a_class_on_one_thing_alone_is_learned_rather_than_measured() -> None:
    for seed in range(20):
        parts, _ = make_split(
            build([(2, "common")] * 30 + [(2, "rare")]), SplitConfig(seed=seed, test_fraction=0.2)
        )
        assert "rare" in {s.stratum for s in parts["train"]}


def test_the_test_part_does_not_depend_on_the_validation_share_or_the_folds() -> None:
    samples = build([(n % 5 + 1, "ab"[n % 2]) for n in range(40)])
    configs = [SplitConfig(test_fraction=0.2, val_fraction=v) for v in (0.1, 0.3)]
    configs += [SplitConfig(test_fraction=0.2, folds=k, fold=2) for k in (2, 5)]
    tests = [[s.id for s in make_split(samples, config)[0]["test"]] for config in configs]
    assert tests[0] and all(test == tests[0] for test in tests)


@pytest.mark.parametrize(("sizes", "expected"), [
    ([1, 1], {"train": 1, "val": 1, "test": 0}), ([5, 900], {"train": 900, "val": 5, "test": 0}),
    ([1, 1, 1], {"train": 1, "val": 1, "test": 1}), ([900, 3, 3], {"train": 900, "val": 3, "test": 3}),
])  # fmt: skip
def test_few_groups_for_three_parts(sizes: list[int], expected: dict[str, int]) -> None:
    parts, findings = make_split(build([(n, "") for n in sizes]), SplitConfig(test_fraction=0.1))
    assert {part: len(found) for part, found in parts.items()} == expected
    assert ("split.no_test" in {f.code for f in findings}) == (len(sizes) == 2)


# -- an earlier split goes on ---


@settings(max_examples=60, deadline=None)
@given(GROUPS, GROUPS, st.integers(0, 5), CONFIGS, st.data())
def test_adding_images_never_moves_one_out_of_test_or_validation(groups, added, grown, config, data) -> None:
    old = build(groups)
    _, before, _ = recorded_split(old, config, {})
    # New images of new things, of known things, and one that shows that two known things were one all along.
    more = build(added, "new") + [sample(f"late{i}", "g0", "crack") for i in range(grown)]
    one, other = (data.draw(st.sampled_from(sorted({s.group for s in old}))) for _ in "ab")
    joined = min(one, other)
    now = [
        Sample(s.id, s.image, s.mask, joined if s.group in (one, other) else s.group, s.stratum)
        for s in old + more
    ]
    if len({s.group for s in now}) < 2:
        return
    parts, record, _ = recorded_split(now, config, {}, keep=before)
    after = sides(parts)
    for sample_id, side in before.samples.items():
        allowed = {"test": {"test"}, "val": {"val", "test"}, "train": {"train", "val", "test"}}[side]
        assert after[sample_id] in allowed
    assert not leakage(parts, hints=False)
    moved = {i for i, side in before.samples.items() if after[i] != side}
    of_joined = {s.id for s in now if s.group == joined}
    if any(side == "val" for i, side in before.samples.items() if i not in of_joined):
        assert moved <= of_joined  # else validation may have to be filled from training
    assert record.after(before).made == before.made


def test_a_renamed_file_stays_where_it_was() -> None:
    old = build([(1, "")] * 20)
    contents = {s.id: f"content of {s.id}" for s in old}
    config = SplitConfig(test_fraction=0.3)
    parts, before, _ = recorded_split(old, config, contents)
    chosen = parts["test"][0]
    new_name = sample("renamed", "renamed")
    now = [new_name if s.id == chosen.id else s for s in old] + build([(1, "")] * 9, "new")
    digests = {s.id: contents.get(s.id, f"of {s.id}") for s in now} | {new_name.id: contents[chosen.id]}
    after = sides(recorded_split(now, config, digests, keep=before)[0])
    assert after[new_name.id] == "test"


def test_what_was_gone_comes_back_where_it_was() -> None:
    samples = build([(1, "")] * 30)
    config = SplitConfig(test_fraction=0.3)
    parts, first, _ = recorded_split(samples, config, {})
    tests = {s.id for s in parts["test"]}
    _, second, _ = recorded_split([s for s in samples if s.id not in tests], config, {}, keep=first)
    second = second.after(first)
    assert set(second.gone) == tests
    back, third, _ = recorded_split(samples, config, {}, keep=second)
    assert tests <= {s.id for s in back["test"]} and not third.after(second).gone


def test_kept_groups_count_where_no_sample_is_known() -> None:
    kept = Kept(groups={"a": "test", "b": "val"}, samples={"x": "train"})
    assert kept.sides({"a": ["new"], "b": ["x"], "c": ["y"]}) == {"a": "test", "b": "train"}
    assert Kept(samples={"x": "val", "y": "train", "z": "test"}).sides(
        {"g": ["x", "y"], "h": ["y", "z"]}
    ) == {
        "g": "val",
        "h": "test",
    }


# -- folds ---


@settings(max_examples=50, deadline=None)
@given(GROUPS, st.integers(2, 6), st.sampled_from([0.0, 0.2]), st.integers(0, 20), st.randoms())
def test_every_group_validates_once_over_the_folds(groups, folds, test, seed, random) -> None:
    samples = build(groups)
    base = SplitConfig(folds=folds, test_fraction=test, seed=seed)
    _, findings = make_split(samples, base)
    if "split.few_groups" in {f.code for f in findings}:
        assert len(groups) < folds + (1 if test else 0)
        return
    validated: Counter[str] = Counter()
    tests = []
    for fold in range(1, folds + 1):
        config = base.model_copy(update={"fold": fold})
        parts, _ = make_split(samples, config)
        assert parts["train"] and parts["val"] and not leakage(parts, hints=False)
        validated.update(s.id for s in parts["val"])
        tests.append([s.id for s in parts["test"]])
        assert len(sides(parts)) == len(samples)
    assert set(validated.values()) == {1}
    assert all(t == tests[0] for t in tests) and set(validated) | set(tests[0]) == {s.id for s in samples}
    random.shuffle(samples)
    assert make_folds(samples, base) == make_folds(sorted(samples, key=lambda s: s.id), base)


def test_folds_are_even_in_the_whole_and_in_each_stratum() -> None:
    samples = build([(n % 4 + 1, ("crack", "pit", "free")[n % 3]) for n in range(90)])
    folds, findings = make_folds(samples, SplitConfig(folds=5))
    assert not findings
    for stratum in ("crack", "pit", "free", None):
        images = Counter(folds[s.group] for s in samples if stratum in (None, s.stratum))
        assert len(images) == 5 and max(images.values()) - min(images.values()) <= 8
    other, _ = make_folds(samples, SplitConfig(folds=5, seed=1))
    assert other != folds


def test_old_groups_stay_in_their_folds() -> None:
    config = SplitConfig(folds=4, test_fraction=0.2)
    old = build([(2, "")] * 30)
    _, before, _ = recorded_split(old, config, {})
    _, after, _ = recorded_split(old + build([(3, "")] * 10, "new"), config, {}, keep=before)
    assert all(after.folds[i] == number for i, number in before.folds.items())
    assert 0 in after.folds.values()


@pytest.mark.parametrize(("options", "groups", "code"), [
    ({"folds": 1}, 9, "split.folds"), ({"folds": 3, "fold": 4}, 9, "split.fold"), ({"folds": 5}, 3, "split.few_groups"),
])  # fmt: skip
def test_folds_that_cannot_be(options: dict[str, int], groups: int, code: str) -> None:
    _, findings = make_split(build([(1, "")] * groups), SplitConfig(**options))
    found = [f for f in findings if f.code == code]
    assert found and found[0].severity == "error" and found[0].cure


def test_uneven_folds_are_said() -> None:
    _, findings = make_split(build([(100, ""), *[(2, "")] * 10]), SplitConfig(folds=3))
    assert [f.code for f in findings] == ["split.uneven_folds"]


def test_a_record_of_the_older_kind_is_read() -> None:
    record = SplitRecord("h", "/data", {"g": "val"})
    assert record.kept({}).sides({"g": ["new.png"]}) == {"g": "val"}


def test_on_the_real_tiles_likeness_keeps_most_tiles_on_one_side(real: Callable[[str], Path]) -> None:
    root = real("magnetic_tile")
    with (root / "tiles.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    signatures = {r["image"]: signature(read_image(root / r["image"], 1)) for r in rows}
    looks = clusters({i: found for i, found in signatures.items() if found is not None})
    apart = {}
    for key in ("none", "duplicates"):
        config = SplitConfig(group_by=key, test_fraction=0.15)  # type: ignore[arg-type]
        each = [Sample(r["image"], r["image"], None, r["image"], r["defect"]) for r in rows]
        parts, _ = make_split(join_groups(each, config, {}, looks)[0], config)
        of_tile: dict[str, set[str]] = defaultdict(set)
        side = sides(parts)
        for row in rows:
            of_tile[row["tile"]].add(side[row["image"]])
        apart[key] = sum(len(found) > 1 for found in of_tile.values())
    assert len(of_tile) == 91 and apart["none"] > 60 and apart["duplicates"] < 15

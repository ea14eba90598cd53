"""A split goes on when images are added, through the face that commands and jobs use."""

from __future__ import annotations

from pathlib import Path

import pytest
from dataset_files import Files

from src.core.dataset.config import ImageDataConfig, SplitConfig
from src.core.dataset.description import DatasetDescription
from src.core.dataset.records import SPLITS
from src.core.dataset.splitting.split_files import planned, write_splits
from src.core.dataset.splitting.split_memory import SplitMemory, added_since, describe_remembered
from src.core.dataset.splitting.split_record import read_split


def sides(found: DatasetDescription) -> dict[str, str]:
    return {s.id: part for part in SPLITS for s in found.samples[part]}


def codes(found: DatasetDescription, of: str = "split.") -> list[str]:
    return [f.code for f in found.findings if f.code.startswith(of)]


@pytest.fixture
def data(files: Files) -> Files:
    files.pairs(20)
    return files


def config(files: Files, **split: object) -> ImageDataConfig:
    options = {"test_fraction": 0.3, **split}
    return files.config(split=SplitConfig(**options), masks={"meaning": "binary"})  # type: ignore[arg-type]


def add(files: Files, first: int, count: int) -> None:
    for number in range(first, first + count):
        files.image(f"images/img{number}.png", seed=number)
        files.mask(f"masks/img{number}.png")


def test_added_images_move_none_and_are_told(data: Files, tmp_path: Path) -> None:
    place = tmp_path / "workspace"
    before = sides(describe_remembered(config(data), place=place))
    add(data, 100, 12)
    found = describe_remembered(config(data), place=place)
    after = sides(found)
    assert all(after[i] == side for i, side in before.items())
    (notice,) = [f for f in found.findings if f.code == "split.kept"]
    assert notice.severity == "notice" and "12 new images joined the split of 20" in notice.message
    assert "6 test" in notice.message and notice.actions[-1].settings == {"data.split.seed": 1}
    again = describe_remembered(config(data), place=place)
    assert sides(again) == after and "split.kept" not in codes(again)
    anew = describe_remembered(config(data), place=place, anew=True)
    if sides(anew) != after:
        assert "split.carried_on" in codes(again)
    assert sides(describe_remembered(config(data), place=place)) == sides(anew)


def test_nothing_is_written_beside_the_data_nor_in_a_preview(data: Files, tmp_path: Path) -> None:
    place = tmp_path / "workspace"
    there = sorted(data.root.rglob("*"))
    describe_remembered(config(data), place=place, store=False)
    assert not place.exists()
    describe_remembered(config(data), place=place)
    assert place.is_dir() and sorted(data.root.rglob("*")) == there


def test_removed_renamed_and_changed_files_are_noticed(data: Files, tmp_path: Path) -> None:
    place = tmp_path / "workspace"
    before = sides(describe_remembered(config(data), place=place))
    tests = [i for i, side in before.items() if side == "test"]
    training = [i for i, side in before.items() if side == "train"]
    for kind in ("images", "masks"):
        (data.root / kind / tests[0]).rename(data.root / kind / "renamed.png")
        (data.root / kind / training[0]).unlink()
    data.image(f"images/{training[1]}", seed=999)
    found = describe_remembered(config(data), place=place)
    assert sides(found)["renamed.png"] == "test"
    (kept,) = [f for f in found.findings if f.code == "split.kept"]
    assert "1 image is gone since (1 in training)" in kept.message and "another name" in kept.message
    (changed,) = [f for f in found.findings if f.code == "split.changed"]
    assert changed.where == (training[1],) and changed.severity == "warning"


def test_other_options_have_a_split_of_their_own_but_the_same_test_part(data: Files, tmp_path: Path) -> None:
    place = tmp_path / "workspace"
    first = sides(describe_remembered(config(data), place=place))
    add(data, 100, 30)
    tests = {i for i, side in first.items() if side == "test"}
    for options in ({"folds": 4}, {"val_fraction": 0.4}):
        now = sides(describe_remembered(config(data, **options), place=place))
        assert tests <= {i for i, side in now.items() if side == "test"}
    assert sides(describe_remembered(config(data, seed=7), place=place)) != first


def test_split_files_that_take_from_the_test_part_are_noticed(data: Files, tmp_path: Path) -> None:
    place = tmp_path / "workspace"
    names = [f"img{n}" for n in range(20)]

    def write(train: list[str], val: list[str], test: list[str]) -> ImageDataConfig:
        for part, lines in (("train", train), ("val", val), ("test", test)):
            data.text(f"splits/{part}.txt", "\n".join(lines))
        return data.config(split_dir=str(data.root / "splits"), masks={"meaning": "binary"})

    found = describe_remembered(write(names[:10], names[10:14], names[14:18]), place=place)
    (left_out,) = [f for f in found.findings if f.code == "split.unlisted"]
    assert left_out.where == ("img18.png", "img19.png")
    found = describe_remembered(
        write([*names[:10], names[15], names[18]], names[10:14], [names[14]]), place=place
    )
    (touched,) = [f for f in found.findings if f.code == "split.test_touched"]
    assert touched.where == ("img15.png",) and "1 of the 4 images" in touched.message
    assert "split.kept" in codes(found)


def test_a_damaged_memory_is_as_none(data: Files, tmp_path: Path) -> None:
    place = tmp_path / "workspace"
    first = sides(describe_remembered(config(data), place=place))
    memory = SplitMemory.of_images(place, config(data))
    for text in ("{", "[]", '{"hash": "x", "root": "", "groups": {"a": "nowhere"}}', ""):
        memory.path.write_text(text, "utf-8")
        assert memory.recall() is None
    assert sides(describe_remembered(config(data), place=place)) == first


def test_a_workspace_that_cannot_be_written_is_told(data: Files, tmp_path: Path) -> None:
    place = tmp_path / "workspace"
    place.write_text("a file where the folder should be", "utf-8")
    found = describe_remembered(config(data), place=place)
    assert "split.not_noted" in codes(found) and found.samples["train"]


def test_the_record_is_in_the_description_on_disk(data: Files, tmp_path: Path) -> None:
    found = describe_remembered(config(data), place=tmp_path / "workspace")
    found.save(tmp_path / "run")
    again = DatasetDescription.load(tmp_path / "run")
    assert (
        again.record == found.record
        and again.split_hash == found.split_hash == read_split(tmp_path / "run").hash
    )  # type: ignore[union-attr]


def test_a_run_that_goes_on_says_what_was_added_meanwhile(data: Files, tmp_path: Path) -> None:
    by_view = config(data, group_by="pattern", group_pattern=r"(img\d+)")
    describe_remembered(by_view, place=tmp_path / "workspace").save(tmp_path / "run")
    found = DatasetDescription.load(tmp_path / "run")
    assert added_since(by_view, found) == []
    test = found.samples["test"][0].group
    for name in (f"{test}_again", "img500"):
        data.image(f"images/{name}.png", seed=7)
        data.mask(f"masks/{name}.png")
    (notice,) = added_since(by_view, found)
    assert notice.where == tuple(sorted((f"{test}_again.png", "img500.png")))
    assert "2 images were added" in notice.message and "1 to test" in notice.message


def test_written_folds_can_be_read_back_and_partition(data: Files, tmp_path: Path) -> None:
    found = describe_remembered(config(data, folds=3), place=tmp_path / "workspace")
    assert write_splits(tmp_path / "out", planned(found), found.root) is None
    validated = []
    for fold in (1, 2, 3):
        again = describe_remembered(
            data.config(split_dir=str(tmp_path / "out" / f"fold_{fold}"), masks={"meaning": "binary"}),
            place=tmp_path / f"w{fold}",
        )
        assert again.split_hash == read_split(tmp_path / "out" / f"fold_{fold}").hash  # type: ignore[union-attr]
        assert [s.id for s in again.samples["test"]] == [s.id for s in found.samples["test"]]
        validated += [s.id for s in again.samples["val"]]
    assert sorted(validated + [s.id for s in found.samples["test"]]) == sorted(
        s.id for s in found.all_samples
    )

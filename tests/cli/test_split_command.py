"""The command ``split``, as a person calls it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from src.cli.main import run_command
from src.core.run import workspace

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "magnetic_tile"


def add(root: Path, parts: range) -> None:
    for part in parts:
        for view in "ab":
            picture = np.random.default_rng(part * 2 + ord(view)).integers(
                0, 255, (24, 32, 3), dtype=np.uint8
            )
            mask = np.zeros((24, 32), np.uint8)
            mask[4:9, 4:9] = 255 * (part % 3 > 0)
            for folder, array in (("images", picture), ("masks", mask)):
                path = root / folder / f"part{part}_{view}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(cv2.imencode(".png", array)[1].tobytes())


@pytest.fixture
def data(tmp_path: Path) -> Path:
    root = tmp_path / "Prüfung 1"
    add(root, range(12))
    return root


OPTIONS = ["data.masks.meaning=binary", "data.split.group_by=pattern", r"data.split.group_pattern=(part\d+)_"]


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, dict[str, Any]]:
    code = run_command([*map(str, ["split", *words]), "--json"])
    return code, json.loads(capsys.readouterr().out)


def lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


def test_a_split_is_told_and_written(data: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, said = run(capsys, data, *OPTIONS, "data.split.test_fraction=0.2", "--out", tmp_path / "out")
    assert (code, said["status"], said["leakage"]) == (0, "ok", [])
    assert (
        said["groups"]["number"] == 12
        and said["groups"]["largest"][1] == 2
        and not said["groups"]["unmatched"]
    )
    images = {part: numbers["images"] for part, numbers in said["parts"].items()}
    assert sum(images.values()) == 24 and min(images.values()) >= 2
    assert {part: len(lines(tmp_path / "out" / f"{part}.txt")) for part in images} == images
    record = json.loads((tmp_path / "out" / "split.json").read_text("utf-8"))
    assert record["hash"] == said["split_hash"] and record["images"] == images
    assert run_command(["split", str(data), *OPTIONS, "--preview"]) == 0
    shown = capsys.readouterr().out
    assert (
        "12 groups of 24 images" in shown and "Leakage: none was found." in shown and "with object" in shown
    )


def test_nothing_is_claimed_of_leakage_where_nothing_was_compared(
    data: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    for kind in ("images", "masks"):
        (empty / kind).mkdir(parents=True)
    words = [f"data.images_dir={empty / 'images'}", f"data.masks_dir={empty / 'masks'}"]
    assert run_command(["split", *words, "--preview"]) == 1
    shown = capsys.readouterr().out
    assert "none was found" not in shown and "nothing to compare, since there is no image" in shown
    assert run(capsys, *words, "--preview")[1]["leakage_looked_for"] is False
    assert run(capsys, data, *OPTIONS, "--preview")[1]["leakage_looked_for"] is True
    code = run_command(["split", str(data), *OPTIONS, "data.split.val_fraction=0", "--preview"])
    shown = capsys.readouterr().out
    assert "none was found" not in shown and (code == 2 or "all images are for training" in shown)


def test_places_that_cannot_be_written_are_told_in_sentences(
    data: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    taken = tmp_path / "taken"
    taken.write_text("a file, so that no folder can be made below it, whoever tries")
    for words in (["split", data, *OPTIONS, "--out", taken / "x"], ["sample-data", taken / "x"]):
        assert run_command([*map(str, words)]) == 2
        said = capsys.readouterr().err
        assert (
            f"written to {taken}" in said and "choose another folder" in said.lower() and "Errno" not in said
        )


def test_another_split_is_not_overwritten_unless_asked_and_then_kept(
    data: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    _, first = run(capsys, data, *OPTIONS, "--out", out)
    code, same = run(capsys, data, *OPTIONS, "--out", out)
    assert code == 0 and same["split_hash"] == first["split_hash"] and same["earlier"] is None
    before = {p.name: p.read_bytes() for p in out.iterdir()}
    code, refused = run(capsys, data, *OPTIONS, "data.split.seed=3", "--out", out)
    assert code == 2 and refused["status"] == "refused" and "--replace" in refused["cause"]
    assert {p.name: p.read_bytes() for p in out.iterdir()} == before
    code, other = run(capsys, data, *OPTIONS, "data.split.seed=3", "--out", out, "--replace")
    assert code == 0 and other["split_hash"] != first["split_hash"]
    assert {p.name: p.read_bytes() for p in Path(other["earlier"]).iterdir()} == before
    assert json.loads((out / "split.json").read_text("utf-8"))["hash"] == other["split_hash"]


def test_lists_of_somebody_else_are_not_overwritten(
    data: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "train.txt").write_text("mine\n", "utf-8")
    assert run(capsys, data, *OPTIONS, "--out", tmp_path)[0] == 2
    assert lines(tmp_path / "train.txt") == ["mine"]


def test_folds(data: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    options = [*OPTIONS, "data.split.test_fraction=0.2"]
    code, said = run(capsys, data, *options, "--folds", 4, "--out", tmp_path / "out")
    assert code == 0 and [fold["fold"] for fold in said["folds"]] == [1, 2, 3, 4]
    folders = sorted((tmp_path / "out").iterdir())
    assert [f.name for f in folders] == ["fold_1", "fold_2", "fold_3", "fold_4"]
    tests = [lines(f / "test.txt") for f in folders]
    validated = [line for f in folders for line in lines(f / "val.txt")]
    assert all(t == tests[0] for t in tests) and len(validated) == len(set(validated))
    assert len(validated) + len(tests[0]) == 24
    for folder in folders:
        assert len(lines(folder / "train.txt")) + len(lines(folder / "val.txt")) + len(tests[0]) == 24
    code, refused = run(capsys, data, *OPTIONS, "--folds", 40)
    assert code == 1 and refused["status"] == "faults" and refused["written"] is None


def test_a_preview_writes_nothing_at_all(
    data: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, said = run(capsys, data, *OPTIONS, "--preview", "--out", tmp_path / "out")
    assert code == 0 and said["split_hash"] and said["written"] is None
    assert not (tmp_path / "out").exists() and not workspace().exists()


def test_added_images_join_and_a_new_split_is_made_only_when_asked_for(
    data: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    options = [*OPTIONS, "data.split.test_fraction=0.2"]
    _, first = run(capsys, data, *options)
    tests = set(lines(Path(first["written"]) / "test.txt"))
    assert Path(first["written"]).is_relative_to(workspace() / "splits")
    add(data, range(20, 26))
    code, second = run(capsys, data, *options, "--replace")
    assert code == 0 and "split.kept" in [f["code"] for f in second["findings"]]
    assert tests <= set(lines(Path(second["written"]) / "test.txt"))
    assert run_command(["check", str(data), *options, "--json"]) == 0
    checked = json.loads(capsys.readouterr().out)
    assert "split.kept" not in [f["code"] for f in checked["findings"]]  # was told when it happened
    _, anew = run(capsys, data, *options, "--anew", "--preview")
    fresh = tmp_path / "copy"
    data.rename(fresh)
    _, elsewhere = run(capsys, fresh, *options, "--preview")
    assert anew["split_hash"] == elsewhere["split_hash"]


def test_given_split_files_are_judged_and_left_alone(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"part{n}_{v}" for n in range(12) for v in "ab"]
    (data / "splits").mkdir()
    (data / "splits/train.txt").write_text("\n".join(names[:17]), "utf-8")
    (data / "splits/val.txt").write_text("\n".join(names[17:]), "utf-8")
    code, said = run(capsys, data, *OPTIONS)
    assert (code, said["status"], said["given"], said["written"]) == (0, "leaks", True, None)
    (leak,) = said["leakage"]
    assert (
        leak["code"] == "split.group_leak"
        and leak["where"] == ["part8"]
        and "1 of the 7 validation" in leak["message"]
    )


def test_the_real_tiles_hold_by_tile(capsys: pytest.CaptureFixture[str]) -> None:
    if not REAL.is_dir():
        pytest.skip("the real data set magnetic_tile is not at ../shared/data")
    import csv

    words = [f"data.table={REAL / 'tiles.csv'}", "data.masks.meaning=binary", "data.split.group_by=column"]
    words += [
        "data.split.group_column=tile",
        "data.split.stratify_column=defect",
        "data.split.test_fraction=0.15",
    ]
    code, said = run(capsys, *words)
    assert code == 0 and said["groups"]["number"] == 91
    assert "split.group_leak" not in [f["code"] for f in said["leakage"]]
    with (REAL / "tiles.csv").open(encoding="utf-8", newline="") as stream:
        tile = {row["image"]: row["tile"] for row in csv.DictReader(stream)}
    tiles = [
        {tile[line.split("\t")[0]] for line in lines(Path(said["written"]) / f"{part}.txt")}
        for part in said["parts"]
    ]
    assert sum(map(len, tiles)) == len(set().union(*tiles)) == 91
    images = {part: numbers["images"] for part, numbers in said["parts"].items()}
    assert abs(images["val"] / 542 - 0.2) < 0.02 and abs(images["test"] / 542 - 0.15) < 0.02
    assert all(len(said["parts"][part]["strata"]) == 6 for part in said["parts"])

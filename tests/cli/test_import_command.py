"""import, export-data and check on the command line, for data sets that are not Lathe's own."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import cv2
import numpy as np
import pytest

from src.cli.main import run_command
from src.core.report.text import typed


@pytest.fixture
def yolo(tmp_path: Path) -> Path:
    """Four images with one object each."""
    for number in range(4):
        for kind in ("images", "labels"):
            (tmp_path / "set" / kind).mkdir(parents=True, exist_ok=True)
        picture = np.full((24, 32, 3), 40 * number, np.uint8)
        (tmp_path / f"set/images/{number}.png").write_bytes(cv2.imencode(".png", picture)[1].tobytes())
        (tmp_path / f"set/labels/{number}.txt").write_text("0 0.25 0.25 0.75 0.25 0.75 0.75 0.25 0.75\n")
    (tmp_path / "set/data.yaml").write_text("train: images\nnames: [dent]\n")
    return tmp_path / "set"


def test_preview_then_import_then_export(
    yolo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["import", str(yolo), "--preview"]) == 0
    out = capsys.readouterr().out
    assert (
        "YOLO segmentation: 4 images" in out
        and "dent  on 4 images, 4 objects" in out
        and "Nothing was written" in out
    )
    assert (
        run_command(["import", str(yolo), "--to", str(tmp_path / "made"), "--merge", "later", "--json"]) == 0
    )
    told = json.loads(capsys.readouterr().out)
    assert (
        told["status"] == "ok"
        and told["folder"] == str(tmp_path / "made")
        and told["plan"]["merge"] == "later"
    )
    assert run_command(["check", told["config"]]) == 0
    assert "4 images (3 for training, 1 for validation), 2 classes" in capsys.readouterr().out
    words = ["export-data", told["folder"], "--format", "coco", str(tmp_path / "coco"), "--json"]
    assert run_command(words) == 0
    assert json.loads(capsys.readouterr().out)["objects"] == 4
    assert run_command(words) == 2 and "holds something" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="the quoting of POSIX shells")
def test_a_command_that_is_told_can_be_typed_as_it_stands(
    yolo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["import", str(yolo), "--to", str(tmp_path / "my data")]) == 0
    said = capsys.readouterr().err.partition("Train on it: ")[2]
    assert shlex.split(said) == ["app.py", "train", str(tmp_path / "my data" / "lathe.yaml")]


def test_check_and_train_say_that_annotations_are_imported_first(
    yolo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for source in (yolo, yolo / "data.yaml"):
        assert run_command(["check", str(source)]) == 0
        assert f"import it first: {typed('import', source)}" in capsys.readouterr().out
        assert run_command(["train", str(source)]) == 2
        assert f"Import them first: {typed('import', source)}" in capsys.readouterr().err
    (yolo / "labels/3.txt").write_text("nonsense")
    assert run_command(["check", str(yolo), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [f["code"] for f in found["findings"]] == ["import.line", "import.no_objects"]


def test_folders_and_tables_are_checked_as_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind in ("imgs", "labels"):
        (tmp_path / kind).mkdir()
        for number in range(6):
            mask = np.zeros((24, 32), np.uint8)
            mask[4:9, number : number + 5] = 255
            (tmp_path / kind / f"{number}.png").write_bytes(cv2.imencode(".png", mask)[1].tobytes())
    (tmp_path / "classes.txt").write_text("background\nKratzer, tief\n")
    rows = [f"imgs/{n}.png,labels/{n}.png" for n in range(6)]
    (tmp_path / "list.csv").write_text("\n".join(["Image,Mask", *rows]))
    assert run_command(["check", str(tmp_path), "data.split.val_fraction=0.5"]) == 0
    assert "3 for training, 3 for validation), Kratzer, tief on 6" in capsys.readouterr().out
    assert run_command(["check", str(tmp_path / "list.csv")]) == 0
    assert "6 images" in capsys.readouterr().out


def test_what_is_unknown_is_refused_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["import", str(tmp_path)], ["check", str(tmp_path)], ["train", str(tmp_path)]):
        assert run_command(words) == 2
        assert "No images were found" in capsys.readouterr().err
    assert run_command(["import", str(tmp_path / "gone"), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["status"] == "refused"

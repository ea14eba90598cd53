"""The commands ``decide`` and ``accepted``, as a person calls them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from src.cli.main import run_command
from src.core.config import file_layer, resolve
from src.core.dataset.describe import describe
from src.core.prediction.decisions import Decisions
from src.core.prediction.images import ImageFile
from src.core.prediction.results import ResultFolder, Wanted
from src.tasks.catalog import task_info

HEADER = {"model": {"name": "m"}, "classes": ["background", "pit"], "binary": True}


@pytest.fixture
def predicted(tmp_path: Path) -> Path:
    """A folder with the predictions of three images, and of one that has no result."""
    folder = tmp_path / "Vorhersage 1"
    out = ResultFolder(folder, Wanted(("background", "pit"), True), HEADER)
    for name in ("a.png", "line 2/b.png", "line 2/c[1].png", "broken.png"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cv2.imencode(".png", np.full((12, 16, 3), 40, np.uint8))[1].tobytes())
        stat = path.stat()
        image = ImageFile(name, str(path), stat.st_size, stat.st_mtime_ns)
        labels = np.zeros((12, 16), np.uint8)
        labels[2:5, 4:9] = 1
        if name == "broken.png":
            out.failed(image, "It is broken.")
        else:
            out.write(image, labels, np.full_like(labels, 204), 0.0)
    out.close()
    return folder


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, dict[str, Any]]:
    code = run_command([*map(str, words), "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_accepted_images_become_a_data_set_to_train_on(
    predicted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = run(capsys, "decide", predicted, "line 2/*", "a.png", "--accept")
    assert (code, said["accepted"], said["rejected"]) == (0, 3, 0)
    code, said = run(capsys, "decide", predicted, "line 2/c[1].png", "--reject")  # a name before a pattern
    assert (code, said["images"], said["accepted"], said["rejected"]) == (0, ["line 2/c[1].png"], 2, 1)
    target = tmp_path / "neu" / "set"
    code, said = run(capsys, "accepted", predicted, "--to", target)
    assert (code, said["images"], said["folder"]) == (0, 2, str(target))
    schema = task_info("segmentation").config
    data = describe(resolve(schema, [file_layer(Path(said["config"]), schema)]).config.data)
    assert sorted(Path(s.image).name for s in data.all_samples) == ["a.png", "b.png"]
    assert all(s.has_object for s in data.all_samples)
    assert (predicted.parent / "in" / "a.png").samefile(
        next(s.image for s in data.all_samples if "a.png" in s.image)
    )


def test_a_verdict_counts_for_the_image_that_was_looked_at(
    predicted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "decide", predicted, "a.png", "--accept")
    kept = json.loads((predicted / "decisions.json").read_text("utf-8"))["images"]["a.png"]
    stat = (predicted.parent / "in" / "a.png").stat()
    assert kept["source"] == [stat.st_size, stat.st_mtime_ns]
    run(capsys, "decide", predicted, "a.png", "--undo")
    assert Decisions(predicted).of("a.png") is None


def test_without_a_place_it_goes_into_the_workspace_with_its_images(
    predicted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATHE_WORKSPACE", str(tmp_path / "workspace"))
    run(capsys, "decide", predicted, "*", "--accept")
    folders = [run(capsys, "accepted", predicted, "--copy-images")[1]["folder"] for _ in range(2)]
    assert len(set(folders)) == 2 and all(
        Path(f).parent == tmp_path / "workspace" / "datasets" for f in folders
    )
    assert len(list((Path(folders[0]) / "images").rglob("*.png"))) == 3


def test_what_cannot_be_done_is_said(
    predicted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("x")
    for words, sentence in (
        (("decide", predicted, "a.pn", "--accept"), "There is no prediction of “a.pn”. Nothing was decided. Nearest: a.png."),
        (("decide", predicted, "a.png", "broken.png", "--accept"), "broken.png has no result to decide about: It is broken."),
        (("decide", tmp_path, "a.png", "--accept"), "holds no predictions. Name the folder that predict has written."),
        (("accepted", tmp_path), "holds no predictions."),
        (("accepted", predicted), "No image was accepted yet. Accept some predictions first."),
    ):  # fmt: skip
        code, said = run(capsys, *words)
        assert (code, said["status"]) == (2, "refused") and sentence in said["cause"]
    assert not (predicted / "decisions.json").exists()
    run(capsys, "decide", predicted, "a.png", "--accept")
    code, said = run(capsys, "accepted", predicted, "--to", full)
    assert code == 2 and "holds something. Choose another folder." in said["cause"]
    (predicted / "decisions.json").write_text('{"version": 1,\n"images": {')
    code, said = run(capsys, "decide", predicted, "a.png", "--accept")
    assert code == 2 and "is damaged: line 2" in said["cause"]
    with pytest.raises(SystemExit):
        run_command(["decide", str(predicted), "a.png"])  # neither accepted nor rejected

"""From a trained run to numbers and masks on the command line, through real child processes."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from src.cli.main import run_command
from src.core.evaluation import read_evaluation
from src.core.job import JobError
from src.core.run import RunFolder, summarise
from src.jobs import face
from src.jobs.train import run_training

APP = Path(__file__).resolve().parents[2] / "app.py"


@pytest.fixture
def trained(new_run: Callable[..., RunFolder], no_signals: None) -> RunFolder:
    """A run of two epochs."""
    folder = new_run("training.epochs=2", "monitoring.preview_samples=0")
    assert run_training(folder.path, resume=False, follow_parent=False) == 0
    return folder


def app(*words: object, code: int = 0) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(APP), *map(str, words), "--json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_evaluate_predict_and_compare(
    trained: RunFolder, config_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = config_file.parent / "images"
    first = app("evaluate", trained.path, "part=val", "compute.precision=fp32", "report=false")
    again = face.evaluate(trained.path, part="val", report=False, **{"compute.precision": "fp32"})
    assert (
        Path(first["folder"]).parent == trained.path / "evaluations"
        and Path(first["folder"]) != again["folder"]
    )
    both = [read_evaluation(Path(f)) for f in (first["folder"], again["folder"])]
    assert both[0].metrics == both[1].metrics  # the same numbers from the shell and from Python
    capsys.readouterr()
    assert run_command(["compare", str(first["folder"]), str(again["folder"]), "--json"]) == 0
    compared = json.loads(capsys.readouterr().out)
    assert compared["images"] == len(both[0].images) and all(m["a"] == m["b"] for m in compared["measures"])

    out = tmp_path / "ergebnis ü"
    found = app(
        "predict", trained.path, images, "--out", out, "compute.precision=fp32", "results.report=false"
    )
    assert found["status"] == "completed" and found["folder"] == str(out)
    masks = sorted((out / "masks").rglob("*.png"))
    assert [m.stem for m in masks] == sorted(p.stem for p in images.iterdir())
    mask = cv2.imdecode(np.fromfile(masks[0], np.uint8), cv2.IMREAD_UNCHANGED)
    assert mask.shape == (40, 48) and mask.dtype == np.uint8
    assert next(iter(csv.reader((out / "objects.csv").read_text("utf-8-sig").splitlines())))
    before = {m: m.stat().st_mtime_ns for m in masks}
    same = {"compute.precision": "fp32", "results.report": False}
    assert face.predict(trained.path, images, out=out, **same)["folder"] == out
    assert summarise(RunFolder(out)).state == "completed"
    assert {
        m: m.stat().st_mtime_ns for m in masks
    } == before  # it went on where it was: nothing was left to do


def test_what_cannot_be_done_is_a_sentence(
    trained: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").write_text("mine")
    (tmp_path / "code.pth").write_bytes(b"\\x80\\x04cos\\nsystem\\n")
    for words, says in (
        (("evaluate", "no-such-run"), "There is no run"),
        (("predict", trained.path, tmp_path / "nowhere"), "nowhere"),
        (
            ("predict", trained.path, tmp_path / "taken", "--out", tmp_path / "taken"),
            "nothing is overwritten",
        ),
        (("evaluate", trained.path, "thresold=0.5"), "threshold"),
    ):
        assert run_command([*map(str, words), "--json"]) == 2
        assert says.lower() in capsys.readouterr().out.lower(), words
    assert "refused" in app("predict", tmp_path / "code.pth", tmp_path / "taken", code=1)["cause"]
    with pytest.raises(JobError, match="no image"):
        face.predict(trained.path, tmp_path / "empty")


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there")
def test_a_watched_folder_ends_with_control_c(trained: RunFolder, config_file: Path, tmp_path: Path) -> None:
    watched, out = tmp_path / "watched", tmp_path / "out"
    watched.mkdir()
    words = [
        sys.executable,
        str(APP),
        "predict",
        trained.path,
        watched,
        "--watch",
        "--out",
        out,
        "watch_every=0.1",
    ]
    child = subprocess.Popen([*map(str, words), "results.report=false"], stderr=subprocess.PIPE, text=True)
    try:
        source = next(iter(sorted((config_file.parent / "images").iterdir())))
        (watched / "neu 1.png").write_bytes(source.read_bytes())
        deadline = time.monotonic() + 60
        while not (out / "masks" / "neu 1.png").exists():
            assert time.monotonic() < deadline and child.poll() is None
            time.sleep(0.1)
        child.send_signal(signal.SIGINT)
        said = child.communicate(timeout=60)[1]
    finally:
        child.kill()
    assert "1 image" in said and summarise(RunFolder(out)).state in ("stopped", "completed")

"""The data job behind its thread: asked, cancelled, given up, killed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from src.core.config import Layer, dump_yaml, nest, resolve
from src.core.run import process
from src.tasks.segmentation.config import SegmentationConfig
from src.threads.data_session import DataSession
from tests.fake_jobs import Told, until

__all__ = ["until"]


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Six images with a bright square, two of each part, in folders with a name that is no plain ASCII."""
    root = tmp_path / "Prüfung 1"
    for name in ("images", "masks"):
        (root / name).mkdir(parents=True)
    for number in range(6):
        image = np.random.default_rng(number).integers(0, 120, (40, 60, 3)).astype(np.uint8)
        mask = np.zeros((40, 60), np.uint8)
        mask[10:20, 10 + number : 30] = 255
        cv2.imencode(".png", image)[1].tofile(root / "images" / f"teil{number // 2}_{number % 2}.png")
        cv2.imencode(".png", mask)[1].tofile(root / "masks" / f"teil{number // 2}_{number % 2}.png")
    return root


@pytest.fixture
def session(qapp: Any) -> Iterator[Any]:
    """A session that runs, and all that it told."""
    thread = DataSession()
    told = Told(thread, "progress", "answered", "failed")
    thread.start()
    yield thread, told
    thread.stop()
    thread.wait()


def config(root: Path, **options: Any) -> str:
    flat = {"data.images_dir": str(root / "images"), "data.masks_dir": str(root / "masks")}
    flat |= {f"data.split.{k}": v for k, v in options.items()}
    return dump_yaml(resolve(SegmentationConfig, [Layer("file", nest(flat))]))


def test_looks_imports_and_exports(session: Any, until: Any, pairs: Path, tmp_path: Path) -> None:
    thread, told = session
    place = tmp_path / "pictures"
    place.mkdir()
    first = thread.ask("look", path=str(pairs), pictures=str(place))
    until(lambda: told["answered"] or told["failed"])
    number, answer = told["answered"][0]
    assert number == first and answer["plan"]["images"] == 6 and answer["plan"]["classes"][0] == "background"
    assert {Path(p["picture"]).parent for p in answer["pictures"]} == {place}
    marked = cv2.imread(answer["pictures"][0]["picture"])
    assert marked.shape == (40, 60, 3)
    assert marked[12:18, 18:28, 2].mean() > marked[30:, :, 2].mean() + 40  # what is marked is coloured
    thread.ask("carry_out", to=str(tmp_path / "new"))
    until(lambda: len(told["answered"]) == 2 or told["failed"])
    assert (
        Path(told["answered"][1][1]["folder"]) == tmp_path / "new"
        and (tmp_path / "new" / "lathe.yaml").is_file()
    )
    thread.ask("export", config=config(pairs), form="coco", to=str(tmp_path / "coco"), images="reference")
    until(lambda: len(told["answered"]) == 3 or told["failed"])
    assert told["answered"][2][1]["images"] == 6 and list((tmp_path / "coco").rglob("*.json"))
    assert not told["failed"]


def test_what_cannot_be_done_is_a_sentence_and_the_session_goes_on(
    session: Any, until: Any, tmp_path: Path
) -> None:
    thread, told = session
    thread.ask("look", path=str(tmp_path), pictures=str(tmp_path))
    thread.ask("carry_out", to="")
    until(lambda: len(told["failed"]) == 2)
    (_, reason, findings), (_, second, _) = told["failed"]
    assert "No images were found" in reason and findings[0]["severity"] == "error"
    assert "Nothing was looked at yet" in second


def test_groups_follow_the_pattern(session: Any, until: Any, pairs: Path) -> None:
    thread, told = session
    thread.ask("groups", config=config(pairs, group_by="pattern", group_pattern=r"(teil\d)_"))
    thread.ask("groups", config=config(pairs, group_by="pattern", group_pattern=r"teil[01]"))
    thread.ask("groups", config=config(pairs, group_by="pattern", group_pattern="("))
    until(lambda: len(told["answered"]) == 3 or told["failed"])
    good, some, bad = (answer for _, answer in told["answered"])
    assert (good["groups"], good["largest"][1], good["unmatched_images"]) == (3, 2, 0)
    assert some["unmatched_images"] == 2 and some["unmatched"][0].startswith("teil2")
    assert "not a regular expression" in bad["problem"]


def test_pattern_without_end_is_given_up_and_the_next_one_is_answered(
    session: Any, until: Any, pairs: Path
) -> None:
    source = pairs / "images" / "teil0_0.png"
    for folder in ("images", "masks"):
        (pairs / folder / ("a" * 60 + ".png")).write_bytes(source.read_bytes())
    thread, told = session
    stuck = thread.ask("groups", 2.0, config=config(pairs, group_by="pattern", group_pattern=r"(a|a)+!"))
    after = thread.ask("groups", config=config(pairs, group_by="folder"))
    until(lambda: told["answered"])
    assert [(n, reason) for n, reason, _ in told["failed"]] == [
        (stuck, "It takes too long; it was given up.")
    ]
    assert told["answered"][0][0] == after


def test_cancelled_request_is_answered_by_nothing(
    session: Any, until: Any, pairs: Path, tmp_path: Path
) -> None:
    thread, told = session
    thread.ask("look", path=str(pairs), pictures=str(tmp_path))
    thread.cancel()
    last = thread.ask("groups", config=config(pairs, group_by="folder"))
    until(lambda: told["answered"])
    assert [n for n, _ in told["answered"]] == [last] and not told["failed"]


def test_job_that_dies_is_told_with_its_last_words(
    session: Any, until: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "dies.py"
    program.write_text("import sys\nprint('out of luck', file=sys.stderr)\nsys.exit(3)\n", "utf-8")
    monkeypatch.setattr(process, "program", lambda: [sys.executable, str(program)])
    thread, told = session
    number = thread.ask("look", path="x", pictures="x")
    until(lambda: told["failed"])
    assert told["failed"][0][0] == number and "exit code 3" in told["failed"][0][1]
    assert "out of luck" in told["failed"][0][1]

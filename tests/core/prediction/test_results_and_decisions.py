"""The folder of predictions: index, pictures, verdicts, and the data set of what was accepted."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from src.core.dataset.config import ImageDataConfig
from src.core.dataset.describe import describe
from src.core.dataset.files.images import read_mask
from src.core.prediction import decisions as decisions_module
from src.core.prediction.datasets import export_accepted
from src.core.prediction.decisions import Decisions, DecisionsError
from src.core.prediction.folder import ResultsError
from src.core.prediction.images import ImageFile
from src.core.prediction.index import PredictionTail, read_index, read_objects
from src.core.prediction.pictures import MOST_OVERLAY_PIXELS, BandedPng, picture_for_overlay
from src.core.prediction.results import ResultFolder, Wanted

HEADER = {"model": {"name": "m"}, "classes": ["background", "pit"], "binary": True}
WANTED = Wanted(("background", "pit"), True)


def image_at(path: Path, size: tuple[int, int] = (12, 16)) -> ImageFile:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((*size, 3), 40, np.uint8))
    stat = path.stat()
    return ImageFile(path.name, str(path), stat.st_size, stat.st_mtime_ns)


def write(out: ResultFolder, image: ImageFile, at: int = 2) -> None:
    labels = np.zeros((12, 16), np.uint8)
    labels[at : at + 3, 4:9] = 1
    out.write(image, labels, np.full_like(labels, 204), 0.0)


def test_a_half_written_line_does_no_harm(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    out = ResultFolder(folder, WANTED, HEADER)
    images = [image_at(tmp_path / f"{n}.png") for n in range(3)]
    for image in images[:2]:
        write(out, image)
    out.close()
    tail = PredictionTail(folder)
    assert [p.name for p in tail.read()] == ["0.png", "1.png"]
    with (folder / "predictions.jsonl").open("ab") as stream:
        stream.write(b'{"name": "2.png", "pa')
    with (folder / "objects.jsonl").open("ab") as stream:
        stream.write(b'{"image": "2.pn')
    assert set(read_index(folder)) == {"0.png", "1.png"} and not list(tail.read())
    out = ResultFolder(folder, WANTED, HEADER)
    assert out.is_done(images[0]) and not out.is_done(images[2])
    write(out, images[2], at=5)
    out.close()
    index = read_index(folder)
    assert [read_objects(folder, index[f"{n}.png"])[0]["box"][1] for n in range(3)] == [2, 2, 5]
    assert [p.name for p in tail.read()] == ["2.png"]


def test_results_of_somebody_else_are_refused(tmp_path: Path) -> None:
    (tmp_path / "predictions.jsonl").write_text("")
    with pytest.raises(ResultsError, match="did not write"):
        ResultFolder(tmp_path, WANTED, HEADER)
    (tmp_path / "prediction.json").write_text("{")
    with pytest.raises(ResultsError, match="damaged"):
        ResultFolder(tmp_path, WANTED, HEADER)


def test_a_png_in_bands_is_the_whole_png(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (37, 53)).astype(np.uint8)
    file = BandedPng(tmp_path / "sub" / "p.png", 53, 37)
    for top in range(0, 37, 10):
        file.write(pixels[top : top + 10])
    assert not (tmp_path / "sub" / "p.png").exists()
    file.end()
    assert np.array_equal(read_mask(tmp_path / "sub" / "p.png"), pixels)
    short = BandedPng(tmp_path / "q.png", 5, 2)
    short.write(np.zeros((1, 5), np.uint8))
    with pytest.raises(ValueError, match="1 rows are missing"):
        short.end()
    short.discard()
    assert [p.name for p in tmp_path.iterdir()] == ["sub"]


def test_overlays_of_large_images_are_smaller(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "wide.png"), np.zeros((20, 70_000), np.uint8))
    small = picture_for_overlay(str(tmp_path / "wide.png"), (20, 70_000), None)
    assert max(small.shape) <= 60_000 and small.size <= 3 * MOST_OVERLAY_PIXELS


def test_verdicts_are_kept_and_belong_to_what_was_seen(tmp_path: Path) -> None:
    kept = Decisions(tmp_path)
    kept.decide(["a.png", "b.png"], "accepted", (10, 20))
    kept.decide(["b.png"], "rejected")
    kept.decide(["c.png"], "accepted")
    kept.decide(["c.png"], None)
    again = Decisions(tmp_path)
    assert again.names("accepted") == ["a.png"] and again.names("rejected") == ["b.png"]
    assert again.of("a.png", (10, 20)) == "accepted" and again.of("a.png", (10, 21)) is None
    assert again.of("c.png") is None and again.of("b.png", (1, 2)) == "rejected"
    (tmp_path / "decisions.json").write_text('{"version": 1,\n "images": oh}')
    with pytest.raises(DecisionsError, match="line 2"):
        Decisions(tmp_path)


def test_a_verdict_that_cannot_be_written_is_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    kept = Decisions(tmp_path)
    monkeypatch.setattr(decisions_module, "write_atomically", full)
    with pytest.raises(DecisionsError, match="No space left"):
        kept.decide(["a.png"], "accepted")
    assert kept.of("a.png") is None


def test_what_was_accepted_becomes_a_data_set(tmp_path: Path) -> None:
    folder, target = tmp_path / "out", tmp_path / "set"
    out = ResultFolder(folder, WANTED, HEADER)
    images = [image_at(tmp_path / "in" / f"{n} ö.png") for n in range(4)]
    for image in images:
        write(out, image)
    out.failed(image_at(tmp_path / "in" / "bad.png"), "It is broken.")
    out.close()
    with pytest.raises(ValueError, match="No image was accepted"):
        export_accepted(folder, target)
    kept = Decisions(folder)
    kept.decide([i.name for i in images[:3]] + ["bad.png"], "accepted")
    kept.decide([images[1].name], "rejected")
    made = export_accepted(folder, target, copy_images=True)
    assert made.images == 2 and not made.findings
    data = describe(
        ImageDataConfig(table=str(target / "table.csv"), masks={"meaning": "binary", "ignore_value": 128})
    )
    assert len(data.all_samples) == 2 and all(s.has_object for s in data.all_samples)
    provenance = json.loads((target / "provenance.json").read_text("utf-8"))
    assert provenance["kind"] == "accepted predictions" and provenance["prediction"]["model"] == {"name": "m"}
    with pytest.raises(FileExistsError, match="holds something"):
        export_accepted(folder, target)
    with pytest.raises(ValueError, match="no predictions"):
        export_accepted(tmp_path / "in", tmp_path / "other")

"""Prediction of new images by the job, with a network whose answer is known."""

from __future__ import annotations

import csv
import json
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from src.core.dataset.files.images import read_mask
from src.core.dataset.formats import rle
from src.core.evaluation.threshold import StoredThreshold, write_threshold
from src.core.job import Job, JobCancelledError, JobError
from src.core.prediction import crf, results
from src.core.prediction.index import read_index, read_objects
from src.core.run.commands import send
from src.tasks.segmentation.jobs import JOBS
from src.tasks.segmentation.jobs.predict import run
from src.tasks.segmentation.jobs.predict_config import PredictConfig, check
from tests.tasks.jobs_on_images.conftest import Bench, loaded, spots


def config(*images: Path | str, **values: Any) -> PredictConfig:
    return PredictConfig(model="bright", images=[str(i) for i in images], **values)


def test_images_of_every_kind_get_mask_and_objects(bench: Bench, pictures: Path) -> None:
    found = bench.do(run, config(pictures, results={"coco": True, "probabilities": True}))
    assert (found["status"], found["images"], found["failed"], found["objects"]) == ("completed", 7, 1, 8)
    index = read_index(bench.root / "results")
    assert set(index) == {
        "a.png",
        "a.bmp",
        "Tür/β.png",
        "leer.png",
        "grey.png",
        "deep.tif",
        "one.png",
        "broken.png",
    }
    assert "truncated" in index["broken.png"].error and not index["broken.png"].mask
    folder = bench.root / "results"
    expected = spots(bench.root / "x.png")
    assert np.array_equal(read_mask(folder / index["a.png"].mask), expected)
    assert index["a.png"].mask != index["a.bmp"].mask
    assert index["Tür/β.png"].mask == "masks/Tür/β.png"
    assert read_mask(folder / index["one.png"].mask).tolist() == [[255]]
    probability = read_mask(folder / index["a.png"].probability[0])
    assert probability[7, 6] > 250 and probability[0, 0] < 5 and probability.shape == (40, 50)
    first, second = read_objects(folder, index["a.png"])
    assert (first["area"], first["box"], first["centroid"]) == (80, [5, 6, 10, 8], [9.5, 9.5])
    assert second["area"] == 12 and 0.97 < second["score_mean"] <= second["score_max"] <= 1
    classes = json.loads((folder / "classes.json").read_text("utf-8"))["classes"]
    assert [(c["value"], c["name"]) for c in classes] == [(0, "background"), (255, "spot")]
    assert Path(found["report"]).read_text("utf-8").count("broken.png") >= 1


def test_tables_say_what_the_masks_show(bench: Bench, pictures: Path) -> None:
    bench.do(run, config(pictures, results={"coco": True}))
    folder = bench.root / "results"
    with (folder / "objects.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 8 and {r["image"] for r in rows} == {
        "a.png",
        "a.bmp",
        "Tür/β.png",
        "grey.png",
        "deep.tif",
        "one.png",
    }
    corner = next(r for r in rows if r["image"] == "a.bmp")
    assert (corner["area_px"], corner["at_border"], corner["class_name"]) == ("9", "1", "spot")
    coco = json.loads((folder / "coco.json").read_text("utf-8"))
    index = read_index(folder)
    for image in coco["images"]:
        drawn = np.zeros((image["height"], image["width"]), np.uint8)
        for a in (a for a in coco["annotations"] if a["image_id"] == image["id"]):
            piece, left, top = rle.decode(
                rle.unpack(a["segmentation"]["counts"]), image["width"], image["height"]
            )
            drawn[top : top + piece.shape[0], left : left + piece.shape[1]][piece] = 255
            assert a["area"] == piece.sum() and a["category_id"] == 1
        assert np.array_equal(drawn, read_mask(folder / index[image["file_name"]].mask))


def test_a_job_started_again_does_only_what_is_missing(bench: Bench, pictures: Path) -> None:
    bench.do(run, config(pictures))
    folder = bench.root / "results"
    first = read_index(folder)
    stamp = (folder / first["a.png"].mask).stat().st_mtime_ns
    spots(pictures / "leer.png", at=[(1, 1, 2, 2)])
    (folder / first["grey.png"].mask).unlink()
    spots(pictures / "new.png")
    found = bench.do(run, config(pictures))
    assert found["reused"] == 5
    index = read_index(folder)
    assert index["leer.png"].objects == 1 and index["new.png"].objects == 2
    assert (folder / index["grey.png"].mask).is_file() and (
        folder / index["a.png"].mask
    ).stat().st_mtime_ns == stamp
    assert len(list(csv.reader((folder / "objects.csv").open(encoding="utf-8-sig", newline="")))) == 1 + 11


def test_other_settings_are_not_mixed_into_a_folder(bench: Bench, pictures: Path) -> None:
    bench.do(run, config(pictures))
    before = (bench.root / "results" / "predictions.jsonl").read_bytes()
    with pytest.raises(JobError, match="other settings \\(threshold") as refused:
        bench.do(run, config(pictures, threshold=0.3))
    assert "another folder" in refused.value.cure
    assert (bench.root / "results" / "predictions.jsonl").read_bytes() == before


def test_cancel_keeps_what_is_complete_and_the_next_start_goes_on(bench: Bench, tmp_path: Path) -> None:
    for n in range(40):
        spots(tmp_path / "many" / f"{n:02}.png", (300, 300))
    job = bench.job(config(tmp_path / "many"))

    def stop() -> None:
        while not (job.folder.path / "predictions.jsonl").exists() or len(read_index(job.folder.path)) < 3:
            time.sleep(0.005)
        send(job.folder, "stop")

    asker = threading.Thread(target=stop)
    asker.start()
    found = run(job)
    asker.join()
    assert found["status"] == "stopped" and 3 <= found["images"] < 40
    assert any("goes on there" in sentence for sentence in found["said"])
    index = read_index(job.folder.path)
    assert all((job.folder.path / p.mask).is_file() for p in index.values())
    assert not list(job.folder.path.rglob("*.part"))
    job.folder.command.unlink()
    again = bench.do(run, config(tmp_path / "many"))
    assert again["images"] == 40 and again["reused"] == len(index)


def test_corrections_and_what_they_removed_are_told(bench: Bench, pictures: Path) -> None:
    found = bench.do(run, config(pictures, postprocess={"min_area": 13}))
    assert found["objects"] == 4 and found["removed_objects"] == 4
    assert any(
        "4 objects were removed by the corrections (4 too small; 34 pixels)" in s for s in found["said"]
    )
    assert read_index(bench.root / "results")["a.png"].changes == {"too_small": 1, "removed": 12}


def test_classes_get_their_numbers_and_the_threshold_is_told_unused(bench: Bench, tmp_path: Path) -> None:
    bench.model = loaded(3, ("background", "grey", "white"))
    image = np.full((20, 30, 3), 25, np.uint8)
    image[2:6, 2:6], image[10:15, 10:20] = 128, 230
    cv2.imwrite(str(tmp_path / "k.png"), image)
    bench.do(run, config(tmp_path / "k.png", results={"probabilities": True, "coco": True}))
    folder = bench.root / "results"
    mask = read_mask(folder / "masks" / "k.png")
    assert mask[3, 3] == 1 and mask[12, 12] == 2 and mask[0, 0] == 0
    found = read_index(folder)["k.png"]
    assert found.by_class == {"1": 1, "2": 1} and found.pixels == {"1": 16, "2": 50}
    maps = [read_mask(folder / name).astype(int) for name in found.probability]
    assert len(maps) == 3 and np.abs(sum(maps) - 255).max() <= 2
    assert "not used" in json.loads((folder / "prediction.json").read_text("utf-8"))["threshold_from"]


def test_the_threshold_of_the_run_is_taken(bench: Bench, tmp_path: Path) -> None:
    from src.core.run import RunFolder

    bench.run = RunFolder(tmp_path / "run")
    bench.run.path.mkdir()
    kept = StoredThreshold(value=0.999999, measure="iou", score=0.5, part="val")
    write_threshold(bench.run.path, kept)
    spots(tmp_path / "a.png")
    assert bench.do(run, config(tmp_path / "a.png"))["objects"] == 0
    header = json.loads((bench.root / "results" / "prediction.json").read_text("utf-8"))
    assert header["threshold"] == 0.999999 and "validation" in header["threshold_from"]
    assert bench.do(run, config(tmp_path / "a.png", threshold=0.5), "other")["objects"] == 2
    write_threshold(bench.run.path, replace(kept, checkpoint="of another model"))
    assert bench.do(run, config(tmp_path / "a.png"), "third")["objects"] == 2
    header = json.loads((bench.root / "third" / "prediction.json").read_text("utf-8"))
    assert header["threshold"] == 0.5 and "another checkpoint" in header["threshold_from"]


def test_a_watched_folder_until_it_is_stopped(bench: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "incoming"
    folder.mkdir()
    # the results lie inside the watched folder, and are not taken for images
    job = bench.job(config(folder, watch=True, watch_every=0.1), "incoming/results")

    def feed() -> None:
        spots(folder / "first.png")
        growing = (folder / "first.png").read_bytes()
        with (folder / "slow.png").open("wb") as stream:
            for n in range(0, len(growing), 40):
                stream.write(growing[n : n + 40])
                stream.flush()
                time.sleep(0.03)
        deadline = time.monotonic() + 20
        while len(read_index(job.folder.path)) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.3)
        send(job.folder, "stop")

    feeder = threading.Thread(target=feed)
    feeder.start()
    found = run(job)
    feeder.join()
    assert (found["images"], found["failed"], found["objects"]) == (2, 0, 4)
    assert set(read_index(job.folder.path)) == {"first.png", "slow.png"}
    assert (job.folder.path / "objects.csv").is_file()


def test_a_full_disk_ends_the_job_with_a_sentence(
    bench: Bench, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(results, "write_mask", full)
    with pytest.raises(JobError, match=r"The disk of .* is full") as refused:
        bench.do(run, config(pictures))
    assert "goes on where it stopped" in refused.value.cure
    assert not [p for p in read_index(bench.root / "results").values() if p.mask]


def test_an_unwritable_folder_is_told(bench: Bench, pictures: Path) -> None:
    job = bench.job(config(pictures))
    (job.folder.path / "masks").write_text("a file where the folder should be")
    with pytest.raises(JobError, match=r"results cannot be written") as refused:
        run(job)
    assert "permission" in refused.value.cure


def test_two_folders_with_the_same_names(bench: Bench, tmp_path: Path) -> None:
    spots(tmp_path / "left" / "a.png")
    spots(tmp_path / "right" / "a.png", at=[])
    bench.do(run, config(tmp_path / "left", tmp_path / "right"))
    index = read_index(bench.root / "results")
    assert {name: p.objects for name, p in index.items()} == {"a.png": 2, "right/a.png": 0}
    assert any("got a longer name" in e.get("message", "") for e in bench.events() if e.type == "warning")


def test_nothing_to_do_is_an_error_with_its_cure(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(JobError, match="no images"):
        bench.do(run, config(tmp_path / "empty"))
    assert [f.code for f in check(config())] == ["images.none"]
    assert [f.code for f in check(config(tmp_path / "absent.png"))] == ["images.absent"]
    assert [f.code for f in check(config(tmp_path / "model.bin"))] == ["images.kind"]
    assert not check(config(tmp_path / "empty", watch=True))


# -- dense CRF ---


@pytest.mark.skipif(bool(crf.unavailable()), reason=f"the dense CRF is optional: {crf.unavailable()}")
def test_the_dense_crf_works_on_the_mask_and_is_told(bench: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    spots(folder / "a.png", (60, 80), [(20, 15, 24, 30)])
    image = cv2.imread(str(folder / "a.png"))
    image[50, 60] = 135  # a pixel that is the object, but not surely
    cv2.imwrite(str(folder / "a.png"), image)
    plain = bench.do(run, config(folder), "plain")
    found = bench.do(
        run, config(folder, postprocess={"refine": "dense_crf"}, results={"probabilities": True}), "crf"
    )
    assert (plain["objects"], found["objects"]) == (2, 1)  # the speck is gone
    assert any("given to another class by the dense CRF" in text for text in found["said"])
    index = read_index(tmp_path / "crf")
    mask = read_mask(tmp_path / "crf" / index["a.png"].mask)
    before = read_mask(tmp_path / "plain" / "masks" / "a.png")
    assert index["a.png"].changes == {"refined": int(np.count_nonzero(mask != before))}
    probability = read_mask(tmp_path / "crf" / index["a.png"].probability[0])
    assert probability[50, 60] > 150  # what the model said stays


@pytest.mark.skipif(bool(crf.unavailable()), reason=f"the dense CRF is optional: {crf.unavailable()}")
def test_the_dense_crf_can_be_stopped_inside_an_image(
    bench: Bench, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(self: object) -> None:
        raise JobCancelledError

    monkeypatch.setattr(Job, "go_on", stop)
    monkeypatch.setattr(Job, "progress", lambda *_: None)
    found = bench.do(run, config(pictures, postprocess={"refine": "dense_crf"}))
    assert found["status"] == "stopped"
    assert not list((bench.root / "results").rglob("*.part"))


def test_the_dense_crf_is_refused_where_its_library_is_absent(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crf, "unavailable", lambda: "pydensecrf2 is not installed. Install with: pip …")
    assert JOBS["predict"].unavailable() == {
        "postprocess.refine": {"dense_crf": "pydensecrf2 is not installed. Install with: pip …"}
    }
    assert not check(config(pictures))
    (refused,) = check(config(pictures, postprocess={"refine": "dense_crf"}))
    assert (refused.severity, refused.where) == ("error", ("postprocess.refine",))
    assert refused.message == "Refinement “Dense CRF” is not available here: pydensecrf2 is not installed."
    assert refused.cure == "Install with: pip …"

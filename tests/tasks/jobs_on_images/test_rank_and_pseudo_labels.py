"""What to label next, and labels by the model itself, with a network whose answer is known."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from src.core.dataset.config import ImageDataConfig
from src.core.dataset.describe import describe
from src.core.dataset.files.images import read_mask
from src.core.job import JobError
from src.core.prediction.index import read_index
from src.core.run import RunFolder
from src.tasks.segmentation.jobs import pseudo_label, rank
from src.tasks.segmentation.jobs.pseudo_label_config import PseudoLabelConfig
from src.tasks.segmentation.jobs.rank_config import RankConfig
from tests.tasks.jobs_on_images.conftest import Bench, spots


def plain_image(path: Path, value: int, size: int = 64) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((size, size, 3), value, np.uint8))


def trained_on(bench: Bench, folder: Path) -> RunFolder:
    """A run whose description names the images of a folder with masks, one of them for validation."""
    data = ImageDataConfig(images_dir=str(folder / "images"), masks_dir=str(folder / "masks"))
    data.masks.meaning = "binary"
    found = describe(data)
    assert not found.has_errors and found.samples["val"], found.findings
    run = RunFolder(bench.root / "run")
    run.dataset.mkdir(parents=True)
    found.save(run.dataset)
    return run


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    folder = tmp_path / "labelled"
    for n in range(6):
        mask = spots(folder / "images" / f"{n}.png", at=[(n, 2 * n, 6, 5)])
        (folder / "masks").mkdir(exist_ok=True)
        cv2.imwrite(str(folder / "masks" / f"{n}.png"), mask)
    return folder


def rank_config(*images: Path, **values: Any) -> RankConfig:
    return RankConfig(model="bright", images=[str(i) for i in images], **values)


def ranked(bench: Bench) -> list[dict[str, str]]:
    with (bench.root / "results" / "ranking.csv").open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def test_unsure_images_come_first_and_copies_last(bench: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    noise = np.random.default_rng(0)
    for n in range(10):  # the network is unsure at ½
        picture = np.full((64, 64, 3), 20, np.uint8)
        picture[:, : 6 * n] = 245
        picture[n : n + 4, 40:60] = noise.integers(0, 60, 3)
        folder.mkdir(exist_ok=True)
        cv2.imwrite(str(folder / f"sure {n}.png"), picture)
    plain_image(folder / "unsure.png", 127)
    for n in range(9):
        shutil.copy(folder / "unsure.png", folder / f"unsure copy {n}.png")
    (folder / "broken.png").write_bytes(b"no image")
    found = bench.do(rank.run, rank_config(folder, novelty=0, count=5))
    rows = ranked(bench)
    assert len(rows) == 20 and found["failed"] == 1 and len(found["suggested"]) == 5
    assert rows[0]["image"].startswith("unsure") and float(rows[0]["uncertainty"]) > 0.9
    assert all(row["image"].startswith("sure") for row in rows[1:10])
    assert all(float(row["gain"]) < 1e-3 and row["most_like"] == rows[0]["image"] for row in rows[11:])
    assert any("9 images are (nearly) a copy" in sentence for sentence in found["said"])
    document = json.loads((bench.root / "results" / "ranking.json").read_text("utf-8"))
    assert any("drawn by chance" in sentence for sentence in document["about"])
    assert len(document["model"]["sha256"]) == 64


def test_images_unlike_the_training_come_first_where_novelty_counts(
    bench: Bench, labelled: Path, tmp_path: Path
) -> None:
    bench.run = trained_on(bench, labelled)
    spots(tmp_path / "new" / "usual.png", at=[(3, 3, 6, 5)])
    plain_image(tmp_path / "new" / "red.png", 20)
    red = np.zeros((64, 64, 3), np.uint8)
    red[..., 2] = np.arange(64, dtype=np.uint8) * 2
    cv2.imwrite(str(tmp_path / "new" / "red.png"), red)
    shutil.copy(labelled / "images" / "0.png", tmp_path / "new" / "labelled.png")
    found = bench.do(rank.run, rank_config(tmp_path / "new", novelty=1))
    rows = ranked(bench)
    assert [row["image"] for row in rows] == ["red.png", "usual.png"]
    assert "1 image with labels by people already: left out." in found["said"]
    assert float(rows[0]["novelty"]) > 3 * float(rows[1]["novelty"])
    assert "most alike of" in Path(found["report"]).read_text("utf-8")


def test_without_training_images_novelty_is_left_out_and_told(bench: Bench, tmp_path: Path) -> None:
    spots(tmp_path / "new" / "a.png")
    found = bench.do(rank.run, rank_config(tmp_path / "new"))
    assert any("uncertainty alone" in sentence for sentence in found["said"])
    assert ranked(bench)[0]["novelty"] == ""
    assert any(e.get("code") == "rank.no_training_images" for e in bench.events())


def test_a_ranking_goes_on_and_refuses_other_settings(bench: Bench, tmp_path: Path) -> None:
    for n in range(3):
        spots(tmp_path / "new" / f"{n}.png")
    bench.do(rank.run, rank_config(tmp_path / "new", novelty=0))
    measured = (bench.root / "results" / "uncertainty.jsonl").read_bytes()
    bench.do(rank.run, rank_config(tmp_path / "new", novelty=0, diversity=0.5))
    assert (bench.root / "results" / "uncertainty.jsonl").read_bytes() == measured
    with pytest.raises(JobError, match="other settings"):
        bench.do(rank.run, rank_config(tmp_path / "new", measure="margin"))


def pseudo_config(*images: Path, **values: Any) -> PseudoLabelConfig:
    return PseudoLabelConfig(model="bright", images=[str(i) for i in images], **values)


def graded(path: Path) -> None:
    """Dark, then bright, and a stretch of which the network is not sure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = np.full((40, 60, 3), 20, np.uint8)
    picture[10:20, 10:30], picture[:, 50:] = 240, 127
    cv2.imwrite(str(path), picture)


def test_only_sure_pixels_are_labelled_and_the_set_can_be_read(bench: Bench, tmp_path: Path) -> None:
    graded(tmp_path / "new" / "Teil ä.png")
    plain_image(tmp_path / "new" / "doubtful.png", 127)
    found = bench.do(pseudo_label.run, pseudo_config(tmp_path / "new", dataset="Mein Satz"))
    assert (found["images"], found["left_out"]) == (1, 1) and found["labelled_share"] == pytest.approx(
        5 / 6, abs=1e-6
    )
    assert "83.3 % of their pixels" in found["said"][0]
    folder = Path(found["dataset"])
    assert folder == bench.root / "workspace" / "datasets" / "Mein-Satz"
    mask = read_mask(folder / "masks" / "Teil ä.png")
    assert (mask[12, 12], mask[0, 0], mask[5, 55]) == (255, 0, 128)
    rows = list(csv.DictReader((folder / "table.csv").open(encoding="utf-8", newline="")))
    assert [(r["split"], r["pseudo"], r["labelled_by"]) for r in rows] == [("train", "1", "model")]
    provenance = json.loads((folder / "provenance.json").read_text("utf-8"))
    assert provenance["confidence"] == 0.95 and len(provenance["model"]["sha256"]) == 64
    values = yaml.safe_load((folder / "lathe.yaml").read_text("utf-8"))["data"]
    assert values["masks"]["ignore_value"] == 128 and values["split_column"] == "split"
    again = bench.do(pseudo_label.run, pseudo_config(tmp_path / "new", dataset="Mein Satz"))
    assert again["dataset"].endswith("Mein-Satz_2") and folder.is_dir()


def test_the_combined_set_keeps_validation_to_people(bench: Bench, labelled: Path, tmp_path: Path) -> None:
    bench.run = trained_on(bench, labelled)
    graded(tmp_path / "new" / "0.png")
    shutil.copy(labelled / "images" / "3.png", tmp_path / "new" / "copy of a labelled one.png")
    found = bench.do(pseudo_label.run, pseudo_config(tmp_path / "new", combine=True, least_confident=0))
    folder = Path(found["combined"])
    rows = list(csv.DictReader((folder / "table.csv").open(encoding="utf-8", newline="")))
    assert len(rows) == 7 and {r["split"] for r in rows if r["pseudo"] == "1"} == {"train"}
    assert sum(r["pseudo"] == "1" for r in rows) == 1 and {"train", "val"} <= {
        r["split"] for r in rows if r["pseudo"] == "0"
    }
    assert any("with labels by people already" in sentence for sentence in found["said"])
    values = yaml.safe_load((folder / "lathe.yaml").read_text("utf-8"))["data"]
    data = describe(ImageDataConfig(**{**values, "table": str(folder / "table.csv")}))
    assert not data.has_errors and len(data.all_samples) == 7
    human = next(
        r for r in rows if r["image"].endswith("images/3.png") or r["image"].endswith("images\\3.png")
    )
    assert np.array_equal(read_mask(folder / human["mask"]), read_mask(labelled / "masks" / "3.png"))


def test_where_nothing_is_sure_no_set_is_made(bench: Bench, tmp_path: Path) -> None:
    plain_image(tmp_path / "new" / "a.png", 127)
    with pytest.raises(JobError, match="sure of too little"):
        bench.do(pseudo_label.run, pseudo_config(tmp_path / "new"))
    assert not (bench.root / "workspace" / "datasets").exists()
    assert read_index(bench.root / "results")["a.png"].score["labelled"] == 0
    with pytest.raises(JobError, match="nothing to combine"):
        bench.do(pseudo_label.run, pseudo_config(tmp_path / "new", combine=True), "other")

"""The sample set: complete, honest, repeatable, and never written over something else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from src.core.dataset.config import ImageDataConfig
from src.core.dataset.describe import describe
from src.core.dataset.files.images import read_image, read_mask
from src.core.dataset.sample.sample_data import SampleDataError, make_sample_data


def content(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


def test_the_set_is_whole_and_trains_as_its_configuration_says(tmp_path: Path) -> None:
    steps: list[tuple[int, int, str]] = []
    made = make_sample_data(
        tmp_path / "sample set",
        parts=12,
        photographs_per_part=2,
        size=96,
        progress=lambda *s: steps.append(s),
    )
    assert made.created and made.images == 24 and steps[-1][:2] == (12, 12)
    written = yaml.safe_load(made.config.read_text(encoding="utf-8"))
    assert written["task"] == "segmentation" and written["training"]["epochs"] > 0
    data = written["data"]
    for key in ("images_dir", "masks_dir", "split_dir"):
        data[key] = str(made.folder / data[key])
    found = describe(ImageDataConfig(**data))
    assert not found.has_errors and not [f for f in found.findings if f.severity == "warning"], found.findings
    parts = {p: {s.id.split("_")[0] for s in found.samples[p]} for p in ("train", "val")}
    assert len(found.all_samples) == 24 and parts["val"] and not parts["train"] & parts["val"]
    assert {len([s for s in found.all_samples if s.id.startswith(name)]) for name in parts["val"]} == {2}
    assert sum(not s.has_object for s in found.all_samples) >= 6
    share = found.class_pixels["train"][1] / sum(found.class_pixels["train"])
    assert 0.005 < share < 0.1


def test_masks_have_smooth_edges_and_photographs_differ(tmp_path: Path) -> None:
    made = make_sample_data(tmp_path / "s", parts=4, photographs_per_part=2, size=96)
    mask = read_mask(made.folder / "masks" / "part000_photo0.png")
    assert mask.dtype == np.uint8 and mask.max() > 200 and len(np.unique(mask)) > 20
    assert read_mask(made.folder / "masks" / "part003_photo0.png").max() == 0
    one, two = (read_image(made.folder / "images" / f"part000_photo{i}.png").astype(int) for i in (0, 1))
    assert one.shape == (96, 96, 3) and np.abs(one - two).mean() > 3
    assert not np.array_equal(mask, read_mask(made.folder / "masks" / "part000_photo1.png"))


def test_the_seed_decides(tmp_path: Path) -> None:
    options = {"parts": 2, "photographs_per_part": 1, "size": 64}
    first, same, other = (
        make_sample_data(tmp_path / n, seed=s, **options).folder for n, s in (("a", 1), ("b", 1), ("c", 2))
    )
    assert content(first) == content(same)
    assert content(first)["images/part000_photo0.png"] != content(other)["images/part000_photo0.png"]


def test_nothing_is_written_over(tmp_path: Path) -> None:
    options = {"parts": 2, "photographs_per_part": 1, "size": 64}
    made = make_sample_data(tmp_path / "s", **options)
    before = content(made.folder)
    again = make_sample_data(tmp_path / "s", **options)
    assert not again.created and "already" in str(again) and content(made.folder) == before
    with pytest.raises(SampleDataError, match="not empty"):
        make_sample_data(tmp_path / "s", **{**options, "size": 80})
    (made.folder / "splits" / "train.txt").write_text("changed", encoding="utf-8")
    with pytest.raises(SampleDataError, match="not empty"):
        make_sample_data(tmp_path / "s", **options)
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(SampleDataError, match="is a file"):
        make_sample_data(tmp_path / "file", **options)
    with pytest.raises(SampleDataError):
        make_sample_data(tmp_path / "file" / "below", **options)
    with pytest.raises(ValueError):
        make_sample_data(tmp_path / "t", parts=1)

"""The names of the public face, used as somebody would who knows only their names."""

from __future__ import annotations

import doctest
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import src.core.feed.augment
import src.core.feed.normalise
import src.core.feed.pairs
import src.core.feed.pixel_weights
import src.core.segmentation_dataset
from src.core.dataset.findings import DatasetError
from src.core.dataset.masks import MaskMeaning
from src.core.segmentation_dataset import (
    SegmentationDataset,
    compute_class_weights,
    create_dataloaders,
    get_training_augmentation,
    get_validation_augmentation,
    load_dataset_from_split_files,
)

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """Twelve pairs in ``images`` and ``masks``, and split files with absolute paths of another machine."""
    made = {
        "images_dir": tmp_path / "images",
        "masks_dir": tmp_path / "masks",
        "split_dir": tmp_path / "split",
    }
    for folder in made.values():
        folder.mkdir()
    for number in range(12):
        rng = np.random.default_rng(number)
        cells = rng.integers(0, 256, (5, 5, 3), dtype=np.uint8)
        image = cv2.resize(cells, (70 + number, 60), interpolation=cv2.INTER_CUBIC)
        mask = np.zeros(image.shape[:2], np.uint8)
        mask[10:30, 20 : 30 + number] = 255
        cv2.imwrite(str(made["images_dir"] / f"part {number}.jpg"), image)
        cv2.imwrite(str(made["masks_dir"] / f"part {number}.png"), mask)
    parts = {"train": range(7), "val": range(7, 10), "test": range(10, 12)}
    for part, numbers in parts.items():
        lines = [f"/home/someone/set/images/part {number}.jpg" for number in numbers]
        (made["split_dir"] / f"{part}.txt").write_text("\n".join(lines) + "\n")
    return made


def test_the_examples_in_the_docstrings_run(folders: dict[str, Path]) -> None:
    names = {**vars(src.core.segmentation_dataset), **folders, "np": np, "torch": torch}
    attempted = 0
    for module in (
        src.core.segmentation_dataset,
        src.core.feed.pairs,
        src.core.feed.pixel_weights,
        src.core.feed.augment,
        src.core.feed.normalise,
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # where the other machine's paths were found
            result = doctest.testmod(module, extraglobs=names)
        assert result.failed == 0
        attempted += result.attempted
    assert attempted >= 14


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("as_type", [str, Path])
def test_loaders_give_float_batches_and_new_randomness_each_epoch(
    folders: dict[str, Path], as_type: type
) -> None:
    paths = {name: as_type(path) for name, path in folders.items()}
    train, val = create_dataloaders(
        **paths, image_size=64, batch_size=2, num_workers=2, augmentation_prob=0.5, mask_meaning="binary"
    )
    assert len(train) == 3 and len(val) == 2 and len(train.dataset) == 7
    first, second = list(train), list(train)
    assert len(first) == 3
    for batch in first:
        assert batch["image"].shape == (2, 3, 64, 64) and batch["image"].dtype == torch.float32
        assert batch["mask"].shape == (2, 64, 64) and batch["mask"].dtype == torch.int64
        assert set(batch["mask"].unique().tolist()) <= {0, 1} and batch["image"].abs().max() < 3
    assert not torch.equal(first[0]["image"], second[0]["image"])
    train.set_epoch(0)
    assert torch.equal(next(iter(train))["image"], first[0]["image"])
    assert torch.equal(next(iter(val))["image"], next(iter(val))["image"])
    train.close()
    val.close()
    train.close()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_positional_arguments_and_defaults(folders: dict[str, Path]) -> None:
    where = folders["split_dir"], folders["images_dir"], folders["masks_dir"]
    train, val = create_dataloaders(*where, (32, 48), 3, 0, 0.0)
    assert next(iter(train))["image"].shape == (3, 3, 32, 48)
    assert [len(b["index"]) for b in val] == [3]
    train, _val = create_dataloaders(images_dir=folders["images_dir"], masks_dir=folders["masks_dir"])
    assert next(iter(train))["image"].shape == (8, 3, 256, 256)
    train.close()


def test_a_meaning_is_never_guessed_silently(folders: dict[str, Path]) -> None:
    images, masks = folders["images_dir"], folders["masks_dir"]
    with pytest.warns(UserWarning, match=r"taken as binary.*mask_meaning=MaskMeaning"):
        found = SegmentationDataset(images, masks).meaning
    assert found.kind == "binary" and found.num_classes == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SegmentationDataset(images, masks, mask_meaning=found)
    with pytest.raises(ValueError, match="mask_meaning='colours'"):
        SegmentationDataset(images, masks, mask_meaning="colours")


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_dataset_works_with_a_plain_dataloader(folders: dict[str, Path]) -> None:
    images = sorted(folders["images_dir"].iterdir())
    masks = [folders["masks_dir"] / f"{path.stem}.png" for path in images]
    train = SegmentationDataset(images, masks, augmentation=get_training_augmentation(image_size=32))
    loader = torch.utils.data.DataLoader(train, batch_size=4, shuffle=True)
    torch.manual_seed(0)
    one = next(iter(loader))
    torch.manual_seed(0)
    two = next(iter(loader))
    assert one["image"].shape == (4, 3, 32, 32) and torch.equal(one["image"], two["image"])
    assert one["index"].dtype == torch.int64
    assert not torch.equal(train[0]["image"], train[0]["image"])
    fixed = SegmentationDataset(images, masks, 32, get_validation_augmentation(32))
    assert torch.equal(fixed[-1]["image"], fixed[11]["image"])
    with pytest.raises(IndexError):
        fixed[12]
    assert len([pair for pair in fixed]) == 12  # noqa: C416 (the old protocol of iteration)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_augmentations_of_others_are_taken(folders: dict[str, Path]) -> None:
    def flip(image: np.ndarray, mask: np.ndarray) -> dict[str, np.ndarray]:
        return {"image": image[:40, 39::-1].astype(np.float32) / 255, "mask": mask[:40, 39::-1]}

    dataset = SegmentationDataset(
        folders["images_dir"], folders["masks_dir"], transform=flip, mask_meaning="binary"
    )
    pair = dataset[0]
    assert pair["image"].shape == (3, 40, 40) and pair["image"].min() >= 0 and pair["image"].max() <= 1
    assert pair["mask"].dtype == torch.int64 and pair["mask"][20, 15] == 1 and pair["mask"][20, 39] == 0


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_split_files(folders: dict[str, Path]) -> None:
    parts = load_dataset_from_split_files(folders["split_dir"], folders["images_dir"], folders["masks_dir"])
    assert {part: len(pairs.image_paths) for part, pairs in parts.items()} == {
        "train": 7,
        "val": 3,
        "test": 2,
    }
    images, masks = parts["val"]
    assert [path.stem for path in images] == [path.stem for path in masks if path is not None]
    assert images[0].is_file()
    (folders["split_dir"] / "test.txt").unlink()
    assert "test" not in load_dataset_from_split_files(
        str(folders["split_dir"]), str(folders["images_dir"]), str(folders["masks_dir"])
    )
    with pytest.raises(DatasetError):
        load_dataset_from_split_files(folders["split_dir"] / "nowhere")


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_class_weights_from_anything_that_holds_masks(folders: dict[str, Path]) -> None:
    masks = sorted(folders["masks_dir"].iterdir())
    dataset = SegmentationDataset(folders["images_dir"], folders["masks_dir"])
    total = np.zeros(2)
    for path in masks:
        total += np.bincount((cv2.imread(str(path), 0) > 127).ravel(), minlength=2)
    expected = compute_class_weights(total)
    assert (
        expected.dtype == torch.float32 and expected.mean() == pytest.approx(1) and expected[1] > expected[0]
    )
    for source in (
        dataset,
        masks,
        [str(m) for m in masks],
        folders["masks_dir"],
        torch.tensor(total),
        total.tolist(),
    ):
        torch.testing.assert_close(compute_class_weights(source), expected)
    torch.testing.assert_close(compute_class_weights({0: total[0], 1: total[1]}), expected)
    plain = torch.utils.data.DataLoader(
        SegmentationDataset(folders["images_dir"], folders["masks_dir"], (60, 80)), batch_size=5
    )
    torch.testing.assert_close(compute_class_weights(plain), expected, atol=0.05, rtol=0)
    train, _ = create_dataloaders(**folders, num_workers=0)
    assert compute_class_weights(train, method="inverse")[1] > 1
    assert compute_class_weights([5, 5], num_classes=3).tolist() == [1, 1, 0]
    with pytest.raises(ValueError, match="num_classes is 2"):
        compute_class_weights([5, 5, 5], num_classes=2)


def test_refusals_are_sentences(folders: dict[str, Path]) -> None:
    images = sorted(folders["images_dir"].iterdir())
    with pytest.raises(ValueError, match="two lists of files or as two folders"):
        SegmentationDataset(images)
    with pytest.raises(ValueError, match="12 images and 1 masks"):
        SegmentationDataset(images, images[:1])
    with pytest.raises(ValueError, match="image_size is"):
        SegmentationDataset(images, images, 64, get_training_augmentation(32), mask_meaning="binary")
    with pytest.raises(DatasetError):
        create_dataloaders(images_dir=folders["images_dir"] / "none", masks_dir=folders["masks_dir"])


@pytest.mark.skipif(not (SHARED / "camvid").is_dir(), reason="needs ../shared/data/camvid, which is absent")
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_camvid_from_its_own_split_files() -> None:
    names = [
        "Sky",
        "Building",
        "Pole",
        "Road",
        "Pavement",
        "Tree",
        "SignSymbol",
        "Fence",
        "Car",
        "Pedestrian",
        "Bicyclist",
    ]
    meaning = MaskMeaning("index", tuple(names), tuple(range(11)), ignore_value=11)
    train, val = create_dataloaders(SHARED / "camvid", None, None, 96, 4, 0, mask_meaning=meaning)
    assert len(train.dataset) == 40 and len(val.dataset) == 15
    batch = next(iter(val))
    assert set(batch["mask"].unique().tolist()) <= {*range(11), 255}
    weights = compute_class_weights(train)
    assert weights.shape == (11,) and weights.argmax() in (2, 6, 10)

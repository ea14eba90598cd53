"""The stream: order, sizes, batches, failures, views."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
import torch
from small_networks import convolutions, load, noise, on_whole
from torch import nn

from src.core.config.job import ComputeConfig
from src.core.dataset.files.image_files import UnreadableImageError
from src.core.dataset.files.large_tiff import large_tiff
from src.core.dataset.masks import MaskMeaning
from src.core.dataset.records import Sample
from src.core.feed.dataset import ImageMaskDataset
from src.core.feed.normalise import ImageStandardiser, Normaliser
from src.core.inference import sources
from src.core.inference.fitting import fit_image
from src.core.inference.model import PredictionError
from src.core.inference.plan import choose
from src.core.inference.predictor import Predictor
from src.core.inference.sinks import ArraySink, labels_of
from src.core.inference.sources import ArraySource, FileSource
from src.core.job import JobCancelledError
from src.tasks.segmentation.jobs.inference_config import InferenceConfig

SIZES = [(1, 1), (1, 500), (500, 1), (10, 300), (63, 64), (64, 64), (65, 64)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("fit", ["stretch", "letterbox", "crop"])
@pytest.mark.parametrize(
    "options",
    [{}, {"geometry": "resize"}, {"geometry": "tiles", "scale": 0.3}, {"tile": 200, "geometry": "tiles"}],
)
def test_any_size_comes_back_at_its_own(predict, size, fit, options) -> None:  # type: ignore[no-untyped-def]
    loaded = load(convolutions(3), fit=fit, outputs=3, normaliser=ImageStandardiser())
    (found,) = predict(loaded, [ArraySource(noise(*size))], **options)
    assert found.shape == (3, *size)
    np.testing.assert_allclose(found.sum(0), 1, atol=1e-5)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize("fit", ["stretch", "letterbox"])
@pytest.mark.parametrize("size", [(50, 70), (300, 401), (64, 64), (1, 9)])
@pytest.mark.parametrize("grey", [False, True])
def test_the_model_sees_what_validation_showed_it(tmp_path: Path, suffix, fit, size, grey) -> None:  # type: ignore[no-untyped-def]
    image = noise(*size)[..., 0] if grey else noise(*size)
    path = tmp_path / f"image{suffix}"
    path.write_bytes(cv2.imencode(suffix, image)[1].tobytes())
    sample = Sample(path.name, str(path), None, path.name, width=size[1], height=size[0])
    for channels in (1, 3):
        item, _ = ImageMaskDataset([sample], MaskMeaning("binary"), 64, channels, fit).fetch(1, 0)
        plan = choose(InferenceConfig(), {"resize": fit, "image_size": 64}, size)
        seen, _ = fit_image(FileSource(path, channels), plan, channels)
        assert item is not None
        np.testing.assert_array_equal(seen, item.image)


def test_images_come_in_order_with_one_batch_over_several(predict) -> None:  # type: ignore[no-untyped-def]
    seen: list[int] = []

    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = convolutions()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen.append(len(x))
            found: torch.Tensor = self.inner(x)
            return found

    loaded = load(Counting(), fit="letterbox")
    images = [noise(64, 64, seed) for seed in range(10)]
    found = predict(loaded, [ArraySource(image) for image in images], batch=4)
    assert seen == [4, 4, 2]
    for image, result in zip(images, found, strict=True):
        np.testing.assert_allclose(result, on_whole(loaded, image), atol=1e-6)


def test_an_unreadable_image_fails_alone(predict, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    good = tmp_path / "good.png"
    good.write_bytes(cv2.imencode(".png", noise(64, 64))[1].tobytes())
    cut = tmp_path / "cut.png"
    cut.write_bytes(good.read_bytes()[:2000])
    paths = [good, cut, tmp_path / "absent.png", good]
    for fit in ("crop", "letterbox"):
        found = predict(load(convolutions(), fit=fit), [FileSource(path) for path in paths])
        assert [isinstance(result, UnreadableImageError) for result in found] == [False, True, True, False]
        np.testing.assert_array_equal(found[0], found[3])


@pytest.mark.parametrize("channels", [1, 3])
def test_grey_and_colour_images_go_into_either_model(predict, tmp_path: Path, channels: int) -> None:  # type: ignore[no-untyped-def]
    loaded = load(convolutions(channels=channels), channels=channels)
    colour, grey = noise(70, 90), noise(70, 90, channels=1)
    for image in (colour, grey):
        path = tmp_path / f"image{image.shape[2]}.png"
        path.write_bytes(cv2.imencode(".png", image[..., ::-1])[1].tobytes())
        wanted = image
        if channels == 3 and image.shape[2] == 1:
            wanted = np.repeat(image, 3, 2)
        elif channels == 1 and image.shape[2] == 3:
            wanted = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None]
        for found in predict(loaded, [FileSource(path, channels), ArraySource(image)]):
            assert np.abs(found - on_whole(loaded, wanted)).max() < 0.02  # decoders round grey by one step


class Broken(nn.Module):
    """Says NaN (or infinity) where it sees a white pixel."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits = x.mean(1, keepdim=True)
        return torch.where(logits > 0.99, torch.full_like(logits, self.value), logits)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("tta", ["none", "all"])
def test_numbers_that_are_not_finite_are_no_mask(predict, value: float, tta: str) -> None:  # type: ignore[no-untyped-def]
    dark, white = np.full((64, 200, 3), 40, np.uint8), np.full((64, 200, 3), 40, np.uint8)
    white[30, 180] = 255
    loaded = load(Broken(value), normaliser=Normaliser((0.0,) * 3, (1.0,) * 3))
    first, second, third = predict(
        loaded, [ArraySource(dark), ArraySource(white), ArraySource(dark)], tta=tta
    )
    assert isinstance(second, PredictionError) and "not finite" in str(second)
    assert first.shape == third.shape == (1, 64, 200)


class Small(nn.Module):
    """Has memory for three images at once."""

    def __init__(self, most: int, message: str) -> None:
        super().__init__()
        self.most, self.message, self.inner = most, message, convolutions()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if len(x) > self.most:
            raise (
                torch.OutOfMemoryError(self.message) if "CUDA" in self.message else RuntimeError(self.message)
            )
        found: torch.Tensor = self.inner(x)
        return found


@pytest.mark.parametrize(
    "message",
    [
        "CUDA out of memory. Tried to allocate 2 GiB",
        "[enforce fail] DefaultCPUAllocator: can't allocate memory",
    ],
)
def test_a_batch_that_is_too_large_is_halved_and_said(predict, message: str) -> None:  # type: ignore[no-untyped-def]
    notes: list[Any] = []
    images = [noise(64, 64, seed) for seed in range(9)]
    loaded = load(Small(3, message), fit="letterbox")
    found = predict(loaded, [ArraySource(image) for image in images], batch=8, notes=notes)
    assert [note.code for note in notes] == ["predict.batch_halved"] * 2
    assert "8 pieces" in notes[0].message and "4 pieces" in notes[1].message
    for image, result in zip(images, found, strict=True):
        np.testing.assert_allclose(result, on_whole(load(convolutions()), image), atol=1e-6)


def test_an_image_for_which_there_is_no_memory_at_all_fails_with_a_cure(predict) -> None:  # type: ignore[no-untyped-def]
    (found,) = predict(load(Small(0, "CUDA out of memory"), fit="letterbox"), [ArraySource(noise(64, 64))])
    assert isinstance(found, PredictionError) and "inference.tile" in str(found)


def test_another_error_of_the_model_is_not_taken_for_lack_of_memory(predict) -> None:  # type: ignore[no-untyped-def]
    class Wrong(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("sizes do not match")

    with pytest.raises(RuntimeError, match="sizes do not match"):
        predict(load(Wrong()), [ArraySource(noise(64, 64))])


@pytest.mark.parametrize(("tta", "views"), [("flips", 4), ("all", 8)])
def test_views_are_averaged_as_probabilities(predict, tta: str, views: int) -> None:  # type: ignore[no-untyped-def]
    loaded, image = load(convolutions(3), outputs=3, fit="letterbox"), noise(64, 64)
    (found,) = predict(loaded, [ArraySource(image)], tta=tta)
    expected = []
    for turns in range(4) if tta == "all" else (0, 2):
        for mirrored in (False, True):
            seen = np.rot90(image, turns)
            seen = np.ascontiguousarray(seen[:, ::-1] if mirrored else seen)
            said = on_whole(loaded, seen)
            said = said[:, :, ::-1] if mirrored else said
            expected.append(np.rot90(said, -turns, (1, 2)))
    assert len(expected) == views
    np.testing.assert_allclose(found, np.mean(expected, 0), atol=1e-6)


def test_cancelling_ends_the_stream_and_abandons_what_is_not_complete() -> None:
    abandoned, ended = [], []

    class Sink(ArraySink):
        def end(self) -> Any:
            ended.append(self)
            return super().end()

        def abandon(self) -> None:
            abandoned.append(self)

    predictor = Predictor(load(convolutions()), InferenceConfig(), ComputeConfig(batch_size=2))
    asked = iter(range(1000))
    stream = predictor.stream(
        [ArraySource(noise(400, 400))] * 3, lambda _s, size: Sink(size), lambda: next(asked) > 60
    )
    assert len(list(stream)) == len(ended) < 3
    assert len(abandoned) == 1


def test_what_a_sink_raises_belongs_to_its_image_but_for_cancelling() -> None:
    class Full(ArraySink):
        def end(self) -> Any:
            raise OSError(28, "No space left on device")

    class Stopped(ArraySink):
        def band(self, top: int, probabilities: torch.Tensor) -> None:
            raise JobCancelledError

    predictor = Predictor(load(convolutions()), InferenceConfig(), ComputeConfig())
    images = [ArraySource(noise(64, 64))] * 2
    found = [result for _, result in predictor.stream(images, lambda _s, size: Full(size))]
    assert [type(result) for result in found] == [OSError, OSError]
    with pytest.raises(JobCancelledError):
        list(predictor.stream(images, lambda _s, size: Stopped(size)))


@pytest.mark.parametrize("fit", ["crop", "letterbox"])
def test_a_large_tiff_is_read_by_bands(predict, tmp_path: Path, monkeypatch, fit: str) -> None:  # type: ignore[no-untyped-def]
    image = cv2.resize(noise(40, 60), (600, 2900), interpolation=cv2.INTER_CUBIC)
    path = tmp_path / "large.tif"
    monkeypatch.setattr(sources, "large_tiff", partial(large_tiff, least_pixels=1))
    tifffile.imwrite(path, image, tile=(128, 128), photometric="rgb")
    read: list[int] = []
    original = FileSource.read

    def watched(self: FileSource, region: Any = None, least: Any = None) -> np.ndarray:
        found = original(self, region, least)
        read.append(found.nbytes)
        return found

    monkeypatch.setattr(FileSource, "read", watched)
    facts: dict[str, Any] = {} if fit == "crop" else {"sizes": {"median": [200, 900], "max": [300, 1000]}}
    loaded = load(convolutions(), size=128, fit=fit, normaliser=ImageStandardiser(), **facts)
    (found,) = predict(loaded, [FileSource(path)])
    assert max(read) < image.nbytes / 5
    if fit == "crop":
        np.testing.assert_allclose(found, on_whole(loaded, image), atol=1e-5)
    (whole,) = predict(loaded, [ArraySource(image)])
    np.testing.assert_allclose(found, whole, atol=1e-5)


def test_every_choice_is_said() -> None:
    def say(
        size: tuple[int, int], fit: str = "letterbox", options: dict[str, Any] | None = None, **facts: Any
    ) -> str:
        return Predictor(
            load(convolutions(), 256, fit, **facts), InferenceConfig(**options or {}), ComputeConfig()
        ).explain(size)

    sizes = {"min": [300, 200], "median": [640, 480], "max": [800, 600]}
    assert "fits into one window of 256 × 256 px" in say((100, 256), "crop")
    assert "windows of 256 px at full resolution" in say((1000, 1000), "crop")
    assert "brought to 256 × 256 px" in say((480, 640), sizes=sizes) and "800 × 600 px" in say(
        (480, 640), sizes=sizes
    )
    large = say((4800, 6400), sizes=sizes)
    assert "much larger" in large and "scaled to 2560 × 1920 px" in large
    assert "not known" in say((4800, 6400))
    assert "stretched" in say((10, 10), "stretch")
    assert "that was chosen" in say(
        (900, 900), options={"geometry": "tiles", "overlap": 0.0}
    ) and "without overlap" in say((900, 900), options={"geometry": "tiles", "overlap": 0.0})
    assert "scale of the training is not known" in say((900, 900), options={"geometry": "tiles"})
    assert "mean of 8 mirrored and turned views" in say((9, 9), options={"tta": "all"})


def test_labels_are_those_of_argmax_and_threshold() -> None:
    several = torch.rand(5, 20, 30)
    several[3] = several[1]  # the first of equal ones
    labels, score = labels_of(several)
    assert torch.equal(labels.long(), several.argmax(0)) and torch.equal(score, several.amax(0))
    one = torch.rand(1, 20, 30)
    assert torch.equal(labels_of(one, 0.3)[0].bool(), one[0] > 0.3)


def test_an_array_that_is_no_image_is_refused() -> None:
    for wrong in (np.zeros((3, 3), np.float32), np.zeros((0, 3), np.uint8), np.zeros((3, 3, 4), np.uint8)):
        with pytest.raises(ValueError, match="uint8"):
            ArraySource(wrong)


def test_a_window_of_a_few_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 32"):
        InferenceConfig(tile=4)

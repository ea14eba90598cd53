"""The sliding window: where windows lie, what they weigh, and that nobody can see them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from small_networks import convolutions, load, noise, on_whole

from src.core.config.job import ComputeConfig
from src.core.feed.normalise import ImageStandardiser, Normaliser
from src.core.inference import resample
from src.core.inference.predictor import Predictor
from src.core.inference.resample import Bands
from src.core.inference.rows import Windows
from src.core.inference.sources import ArraySource
from src.core.inference.windows import starts, weights
from src.models.segmentation_models import build_model
from src.tasks.segmentation.jobs.inference_config import InferenceConfig

axis = st.integers(1, 90).flatmap(
    lambda window: st.tuples(
        st.integers(1, 400),
        st.just(window),
        st.integers(0, window * 3 // 4).map(lambda v: min(v, window - 1)),
    )
)


@settings(max_examples=200, deadline=None)
@given(axis)
def test_windows_cover_an_axis_and_lie_inside(case: tuple[int, int, int]) -> None:
    length, window, overlap = case
    found = starts(*case)
    if length <= window:
        assert found == [0]
        return
    assert found[0] == 0 and found[-1] == length - window
    steps = np.diff(found)
    assert (steps > 0).all() and (steps <= window - overlap).all()


@settings(max_examples=200, deadline=None)
@given(axis)
def test_weights_of_all_windows_add_up_to_one(case: tuple[int, int, int]) -> None:
    total = np.zeros(case[0])
    for place, row in zip(starts(*case), weights(*case), strict=True):
        assert (row >= 0).all()
        total[place : place + len(row)] += row
    np.testing.assert_allclose(total, 1, atol=1e-6)


@pytest.mark.parametrize("normaliser", [Normaliser(), ImageStandardiser()])
@pytest.mark.parametrize("size", [(64, 64), (65, 64), (150, 203), (64, 500)])
@pytest.mark.parametrize("outputs", [1, 4])
def test_a_convolutional_model_gives_the_same_by_windows_as_on_the_whole(
    predict, normaliser, size, outputs
) -> None:  # type: ignore[no-untyped-def]
    """The windows' own edges do not count, so even its zeros beyond an edge are not seen but at the image's edge,
    where the whole has them too."""
    loaded, image = load(convolutions(outputs), outputs=outputs, normaliser=normaliser), noise(*size)
    (found,) = predict(loaded, [ArraySource(image)])
    np.testing.assert_allclose(found, on_whole(loaded, image), atol=1e-6)


def test_windows_know_the_statistics_of_the_whole_image(predict) -> None:  # type: ignore[no-untyped-def]
    """A dark and a bright half: by its own statistics each window would see the same grey."""
    image = np.zeros((64, 256, 3), np.uint8)
    image[:, :128], image[:, 128:] = 20, 220
    image[::2] += 10

    class Brightness(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.mean(1, keepdim=True)

    loaded = load(Brightness(), normaliser=ImageStandardiser())
    (found,) = predict(loaded, [ArraySource(image)])
    assert found[0, :, :60].max() < 0.35 and found[0, :, 200:].min() > 0.65
    np.testing.assert_allclose(found, on_whole(loaded, image), atol=1e-5)


@pytest.mark.parametrize("overlap", [0.25, 0.5])
def test_no_seam_of_a_real_network(predict, overlap: float) -> None:  # type: ignore[no-untyped-def]
    """A seam is what a window changes at the outermost line of pixels at which it counts: from one line to the next it
    comes in, and what it says differs from its neighbours (random weights and zeros beyond its edge make the difference
    as large as it can be).
    """
    torch.manual_seed(1)
    model = build_model("unet", "resnet18", None, 3, 1).eval()
    with torch.no_grad():
        model.segmentation_head[0].weight.mul_(20)  # an untrained head hardly says anything
    loaded, image = load(model, size=128, normaliser=ImageStandardiser()), noise(300, 300)
    predictor = Predictor(loaded, InferenceConfig(overlap=overlap), ComputeConfig())
    plan = predictor.plan((300, 300))
    windows = Windows(ArraySource(image), plan, 3)
    statistics = windows.statistics()
    shares = weights(300, 128, plan.overlap[0])
    total, said = np.zeros((300, 300)), {}
    for row, top in enumerate(windows.tops):
        for column, (left, piece) in enumerate(zip(windows.lefts, windows.cut(row), strict=True)):
            x = (torch.from_numpy(piece).float() - torch.tensor(statistics.mean)) / (
                torch.tensor(statistics.deviation) + 4
            )
            with torch.no_grad():
                said[row, column] = model(x.permute(2, 0, 1)[None].float())[0, 0].sigmoid().numpy()
            total[top : top + 128, left : left + 128] += (
                np.outer(shares[row], shares[column]) * said[row, column]
            )
    (found,) = predict(loaded, [ArraySource(image)], overlap=overlap)
    np.testing.assert_allclose(found[0], total, atol=1e-4)
    seams, differences = [], []
    for (row, column), piece in said.items():
        top, left = windows.tops[row], windows.lefts[column]
        there = total[top : top + 128, left : left + 128]
        share = np.outer(shares[row], shares[column])
        down, across = np.flatnonzero(shares[row]), np.flatnonzero(shares[column])
        lines: list[Any] = [np.s_[down[0]]] if top > 0 else []
        lines += [np.s_[down[-1]]] if top < 300 - 128 else []
        lines += [np.s_[:, across[0]]] if left > 0 else []
        lines += [np.s_[:, across[-1]]] if left < 300 - 128 else []
        for line in lines:
            without = (there[line] - share[line] * piece[line]) / (1 - share[line])
            seams.append(np.abs(there[line] - without).max())
            differences.append(np.abs(piece[line] - without).max())
    assert len(seams) == 4 * len(said) - 2 * (len(windows.tops) + len(windows.lefts))
    assert max(differences) > 0.05  # there is something to blend
    assert max(seams) < 1e-3


def test_without_overlap_seams_are_what_they_are(predict) -> None:  # type: ignore[no-untyped-def]
    """The control of the tests above: the edges of the windows do differ from the whole."""
    loaded, image = load(convolutions()), noise(128, 128)
    (found,) = predict(loaded, [ArraySource(image)], overlap=0.0)
    assert np.abs(found - on_whole(loaded, image)).max() > 1e-3


@pytest.mark.parametrize(
    ("scaled", "size"),
    [
        ((37, 50), (101, 33)),
        ((101, 40), (37, 90)),
        ((50, 50), (200, 201)),
        ((7, 9), (1, 1)),
        ((1, 5), (9, 2)),
        ((8, 8), (8, 8)),
    ],
)
def test_bands_at_another_size_are_those_of_torch(monkeypatch, scaled, size) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(resample, "_MOST", 500)
    whole = torch.rand(2, *scaled)
    given_: list[tuple[int, torch.Tensor]] = []
    bands = Bands(scaled, size, lambda top, part: given_.append((top, part)))
    for top in range(0, scaled[0], 6):
        bands.add(whole[:, top : top + 6])
    smaller = size[0] < scaled[0] or size[1] < scaled[1]
    expected = F.interpolate(whole[None], size, mode="bilinear", antialias=smaller)[0]
    at = 0
    for top, part in given_:
        assert top == at
        at += part.shape[1]
    torch.testing.assert_close(torch.cat([part for _, part in given_], 1), expected, atol=2e-5, rtol=0)
    assert max(part.numel() for _, part in given_) <= max(500, 2 * size[1])


@pytest.mark.parametrize("scale", [0.3, 0.5, 2.0])
def test_a_scaled_image_keeps_its_places(predict, scale: float) -> None:  # type: ignore[no-untyped-def]
    """A model that says what it sees gives a smooth picture back where it was."""

    class Grey(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.logit(x.mean(1, keepdim=True).clamp(0.01, 0.99))

    y, x = np.mgrid[0:310, 0:270]
    value = 0.5 + 0.3 * np.sin(x / 35) * np.cos(y / 40)
    image = np.repeat((value * 255).astype(np.uint8)[..., None], 3, 2)
    loaded = load(Grey(), normaliser=Normaliser((0.0,) * 3, (1.0,) * 3))
    (found,) = predict(loaded, [ArraySource(image)], scale=scale)
    assert np.abs(found[0] - value)[5:-5, 5:-5].max() < 0.012

"""Normalisation on the device."""

from __future__ import annotations

import pytest
import torch

from src.core.feed.normalise import IMAGENET_MEAN, IMAGENET_STD, Normaliser


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("channels_last", [True, False])
def test_same_as_the_definition(layout: torch.memory_format, channels_last: bool) -> None:
    image = torch.randint(0, 256, (2, 3, 5, 7), dtype=torch.uint8).contiguous(memory_format=layout)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    out = Normaliser().to_float(image, channels_last=channels_last)
    torch.testing.assert_close(out, (image.float() / 255 - mean) / std)
    assert out.is_contiguous(memory_format=torch.channels_last if channels_last else torch.contiguous_format)


def test_grey_other_ranges_and_types() -> None:
    grey = torch.tensor([[[[0, 100, 200]]]], dtype=torch.uint8)
    out = Normaliser((0.5,), (0.25,), value_range=200).to_float(grey, dtype=torch.bfloat16)
    assert out.dtype == torch.bfloat16 and out.flatten().tolist() == [-2, 0, 2]
    assert Normaliser().to_float(grey).shape == (1, 1, 1, 3)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="as many means"):
        Normaliser((0.5,), (0.5, 0.5))
    with pytest.raises(ValueError, match="4 channels"):
        Normaliser().to_float(torch.zeros(1, 4, 2, 2, dtype=torch.uint8))

"""The networks: one set of tests inherited by every architecture, then what concerns all."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import segmentation_models_pytorch as smp
import torch
from torch import nn

from src.models.any_size import pad_to_stride
from src.models.segmentation_models import (
    ARCHITECTURES,
    FPN,
    PAN,
    DeepLabV3Plus,
    SegmentationModel,
    UNet,
    UnsupportedCombinationError,
    build_model,
    count_parameters,
    freeze_encoder,
    set_prior_bias,
    unfreeze_encoder,
    why_refused,
)

ENCODERS = ["resnet18", "mobilenet_v2", "timm-skresnet18", "tu-convnext_tiny"]


class ArchitectureTests:
    """What every architecture must do; a subclass gives its name."""

    architecture: str

    def build(self, encoder: str = "resnet18", **options: Any) -> SegmentationModel:
        torch.manual_seed(0)
        return build_model(self.architecture, encoder, None, **options)

    @pytest.mark.parametrize("encoder", ENCODERS)
    def test_any_size(self, encoder: str) -> None:
        if encoder == "tu-convnext_tiny":
            with torch.device("meta"):
                model = self.build(encoder, in_channels=2, classes=3).eval()
                assert model(torch.empty(2, 2, 33, 70)).shape == (2, 3, 33, 70)
            return
        model = self.build(encoder, in_channels=2, classes=3).eval()
        with torch.no_grad():
            for height, width in ((1, 1), (33, 70), (64, 31)):
                assert model(torch.randn(1, 2, height, width)).shape == (1, 3, height, width)

    @pytest.mark.parametrize("size", [(8, 8), (64, 96)])
    @pytest.mark.parametrize("encoder", ["resnet18", "timm-skresnet18"])
    def test_a_batch_of_one_trains(self, encoder: str, size: tuple[int, int]) -> None:
        model = self.build(encoder)
        output = model(torch.randn(1, 3, *size))
        output.square().mean().backward()
        assert output.shape == (1, 1, *size)
        # an output that does not depend on the image gives the first layer no gradient
        gradient = next(p for p in model.encoder.parameters()).grad
        assert gradient is not None and gradient.isfinite().all()
        for norm in model.modules():
            if isinstance(norm, nn.BatchNorm2d) and norm.running_var is not None:
                assert norm.running_var.isfinite().all()

    def test_is_the_network_of_smp(self) -> None:
        """Same keys, and the same numbers for an image that needs no padding."""
        model = self.build(classes=2).eval()
        reference = (
            ARCHITECTURES[self.architecture]._smp_class("resnet18", encoder_weights=None, classes=2).eval()
        )
        reference.load_state_dict(model.state_dict())
        image = torch.randn(1, 3, 128, 128)
        with torch.no_grad():
            torch.testing.assert_close(model(image), reference(image))

    def test_says_what_it_cannot_do(self) -> None:
        for encoder in ("vgg11", "mit_b0"):
            reason = why_refused(self.architecture, encoder)
            if reason:
                with pytest.raises(UnsupportedCombinationError, match=f"cannot be built over {encoder}"):
                    self.build(encoder)
        with pytest.raises(ValueError, match="no option 'decoder_chanels'"):
            self.build(decoder_chanels=1)


for _name in ARCHITECTURES:
    globals()[f"Test_{_name}"] = type(f"Test_{_name}", (ArchitectureTests,), {"architecture": _name})


def test_the_public_face() -> None:
    for cls in (UNet, DeepLabV3Plus, FPN):
        model = cls(encoder="resnet18", encoder_weights=None, in_channels=1, classes=4)
        assert isinstance(build_model(cls.__name__, "resnet18", None, 1, 4), cls)
        assert model(torch.randn(2, 1, 48, 50)).shape == (2, 4, 48, 50)
        assert model.encoder and model.decoder and model.segmentation_head
    assert UNet(encoder_name="mobilenetv2", encoder_weights="none").encoder_name == "mobilenet_v2"
    with pytest.raises(ValueError, match="Two encoders"):
        UNet("resnet18", None, encoder_name="resnet34")
    with pytest.raises(ValueError, match="at least 1"):
        UNet("resnet18", None, in_channels=0)


def test_decoder_options_reach_the_decoder() -> None:
    small = build_model("unet", "resnet18", None, encoder_depth=3, decoder_channels=(32, 16, 8))
    assert small.stride == 8 and small(torch.randn(1, 3, 20, 20)).shape == (1, 1, 20, 20)
    assert small.segmentation_head[0].in_channels == 8
    assert (
        PAN("vgg11", None, encoder_output_stride=32).minimum_size == 256
    )  # without dilation it takes any encoder
    with pytest.raises(ValueError, match="layernorm"):
        UNet("resnet18", None, decoder_use_norm="layernorm")
    with pytest.raises(UnsupportedCombinationError, match="unet cannot be built over resnet18 with"):
        UNet("resnet18", None, encoder_depth=9)


def test_padding_keeps_the_image_where_it_is() -> None:
    image = torch.arange(15.0).view(1, 1, 3, 5)
    padded = pad_to_stride(image, 8)
    assert padded.shape == (1, 1, 8, 8)
    assert torch.equal(padded[..., :3, :5], image)
    assert padded[0, 0, 0].tolist() == [0, 1, 2, 3, 4, 3, 2, 1]  # mirrored
    assert padded[0, 0, :, 0].tolist() == [0, 5, 10, 10, 10, 10, 10, 10]  # too small to be mirrored
    assert pad_to_stride(image[..., :1, :1], 4, minimum=9).shape == (1, 1, 12, 12)
    same = torch.zeros(1, 1, 8, 16)
    assert pad_to_stride(same, 8) is same


def test_batches_of_more_than_one_use_plain_batch_norm() -> None:
    torch.manual_seed(0)
    model = DeepLabV3Plus("resnet18", None, decoder_aspp_dropout=0.0)
    reference = smp.DeepLabV3Plus("resnet18", encoder_weights=None, decoder_aspp_dropout=0.0)
    reference.load_state_dict(model.state_dict())
    image = torch.randn(2, 3, 64, 64)
    torch.testing.assert_close(model.train()(image), reference.train()(image))
    torch.testing.assert_close(model.state_dict(), reference.state_dict())


def _encoder_state(model: nn.Module) -> dict[str, torch.Tensor]:
    return copy.deepcopy(model.encoder.state_dict())  # type: ignore[union-attr, operator]


@pytest.mark.parametrize("kind", ["lathe", "smp", "other"])
def test_a_frozen_encoder_stands_still(kind: str) -> None:
    """Weights, statistics and stochastic depth, whatever is called in between; then it moves again."""
    torch.manual_seed(0)
    model: Any = (
        UNet("efficientnet-b0", None)
        if kind == "lathe"
        else smp.Unet("efficientnet-b0", encoder_weights=None)
    )
    if kind == "other":
        inner = model
        model = nn.ModuleDict(
            {"encoder": inner.encoder, "decoder": inner.decoder, "head": inner.segmentation_head}
        )
        model.encoder = inner.encoder
        model.forward = lambda x: model["head"](model["decoder"](model.encoder(x)))
    freeze_encoder(model)
    freeze_encoder(model)  # twice is once
    before = _encoder_state(model)
    optimiser = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    image = torch.randn(2, 3, 32, 32)
    for _ in range(2):
        model.eval()
        model.train()
        model(image).mean().backward()
        optimiser.step()
    assert not any(p.requires_grad for p in model.encoder.parameters())
    torch.testing.assert_close(_encoder_state(model), before, rtol=0, atol=0)
    torch.testing.assert_close(model.encoder(image)[-1], model.encoder(image)[-1], rtol=0, atol=0)

    unfreeze_encoder(model)
    assert all(p.requires_grad for p in model.encoder.parameters()) and model.encoder.training
    model(image)
    after = _encoder_state(model)
    assert not all(torch.equal(after[key], value) for key, value in before.items())
    unfreeze_encoder(model.eval())
    assert not model.encoder.training


def test_freezing_sees_through_wrappers() -> None:
    model = UNet("resnet18", None)
    freeze_encoder(nn.DataParallel(model))
    assert model.encoder_is_frozen and not model.train().encoder.training
    unfreeze_encoder(torch.compile(model))  # type: ignore[arg-type]
    assert not model.encoder_is_frozen
    with pytest.raises(ValueError, match="no encoder"):
        freeze_encoder(nn.Linear(1, 1))


def test_prior_bias() -> None:
    model = UNet("resnet18", None)
    set_prior_bias(model, 0.02)
    nn.init.zeros_(model.segmentation_head[0].weight)
    assert model(torch.randn(2, 3, 32, 32)).sigmoid().mean().item() == pytest.approx(0.02)
    several = FPN("resnet18", None, classes=3)
    set_prior_bias(several, [90, 9, 1])
    nn.init.zeros_(several.segmentation_head[0].weight)
    shares = several(torch.randn(2, 3, 32, 32)).softmax(1).mean((0, 2, 3))
    torch.testing.assert_close(shares, torch.tensor([0.9, 0.09, 0.01]))
    set_prior_bias(several, [1.0, 0.0, 0.0])
    assert several.segmentation_head[0].bias.isfinite().all()
    for network, prior in (
        (model, 1.0),
        (model, -0.1),
        (model, [0.5, 0.5]),
        (several, 0.5),
        (several, [0, 0, 0]),
    ):
        with pytest.raises(ValueError):
            set_prior_bias(network, prior)  # type: ignore[arg-type]


def test_count_parameters() -> None:
    model = UNet("resnet18", None)
    total, trainable = count_parameters(model)
    assert (
        total == trainable == sum(p.numel() for p in smp.Unet("resnet18", encoder_weights=None).parameters())
    )
    freeze_encoder(model)
    assert count_parameters(model).trainable == total - sum(p.numel() for p in model.encoder.parameters())

"""Segmentation networks: eleven decoders over more than a hundred encoders, in one vocabulary.

    model = UNet(encoder="resnet34", encoder_weights="imagenet", in_channels=3, classes=1)
    model = build_model("deeplabv3+", "efficientnet-b0", None, in_channels=3, classes=4)

They take images N×C×H×W of any size and return logits N×classes×H×W.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import segmentation_models_pytorch as smp
import torch
from torch import nn

from src.models.base import SegmentationModel
from src.models.encoder_weights import EncoderWeightsError, WeightsReport, WeightsUnavailableError
from src.models.encoders import (
    Normalisation,
    UnsupportedCombinationError,
    encoder_normalisation,
    get_available_architectures,
    get_available_encoders,
    get_encoder_info,
    resolve_architecture,
    resolve_encoder,
    why_refused,
)

__all__ = [
    "FPN",
    "PAN",
    "DeepLabV3",
    "DeepLabV3Plus",
    "EncoderWeightsError",
    "Linknet",
    "MAnet",
    "Normalisation",
    "PSPNet",
    "ParameterCount",
    "SegformerDecoder",
    "SegmentationModel",
    "UNet",
    "UNetPlusPlus",
    "UPerNet",
    "UnsupportedCombinationError",
    "WeightsReport",
    "WeightsUnavailableError",
    "build_model",
    "count_parameters",
    "encoder_normalisation",
    "freeze_encoder",
    "get_available_architectures",
    "get_available_encoders",
    "get_encoder_info",
    "resolve_architecture",
    "resolve_encoder",
    "set_prior_bias",
    "unfreeze_encoder",
    "why_refused",
]


class UNet(SegmentationModel):
    """U-Net (Ronneberger et al. 2015, arXiv:1505.04597)."""

    architecture, title, _smp_class = "unet", "U-Net", smp.Unet
    description = (
        "Skip connections at every scale. The safe first choice, good with few images and thin shapes."
    )


class UNetPlusPlus(SegmentationModel):
    """U-Net++ (Zhou et al. 2018, arXiv:1807.10165)."""

    architecture, title, _smp_class = "unetplusplus", "U-Net++", smp.UnetPlusPlus
    description = "U-Net with nested skip connections. Often a little better at borders, about twice as slow."


class DeepLabV3(SegmentationModel):
    """DeepLabV3 (Chen et al. 2017, arXiv:1706.05587), encoder at stride 8."""

    architecture, title, _smp_class = "deeplabv3", "DeepLabV3", smp.DeepLabV3
    description = "Dilated convolutions at several rates. Much context, soft borders, heavy."


class DeepLabV3Plus(SegmentationModel):
    """DeepLabV3+ (Chen et al. 2018, arXiv:1802.02611), encoder at stride 16."""

    architecture, title, _smp_class = "deeplabv3plus", "DeepLabV3+", smp.DeepLabV3Plus
    description = "DeepLabV3 with a decoder that sharpens borders. Strong where objects differ much in size."


class FPN(SegmentationModel):
    """Feature pyramid network (Kirillov et al. 2019, arXiv:1901.02446)."""

    architecture, title, _smp_class = "fpn", "FPN", smp.FPN
    description = (
        "A pyramid of features, summed. Fast and light on memory; borders at a quarter of the resolution."
    )


class Linknet(SegmentationModel):
    """LinkNet (Chaurasia and Culurciello 2017, arXiv:1707.03718)."""

    architecture, title, _smp_class = "linknet", "LinkNet", smp.Linknet
    description = "A U-Net that adds where others join. Small and fast."


class MAnet(SegmentationModel):
    """Multi-scale attention net (Fan et al. 2020, doi:10.1109/ACCESS.2020.3025372)."""

    architecture, title, _smp_class = "manet", "MA-Net", smp.MAnet
    description = "U-Net with attention over positions and scales. Large decoder."


class PAN(SegmentationModel):
    """Pyramid attention network (Li et al. 2018, arXiv:1805.10180), encoder at stride 16."""

    architecture, title, _smp_class = "pan", "PAN", smp.PAN
    description = "Global attention over a small decoder. Images are padded to at least 128 pixels."

    def _minimum_size(self) -> int:
        # Three poolings by two follow the encoder and end in nothing on a map of fewer than eight pixels.
        return 8 * self.stride


class PSPNet(SegmentationModel):
    """Pyramid scene parsing network (Zhao et al. 2017, arXiv:1612.01105), on three stages of the encoder."""

    architecture, title, _smp_class = "pspnet", "PSPNet", smp.PSPNet
    description = "Pools the whole scene at four scales. Fast and coarse: an eighth of the resolution."


class UPerNet(SegmentationModel):
    """Unified perceptual parsing network (Xiao et al. 2018, arXiv:1807.10221)."""

    architecture, title, _smp_class = "upernet", "UPerNet", smp.UPerNet
    description = (
        "Pyramid pooling and a feature pyramid. The usual partner of ConvNeXt and transformer encoders."
    )


class SegformerDecoder(SegmentationModel):
    """The all-MLP decoder of SegFormer (Xie et al. 2021, arXiv:2105.15203) over any encoder."""

    architecture, title, _smp_class = "segformer", "SegFormer decoder", smp.Segformer
    description = "A few linear layers over all scales. Light; meant for transformer encoders."


ARCHITECTURES: dict[str, type[SegmentationModel]] = {
    cls.architecture: cls
    for cls in (
        UNet,
        UNetPlusPlus,
        DeepLabV3Plus,
        DeepLabV3,
        FPN,
        UPerNet,
        SegformerDecoder,
        MAnet,
        Linknet,
        PAN,
        PSPNet,
    )
}


def build_model(
    architecture: str,
    encoder: str = "resnet34",
    encoder_weights: str | Path | None = "imagenet",
    in_channels: int = 3,
    classes: int = 1,
    **options: Any,
) -> SegmentationModel:
    """Build a network by the name of its architecture; the arguments are those of `SegmentationModel`.

    `classes` is 1 for a binary problem, else the number of classes with the background. Raises as the class
    does.
    """
    cls = ARCHITECTURES[resolve_architecture(architecture)]
    return cls(encoder, encoder_weights, in_channels, classes, **options)


def _unwrap(model: nn.Module) -> nn.Module:
    """The model inside DistributedDataParallel and torch.compile."""
    while True:
        # torch.compile's shell passes every attribute on, so it is looked for first
        inner = model._modules.get("_orig_mod") or model._modules.get("module")
        if inner is None:
            break
        model = inner
    if not hasattr(model, "encoder"):
        raise ValueError(f"{type(model).__name__} has no encoder.")
    return model


def _keep_in_evaluation(encoder: nn.Module, _inputs: Any) -> None:
    if encoder.training:
        encoder.eval()


def freeze_encoder(model: nn.Module) -> None:
    """Stop the training of the encoder: no gradients, and the whole of it stays in evaluation mode.

    So running statistics stand still and neither dropout nor stochastic depth acts, also after a later
    `model.train()`. Give the optimiser only parameters that require gradients, or weight decay will still
    move them. The flag is not part of the state dict. Works on any module with an `encoder`; raises
    ValueError without one.
    """
    model = _unwrap(model)
    encoder: Any = model.encoder
    encoder.requires_grad_(False)
    encoder.eval()
    if isinstance(model, SegmentationModel):
        model.encoder_is_frozen = True
    elif not hasattr(encoder, "_lathe_freeze"):
        # Other classes know nothing of a frozen encoder when train() is called; smp's own flag leaves
        # dropout running.
        encoder._lathe_freeze = encoder.register_forward_pre_hook(_keep_in_evaluation)


def unfreeze_encoder(model: nn.Module) -> None:
    """Undo `freeze_encoder`: all of the encoder's parameters train, and it is in the mode the model is in."""
    model = _unwrap(model)
    encoder: Any = model.encoder
    encoder.requires_grad_(True)
    if isinstance(model, SegmentationModel):
        model.encoder_is_frozen = False
    elif hasattr(encoder, "_lathe_freeze"):
        encoder._lathe_freeze.remove()
        del encoder._lathe_freeze
    encoder.train(model.training)


def set_prior_bias(model: nn.Module, prior: float | Sequence[float]) -> None:
    """Let an untrained model predict the frequencies of the classes (Lin et al. 2017, arXiv:1708.02002,
    section 4.1).

    For one class `prior` is the fraction of foreground pixels p, and the last bias becomes log(p/(1-p));
    for several it holds a frequency for each, scaled to sum to one, and the biases become their logarithms.
    Frequencies below 1e-6 count as that. Raises ValueError for a prior that does not fit.
    """
    head: Any = _unwrap(model).segmentation_head
    last = [layer for layer in head.modules() if isinstance(layer, nn.Conv2d)][-1]
    if last.bias is None:
        raise ValueError("The last layer has no bias.")
    values = [float(prior)] if isinstance(prior, int | float) else [float(value) for value in prior]
    if len(values) != last.out_channels:
        raise ValueError(
            f"The model has {last.out_channels} classes, but {len(values)} frequencies are given."
        )
    if min(values) < 0 or not math.isfinite(sum(values)) or sum(values) <= 0:
        raise ValueError(f"Frequencies must be positive numbers, not {values}.")
    if len(values) == 1:
        if values[0] >= 1:
            raise ValueError(f"The fraction of foreground must lie between 0 and 1, not be {values[0]}.")
        p = max(values[0], 1e-6)
        biases = [math.log(p / (1 - p))]
    else:
        biases = [math.log(max(value / sum(values), 1e-6)) for value in values]
    with torch.no_grad():
        last.bias.copy_(torch.tensor(biases))


class ParameterCount(NamedTuple):
    """Numbers of parameters (not bytes)."""

    total: int
    trainable: int


def count_parameters(model: nn.Module) -> ParameterCount:
    """How many parameters a model has, and how many of them train."""
    parameters = list(model.parameters())
    return ParameterCount(
        sum(p.numel() for p in parameters), sum(p.numel() for p in parameters if p.requires_grad)
    )

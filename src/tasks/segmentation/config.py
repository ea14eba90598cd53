"""Options of semantic segmentation. Torch-free."""

from __future__ import annotations

from typing import Literal

from src.core.config.conditions import unless, when
from src.core.config.fields import Section, option, section
from src.core.config.mixing import ALONE, MixingConfig
from src.core.config.training import RunConfig, TrainingConfig
from src.core.dataset.config import ImageDataConfig


class SegmentationModelConfig(Section):
    """The network."""

    architecture: Literal[
        "unet", "unetplusplus", "deeplabv3", "deeplabv3plus", "fpn", "linknet", "manet", "pan", "pspnet", "upernet",
        "segformer",
    ] = option(
        "unet", "Architecture", "Decoder that turns the encoder's features into a mask; U-Net is the safe choice.",
        choice_labels={
            "unet": "U-Net", "unetplusplus": "U-Net++", "deeplabv3": "DeepLabV3", "deeplabv3plus": "DeepLabV3+",
            "fpn": "FPN", "linknet": "LinkNet", "manet": "MA-Net", "pan": "PAN", "pspnet": "PSPNet", "upernet": "UPerNet",
            "segformer": "SegFormer head",
        },
    )  # fmt: skip
    encoder: str = option(
        "resnet18", "Encoder", "Backbone that extracts features; larger ones need more memory and more data.",
        choices_from="encoders",
    )  # fmt: skip
    encoder_weights: str | None = option(
        None, "Encoder weights", "imagenet (downloaded once), none, or a file of weights on this machine.",
        path="file_or_none", choices_from="encoder_weights",
    )  # fmt: skip
    start_from: str | None = option(
        None, "Start from a model", "A run, or a file with the weights of the whole network, where the training begins; the "
        "encoder weights then only decide how images are normalised. Empty begins anew.", path="file_or_none",
    )  # fmt: skip
    freeze_epochs: int = option(
        0, "Freeze the encoder for", "The encoder keeps its weights during the first epochs; useful with pretrained weights only.",
        unit="epochs", ge=0,
    )  # fmt: skip
    prior_bias: bool = option(
        True, "Start from the class shares", "The last layer starts by predicting each class as often as it occurs, so that "
        "rare objects are learnt from the first step on.", advanced=True,
    )  # fmt: skip
    stochastic_depth: float | None = option(
        None, "Stochastic depth", "Chance that the encoder's last residual block is left out in a training step, growing from 0 at "
        "the first block; empty keeps what the encoder was made with, which is none in most.", ge=0, lt=1, advanced=True,
    )  # fmt: skip
    dropout: float | None = option(
        None, "Decoder drop-out", "Share of the decoder's values (in most architectures: of its last channels) that is left out "
        "in a training step; empty keeps what the architecture was made with.", ge=0, lt=1, advanced=True,
    )  # fmt: skip


class LossConfig(Section):
    """What the training lowers."""

    name: Literal["combined", "dice", "bce", "focal", "iou", "tversky"] = option(
        "combined", "Loss", "Combined adds Dice, cross-entropy and focal by their weights.",
        choice_labels={"combined": "Combined", "dice": "Dice", "bce": "Cross-entropy", "focal": "Focal", "iou": "IoU (Jaccard)",
                       "tversky": "Tversky"},
    )  # fmt: skip
    dice_weight: float = option(
        1.0, "Dice weight", "Share of the Dice loss.", ge=0, le=100, applies=[when("name", "combined")]
    )
    bce_weight: float = option(
        1.0,
        "Cross-entropy weight",
        "Share of the cross-entropy.",
        ge=0,
        le=100,
        applies=[when("name", "combined")],
    )
    focal_weight: float = option(
        0.0, "Focal weight", "Share of the focal loss.", ge=0, le=100, applies=[when("name", "combined")]
    )
    positive_weight: float = option(
        0.0, "Object weight", "Binary cross-entropy counts object pixels this many times; 0 takes √(background / object), "
        "from 1 to 10; does nothing with several classes.", ge=0, le=1000, applies=[when("name", "combined", "bce")], advanced=True,
    )  # fmt: skip
    class_weights: Literal["none", "inverse", "inverse_sqrt", "median_frequency", "effective"] = option(
        "none", "Class weights", "Rare classes count more, by their share of the training pixels; multi-class only.", advanced=True,
        applies=[unless("data.masks.meaning", "binary")],
        choice_labels={"none": "None", "inverse": "1 / frequency", "inverse_sqrt": "1 / √frequency",
                       "median_frequency": "Median frequency", "effective": "Effective number"},
    )  # fmt: skip
    gamma: float = option(
        2.0, "Focal gamma", "How strongly easy pixels are played down.", ge=0, le=10, advanced=True,
        applies=[when("name", "combined", "focal")],
    )  # fmt: skip
    smooth: float = option(
        1.0,
        "Smoothing",
        "Constant s of the Dice, IoU and Tversky formulas, in pixels.",
        ge=0,
        le=1e6,
        advanced=True,
    )


class RegularisationConfig(MixingConfig):
    """What keeps a network from learning the training images by heart, beside augmentation and weight decay."""

    cutmix: float = option(
        0.0, "CutMix", "Share of the batches in which a rectangle of each image, and of its mask, comes from another one of the "
        "batch; 0 turns it off.", ge=0, le=1, advanced=True, applies=[ALONE],
    )  # fmt: skip
    label_smoothing: float = option(
        0.0, "Label smoothing", "Share of each pixel's truth that the cross-entropy gives to all classes alike, so that the "
        "network grows less sure of itself; 0 turns it off.", ge=0, lt=1, advanced=True,
        applies=[when("loss.name", "combined", "bce"),
                 unless("loss.bce_weight", 0, because="the cross-entropy has no share in the loss")],
    )  # fmt: skip


class SegmentationTrainingConfig(TrainingConfig):
    """The engine's options, the loss and what keeps from overfitting."""

    loss: LossConfig = section(LossConfig, "Loss")
    regularisation: RegularisationConfig = section(RegularisationConfig, "Regularisation")


class SegmentationConfig(RunConfig):
    """The whole configuration of a segmentation run."""

    task: Literal["segmentation"] = option("segmentation", "Task", "The training problem.")
    model: SegmentationModelConfig = section(SegmentationModelConfig, "")
    training: SegmentationTrainingConfig = section(SegmentationTrainingConfig, "")  # type: ignore[assignment]
    data: ImageDataConfig = section(ImageDataConfig, "")

"""How a trained segmentation model goes over images: options of every job that predicts. Torch-free."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator

from src.core.config.conditions import unless, when
from src.core.config.fields import Section, option, section


class ForeignConfig(Section):
    """What a model file from elsewhere does not say of itself. Models that Lathe trained need none of it."""

    architecture: Literal[
        "", "unet", "unetplusplus", "deeplabv3", "deeplabv3plus", "fpn", "linknet", "manet", "pan", "pspnet", "upernet",
        "segformer",
    ] = option(
        "", "Architecture", "Of a model file that Lathe did not write (a .pth of segmentation_models_pytorch); does nothing "
        "for other models.", advanced=True,
        choice_labels={
            "": "Said by the file", "unet": "U-Net", "unetplusplus": "U-Net++", "deeplabv3": "DeepLabV3",
            "deeplabv3plus": "DeepLabV3+", "fpn": "FPN", "linknet": "LinkNet", "manet": "MA-Net", "pan": "PAN",
            "pspnet": "PSPNet", "upernet": "UPerNet", "segformer": "SegFormer head",
        },
    )  # fmt: skip
    encoder: str = option(
        "resnet34", "Encoder", "The encoder that the file was trained with.", advanced=True, choices_from="encoders",
        applies=[when("architecture")],
    )  # fmt: skip
    classes: list[str] = option(
        list, "Classes", "Names in the order of the model's output, the background first; empty numbers them.",
        advanced=True, applies=[when("architecture")],
    )  # fmt: skip
    channels: Literal["auto", "grey", "colour"] = option(
        "auto", "Channels", "Of the images that it takes.", advanced=True, applies=[when("architecture")],
        choice_labels={"auto": "As the weights say", "grey": "1 (grey)", "colour": "3 (RGB)"},
    )  # fmt: skip
    image_size: int = option(
        512, "Image size", "Side of the squares that it was trained with.", unit="px", ge=16, le=8192, advanced=True,
        applies=[when("architecture")],
    )  # fmt: skip
    resize: Literal["stretch", "letterbox", "crop"] = option(
        "crop", "Images were", "How the images came to that size in its training.", advanced=True,
        applies=[when("architecture")],
        choice_labels={"stretch": "Stretched", "letterbox": "Scaled with bars", "crop": "Cut into windows"},
    )  # fmt: skip
    normalise: Literal["imagenet", "half", "unit", "image"] = option(
        "imagenet", "Normalisation", "How pixel values became numbers in its training.", advanced=True,
        applies=[when("architecture")],
        choice_labels={"imagenet": "Mean and deviation of ImageNet", "half": "-1 to 1", "unit": "0 to 1",
                       "image": "Mean and deviation of each image"},
    )  # fmt: skip


class InferenceConfig(Section):
    """How a model goes over images of any size."""

    geometry: Literal["auto", "resize", "tiles"] = option(
        "auto", "Images of other sizes", "Automatic treats images as in training, and takes a sliding window for models that were "
        "trained on windows and for images much larger than those of the training.",
        choice_labels={"auto": "Automatic", "resize": "Scale each to the trained size", "tiles": "Sliding window"},
    )  # fmt: skip
    tile: int = option(
        0, "Window", "Side of the sliding window; 0 takes the size that the model was trained with.", unit="px",
        ge=0, le=8192, applies=[unless("geometry", "resize", because="images are scaled as a whole")],
    )  # fmt: skip
    overlap: float = option(
        0.25, "Overlap", "Share of the window that neighbours have in common, blended smoothly; more is smoother and slower.",
        ge=0, le=0.75, applies=[unless("geometry", "resize", because="images are scaled as a whole")],
    )  # fmt: skip
    scale: float = option(
        0.0, "Scale", "The image is scaled by this number before the window slides over it; 0 takes the scale of the training.",
        ge=0, le=16, advanced=True, applies=[unless("geometry", "resize", because="images are scaled as a whole")],
    )  # fmt: skip
    tta: Literal["none", "flips", "all"] = option(
        "none", "Average over views", "Predicts mirrored and turned copies too and averages them: often a little better, "
        "4 or 8 times as long.",
        choice_labels={"none": "Off", "flips": "Mirrored (4 views)", "all": "Mirrored and turned (8 views)"},
    )  # fmt: skip
    foreign: ForeignConfig = section(ForeignConfig, "Model from elsewhere")

    @field_validator("tile")
    @classmethod
    def _window_shows_something(cls, value: int) -> int:
        if 0 < value < 32:
            raise ValueError(
                f"A window of {value} px shows too little: take at least 32, or 0 for the trained size."
            )
        return value

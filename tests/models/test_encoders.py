"""The table of encoders: that it tells the truth of the installed libraries, and the spelling of names."""

from __future__ import annotations

import subprocess
import sys

import pytest
import segmentation_models_pytorch as smp
from segmentation_models_pytorch.encoders import encoders as smp_encoders

from src.models.encoders import (
    TABLE_PATH,
    encoder_normalisation,
    get_available_architectures,
    get_available_encoders,
    get_encoder_info,
    load_table,
    resolve_architecture,
    resolve_encoder,
    weight_names,
    why_refused,
)
from src.models.make_encoder_table import TIMM_ENCODERS, architecture_row, encoder_row
from src.models.segmentation_models import ARCHITECTURES

SAMPLE = ["resnet18", "tu-efficientvit_b0"]


def test_what_is_promised_is_there() -> None:
    names = get_available_encoders()
    assert names == sorted(set(names)) and len(names) > 100
    promised = [f"resnet{n}" for n in (18, 34, 50, 101, 152)] + [f"efficientnet-b{n}" for n in range(8)]
    promised += [f"densenet{n}" for n in (121, 161, 169, 201)] + ["mobilenet_v2"]
    assert set(promised) <= set(names)
    assert set(names) == set(smp_encoders) | {f"tu-{name}" for name in TIMM_ENCODERS}
    assert get_available_architectures() == list(ARCHITECTURES)


@pytest.mark.parametrize("name", SAMPLE)
def test_rows_are_what_the_libraries_say(name: str) -> None:
    assert get_encoder_info(name) == encoder_row(name)


def test_every_row_is_complete() -> None:
    for row in load_table()["encoders"]:
        assert row["parameters_m"] > 0 and row["family"] != "Other" and row["channels"], row["name"]
        assert set(row["decoder_parameters_m"]) | set(row["refuses"]) == set(ARCHITECTURES)
        assert not set(row["decoder_parameters_m"]) & set(row["refuses"])
        assert (
            row["imagenet"] == ("imagenet" in row["weights"]) and list(row["normalisation"]) == row["weights"]
        )
        if row["name"] in smp_encoders:
            settings = smp_encoders[row["name"]]["pretrained_settings"]
            assert set(row["weights"]) == set(settings)
    for row in load_table()["architectures"]:
        assert row == {**architecture_row(row["name"]), "options": row["options"]}


def test_reading_the_table_needs_no_torch() -> None:
    code = "import sys; from src.models.encoders import *; "
    code += "encoder_normalisation(resolve_encoder('EfficientNetB0')); sys.exit('torch' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=TABLE_PATH.parents[1], check=False).returncode == 0
    )


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("efficientnet_b0", "efficientnet-b0"),
        ("EfficientNetB0", "efficientnet-b0"),
        ("EfficientNet-B7", "efficientnet-b7"),
        ("mobilenetv2", "mobilenet_v2"),
        ("MobileNetV2", "mobilenet_v2"),
        ("DenseNet-121", "densenet121"),
        (" ResNet50 ", "resnet50"),
        ("ConvNeXt-Tiny", "tu-convnext_tiny"),
        ("mobilenetv3_large_100", "tu-mobilenetv3_large_100"),
        ("tu-resnet10t", "tu-resnet10t"),  # timm's, beyond the table
    ],
)
def test_natural_spellings(given: str, canonical: str) -> None:
    assert resolve_encoder(given) == canonical


def test_every_name_is_its_own() -> None:
    for name in get_available_encoders():
        assert resolve_encoder(name) == resolve_encoder(name.upper()) == name


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("UNet", "unet"),
        ("U-Net++", "unetplusplus"),
        ("deeplabv3+", "deeplabv3plus"),
        ("DeepLabV3Plus", "deeplabv3plus"),
        ("DeepLab_v3", "deeplabv3"),
        ("FPN", "fpn"),
        ("MAnet", "manet"),
    ],
)
def test_names_of_architectures(given: str, canonical: str) -> None:
    assert resolve_architecture(given) == canonical


def test_unknown_names_get_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"no encoder 'resnet43'.*resnet34"):
        resolve_encoder("resnet43")
    with pytest.raises(ValueError, match="no encoder 'tu-not_a_model'"):
        resolve_encoder("tu-not_a_model")
    with pytest.raises(ValueError, match=r"Did you mean .*unet"):
        resolve_architecture("unett")
    with pytest.raises(ValueError, match="no architecture 'dpt'"):
        resolve_architecture("dpt")


def test_refusals_are_sentences() -> None:
    reason = why_refused("DeepLabV3+", "DenseNet121")
    assert reason and "deeplabv3plus cannot be built over densenet121" in reason and "unet" in reason
    assert why_refused("unet", "densenet121") is None
    for architecture in ("linknet", "unetplusplus"):
        assert why_refused(architecture, "mit_b0")


def test_normalisation() -> None:
    imagenet = encoder_normalisation("resnet34", "imagenet")
    assert imagenet == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), (0.0, 1.0))
    assert encoder_normalisation("resnet34", None) == encoder_normalisation("resnet34", "my.pth") == imagenet
    assert encoder_normalisation("efficientnet-b0", "advprop").mean == (0.5, 0.5, 0.5)
    assert encoder_normalisation("xception").std == (0.5, 0.5, 0.5)
    assert encoder_normalisation("dpn68").std == pytest.approx((1 / (0.0167 * 255),) * 3, abs=1e-6)
    assert encoder_normalisation("tu-tf_efficientnetv2_s").mean == (0.5, 0.5, 0.5)
    assert encoder_normalisation("tu-tf_efficientnet_b0.ap_in1k").mean == (
        0.5,
        0.5,
        0.5,
    )  # timm's, beyond the table
    assert weight_names("resnet18") == ["imagenet", "ssl", "swsl"]
    assert smp.__version__ == load_table()["versions"]["segmentation_models_pytorch"]

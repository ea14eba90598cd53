"""Writes `resources/encoders.json` from the installed libraries: `python -m src.models.make_encoder_table`.

Every encoder is built without weights under every architecture, on torch's meta device, and
sent an image; so the table says what works with these versions, not what a manual promises. It takes a few
minutes.
"""

from __future__ import annotations

import argparse
import json
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from src.models.encoders import IMAGENET_MEAN, IMAGENET_STD, TABLE_FORMAT, TABLE_PATH
from src.models.segmentation_models import ARCHITECTURES
from src.models.stochastic_depth import set_stochastic_depth

# timm's models that proved themselves here with images of any size; smp's own list stops at about 2022.
TIMM_ENCODERS = (
    "caformer_s18", "convnext_base", "convnext_small", "convnext_tiny", "convnextv2_nano",
    "convnextv2_tiny", "dla34", "edgenext_small", "efficientvit_b0", "fastvit_t8", "gernet_m",
    "hgnetv2_b0", "hgnetv2_b4", "hrnet_w18", "hrnet_w32", "inception_next_tiny", "mambaout_tiny",
    "mobilenetv3_large_100", "mobilenetv3_small_100", "mobilenetv4_conv_medium",
    "mobilenetv4_conv_small", "pvt_v2_b0", "pvt_v2_b1", "pvt_v2_b2", "regnetx_016", "regnety_016",
    "regnety_032", "repvgg_a2", "res2net50_26w_4s", "resnest50d", "resnet18d", "resnet50d",
    "tf_efficientnetv2_b0", "tf_efficientnetv2_m", "tf_efficientnetv2_s", "wide_resnet50_2",
)  # fmt: skip

# The start of a name and its family; the first that fits.
_FAMILIES = (
    ("timm-efficientnet", "EfficientNet (timm)"), ("timm-tf_efficientnet_lite", "EfficientNet Lite"),
    ("timm-sk", "SKNet"), ("tf_efficientnetv2", "EfficientNetV2"), ("efficientnet", "EfficientNet"),
    ("resnext", "ResNeXt"), ("resnet", "ResNet"), ("wide_resnet", "ResNet"), ("se_res", "SENet"),
    ("senet", "SENet"), ("dpn", "DPN"), ("vgg", "VGG"), ("densenet", "DenseNet"),
    ("inception_next", "InceptionNeXt"), ("inception", "Inception"), ("mobilenet_v2", "MobileNet"),
    ("mobilenet", "MobileNet"), ("mobileone", "MobileOne"), ("mit_b", "Mix Transformer"),
    ("xception", "Xception"), ("convnext", "ConvNeXt"), ("regnet", "RegNet"), ("hrnet", "HRNet"),
    ("pvt_v2", "PVT v2"), ("hgnet", "HGNet"), ("res2net", "Res2Net"), ("resnest", "ResNeSt"),
    ("repvgg", "RepVGG"), ("caformer", "MetaFormer"), ("mambaout", "MambaOut"), ("edgenext", "EdgeNeXt"),
    ("efficientvit", "EfficientViT"), ("fastvit", "FastViT"), ("gernet", "GENet"), ("dla", "DLA"),
)  # fmt: skip

# smp 0.6 keeps these in files on the hub. They are what its releases up to 0.4 had in the source (there
# taken from Cadene's pretrained-models.pytorch for the older networks, from timm for the newer).
_HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
_DPN = ((124 / 255, 117 / 255, 104 / 255), (1 / (0.0167 * 255),) * 3)
_NOTES = {
    "mit_b": "Its code and weights are under NVIDIA's source code licence: research and evaluation only.",
}


def normalisation(encoder: str, weights: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of smp's weights for RGB in [0, 1]."""
    if weights == "advprop" or encoder.startswith(("inception", "xception", "timm-tf_efficientnet_lite")):
        return _HALF
    return _DPN if encoder.startswith("dpn") else (IMAGENET_MEAN, IMAGENET_STD)


def family_of(encoder: str) -> str:
    """The family under which a window lists the encoder."""
    bare = encoder.removeprefix("tu-")
    return next((title for start, title in _FAMILIES if bare.startswith(start)), "Other")


def _millions(module: nn.Module) -> float:
    return round(sum(p.numel() for p in module.parameters()) / 1e6, 3)


class _RealNumbers(TorchFunctionMode):
    """Keeps torch.linspace on the CPU: smp's mix transformers read its values while they are being built."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Called for each torch function."""
        place = {"device": "cpu"} if func is torch.linspace else {}
        return func(*args, **{**(kwargs or {}), **place})


def _try(architecture: str, encoder: str) -> Any:
    """The smp network on the meta device, after it has answered an image that is not square."""
    with torch.device("meta"), _RealNumbers(), torch.no_grad():
        cls = ARCHITECTURES[architecture]._smp_class
        network = cls(encoder_name=encoder, encoder_weights=None, classes=2).eval()
        output = network(torch.zeros(1, 3, 160, 128))
    if output.shape != (1, 2, 160, 128):
        raise RuntimeError(f"It returns {tuple(output.shape)} for an image of 160×128.")
    return network


def _refusal(architecture: str, error: Exception | None) -> str | None:
    """The reason in a sentence for a window, or None where the two go together."""
    if error is None:
        return None
    if architecture in ("deeplabv3", "deeplabv3plus", "pan"):
        return (
            "It needs an encoder that can dilate its last stages in place of striding, which this one cannot."
        )
    if architecture in ("linknet", "unetplusplus"):
        return "It needs features at half the resolution of the image, which this encoder has not."
    return f"{str(error) or type(error).__name__}".splitlines()[0].rstrip(".") + "."


def _pretrained(encoder: str) -> tuple[dict[str, Any], str | None]:
    """The normalisation by name of weights, and the hub's repository of the first."""
    if encoder.startswith("tu-"):
        from timm.models import get_pretrained_cfg

        cfg = get_pretrained_cfg(encoder.removeprefix("tu-"))
        if cfg is None or not cfg.hf_hub_id:
            return {}, None
        return {"imagenet": {"mean": list(cfg.mean), "std": list(cfg.std)}}, cfg.hf_hub_id
    from segmentation_models_pytorch.encoders import encoders

    settings = encoders[encoder]["pretrained_settings"]
    norms = {}
    for name in sorted(settings, key=lambda name: name != "imagenet"):
        mean, std = normalisation(encoder, name)
        norms[name] = {"mean": [round(v, 6) for v in mean], "std": [round(v, 6) for v in std]}
    return norms, settings[next(iter(norms))]["repo_id"] if norms else None


def encoder_row(encoder: str) -> dict[str, Any]:
    """One encoder's row: sizes, weights, normalisation, decoders' parameters and refusals."""
    own: nn.Module | None = None
    channels: list[int] = []
    decoders: dict[str, float] = {}
    refuses: dict[str, str] = {}
    for architecture in ARCHITECTURES:
        network: Any = None
        failure: Exception | None = None
        try:
            network = _try(architecture, encoder)
        except Exception as error:  # whatever a library raises is the finding
            failure = error
        if architecture == "unet":
            own, channels = network.encoder, [int(c) for c in network.encoder.out_channels]
        reason = _refusal(architecture, failure)
        if reason:
            refuses[architecture] = reason
        else:
            decoders[architecture] = round(
                _millions(network.decoder) + _millions(network.segmentation_head), 3
            )
    assert own is not None  # U-Net refuses nothing
    norms, repository = _pretrained(encoder)
    note = next((text for start, text in _NOTES.items() if encoder.startswith(start)), None)
    return {
        "name": encoder,
        "family": family_of(encoder),
        "parameters_m": _millions(own),
        "imagenet": "imagenet" in norms,
        "weights": list(norms),
        "hub": repository,
        "normalisation": norms,
        "stride": 32,
        "channels": channels,
        "stochastic_depth": set_stochastic_depth(own, 0.1) > 0,
        "decoder_parameters_m": decoders,
        "refuses": refuses,
        **({"note": note} if note else {}),
    }


def architecture_row(architecture: str) -> dict[str, Any]:
    """One architecture's row: what a window says of it, and smp's defaults of its options."""
    cls = ARCHITECTURES[architecture]
    return {
        "name": architecture,
        "title": cls.title,
        "description": cls.description,
        "source": (cls.__doc__ or "").splitlines()[0].rstrip("."),
        "options": cls.decoder_options(),
    }


def make_table() -> dict[str, Any]:
    """The whole table."""
    from segmentation_models_pytorch.encoders import encoders

    rows = []
    for name in [*encoders, *(f"tu-{model}" for model in TIMM_ENCODERS)]:
        rows.append(encoder_row(name))
        print(
            f"{name}: {rows[-1]['parameters_m']} M, refused by {', '.join(rows[-1]['refuses']) or 'none'}",
            flush=True,
        )
    return {
        "format": TABLE_FORMAT,
        "made_by": "python -m src.models.make_encoder_table",
        "versions": {name: version(name) for name in ("segmentation_models_pytorch", "timm")},
        "architectures": [architecture_row(name) for name in ARCHITECTURES],
        "encoders": sorted(rows, key=lambda row: (row["family"], row["parameters_m"])),
    }


def main() -> None:
    """Write the table, one row a line so that a change of version shows as a readable difference."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--output", type=Path, default=TABLE_PATH)
    output: Path = parser.parse_args().output
    warnings.simplefilter("ignore")
    table = make_table()
    lines = []
    for key, value in table.items():
        if isinstance(value, list):
            text = "[\n" + ",\n".join(f"  {json.dumps(row, ensure_ascii=False)}" for row in value) + "\n ]"
        else:
            text = json.dumps(value, ensure_ascii=False)
        lines.append(f" {json.dumps(key)}: {text}")
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    print(f"{len(table['encoders'])} encoders written to {output}")


if __name__ == "__main__":
    main()

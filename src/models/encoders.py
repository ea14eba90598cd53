"""What encoders and architectures there are: names, sizes, weights, normalisation. Reads a table; needs no
torch.

The table `resources/encoders.json` is written by `python -m src.models.make_encoder_table` from the
installed libraries, so that a window can show it without importing torch.
"""

from __future__ import annotations

import difflib
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

TABLE_PATH = Path(__file__).resolve().parents[2] / "resources" / "encoders.json"
TABLE_FORMAT = 1

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

_ARCHITECTURE_ALIASES = {
    "deeplabv3p": "deeplabv3plus",
    "deeplabplus": "deeplabv3plus",
    "unetpp": "unetplusplus",
}


class Normalisation(NamedTuple):
    """How an image must be scaled for an encoder: `(image - mean) / std`, image in `range` (RGB order)."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    range: tuple[float, float]


class UnsupportedCombinationError(ValueError):
    """An architecture cannot be built over the chosen encoder; the message names what can."""


@lru_cache(maxsize=1)
def load_table() -> dict[str, Any]:
    """The whole table: `architectures` and `encoders`, each a list of mappings with a `name`.

    Raises FileNotFoundError where the table has not been made, ValueError where it is of another format.
    """
    if not TABLE_PATH.is_file():
        raise FileNotFoundError(
            f"{TABLE_PATH} is missing; make it with: python -m src.models.make_encoder_table"
        )
    table: dict[str, Any] = json.loads(TABLE_PATH.read_text(encoding="utf-8"))
    if table.get("format") != TABLE_FORMAT:
        raise ValueError(
            f"{TABLE_PATH} has format {table.get('format')!r}, {TABLE_FORMAT} is needed; make it again."
        )
    return table


@lru_cache(maxsize=1)
def _encoder_rows() -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in load_table()["encoders"]}


def get_available_encoders() -> list[str]:
    """The names of all encoders that are offered, sorted. Any other `tu-<timm model>` may work, untested."""
    return sorted(_encoder_rows())


def get_available_architectures() -> list[str]:
    """The names of all architectures, in the order in which a window should show them."""
    return [row["name"] for row in load_table()["architectures"]]


def get_encoder_info(encoder: str) -> dict[str, Any]:
    """The table's row for an encoder (any accepted spelling).

    Raises ValueError for a name that is unknown, or known to timm only.
    """
    name = resolve_encoder(encoder)
    if name not in _encoder_rows():
        raise ValueError(f"Encoder '{name}' comes from timm and is not in Lathe's table of encoders.")
    return _encoder_rows()[name]


def _squeeze(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("+", "plus"))


@lru_cache(maxsize=1)
def _encoder_aliases() -> dict[str, str]:
    aliases = {_squeeze(name): name for name in _encoder_rows()}
    # "ConvNeXt-Tiny" should find tu-convnext_tiny, but "efficientnet-b0" must never become
    # timm-efficientnet-b0.
    for name in _encoder_rows():
        for prefix in ("tu-", "timm-"):
            if name.startswith(prefix):
                aliases.setdefault(_squeeze(name.removeprefix(prefix)), name)
    return aliases


def _nearest(name: str, choices: dict[str, str]) -> str:
    close = difflib.get_close_matches(_squeeze(name), choices, n=5, cutoff=0.5)
    found = list(dict.fromkeys(choices[key] for key in close))
    return (
        f" Did you mean {', '.join(found)}?"
        if found
        else f" Known names begin {', '.join(sorted(set(choices.values()))[:5])}, …"
    )


def resolve_encoder(name: str) -> str:
    """The canonical name of an encoder, for any natural spelling (`EfficientNetB0`, `mobilenetv2`,
    `DenseNet-121`).

    A name `tu-<model>` that is not in the table is passed on where timm knows the model. Raises ValueError
    with the nearest names otherwise.
    """
    stripped = name.strip()
    found = _encoder_aliases().get(_squeeze(stripped))
    if found is not None:
        return found
    if stripped.lower().startswith("tu-"):
        import timm  # only now: it imports torch

        if timm.is_model(stripped[3:].split(".")[0]):
            return "tu-" + stripped[3:]
    raise ValueError(f"There is no encoder '{name}'.{_nearest(name, _encoder_aliases())}")


def resolve_architecture(name: str) -> str:
    """The canonical name of an architecture (`U-Net++`, `DeepLabV3+`, case does not matter). Raises
    ValueError."""
    choices = {_squeeze(row): row for row in get_available_architectures()} | _ARCHITECTURE_ALIASES
    found = choices.get(_squeeze(name.strip()))
    if found is None:
        raise ValueError(
            f"There is no architecture '{name}'.{_nearest(name, choices)}"
            f" All of them: {', '.join(get_available_architectures())}."
        )
    return found


def why_refused(architecture: str, encoder: str) -> str | None:
    """The sentence that says why the two do not go together, or None where they do (or nobody has tried)."""
    architecture, encoder = resolve_architecture(architecture), resolve_encoder(encoder)
    rows = _encoder_rows()
    reason = rows[encoder]["refuses"].get(architecture) if encoder in rows else None
    if reason is None:
        return None
    others = [name for name in get_available_architectures() if name not in rows[encoder]["refuses"]]
    return f"{architecture} cannot be built over {encoder}. {reason} With it choose {', '.join(others)}."


def weight_names(encoder: str) -> list[str]:
    """The names of the pretrained weights for an encoder, `imagenet` first; empty where there are none."""
    name = resolve_encoder(encoder)
    return list(_encoder_rows()[name]["weights"]) if name in _encoder_rows() else ["imagenet"]


def encoder_normalisation(encoder: str, encoder_weights: Any = "imagenet") -> Normalisation:
    """The normalisation that the weights were trained with.

    For no weights and for a local file, whose origin nobody knows, it is that of the encoder's first
    weights, which is what most such files were made from. Values are for RGB in [0, 1]; other numbers of
    channels repeat them in turn, as the first convolution does. Raises ValueError for an unknown encoder.
    """
    name = resolve_encoder(encoder)
    row = _encoder_rows().get(name)
    if row is None:
        return _timm_normalisation(name)
    norms: dict[str, dict[str, list[float]]] = row["normalisation"]
    key = (
        encoder_weights
        if isinstance(encoder_weights, str) and encoder_weights in norms
        else next(iter(norms), "")
    )
    if not key:
        return Normalisation(IMAGENET_MEAN, IMAGENET_STD, (0.0, 1.0))
    mean, std = norms[key]["mean"], norms[key]["std"]
    return Normalisation((mean[0], mean[1], mean[2]), (std[0], std[1], std[2]), (0.0, 1.0))


def _timm_normalisation(name: str) -> Normalisation:
    from timm.models import get_pretrained_cfg

    cfg = get_pretrained_cfg(name.removeprefix("tu-"))
    if cfg is None or cfg.mean is None or cfg.std is None or len(cfg.mean) != 3:
        return Normalisation(IMAGENET_MEAN, IMAGENET_STD, (0.0, 1.0))
    mean, std = tuple(map(float, cfg.mean)), tuple(map(float, cfg.std))
    return Normalisation((mean[0], mean[1], mean[2]), (std[0], std[1], std[2]), (0.0, 1.0))

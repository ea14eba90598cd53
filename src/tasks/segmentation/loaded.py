"""From the file of a trained segmentation model to a network that can be asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from src.core.dataset.masks import MaskMeaning
from src.core.engine.checkpoint import CheckpointError, load_into, read_weights
from src.core.feed.geometry import FITS
from src.core.feed.normalise import IMAGENET_MEAN, IMAGENET_STD, normaliser_from_facts
from src.core.inference.machine import choose_machine
from src.core.inference.model import LoadedModel
from src.core.job import JobError
from src.core.run.model_source import ModelSource
from src.models.segmentation_models import SegmentationModel, build_model
from src.tasks.segmentation.jobs.inference_config import ForeignConfig

__all__ = ["LoadedModel", "load_model"]

_NEEDED = (
    "architecture",
    "encoder",
    "in_channels",
    "out_channels",
    "masks",
    "image_size",
    "resize",
    "normalise",
)
_MOST_FACTS = 1 << 20


def load_model(
    source: ModelSource, device: str = "auto", precision: str = "auto", foreign: ForeignConfig | None = None
) -> LoadedModel:
    """Load a model for use.

    Of a checkpoint the averaged weights are taken where it has them. A file from elsewhere is read as weights only,
    never run; what it does not say of itself comes from a JSON file of the same name beside it (``model.pth`` and
    ``model.json``, the facts as a checkpoint holds them), or from ``foreign``.

    Args:
        source: From `find_model`.
        device, precision: As in `ComputeConfig`.
        foreign: Of a file from elsewhere.

    Raises:
        JobError: The file cannot be used, with what is wrong and what to do.
    """
    where, how = choose_machine(device, precision)
    try:
        weights, _ = read_weights(source.path)
    except CheckpointError as error:
        raise JobError(str(error), "Choose another model.") from None
    except OSError as error:
        raise JobError(
            f"{source.path} cannot be read: {error.strerror or error}.", "Check its permissions."
        ) from None
    facts = source.facts or _facts_beside(source.path) or _facts_from(foreign, weights, source.path)
    if facts.get("task", "segmentation") != "segmentation":
        raise JobError(
            f"{source.name} is a model for {facts['task']}, not for segmentation.", "Choose another model."
        )
    if "normalise" not in facts and "mean" in facts and "std" in facts:  # checkpoints of the first versions
        facts["normalise"] = {"by": "constants", "mean": facts["mean"], "std": facts["std"], "range": 255.0}
    model, meaning, normaliser = _network(facts, source.path)
    _fill(model, weights, source.path)
    model.eval().requires_grad_(False)
    ready = model.to(where, memory_format=torch.channels_last)  # type: ignore[call-overload]
    names = tuple(facts.get("classes") or meaning.classes)
    return LoadedModel(ready, facts, names, meaning, normaliser, where, how, source.name or source.path.name)


def _facts_beside(path: Path) -> dict[str, Any]:
    """Facts from the JSON file of the same name, where there is one."""
    for beside in (path.with_suffix(".json"), path.with_name(path.name + ".json")):
        if not beside.is_file() or beside == path:
            continue
        try:
            if beside.stat().st_size > _MOST_FACTS:
                raise ValueError("it is too large to be facts of a model")
            found = json.loads(beside.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise JobError(f"{beside} stands beside the model and cannot be read: {error}.",
                           "Repair it, or move it away.") from None  # fmt: skip
        facts = found.get("facts", found) if isinstance(found, dict) else None
        if isinstance(facts, dict) and "architecture" in facts:
            return facts
    return {}


def _facts_from(foreign: ForeignConfig | None, weights: dict[str, Tensor], path: Path) -> dict[str, Any]:
    """What the person said of a file from elsewhere, the rest from the shapes of its weights."""
    if foreign is None or not foreign.architecture:
        raise JobError(
            f"{path} holds weights but does not say of which network: it was not written by Lathe.",
            "Say it by inference.foreign.architecture, .encoder and .classes, or put a file of facts beside it "
            f"({path.with_suffix('.json').name}).",
        )
    head = _head(weights)
    channels = {"auto": _first_channels(weights) or 3, "grey": 1, "colour": 3}[foreign.channels]
    out = int(weights[head].shape[0]) if head else max(1, len(foreign.classes))
    names = list(foreign.classes)
    if names and len(names) != (2 if out == 1 else out):
        outputs = "one output (an object against the background: 2 names)" if out == 1 else f"{out} outputs"
        raise JobError(f"{len(names)} classes are named, but the model in {path} has {outputs}.",
                       "Name as many classes as it has, the background included, or none.")  # fmt: skip
    if out == 1:
        meaning = MaskMeaning("binary", (names[0], names[1]) if names else ("background", "object"))
    else:
        names = names or [f"class_{k}" for k in range(out)]
        meaning = MaskMeaning("index", tuple(names), tuple(range(out)))
    constants = {"imagenet": (IMAGENET_MEAN, IMAGENET_STD), "half": ((0.5,) * 3, (0.5,) * 3),
                 "unit": ((0.0,) * 3, (1.0,) * 3)}  # fmt: skip
    normalise: dict[str, Any] = {"by": "image", "floor": 4.0}
    if foreign.normalise != "image":
        mean, std = constants[foreign.normalise]
        normalise = {"by": "constants", "mean": list(mean), "std": list(std), "range": 255.0}
    return {
        "task": "segmentation", "architecture": foreign.architecture, "encoder": foreign.encoder,
        "in_channels": channels, "out_channels": out, "classes": list(meaning.classes), "masks": meaning.to_dict(),
        "image_size": foreign.image_size, "resize": foreign.resize, "normalise": normalise, "intensity_range": None,
    }  # fmt: skip


def _network(facts: dict[str, Any], path: Path) -> tuple[SegmentationModel, MaskMeaning, Any]:
    missing = [key for key in _NEEDED if key not in facts]
    if missing:
        raise JobError(f"The facts of the model {path} are not complete: {', '.join(missing)} is missing.",
                       "Complete them in the JSON file beside it, or choose another model.")  # fmt: skip
    try:
        if facts["resize"] not in FITS or int(facts["image_size"]) < 1:
            raise ValueError(f"resize is {facts['resize']!r} and image_size {facts['image_size']!r}")
        meaning = MaskMeaning.from_dict(facts["masks"])
        if meaning.out_channels != int(facts["out_channels"]):
            raise ValueError(
                f"{facts['out_channels']} outputs do not belong to {meaning.num_classes} classes"
            )
        if int(facts["in_channels"]) not in (1, 3):
            raise ValueError(f"it takes {facts['in_channels']} channels, and images are read with 1 or 3")
        model = build_model(facts["architecture"], facts["encoder"], None, int(facts["in_channels"]),
                            int(facts["out_channels"]))  # fmt: skip
        return model, meaning, normaliser_from_facts(facts["normalise"])
    except (ValueError, TypeError, KeyError) as error:
        raise JobError(f"The facts of the model {path} cannot be used: {error}.",
                       "Correct what was said of it (architecture, encoder, classes), or choose another model.") from None  # fmt: skip


def _head(weights: dict[str, Tensor]) -> str | None:
    """The convolution that makes the logits."""
    found = [k for k in weights if k.startswith("segmentation_head.") and weights[k].ndim == 4]
    return found[-1] if found else None


def _first_channels(weights: dict[str, Tensor]) -> int | None:
    """Channels that the first convolution takes, as far as the order of the file shows it."""
    first = next((w for k, w in weights.items() if k.startswith("encoder.") and w.ndim == 4), None)
    return int(first.shape[1]) if first is not None else None


def _fill(model: SegmentationModel, weights: dict[str, Tensor], path: Path) -> None:
    own = model.state_dict()
    head = _head(own)
    if head and head in weights and weights[head].shape[0] != own[head].shape[0]:
        there, here = weights[head].shape[0], own[head].shape[0]
        raise JobError(f"{path} was trained with {_outputs(there)}, but {_outputs(here)} were expected.",
                       "Name the classes that it was trained with.")  # fmt: skip
    first = next((k for k, w in own.items() if k.startswith("encoder.") and w.ndim == 4), None)
    if (
        first
        and first in weights
        and weights[first].ndim == 4
        and weights[first].shape[1] != own[first].shape[1]
    ):
        raise JobError(
            f"{path} was trained on images of {weights[first].shape[1]} channels, but {own[first].shape[1]} were "
            "expected (1 is grey, 3 is colour).", "Set the channels that it was trained with.",
        )  # fmt: skip
    try:
        load_into(model, weights, str(path))
    except CheckpointError as error:
        raise JobError(str(error), "Say with which architecture and encoder it was trained.") from None


def _outputs(count: int) -> str:
    return "one output (an object against the background)" if count == 1 else f"{count} outputs (classes)"

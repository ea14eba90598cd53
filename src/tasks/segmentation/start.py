"""A training that begins from another model: whether that model fits, before anything is loaded. Torch-free."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from src.core.dataset.findings import Finding
from src.core.run.library import find_record
from src.core.run.model_source import ModelError

if TYPE_CHECKING:
    from src.core.dataset.description import DatasetDescription
    from src.tasks.segmentation.config import SegmentationConfig

KEY = "model.start_from"


def check_start(config: SegmentationConfig, data: DatasetDescription | None) -> list[Finding]:
    """Whether the model that a training is to begin from is there and fits network, channels, classes and input."""
    wanted = config.model.start_from
    if not wanted:
        return []
    try:
        record = find_record(wanted)
    except ModelError as error:
        return [Finding("error", "start-missing", str(error), error.cure, (KEY,))]
    if record.problem:
        return [Finding("error", "start-missing", f"The model of {record.name} cannot be used. {record.problem}",
                        "Choose another model to start from.", (KEY,))]  # fmt: skip
    if not record.facts:  # a foreign file says nothing of itself: whether it fits shows when it is loaded
        return []
    return _compared(config, record.facts, record.name, data)


def _compared(
    config: SegmentationConfig, facts: Mapping[str, Any], name: str, data: DatasetDescription | None
) -> list[Finding]:
    if facts.get("task", config.task) != config.task:
        return [Finding("error", "start-differs", f"{name} was trained for another problem ({facts['task']}).",
                        "Choose a model of this problem.", (KEY,))]  # fmt: skip
    pairs: list[tuple[str, str, Any, Any]] = [
        ("model.architecture", "architecture", facts.get("architecture"), config.model.architecture),
        ("model.encoder", "encoder", facts.get("encoder"), config.model.encoder),
        ("data.channels", "number of channels", facts.get("in_channels"), config.data.channels),
    ]
    if data is not None and data.meaning is not None:
        pairs.append(
            ("data.masks.meaning", "number of outputs", facts.get("out_channels"), data.meaning.out_channels)
        )
    found = [
        Finding("error", "start-differs", f"{name} has the {what} {there}, and this training has {here}.",
                "Make them equal, or start from another model.", (key,))
        for key, what, there, here in pairs
        if there is not None and there != here
    ]  # fmt: skip
    if (
        not found
        and data is not None
        and list(facts.get("classes") or []) not in ([], list(data.class_names))
    ):
        found.append(
            Finding("warning", "start-classes", f"{name} was trained with the classes {', '.join(facts['classes'])}; here they "
                    f"are {', '.join(data.class_names)}. Its last layer keeps its order.",
                    "If they mean other things, the training has to unlearn them first.", (KEY,))
        )  # fmt: skip
    by = (facts.get("normalise") or {}).get("by")
    if by and by != ("image" if standardises_images(config) else "constants"):
        how = {"image": "each image by itself", "constants": "fixed constants"}
        found.append(
            Finding("warning", "start-normalise", f"{name} was trained on images normalised by {how.get(by, by)}, this training "
                    "does it otherwise.", "Set “Normalise” and “Encoder weights” as they were there.", ("data.normalise",))
        )  # fmt: skip
    return found


def standardises_images(config: SegmentationConfig) -> bool:
    """Whether each image is normalised by its own statistics; otherwise the constants of the encoder weights are used."""
    wanted = config.data.normalise
    return wanted == "image" or (wanted == "auto" and not config.model.encoder_weights)

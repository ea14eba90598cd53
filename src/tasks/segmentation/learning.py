"""Whether regularisers and teacher fit the network, the images and each other. Torch-free."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from src.core.config.mixing import check_mixing
from src.core.dataset.findings import Finding
from src.core.run.teacher import TEACHER, check_teacher
from src.tasks.segmentation.start import standardises_images

if TYPE_CHECKING:
    from src.core.dataset.description import DatasetDescription
    from src.tasks.segmentation.config import SegmentationConfig


def check_learning(
    config: SegmentationConfig, encoder: Mapping[str, Any] | None, data: DatasetDescription | None
) -> list[Finding]:
    """Findings on regularisers and teacher.

    Args:
        config: Of the run.
        encoder: Its row in the table of encoders, or None where it is not there.
        data: The description of the data set, where it is known.
    """
    return (
        check_mixing(config.training.regularisation)
        + _check_depth(config, encoder)
        + _check_paste(config, data)
        + _check_teacher(config, data)
    )


def _check_depth(config: SegmentationConfig, encoder: Mapping[str, Any] | None) -> list[Finding]:
    if not config.model.stochastic_depth or encoder is None or encoder["stochastic_depth"]:
        return []
    return [
        Finding("error", "no-stochastic-depth", f"Stochastic depth leaves out residual blocks, and {config.model.encoder} has none "
                "that could be left out.", "Leave “Stochastic depth” empty, or choose an encoder of another family, such as a "
                "ResNet or a ConvNeXt.", ("model.stochastic_depth",))
    ]  # fmt: skip


def _check_paste(config: SegmentationConfig, data: DatasetDescription | None) -> list[Finding]:
    if not config.data.copy_paste.probability or data is None or not data.samples.get("train"):
        return []
    holders = Counter(number for sample in data.samples["train"] for number in sample.classes if number)
    if any(count > 1 for count in holders.values()):
        return []
    return [
        Finding("warning", "nothing-to-paste", "No class is in more than one training image, so copy-paste finds no objects in "
                "other images.", "Turn it off, or add images with objects.", ("data.copy_paste.probability",))
    ]  # fmt: skip


def _check_teacher(config: SegmentationConfig, data: DatasetDescription | None) -> list[Finding]:
    classes = None if data is None else list(data.class_names)
    return check_teacher(config, classes, lambda facts, name: _differences(config, facts, name))


def _differences(config: SegmentationConfig, facts: Mapping[str, Any], name: str) -> list[Finding]:
    found = []
    channels = facts.get("in_channels", config.data.channels)
    if channels != config.data.channels:
        found.append(
            Finding("error", "teacher-differs", f"The teacher {name} takes images of {channels} channels, this training has "
                    f"{config.data.channels}.", "Make them equal, or choose another teacher.", (TEACHER, "data.channels"))
        )  # fmt: skip
    by = (facts.get("normalise") or {}).get("by")
    if by and by != ("image" if standardises_images(config) else "constants"):
        wanted = "Each image" if by == "image" else "Pretrained weights"
        found.append(
            Finding("error", "teacher-normalise", f"The teacher {name} was trained on images normalised in another way.",
                    f"Set “Normalise by” to “{wanted}”, as the teacher had it.", (TEACHER, "data.normalise"))
        )  # fmt: skip
    return found

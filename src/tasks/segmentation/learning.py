"""Whether regularisers and teacher fit the network, the images and each other. Torch-free."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from src.core.config.mixing import check_mixing
from src.core.dataset.findings import Finding
from src.core.run.library import find_record
from src.core.run.model_source import ModelError
from src.tasks.segmentation.start import standardises_images

if TYPE_CHECKING:
    from src.core.dataset.description import DatasetDescription
    from src.tasks.segmentation.config import SegmentationConfig

TEACHER = "distillation.teacher"


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
    options = config.distillation
    if not options.teacher:
        return []
    if not options.acts:
        return [Finding("warning", "teacher-idle", "There is a teacher, but both of its weights are 0: nothing is learnt from it.",
                        "Give one of them a weight, or leave the teacher empty.", ("distillation.weight",))]  # fmt: skip
    try:
        record = find_record(options.teacher)
    except ModelError as error:
        return [
            Finding(
                "error", "teacher-missing", f"The teacher cannot be used: {error}", error.cure, (TEACHER,)
            )
        ]
    if record.problem:
        return [Finding("error", "teacher-missing", f"The model of {record.name} cannot be used. {record.problem}",
                        "Choose another teacher.", (TEACHER,))]  # fmt: skip
    found = _differences(config, record.facts, record.name, data)
    if options.feature_weight and config.training.compile:
        found.append(Finding("error", "teacher-compiled", "The features of a compiled network cannot be compared with a teacher's.",
                             "Turn “Compile the network” off, or set the weight of the features to 0.",
                             ("distillation.feature_weight",)))  # fmt: skip
    return found


def _differences(
    config: SegmentationConfig, facts: Mapping[str, Any], name: str, data: DatasetDescription | None
) -> list[Finding]:
    if facts.get("task", config.task) != config.task:
        return [Finding("error", "teacher-differs", f"The teacher {name} was trained for another problem ({facts['task']}).",
                        "Choose a model of this problem.", (TEACHER,))]  # fmt: skip
    found = []
    theirs = [str(c) for c in facts.get("classes") or []]
    if data is not None and theirs and theirs != list(data.class_names):
        found.append(
            Finding("error", "teacher-classes", f"The teacher {name} knows the classes {', '.join(theirs)}; here they are "
                    f"{', '.join(data.class_names)}.", "Choose a teacher that was trained on the same classes in the same order.",
                    (TEACHER,))
        )  # fmt: skip
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

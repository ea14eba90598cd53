"""Options of pseudo-labels. Torch-free."""

from __future__ import annotations

from src.core.config.conditions import when
from src.core.config.fields import option, section
from src.core.config.job import ComputeConfig, JobConfig
from src.core.dataset.findings import Finding
from src.tasks.segmentation.jobs.inference_config import InferenceConfig
from src.tasks.segmentation.jobs.predict_config import check_images


class PseudoLabelConfig(JobConfig):
    """Labels by the model itself, where it is sure, as a data set to train on."""

    images: list[str] = option(
        list,
        "Images",
        "Images without labels: files, folders (with sub-folders) or patterns such as parts/*.png.",
        path="folder",
    )
    confidence: float = option(
        0.95, "Confidence", "Only pixels whose class is at least so probable are labelled; the others are ignored in training.",
        ge=0.5, le=1,
    )  # fmt: skip
    least_confident: float = option(
        0.5, "Least labelled share", "Images of which less is labelled are left out.", ge=0, le=1,
    )  # fmt: skip
    only_objects: bool = option(
        False, "Only images with objects", "Leaves out images on which no pixel of an object is labelled.",
    )  # fmt: skip
    dataset: str = option(
        "", "Name of the data set", "Its folder in the workspace's datasets; empty takes the name of the run. A name that is "
        "taken gets a number.", max_length=80,
    )  # fmt: skip
    combine: bool = option(
        False, "Combine with the labels", "Makes a second data set with the labelled images of the run's training, too. Images with "
        "pseudo-labels are in its training part only.",
    )  # fmt: skip
    copy_images: bool = option(
        False, "Copy the images", "Into the data set; else it names them where they are.", advanced=True,
    )  # fmt: skip
    copy_labelled: bool = option(
        False, "Copy the labelled images", "Into the combined data set; else it names them where they are.", advanced=True,
        applies=[when("combine", True)],
    )  # fmt: skip
    overlays: bool = option(True, "Overlays", "The image with what was labelled, as JPEG, for looking at.")
    inference: InferenceConfig = section(InferenceConfig, "Sliding window")
    compute: ComputeConfig = section(ComputeConfig, "Machine")


def check(config: PseudoLabelConfig) -> list[Finding]:
    """What is wrong with the configuration as far as it is known before the job starts."""
    return check_images(config.images)

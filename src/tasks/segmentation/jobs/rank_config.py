"""Options of the order in which new images are worth labelling. Torch-free."""

from __future__ import annotations

from typing import Literal

from src.core.config.conditions import unless
from src.core.config.fields import option, section
from src.core.config.job import ComputeConfig, JobConfig
from src.core.dataset.findings import Finding
from src.tasks.segmentation.jobs.inference_config import InferenceConfig
from src.tasks.segmentation.jobs.predict_config import check_images


class RankConfig(JobConfig):
    """Which images to label next."""

    images: list[str] = option(
        list,
        "Images",
        "Images without labels: files, folders (with sub-folders) or patterns such as parts/*.png.",
        path="folder",
    )
    count: int = option(
        50,
        "Suggestions",
        "So many images are suggested; all are in the table.",
        unit="images",
        ge=1,
        le=100_000,
    )
    measure: Literal["entropy", "margin"] = option(
        "entropy", "Uncertainty", "How unsure the model is where it sees something: the entropy of its probabilities, or how close "
        "its two most probable classes are.", choice_labels={"entropy": "Entropy", "margin": "Margin"},
    )  # fmt: skip
    novelty: float = option(
        0.5, "Weight of novelty", "0 asks only what the model is unsure of, 1 only what is unlike its training images.", ge=0, le=1,
    )  # fmt: skip
    neighbours: int = option(
        5, "Neighbours", "An image is compared with so many training images that are most like it.", unit="images", ge=1,
        le=100, advanced=True, applies=[unless("novelty", 0, because="novelty does not count")],
    )  # fmt: skip
    references: int = option(
        2000, "Training images", "At most so many training images are compared with, spread evenly over them.", unit="images",
        ge=1, le=100_000, advanced=True, applies=[unless("novelty", 0, because="novelty does not count")],
    )  # fmt: skip
    diversity: float = option(
        1.0, "Diversity", "1: a copy of an image that is suggested already counts nothing; 0: alike images may follow each other.",
        ge=0, le=1, advanced=True,
    )  # fmt: skip
    inference: InferenceConfig = section(InferenceConfig, "Sliding window")
    compute: ComputeConfig = section(ComputeConfig, "Machine")


def check(config: RankConfig) -> list[Finding]:
    """What is wrong with the configuration as far as it is known before the job starts."""
    return check_images(config.images)

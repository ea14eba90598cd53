"""Options of an evaluation. Torch-free."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator

from src.core.config.conditions import when
from src.core.config.fields import option, section
from src.core.config.job import ComputeConfig, JobConfig
from src.tasks.segmentation.jobs.inference_config import InferenceConfig


class EvaluateConfig(JobConfig):
    """Measure a model on images with masks."""

    data: str = option(
        "", "Data", "Empty: the data that the model was trained with, as its run has them recorded; or a folder of images and "
        "masks, a table, a configuration (.yaml), another run.", path="file", group="Data",
    )  # fmt: skip
    part: Literal["test", "val", "train", "all"] = option(
        "test", "Part", "Which images of a divided data set; where there is no test part the validation part is taken, and "
        "it is said. Does nothing for data that are not divided: all of them are taken.", group="Data",
        choice_labels={"test": "Test", "val": "Validation", "train": "Training", "all": "All images"},
    )  # fmt: skip
    groups: Literal["data", "image", "folder", "pattern"] = option(
        "data", "Groups", "What belongs together when uncertainty is estimated: intervals draw whole groups.", group="Data",
        choice_labels={"data": "As the data set says", "image": "Each image for itself", "folder": "Images of one folder",
                       "pattern": "A part of the file name"},
    )  # fmt: skip
    group_pattern: str = option(
        "", "Pattern", "Regular expression on the file's relative path; its first bracket is the group, as in (part\\d+)_.",
        group="Data", applies=[when("groups", "pattern")],
    )  # fmt: skip
    threshold: str = option(
        "auto", "Threshold", "auto takes the one that was best on the validation images, never on those that are evaluated; or a "
        "number between 0 and 1. Does nothing with several classes.", pattern=r"^(auto|0?\.\d+)$", group="Threshold",
    )  # fmt: skip
    threshold_for: Literal["iou", "dice", "f1", "iou_mean", "none"] = option(
        "iou", "Best for", "The measure that the threshold makes highest on validation. IoU, Dice and F1 of all pixels together "
        "agree on it; the mean over images counts small objects more. None takes 0.5.", group="Threshold",
        choice_labels={"iou": "IoU", "dice": "Dice", "f1": "F1", "iou_mean": "Mean IoU over images", "none": "None (0.5)"},
        applies=[when("threshold", "auto", because="the threshold is given")],
    )  # fmt: skip
    false_alarm_rate: float = option(
        0.05, "False alarms allowed", "Share of the images without an object that may be called defective; the miss rate is read "
        "there.", gt=0, lt=1, group="Threshold",
    )  # fmt: skip
    match: Literal["overlap", "iou"] = option(
        "overlap", "An object is found by", "Overlap: enough of its pixels are predicted. IoU: a predicted object fits it, "
        "one to one.", group="Objects", advanced=True, choice_labels={"overlap": "Overlap", "iou": "IoU"},
    )  # fmt: skip
    match_at: float = option(
        0.5, "From", "Share of its pixels, or IoU, from which on an object counts as found.", gt=0, le=1, group="Objects",
        advanced=True,
    )  # fmt: skip
    bootstrap: int = option(
        1000, "Bootstrap draws", "For the confidence intervals; 0 leaves them out.", ge=0, le=100_000, group="Results",
        advanced=True,
    )  # fmt: skip
    worst: int = option(
        24, "Worst images", "For so many, pictures of truth, prediction and errors are written.", unit="images", ge=0, le=1000,
        group="Results",
    )  # fmt: skip
    report: bool = option(
        True, "Report", "Write a page with all results that can be sent on.", group="Results"
    )
    inference: InferenceConfig = section(InferenceConfig, "Sliding window")
    compute: ComputeConfig = section(ComputeConfig, "Machine")

    @field_validator("threshold", mode="before")
    @classmethod
    def _number(cls, value: object) -> object:
        """A YAML file holds a number."""
        return f"{value:.6f}".rstrip("0") if isinstance(value, float) else value

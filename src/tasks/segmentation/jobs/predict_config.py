"""Options of the prediction of new images. Torch-free."""

from __future__ import annotations

from src.core.config.conditions import when
from src.core.config.fields import Section, option, section
from src.core.config.job import ComputeConfig, JobConfig
from src.core.dataset.findings import Finding
from src.core.job import check_available
from src.core.prediction.options import DENSE_CRF, PostprocessConfig
from src.tasks.segmentation.jobs.inference_config import InferenceConfig


class ResultsConfig(Section):
    """What is written of each image, beside its mask."""

    overlays: bool = option(True, "Overlays", "The image with coloured objects, as JPEG, for looking at.")
    objects: bool = option(
        True, "Objects", "A table of all objects (objects.csv): class, area, box, centre and score."
    )
    coco: bool = option(
        False, "COCO file", "All objects as COCO JSON with their exact outlines (coco.json).",
        applies=[when("objects", True)],
    )  # fmt: skip
    probabilities: bool = option(
        False, "Probabilities", "How probable the object is at each pixel (0 to 255), as PNG; of several classes one file each.",
    )  # fmt: skip
    report: bool = option(True, "Report", "A page with numbers and pictures that can be sent to a colleague.")


class PredictConfig(JobConfig):
    """Masks of new images."""

    images: list[str] = option(
        list, "Images", "Images, folders (with sub-folders) or patterns such as parts/*.png.", path="folder"
    )
    watch: bool = option(
        False, "Keep watching", "Goes on until it is stopped and works on each image that is put into the folders, as soon as "
        "it is complete.",
    )  # fmt: skip
    watch_every: float = option(
        2.0, "Look every", "Time between two looks into the folders; a file that did not grow between two looks is complete.",
        unit="s", ge=0.1, le=3600, advanced=True, applies=[when("watch", True)],
    )  # fmt: skip
    threshold: float | None = option(
        None, "Threshold", "Pixels with a higher probability are the object. Empty takes the threshold that an evaluation "
        "of this run found on its validation images, else 0.5. Models of several classes take the most probable class.",
        ge=0, le=1,
    )  # fmt: skip
    postprocess: PostprocessConfig = section(PostprocessConfig, "Corrections")
    results: ResultsConfig = section(ResultsConfig, "Results")
    inference: InferenceConfig = section(InferenceConfig, "Sliding window")
    compute: ComputeConfig = section(ComputeConfig, "Machine")


def check_images(images: list[str], watch: bool = False) -> list[Finding]:
    """Errors of the paths that are known without reading an image; a folder is only looked for."""
    # imported late: with it come the readers of images, for which the window must not wait
    from src.core.prediction.images import find_images

    if not [path for path in images if path.strip()]:
        return [Finding("error", "images.none", "No images were chosen.", "Choose images or a folder.")]
    found = [
        f
        for path in images
        if not _is_folder(path)
        for f in find_images([path]).findings
        if f.severity == "error"
    ]
    if watch and not any(_is_folder(path) or _has_folder(path) for path in images):
        found.append(Finding("error", "images.watch", "There is no folder among the images to keep watching.",
                             "Choose a folder."))  # fmt: skip
    return found


def _is_folder(path: str) -> bool:
    from pathlib import Path

    return Path(path).expanduser().is_dir()


def _has_folder(pattern: str) -> bool:
    return any(letter in pattern for letter in "*?[")


def check(config: PredictConfig) -> list[Finding]:
    """What is wrong with the configuration as far as it is known before the job starts."""
    return check_images(config.images, config.watch) + check_available(config, unavailable())


def unavailable() -> dict[str, dict[str, str]]:
    """See `JobInfo.unavailable`."""
    # imported late: it computes, and the window must not wait for numpy
    from src.core.prediction import crf

    reason = crf.unavailable()
    return {"postprocess.refine": {DENSE_CRF: reason}} if reason else {}

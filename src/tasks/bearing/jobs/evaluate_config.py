"""Options of an evaluation on recordings. Torch-free."""

from __future__ import annotations

from typing import Literal

from src.core.config.fields import option, section
from src.core.config.job import ComputeConfig, JobConfig
from src.tasks.bearing.jobs.data_config import RecordingsConfig


class EvaluateConfig(JobConfig):
    """Measure a model on labelled recordings."""

    task: str = option("bearing", "Task", "The training problem.")
    data: str = option(
        "", "Data", "Empty: the data that the model was trained with, as its run has them recorded; or a folder of recordings, a "
        "table (.csv), a configuration (.yaml), another run.", path="file", group="Data",
    )  # fmt: skip
    part: Literal["test", "val", "train", "all"] = option(
        "test", "Part", "Which recordings of a divided data set; where there is no test part the validation part is taken, and "
        "it is said. Does nothing for data that are not divided: all of them are taken.", group="Data",
        choice_labels={"test": "Test", "val": "Validation", "train": "Training", "all": "All recordings"},
    )  # fmt: skip
    groups: Literal["data", "recording", "bearing", "load", "machine", "label"] = option(
        "data", "Groups", "What belongs together when uncertainty is estimated: intervals draw whole groups.", group="Data",
        choice_labels={"data": "As the data set says", "recording": "Each recording for itself",
                       "bearing": "Recordings of one bearing", "load": "Recordings at one load",
                       "machine": "Recordings of one machine", "label": "Recordings of one label"},
    )  # fmt: skip
    baselines: bool = option(
        True, "Baselines", "Also measure, on the same windows, what always names the most frequent class, a random forest on "
        "spectra, and the envelope rule, which learns nothing.", group="Results",
    )  # fmt: skip
    bootstrap: int = option(
        1000, "Bootstrap draws", "For the confidence intervals; 0 leaves them out.", ge=0, le=100_000, group="Results",
        advanced=True,
    )  # fmt: skip
    report: bool = option(
        True, "Report", "Write a page with all results that can be sent on.", group="Results"
    )
    recordings: RecordingsConfig = section(RecordingsConfig, "Recordings")
    compute: ComputeConfig = section(ComputeConfig, "Machine")

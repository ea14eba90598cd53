"""Options of the prediction of new recordings. Torch-free."""

from __future__ import annotations

from pathlib import Path

from src.core.config.conditions import when
from src.core.config.fields import option, section
from src.core.config.job import ComputeConfig, JobConfig
from src.core.dataset.findings import Finding
from src.tasks.bearing.jobs.data_config import RecordingsConfig


class PredictConfig(JobConfig):
    """What is damaged, over the time of recordings of any length."""

    task: str = option("bearing", "Task", "The training problem.")
    files: list[str] = option(
        list,
        "Recordings",
        "Recordings, folders (with sub-folders) or patterns such as day1/*.mat.",
        path="folder",
    )
    overlap: float | None = option(
        None, "Overlap", "Share of a window that the next one repeats; empty takes that of the training. More shows changes "
        "finer in time and takes longer.", ge=0, le=0.99,
    )  # fmt: skip
    watch: bool = option(
        False, "Keep watching", "Goes on until it is stopped and works on each recording that is put into the folders, as soon "
        "as it is complete.",
    )  # fmt: skip
    watch_every: float = option(
        2.0, "Look every", "Time between two looks into the folders; a file that did not grow between two looks is complete.",
        unit="s", ge=0.1, le=3600, advanced=True, applies=[when("watch", True)],
    )  # fmt: skip
    report: bool = option(True, "Report", "A page with the verdicts that can be sent to a colleague.")
    recordings: RecordingsConfig = section(RecordingsConfig, "Recordings")
    compute: ComputeConfig = section(ComputeConfig, "Machine")


def check(config: PredictConfig) -> list[Finding]:
    """What is wrong with the configuration as far as it is known before the job starts."""
    given = [path for path in config.files if path.strip()]
    if not given:
        return [
            Finding("error", "files.none", "No recordings were chosen.", "Choose recordings or a folder.", ("files",))
        ]  # fmt: skip
    found = [
        Finding("error", "files.absent", f"{path} does not exist.", "Correct the path of the recordings.", ("files",))
        for path in given if not any(c in path for c in "*?[") and not Path(path).expanduser().exists()
    ]  # fmt: skip
    folder = any(Path(p).expanduser().is_dir() or any(c in p for c in "*?[") for p in given)
    if config.watch and not folder:
        text = "There is no folder among the recordings to keep watching."
        found.append(Finding("error", "files.watch", text, "Choose a folder.", ("files",)))
    return found

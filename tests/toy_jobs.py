"""A job with a trained model that needs neither a model nor torch, for tests of what surrounds jobs."""

from __future__ import annotations

import time
from typing import Any, Literal

from src.core.config.fields import option
from src.core.config.job import JobConfig
from src.core.dataset.findings import DatasetError, Finding
from src.core.job import Job, JobError, JobInfo


class ToyConfig(JobConfig):
    """Says how it shall end."""

    ends: Literal["well", "badly", "data", "bug"] = option("well", "Ends", "How.")
    steps: int = option(3, "Steps", "How many.", ge=1)
    words: list[str] = option(list, "Words", "Any.")


def run(job: Job) -> dict[str, Any]:
    """Count, and end as asked."""
    job.started(model="toy", device="CPU", precision="fp32")
    job.note(Finding("warning", "toy", "It is a toy.", "Do not mind."))
    for done in range(job.config.steps):
        job.progress(done, job.config.steps, "Counting")
        time.sleep(0.02 if job.config.steps > 10 else 0)
    if job.config.ends == "badly":
        raise JobError("The toy broke.", "Take another.")
    if job.config.ends == "data":
        raise DatasetError(Finding("error", "toy.data", "There are no data.", "Bring some."))
    if job.config.ends == "bug":
        raise ZeroDivisionError("division by zero")
    (job.folder.path / "words.txt").write_text(" ".join(job.config.words), "utf-8")
    return {"said": [f"Counted to {job.config.steps}."], "counted": job.config.steps}


def _check(config: ToyConfig) -> list[Finding]:
    return (
        [Finding("error", "toy.steps", "99 is too many.", "Take fewer.", ("steps",))]
        if config.steps == 99
        else []
    )


TOY = JobInfo(
    id="toy", title="Play", about="Counts.", config=ToyConfig, runtime="tests.toy_jobs:run", folder="toys",
    takes="words", label=lambda _config: "toy", check=_check,
)  # fmt: skip

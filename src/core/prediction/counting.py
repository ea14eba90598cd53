"""What jobs over many files share: how far they are, which files failed, and what of their settings is kept. Torch-free."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from src.core.dataset.findings import IMAGE, Finding, Noun, counted, listed
from src.core.job import Job, JobCancelledError, JobError


class Counter:
    """How many images (or other files) are done, failed and left, for progress and for the sentence at the end."""

    def __init__(self, job: Job, total: int, what: str, noun: Noun = IMAGE) -> None:
        self.job, self.total, self.what, self.noun = job, total, what, noun
        self.done = 0
        self.failures: list[str] = []
        self.seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Counts the time: without loading the model, looking for files, and waiting for them."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self.seconds += time.monotonic() - begun

    def one_more(self, failed: str = "") -> None:
        """One file is finished; ``failed`` is its name where it has no result."""
        self.done += 1
        if failed:
            self.failures.append(failed)
        with suppress(JobCancelledError):  # the stream ends by itself, when what is under way is written
            self.job.progress(self.done, self.total, self.what)

    @property
    def per_second(self) -> float:
        """Files a second, read, computed and written."""
        return (self.done - len(self.failures)) / max(self.seconds, 1e-9)

    def failed_sentence(self) -> str:
        """Which files have no result; empty where all have one."""
        if not self.failures:
            return ""
        many = counted(len(self.failures), f"{self.noun.one} has", f"{self.noun.many} have")
        return f"{many} no result: {listed(self.failures)}."


def note_failure(job: Job, name: str, reason: str, noted: list[int]) -> None:
    """Tell of a file without a result, in the log at most a hundred times."""
    if not noted:
        noted.append(0)
    noted[0] += 1
    if noted[0] <= 100:
        job.note(
            Finding(
                "warning", "images.failed", f"{name}: {reason}", "Check the file; the others go on.", (name,)
            )
        )


def digest_of(path: Path) -> str:
    """sha256 of a file; raises JobError."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise JobError(
            f"{path} cannot be read: {error.strerror or error}.", "Check the file of the model."
        ) from None


def plain(config: Any, *leave_out: str) -> dict[str, Any]:
    """A section as plain JSON types."""
    values: dict[str, Any] = json.loads(config.model_dump_json(exclude=set(leave_out)))
    return values

"""What a job with a trained model (evaluate, predict, export, …) is told, and how it speaks. Torch-free.

Such a job works in a folder like a run's: ``config.yaml``, ``events.jsonl``, ``train.log``, ``command.json``; its
progress are ``stage`` events, its ending a ``run_ended`` event. So every reader of runs can follow it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from src.core.config.fields import options
from src.core.config.job import JobConfig
from src.core.dataset.findings import Finding
from src.core.run.commands import CommandInbox
from src.core.run.events import EventWriter
from src.core.run.folder import RunFolder
from src.core.run.progress import stages


class JobError(Exception):
    """A job that cannot be done; ``cure`` says what to do instead."""

    def __init__(self, message: str, cure: str = "") -> None:
        super().__init__(message)
        self.cure = cure


class JobCancelledError(Exception):
    """Somebody asked the job to end; what is complete is kept."""


@dataclass(frozen=True)
class JobInfo:
    """A job that a task can do with a trained model.

    Attributes:
        id: Name in files and on the command line: ``evaluate``, ``predict``, ``export``, ….
        title, about: For people; a title, and one sentence.
        config: Its schema.
        runtime: Where it is, as ``module:function`` (fixed here; never read from a file). The function takes the `Job`
            and returns what goes into the ending: plain JSON values. ``said`` in it is a list of sentences for
            people, ``report`` the path of a page, ``status`` (default ``completed``).
        folder: Where results go inside a run: ``evaluations``, ``predictions``, ``export``.
        takes: The option that further words of the command line fill: ``data``, or a list such as ``images``.
        label: A word for the name of the results' folder, such as the data set.
        check: ``check(config) -> findings`` that are known without torch and without reading data.
        unavailable: Key of an option to the values that cannot be chosen on this machine (“*”: every value but the default),
            each with the reason as a sentence with its cure. Windows grey them; ``check`` refuses them, see
            `check_available`.
        idle: From what the file of a model says of itself to the options that do nothing with it, each with the reason as a
            sentence. Windows grey them.
        page: Which page of the windows shows the results; empty: that of the job's id.
    """

    id: str
    title: str
    about: str
    config: type[JobConfig]
    runtime: str
    folder: str
    takes: str = ""
    label: Callable[[Any], str] = lambda _config: ""
    check: Callable[[Any], list[Finding]] = lambda _config: []
    unavailable: Callable[[], Mapping[str, Mapping[str, str]]] = dict
    idle: Callable[[Mapping[str, Any]], Mapping[str, str]] = lambda _facts: {}
    page: str = ""


def check_available(config: JobConfig, unavailable: Mapping[str, Mapping[str, str]]) -> list[Finding]:
    """An error for each value of a configuration that cannot be chosen on this machine."""
    found = []
    for option in options(type(config)):
        value = config
        for name in option.key.split("."):
            value = getattr(value, name)
        if reason := unavailable.get(option.key, {}).get(str(value), ""):
            words = (option.choice_labels or {}).get(str(value), str(value))
            what, _, cure = reason.partition(". ")
            message = f"{option.label} “{words}” is not available here: {what}."
            found.append(
                Finding("error", "option.unavailable", message, cure or "Choose another.", (option.key,))
            )
    return found


class Job:
    """One job at work.

    Attributes:
        config: Typed configuration.
        folder: Where its results and its log go.
    """

    def __init__(self, config: Any, folder: RunFolder, writer: EventWriter, inbox: CommandInbox) -> None:
        self.config, self.folder = config, folder
        self._writer, self._inbox = writer, inbox
        self._stage = stages(writer)

    def progress(self, done: int, total: int, what: str) -> None:
        """How far it is (``total`` 0: not known), as often as one likes.

        Raises:
            JobCancelledError: Somebody asked the job to end.
        """
        self.go_on()
        self._stage(done, total, what)

    def cancelled(self) -> bool:
        """Whether somebody asked the job to end."""
        return self._inbox.poll() is not None

    def go_on(self) -> None:
        """Raise `JobCancelledError` where somebody asked the job to end."""
        if self.cancelled():
            raise JobCancelledError

    def started(self, **facts: Any) -> None:
        """Say on what it works: ``model``, ``device``, ``precision``, ``items`` …; a ``job_started`` event."""
        self._writer.write("job_started", **facts)

    def note(self, finding: Finding) -> None:
        """What a person should know."""
        self._writer.write("warning", severity=finding.severity, code=finding.code, message=finding.message,
                           cure=finding.cure, where=list(finding.where))  # fmt: skip

    def tell(self, kind: str, **fields: Any) -> None:
        """An event of the job's own, such as a file that was written; the caller limits how many."""
        self._writer.write(kind, **fields)

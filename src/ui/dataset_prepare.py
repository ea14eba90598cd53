"""Makes of a check's answer what a window shows, in a thread: sorted, counted and looked up before it is seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt5.QtCore import QObject, pyqtSignal

from src.threads.worker import Worker

if TYPE_CHECKING:
    from src.core.dataset.sample_filter import SampleView
    from src.ui.widgets.thumbnail_model import Reading

Finding = dict[str, Any]


@dataclass
class Prepared:
    """A data set ready to be shown.

    Attributes:
        view: Its samples, with those that are excluded marked.
        reading: How its files are read.
        findings: Each with the rows that it is about.
        description: As the check gave it, with the table as its samples.
    """

    view: SampleView
    reading: Reading
    findings: list[tuple[Finding, list[int]]]
    description: dict[str, Any]


class Finder(Worker):
    """Finds out what a folder is: that reads some of its files, which may lie on a slow disk.

    Signals:
        ready(object): The `Source`.
        failed(object): The `SourceError`, or whatever else came in the way.
    """

    ready = pyqtSignal(object)
    failed = pyqtSignal(object)

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder = folder

    def work(self) -> None:
        """Once."""
        from src.ui.dataset_source import SourceError, find_source

        try:
            source = find_source(self._folder)
        except SourceError as error:
            if not self.ending:
                self.failed.emit(error)
            return
        if not self.ending:
            self.ready.emit(source)

    def crashed(self, error: Exception) -> None:
        """A fault is told, not hidden."""
        if not self.ending:
            self.failed.emit(error)


class Preparer(Worker):
    """Prepares one answer.

    Signals:
        ready(object): The `Prepared`.
        failed(str): The answer makes no sense.
    """

    ready = pyqtSignal(object)
    failed = pyqtSignal(str)

    def __init__(
        self, answer: Mapping[str, Any], excluded: Mapping[str, str], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._answer, self._excluded = answer, dict(excluded)

    def work(self) -> None:
        """Once."""
        prepared = prepare(self._answer, self._excluded)
        if not self.ending:
            self.ready.emit(prepared)

    def crashed(self, error: Exception) -> None:
        """A fault is told, not hidden."""
        if not self.ending:
            self.failed.emit(f"What the check found cannot be shown: {error}.")


def let_go(worker: Finder | Preparer | None) -> None:
    """Whatever it still finds out is of no interest any more."""
    if worker is not None:
        worker.ready.disconnect()
        worker.failed.disconnect()
        worker.stop()


def prepare(answer: Mapping[str, Any], excluded: Mapping[str, str]) -> Prepared:
    """Everything about an answer of the check job that takes longer than a frame.

    Samples that are excluded and that the check therefore left out are added at the end, so that they can be seen and
    taken in again; their files are looked for where their ids say.
    """
    from src.core.dataset.masks import MaskMeaning
    from src.core.dataset.palette import class_colours
    from src.core.dataset.sample_filter import SampleView
    from src.core.dataset.sample_table import SampleTable
    from src.tasks.catalog import task_info
    from src.ui.widgets.findings import named_in
    from src.ui.widgets.thumbnail_model import Reading

    description = dict(answer.get("description") or {})
    class_colours(len(description.get("classes") or ()))  # kept from now on
    samples = description.get("samples") or {}
    table = samples if isinstance(samples, SampleTable) else SampleTable.from_parts(samples)
    root, known = str(description.get("root") or ""), set(table.ids)
    gone = [i for i in excluded if i not in known] if root else []
    if gone:
        table.append("out", [[i, str(Path(root) / i)] for i in gone])
    masks, span = description.get("masks"), description.get("intensity_range")
    task = str(description.get("task") or "")
    look = task_info(task).look if task else None
    reading = Reading(
        MaskMeaning.from_dict(masks) if masks else None,
        (float(span[0]), float(span[1])) if span else None,
        look.thumbnail if look else None,
        task,
        look.views if look else None,
    )
    view = SampleView(table.prepare(), excluded).prepare()
    findings = [(f, table.rows_of(named_in(f)).tolist()) for f in answer.get("findings") or []]
    description["samples"] = table
    return Prepared(view, reading, findings, description)

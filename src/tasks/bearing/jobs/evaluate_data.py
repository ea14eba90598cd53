"""Which recordings an evaluation looks at, and whether they fit the model. Torch-free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from src.core.config import ConfigError, file_layer, resolve
from src.core.dataset.findings import DatasetError, Finding, counted, listed, named
from src.core.evaluation.classified import ClassData
from src.core.evaluation.parts import refuse_gone, take_part, trained_on
from src.core.job import Job, JobError
from src.core.run.folder import RunFolder
from src.tasks.bearing.config import BearingConfig, SignalDataConfig
from src.tasks.bearing.described import RecordingDescription
from src.tasks.bearing.files import UnreadableSignalError
from src.tasks.bearing.found import Known
from src.tasks.bearing.jobs.data_config import RecordingsConfig
from src.tasks.bearing.jobs.evaluate_config import EvaluateConfig
from src.tasks.bearing.jobs.new_data import (
    bearing_of,
    data_options,
    known_in,
    orders_of,
    recorded,
    recordings_in_part,
    with_group,
)
from src.tasks.bearing.labels import label_all
from src.tasks.bearing.naming import fault_of, faults_in
from src.tasks.bearing.recordings import RECORDING, Recording
from src.tasks.bearing.sources import find_files


@dataclass
class EvaluationData:
    """What is evaluated.

    Attributes:
        recordings: With the class numbers of the model; of windows at random each window.
        facts: For the document.
        orders: Fault orders of their bearing, None where it is not known.
        notes: What must be said beside the numbers.
        left_out: Files that cannot be used, with the reason.
    """

    recordings: list[Recording]
    facts: ClassData
    orders: Mapping[str, float] | None
    notes: list[Finding] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)


def choose_data(
    job: Job,
    run: RunFolder | None,
    classes: Sequence[str],
    several: bool,
    trained: Mapping[str, float] | None,
) -> EvaluationData:
    """The recordings that the configuration asks for.

    Args:
        job: Its configuration is an `EvaluateConfig`.
        run: Of the model; None for a file by itself.
        classes, several: Of the model.
        trained: Fault orders of the bearing of the training.

    Raises:
        JobError: There are none, or their labels are not the model's classes.
    """
    config: EvaluateConfig = job.config
    own = recorded(run)
    path = Path(config.data).expanduser()
    described = own
    if config.data:
        described = _described(path)
    elif own is None:
        raise _no_record(run)
    if described is not None:
        samples, part, notes = take_part(config.part, described, True, RECORDING)
        data = EvaluationData(samples, _facts(config, described, part), trained, notes)
        if config.data or config.recordings != RecordingsConfig():
            data.orders = orders_of(data_options(run, config.recordings), described.bearing_model, trained)
        names: Sequence[str] = described.class_names
        data.recordings = [
            replace(r, label="+".join(names[c] for c in r.classes) or r.label) for r in data.recordings
        ]
    else:
        data = _folder(job, path, data_options(run, config.recordings), trained)
    refuse_gone(data.recordings, data.facts.root, RECORDING)
    data.recordings = _classed(data, classes, several)
    data.recordings = [with_group(r, config.groups) for r in data.recordings]
    data.facts.groups = len({r.group for r in data.recordings})
    data.notes += trained_on(data.recordings, own, config.part if described is not None else "", RECORDING)
    return data


def _no_record(run: RunFolder | None) -> JobError:
    cure = "Choose the data (data=…): a folder of recordings, a table or a configuration."
    if run is None:
        return JobError(
            "The model is a file by itself: it does not say on which data it can be evaluated.", cure
        )
    return JobError(
        f"The run {run.name} has no record of its data any more ({run.dataset} is gone or damaged).", cure
    )


def _facts(config: EvaluateConfig, found: RecordingDescription, part: str) -> ClassData:
    return ClassData(
        source=config.data or "run", root=found.root, summary=found.summary(), fingerprint=found.fingerprint,
        split_hash=found.split_hash, part=part, part_asked=config.part, grouped_by=config.groups,
    )  # fmt: skip


def _described(path: Path) -> RecordingDescription | None:
    """Data that are divided already: those of another run, or of a configuration. None for a folder or a table."""
    if (path / "dataset" / "description.json").is_file():
        found = recorded(RunFolder(path))
        if found is None:
            raise JobError(f"The data of the run {path.name} cannot be read.", "Choose other data.")
        return found
    if path.suffix.lower() not in (".yaml", ".yml"):
        return None
    from src.tasks.bearing.describe import describe

    try:
        config = resolve(BearingConfig, [file_layer(path, BearingConfig)]).config
        found = describe(config, quick=True, store=False)
    except ConfigError as error:
        raise JobError(
            f"{path} cannot be read as data: {error}", "Correct it, or choose other data."
        ) from None
    if found.has_errors:
        first = next(f for f in found.findings if f.severity == "error")
        raise JobError(first.message, first.cure)
    return found


def _folder(
    job: Job, path: Path, options: SignalDataConfig, trained: Mapping[str, float] | None
) -> EvaluationData:
    """All labelled recordings of a folder or a table."""
    config: EvaluateConfig = job.config
    source = {"table": str(path)} if path.is_file() else {"folder": str(path)}
    options = options.model_copy(update=source)
    try:
        files = find_files(options, job.cancelled)
    except DatasetError as error:
        raise JobError(error.findings[0].message, error.findings[0].cure) from None
    for finding in files.findings:
        if finding.severity == "error":
            raise JobError(finding.message, finding.cure)
    found: list[Recording] = []
    left_out: list[tuple[str, str]] = []
    known: list[Known] = []
    for number, file in enumerate(files.files, start=1):
        job.progress(number, len(files.files), "Looking into files")
        try:
            known += known_in(file, options)
        except (UnreadableSignalError, OSError) as error:
            left_out.append((file.path, str(getattr(error, "strerror", None) or error)))
    label_all(known, options)
    for one in known:
        try:
            recordings = recordings_in_part(one, options)
        except (UnreadableSignalError, OSError) as error:
            left_out.append((one.source.path, str(getattr(error, "strerror", None) or error)))
            continue
        left_out += [(one.source.path, "it has no label") for r in recordings[:1] if not r.label]
        found += [r for r in recordings if r.label]
    bearings = {bearing_of([one]) for one in known}
    if not found:
        reason = left_out[0][1] if left_out else "none was found"
        raise JobError(f"{path} holds no labelled recordings: {reason}.",
                       "Say where the labels are (recordings.facts.label, recordings.name_pattern).")  # fmt: skip
    facts = ClassData(
        source=config.data, root=files.root, summary=counted(len(found), *RECORDING), part="all",
        part_asked="all", grouped_by=config.groups,
    )  # fmt: skip
    named_bearing = bearings.pop() if len(bearings) == 1 else ""
    orders = orders_of(options, named_bearing, trained)
    grouped = [replace(r, group=r.bearing or r.recording) for r in found]
    return EvaluationData(grouped, facts, orders, left_out=left_out)


def _classed(data: EvaluationData, classes: Sequence[str], several: bool) -> list[Recording]:
    """The recordings with the model's class numbers; labels that it does not know are left out, and it is said.

    A label is the class of its name, or the only one that means the same part of the bearing.

    Raises:
        JobError: The model knows none of the labels.
    """
    number = {name: k for k, name in enumerate(classes)}
    parts: dict[str, list[int]] = {}
    for name, k in number.items():
        parts.setdefault(fault_of(name), []).append(k)

    def class_of(label: str) -> int | None:
        same = parts.get(fault_of(label), []) if fault_of(label) else []
        return number.get(label, same[0] if len(same) == 1 else None)

    kept, unknown = [], set()
    for recording in data.recordings:
        labels = faults_in(recording.label) if several else [recording.label]
        found = [class_of(label) for label in labels]
        if None in found:
            unknown.add(recording.label)
            data.left_out.append(
                (recording.file, f"the model has no class for its label “{recording.label}”")
            )
            continue
        kept.append(replace(recording, classes=tuple(sorted({k for k in found if k is not None}))))
    if not kept:
        raise JobError(f"The model knows none of the labels: the data have {listed(sorted(unknown), 8)}, the model has "
                       f"{listed(list(classes), 8)}.", "Name the labels as in the training, or choose other data.")  # fmt: skip
    if unknown:
        text = (
            f"Recordings with labels that the model does not know are left out: {listed(sorted(unknown), 8)}."
        )
        data.notes.append(Finding("warning", "evaluation.unknown_labels", text, "", named(sorted(unknown))))
    return kept

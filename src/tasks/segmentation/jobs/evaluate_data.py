"""Which images an evaluation looks at, and whether they fit the model. Torch-free."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from src.core.config import ConfigError, file_layer, resolve
from src.core.dataset.config import ImageDataConfig, MaskConfig, SplitConfig
from src.core.dataset.describe import describe
from src.core.dataset.description import DatasetDescription
from src.core.dataset.findings import IMAGE, DatasetError, Finding, listed
from src.core.dataset.formats import recognise
from src.core.dataset.masks import MaskMeaning
from src.core.dataset.records import Sample
from src.core.dataset.splitting.grouping import group_keys
from src.core.evaluation.parts import refuse_gone, take_part, trained_on
from src.core.evaluation.pieces import DataFacts
from src.core.job import JobError
from src.core.run.folder import RunFolder
from src.tasks.segmentation.config import SegmentationConfig
from src.tasks.segmentation.jobs.evaluate_config import EvaluateConfig

Progress = Callable[[int, int, str], None]


@dataclass
class EvaluationData:
    """What is evaluated.

    Attributes:
        samples: The images that are judged.
        validation: Those that thresholds are chosen on; empty where there are none.
        facts: For the document.
        meaning: Of the masks of `samples`, its classes in the order of the model's.
        validation_meaning: Of the masks of `validation`.
        notes: What must be said beside the numbers.
        left_out: Files that were found unusable already, with the reason.
    """

    samples: list[Sample]
    facts: DataFacts
    meaning: MaskMeaning
    validation: list[Sample] = field(default_factory=list)
    validation_meaning: MaskMeaning | None = None
    notes: list[Finding] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)

    @property
    def validates_itself(self) -> bool:
        """The evaluated images are the validation images."""
        return bool(self.samples) and {s.image for s in self.samples} == {s.image for s in self.validation}


def choose_data(
    config: EvaluateConfig,
    run: RunFolder | None,
    classes: Sequence[str],
    model: MaskMeaning,
    progress: Progress,
) -> EvaluationData:
    """The images that the configuration asks for.

    Args:
        run: Of the model; None for a file by itself.
        classes: Of the model, the background included.
        model: What the masks meant in its training.

    Raises:
        JobError: there are none, or their classes are not the model's.
    """
    recorded = _recorded(run)
    if config.data:
        found, divided = _given(config.data, model, progress)
    elif recorded is None:
        raise _no_record(run)
    else:
        found, divided = recorded, True
    data = _take_part(config, found, divided)
    if found.meaning is None:
        raise _unusable(found, config.data)
    data.meaning = same_classes(classes, model, found.meaning, config.data or "the run's data")
    validation = recorded if recorded is not None and recorded.samples["val"] else found if divided else None
    if validation is not None and validation.meaning is not None:
        data.validation = list(validation.samples["val"])
        data.validation_meaning = same_classes(classes, model, validation.meaning, "the validation data")
    _refuse_gone(data, config)
    data.samples = grouped(data.samples, config.groups, config.group_pattern)
    data.facts.groups = len({s.group for s in data.samples})
    data.facts.grouped_by = config.group_pattern if config.groups == "pattern" else config.groups
    data.notes += trained_on(data.samples, recorded, config.part if divided else "", IMAGE)
    return data


def _recorded(run: RunFolder | None) -> DatasetDescription | None:
    if run is None:
        return None
    try:
        return DatasetDescription.load(run.dataset)
    except (OSError, ValueError):
        return None


def _no_record(run: RunFolder | None) -> JobError:
    if run is None:
        return JobError("The model is a file by itself: it does not say on which data it can be evaluated.",
                        "Choose the data (data=…): a folder of images and masks, a table or a configuration.")  # fmt: skip
    return JobError(f"The run {run.name} has no record of its data any more ({run.dataset} is gone or damaged).",
                    "Choose the data (data=…): a folder of images and masks, a table or a configuration.")  # fmt: skip


def _given(data: str, model: MaskMeaning, progress: Progress) -> tuple[DatasetDescription, bool]:
    """The data that a person named, and whether they are divided into parts."""
    path = Path(data).expanduser()
    if (path / "dataset" / "description.json").is_file():
        try:
            return DatasetDescription.load(path / "dataset"), True
        except ValueError as error:
            raise JobError(f"{error}.", "Choose other data.") from None
    try:
        options, whole = _options(path)
        if options.masks.meaning == "detect":
            found = _undeclared(options, model, progress)
        else:
            found = describe(options, progress, quick=True)
        return found, whole or found.split_given
    except ConfigError as error:
        raise JobError(
            f"{data} cannot be read as data: {error}", "Correct it, or choose other data."
        ) from None
    except DatasetError as error:
        first = next((f for f in error.findings if f.severity == "error"), error.findings[0])
        raise JobError(first.message, first.cure) from None


def _options(path: Path) -> tuple[ImageDataConfig, bool]:
    """The configuration of a folder, a table or a file, and whether its split is to be kept to."""
    if path.is_file() and path.suffix.lower() in (".yaml", ".yml"):
        return resolve(SegmentationConfig, [file_layer(path, SegmentationConfig)]).config.data, True
    found = recognise(path)
    if not found:
        raise JobError(f"No images with masks were found in {path}.",
                       "Choose a folder that holds “images” and “masks”, a table, or a configuration.")  # fmt: skip
    if not found[0].as_it_is:
        raise JobError(f"{path} holds annotations ({found[0].title}), not masks.",
                       "Import them first (Tools > Import, or app.py import), then evaluate on the result.")  # fmt: skip
    options = dict(found[0].options)
    if "config" in options:
        return _options(Path(str(options["config"])))
    return ImageDataConfig(**options), False


def _undeclared(options: ImageDataConfig, model: MaskMeaning, progress: Progress) -> DatasetDescription:
    """Masks whose meaning nobody declared mean what they meant in training, unless they are clearly written otherwise
    (an object as 1 and not as 255).
    """
    trained = model.to_config()
    found = describe(options.model_copy(update={"masks": trained}), progress, quick=True)
    if not _masks_doubtful(found):
        return found
    open_ = MaskConfig(classes=options.masks.classes or trained.classes, ignore_value=trained.ignore_value)
    other = describe(options.model_copy(update={"masks": open_}), progress, quick=True)
    return found if other.meaning is None and found.meaning is not None else other


def _masks_doubtful(found: DatasetDescription) -> bool:
    """Read as in training, these masks hold other values, or nothing: they may be written in another way."""
    return found.meaning is None or any(
        f.code.startswith("masks.") and f.severity != "notice" for f in found.findings
    )


def _unusable(found: DatasetDescription, data: str) -> JobError:
    first = next((f for f in found.findings if f.severity == "error"), None)
    if first is not None:
        return JobError(first.message, first.cure)
    return JobError(f"What the masks of {data or 'the run'} mean is not clear.",
                    "Choose a configuration that says it (data.masks).")  # fmt: skip


def same_classes(classes: Sequence[str], model: MaskMeaning, found: MaskMeaning, where: str) -> MaskMeaning:
    """The meaning of masks with its classes in the order of the model's.

    Raises:
        JobError: they are not the same classes; both are named.
    """
    if model.kind == found.kind == "binary":
        unnamed = found.classes[1] == "object" or classes[1] == "object"
        if unnamed or found.classes[1] == classes[1]:
            return replace(found, classes=(classes[0], classes[1]))
    elif model.kind == found.kind and set(found.classes) == set(classes):
        value = dict(zip(found.classes, found.values, strict=True))
        return replace(found, classes=tuple(classes), values=tuple(value[name] for name in classes))
    raise JobError(
        f"The classes of {where} are not those of the model. The model knows {listed(list(classes), 12)}; the data have "
        f"{listed(list(found.classes), 12)}.",
        "Evaluate on data with the model's classes, or name the classes of the data alike (data.masks.classes in a "
        "configuration).",
    )


def _take_part(config: EvaluateConfig, found: DatasetDescription, divided: bool) -> EvaluationData:
    samples, part, notes = take_part(config.part, found, divided, IMAGE)
    facts = DataFacts(
        source=config.data or "run", root=found.root, summary=found.summary(), fingerprint=found.fingerprint,
        split_hash=found.split_hash, part=part, part_asked=config.part if divided else "all",
    )  # fmt: skip
    left_out = found.quarantined if config.data and part == "all" else []
    meaning = found.meaning or MaskMeaning("binary")
    return EvaluationData(samples, facts, meaning, notes=notes, left_out=list(left_out))


def _refuse_gone(data: EvaluationData, config: EvaluateConfig) -> None:
    """See `refuse_gone`; without its validation images an evaluation goes on, and says so."""
    refuse_gone(data.samples, data.facts.root, IMAGE)
    if data.validation and not any(Path(s.image).exists() for s in data.validation):
        data.validation = []
        text = "The validation images of the run are gone, so no threshold can be chosen on them."
        data.notes.append(Finding("warning", "evaluation.validation_gone", text, f"Put the data back to {data.facts.root}."
                                  if not config.data else "Put the run's data back."))  # fmt: skip


def grouped(samples: Sequence[Sample], by: str, pattern: str) -> list[Sample]:
    """Samples with the groups that were asked for; one that a pattern does not fit stands for itself.

    Raises:
        JobError: the pattern is no regular expression.
    """
    if by == "data":
        return list(samples)
    kind: Any = "none" if by == "image" else by
    try:
        keys = group_keys([s.id for s in samples], SplitConfig(group_by=kind, group_pattern=pattern))
    except DatasetError as error:
        raise JobError(error.findings[0].message, error.findings[0].cure) from None
    return [replace(s, group=s.id if key is None else key) for s, key in zip(samples, keys, strict=True)]

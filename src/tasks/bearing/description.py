"""The torch-free side of bearing-fault diagnosis: choices, checks and what reads the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from src.core.config.idle import idle_options
from src.core.dataset.findings import Finding
from src.core.task_info import TaskInfo
from src.tasks.bearing.config import BearingConfig
from src.tasks.bearing.described import LOOK, RecordingDescription
from src.tasks.bearing.jobs import JOBS
from src.tasks.bearing.learning import check_learning
from src.tasks.bearing.shapes import BEARINGS, geometry, rolling

METRICS = {
    "balanced_accuracy": "Balanced accuracy",
    "macro_f1": "Macro F1",
    "accuracy": "Accuracy",
    "recording_balanced_accuracy": "Balanced accuracy of recordings",
}
#: A folder is looked through so far for files of signals.
_LOOKED_AT = 2000
#: Suffixes that mean signals without doubt; tables of text may hold anything.
_CERTAIN = frozenset({".mat", ".wav", ".npy", ".h5", ".hdf5", ".parquet"})
_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif"})
#: So many tables are looked into; shorter ones are lists.
_TABLES, _LEAST_BYTES, _LEAST_SAMPLES = 3, 4096, 1024


def choices(name: str) -> Mapping[str, str]:
    """Values and labels of the lists that the schema names but does not hold."""
    if name == "metrics":
        return METRICS
    if name == "bearings":
        own = {"": "Measures of my own"}
        return own | {
            key: f"{key}  ({b.balls} × {b.ball_diameter_mm:g} mm; {b.source})" for key, b in BEARINGS.items()
        }
    return {}


def labels(config: BearingConfig) -> tuple[str, str]:
    """Two short words for the run's name: the folder of the recordings and the inputs."""
    source = (config.data.table and str(Path(config.data.table).parent)) or config.data.folder
    used = [key for key, value in config.inputs.model_dump().items() if value is True]
    return Path(source).name or "data", "-".join(used[:3]) or "model"


def check(config: BearingConfig, data: RecordingDescription | None) -> list[Finding]:
    """Findings on a configuration; with the description of the recordings also those that need both."""
    found = (
        _check_source(config) + _check_bearing(config) + check_learning(config, data) + idle_options(config)
    )
    return found if data is None else found + data.findings


def _check_source(config: BearingConfig) -> list[Finding]:
    data, found = config.data, []
    if not (data.folder or data.table):
        text = "No recordings were chosen."
        return [
            Finding(
                "error", "no-source", text, "Choose a folder of recordings, or a table.", ("data.folder",)
            )
        ]
    if data.folder and not Path(data.folder).is_dir():
        text = f"The folder {data.folder} does not exist."
        found.append(Finding("error", "folder-missing", text, "Choose an existing folder.", ("data.folder",)))
    if data.table and not Path(data.table).is_file():
        text = f"The table {data.table} does not exist."
        found.append(
            Finding(
                "error",
                "table-missing",
                text,
                "Choose an existing CSV file, or put it back.",
                ("data.table",),
            )
        )
    if data.split.val_fraction + data.split.test_fraction >= 1:
        text = "Validation and test take all recordings."
        found.append(
            Finding(
                "error", "no-training-share", text, "Lower one of the shares.", ("data.split.val_fraction",)
            )
        )
    if data.windows.unit == "samples" and data.windows.length != int(data.windows.length):
        text = f"A window of {data.windows.length:g} samples is none."
        found.append(
            Finding(
                "error",
                "windows.fraction",
                text,
                "Give a whole number, or seconds.",
                ("data.windows.length",),
            )
        )
    return found


def _check_bearing(config: BearingConfig) -> list[Finding]:
    options = config.data.bearing
    try:
        bearing = geometry(options)
    except ValueError as error:
        return [Finding("error", "bearing.measures", str(error), "", ("data.bearing",))]
    if bearing is not None and rolling(bearing) is None and config.inputs.lines:
        text = "A journal bearing has no fault frequencies: there are no fault lines to look at."
        cure = "Turn inputs.lines off, and choose another input."
        return [Finding("error", "bearing.no_lines", text, cure, ("inputs.lines",))]
    return []


def describe_data(
    config: BearingConfig,
    progress: Callable[[int, int, str], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    quick: bool = False,
    anew: bool = False,
    store: bool = True,
) -> RecordingDescription:
    """Read the recordings. Imported late: the window must not wait for the readers."""
    from src.tasks.bearing.describe import describe

    return describe(config, progress, cancelled, quick, anew, store)


def load_description(folder: Path, config: BearingConfig) -> RecordingDescription:
    """The description that a run wrote down, with what became of its files since."""
    return RecordingDescription.load(folder)


def recognise(path: Path) -> Mapping[str, Any] | None:
    """A folder that holds files of signals, in itself or in its sub-folders: tables of numbers only where no picture lies there."""
    if not path.is_dir():
        return None
    tables: list[Path] = []
    try:
        for file in islice(path.rglob("*"), _LOOKED_AT):
            suffix = file.suffix.lower()
            if file.name.startswith("."):
                continue
            if suffix in _CERTAIN:
                return {"folder": str(path)}
            if suffix in _PICTURES:
                return None
            if len(tables) < _TABLES and file.is_file() and file.stat().st_size > _LEAST_BYTES:
                tables.append(file)
    except OSError:
        return None
    return {"folder": str(path)} if _signals(tables) else None


def _signals(files: Sequence[Path]) -> bool:
    """Whether one of some files is a table of numbers as long as a signal."""
    from src.tasks.bearing.files import UnreadableSignalError, inspect_file, is_signal_file

    for file in files:
        try:
            if (
                is_signal_file(file)
                and max(inspect_file(file).channels.values(), default=0) >= _LEAST_SAMPLES
            ):
                return True
        except (UnreadableSignalError, OSError):
            continue
    return False


def explain(key: str, value: Any, _values: Mapping[str, Any]) -> str:
    """What a person should know of a way to divide."""
    if key == "data.split.group_by" and value == "windows":
        return (
            "Windows at random\nValidation then holds windows of the recordings that were learnt: the number is close to 1 "
            "whatever the model is worth on another bearing. The check shows by how much, on your data."
        )
    if key == "data.bearing.model" and value in BEARINGS:
        bearing = BEARINGS[value]
        orders = ", ".join(f"{part} {order:.4f}" for part, order in bearing.defect_orders().items())
        return f"{value}\nFault frequencies in multiples of the shaft's speed: {orders}; cage {bearing.ftf:.4f}. {bearing.source}."
    return ""


BEARING = TaskInfo(
    id="bearing",
    title="Bearing-fault diagnosis",
    about="Every recording of vibration gets the part that is damaged, or none.",
    config=BearingConfig,
    runtime="src.tasks.bearing.task:BearingTask",
    metrics=METRICS,
    choices=choices,
    labels=labels,
    check=check,
    describe=describe_data,
    load_description=load_description,
    estimate=lambda config: {},
    look=LOOK,
    recognise=recognise,
    explain=explain,
    jobs=JOBS,
    capabilities=frozenset({"mixing", "soft_targets", "distillation", "resizing"}),
)

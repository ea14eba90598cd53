"""Options of bearing-fault diagnosis. Torch-free; those of model, inputs and loss are in ``learning_config``."""

from __future__ import annotations

from typing import Literal

from src.core.config.conditions import unless, when
from src.core.config.fields import Section, option, section
from src.core.config.training import MonitoringConfig, RunConfig
from src.core.dataset.config import SplitConfig
from src.tasks.bearing.augmentation_config import AugmentationConfig
from src.tasks.bearing.learning_config import BearingModelConfig, BearingTrainingConfig, InputsConfig

_ONE_FOLD_EACH = unless("leave_one_out", because="each group is a fold of its own")
_NO_WINDOWS = unless("group_by", "windows", because="windows are divided at random")


class BearingSplitConfig(SplitConfig):
    """How recordings are divided; windows are cut afterwards, except for ``windows``."""

    group_by: Literal[
        "recording", "bearing", "load", "machine", "severity", "folder", "pattern", "column", "windows"
    ] = option(  # type: ignore[assignment]
        "recording", "Keep together", "What never stands on both sides of the split. Windows at random is there to compare "
        "with other people's numbers: it tests on recordings that were learnt.",
        choice_labels={"recording": "Each recording", "bearing": "Recordings of one bearing", "load": "Recordings at one load",
                       "machine": "Recordings of one machine", "severity": "Faults of one size",
                       "folder": "Recordings of one folder", "pattern": "A part of the file name",
                       "column": "Another field of names or table", "windows": "Nothing: windows at random (misleading)"},
    )  # fmt: skip
    group_column: str = option(
        "", "Group field", "Field of the name pattern, or column of the table, that names the group.",
        applies=[when("group_by", "column")],
    )  # fmt: skip
    leave_one_out: bool = option(
        False, "Leave one group out", "As many folds as there are groups: each group is validated on by a model that learnt "
        "from all others.", applies=[_NO_WINDOWS],
    )  # fmt: skip
    stratify_column: str = option(
        "", "Spread evenly", "Field of the name pattern, or column of the table, whose values are spread evenly over the "
        "parts; empty: the labels.", advanced=True,
    )  # fmt: skip
    join: Literal["none", "copies"] = option(  # type: ignore[assignment]
        "copies", "Join groups by", "Groups that hold copies of one file become one.", advanced=True,
        choice_labels={"none": "Nothing", "copies": "Exact copies"},
    )  # fmt: skip
    val_fraction: float = option(
        0.2, "Validation share", "Share of the recordings kept for validation.", gt=0, lt=1,
        applies=[unless("folds", because="each fold validates once"), _ONE_FOLD_EACH],
    )  # fmt: skip
    folds: int = option(
        0, "Folds", "Cross-validation: so many parts, each of which validates once; 0 splits once, by the shares.",
        ge=0, le=100, applies=[_ONE_FOLD_EACH],
    )  # fmt: skip
    fold: int = option(1, "Fold", "The fold that validates, from 1.", ge=1, le=1000)


class FactsConfig(Section):
    """Where the facts of each recording come from; empty looks for them under their usual names."""

    label: str = option(
        "", "Label from", "A field of the name pattern, a column of the table, a variable of the file; or the word folder, or the "
        "word part: the part of the bearing that folder or file name state.", group="Facts",
    )  # fmt: skip
    rate: str = option("", "Rate from", "Field, column or variable of the sampling rate in Hz.", group="Facts",
                       advanced=True, applies=[unless("rate_hz", because="one rate is given for all")])  # fmt: skip
    rate_hz: float = option(
        0.0, "Sampling rate", "One rate for all recordings; 0 takes what files, table or names say.", unit="Hz", ge=0,
        le=1e9, group="Facts",
    )  # fmt: skip
    speed: str = option("", "Speed from", "Field, column or variable of the shaft's speed.", group="Facts",
                        advanced=True, applies=[unless("speed_rpm", because="one speed is given for all")])  # fmt: skip
    speed_rpm: float = option(
        0.0, "Speed", "One speed for all recordings; 0 takes what files, table or names say.", unit="rev/min", ge=0,
        le=1e6, group="Facts",
    )  # fmt: skip
    speed_unit: Literal["auto", "rpm", "hz"] = option(
        "auto", "Unit of the speed", "In which files, table or names write the speed. As stated: what value or name says (35Hz, "
        "speed_hz), else rev/min.", group="Facts", advanced=True,
        choice_labels={"auto": "As stated, else rev/min", "rpm": "rev/min", "hz": "rev/s (Hz)"},
        applies=[unless("speed_rpm", because="one speed is given for all")],
    )  # fmt: skip
    speed_end: str = option(
        "", "Speed at the end from", "Field, column or variable of the speed at the end of a recording in which it changes evenly; "
        "the speed is then that of the beginning.", group="Facts", advanced=True,
        applies=[unless("speed_rpm", because="one speed is given for all")],
    )  # fmt: skip
    tachometer: str = option(
        "", "Tachometer from", "Channel of the pulses of the shaft, from which the speed of each window follows. Without: a channel "
        "of the speed itself is known by its name, or given above.", group="Facts", advanced=True,
        applies=[unless("speed_rpm", because="one speed is given for all")],
    )  # fmt: skip
    pulses: int = option(
        1, "Pulses", "Of the tachometer in one turn of the shaft.", unit="pulses/rev", ge=1, le=100_000, group="Facts", advanced=True,
        applies=[when("tachometer", because="there is no tachometer")],
    )  # fmt: skip
    load: str = option(
        "", "Load from", "Field, column or variable of the load.", group="Facts", advanced=True
    )
    bearing: str = option(
        "",
        "Bearing from",
        "Field, column or variable that names the single bearing.",
        group="Facts",
        advanced=True,
    )
    machine: str = option(
        "", "Machine from", "Field, column or variable that names the machine.", group="Facts", advanced=True
    )
    severity: str = option(
        "", "Fault size from", "Field, column or variable of the fault's size.", group="Facts", advanced=True
    )


class WindowConfig(Section):
    """The pieces that the network sees; they are cut after the split."""

    length: float = option(0.5, "Window", "Length of a window.", gt=0, le=1e8, group="Windows")
    unit: Literal["s", "samples"] = option(
        "s", "Unit of the window", "Seconds, or samples at the rate after conversion.", group="Windows",
        choice_labels={"s": "Seconds", "samples": "Samples"},
    )  # fmt: skip
    overlap: float = option(
        0.5, "Overlap", "Share of a window that the next one repeats.", ge=0, le=0.99, group="Windows"
    )
    resample_hz: float = option(
        0.0, "Convert to", "All recordings are brought to this rate, with a filter against aliasing; 0 keeps their rate, or "
        "takes the lowest where they differ.", unit="Hz", ge=0, le=1e8, group="Windows",
    )  # fmt: skip


_ROLLING = when("kind", "rolling")
_OWN = [_ROLLING, unless("model", because="the bearing is taken from the table")]
_JOURNAL = when("kind", "journal")


class GeometryConfig(Section):
    """What the bearing is made of: the frequencies at which its faults show follow from it."""

    kind: Literal["unknown", "rolling", "journal"] = option(
        "unknown", "Kind", "Rolling bearings have fault frequencies, journal bearings a Sommerfeld number.", group="Bearing",
        choice_labels={"unknown": "Not known", "rolling": "Rolling bearing", "journal": "Journal bearing"},
    )  # fmt: skip
    model: str = option(
        "", "Designation", "A bearing of the table; empty: the measures below.", choices_from="bearings", group="Bearing",
        applies=[_ROLLING],
    )  # fmt: skip
    balls: int = option(0, "Rolling elements", "Balls or rollers in one row.", ge=0, le=1000, group="Bearing",
                        applies=_OWN)  # fmt: skip
    ball_diameter_mm: float = option(
        0.0,
        "Ball diameter",
        "Diameter of one ball or roller.",
        unit="mm",
        ge=0,
        le=1e4,
        group="Bearing",
        applies=_OWN,
    )
    pitch_diameter_mm: float = option(
        0.0, "Pitch diameter", "Diameter of the circle through the balls' centres.", unit="mm", ge=0, le=1e5,
        group="Bearing", applies=_OWN,
    )  # fmt: skip
    contact_angle_deg: float = option(
        0.0, "Contact angle", "Angle between load and radial plane; 0 for deep groove.", unit="°", ge=0, lt=90,
        group="Bearing", applies=_OWN,
    )  # fmt: skip
    radius_mm: float = option(0.0, "Journal radius", "Radius of the shaft in the bearing.", unit="mm", ge=0, le=1e5,
                              group="Bearing", applies=[_JOURNAL])  # fmt: skip
    clearance_mm: float = option(0.0, "Radial clearance", "Bearing radius less journal radius.", unit="mm", ge=0, le=1e4,
                                 group="Bearing", applies=[_JOURNAL])  # fmt: skip
    length_mm: float = option(0.0, "Length", "Length of the bearing along the shaft.", unit="mm", ge=0, le=1e5,
                              group="Bearing", applies=[_JOURNAL])  # fmt: skip
    viscosity_pa_s: float = option(
        0.0, "Viscosity", "Of the oil at its working temperature; the Sommerfeld number needs it.", unit="Pa·s", ge=0, le=100,
        group="Bearing", applies=[_JOURNAL],
    )  # fmt: skip
    load_newton: float = option(
        0.0, "Radial load", "Force on the bearing; the Sommerfeld number needs it.", unit="N", ge=0, le=1e9, group="Bearing",
        applies=[_JOURNAL],
    )  # fmt: skip


class SignalDataConfig(Section):
    """Recordings: from a folder or a table."""

    folder: str = option(
        "", "Recordings", "Folder of the recordings; sub-folders are read too. With a table: where its paths are looked for "
        "too.", path="folder", group="Source",
    )  # fmt: skip
    table: str = option(
        "", "Table", "CSV file with a row a recording; paths are relative to it.", path="file", group="Source"
    )
    file_column: str = option(
        "file", "File column", "Column of the recording's path.", advanced=True, group="Source",
        applies=[when("table", because="there is no table")],
    )  # fmt: skip
    name_pattern: str = option(
        "", "Name pattern", "How names are written, such as {label}_{load}_{speed}rpm: each bracket is a field, * is anything. "
        "A regular expression with (?P<label>…) may stand here too.", group="Source",
    )  # fmt: skip
    channel: str = option(
        "", "Channel", "Variable or column of the signal, with * for what changes from file to file; several, separated by "
        "commas, make a recording each. Empty chooses and says which.", group="Source",
    )  # fmt: skip
    exclude: str = option(
        "", "Left out", "Text file with the ids of the recordings to leave out, one a line.", path="file", group="Source",
        advanced=True,
    )  # fmt: skip
    facts: FactsConfig = section(FactsConfig, "Facts")
    classes: list[str] = option(
        list, "Classes", "The labels to tell apart, in this order; recordings of other labels are left out. Empty: all, by "
        "their names.", group="Labels",
    )  # fmt: skip
    rename: str = option(
        "", "Rename labels", "What labels mean, such as KA*=outer, KI*=inner: those that fit a left side get the name on its right, "
        "* is anything. Folders and file names that fit are labels, too, where nothing else is.", group="Labels",
    )  # fmt: skip
    several_faults: bool = option(
        False, "Several faults at once", "A label such as inner+ball names two faults, and “normal” is none of them.",
        group="Labels",
    )  # fmt: skip
    windows: WindowConfig = section(WindowConfig, "Windows")
    augmentation: AugmentationConfig = section(AugmentationConfig, "Augmentation")
    bearing: GeometryConfig = section(GeometryConfig, "Bearing")
    split: BearingSplitConfig = section(BearingSplitConfig, "Split")


class BearingMonitoringConfig(MonitoringConfig):
    """What a run keeps and shows."""

    best_metric: str = option(
        "balanced_accuracy", "Best by", "The validation value by which the best model is chosen.", choices_from="metrics",
        group="Best model",
    )  # fmt: skip


class BearingConfig(RunConfig):
    """The whole configuration of a run on recordings."""

    task: Literal["bearing"] = option("bearing", "Task", "The training problem.")
    model: BearingModelConfig = section(BearingModelConfig, "")
    inputs: InputsConfig = section(InputsConfig, "Inputs")
    training: BearingTrainingConfig = section(BearingTrainingConfig, "")  # type: ignore[assignment]
    monitoring: BearingMonitoringConfig = section(BearingMonitoringConfig, "")  # type: ignore[assignment]
    data: SignalDataConfig = section(SignalDataConfig, "")

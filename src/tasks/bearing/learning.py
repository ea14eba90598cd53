"""Whether inputs, network, loss and teacher fit the recordings. Torch-free."""

from __future__ import annotations

from src.core.config.mixing import check_mixing
from src.core.dataset.findings import Finding, counted, named
from src.core.run.teacher import check_teacher
from src.tasks.bearing.config import BearingConfig
from src.tasks.bearing.described import RecordingDescription
from src.tasks.bearing.learning_config import PICTURES
from src.tasks.bearing.naming import fault_of
from src.tasks.bearing.recordings import RECORDING
from src.tasks.bearing.shapes import geometry, rolling
from src.tasks.bearing.teacher import teacher_differences

_PARTS = ("inner", "outer", "ball")


def check_learning(config: BearingConfig, data: RecordingDescription | None) -> list[Finding]:
    """Findings on what the network sees, on what the loss asks for, and on the teacher."""
    inputs, loss = config.inputs, config.training.loss
    found = []
    if not inputs.used:
        found.append(Finding("error", "inputs.none", "No input is switched on: the network would see nothing.",
                             "Turn one on; the fault lines are the usual one.", ("inputs.lines",)))  # fmt: skip
    if inputs.band == "set" and inputs.band_low >= inputs.band_high:
        text = f"The envelope band from {inputs.band_low:g} to {inputs.band_high:g} Hz is empty."
        found.append(
            Finding(
                "error",
                "inputs.band",
                text,
                "Its upper end must lie above its lower one.",
                ("inputs.band_high",),
            )
        )
    found += check_mixing(config.training.regularisation) + _about_teacher(config, data)
    if config.data.augmentation.masks_pictures and not any(name in PICTURES for name in inputs.used):
        text = "Masks of pictures do nothing: no input is a picture."
        cure = "Set them to 0, or turn a spectrogram, wavelets or Wigner-Ville on."
        keys = ("data.augmentation.mask_frequencies", "data.augmentation.mask_times")
        found.append(Finding("notice", "option.no_effect", text, cure, keys))
    if config.model.patch_drop and not config.model.transforms_patches(inputs):
        text = "Leaving out patches does nothing: no input goes to a patch transformer."
        cure = "Set it to 0, or choose the patch transformer for signals or spectra."
        found.append(Finding("notice", "option.no_effect", text, cure, ("model.patch_drop",)))
    if data is None:
        return found
    if inputs.band == "set" and (rate := data.window[2]) and inputs.band_high > rate / 2:
        text = f"The envelope band ends at {inputs.band_high:g} Hz, above half the sampling rate ({rate / 2:g} Hz)."
        found.append(Finding("error", "inputs.band", text, "Choose a lower band.", ("inputs.band_high",)))
    try:
        bearing = rolling(geometry(config.data.bearing, data.bearing_model))
    except ValueError:  # said by the check of the measures
        return found
    if inputs.lines or loss.physics:
        found += _about_lines(config, data, bearing is not None)
    if inputs.lines or loss.physics or (inputs.envelope and inputs.axis == "order"):
        found += _about_speed(config, data)
    return found


def _about_teacher(config: BearingConfig, data: RecordingDescription | None) -> list[Finding]:
    rate = config.data.windows.resample_hz if data is None else data.window[2]
    return check_teacher(
        config, None if data is None else list(data.class_names),
        lambda facts, name: teacher_differences(facts, name, config.inputs, config.data.several_faults, rate),
    )  # fmt: skip


def _about_lines(config: BearingConfig, data: RecordingDescription, bearing: bool) -> list[Finding]:
    key = "inputs.lines" if config.inputs.lines else "training.loss.physics"
    what = "fault lines" if config.inputs.lines else "physics term"
    cure = (
        "Give the bearing (data.bearing.kind=rolling with data.bearing.model, or its measures), or see the envelope spectrum "
        "instead (inputs.lines=false inputs.envelope=true)."
        if config.inputs.lines
        else "Give the bearing under Bearing, or set the weight to 0."
    )
    if not bearing:
        text = f"The {what} cannot be placed: the bearing is not known."
        return [Finding("error", "inputs.no_bearing", text, cure, (key, "data.bearing"))]
    if data.class_names and not any(fault_of(name) in _PARTS for name in data.class_names):
        names = ", ".join(data.class_names[:6])
        text = f"The {what} belong to inner race, outer race and ball, and none of the classes names one of them ({names})."
        cure = "Name the classes after the parts, or see the envelope spectrum instead (inputs.lines=false inputs.envelope=true)."
        return [Finding("error", "inputs.no_parts", text, cure, (key,))]
    return []


def _about_speed(config: BearingConfig, data: RecordingDescription) -> list[Finding]:
    without = [r.id for r in data.all_samples if not r.speed > 0]
    if not without:
        return []
    if not (config.inputs.lines or (config.inputs.envelope and config.inputs.axis == "order")):
        text = f"The speed of {counted(len(without), *RECORDING)} is not known: the physics term says nothing about them."
        return [Finding("warning", "inputs.no_speed", text, "Give their speed.", named(without))]
    text = f"The speed of {counted(len(without), *RECORDING)} is not known, and the network looks at multiples of it."
    cure = (
        "Give their speed, leave them out, or see the envelope spectrum in Hz (inputs.lines=false inputs.envelope=true "
        "inputs.axis=hz)."
    )
    return [Finding("error", "inputs.no_speed", text, cure, named(without))]

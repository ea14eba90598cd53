"""Whether a trained model of recordings sees what a training computes, so that it can teach it. Torch-free."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from src.core.dataset.findings import Finding
from src.core.run.teacher import TEACHER
from src.tasks.bearing.learning_config import PICTURES, InputsConfig

_BAND = ("highest_order", "order_step", "band", "band_low", "band_high")
#: What each representation is computed by, beside the rate; the others follow from the window alone.
_DEPENDS: dict[str, tuple[str, ...]] = {
    "lines": (*_BAND, "harmonics", "around"),
    "envelope": (*_BAND, "axis", "highest_hz"),
    **dict.fromkeys(PICTURES, ("picture_side",)),
}
#: Rates that differ by less than this share are the same.
_SAME_RATE = 1e-3


def teacher_differences(
    facts: Mapping[str, Any], name: str, inputs: InputsConfig, several: bool, rate: float
) -> list[Finding]:
    """What keeps a model from teaching, apart from its classes.

    Args:
        facts: What the file of the model says of itself.
        name: Of the model.
        inputs, several: Of the training.
        rate: Hz of its windows; 0 where it is not known yet, and is not compared.
    """
    try:
        theirs = InputsConfig(**facts["inputs"])
        their_rate, their_several = float(facts["rate"]), bool(facts["several_faults"])
    except (KeyError, TypeError, ValueError, ValidationError):
        text = f"The file of the teacher {name} does not say what it looks at."
        return [Finding("error", "teacher-differs", text, "Choose a model of recordings.", (TEACHER,))]
    found = []
    if missing := [k for k in theirs.used if k not in inputs.used]:
        text = (
            f"The teacher {name} looks at inputs that this training does not compute: {', '.join(missing)}."
        )
        cure = f"Turn them on too: {' '.join(f'inputs.{k}=true' for k in missing)}."
        found.append(_error(text, cure, *(f"inputs.{k}" for k in missing)))
    if unlike := _unlike(theirs, inputs):
        text = f"The inputs of the teacher {name} were computed in another way ({', '.join(unlike)})."
        cure = f"Set {' '.join(f'inputs.{k}={getattr(theirs, k)}' for k in unlike)}, as the teacher had it."
        found.append(_error(text, cure, *(f"inputs.{k}" for k in unlike)))
    if rate > 0 and abs(their_rate / rate - 1) > _SAME_RATE:
        text = f"The teacher {name} looks at signals of {their_rate:g} Hz, this training at those of {rate:g} Hz."
        cure = f"Set data.windows.resample_hz={their_rate:g}, or choose another teacher."
        found.append(_error(text, cure, "data.windows.resample_hz"))
    if their_several != several:
        said = ("answers for each fault by itself", "names one class of all")
        text = f"The teacher {name} {said[not their_several]}; this training {said[not several]}."
        cure = f"Set data.several_faults={str(their_several).lower()}, or choose another teacher."
        found.append(_error(text, cure, "data.several_faults"))
    return found


def _error(text: str, cure: str, *keys: str) -> Finding:
    return Finding("error", "teacher-differs", text, cure, (TEACHER, *keys))


def _unlike(theirs: InputsConfig, ours: InputsConfig) -> list[str]:
    """Options that differ and on which an input of the teacher depends."""
    wanted = {option for name in theirs.used for option in _DEPENDS.get(name, ())}
    if theirs.band == ours.band != "set":
        wanted -= {"band_low", "band_high"}
    if theirs.axis == ours.axis == "order":
        wanted.discard("highest_hz")
    return [k for k in InputsConfig.model_fields if k in wanted and getattr(theirs, k) != getattr(ours, k)]

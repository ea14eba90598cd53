"""A trained model of recordings, read back from its file."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError
from torch import nn

from src.core.engine.checkpoint import CheckpointError, load_into, read_state
from src.core.job import JobError
from src.core.run.model_source import ModelSource
from src.models.signal_branches import BranchModel
from src.tasks.bearing.inputs import InputMaker
from src.tasks.bearing.learning_config import BearingModelConfig, InputsConfig
from src.tasks.bearing.networks import build_network
from src.tasks.bearing.teacher import teacher_differences
from src.tasks.bearing.windows import WindowShape


@dataclass(frozen=True)
class LoadedModel:
    """A model and all that is needed to use it.

    Attributes:
        network: In evaluation mode, on the CPU.
        maker: Computes its inputs.
        classes, several: Names of the classes, and whether more than one may hold.
        shape: Of the windows that it was trained on.
    """

    network: BranchModel
    maker: InputMaker
    classes: tuple[str, ...]
    several: bool
    shape: WindowShape


def load_model(source: ModelSource) -> LoadedModel:
    """The model behind a source.

    Raises:
        JobError: It is no model of recordings, or its file is damaged.
    """
    facts = source.facts
    if facts.get("task") != "bearing":
        raise JobError(
            f"{source.name} is not a model of recordings.", "Choose a run that was trained on recordings."
        )
    try:
        state, _ = read_state(source.path)
        maker = InputMaker(InputsConfig(**facts["inputs"]), float(facts["rate"]), facts["orders"])
        network = build_network(BearingModelConfig(**facts["model"]), maker, facts["classes"])
        load_into(network, state["model"], source.path.name)
        shape = WindowShape(*facts["window"])
    except (CheckpointError, ValidationError, KeyError, TypeError, ValueError) as error:
        raise JobError(
            f"{source.name} cannot be loaded: {error}", "Train it anew with this version."
        ) from None
    return LoadedModel(network.eval(), maker, tuple(facts["classes"]), bool(facts["several_faults"]), shape)


def load_teacher(source: ModelSource, inputs: InputsConfig, several: bool, rate: float) -> nn.Module:
    """A trained network that takes the inputs of this training; see `teacher_differences`.

    Raises:
        JobError: It cannot be loaded, or looks at something else.
    """
    loaded = load_model(source)
    if differences := teacher_differences(source.facts, source.name, inputs, several, rate):
        raise JobError(differences[0].message, differences[0].cure)
    return loaded.network
